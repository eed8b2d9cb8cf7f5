/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/edges/guided-filter.h"
#include "frame/edges/morphology.h"
#include "base/simd.h"

/* Moments of a pixel side by side, so that sums along rows and columns are
 * vector additions: guide, p, guide × p, guide × guide, three unused. */
#define MOMENTS 16
/* Coefficients of a window. */
#define COEFFICIENTS 4
/* Windows that are solved at a time. */
#define BATCH 32

gboolean
unet_guided_filter_filter_init (
    UnetGuidedFilter *self, guint width, guint height)
{
  const gsize n = (gsize) width * height;

  self->width = width;
  self->height = height;
  self->wanted = g_try_malloc0 (n);
  self->needed = g_try_malloc0 (n);
  self->coefficients = g_try_new0 (gfloat, n * COEFFICIENTS);
  self->moments = g_new0 (gfloat, (gsize) width * MOMENTS);
  self->sums = g_new0 (gfloat, (gsize) width * MOMENTS);
  self->ring = g_try_new0 (gfloat, n * COEFFICIENTS);
  self->ring_sums = g_new0 (gfloat, (gsize) width * COEFFICIENTS);
  return self->wanted && self->needed && self->coefficients && self->ring;
}

void
unet_guided_filter_filter_clear (UnetGuidedFilter *self)
{
  g_clear_pointer (&self->wanted, g_free);
  g_clear_pointer (&self->needed, g_free);
  g_clear_pointer (&self->coefficients, g_free);
  g_clear_pointer (&self->moments, g_free);
  g_clear_pointer (&self->sums, g_free);
  g_clear_pointer (&self->ring, g_free);
  g_clear_pointer (&self->ring_sums, g_free);
}

/* ---- windows ---------------------------------------------------------- */

UNET_SIMD static void
find_moments (
    gfloat *restrict dst, const gfloat *guide, const gfloat *p, guint n)
{
  for (gsize i = 0; i < n; i++) {
    const gfloat a = guide[4 * i], b = guide[4 * i + 1], c = guide[4 * i + 2];
    gfloat *m = dst + MOMENTS * i;

    m[0] = a;
    m[1] = b;
    m[2] = c;
    m[3] = p[i];
    m[4] = a * p[i];
    m[5] = b * p[i];
    m[6] = c * p[i];
    m[7] = a * a;
    m[8] = a * b;
    m[9] = a * c;
    m[10] = b * b;
    m[11] = b * c;
    m[12] = c * c;
    m[13] = m[14] = m[15] = 0;
  }
}

UNET_SIMD static void
add_moments (gfloat *restrict sums, const gfloat *row, guint n)
{
  for (guint i = 0; i < n; i++)
    sums[i] += row[i];
}

UNET_SIMD static void
take_moments (gfloat *restrict sums, const gfloat *row, guint n)
{
  for (guint i = 0; i < n; i++)
    sums[i] -= row[i];
}

/* Moments of many windows, one kind after the other. */
typedef struct {
  gfloat m[13][BATCH];
  gfloat k[COEFFICIENTS][BATCH];
} Batch;

/* Least squares in each window: Cholesky's way through the symmetric 3x3
 * system. */
UNET_SIMD static void
solve_batch (Batch *restrict batch, gfloat eps)
{
  gfloat (*restrict m)[BATCH] = batch->m;
  gfloat (*restrict k)[BATCH] = batch->k;

  for (guint i = 0; i < BATCH; i++) {
    const gfloat a = m[0][i], b = m[1][i], c = m[2][i], p = m[3][i];
    const gfloat s00 = m[7][i] - a * a, s01 = m[8][i] - a * b;
    const gfloat s02 = m[9][i] - a * c, s12 = m[11][i] - b * c;
    const gfloat s11 = m[10][i] - b * b + eps, s22 = m[12][i] - c * c + eps;
    const gfloat c0 = m[4][i] - a * p, c1 = m[5][i] - b * p;
    const gfloat i0 = 1 / (eps + (s00 > 0 ? s00 : 0));
    const gfloat l10 = s01 * i0, l20 = s02 * i0;
    const gfloat d1 = s11 - l10 * s01, i1 = 1 / (d1 > eps ? d1 : eps);
    const gfloat e12 = s12 - l20 * s01, l21 = e12 * i1;
    const gfloat d2 = s22 - l20 * s02 - l21 * e12;
    const gfloat y1 = c1 - l10 * c0;
    const gfloat y2 = m[6][i] - c * p - l20 * c0 - l21 * y1;
    const gfloat k2 = y2 / (d2 > eps ? d2 : eps);
    const gfloat k1 = y1 * i1 - l21 * k2;
    const gfloat k0 = c0 * i0 - l10 * k1 - l20 * k2;

    k[0][i] = k0;
    k[1][i] = k1;
    k[2][i] = k2;
    k[3][i] = p - k0 * a - k1 * b - k2 * c;
  }
}

