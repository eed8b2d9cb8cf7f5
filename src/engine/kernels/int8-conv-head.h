/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Convolution of stride 1 of bytes to few channels. With few results there
 * are no lanes to fill with them, so lanes hold channels of the source, and
 * whole vectors of eight pixels are added up. Weights have one byte or two:
 * weight = low + high * radix. */

#include "engine/kernels/int8-move.h"

G_BEGIN_DECLS

#define UNET_BYTE_HEAD_STRIP   4 /* output rows that one job computes */
#define UNET_BYTE_HEAD_KERNEL  7
#define UNET_BYTE_HEAD_OUTPUTS 8

typedef struct {
  gint64 n, c, ih, iw, oh, ow, oc;
  gint64 kh, kw, pad_y, pad_x;
  UnetPixels src;
  gboolean src_signed;
  gint parts; /* bytes of a weight: 1 or 2 */
  /* floats: where output channel (dy * spread + dx) * planes + o goes,
   * row y * spread + dy, column x * spread + dx of plane o */
  gint64 spread; /* 1: every channel a plane */
  /* bytes instead, rounded half to even and clipped; NONE: floats */
  UnetNarrowType to;
  UnetPixels dst;
  gint low, high;
} UnetByteHeadShape;

/* Sums of one output channel are sum[0] + start[0] and so on; the result is
 * fmaf (sum[1], factor[1], fmaf (sum[0], factor[0], bias)). */
typedef struct {
  gint32 start[2];
  gfloat factor[2], bias;
  gint8 weights[]; /* [parts][kh][kw][unet_byte_head_vector()] */
} UnetByteHeadChannel;

typedef struct {
  const gchar *name;
  gint largest_weight;
  /* @rows: kh rows of pixels of unet_byte_head_pixel() bytes, to
   * unet_byte_head_width() floats for each output channel */
  void (*row) (const UnetByteHeadShape *shape, const guint8 *const *rows,
      const guint8 *packed, gfloat *out);
} UnetByteHeadIsa;

extern const UnetByteHeadIsa unet_byte_head_generic, unet_byte_head_avx2,
    unet_byte_head_vnni;
const UnetByteHeadIsa *unet_byte_head_isa (void);

/* Bytes of a prepared pixel: 4, 8, 16 or whole vectors. */
static inline gint64
unet_byte_head_pixel (const UnetByteHeadShape *p)
{
  return p->c <= 4 ? 4
      : p->c <= 8  ? 8
      : p->c <= 16 ? 16
                   : (p->c + 31) / 32 * 32;
}

/* Bytes of weights of one tap. */
static inline gint64
unet_byte_head_vector (const UnetByteHeadShape *p)
{
  return MAX (unet_byte_head_pixel (p), 32);
}

static inline gint64
unet_byte_head_width (const UnetByteHeadShape *p)
{
  return (p->ow + 7) / 8 * 8;
}

/* Of one packed output channel. */
static inline gsize
unet_byte_head_channel_size (const UnetByteHeadShape *p)
{
  return (sizeof (UnetByteHeadChannel)
             + p->parts * p->kh * p->kw * unet_byte_head_vector (p) + 3)
      / 4 * 4;
}

/* @weights: [parts][c][kh][kw] of one channel */
void unet_byte_head_pack (const UnetByteHeadShape *shape, const gint8 *weights,
    const gfloat *factor, gfloat bias, guint8 *out);
/* Bytes for one thread. */
gsize unet_byte_head_scratch (const UnetByteHeadShape *shape);
/* Output rows [y, y + UNET_BYTE_HEAD_STRIP) of picture @image. */
void unet_byte_head_strip (const UnetByteHeadIsa *isa,
    const UnetByteHeadShape *shape, const guint8 *src, const guint8 *packed,
    gint64 image, gint64 y, guint8 *scratch, gpointer dst);
/* ptr[0] bytes, ptr[1] packed, ptr[2] result, ptr[3] scratch of all threads */
void unet_kernel_byte_head (
    gconstpointer params, gpointer const *ptr, guint threads);

G_END_DECLS
