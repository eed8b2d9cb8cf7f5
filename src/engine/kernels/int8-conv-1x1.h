/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/kernels/int8-tensor.h"
#include "engine/kernels/kernel.h"

G_BEGIN_DECLS

/* More output channels do not fit the registers. */
#define UNET_INT8_CONV_1X1_CHANNELS 8

/* 1x1 convolution to few channels: ptr[0] low precision, ptr[1] f32 weights
 * [oc][c], ptr[2] f32 bias [oc], ptr[3] PLAIN f32. */
typedef struct {
  UnetElementType type;
  gint64 n, h, w, c, oc;
  UnetPixels src;
} UnetInt8Conv1x1;
void unet_kernel_int8_conv_1x1 (
    gconstpointer params, gpointer const *ptr, guint threads);

G_END_DECLS
