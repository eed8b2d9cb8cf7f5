/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Depthwise convolution of bytes in NHWC: sums of whole numbers, then factor
 * and bias of each channel, rounded once (fmaf), so that every instruction
 * set has the same result. */

#include "engine/kernels/int8-move.h"

G_BEGIN_DECLS

/* Channels that are computed together; the last ones of more than that
 * overlap those before. */
#define UNET_DEPTHWISE_BLOCK      32
#define UNET_DEPTHWISE_MAX_KERNEL 5

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
} UnetDepthwiseShape;

typedef struct _UnetDepthwiseIsa UnetDepthwiseIsa;

/* @rows: kernel pointers to the first pixels of rows; (nullable): no row,
 * only zeros. @dst: one row. All blocks of some pixels come before the next
 * pixels, which reads memory in order. */
struct _UnetDepthwiseIsa {
  const gchar *name;
  gint largest_weight; /* with larger ones sums are wrong */
  gsize (*block_size) (const UnetDepthwiseShape *shape); /* in bytes */
  /* @weights: [taps][block]; [block]: what sums begin with, factor, bias */
  void (*pack) (const UnetDepthwiseShape *shape, const gint8 *weights,
      const gint32 *start, const gfloat *factor, const gfloat *bias,
      guint8 *out);
  void (*row) (const UnetDepthwiseShape *shape, const guint8 *const *rows,
      const guint8 *packed, guint8 *dst);
};

/* The last block ends with the last channel. */
static inline gint64
unet_depthwise_first (const UnetDepthwiseShape *p, gint64 block)
{
  return MAX (
      MIN (block * UNET_DEPTHWISE_BLOCK, p->c - UNET_DEPTHWISE_BLOCK), 0);
}

static inline gint64
unet_depthwise_blocks (const UnetDepthwiseShape *p)
{
  return (p->c + UNET_DEPTHWISE_BLOCK - 1) / UNET_DEPTHWISE_BLOCK;
}

extern const UnetDepthwiseIsa unet_depthwise_generic, unet_depthwise_avx2,
    unet_depthwise_vnni;
/* The best of this machine. */
const UnetDepthwiseIsa *unet_depthwise_isa (void);

gsize unet_depthwise_packed_size (
    const UnetDepthwiseIsa *isa, const UnetDepthwiseShape *shape);
/* @weights: [c][kernel][kernel]; @factor: at most 1000, @bias: 10^9, unless
 * there is a hard swish. */
void unet_depthwise_pack (const UnetDepthwiseIsa *isa,
    const UnetDepthwiseShape *shape, const gint8 *weights, const gfloat *factor,
    const gfloat *bias, guint8 *out);
/* Row @y of picture @image. */
void unet_depthwise_row (const UnetDepthwiseIsa *isa,
    const UnetDepthwiseShape *shape, const guint8 *src, const guint8 *packed,
    gint64 image, gint64 y, guint8 *dst);

/* ptr[0] bytes, ptr[1] packed, ptr[2] bytes */
void unet_kernel_depthwise (
    gconstpointer params, gpointer const *ptr, guint threads);

G_END_DECLS
