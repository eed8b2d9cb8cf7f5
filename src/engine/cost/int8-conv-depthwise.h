/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Depthwise convolutions from int8 to int8 by a kernel of this library. */

#include "engine/cost/int8-conv.h"
#include "engine/kernels/int8-conv-depthwise.h"

G_BEGIN_DECLS

/* Returns whether the kernel can compute @conv. */
gboolean unet_int8_depthwise_fits (const UnetInt8Conv *conv);

/* Returns whether the kernel is faster than conv->pd, which must be there.
 * Measures both, or decides by rule, as the plan's tuning says. */
gboolean unet_int8_depthwise_is_faster (const UnetInt8Conv *conv);

/* Returns parameters (transfer full) of unet_kernel_int8_depthwise(). */
UnetInt8DepthwiseShape *unet_int8_depthwise_shape (const UnetInt8Conv *conv);

/* Sets the limits of the result, in its steps, as the post-ops ask for them.
 * Returns %FALSE where the post-ops do anything else. */
gboolean unet_int8_conv_find_limits (
    const UnetInt8Conv *conv, UnetInt8DepthwiseShape *shape);

G_END_DECLS
