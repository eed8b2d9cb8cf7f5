/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/kernels/int8-tensor.h"
#include "engine/kernels/kernel.h"

G_BEGIN_DECLS

/* Maximum of 2x2 pixels with stride 2. n, h, w and c are the result's. */
typedef struct {
  UnetElementType type;
  gint64 n, h, w, c;
  UnetPixels src, dst;
} UnetInt8MaxPool2;
void unet_kernel_int8_max_pool2 (
    gconstpointer params, gpointer const *ptr, guint threads);

/* factor * mean, or factor * maximum, of each channel, as f32. */
typedef struct {
  UnetElementType type;
  gint64 n, h, w, c;
  UnetPixels src;
  gfloat factor;
  gboolean maximum;
} UnetInt8GlobalPool;
void unet_kernel_int8_global_pool (
    gconstpointer params, gpointer const *ptr, guint threads);

G_END_DECLS
