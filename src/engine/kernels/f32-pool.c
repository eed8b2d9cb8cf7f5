/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/kernels/f32-pool.h"
#include "base/simd.h"
#include "engine/kernels/parallel.h"
#include <math.h>

/* ---- global pooling ------------------------------------------------------ */

/* Adds the sums of rows in double: large maps would lose digits in float. */
UNET_SIMD static void
pool_lanes (gfloat *restrict dst, const gfloat *restrict src, gint64 vec,
    gint64 lanes, gint64 pixels, gint64 row, gboolean maximum)
{
  gdouble total[16] = { 0 };
  gfloat best[16];

  for (gint64 k = 0; k < lanes; k++)
    best[k] = -INFINITY;
  for (gint64 at = 0; at < pixels; at += row) {
    gfloat sum[16] = { 0 };
    gint64 n = MIN (row, pixels - at);
    const gfloat *p = src + at * vec;

    if (maximum) {
      for (gint64 i = 0; i < n; i++, p += vec)
        for (gint64 k = 0; k < lanes; k++)
          best[k] = MAX (best[k], p[k]);
    } else if (lanes == 16) {
      for (gint64 i = 0; i < n; i++, p += vec)
        for (gint k = 0; k < 16; k++)
          sum[k] += p[k];
    } else {
      for (gint64 i = 0; i < n; i++, p += vec)
        for (gint64 k = 0; k < lanes; k++)
          sum[k] += p[k];
    }
    for (gint64 k = 0; k < lanes; k++)
      total[k] += sum[k];
  }
  for (gint64 k = 0; k < lanes; k++)
    dst[k] = maximum ? best[k] : (gfloat) (total[k] / pixels);
}

/* Pools one PLAIN channel, whose pixels are contiguous. */
UNET_SIMD static gfloat
pool_plane (const gfloat *src, gint64 pixels, gboolean maximum)
{
  gdouble total = 0;
  gfloat best = -INFINITY;

  for (gint64 at = 0; at < pixels; at += 64) {
    gint64 n = MIN (64, pixels - at);
    gfloat sum = 0;

    for (gint64 i = 0; i < n; i++) {
      sum += src[at + i];
      best = MAX (best, src[at + i]);
    }
    total += sum;
  }
  return maximum ? best : (gfloat) (total / pixels);
}

static void
global_pool_job (gconstpointer params, gpointer const *ptr, gint64 i,
    G_GNUC_UNUSED guint thread)
{
  const UnetGlobalPool *p = params;
  const UnetVec *s = &p->src;
  gint64 pixels = s->h * s->w, groups = (s->vec + 15) / 16;
  gint64 plane = i / groups, lane = i % groups * 16;
  gint64 lanes = MIN (16, s->vec - lane);
  const gfloat *src =
      (const gfloat *) ptr[0] + plane * unet_vec_plane (s) + lane;
  gfloat *dst = (gfloat *) ptr[1] + plane * s->vec + lane;

  if (s->vec == 1) {
    *dst = pool_plane (src, pixels, p->maximum);
  } else {
    pool_lanes (dst, src, s->vec, lanes, pixels, s->w, p->maximum);
    /* padding lanes hold zeros, whose mean and maximum are zero */
  }
}

void
unet_kernel_global_pool (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetGlobalPool *p = params;
  const UnetVec *s = &p->src;
  gint64 groups = (s->vec + 15) / 16;

  unet_parallel (
      global_pool_job, params, ptr, s->n * s->blocks * groups, threads);
}

/* ---- 2x2 maximum --------------------------------------------------------- */

UNET_SIMD static void
max2_row (gfloat *restrict dst, const gfloat *restrict a,
    const gfloat *restrict b, gint64 n)
{
  for (gint64 x = 0; x < n; x++) {
    gfloat p = a[2 * x] > a[2 * x + 1] ? a[2 * x] : a[2 * x + 1];
    gfloat q = b[2 * x] > b[2 * x + 1] ? b[2 * x] : b[2 * x + 1];

    dst[x] = p > q ? p : q;
  }
}

static void
max_pool2_plain_job (gconstpointer params, gpointer const *ptr, gint64 i,
    G_GNUC_UNUSED guint thread)
{
  const UnetMaxPool2 *p = params;
  const UnetVec *s = &p->src, *d = &p->dst;
  const gfloat *src =
      (const gfloat *) ptr[0] + (i / d->h * s->h + i % d->h * 2) * s->w;

  max2_row ((gfloat *) ptr[1] + i * d->w, src, src + s->w, d->w);
}

void
unet_kernel_max_pool2_plain (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetMaxPool2 *p = params;
  const UnetVec *d = &p->dst;

  unet_parallel (max_pool2_plain_job, params, ptr, d->n * d->c * d->h, threads);
}
