/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/lower/lower.h"
#include "graph/ops/window.h"

G_BEGIN_DECLS

/* Adds a step that computes the convolution @node to @dst. */
gboolean unet_emit_few_channels (UnetPlan *plan, UnetNode *node,
    const UnetWindow *window, guint n_post_ops, const UnetLoc *dst,
    GError **error);

G_END_DECLS
