/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/draw/decontaminate.h"
#include "base/simd.h"
#include "frame/draw/color-estimate.h"
#include "frame/format/pixel-layout.h"
#include "frame/input/resample.h"

/* Shorter side in pixels at which colours are estimated. Twice as much costs
 * four times the time and changes hair by less than a level of 255. */
#define SIDE 180
/* How far the estimate holds a pixel's colours against its own colour. At 0
 * noise of faint pixels is multiplied; at 1 strands of hair lose their own
 * shade. */
#define HOLD 0.1f

struct _UnetDecontaminate {
  GstVideoInfo info;
  UnetPixelLayout layout;
  gfloat scale; /* from samples to 0..1 */
  guint factor; /* of the reduction */
  guint width, height;
  UnetResampler resampler;
  UnetColorEstimate estimate;
  gfloat *row[3];
  guint16 *sums;
};

UnetDecontaminate *
unet_decontaminate_new (const GstVideoInfo *info)
{
  UnetDecontaminate *self = g_new0 (UnetDecontaminate, 1);
  const guint w = (guint) info->width, h = (guint) info->height;
  UnetPlacement placement = { 0 };

  self->info = *info;
  unet_pixel_layout_init (&self->layout, info);
  self->scale =
      1.0f / (gfloat) (((1u << self->layout.depth) - 1) << self->layout.shift);
  self->factor = MAX ((MIN (w, h) + SIDE / 2) / SIDE, 1);
  self->width = (w + self->factor - 1) / self->factor;
  self->height = (h + self->factor - 1) / self->factor;
  placement.src_w = self->width * self->factor;
  placement.src_h = self->height * self->factor;
  placement.dst_w = (gint) self->width;
  placement.dst_h = (gint) self->height;
  unet_resampler_init (&self->resampler, info, &self->layout,
      self->layout.n_components, &placement);
  for (guint i = 0; i < 3; i++)
    self->row[i] = g_new0 (gfloat, self->width);
  self->sums = g_new0 (guint16, (gsize) self->width * self->factor);
  if (!unet_color_estimate_init (&self->estimate, self->width, self->height))
    g_clear_pointer (&self, unet_decontaminate_free);
  return self;
}

void
unet_decontaminate_free (UnetDecontaminate *self)
{
  if (!self)
    return;
  unet_resampler_clear (&self->resampler);
  unet_color_estimate_clear (&self->estimate);
  for (guint i = 0; i < 3; i++)
    g_free (self->row[i]);
  g_free (self->sums);
  g_free (self);
}

/* ---- at the reduced resolution ---------------------------------------- */

UNET_SIMD static void
add_coverage_row (guint16 *restrict sums, const guint8 *row, guint n)
{
  for (guint i = 0; i < n; i++)
    sums[i] = (guint16) (sums[i] + row[i]);
}

/* Means of coverage; rows and columns beyond the frame repeat the outermost. */
static void
reduce_alpha (
    UnetDecontaminate *self, const UnetMask *coverage, guint y, gfloat *picture)
{
  const guint f = self->factor, w = coverage->width;
  const gfloat scale = 1.0f / (gfloat) (255 * f * f);

  memset (self->sums, 0, sizeof (guint16) * self->width * f);
  for (guint i = 0; i < f; i++)
    add_coverage_row (self->sums,
        coverage->probability
            + (gsize) MIN (y * f + i, coverage->height - 1) * w,
        w);
  for (guint x = w; x < self->width * f; x++)
    self->sums[x] = self->sums[w - 1];
  for (gsize x = 0; x < self->width; x++) {
    guint sum = 0;

    for (guint i = 0; i < f; i++)
      sum += self->sums[x * f + i];
    picture[4 * x + 3] = (gfloat) sum * scale;
  }
}

static void
estimate_colors (UnetDecontaminate *self, const GstVideoFrame *frame,
    const UnetMask *coverage)
{
  for (guint y = 0; y < self->height; y++) {
    gfloat *picture =
        self->estimate.level[0].picture + 4 * (gsize) y * self->width;

    unet_resampler_row (&self->resampler, frame, y, self->row);
    for (gsize x = 0; x < self->width; x++)
      for (gsize c = 0; c < self->layout.n_components; c++)
        picture[4 * x + c] = self->row[c][x] * self->scale;
    reduce_alpha (self, coverage, y, picture);
  }
  unet_color_estimate_run (&self->estimate);
}

/* ---- at the frame's resolution ---------------------------------------- */

/* Eight pixels of two rows that are all foreground or all background have no
 * edge. */
static gboolean
is_pure (const guint8 *a, const guint8 *b)
{
  guint64 first, second;

  memcpy (&first, a, 8);
  memcpy (&second, b, 8);
  return first == second && (first == 0 || first == G_MAXUINT64);
}

/* Coverage at the sites of a component's row: of a pixel, of two, or the mean
 * of two by two. */
typedef struct {
  const guint8 *above, *below;
  guint width, step; /* pixels; pixels of a site */
} SiteRow;

static guint
find_alpha (const SiteRow *row, guint site)
{
  const guint start = site * row->step;
  guint sum = 0;

  for (guint i = 0; i < row->step; i++) {
    const guint x = MIN (start + i, row->width - 1);

    sum += row->above[x] + row->below[x];
  }
  return (sum + row->step) / (2 * row->step);
}

/* Finds the next site from @site on whose coverage is neither 0 nor 255, and
 * that coverage; returns the end if there is none. */
