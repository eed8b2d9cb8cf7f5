/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Winograd's minimal filtering F(4x4, 3x3) for blocked tensors (A. Lavin and
 * S. Gray, "Fast algorithms for convolutional neural networks", 2015, section
 * 4.3, with the interpolation points 0, 1, -1, 2, -2): a 4x4 tile of outputs
 * costs 36 multiplications per channel pair instead of 144. */

#include "base/cpu.h"
#include "engine/kernels/kernel.h"

G_BEGIN_DECLS

typedef enum {
  UNET_WINOGRAD_POOL_NONE,
  UNET_WINOGRAD_POOL_MAX,
  UNET_WINOGRAD_POOL_MEAN,
} UnetWinogradPool;

/* The input channels that lie in one tensor. With @depth_to_space the tensor
 * is the result of a 1x1 convolution that the kernel reads as twice as high
 * and wide: pixel (y, x) lies at (y / 2, x / 2) of the channels' group
 * y % 2 * 2 + x % 2. */
typedef struct {
  gint64 blocks;
  gboolean depth_to_space;
} UnetWinogradSource;
#define UNET_WINOGRAD_SOURCES 6

typedef struct _UnetWinogradIsa UnetWinogradIsa;

/* Output tiles are numbered row by row from the top left, @tiles_x in a
 * row. */
typedef struct {
  const UnetWinogradIsa *isa; /* unet_winograd_isa () */
  UnetVec src, dst;
  guint n_sources; /* of src, one after the other */
  UnetWinogradSource sources[UNET_WINOGRAD_SOURCES];
  gint64 pad_y, pad_x;
  gint64 tiles_x, tiles_y;
  /* applied to each sum, in this order: */
  gboolean add;   /* adds UnetWinogradData.add */
  gfloat slope;   /* of negative values: 1 none, 0 ReLU */
  gboolean clips; /* to low and high */
  gfloat low, high;
  UnetWinogradPool pool; /* of 2x2 to UnetWinogradData.pool as well */
  gint64 heads; /* outputs of the 1x1 convolution that follows; 0: none */
} UnetWinogradShape;

/* The operands for one picture. @add has the layout of @dst and may be the
 * same memory. With @dst %NULL only the pooled output and the heads are
 * written. */
typedef struct {
  const gfloat *src[UNET_WINOGRAD_SOURCES], *weights, *bias, *add;
  gfloat *dst, *pool;
  const gfloat *head_weights; /* [heads][channels of dst, padded] */
  gfloat *sums;               /* of the heads, [tiles][heads][16]: scratch */
} UnetWinogradData;

/* Returns the number of panels. A panel is two vectors of output channels; an
 * odd vector at the end is a panel of its own. */
gint64 unet_winograd_panels (const UnetWinogradShape *shape);

/* Transforms input tiles [first, first + n) of blocks [block, block + blocks)
 * to [36][n][channels], with @stride floats from one of the 36 to the next. */
void unet_winograd_input (const UnetWinogradShape *shape,
    const UnetWinogradData *data, gint64 block, gint64 blocks, gint64 first,
    gint64 n, gfloat *out, gint64 stride);
/* Computes one panel of outputs for these tiles. @scratch: 36 times
 * UNET_WINOGRAD_SCRATCH (n) floats. */
#define UNET_WINOGRAD_SCRATCH(n) ((n) *32 + 16)
void unet_winograd_panel (const UnetWinogradShape *shape,
    const UnetWinogradData *data, const gfloat *in, gint64 stride, gint64 panel,
    gint64 first, gint64 n, gfloat *scratch);
/* Writes the sums that the panels left for the heads, plus @bias, to @out: one
 * picture of [heads][h][w]. */
void unet_winograd_heads (const UnetWinogradShape *shape, const gfloat *sums,
    const gfloat *bias, gint64 first, gint64 n, gfloat *out);
/* Transforms [oc][ic][3][3] to panels of [36][ic padded][channels of the
 * panel], in double precision. @vec: channels of a vector */
void unet_winograd_weights (
    const gfloat *weights, gint64 oc, gint64 ic, gint64 vec, gfloat *out);
gsize unet_winograd_weights_size (gint64 oc, gint64 ic, gint64 vec);

/* One compiled variant, with functions for vectors of 8 and of 16 lanes. */
struct _UnetWinogradIsa {
  /* some blocks of one source */
  void (*input[2]) (const UnetWinogradShape *, const UnetWinogradSource *,
      const gfloat *src, gint64 block, gint64 blocks, gint64 first, gint64 n,
      gfloat *out, gint64 stride);
  /* [36][n][k] by [36][k][vectors], sums from the first to the last k */
  void (*product[2]) (const gfloat *in, gint64 in_stride, const gfloat *w,
      gint64 n, gint64 k, gint64 vectors, gfloat *out, gint64 out_stride);
  void (*output[2]) (const UnetWinogradShape *, const gfloat *in, gint64 stride,
      const UnetWinogradData *, gint64 block, gint64 blocks, gint64 first,
      gint64 n);
};
extern const UnetWinogradIsa unet_winograd_generic, unet_winograd_avx2,
    unet_winograd_avx512;
extern const UnetIsaVariant unet_winograd_variants[];
/* Returns the variant that this processor runs best. */
const UnetWinogradIsa *unet_winograd_isa (void);

G_END_DECLS
