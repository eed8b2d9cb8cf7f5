/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compiled once for each instruction set. UNET_ISA is the name of the table.
 * Products and sums are not contracted, so all variants have equal results. */

#include "engine/kernels/int8-conv-depthwise.h"
#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__ ((always_inline))
#define BLOCK  UNET_INT8_DEPTHWISE_BLOCK

#ifdef __AVX2__
#include "engine/kernels/int8-dot.h"

/* Four rows are interleaved: a lane of 32 bits holds four bytes of a channel,
 * one below the other, which one instruction multiplies and adds. A vector
 * holds a quarter of the channels of a block. Interleaving and packing both
 * permute within halves of a register, and the two permutations cancel. */

#ifdef __AVX512VNNI__
#define OUTPUTS(kernel) 4

INLINE __m256i
load_part (const guint8 *from, gint64 c)
{
  return _mm256_maskz_loadu_epi8 ((1ull << c) - 1, from);
}

INLINE void
store_part (guint8 *to, __m256i v, gint64 c)
{
  _mm256_mask_storeu_epi8 (to, (1ull << c) - 1, v);
}
#else
/* The sums of four pixels do not fit sixteen registers. With three columns of
 * weights it pays nevertheless to weave fewer columns for each pixel. */
#define OUTPUTS(kernel) ((kernel) == 3 ? 4 : 2)

INLINE __m256i
load_part (const guint8 *from, gint64 c)
{
  guint8 v[32] = { 0 };

  if (c == 16)
    return _mm256_zextsi128_si256 (_mm_loadu_si128 ((const __m128i *) from));
  memcpy (v, from, c);
  return _mm256_loadu_si256 ((const __m256i *) v);
}

INLINE void
store_part (guint8 *to, __m256i v, gint64 c)
{
  guint8 bytes[32];

  if (c == 16) {
    _mm_storeu_si128 ((__m128i *) to, _mm256_castsi256_si128 (v));
    return;
  }
  _mm256_storeu_si256 ((__m256i *) bytes, v);
  memcpy (to, bytes, c);
}
#endif

#define MAX_OUTPUTS 4

/* The channel that lane @e of vector @q of a block holds. */
#define CHANNEL(q, e) ((e) / 4 * 16 + (q) *4 + (e) % 4)

typedef struct {
  gint32 start[4][8];
  gfloat factor[4][8], bias[4][8];
  gint8 weights[][32]; /* [kx][rows / 4][4 quarters][8 lanes of 4 rows] */
} Packed;

static gint64
row_groups (gint64 kernel)
{
  return (kernel + 3) / 4;
}

static gsize
block_size (const UnetInt8DepthwiseShape *p)
{
  return sizeof (Packed) + p->kernel * row_groups (p->kernel) * 4 * 32;
}

static void
pack (const UnetInt8DepthwiseShape *p, const gint8 *weights,
    const gint32 *start, const gfloat *factor, const gfloat *bias, guint8 *out)
{
  Packed *to = (Packed *) out;

  memset (out, 0, block_size (p));
  for (gint64 q = 0; q < 4; q++)
    for (gint64 e = 0; e < 8; e++) {
      gint64 c = CHANNEL (q, e);

      to->start[q][e] = start[c];
      to->factor[q][e] = factor[c];
      to->bias[q][e] = bias[c];
      for (gint64 y = 0; y < p->kernel; y++)
        for (gint64 x = 0; x < p->kernel; x++)
          to->weights[(x * row_groups (p->kernel) + y / 4) * 4 + q]
                     [e * 4 + y % 4] = weights[(y * p->kernel + x) * BLOCK + c];
    }
}

/* How rows are read. A row outside of the picture is one pixel of zeros, and
 * its steps are zero. */
typedef struct {
  const UnetInt8DepthwiseShape *p;
  const guint8 *rows[UNET_INT8_DEPTHWISE_MAX_KERNEL];
  gint64 steps[UNET_INT8_DEPTHWISE_MAX_KERNEL],
      channels[UNET_INT8_DEPTHWISE_MAX_KERNEL];
  __m256i flip; /* makes signed bytes unsigned */
  gint64 c;     /* of a block */
} Source;

