/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/draw/background-blur.h"
#include "frame/draw/blend.h"
#include "frame/input/resample.h"
#include "base/simd.h"

#include <math.h>

/* The picture is averaged down by a power of two until the blur is a few
 * samples wide, goes three times through a box in both directions there, which
 * is close to a Gaussian (Wells, "Efficient synthesis of Gaussian filters by
 * cascaded uniform filters", PAMI 1986), and is enlarged bilinearly. Samples
 * carry weights, 0 where there is foreground, and are divided by their sum in
 * the end: nothing of it bleeds out. */

#define LEAST_SIGMA    2.0 /* at the reduced size */
#define LARGEST_FACTOR 32
#define PASSES         3
/* A reduced sample with this share of foreground has weight 0. More lets the
 * person's colours bleed into the blur. */
#define FOREGROUND (1 / 3.0f)
/* Sums of weights below this are rounding errors. */
#define LEAST_WEIGHT 1e-3f

struct _UnetBackgroundBlur {
  GstVideoInfo info;
  UnetPixelLayout layout;
  guint sigma_64; /* what the sizes are for: sigma in 1/64 */
  guint factor;
  guint width, height; /* reduced */
  guint radius[PASSES];
  UnetResampler resampler;
  gboolean open;
  gfloat *row[3];
  guint16 *sums;
  gfloat *weights;
  gfloat *pixels, *scratch; /* weighted samples and weight */
  gfloat *plane[3];         /* blurred samples */
  gfloat *line[2];
  guint16 *samples, *rounded;
  const GstVideoFrame *picture; /* (nullable) */
};

UnetBackgroundBlur *
unet_background_blur_new (const GstVideoInfo *info)
{
  UnetBackgroundBlur *self = g_new0 (UnetBackgroundBlur, 1);

  self->info = *info;
  unet_pixel_layout_init (&self->layout, info);
  self->samples = g_new0 (guint16, 4 * (gsize) info->width + 16);
  self->rounded = g_new0 (guint16, (gsize) info->width + 16);
  return self;
}

static void
close_sizes (UnetBackgroundBlur *self)
{
  if (self->open)
    unet_resampler_clear (&self->resampler);
  self->open = FALSE;
  for (guint i = 0; i < 3; i++) {
    g_clear_pointer (&self->row[i], g_free);
    g_clear_pointer (&self->plane[i], g_free);
  }
  g_clear_pointer (&self->line[0], g_free);
  g_clear_pointer (&self->line[1], g_free);
  g_clear_pointer (&self->sums, g_free);
  g_clear_pointer (&self->weights, g_free);
  g_clear_pointer (&self->pixels, g_free);
  g_clear_pointer (&self->scratch, g_free);
}

void
unet_background_blur_free (UnetBackgroundBlur *self)
{
  if (!self)
    return;
  close_sizes (self);
  g_free (self->samples);
  g_free (self->rounded);
  g_free (self);
}

/* Boxes of two odd sizes whose variances add up to the one wanted. */
static void
choose_boxes (UnetBackgroundBlur *self, gdouble sigma)
{
  const gdouble ideal = sqrt (12 * sigma * sigma / PASSES + 1);
  guint size = (guint) ideal, n_small;

  size -= size % 2 == 0;
  n_small = (guint) CLAMP (floor ((12 * sigma * sigma - PASSES * size * size
                                      - 4.0 * PASSES * size - 3 * PASSES)
                                   / (-4.0 * size - 4)
                               + 0.5),
      0, PASSES);
  for (guint i = 0; i < PASSES; i++)
    self->radius[i] = (size - 1) / 2 + (i >= n_small);
}