UNET_SIMD static void
turn_in (Batch *restrict batch, const gfloat *means, guint n)
{
  for (gsize j = 0; j < 13; j++)
    for (gsize i = 0; i < n; i++)
      batch->m[j][i] = means[MOMENTS * i + j];
}

UNET_SIMD static void
turn_out (gfloat *restrict dst, const Batch *batch, guint n)
{
  for (gsize i = 0; i < n; i++)
    for (gsize j = 0; j < COEFFICIENTS; j++)
      dst[COEFFICIENTS * i + j] = batch->k[j][i];
}

/* Windows that are not needed keep the value itself. */
static void
solve_windows (gfloat *dst, gfloat *means, const gfloat *p,
    const guint8 *needed, guint n, gfloat eps)
{
  Batch batch = { 0 };

  for (guint x = 0; x < n; x += BATCH) {
    const guint count = MIN (BATCH, n - x);

    if (!memchr (needed + x, 1, count))
      continue;
    turn_in (&batch, means + MOMENTS * (gsize) x, count);
    solve_batch (&batch, eps);
    turn_out (dst + COEFFICIENTS * (gsize) x, &batch, count);
  }
  for (guint x = 0; x < n; x++) {
    gfloat *k = dst + COEFFICIENTS * (gsize) x;

    if (needed[x])
      continue;
    k[0] = k[1] = k[2] = 0;
    k[3] = p[x];
  }
}

static guint
count_in_window (guint at, guint radius, guint limit)
{
  return MIN (at + radius, limit - 1) - (at > radius ? at - radius : 0) + 1;
}

/* Finds the first flag of a row, and the place after the last one. */
static void
find_extent (const guint8 *flags, guint n, guint *start, guint *end)
{
  *start = 0;
  *end = n;
  while (*start < n && !flags[*start])
    ++*start;
  while (*end > *start && !flags[*end - 1])
    --*end;
}

/* Sums over columns are there; along the row each window gains one column and
 * loses one. @means may not be @sums. */
UNET_SIMD static void
find_means (gfloat *restrict means, const gfloat *sums, guint start, guint end,
    guint n, guint radius, guint n_rows)
{
  gfloat window[MOMENTS] = { 0 };

  for (gsize x = start > radius ? start - radius : 0;
       x < MIN (start + radius, n); x++)
    for (gsize i = 0; i < MOMENTS; i++)
      window[i] += sums[MOMENTS * x + i];
  for (gsize x = start; x < end; x++) {
    const guint columns =
        MIN (x + radius, n - 1) - (x > radius ? x - radius : 0) + 1;
    const gfloat scale = 1.0f / (gfloat) (columns * n_rows);

    if (x + radius < n)
      for (gsize i = 0; i < MOMENTS; i++)
        window[i] += sums[MOMENTS * (x + radius) + i];
    for (gsize i = 0; i < MOMENTS; i++)
      means[MOMENTS * x + i] = window[i] * scale;
    if (x >= radius)
      for (gsize i = 0; i < MOMENTS; i++)
        window[i] -= sums[MOMENTS * (x - radius) + i];
  }
}

/* Mean of the coefficients of all windows round a pixel. */
UNET_SIMD static void
average_row (gfloat *restrict dst, const gfloat *sums, guint start, guint end,
    guint n, guint radius, guint n_rows)
{
  gfloat window[COEFFICIENTS] = { 0 };

  for (gsize x = start > radius ? start - radius : 0;
       x < MIN (start + radius, n); x++)
    for (gsize i = 0; i < COEFFICIENTS; i++)
      window[i] += sums[COEFFICIENTS * x + i];
  for (gsize x = start; x < end; x++) {
    const guint columns =
        MIN (x + radius, n - 1) - (x > radius ? x - radius : 0) + 1;
    const gfloat scale = 1.0f / (gfloat) (columns * n_rows);

    if (x + radius < n)
      for (gsize i = 0; i < COEFFICIENTS; i++)
        window[i] += sums[COEFFICIENTS * (x + radius) + i];
    for (gsize i = 0; i < COEFFICIENTS; i++)
      dst[COEFFICIENTS * x + i] = window[i] * scale;
    if (x >= radius)
      for (gsize i = 0; i < COEFFICIENTS; i++)
        window[i] -= sums[COEFFICIENTS * (x - radius) + i];
  }
}

