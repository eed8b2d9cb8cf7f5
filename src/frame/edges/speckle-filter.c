/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/edges/speckle-filter.h"
#include "base/simd.h"

/* The window is (2 REACH + 1)² pixels. */
#define REACH 2
#define AREA  ((2 * REACH + 1) * (2 * REACH + 1))
/* Largest distance from the mean, of 255. A speck of 4 pixels has a mean of 41
 * and so ends below one half; at a straight edge the mean of the outermost
 * pixel is 153, so that 102 and more leave the edge as it is. 80 takes a speck
 * of 5 pixels at most, and a fifth from edges, which GAIN gives back. */
#define LIMIT 80
/* Around one half, in 1/16: 0 and 255 are reached again at straight edges. */
#define GAIN 20

void
unet_speckle_filter_init (UnetSpeckleFilter *self, guint width, guint height)
{
  memset (self, 0, sizeof *self);
  self->width = width;
  self->height = height;
  self->start = g_new0 (guint, height);
  self->end = g_new0 (guint, height);
  self->sums = g_new0 (guint16, (gsize) width + 2 * REACH);
}

void
unet_speckle_filter_clear (UnetSpeckleFilter *self)
{
  g_clear_pointer (&self->plane, g_free);
  g_clear_pointer (&self->start, g_free);
  g_clear_pointer (&self->end, g_free);
  g_clear_pointer (&self->sums, g_free);
}

void
unet_speckle_filter_reset (UnetSpeckleFilter *self)
{
  memset (self->start, 0, self->height * sizeof *self->start);
  memset (self->end, 0, self->height * sizeof *self->end);
}

UNET_SIMD static void
add_five (guint16 *restrict dst, const guint8 *const rows[2 * REACH + 1],
    guint start, guint end)
{
  const guint8 *a = rows[0], *b = rows[1], *c = rows[2], *d = rows[3];
  const guint8 *e = rows[4];

  for (guint x = start; x < end; x++)
    dst[x] = (guint16) (a[x] + b[x] + c[x] + d[x] + e[x]);
}

/* @sums begins at pixel -REACH. */
UNET_SIMD static void
limit_to_mean (guint8 *restrict dst, const guint8 *src, const guint16 *sums,
    guint start, guint end)
{
  for (gsize x = start; x < end; x++) {
    const gint32 sum =
        sums[x] + sums[x + 1] + sums[x + 2] + sums[x + 3] + sums[x + 4];
    const gint32 mean = (sum * 5243) >> 17; /* sum / 25, at most 255 */
    gint32 v = src[x];

    v = v < mean - LIMIT ? mean - LIMIT : v;
    v = v > mean + LIMIT ? mean + LIMIT : v;
    v = 128 + ((v - 128) * GAIN) / 16;
    v = v < 0 ? 0 : v;
    dst[x] = (guint8) (v > 255 ? 255 : v);
  }
}

static void
filter_row (UnetSpeckleFilter *self, const guint8 *coverage, guint y)
{
  const guint w = self->width, start = self->start[y], end = self->end[y];
  const guint from = start > REACH ? start - REACH : 0;
  const guint to = MIN (end + REACH, w);
  guint16 *sums = self->sums + REACH;
  const guint8 *rows[2 * REACH + 1];

  for (gint i = -REACH; i <= REACH; i++)
    rows[i + REACH] =
        coverage + (gsize) CLAMP ((gint) y + i, 0, (gint) self->height - 1) * w;
  add_five (sums, rows, from, to);
  for (guint i = 0; i < REACH; i++) {
    sums[-1 - (gint) i] = sums[0];
    sums[w + i] = sums[w - 1];
  }
  limit_to_mean (self->plane + (gsize) y * w, coverage + (gsize) y * w,
      self->sums, start, end);
}

/* The outermost pixels repeat; where they are not reached, what is written
 * beside them is not read. */
const guint8 *
unet_speckle_filter_run (UnetSpeckleFilter *self, const guint8 *coverage)
{
  const gsize n = (gsize) self->width * self->height;

  if (!self->plane)
    self->plane = g_try_malloc (n);
  if (!self->plane)
    return coverage;
  memcpy (self->plane, coverage, n);
  for (guint y = 0; y < self->height; y++)
    if (self->start[y] < self->end[y])
      filter_row (self, coverage, y);
  return self->plane;
}
