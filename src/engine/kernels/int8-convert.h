/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Kernels that change the type or the scale of values. */

#include "engine/kernels/int8-tensor.h"
#include "engine/kernels/kernel.h"

G_BEGIN_DECLS

/* round (factor * x), clipped to the type, from ptr[0] to ptr[1]. */
typedef struct {
  UnetElementType from, to;
  gint64 n, h, w, c;
  UnetPixels src, dst;
  gfloat factor;
} UnetInt8Convert;
void unet_kernel_int8_convert (
    gconstpointer params, gpointer const *ptr, guint threads);

/* Looks each byte of ptr[0] up in ptr[1], a table of 256; ptr[2] results. */
typedef struct {
  gint64 n, h, w, c;
  UnetPixels src, dst;
} UnetInt8Map;
void unet_kernel_int8_map (
    gconstpointer params, gpointer const *ptr, guint threads);

/* f32 tensors of any layout to low precision, round (factor * x), and back,
 * factor * x; ptr[0] to ptr[1]. */
typedef struct {
  UnetElementType type;
  UnetVec vec;       /* of the f32 side */
  UnetPixels pixels; /* of the other side */
  gfloat factor;
} UnetInt8Float;
void unet_kernel_int8_quantize (
    gconstpointer params, gpointer const *ptr, guint threads);
void unet_kernel_int8_dequantize (
    gconstpointer params, gpointer const *ptr, guint threads);

G_END_DECLS
