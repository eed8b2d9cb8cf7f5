/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/choose/winograd-fusion.h"
#include "engine/lower/lower.h"
#include "graph/ops/window.h"

G_BEGIN_DECLS

/* Adds a step that computes the convolution @node. @block: tiles at once.
 * @dst: (nullable) where fusion->unread. @add: (nullable): the residual, which
 * may lie at @dst. */
gboolean unet_emit_winograd (UnetPlan *plan, UnetNode *node,
    const UnetWindow *window, gint64 block, guint n_post_ops,
    const UnetLoc *dst, const UnetLoc *add, const UnetWinogradFusion *fusion,
    GError **error);

G_END_DECLS