static void
keep_values (gfloat *dst, const gfloat *p, const guint8 *wanted, guint n)
{
  for (guint x = 0; x < n; x++) {
    gfloat *k = dst + COEFFICIENTS * (gsize) x;

    if (wanted[x])
      continue;
    k[0] = k[1] = k[2] = 0;
    k[3] = p[x];
  }
}

/* ---- the filter ------------------------------------------------------- */

static gboolean
is_any (const guint8 *flags, guint n)
{
  return memchr (flags, 1, n) != NULL;
}

static void
solve_rows (UnetGuidedFilter *self, const gfloat *guide, const gfloat *p,
    guint radius, gfloat eps)
{
  const guint w = self->width, h = self->height;

  memset (self->sums, 0, sizeof (gfloat) * w * MOMENTS);
  for (guint y = 0; y < h + radius; y++) {
    if (y < h) {
      find_moments (
          self->moments, guide + 4 * (gsize) y * w, p + (gsize) y * w, w);
      add_moments (self->sums, self->moments, w * MOMENTS);
    }
    if (y >= 2 * radius + 1) {
      const gsize old = (gsize) (y - 2 * radius - 1) * w;

      find_moments (self->moments, guide + 4 * old, p + old, w);
      take_moments (self->sums, self->moments, w * MOMENTS);
    }
    if (y >= radius) {
      const gsize at = (gsize) (y - radius) * w;
      guint start, end;

      find_extent (self->needed + at, w, &start, &end);
      find_means (self->moments, self->sums, start, end, w, radius,
          count_in_window (y - radius, radius, h));
      solve_windows (self->ring + COEFFICIENTS * at, self->moments, p + at,
          self->needed + at, w, eps);
    }
  }
}

static void
average_rows (UnetGuidedFilter *self, const gfloat *p, guint radius)
{
  const guint w = self->width, h = self->height;
  const gsize row = (gsize) w * COEFFICIENTS;

  memset (self->ring_sums, 0, row * sizeof (gfloat));
  for (guint y = 0; y < h + radius; y++) {
    if (y < h)
      add_moments (self->ring_sums, self->ring + row * y, (guint) row);
    if (y >= 2 * radius + 1)
      take_moments (self->ring_sums, self->ring + row * (y - 2 * radius - 1),
          (guint) row);
    if (y >= radius) {
      const gsize at = (gsize) (y - radius) * w;
      guint start, end;

      find_extent (self->wanted + at, w, &start, &end);
      average_row (self->coefficients + COEFFICIENTS * at, self->ring_sums,
          start, end, w, radius, count_in_window (y - radius, radius, h));
      keep_values (
          self->coefficients + COEFFICIENTS * at, p + at, self->wanted + at, w);
    }
  }
}

void
unet_guided_filter_filter_run (UnetGuidedFilter *self, const gfloat *guide,
    const gfloat *p, guint radius, gfloat eps)
{
  const gsize n = (gsize) self->width * self->height;

  radius = MIN (radius, MIN (self->width, self->height) - 1);
  if (!is_any (self->wanted, (guint) n)) {
    for (gsize i = 0; i < n; i++) {
      gfloat *k = self->coefficients + COEFFICIENTS * i;

      k[0] = k[1] = k[2] = 0;
      k[3] = p[i];
    }
    return;
  }
  unet_flags_dilate (self->needed, self->wanted, (guint8 *) self->ring,
      self->width, self->height, radius);
  solve_rows (self, guide, p, radius, eps);
  average_rows (self, p, radius);
}

UNET_SIMD static void
apply (gfloat *restrict q, const gfloat *k, const gfloat *guide, gsize n)
{
  for (gsize i = 0; i < n; i++)
    q[i] = k[4 * i] * guide[4 * i] + k[4 * i + 1] * guide[4 * i + 1]
        + k[4 * i + 2] * guide[4 * i + 2] + k[4 * i + 3];
}

void
unet_guided_filter_filter_apply (
    const UnetGuidedFilter *self, const gfloat *guide, gfloat *q)
{
  apply (q, self->coefficients, guide, (gsize) self->width * self->height);
}