static gboolean
open_sizes (UnetBackgroundBlur *self, gdouble sigma)
{
  const guint w = (guint) self->info.width, h = (guint) self->info.height;
  UnetPlacement placement = { 0 };
  gsize n;

  if (self->open && self->sigma_64 == (guint) (sigma * 64))
    return TRUE;
  close_sizes (self);
  self->sigma_64 = (guint) (sigma * 64);
  self->factor = 2;
  while (self->factor < LARGEST_FACTOR
      && sigma / (2 * self->factor) >= LEAST_SIGMA)
    self->factor *= 2;
  choose_boxes (self, sigma / self->factor);
  self->width = (w + self->factor - 1) / self->factor;
  self->height = (h + self->factor - 1) / self->factor;
  n = (gsize) self->width * self->height;
  placement.src_w = self->width * self->factor;
  placement.src_h = self->height * self->factor;
  placement.dst_w = (gint) self->width;
  placement.dst_h = (gint) self->height;
  unet_resampler_init (&self->resampler, &self->info, &self->layout,
      self->layout.n_components, &placement);
  self->open = TRUE;
  for (guint i = 0; i < 3; i++) {
    self->row[i] = g_new0 (gfloat, self->width);
    self->plane[i] = g_try_new0 (gfloat, n);
  }
  self->sums = g_new0 (guint16, self->width * self->factor);
  self->weights = g_new0 (gfloat, self->width);
  self->pixels = g_try_new0 (gfloat, 4 * n);
  self->scratch = g_try_new0 (gfloat, 4 * n + 4 * (gsize) self->width);
  for (guint i = 0; i < 2; i++)
    self->line[i] = g_new0 (gfloat, (gsize) self->width * self->factor + 18);
  if (self->plane[0] && self->plane[1] && self->plane[2] && self->pixels
      && self->scratch)
    return TRUE;
  close_sizes (self);
  return FALSE;
}

/* ---- down ------------------------------------------------------------- */

UNET_SIMD static void
add_coverage (guint16 *restrict sums, const guint8 *row, guint n)
{
  for (guint i = 0; i < n; i++)
    sums[i] = (guint16) (sums[i] + row[i]);
}

static void
find_weights (UnetBackgroundBlur *self, const UnetMask *coverage, guint y)
{
  const guint f = self->factor, w = coverage->width;
  const guint from = y * f, to = MIN (from + f, coverage->height);
  const gfloat scale = 1.0f / (gfloat) (255 * f * f);

  memset (self->sums, 0, sizeof (guint16) * self->width * f);
  for (guint i = from; i < from + f; i++)
    add_coverage (
        self->sums, coverage->probability + (gsize) MIN (i, to - 1) * w, w);
  for (guint x = w; x < self->width * f; x++)
    self->sums[x] = self->sums[w - 1];
  for (guint x = 0; x < self->width; x++) {
    guint sum = 0;
    gfloat t;

    for (guint i = 0; i < f; i++)
      sum += self->sums[x * f + i];
    t = 1 - (gfloat) sum * scale / FOREGROUND;
    t = MAX (t, 0);
    self->weights[x] = t * t;
  }
}

UNET_SIMD static void
weigh (gfloat *restrict dst, const gfloat *a, const gfloat *b, const gfloat *c,
    const gfloat *weights, guint n)
{
  for (gsize i = 0; i < n; i++) {
    dst[4 * i] = a[i] * weights[i];
    dst[4 * i + 1] = b[i] * weights[i];
    dst[4 * i + 2] = c[i] * weights[i];
    dst[4 * i + 3] = weights[i];
  }
}

/* ---- boxes ------------------------------------------------------------ */

/* Outside there is nothing, which weighs nothing. */
UNET_SIMD static void
box_row (gfloat *restrict dst, const gfloat *src, guint n, guint radius)
{
  const gfloat scale = 1.0f / (gfloat) (2 * radius + 1);
  gfloat sum[4] = { 0 };

  for (gsize x = 0; x < MIN (radius, n); x++)
    for (gsize c = 0; c < 4; c++)
      sum[c] += src[4 * x + c];
  for (gsize x = 0; x < n; x++) {
    if (x + radius < n)
      for (gsize c = 0; c < 4; c++)
        sum[c] += src[4 * (x + radius) + c];
    if (x > radius)
      for (gsize c = 0; c < 4; c++)
        sum[c] -= src[4 * (x - radius - 1) + c];
    for (gsize c = 0; c < 4; c++)
      dst[4 * x + c] = sum[c] * scale;
  }
}

UNET_SIMD static void
add_samples (gfloat *restrict sums, const gfloat *row, guint n)
{
  for (guint i = 0; i < n; i++)
    sums[i] += row[i];
}

