/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Transforms of Winograd's minimal filtering F(4x4, 3x3) for blocked tensors
 * (A. Lavin and S. Gray, "Fast algorithms for convolutional neural networks",
 * 2015, section 4.3, with the interpolation points 0, 1, -1, 2, -2): a 4x4
 * tile of outputs costs 36 multiplications per channel pair instead of 144.
 * The 36 matrix products between the transforms are the caller's. */

#include "kernels.h"

G_BEGIN_DECLS

/* Output tiles count row by row from the top left, @tiles_x to a row. The
 * transformed tensors are [36][tiles of the block][channels], @stride floats
 * from one of the 36 to the next. */
typedef struct {
  UnetVec src, dst;
  gint64 pad_y, pad_x;
  gint64 tiles_x, tiles_y;
  /* what follows the product, in this order: */
  gboolean add;    /* adds what lies in the output already */
  gfloat slope;    /* of negative values: 1 none, 0 ReLU */
  gfloat low, high;
} UnetWinogradShape;

/* Input tiles [first, first + n) of picture @image. */
void unet_winograd_input (const UnetWinogradShape *shape, const gfloat *src,
    gint64 image, gint64 first, gint64 n, gfloat *out, gint64 stride);
/* Output tiles likewise; @bias has dst.blocks * dst.vec entries. */
void unet_winograd_output (const UnetWinogradShape *shape, const gfloat *in,
    gint64 stride, const gfloat *bias, gint64 image, gint64 first, gint64 n,
    gfloat *dst);
/* [oc][ic][3][3] to [36][ic padded][oc padded], in double precision. */
void unet_winograd_weights (const gfloat *weights, gint64 oc, gint64 ic,
    gint64 oc_padded, gint64 ic_padded, gfloat *out);

/* One compiled variant: for vectors of 8 and 16 lanes. */
typedef struct {
  void (*input[2]) (const UnetWinogradShape *, const gfloat *src,
      gint64 first, gint64 n, gfloat *out, gint64 stride);
  void (*output[2]) (const UnetWinogradShape *, const gfloat *in,
      gint64 stride, const gfloat *bias, gint64 first, gint64 n, gfloat *dst);
} UnetWinogradIsa;
extern const UnetWinogradIsa unet_winograd_generic, unet_winograd_avx2,
    unet_winograd_avx512;

G_END_DECLS
