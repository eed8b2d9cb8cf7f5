/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compiled once for each instruction set. UNET_ISA is the name of the table.
 * Products and sums are not contracted, so all variants have equal results. */

#include "engine/kernels/int8-conv-head.h"
#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__ ((always_inline))

#ifdef __AVX2__
#include "engine/kernels/int8-dot.h"

/* The vectors that eight pixels fill, each with eight sums of four bytes. */
#define VECTORS(pixel) ((pixel) >= 32 ? 8 : (pixel) / 4)

/* Adds adjacent lanes until every pixel has one. */
INLINE __m256i
add_up (const __m256i *v, const gint64 n)
{
  __m256i a = v[0], b;

  if (n == 1)
    return a;
  if (n == 2)
    return _mm256_permutevar8x32_epi32 (_mm256_hadd_epi32 (v[0], v[1]),
        _mm256_setr_epi32 (0, 1, 4, 5, 2, 3, 6, 7));
  a = _mm256_hadd_epi32 (
      _mm256_hadd_epi32 (v[0], v[1]), _mm256_hadd_epi32 (v[2], v[3]));
  if (n == 4)
    return _mm256_permutevar8x32_epi32 (
        a, _mm256_setr_epi32 (0, 4, 1, 5, 2, 6, 3, 7));
  b = _mm256_hadd_epi32 (
      _mm256_hadd_epi32 (v[4], v[5]), _mm256_hadd_epi32 (v[6], v[7]));
  return _mm256_add_epi32 (_mm256_permute2x128_si256 (a, b, 0x20),
      _mm256_permute2x128_si256 (a, b, 0x31));
}

/* Returns the sums of eight pixels; the first lies at @at of each row. */
INLINE __m256i
eight_sums (const UnetInt8ConvHeadShape *p, const guint8 *const *rows,
    gint64 at, const gint8 *w, gint64 pixel, const gint64 n)
{
  gint64 step = n == 8 ? pixel : 32, parts = n == 8 ? pixel / 32 : 1;
  __m256i v[8];

#pragma GCC unroll 8
  for (gint64 i = 0; i < n; i++)
    v[i] = _mm256_setzero_si256 ();
  for (gint64 y = 0; y < p->kh; y++)
    for (gint64 x = 0; x < p->kw; x++)
      for (gint64 k = 0; k < parts; k++, w += 32) {
        const guint8 *from = rows[y] + at + x * pixel + k * 32;
        __m256i weights = _mm256_loadu_si256 ((const __m256i *) w);

#pragma GCC unroll 8
        for (gint64 i = 0; i < n; i++)
          v[i] = unet_int8_dot (v[i],
              _mm256_loadu_si256 ((const __m256i *) (from + i * step)),
              weights);
      }
  return add_up (v, n);
}

INLINE void
channel (const UnetInt8ConvHeadShape *p, const guint8 *const *rows,
    const UnetInt8ConvHeadChannel *c, gfloat *out, const gint64 n)
{
  gint64 pixel = unet_int8_conv_head_pixel (p);
  gint64 size = p->kh * p->kw * unet_int8_conv_head_vector (p);

  for (gint64 x = 0; x < p->ow; x += 8) {
    __m256 y = _mm256_set1_ps (c->bias);

    for (gint64 part = 0; part < p->parts; part++) {
      __m256i sum =
          eight_sums (p, rows, x * pixel, c->weights + part * size, pixel, n);

      sum = _mm256_add_epi32 (sum, _mm256_set1_epi32 (c->start[part]));
      y = _mm256_fmadd_ps (
          _mm256_cvtepi32_ps (sum), _mm256_set1_ps (c->factor[part]), y);
    }
    _mm256_storeu_ps (out + x, y);
  }
}

#else /* plain C */
#define UNET_INT8_LARGEST_WEIGHT 127
#define UNET_INT8_ISA_NAME       "generic"
#define VECTORS(pixel)           1

INLINE gint32
sum_of (const UnetInt8ConvHeadShape *p, const guint8 *const *rows, gint64 at,
    const gint8 *w, gint64 pixel)
{
  gint64 vector = unet_int8_conv_head_vector (p);
  gint32 sum = 0;

  for (gint64 y = 0; y < p->kh; y++)
    for (gint64 x = 0; x < p->kw; x++, w += vector)
      for (gint64 k = 0; k < pixel; k++)
        sum += rows[y][at + x * pixel + k] * w[k];
  return sum;
}

INLINE void
channel (const UnetInt8ConvHeadShape *p, const guint8 *const *rows,
    const UnetInt8ConvHeadChannel *c, gfloat *out, const gint64 n)
{
  gint64 pixel = unet_int8_conv_head_pixel (p);
  gint64 size = p->kh * p->kw * unet_int8_conv_head_vector (p);

  for (gint64 x = 0; x < p->ow; x++) {
    out[x] = c->bias;
    for (gint64 part = 0; part < p->parts; part++)
      out[x] =
          fmaf (sum_of (p, rows, x * pixel, c->weights + part * size, pixel)
                  + c->start[part],
              c->factor[part], out[x]);
  }
}
#endif

static void
row (const UnetInt8ConvHeadShape *p, const guint8 *const *rows,
    const guint8 *packed, gfloat *out)
{
  gint64 n = VECTORS (unet_int8_conv_head_pixel (p));

  for (gint64 o = 0; o < p->oc; o++) {
    const UnetInt8ConvHeadChannel *c = (const UnetInt8ConvHeadChannel *) packed;

    if (n == 8)
      channel (p, rows, c, out, 8);
    else if (n == 4)
      channel (p, rows, c, out, 4);
    else if (n == 2)
      channel (p, rows, c, out, 2);
    else
      channel (p, rows, c, out, 1);
    packed += unet_int8_conv_head_channel_size (p);
    out += unet_int8_conv_head_width (p);
  }
}

const UnetInt8ConvHeadIsa UNET_ISA = { UNET_INT8_ISA_NAME,
  UNET_INT8_LARGEST_WEIGHT, row };