/* @careful is a constant: less than a block or less than a row may be left. */
INLINE __m256i
load_pixel (const Source *s, const guint8 *from, gboolean inside,
    const gboolean careful)
{
  __m256i v = _mm256_setzero_si256 ();

  if (!careful || (inside && s->c == BLOCK))
    v = _mm256_loadu_si256 ((const __m256i *) from);
  else if (inside)
    v = load_part (from, s->c);
  return _mm256_xor_si256 (v, s->flip);
}

INLINE void
weave (const Source *s, const guint8 **at, gboolean inside, const gint64 rows,
    const gboolean careful, __m256i *v)
{
  __m256i r[4], ab, AB, cd, CD;

#pragma GCC unroll 4
  for (gint64 k = 0; k < 4; k++)
    r[k] = k < rows ? load_pixel (s, at[k], inside, careful)
                    : _mm256_setzero_si256 ();
  ab = _mm256_unpacklo_epi8 (r[0], r[1]);
  AB = _mm256_unpackhi_epi8 (r[0], r[1]);
  cd = _mm256_unpacklo_epi8 (r[2], r[3]);
  CD = _mm256_unpackhi_epi8 (r[2], r[3]);
  v[0] = _mm256_unpacklo_epi16 (ab, cd);
  v[1] = _mm256_unpackhi_epi16 (ab, cd);
  v[2] = _mm256_unpacklo_epi16 (AB, CD);
  v[3] = _mm256_unpackhi_epi16 (AB, CD);
}

/* Results fit 32 bits, so packing them with saturation clips them. */
INLINE __m256i
scale (const UnetInt8DepthwiseShape *p, __m256i sum, const gfloat *factor,
    const gfloat *bias, const gboolean hard_swish)
{
  __m256 y = _mm256_fmadd_ps (_mm256_cvtepi32_ps (sum),
      _mm256_loadu_ps (factor), _mm256_loadu_ps (bias));

  if (hard_swish) {
    __m256 gate = _mm256_add_ps (y, _mm256_set1_ps (3));

    gate = _mm256_max_ps (gate, _mm256_setzero_ps ());
    gate = _mm256_min_ps (gate, _mm256_set1_ps (6));
    y = _mm256_mul_ps (_mm256_mul_ps (y, gate), _mm256_set1_ps (p->swish));
    y = _mm256_min_ps (y, _mm256_set1_ps (255));
  }
  return _mm256_cvtps_epi32 (y);
}

INLINE void
finish (const Source *s, const __m256i *sum, const Packed *packed, guint8 *dst,
    const gboolean hard_swish)
{
  __m256i i[4], low, high, v;

#pragma GCC unroll 4
  for (gint64 q = 0; q < 4; q++)
    i[q] = scale (s->p, sum[q], packed->factor[q], packed->bias[q], hard_swish);
  low = _mm256_packs_epi32 (i[0], i[1]);
  high = _mm256_packs_epi32 (i[2], i[3]);
  if (s->p->dst_signed)
    v = _mm256_min_epi8 (_mm256_max_epi8 (_mm256_packs_epi16 (low, high),
                             _mm256_set1_epi8 (s->p->low)),
        _mm256_set1_epi8 (s->p->high));
  else
    v = _mm256_min_epu8 (_mm256_max_epu8 (_mm256_packus_epi16 (low, high),
                             _mm256_set1_epi8 (s->p->low)),
        _mm256_set1_epi8 (s->p->high));
  if (s->c == BLOCK)
    _mm256_storeu_si256 ((__m256i *) dst, v);
  else
    store_part (dst, v, s->c);
}

