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

#elif defined(__ARM_FEATURE_DOTPROD)
#include <arm_neon.h>

#define UNET_INT8_LARGEST_WEIGHT 127
#define UNET_INT8_ISA_NAME       "dotprod"

/* The vectors of 16 bytes that eight pixels fill, each with four sums of four
 * bytes. */
#define VECTORS(pixel)           ((pixel) >= 16 ? 8 : (pixel) / 2)

/* The instruction multiplies signed bytes, so 128 is taken from those of the
 * source. Computes what the sums lack by it: 128 times the weights. */
INLINE int32x4_t
missing_sum (
    const UnetInt8ConvHeadShape *p, const gint8 *w, gint64 parts, gint64 vector)
{
  int32x4_t sum = vdupq_n_s32 (0);

  for (gint64 tap = 0; tap < p->kh * p->kw; tap++, w += vector)
    for (gint64 k = 0; k < parts; k++)
      sum = vdotq_s32 (sum, vdupq_n_s8 (1), vld1q_s8 (w + k * 16));
  return vshlq_n_s32 (sum, 7);
}

/* Adds adjacent lanes until each of eight pixels has one. */
INLINE int32x4x2_t
add_up (const int32x4_t *v, const gint64 n)
{
  int32x4x2_t sum = { { v[0], v[1] } };

  if (n == 2)
    return sum;
  sum.val[0] = vpaddq_s32 (v[0], v[1]);
  sum.val[1] = vpaddq_s32 (v[2], v[3]);
  if (n == 4)
    return sum;
  sum.val[0] = vpaddq_s32 (sum.val[0], sum.val[1]);
  sum.val[1] = vpaddq_s32 (vpaddq_s32 (v[4], v[5]), vpaddq_s32 (v[6], v[7]));
  return sum;
}

/* Returns the sums of eight pixels; the first lies at @at of each row. */
INLINE int32x4x2_t
eight_sums (const UnetInt8ConvHeadShape *p, const guint8 *const *rows,
    gint64 at, const gint8 *w, gint64 pixel, int32x4_t start, const gint64 n)
{
  gint64 step = n == 8 ? pixel : 16, parts = n == 8 ? pixel / 16 : 1;
  gint64 vector = unet_int8_conv_head_vector (p);
  int32x4_t v[8];

#pragma GCC unroll 8
  for (gint64 i = 0; i < n; i++)
    v[i] = start;
  for (gint64 y = 0; y < p->kh; y++)
    for (gint64 x = 0; x < p->kw; x++, w += vector)
      for (gint64 k = 0; k < parts; k++) {
        const guint8 *from = rows[y] + at + x * pixel + k * 16;
        int8x16_t weights = vld1q_s8 (w + k * 16);

#pragma GCC unroll 8
        for (gint64 i = 0; i < n; i++)
          v[i] = vdotq_s32 (v[i],
              vreinterpretq_s8_u8 (
                  veorq_u8 (vld1q_u8 (from + i * step), vdupq_n_u8 (0x80))),
              weights);
      }
  return add_up (v, n);
}

INLINE void
channel (const UnetInt8ConvHeadShape *p, const guint8 *const *rows,
    const UnetInt8ConvHeadChannel *c, gfloat *out, const gint64 n)
{
  gint64 pixel = unet_int8_conv_head_pixel (p);
  gint64 vector = unet_int8_conv_head_vector (p);
  gint64 size = p->kh * p->kw * vector;
  int32x4_t missing[2];

  for (gint64 part = 0; part < p->parts; part++)
    missing[part] = missing_sum (
        p, c->weights + part * size, n == 8 ? pixel / 16 : 1, vector);
  for (gint64 x = 0; x < p->ow; x += 8) {
    float32x4_t y[2] = { vdupq_n_f32 (c->bias), vdupq_n_f32 (c->bias) };

    for (gint64 part = 0; part < p->parts; part++) {
      int32x4_t start = vdupq_n_s32 (c->start[part]);
      float32x4_t factor = vdupq_n_f32 (c->factor[part]);
      int32x4x2_t sum = eight_sums (p, rows, x * pixel,
          c->weights + part * size, pixel, missing[part], n);

      for (guint i = 0; i < 2; i++)
        y[i] = vfmaq_f32 (
            y[i], vcvtq_f32_s32 (vaddq_s32 (sum.val[i], start)), factor);
    }
    vst1q_f32 (out + x, y[0]);
    vst1q_f32 (out + x + 4, y[1]);
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
