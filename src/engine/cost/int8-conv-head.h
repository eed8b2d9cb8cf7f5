/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Convolutions from low precision to a few channels, mostly the last one of a
 * network, by kernels of this library. */

#include "engine/cost/int8-conv.h"
#include "engine/kernels/int8-conv-head.h"
#include "engine/kernels/int8-conv-1x1.h"

G_BEGIN_DECLS

/* Returns whether the kernel with int8 weights can compute @conv. */
gboolean unet_int8_head_fits (const UnetInt8Conv *conv);

/* Returns the kernel that computes @conv: UNET_CONV_F32_HEAD with f32 weights,
 * UNET_CONV_INT8_HEAD, or UNET_CONV_UNDECIDED for neither. @drafted: whether
 * conv->pd is there. Measures as the plan's tuning says. */
UnetConvKernel unet_int8_head_choose (
    const UnetInt8Conv *conv, gboolean drafted);

/* Returns parameters of unet_kernel_int8_conv_1x1(). */
UnetInt8Conv1x1 unet_int8_head_f32_shape (const UnetInt8Conv *conv);

/* Returns parameters (transfer full) of unet_kernel_int8_conv_head(). */
UnetInt8ConvHeadShape *unet_int8_head_shape (const UnetInt8Conv *conv);

G_END_DECLS
