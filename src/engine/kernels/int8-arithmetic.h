/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "engine/kernels/int8-tensor.h"
#include "engine/kernels/kernel.h"

G_BEGIN_DECLS

/* round (a * x + b * y), clipped to @low and the type; ptr[0] and ptr[1] to
 * ptr[2]. */
typedef struct {
  UnetElementType x, y, to;
  gint64 n, h, w, c;
  UnetPixels px, py, dst;
  gfloat a, b, low;
} UnetInt8Add;
void unet_kernel_int8_add (
    gconstpointer params, gpointer const *ptr, guint threads);

/* round (factor * x * y), clipped to @low and the type, with one f32 y in
 * ptr[1] for each channel of each picture; ptr[0] to ptr[2]. */
typedef struct {
  UnetElementType from, to;
  gint64 n, h, w, c;
  UnetPixels src, dst;
  gfloat factor, low;
} UnetInt8Scale;
void unet_kernel_int8_scale (
    gconstpointer params, gpointer const *ptr, guint threads);

G_END_DECLS