UNET_SIMD static void
take_samples (gfloat *restrict sums, const gfloat *row, guint n)
{
  for (guint i = 0; i < n; i++)
    sums[i] -= row[i];
}

UNET_SIMD static void
scale_row (gfloat *restrict dst, const gfloat *sums, gfloat scale, guint n)
{
  for (guint i = 0; i < n; i++)
    dst[i] = sums[i] * scale;
}

static void
box_columns (gfloat *dst, const gfloat *src, gfloat *sums, guint n,
    guint height, guint radius)
{
  memset (sums, 0, n * sizeof *sums);
  for (guint y = 0; y < MIN (radius, height); y++)
    add_samples (sums, src + (gsize) y * n, n);
  for (guint y = 0; y < height; y++) {
    if (y + radius < height)
      add_samples (sums, src + (gsize) (y + radius) * n, n);
    if (y > radius)
      take_samples (sums, src + (gsize) (y - radius - 1) * n, n);
    scale_row (dst + (gsize) y * n, sums, 1.0f / (gfloat) (2 * radius + 1), n);
  }
}

static void
box (UnetBackgroundBlur *self, guint radius)
{
  const guint n = 4 * self->width;

  for (guint y = 0; y < self->height; y++)
    box_row (self->scratch + (gsize) y * n, self->pixels + (gsize) y * n,
        self->width, radius);
  box_columns (self->pixels, self->scratch,
      self->scratch + (gsize) n * self->height, n, self->height, radius);
}

/* A large foreground has no background nearby: its inside takes the next value
 * along the row, or the row above. */
static void
divide_row (UnetBackgroundBlur *self, guint y)
{
  const guint n = self->width;
  const gfloat *src = self->pixels + 4 * (gsize) y * n;
  const gfloat middle =
      (gfloat) (1u << (self->layout.depth - 1) << self->layout.shift);
  guint first = 0;

  while (first < n && src[4 * first + 3] < LEAST_WEIGHT)
    first++;
  for (guint c = 0; c < 3; c++) {
    gfloat *dst = self->plane[c] + (gsize) y * n;
    gfloat last = middle;

    if (first == n && y > 0) {
      memcpy (dst, dst - n, n * sizeof *dst);
      continue;
    }
    if (first < n)
      last = src[4 * first + c] / src[4 * first + 3];
    for (guint x = 0; x < n; x++) {
      if (src[4 * x + 3] >= LEAST_WEIGHT)
        last = src[4 * x + c] / src[4 * x + 3];
      dst[x] = last;
    }
  }
}

gboolean
unet_background_blur_run (UnetBackgroundBlur *self, const GstVideoFrame *frame,
    const UnetMask *coverage, gdouble radius)
{
  self->picture = NULL;
  if (!open_sizes (self, MAX (radius, 1)))
    return FALSE;
  for (guint y = 0; y < self->height; y++) {
    unet_resampler_row (&self->resampler, frame, y, self->row);
    find_weights (self, coverage, y);
    weigh (self->pixels + 4 * (gsize) y * self->width, self->row[0],
        self->row[1], self->row[2], self->weights, self->width);
  }
  for (guint i = 0; i < PASSES; i++)
    box (self, self->radius[i]);
  for (guint y = 0; y < self->height; y++)
    divide_row (self, y);
  return TRUE;
}

void
unet_background_blur_set_picture (
    UnetBackgroundBlur *self, const GstVideoFrame *picture)
{
  self->picture = picture;
}

/* ---- up --------------------------------------------------------------- */

UNET_SIMD static void
mix_rows (
    gfloat *restrict dst, const gfloat *a, const gfloat *b, gfloat f, guint n)
{
  for (guint i = 0; i < n; i++)
    dst[i] = a[i] + (b[i] - a[i]) * f;
}

/* @src has its ends repeated before and after; so has @dst. */
UNET_SIMD static void
double_row (gfloat *restrict dst, const gfloat *src, gsize n)
{
  const gfloat *before = src - 1, *after = src + 1;

  for (gsize i = 0; i < n; i++) {
    dst[2 * i] = src[i] + (before[i] - src[i]) * 0.25f;
    dst[2 * i + 1] = src[i] + (after[i] - src[i]) * 0.25f;
  }
}

