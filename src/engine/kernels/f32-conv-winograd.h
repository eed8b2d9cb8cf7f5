/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Winograd's minimal filtering F(4x4, 3x3) for blocked tensors (A. Lavin and
 * S. Gray, "Fast algorithms for convolutional neural networks", 2015, section
 * 4.3, with the interpolation points 0, 1, -1, 2, -2): a 4x4 tile of outputs
 * costs 36 multiplications per channel pair instead of 144. */

#include "engine/kernels/f32.h"

G_BEGIN_DECLS

typedef enum {
  UNET_WINOGRAD_POOL_NONE,
  UNET_WINOGRAD_POOL_MAX,
  UNET_WINOGRAD_POOL_MEAN,
} UnetWinogradPool;

/* Channels of the input that lie in one tensor. @spread: it is the result of a
 * 1x1 convolution whose depth goes to space, so the pixel at (y, x) lies at
 * (y / 2, x / 2) of the channels' group y % 2 * 2 + x % 2. */
typedef struct {
  gint64 blocks;
  gboolean spread;
} UnetWinogradSource;
#define UNET_WINOGRAD_SOURCES 6

/* Output tiles count row by row from the top left, @tiles_x to a row. */
typedef struct {
  UnetVec src, dst;
  guint n_sources; /* of src, one after the other */
  UnetWinogradSource sources[UNET_WINOGRAD_SOURCES];
  gint64 pad_y, pad_x;
  gint64 tiles_x, tiles_y;
  /* what follows the product, in this order: */
  gboolean add;   /* adds UnetWinogradData.add */
  gfloat slope;   /* of negative values: 1 none, 0 ReLU */
  gboolean clips; /* to low and high */
  gfloat low, high;
  UnetWinogradPool pool; /* of 2x2 to UnetWinogradData.pool as well */
  gint64 heads; /* outputs of a 1x1 convolution that follows; 0: none */
} UnetWinogradShape;

/* Of one picture. @add lies as @dst does and may be the same; where @dst is
 * %NULL only what follows is written. */
typedef struct {
  const gfloat *src[UNET_WINOGRAD_SOURCES], *weights, *bias, *add;
  gfloat *dst, *pool;
  const gfloat *head_weights; /* [heads][channels of dst, padded] */
  gfloat *sums;               /* of the heads, [tiles][heads][16]: scratch */
} UnetWinogradData;

/* Output channels are worked off in panels of two vectors; an odd vector at
 * the end is a panel of its own. */
gint64 unet_winograd_panels (const UnetWinogradShape *shape);

/* Input tiles [first, first + n) of blocks [block, block + blocks) to
 * [36][n][channels], @stride floats from one of the 36 to the next. */
void unet_winograd_input (const UnetWinogradShape *shape,
    const UnetWinogradData *data, gint64 block, gint64 blocks, gint64 first,
    gint64 n, gfloat *out, gint64 stride);
/* The outputs of one panel for these tiles. @scratch: 36 times
 * UNET_WINOGRAD_SCRATCH (n) floats. */
#define UNET_WINOGRAD_SCRATCH(n) ((n) *32 + 16)
void unet_winograd_panel (const UnetWinogradShape *shape,
    const UnetWinogradData *data, const gfloat *in, gint64 stride, gint64 panel,
    gint64 first, gint64 n, gfloat *scratch);
/* What the panels have summed up for the heads, and @bias, to rows of @out:
 * one picture of [heads][h][w]. */
void unet_winograd_heads (const UnetWinogradShape *shape, const gfloat *sums,
    const gfloat *bias, gint64 first, gint64 n, gfloat *out);
/* [oc][ic][3][3] to panels of [36][ic padded][channels of the panel], in
 * double precision. @vec: channels of a vector */
void unet_winograd_weights (
    const gfloat *weights, gint64 oc, gint64 ic, gint64 vec, gfloat *out);
gsize unet_winograd_weights_size (gint64 oc, gint64 ic, gint64 vec);

/* One compiled variant: for vectors of 8 and 16 lanes. */
typedef struct {
  /* blocks of one source */
  void (*input[2]) (const UnetWinogradShape *, const UnetWinogradSource *,
      const gfloat *src, gint64 block, gint64 blocks, gint64 first, gint64 n,
      gfloat *out, gint64 stride);
  /* [36][n][k] by [36][k][vectors], sums from the first to the last k */
  void (*product[2]) (const gfloat *in, gint64 in_stride, const gfloat *w,
      gint64 n, gint64 k, gint64 vectors, gfloat *out, gint64 out_stride);
  void (*output[2]) (const UnetWinogradShape *, const gfloat *in, gint64 stride,
      const UnetWinogradData *, gint64 block, gint64 blocks, gint64 first,
      gint64 n);
} UnetWinogradIsa;
extern const UnetWinogradIsa unet_winograd_generic, unet_winograd_avx2,
    unet_winograd_avx512;

G_END_DECLS
