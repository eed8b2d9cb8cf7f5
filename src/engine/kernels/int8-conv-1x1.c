/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/kernels/int8-conv-1x1.h"
#include "engine/kernels/int8-element.h"

/* Four perfect shuffles transpose sixteen channels of sixteen pixels, so that
 * the sums of adjacent pixels share a vector. */
typedef guint8 U16 __attribute__ ((vector_size (16)));
typedef gfloat F16 __attribute__ ((vector_size (64), may_alias));

#define SHUFFLE(to, from)                                                      \
  _Pragma ("GCC unroll 8") for (guint i = 0; i < 8; i++)                       \
  {                                                                            \
    to[2 * i] = __builtin_shufflevector (from[i], from[i + 8], 0, 16, 1, 17,   \
        2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);                             \
    to[2 * i + 1] = __builtin_shufflevector (from[i], from[i + 8], 8, 24, 9,   \
        25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);                   \
  }

INLINE void
transpose16 (U16 *v)
{
  U16 t[16];

  SHUFFLE (t, v)
  SHUFFLE (v, t)
  SHUFFLE (t, v)
  SHUFFLE (v, t)
}

/* Loads up to sixteen channels of @n pixels, with zeros for the others. */
INLINE void
load_block (U16 *v, const guint8 *src, gint64 step, gint64 c, gint64 n)
{
  if (c == 16 && n == 16) {
    _Pragma ("GCC unroll 16") for (guint i = 0; i < 16; i++)
        memcpy (&v[i], src + i * step, 16);
  } else {
    memset (v, 0, 16 * sizeof *v);
    for (gint64 i = 0; i < n; i++)
      memcpy (&v[i], src + i * step, c);
  }
}

/* The compiler vectorises this loop, but not __builtin_convertvector (). */
INLINE void
widen_block (UnetElementType type, gfloat *restrict x, const U16 *v)
{
  guint8 bytes[256];

  memcpy (bytes, v, sizeof bytes);
  for (guint i = 0; i < 256; i++)
    x[i] = load (type, bytes, i);
}

INLINE void
head_bytes (UnetElementType type, const UnetInt8Conv1x1 *p, const guint8 *src,
    const gfloat *weights, const gfloat *bias, gfloat *dst, gint64 n)
{
  F16 sum[UNET_INT8_CONV_1X1_CHANNELS], x[16];
  U16 v[16];

  for (gint64 o = 0; o < p->oc; o++)
    sum[o] = bias[o] - (F16){ 0 };
  for (gint64 first = 0; first < p->c; first += 16) {
    gint64 c = MIN (p->c - first, 16);

    load_block (v, src + first, p->src.pixel, c, n);
    transpose16 (v);
    widen_block (type, (gfloat *) x, v);
    for (gint64 o = 0; o < p->oc; o++) {
      F16 s = sum[o];

      for (gint64 k = 0; k < c; k++)
        s += x[k] * weights[o * p->c + first + k];
      sum[o] = s;
    }
  }
  for (gint64 o = 0; o < p->oc; o++)
    memcpy (dst + o * p->h * p->w, &sum[o], n * sizeof *dst);
}

static void
head_bf16 (const UnetInt8Conv1x1 *p, const guint8 *src, const gfloat *weights,
    const gfloat *bias, gfloat *dst, gint64 n)
{
  for (gint64 o = 0; o < p->oc; o++)
    for (gint64 i = 0; i < n; i++) {
      gfloat sum = bias[o];

      for (gint64 k = 0; k < p->c; k++)
        sum += load (UNET_ELEMENT_BF16, src, i * p->src.pixel + k)
            * weights[o * p->c + k];
      dst[o * p->h * p->w + i] = sum;
    }
}

UNET_SIMD static void
head_row (const UnetInt8Conv1x1 *p, const guint8 *src, const gfloat *weights,
    const gfloat *bias, gfloat *dst)
{
  for (gint64 x = 0; x < p->w; x += 16) {
    gint64 n = MIN (16, p->w - x), at = x * p->src.pixel;

    if (p->type == UNET_ELEMENT_U8)
      head_bytes (UNET_ELEMENT_U8, p, src + at, weights, bias, dst + x, n);
    else if (p->type == UNET_ELEMENT_S8)
      head_bytes (UNET_ELEMENT_S8, p, src + at, weights, bias, dst + x, n);
    else
      head_bf16 (p, src + 2 * at, weights, bias, dst + x, n);
  }
}

static void
head_job (gconstpointer params, gpointer const *ptr, gint64 i, guint thread)
{
  const UnetInt8Conv1x1 *p = params;

  gint64 n = i / p->h, y = i % p->h;

  head_row (p, at (ptr[0], &p->src, n, y, unet_element_size (p->type)), ptr[1],
      ptr[2], (gfloat *) ptr[3] + n * p->oc * p->h * p->w + y * p->w);
}

void
unet_kernel_int8_conv_1x1 (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetInt8Conv1x1 *p = params;

  unet_parallel (head_job, params, ptr, p->n * p->h, threads);
}
