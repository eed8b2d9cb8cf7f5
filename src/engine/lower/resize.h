/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/kernels/kernel.h"
#include "engine/lower/lower.h"
#include "engine/kernels/f32-resize.h"
#include "graph/ops/resize-params.h"

G_BEGIN_DECLS

/* Resize and Upsample. */
gboolean unet_lower_resize (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error);

/* Fills @tables: the rows and columns that each output pixel of @node is
 * computed from. */
void unet_resize_fill (
    const UnetResize *resize, const UnetNode *node, UnetResizeTables *tables);

G_END_DECLS