static void
repeat_ends (gfloat *row, guint n)
{
  row[-1] = row[0];
  row[n] = row[n - 1];
}

/* An ordered dither (Bayer 1973) rounds samples up or down by place, so that
 * gradients have no steps. */
UNET_SIMD static void
round_row (guint16 *restrict dst, const gfloat *src, guint shift, gfloat limit,
    guint y, guint n)
{
  static const gfloat bayer[4][4] = { { 0.5f, 8.5f, 2.5f, 10.5f },
    { 12.5f, 4.5f, 14.5f, 6.5f }, { 3.5f, 11.5f, 1.5f, 9.5f },
    { 15.5f, 7.5f, 13.5f, 5.5f } };
  const gfloat scale = 1.0f / (gfloat) (1u << shift);
  gfloat offset[16];

  for (gsize i = 0; i < 16; i++)
    offset[i] = bayer[y & 3][i & 3] * (1 / 16.0f);
  for (gsize x = 0; x < n; x += 16) {
    for (gsize i = 0; i < 16; i++) {
      gfloat v = src[x + i] * scale + offset[i];

      v = v > 0 ? v : 0;
      v = v < limit ? v : limit;
      dst[x + i] = (guint16) ((guint) (gint32) v << shift);
    }
  }
}

static void
make_component (UnetBackgroundBlur *self, guint index, guint y)
{
  const UnetLayoutComponent *component = &self->layout.component[index];
  const guint n =
      GST_VIDEO_SUB_SCALE (component->w_sub, (guint) self->info.width);
  const gdouble at =
      CLAMP ((y + 0.5) * (1u << component->h_sub) / self->factor - 0.5, 0,
          self->height - 1.0);
  const guint above = (guint) at, below = MIN (above + 1, self->height - 1);
  gfloat *from = self->line[0] + 1, *to = self->line[1] + 1;
  guint length = self->width;
  guint16 *dst;

  mix_rows (from, self->plane[index] + (gsize) above * self->width,
      self->plane[index] + (gsize) below * self->width, (gfloat) (at - above),
      length);
  for (guint f = self->factor >> component->w_sub; f > 1; f /= 2) {
    gfloat *swap = from;

    repeat_ends (from, length);
    double_row (to, from, length);
    from = to;
    to = swap;
    length *= 2;
  }
  dst = component->step == 1 ? self->samples : self->rounded;
  round_row (dst, from, self->layout.shift,
      (gfloat) ((1u << self->layout.depth) - 1), y, n);
  if (component->step > 1)
    unet_scatter_u16 (
        self->samples + component->offset, dst, component->step, n);
}

UNET_SIMD static void
widen (guint16 *restrict dst, const guint8 *src, guint n)
{
  for (guint i = 0; i < n; i++)
    dst[i] = src[i];
}

/* Samples of a row of a plane that are colour, or lie between colours. */
static guint
row_length (const UnetBackgroundBlur *self, guint plane)
{
  guint length = 0;

  for (guint i = 0; i < self->layout.n_components; i++) {
    const UnetLayoutComponent *component = &self->layout.component[i];
    const guint n =
        GST_VIDEO_SUB_SCALE (component->w_sub, (guint) self->info.width);

    if (component->plane == plane)
      length = MAX (length, (n - 1) * component->step + component->offset + 1);
  }
  return length;
}

const guint16 *
unet_background_blur_get_row (UnetBackgroundBlur *self, guint plane, guint y)
{
  if (self->picture) {
    const guint8 *row =
        (const guint8 *) GST_VIDEO_FRAME_PLANE_DATA (self->picture, plane)
        + (gssize) y * GST_VIDEO_FRAME_PLANE_STRIDE (self->picture, plane);

    if (self->layout.bytes == 2)
      memcpy (self->samples, row, 2 * (gsize) row_length (self, plane));
    else
      widen (self->samples, row, row_length (self, plane));
    return self->samples;
  }
  for (guint i = 0; i < self->layout.n_components; i++)
    if (self->layout.component[i].plane == plane)
      make_component (self, i, y);
  return self->samples;
}
