/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Kernels that move low-precision values unchanged. */

#include "engine/kernels/int8-tensor.h"
#include "engine/kernels/kernel.h"

G_BEGIN_DECLS

/* Copies @bytes of each of n * h * w pixels from ptr[0] to ptr[1]. Steps and
 * offsets count bytes. */
typedef struct {
  gint64 n, h, w, bytes;
  UnetPixels src, dst;
  gint64 src_offset, dst_offset;
} UnetInt8Move;
void unet_kernel_int8_move (
    gconstpointer params, gpointer const *ptr, guint threads);

/* The same after clearing all of ptr[1]. */
void unet_kernel_int8_pad (
    gconstpointer params, gpointer const *ptr, guint threads);

/* ptr[0] has r*r groups of @bytes for each of n * h * w pixels; ptr[1] is r
 * times as high and wide. Steps count bytes. */
typedef struct {
  gint64 n, h, w, r, bytes;
  UnetPixels dst;
} UnetInt8DepthToSpace;
void unet_kernel_int8_depth_to_space (
    gconstpointer params, gpointer const *ptr, guint threads);

G_END_DECLS
