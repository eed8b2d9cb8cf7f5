/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/run/plan.h"
#include "graph/ops/resize-params.h"

G_BEGIN_DECLS

/* Returns whether @node resizes rows and columns of pictures by the nearest
 * pixel or linearly, which the kernels do. @resize: (out): its parameters. */
gboolean unet_resize_is_simple (
    const UnetPlan *plan, const UnetNode *node, UnetResize *resize);

G_END_DECLS
