/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/kernels/f32-softmax.h"
#include "base/fast-exp.h"
#include "base/simd.h"
#include "engine/kernels/parallel.h"
#include <math.h>
#include <string.h>

#define SOFTMAX_TILE 256

/* Computes d = s - best and adds exp (d) to @sum. With @keep FALSE @d becomes
 * the exponentials. The compiler vectorises each of the three loops. */
UNET_SIMD static void
softmax_exponentials (const gfloat *restrict s, const gfloat *restrict best,
    gfloat *restrict sum, gfloat *restrict d, gint64 n, gboolean keep)
{
  gfloat e[SOFTMAX_TILE];

  for (gint64 i = 0; i < n; i++)
    d[i] = s[i] - best[i];
  for (gint64 i = 0; i < n; i++)
    e[i] = unet_fast_exp (d[i]);
  for (gint64 i = 0; i < n; i++)
    sum[i] += e[i];
  if (!keep)
    memcpy (d, e, n * sizeof *d);
}

UNET_SIMD static void
row_max (gfloat *restrict best, const gfloat *restrict s, gint64 n)
{
  for (gint64 i = 0; i < n; i++)
    best[i] = best[i] > s[i] ? best[i] : s[i];
}

UNET_SIMD static void
row_scale (gfloat *restrict d, const gfloat *restrict sum, gint64 n)
{
  for (gint64 i = 0; i < n; i++)
    d[i] /= sum[i];
}

static void
softmax_tile (
    const UnetSoftmaxPlain *p, const gfloat *src, gfloat *dst, gint64 n)
{
  gfloat best[SOFTMAX_TILE], sum[SOFTMAX_TILE] = { 0 };

  memcpy (best, src, n * sizeof *best);
  for (gint64 c = 1; c < p->c; c++)
    row_max (best, src + c * p->pixels, n);
  for (gint64 c = 0; c < p->c; c++)
    softmax_exponentials (
        src + c * p->pixels, best, sum, dst + c * p->pixels, n, p->logarithm);
  if (p->logarithm)
    for (gint64 i = 0; i < n; i++)
      sum[i] = logf (sum[i]);
  for (gint64 c = 0; c < p->c; c++) {
    gfloat *d = dst + c * p->pixels;

    if (!p->logarithm)
      row_scale (d, sum, n);
    else
      for (gint64 i = 0; i < n; i++)
        d[i] -= sum[i];
  }
}

/* ---- channels next to each other ---------------------------------------- */

/* Sums and maxima have this many parts, whatever a vector holds, so that their
 * order is the same on all processors. */
#define LANES 16

UNET_SIMD static gfloat
line_max (const gfloat *s, gint64 n)
{
  gfloat best[LANES];
  gint64 i = LANES;

  for (gint64 k = 0; k < LANES; k++)
    best[k] = s[MIN (k, n - 1)];
  for (; i + LANES <= n; i += LANES)
    for (gint64 k = 0; k < LANES; k++)
      best[k] = best[k] > s[i + k] ? best[k] : s[i + k];
  for (; i < n; i++)
    best[0] = best[0] > s[i] ? best[0] : s[i];
  for (gint64 k = 1; k < LANES; k++)
    best[0] = best[0] > best[k] ? best[0] : best[k];
  return best[0];
}

/* Makes @d of @s - @best, or of its exponentials unless @keep. Adds the
 * exponentials of a tile to @sum. */
UNET_SIMD static void
line_exponentials (const gfloat *s, gfloat best, gfloat *restrict sum,
    gfloat *d, gint64 n, gboolean keep)
{
  gfloat e[SOFTMAX_TILE];
  gint64 i = 0;

  for (gint64 k = 0; k < n; k++)
    d[k] = s[k] - best;
  for (gint64 k = 0; k < n; k++)
    e[k] = unet_fast_exp (d[k]);
  for (; i + LANES <= n; i += LANES)
    for (gint64 k = 0; k < LANES; k++)
      sum[k] += e[i + k];
  for (; i < n; i++)
    sum[0] += e[i];
  if (!keep)
    memcpy (d, e, (gsize) n * sizeof *d);
}

UNET_SIMD static void
line_divide (gfloat *d, gfloat sum, gint64 n)
{
  for (gint64 i = 0; i < n; i++)
    d[i] /= sum;
}

static void
softmax_line (const UnetSoftmaxPlain *p, const gfloat *src, gfloat *dst)
{
  gfloat best = line_max (src, p->c), sum[LANES] = { 0 };

  for (gint64 c = 0; c < p->c; c += SOFTMAX_TILE)
    line_exponentials (src + c, best, sum, dst + c,
        MIN (SOFTMAX_TILE, p->c - c), p->logarithm);
  for (gint64 k = 1; k < LANES; k++)
    sum[0] += sum[k];
  if (!p->logarithm) {
    line_divide (dst, sum[0], p->c);
    return;
  }
  sum[0] = logf (sum[0]);
  for (gint64 c = 0; c < p->c; c++)
    dst[c] -= sum[0];
}

static void
softmax_plain_job (gconstpointer params, gpointer const *ptr, gint64 i,
    G_GNUC_UNUSED guint thread)
{
  const UnetSoftmaxPlain *p = params;
  gint64 tiles = (p->pixels + SOFTMAX_TILE - 1) / SOFTMAX_TILE;
  gint64 at, offset;

  if (p->pixels == 1) {
    softmax_line (
        p, (const gfloat *) ptr[0] + i * p->c, (gfloat *) ptr[1] + i * p->c);
    return;
  }
  at = i % tiles * SOFTMAX_TILE;
  offset = i / tiles * p->c * p->pixels + at;

  softmax_tile (p, (const gfloat *) ptr[0] + offset, (gfloat *) ptr[1] + offset,
      MIN (SOFTMAX_TILE, p->pixels - at));
}

void
unet_kernel_softmax_plain (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetSoftmaxPlain *p = params;
  gint64 tiles = (p->pixels + SOFTMAX_TILE - 1) / SOFTMAX_TILE;

  unet_parallel (softmax_plain_job, params, ptr, p->n * tiles, threads);
}