static guint
find_soft (const SiteRow *row, guint site, guint end, guint *alpha)
{
  for (; site < end; site++) {
    const guint x = site * row->step;

    if (x + 8 <= row->width && is_pure (row->above + x, row->below + x)) {
      site += 8 / row->step - 1;
      continue;
    }
    *alpha = find_alpha (row, site);
    if (*alpha > 0 && *alpha < 255)
      return site;
  }
  return end;
}

/* Position of a site among the centres of reduced pixels. */
static gfloat
find_position (guint at, guint sub, guint factor, guint n)
{
  const gfloat x =
      ((gfloat) at + 0.5f) * (gfloat) (1u << sub) / (gfloat) factor - 0.5f;

  return CLAMP (x, 0, (gfloat) n - 1);
}

/* Bilinear between four reduced pixels. */
typedef struct {
  const gfloat *above, *below; /* colours of two rows */
  gfloat fraction;
} ColorRow;

static gfloat
find_color (const ColorRow *row, gsize left, gsize right, gfloat f)
{
  const gfloat a =
      row->above[left] + (row->above[right] - row->above[left]) * f;
  const gfloat b =
      row->below[left] + (row->below[right] - row->below[left]) * f;

  return a + (b - a) * row->fraction;
}

/* Returns the foreground's part of @value, both 0..1. Where alpha is 1 that is
 * the value itself. */
static gfloat
find_foreground (const UnetDecontaminate *self, const ColorRow *row, guint c,
    gfloat at, gfloat alpha, gfloat value)
{
  const guint x = (guint) at;
  const gfloat f = at - (gfloat) x, rest = 1 - alpha;
  const gsize left = 8 * (gsize) x + c;
  const gsize right = 8 * (gsize) MIN (x + 1, self->width - 1) + c;
  const gfloat front = find_color (row, left, right, f);
  const gfloat back = find_color (row, left + 4, right + 4, f);
  const gfloat error = value - alpha * front - rest * back;
  const gfloat found =
      front + alpha * error / (alpha * alpha + rest * rest + HOLD * rest);

  return CLAMP (found, 0, 1);
}

static void
replace_sample (UnetDecontaminate *self, guint8 *dst, const ColorRow *row,
    const UnetLayoutComponent *component, guint c, guint x, guint alpha)
{
  const gsize at = component->offset + (gsize) component->step * x;
  const guint shift = self->layout.shift;
  const gfloat limit = (gfloat) ((1u << self->layout.depth) - 1);
  UnetSample16 *deep = (UnetSample16 *) dst + at;
  const guint old = self->layout.bytes == 1 ? dst[at] : *deep;
  const gfloat value = find_foreground (self, row, c,
      find_position (x, component->w_sub, self->factor, self->width),
      (gfloat) alpha * (1 / 255.0f), (gfloat) old * self->scale);
  const guint sample = (guint) (value * limit + 0.5f) << shift;

  if (self->layout.bytes == 1)
    dst[at] = (guint8) sample;
  else
    *deep = (guint16) (sample | (old & ((1u << shift) - 1)));
}

static void
replace_component (UnetDecontaminate *self, GstVideoFrame *frame,
    const UnetMask *coverage, guint c)
{
  const UnetLayoutComponent *component = &self->layout.component[c];
  const guint w = coverage->width, h = coverage->height;
  const guint n = GST_VIDEO_SUB_SCALE (component->w_sub, w);
  const guint n_rows = GST_VIDEO_SUB_SCALE (component->h_sub, h);
  const gsize stride = 8 * (gsize) self->width;
  const gfloat *colors = self->estimate.level[0].colors;

  for (guint y = 0; y < n_rows; y++) {
    const guint top = y << component->h_sub;
    const guint bottom = MIN (top + (1u << component->h_sub) - 1, h - 1);
    const SiteRow sites = { coverage->probability + (gsize) top * w,
      coverage->probability + (gsize) bottom * w, w, 1u << component->w_sub };
    const gfloat at =
        find_position (y, component->h_sub, self->factor, self->height);
    const guint above = (guint) at, below = MIN (above + 1, self->height - 1);
    const ColorRow row = { colors + above * stride, colors + below * stride,
      at - (gfloat) above };
    guint8 *dst =
        (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (frame, component->plane)
        + (gssize) y * GST_VIDEO_FRAME_PLANE_STRIDE (frame, component->plane);
    guint alpha = 0, x = find_soft (&sites, 0, n, &alpha);

    for (; x < n; x = find_soft (&sites, x + 1, n, &alpha))
      replace_sample (self, dst, &row, component, c, x, alpha);
  }
}

static gboolean
has_edge (const UnetMask *coverage)
{
  const guint n = coverage->width;
  guint alpha;

  for (guint y = 0; y < coverage->height; y++) {
    const guint8 *row = coverage->probability + (gsize) y * n;
    const SiteRow sites = { row, row, n, 1 };

    if (find_soft (&sites, 0, n, &alpha) < n)
      return TRUE;
  }
  return FALSE;
}

void
unet_decontaminate_run (
    UnetDecontaminate *self, GstVideoFrame *frame, const UnetMask *coverage)
{
  if (!has_edge (coverage))
    return;
  estimate_colors (self, frame, coverage);
  for (guint c = 0; c < self->layout.n_components; c++)
    replace_component (self, frame, coverage, c);
}
