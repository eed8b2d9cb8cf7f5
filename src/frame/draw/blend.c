/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/draw/blend.h"
#include "base/simd.h"

/* 0..255 to 0..256: the largest product, 255 × 256 and the rounding, is below
 * 2^16. */
UNET_SIMD_EXTERN void
unet_blend_u8 (
    guint8 *restrict dst, const guint8 *alpha, const guint16 *color, guint n)
{
  for (guint i = 0; i < n; i++) {
    const guint16 a = (guint16) (alpha[i] + (alpha[i] >> 7));
    const guint16 keep = (guint16) (dst[i] * (guint16) (256 - a));
    const guint16 add = (guint16) (color[i] * a);

    dst[i] = (guint8) ((guint16) (keep + add + 128) >> 8);
  }
}

UNET_SIMD_EXTERN void
unet_blend_u16 (UnetSample16 *restrict dst, const guint8 *alpha,
    const guint16 *color, guint shift, guint n)
{
  const gint32 half = (1 << shift) >> 1, mask = -(1 << shift);

  for (guint i = 0; i < n; i++) {
    const gint32 a = alpha[i] + (alpha[i] >> 7);
    const gint32 delta = ((gint32) color[i] - dst[i]) * a + 128;

    dst[i] = (guint16) (dst[i] + (((delta >> 8) + half) & mask));
  }
}

UNET_SIMD_EXTERN void
unet_spread_2 (
    guint8 *restrict dst, const guint8 *src, const guint8 mask[2], guint n)
{
  guint16 factor;
  const guint8 ones[2] = { mask[0] != 0, mask[1] != 0 };

  memcpy (&factor, ones, 2);
  for (guint i = 0; i < n; i++) {
    const guint16 v = (guint16) (src[i] * factor);

    memcpy (dst + 2 * i, &v, 2);
  }
}

UNET_SIMD_EXTERN void
unet_spread_4 (
    guint8 *restrict dst, const guint8 *src, const guint8 mask[4], guint n)
{
  guint32 factor;
  const guint8 ones[4] = { mask[0] != 0, mask[1] != 0, mask[2] != 0,
    mask[3] != 0 };

  memcpy (&factor, ones, 4);
  for (guint i = 0; i < n; i++) {
    const guint32 v = src[i] * factor;

    memcpy (dst + 4 * i, &v, 4);
  }
}

UNET_SIMD_EXTERN void
unet_spread_422 (guint8 *restrict dst, const guint8 *luma, const guint8 *chroma,
    guint first, guint n)
{
  const guint second = first ^ 1;
  guint i;

  for (i = 0; i + 1 < n; i += 2) {
    dst[2 * i + first] = luma[i];
    dst[2 * i + second] = chroma[i / 2];
    dst[2 * i + 2 + first] = luma[i + 1];
    dst[2 * i + 2 + second] = chroma[i / 2];
  }
  /* The last pair's second luma sample is padding. */
  if (i < n) {
    dst[2 * i + first] = luma[i];
    dst[2 * i + second] = chroma[i / 2];
    dst[2 * i + 2 + first] = 0;
    dst[2 * i + 2 + second] = chroma[i / 2];
  }
}

UNET_SIMD_EXTERN void
unet_scatter_u8 (guint8 *restrict dst, const guint8 *src, guint step, guint n)
{
  for (gsize i = 0; i < n; i++)
    dst[step * i] = src[i];
}

UNET_SIMD_EXTERN void
unet_scatter_u16 (
    guint16 *restrict dst, const guint16 *src, guint step, guint n)
{
  if (step == 2)
    for (gsize i = 0; i < n; i++)
      dst[2 * i] = src[i];
  else if (step == 4)
    for (gsize i = 0; i < n; i++)
      dst[4 * i] = src[i];
  else
    for (gsize i = 0; i < n; i++)
      dst[step * i] = src[i];
}

UNET_SIMD_EXTERN void
unet_chroma_rows (guint16 *restrict sum, const guint8 *const rows[3], guint n)
{
  const guint8 *a = rows[0], *b = rows[1], *c = rows[2];

  if (!c)
    for (guint i = 0; i < n; i++)
      sum[i] = (guint16) (4 * b[i]);
  else if (!a)
    for (guint i = 0; i < n; i++)
      sum[i] = (guint16) (2 * b[i] + 2 * c[i]);
  else
    for (guint i = 0; i < n; i++)
      sum[i] = (guint16) (a[i] + 2 * b[i] + c[i]);
}

UNET_SIMD_EXTERN void
unet_chroma_columns (
    guint8 *restrict dst, const guint16 *sum, gboolean cosited, guint n)
{
  if (cosited)
    for (gsize i = 0; i < n; i++)
      dst[i] = (guint8) ((sum[2 * (gint) i - 1] + 2 * sum[2 * i]
                             + sum[2 * i + 1] + 8)
          >> 4);
  else
    for (gsize i = 0; i < n; i++)
      dst[i] = (guint8) ((sum[2 * i] + sum[2 * i + 1] + 4) >> 3);
}

UNET_SIMD_EXTERN void
unet_chroma_color_rows (guint32 *restrict sum, const guint8 *const rows[3],
    const guint16 *const colors[3], guint n)
{
  const guint8 *a = rows[0], *b = rows[1], *c = rows[2];
  const guint16 *u = colors[0], *v = colors[1], *w = colors[2];

  if (!c)
    for (guint i = 0; i < n; i++)
      sum[i] = 4u * b[i] * v[i];
  else if (!a)
    for (guint i = 0; i < n; i++)
      sum[i] = 2u * b[i] * v[i] + 2u * c[i] * w[i];
  else
    for (guint i = 0; i < n; i++)
      sum[i] = (guint32) a[i] * u[i] + 2u * b[i] * v[i] + (guint32) c[i] * w[i];
}

/* Sums stay below 16 × 255 × 65535 < 2^31. */
UNET_SIMD_EXTERN void
unet_chroma_color_columns (guint16 *restrict dst, const guint32 *sum,
    const guint16 *alpha_sum, gboolean cosited, guint n)
{
  for (guint i = 0; i < n; i++) {
    const gint k = 2 * (gint) i;
    gint32 color = (gint32) (sum[k] + sum[k + 1]);
    gint32 alpha = alpha_sum[k] + alpha_sum[k + 1];

    color += cosited ? (gint32) (sum[k - 1] + sum[k]) : 0;
    alpha += cosited ? alpha_sum[k - 1] + alpha_sum[k] : 0;
    alpha = MAX (alpha, 1);
    dst[i] = (guint16) (gint32) ((gfloat) color / (gfloat) alpha + 0.5f);
  }
}
