/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Transposed convolutions of any kernel, stride, dilation and grouping as one
 * matrix product and a sum (col2im), or, depthwise, as the sum alone. */

#include "engine/run/plan.h"

G_BEGIN_DECLS

/* Returns whether that is quicker for @node in @layout than oneDNN's transposed
 * convolution: By rule where oneDNN has nothing but a reference implementation;
 * by measuring both where the plan measures. */
gboolean unet_deconv_col2im_pays (
    UnetPlan *plan, UnetNode *node, const UnetWindow *w, UnetMemLayout layout);
gboolean unet_lower_deconv_col2im (UnetPlan *plan, UnetNode *node,
    const UnetWindow *w, UnetMemLayout layout, GError **error);

G_END_DECLS
