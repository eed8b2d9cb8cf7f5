/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/mask/activation.h"
#include "base/simd.h"
#include "base/fast-exp.h"

UNET_SIMD_EXTERN void
unet_row_sigmoid (gfloat *restrict dst, const gfloat *src, guint n)
{
  for (guint i = 0; i < n; i++) {
    const gfloat x = src[i] > -87.0f ? src[i] : -87.0f;

    dst[i] = 1.0f / (1.0f + unet_fast_exp (-x));
  }
}

UNET_SIMD_EXTERN void
unet_row_sigmoid_difference (
    gfloat *restrict dst, const gfloat *a, const gfloat *b, guint n)
{
  for (guint i = 0; i < n; i++) {
    const gfloat x = a[i] - b[i] > -87.0f ? a[i] - b[i] : -87.0f;

    dst[i] = 1.0f / (1.0f + unet_fast_exp (-x));
  }
}

UNET_SIMD_EXTERN void
unet_row_stretch (gfloat *restrict dst, const gfloat *src, gfloat minimum,
    gfloat scale, guint n)
{
  for (guint i = 0; i < n; i++) {
    gfloat x = (src[i] - minimum) * scale;

    x = x > 0 ? x : 0;
    dst[i] = x < 1 ? x : 1;
  }
}

UNET_SIMD static void
take_larger (gfloat *restrict dst, const gfloat *src, guint n)
{
  for (guint i = 0; i < n; i++)
    dst[i] = src[i] > dst[i] ? src[i] : dst[i];
}

UNET_SIMD static void
add_exp (
    gfloat *restrict sum, const gfloat *src, const gfloat *largest, guint n)
{
  for (guint i = 0; i < n; i++)
    sum[i] += unet_fast_exp (src[i] - largest[i]);
}

UNET_SIMD static void
divide_exp (gfloat *restrict dst, const gfloat *src, const gfloat *largest,
    const gfloat *sum, guint n)
{
  for (guint i = 0; i < n; i++) {
    const gfloat p = unet_fast_exp (src[i] - largest[i]) / sum[i];

    /* More than 1 only where no row held a number. */
    dst[i] = p < 1 ? p : 1;
  }
}

/* By pieces, so that the two rows between stay on the stack. */
void
unet_row_softmax (gfloat *dst, const gfloat *src, const gfloat *const *rows,
    guint n_rows, guint n)
{
  gfloat largest[256], sum[256];

  for (guint from = 0; from < n; from += 256) {
    const guint piece = MIN (n - from, 256);

    for (guint i = 0; i < piece; i++) {
      largest[i] = -1e30f;
      sum[i] = 0;
    }
    for (guint c = 0; c < n_rows; c++)
      take_larger (largest, rows[c] + from, piece);
    for (guint c = 0; c < n_rows; c++)
      add_exp (sum, rows[c] + from, largest, piece);
    divide_exp (dst + from, src + from, largest, sum, piece);
  }
}

UNET_SIMD static void
take_better (gfloat *restrict best, guint8 *restrict index, const gfloat *src,
    guint8 c, guint n)
{
  for (guint i = 0; i < n; i++) {
    index[i] = src[i] > best[i] ? c : index[i];
    best[i] = src[i] > best[i] ? src[i] : best[i];
  }
}

UNET_SIMD static void
drop_background (guint8 *restrict index, const gfloat *best,
    const gfloat *background, guint n)
{
  for (guint i = 0; i < n; i++)
    index[i] = background[i] >= best[i] ? 0 : index[i];
}

void
unet_row_best (gfloat *best, guint8 *index, const gfloat *const *rows,
    const guint8 *ids, guint n_rows, guint n)
{
  for (guint i = 0; i < n; i++) {
    best[i] = -1e30f;
    index[i] = 0;
  }
  for (guint c = 0; c < n_rows; c++)
    if (ids[c] != 0)
      take_better (best, index, rows[c], ids[c], n);
  for (guint c = 0; c < n_rows; c++)
    if (ids[c] == 0)
      drop_background (index, best, rows[c], n);
}

UNET_SIMD_EXTERN void
unet_row_range (const gfloat *src, guint n, gfloat *minimum, gfloat *maximum)
{
  gfloat low = *minimum, high = *maximum;

  for (guint i = 0; i < n; i++) {
    low = src[i] < low ? src[i] : low;
    high = src[i] > high ? src[i] : high;
  }
  *minimum = low;
  *maximum = high;
}

UNET_SIMD_EXTERN void
unet_row_invert (gfloat *row, guint n)
{
  for (guint i = 0; i < n; i++)
    row[i] = 1.0f - row[i];
}

UNET_SIMD_EXTERN void
unet_row_quantise (guint8 *restrict dst, const gfloat *src, guint n)
{
  for (guint i = 0; i < n; i++)
    dst[i] = (guint8) (gint32) (src[i] * 255.0f + 0.5f);
}

UNET_SIMD_EXTERN void
unet_row_threshold (
    guint8 *restrict dst, const gfloat *src, gfloat threshold, guint n)
{
  for (guint i = 0; i < n; i++)
    dst[i] = src[i] >= threshold ? 1 : 0;
}

UNET_SIMD_EXTERN void
unet_row_suppress (
    guint8 *restrict classes, const gfloat *src, gfloat threshold, guint n)
{
  for (guint i = 0; i < n; i++)
    classes[i] = src[i] >= threshold ? classes[i] : 0;
}
