/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/kernels/f32-col2im.h"
#include "base/simd.h"
#include "engine/kernels/parallel.h"

/* One row of one block of the result. */
typedef struct {
  const UnetCol2im *p;
  gfloat *dst;
  const gfloat *src; /* of the row that a tap reads, or NULL */
  const gfloat *weights;
  gint64 first, end; /* input columns whose tap lies in the picture */
  gint64 at;         /* output column of the first */
} Row;

UNET_SIMD static void
fill_row (const UnetCol2im *p, gfloat *restrict dst, const gfloat *bias)
{
  gint64 vec = p->dst.vec;

  for (gint64 x = 0; x < p->dst.w; x++)
    for (gint64 k = 0; k < vec; k++)
      dst[x * vec + k] = bias ? bias[k] : 0.0f;
}

/* Both sides in vectors of the same width, which compilers know. */
#define ADD_VECTORS(VEC)                                                       \
  static inline __attribute__ ((always_inline)) void add_##VEC (               \
      const Row *r, const gfloat *restrict src, gfloat *restrict dst)          \
  {                                                                            \
    gint64 step = r->p->stride[1] * VEC, n = r->end - r->first;                \
                                                                               \
    if (r->weights)                                                            \
      for (gint64 i = 0; i < n; i++)                                           \
        for (gint64 k = 0; k < VEC; k++)                                       \
          dst[i * step + k] += src[i * VEC + k] * r->weights[k];               \
    else                                                                       \
      for (gint64 i = 0; i < n; i++)                                           \
        for (gint64 k = 0; k < VEC; k++)                                       \
          dst[i * step + k] += src[i * VEC + k];                               \
  }

ADD_VECTORS (8)
ADD_VECTORS (16)

UNET_SIMD static void
add_row (const Row *r)
{
  const UnetCol2im *p = r->p;
  gint64 s = p->src.vec, d = p->dst.vec, step = p->stride[1];
  const gfloat *src = r->src + r->first * s;
  gfloat *dst = r->dst + r->at * d;
  gfloat w = r->weights ? r->weights[0] : 1.0f;

  if (s == d && s == 8)
    add_8 (r, src, dst);
  else if (s == d && s == 16)
    add_16 (r, src, dst);
  else /* rows: one lane of each vector */
    for (gint64 i = 0; i < r->end - r->first; i++)
      dst[i * step] += src[i * s] * w;
}

/* Columns 0 <= i < n of the input whose tap at i * stride + shift lies in the
 * width of the result. */
static void
set_columns (Row *r, gint64 shift)
{
  gint64 stride = r->p->stride[1], width = r->p->dst.w;

  r->first = shift < 0 ? (-shift + stride - 1) / stride : 0;
  r->end = shift < width ? (width - 1 - shift) / stride + 1 : 0;
  r->end = MIN (r->end, r->p->src.w);
  r->at = r->first * stride + shift;
}

/* What a tap reads of input row @y. */
static const gfloat *
source_row (
    const UnetCol2im *p, const gfloat *data, gint64 n, gint64 channel, gint64 y)
{
  const UnetVec *s = &p->src;
  gint64 block = channel / s->vec;

  return data + (((n * s->blocks + block) * s->h + y) * s->w) * s->vec
      + channel % s->vec;
}

static void
col2im_job (gconstpointer params, gpointer const *ptr, gint64 job,
    G_GNUC_UNUSED guint thread)
{
  const UnetCol2im *p = params;
  const UnetVec *d = &p->dst;
  gint64 y = job % d->h, block = job / d->h % d->blocks;
  gint64 n = job / d->h / d->blocks, channel = block * d->vec;
  Row r = { p, (gfloat *) ptr[3] + job * d->w * d->vec, NULL, NULL, 0, 0, 0 };

  fill_row (p, r.dst, p->has_bias ? (const gfloat *) ptr[1] + channel : NULL);
  for (gint64 ky = 0; ky < p->kernel[0]; ky++) {
    gint64 sy = y + p->pad[0] - ky * p->dilation[0];

    if (sy < 0 || sy % p->stride[0] || sy / p->stride[0] >= p->src.h)
      continue;
    for (gint64 kx = 0; kx < p->kernel[1]; kx++) {
      gint64 tap = ky * p->kernel[1] + kx;

      set_columns (&r, kx * p->dilation[1] - p->pad[1]);
      if (r.end <= r.first)
        continue;
      if (p->has_weights)
        r.weights = (const gfloat *) ptr[2] + tap * p->group + channel;
      r.src = source_row (p, ptr[0], n,
          p->has_weights ? channel : tap * p->group + channel,
          sy / p->stride[0]);
      add_row (&r);
    }
  }
}

void
unet_kernel_col2im (gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetCol2im *p = params;
  const UnetVec *d = &p->dst;

  unet_parallel (col2im_job, params, ptr, d->n * d->blocks * d->h, threads);
}