/* Computes @outputs pixels; the first begins at column @x of the source. */
INLINE void
pixels (const Source *s, const Packed *packed, gint64 x, gint64 c, guint8 *dst,
    const gint64 kernel, const gint64 stride, const gint64 outputs,
    const gboolean careful)
{
  const guint8 *at[UNET_INT8_DEPTHWISE_MAX_KERNEL];
  __m256i sum[MAX_OUTPUTS][4], v[4];

#pragma GCC unroll 5
  for (gint64 k = 0; k < kernel; k++)
    at[k] = s->rows[k] + x * s->steps[k] + c * s->channels[k];
#pragma GCC unroll 4
  for (gint64 o = 0; o < outputs; o++)
#pragma GCC unroll 4
    for (gint64 q = 0; q < 4; q++)
      sum[o][q] = _mm256_loadu_si256 ((const __m256i *) packed->start[q]);
#pragma GCC unroll 16
  for (gint64 i = 0; i < (outputs - 1) * stride + kernel; i++) {
#pragma GCC unroll 2
    for (gint64 g = 0; g < (kernel + 3) / 4; g++) {
      weave (s, at + 4 * g, x + i >= 0 && x + i < s->p->iw, kernel - 4 * g,
          careful, v);
#pragma GCC unroll 4
      for (gint64 o = 0; o < outputs; o++) {
        gint64 kx = i - o * stride;

        if (kx >= 0 && kx < kernel)
#pragma GCC unroll 4
          for (gint64 q = 0; q < 4; q++)
            sum[o][q] = unet_int8_dot (sum[o][q], v[q],
                _mm256_loadu_si256 (
                    (const __m256i *) packed
                        ->weights[(kx * ((kernel + 3) / 4) + g) * 4 + q]));
      }
    }
#pragma GCC unroll 5
    for (gint64 k = 0; k < kernel; k++)
      at[k] += s->steps[k];
  }
  if (s->p->hard_swish) {
#pragma GCC unroll 4
    for (gint64 o = 0; o < outputs; o++)
      finish (s, sum[o], packed, dst + o * s->p->dst.pixel, TRUE);
  } else {
#pragma GCC unroll 4
    for (gint64 o = 0; o < outputs; o++)
      finish (s, sum[o], packed, dst + o * s->p->dst.pixel, FALSE);
  }
}

/* Computes all blocks of @outputs pixels from @x on. */
INLINE void
blocks (const Source *s, const guint8 *packed, gint64 x, guint8 *dst,
    const gint64 kernel, const gint64 stride, const gint64 outputs)
{
  const UnetInt8DepthwiseShape *p = s->p;
  gint64 at = x * stride - p->pad_x, size = block_size (p);
  gboolean inside = s->c == BLOCK && at >= 0
      && at + (outputs - 1) * stride + kernel <= p->iw;

  dst += x * p->dst.pixel;
  for (gint64 b = 0; b < unet_int8_depthwise_blocks (p); b++, packed += size) {
    gint64 c = unet_int8_depthwise_first (p, b);

    if (inside)
      pixels (s, (const Packed *) packed, at, c, dst + c, kernel, stride,
          outputs, FALSE);
    else
      pixels (s, (const Packed *) packed, at, c, dst + c, kernel, stride,
          outputs, TRUE);
  }
}

/* Computes several pixels at a time. At the end of a row some of them are
 * computed twice. */
INLINE void
row_of (const Source *s, const guint8 *packed, guint8 *dst, const gint64 kernel,
    const gint64 stride)
{
  const gint64 n = OUTPUTS (kernel);
  gint64 w = s->p->ow;

  if (w < n)
    for (gint64 x = 0; x < w; x++)
      blocks (s, packed, x, dst, kernel, stride, 1);
  else
    for (gint64 x = 0; x < w; x += n)
      blocks (s, packed, MIN (x, w - n), dst, kernel, stride, n);
}

