/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* int8 depthwise convolution in NHWC: integer sums, then a factor and a bias
 * for each channel, rounded once (fmaf), so that every instruction set gives
 * the same result. */

#include "base/cpu.h"
#include "engine/kernels/int8-tensor.h"

G_BEGIN_DECLS

/* Channels that are computed together. Where they do not divide the channels,
 * the last block overlaps the one before. */
#define UNET_INT8_DEPTHWISE_BLOCK      32
#define UNET_INT8_DEPTHWISE_MAX_KERNEL 5

typedef struct {
  gint64 n, c, ih, iw, oh, ow;
  gint64 kernel, stride, pad_y, pad_x; /* kernel 3 or 5, stride 1 or 2 */
  UnetPixels src, dst;
  gboolean src_signed, dst_signed;
  /* y = sum * factor + bias; with hard_swish
   * y = y * clip (y + 3, 0, 6) * swish;
   * what is written is y, rounded half to even and clipped */
  gboolean hard_swish;
  gfloat swish;
  gint low, high; /* no further than dst's type reaches */
} UnetInt8DepthwiseShape;

typedef struct _UnetInt8DepthwiseIsa UnetInt8DepthwiseIsa;

/* One compiled variant. @rows: the first pixels of the kernel's rows; NULL is
 * a row of zeros. @dst: one row. All blocks of some pixels are computed before
 * the next pixels, so memory is read in order. */
struct _UnetInt8DepthwiseIsa {
  const gchar *name;
  gint largest_weight; /* with larger ones sums are wrong */
  gsize (*block_size) (const UnetInt8DepthwiseShape *shape); /* in bytes */
  /* @weights: [taps][block]; [block]: what sums begin with, factor, bias */
  void (*pack) (const UnetInt8DepthwiseShape *shape, const gint8 *weights,
      const gint32 *start, const gfloat *factor, const gfloat *bias,
      guint8 *out);
  void (*row) (const UnetInt8DepthwiseShape *shape, const guint8 *const *rows,
      const guint8 *packed, guint8 *dst);
};

/* The last block ends with the last channel. */
static inline gint64
unet_int8_depthwise_first (const UnetInt8DepthwiseShape *p, gint64 block)
{
  return MAX (
      MIN (block * UNET_INT8_DEPTHWISE_BLOCK, p->c - UNET_INT8_DEPTHWISE_BLOCK),
      0);
}

static inline gint64
unet_int8_depthwise_blocks (const UnetInt8DepthwiseShape *p)
{
  return (p->c + UNET_INT8_DEPTHWISE_BLOCK - 1) / UNET_INT8_DEPTHWISE_BLOCK;
}

extern const UnetInt8DepthwiseIsa unet_int8_depthwise_generic,
    unet_int8_depthwise_avx2, unet_int8_depthwise_vnni;
extern const UnetIsaVariant unet_int8_depthwise_variants[];
/* Returns the variant that this processor runs best. */
const UnetInt8DepthwiseIsa *unet_int8_depthwise_isa (void);

gsize unet_int8_depthwise_packed_size (
    const UnetInt8DepthwiseIsa *isa, const UnetInt8DepthwiseShape *shape);
/* @weights: [c][kernel][kernel]; @factor: at most 1000, @bias: 10^9, unless
 * there is a hard swish. */
void unet_int8_depthwise_pack (const UnetInt8DepthwiseIsa *isa,
    const UnetInt8DepthwiseShape *shape, const gint8 *weights,
    const gfloat *factor, const gfloat *bias, guint8 *out);
/* Row @y of picture @image. */
void unet_int8_depthwise_row (const UnetInt8DepthwiseIsa *isa,
    const UnetInt8DepthwiseShape *shape, const guint8 *src,
    const guint8 *packed, gint64 image, gint64 y, guint8 *dst);

/* ptr[0] bytes, ptr[1] packed, ptr[2] bytes */
void unet_kernel_int8_depthwise (
    gconstpointer params, gpointer const *ptr, guint threads);

G_END_DECLS
