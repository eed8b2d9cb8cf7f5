/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* int8 convolution of stride 1 to few channels, such as a network's last one.
 * Few results do not fill a vector, so lanes hold channels of the source, and
 * the lanes of eight pixels are summed at the end. A weight has one byte, or
 * two: weight = low + high * radix. */

#include "base/cpu.h"
#include "engine/kernels/int8-tensor.h"

G_BEGIN_DECLS

#define UNET_INT8_CONV_HEAD_STRIP   4 /* output rows that one job computes */
#define UNET_INT8_CONV_HEAD_KERNEL  7
#define UNET_INT8_CONV_HEAD_OUTPUTS 8

typedef struct {
  gint64 n, c, ih, iw, oh, ow, oc;
  gint64 kh, kw, pad_y, pad_x;
  UnetPixels src;
  gboolean src_signed;
  gint parts; /* bytes of a weight: 1 or 2 */
  /* with f32 results, output channel (dy * depth_to_space + dx) * planes + o is
   * row y * depth_to_space + dy, column x * depth_to_space + dx of plane o */
  gint64 depth_to_space; /* 1: every channel is a plane */
  /* int8 results are rounded half to even and clipped; NONE: f32 results */
  UnetElementType to;
  UnetPixels dst;
  gint low, high;
} UnetInt8ConvHeadShape;

/* One packed output channel. Its sums begin with start[], and its result is
 * fmaf (sum[1], factor[1], fmaf (sum[0], factor[0], bias)). */
typedef struct {
  gint32 start[2];
  gfloat factor[2], bias;
  gint8 weights[]; /* [parts][kh][kw][unet_int8_conv_head_vector()] */
} UnetInt8ConvHeadChannel;

typedef struct {
  const gchar *name;
  gint largest_weight;
  /* computes unet_int8_conv_head_width () floats for each output channel from
   * @rows, kh rows of pixels of unet_int8_conv_head_pixel () bytes */
  void (*row) (const UnetInt8ConvHeadShape *shape, const guint8 *const *rows,
      const guint8 *packed, gfloat *out);
} UnetInt8ConvHeadIsa;

extern const UnetInt8ConvHeadIsa unet_int8_conv_head_generic,
    unet_int8_conv_head_avx2, unet_int8_conv_head_vnni,
    unet_int8_conv_head_dotprod;
extern const UnetIsaVariant unet_int8_conv_head_variants[];
/* Returns the variant that this processor runs best. */
const UnetInt8ConvHeadIsa *unet_int8_conv_head_isa (void);

/* Returns the bytes of a prepared pixel: 4, 8, 16 or whole vectors. */
static inline gint64
unet_int8_conv_head_pixel (const UnetInt8ConvHeadShape *p)
{
  return p->c <= 4 ? 4
      : p->c <= 8  ? 8
      : p->c <= 16 ? 16
                   : (p->c + 31) / 32 * 32;
}

/* Returns the bytes of the weights of one tap. */
static inline gint64
unet_int8_conv_head_vector (const UnetInt8ConvHeadShape *p)
{
  return MAX (unet_int8_conv_head_pixel (p), 32);
}

static inline gint64
unet_int8_conv_head_width (const UnetInt8ConvHeadShape *p)
{
  return (p->ow + 7) / 8 * 8;
}

/* Returns the bytes of one packed output channel. */
static inline gsize
unet_int8_conv_head_channel_size (const UnetInt8ConvHeadShape *p)
{
  return (sizeof (UnetInt8ConvHeadChannel)
             + p->parts * p->kh * p->kw * unet_int8_conv_head_vector (p) + 3)
      / 4 * 4;
}

/* Packs one output channel. @weights: [parts][c][kh][kw] */
void unet_int8_conv_head_pack (const UnetInt8ConvHeadShape *shape,
    const gint8 *weights, const gfloat *factor, gfloat bias, guint8 *out);
/* Returns the scratch memory of one thread, in bytes. */
gsize unet_int8_conv_head_scratch (const UnetInt8ConvHeadShape *shape);
/* Computes rows [y, y + UNET_INT8_CONV_HEAD_STRIP) of picture @image. */
void unet_int8_conv_head_strip (const UnetInt8ConvHeadIsa *isa,
    const UnetInt8ConvHeadShape *shape, const guint8 *src, const guint8 *packed,
    gint64 image, gint64 y, guint8 *scratch, gpointer dst);
/* ptr[0] bytes, ptr[1] packed, ptr[2] result, ptr[3] scratch of all threads */
void unet_kernel_int8_conv_head (
    gconstpointer params, gpointer const *ptr, guint threads);

G_END_DECLS