static void
row (const UnetInt8DepthwiseShape *p, const guint8 *const *rows,
    const guint8 *packed, guint8 *dst)
{
  static const guint8 zeros[BLOCK];
  Source s = { p, { NULL }, { 0 }, { 0 },
    _mm256_set1_epi8 (p->src_signed ? -128 : 0), MIN (p->c, BLOCK) };

  for (gint64 k = 0; k < p->kernel; k++) {
    s.rows[k] = rows[k] ? rows[k] : zeros;
    s.steps[k] = rows[k] ? p->src.pixel : 0;
    s.channels[k] = rows[k] ? 1 : 0;
  }
  if (p->kernel == 3 && p->stride == 1)
    row_of (&s, packed, dst, 3, 1);
  else if (p->kernel == 3)
    row_of (&s, packed, dst, 3, 2);
  else if (p->stride == 1)
    row_of (&s, packed, dst, 5, 1);
  else
    row_of (&s, packed, dst, 5, 2);
}

#else /* plain C, in loops over a block that the compiler vectorises */

#define UNET_INT8_LARGEST_WEIGHT 127
#define UNET_INT8_ISA_NAME       "generic"

typedef struct {
  gint32 start[BLOCK];
  gfloat factor[BLOCK], bias[BLOCK];
  gint8 weights[][BLOCK]; /* [taps] */
} Packed;

static gsize
block_size (const UnetInt8DepthwiseShape *p)
{
  return sizeof (Packed) + p->kernel * p->kernel * BLOCK;
}

static void
pack (const UnetInt8DepthwiseShape *p, const gint8 *weights,
    const gint32 *start, const gfloat *factor, const gfloat *bias, guint8 *out)
{
  Packed *to = (Packed *) out;

  memcpy (to->start, start, sizeof to->start);
  memcpy (to->bias, bias, sizeof to->bias);
  memcpy (to->factor, factor, sizeof to->factor);
  memcpy (to->weights, weights, p->kernel * p->kernel * BLOCK);
}

static void
add_tap (gint32 *restrict sum, const guint8 *restrict src,
    const gint8 *restrict w, guint8 flip)
{
  for (guint c = 0; c < BLOCK; c++)
    sum[c] += (gint16) (src[c] ^ flip) * w[c];
}

static void
finish (const UnetInt8DepthwiseShape *p, const gint32 *sum, const Packed *from,
    gint64 c, guint8 *dst)
{
  for (gint64 k = 0; k < c; k++) {
    gfloat y = fmaf (sum[k], from->factor[k], from->bias[k]);

    if (p->hard_swish)
      y = y * CLAMP (y + 3.0f, 0.0f, 6.0f) * p->swish;
    y = rintf (y);
    dst[k] = (gint32) MIN (MAX (y, p->low), p->high);
  }
}

static void
block (const UnetInt8DepthwiseShape *p, const guint8 *const *rows,
    const Packed *from, gint64 x, gint64 first, guint8 *dst)
{
  gint64 c = MIN (p->c, BLOCK);
  guint8 pixel[BLOCK] = { 0 };
  gint32 sum[BLOCK];

  memcpy (sum, from->start, sizeof sum);
  for (gint64 k = 0; k < p->kernel * p->kernel; k++) {
    const guint8 *row = rows[k / p->kernel];
    gint64 at = x * p->stride - p->pad_x + k % p->kernel;

    if (row && at >= 0 && at < p->iw)
      memcpy (pixel, row + at * p->src.pixel + first, c);
    else
      memset (pixel, 0, sizeof pixel);
    add_tap (sum, pixel, from->weights[k], p->src_signed ? 0x80 : 0);
  }
  finish (p, sum, from, c, dst + x * p->dst.pixel + first);
}

static void
row (const UnetInt8DepthwiseShape *p, const guint8 *const *rows,
    const guint8 *packed, guint8 *dst)
{
  for (gint64 b = 0; b < unet_int8_depthwise_blocks (p); b++)
    for (gint64 x = 0; x < p->ow; x++)
      block (p, rows, (const Packed *) (packed + b * block_size (p)), x,
          unet_int8_depthwise_first (p, b), dst);
}
#endif

const UnetInt8DepthwiseIsa UNET_ISA = { UNET_INT8_ISA_NAME,
  UNET_INT8_LARGEST_WEIGHT, block_size, pack, row };
