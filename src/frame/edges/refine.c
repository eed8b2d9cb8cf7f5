/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/edges/refine.h"
#include "base/simd.h"
#include "frame/edges/contour.h"
#include "frame/edges/coverage-smoothing.h"
#include "frame/edges/coverage.h"
#include "frame/edges/morphology.h"
#include "frame/edges/speckle-filter.h"
#include "frame/edges/two-scale.h"
#include "frame/time/temporal-filter.h"

/* Share of the last decision in the next probability where the picture is
 * still, 0..1. Without it noise turns unsure areas over from frame to frame;
 * with much more, errors stay when the network has mended them. */
#define LAST_DECISION 0.3f

struct _UnetRefine {
  GstVideoInfo info; /* of what is read */
  UnetMask shape;    /* what tables are made for */
  guint step;        /* mask pixels of each of its pixels: 1 or 2 */
  gboolean is_open;
  UnetGuide guide;
  const gfloat *picture; /* the frame at the resolution of @shape */
  UnetTemporal *temporal;
  UnetTwoScale two_scale;
  UnetRowReader reader;
  UnetCoverage coverage;
  UnetSpeckleFilter speckles;
  UnetContour contour;
  gboolean was_guided;
  gfloat *p;        /* probabilities at the resolution of @shape */
  guint8 *weight;   /* of the new coverage, 0..255 */
  guint8 *fresh;    /* scratch: a row */
  gboolean empty;   /* @smoothed holds no frame */
  guint8 *smoothed; /* coverage of the last frame */
  UnetMask result;
};

UnetRefine *
unet_refine_new (const GstVideoInfo *info)
{
  UnetRefine *self = g_new0 (UnetRefine, 1);
  const guint width = (guint) info->width, height = (guint) info->height;

  self->info = *info;
  self->fresh = g_malloc0 (width);
  self->smoothed = g_try_malloc0 ((gsize) width * height);
  unet_coverage_init (&self->coverage, width, height);
  unet_speckle_filter_init (&self->speckles, width, height);
  unet_contour_init (&self->contour, width, height);
  self->result = (UnetMask){ .width = width,
    .height = height,
    .n_classes = 2,
    .w = (gdouble) width,
    .h = (gdouble) height };
  self->empty = TRUE;
  if (!self->smoothed)
    g_clear_pointer (&self, unet_refine_free);
  return self;
}

static void
close_tables (UnetRefine *self)
{
  self->is_open = FALSE;
  unet_guide_clear (&self->guide);
  unet_row_reader_clear (&self->reader);
  unet_two_scale_clear (&self->two_scale);
  g_clear_pointer (&self->temporal, unet_temporal_free);
  g_clear_pointer (&self->p, g_free);
  g_clear_pointer (&self->weight, g_free);
}

void
unet_refine_free (UnetRefine *self)
{
  if (!self)
    return;
  close_tables (self);
  unet_coverage_clear (&self->coverage);
  unet_speckle_filter_clear (&self->speckles);
  unet_contour_clear (&self->contour);
  g_free (self->fresh);
  g_free (self->smoothed);
  g_free (self);
}

void
unet_refine_reset (UnetRefine *self)
{
  self->empty = TRUE;
  if (self->temporal)
    unet_temporal_reset (self->temporal);
}

/* ---- tables ----------------------------------------------------------- */

static gboolean
open_tables (UnetRefine *self, GError **error)
{
  const guint w = self->shape.width, h = self->shape.height;
  const gsize n = (gsize) w * h;

  if (!unet_guide_init (&self->guide, &self->info, &self->shape, error))
    return FALSE;
  self->temporal = unet_temporal_new_with_step (
      &self->info, &self->shape, GST_VIDEO_ORIENTATION_IDENTITY, 1, error);
  if (!self->temporal)
    return FALSE;
  unet_row_reader_init (&self->reader,
      self->guide.converter ? &self->guide.converter->info : &self->info,
      self->guide.scale);
  unet_coverage_set_shape (&self->coverage, &self->shape);
  self->p = g_try_new0 (gfloat, n);
  self->weight = g_try_malloc0 (n);
  if (unet_two_scale_init (&self->two_scale, w, h) && self->p && self->weight)
    return TRUE;
  g_set_error (error, UNET_ERROR, UNET_ERROR_LIMIT,
      "no memory for masks of %ux%u", w, h);
  return FALSE;
}

/* Coefficients change slowly: masks that are not small are refined at half
 * their resolution (the fast guided filter's subsampling). */
static gboolean
set_shape (UnetRefine *self, const UnetMask *mask, gboolean guided)
{
  const guint step = guided ? unet_mask_get_step (mask) : 1;
  const UnetMask shape = unet_mask_reduce_shape (mask, step);
  GError *error = NULL;

  if (self->is_open && self->step == step
      && unet_mask_has_same_shape (&self->shape, &shape))
    return TRUE;
  close_tables (self);
  self->shape = shape;
  self->step = step;
  if (!open_tables (self, &error)) {
    g_clear_error (&error);
    close_tables (self);
    return FALSE;
  }
  memset (self->smoothed, 0, (gsize) self->info.width * self->info.height);
  unet_speckle_filter_reset (&self->speckles);
  self->is_open = TRUE;
  self->empty = TRUE;
  return TRUE;
}

/* ---- at the mask's resolution ----------------------------------------- */

UNET_SIMD static void
convert_bytes (gfloat *restrict dst, const guint8 *src, gsize n)
{
  for (gsize i = 0; i < n; i++)
    dst[i] = src[i] * (1 / 255.0f);
}

/* Means of two by two. */
UNET_SIMD static void
halve_bytes (gfloat *restrict dst, const guint8 *a, const guint8 *b, guint n)
{
  for (gsize i = 0; i < n; i++)
    dst[i] =
        (a[2 * i] + a[2 * i + 1] + b[2 * i] + b[2 * i + 1]) * (1 / 1020.0f);
}

static void
read_mask (UnetRefine *self, const UnetMask *mask)
{
  const guint w = self->shape.width, n = mask->width;

  if (self->step == 1) {
    convert_bytes (self->p, mask->probability, (gsize) n * mask->height);
    return;
  }
  for (guint y = 0; y < self->shape.height; y++) {
    const guint8 *a = mask->probability + (gsize) 2 * y * n;
    const guint8 *b = 2 * y + 1 < mask->height ? a + n : a;
    gfloat *dst = self->p + (gsize) y * w;

    halve_bytes (dst, a, b, n / 2);
    if (n % 2)
      dst[w - 1] = (a[n - 1] + b[n - 1]) * (1 / 510.0f);
  }
}

/* Returns what unet_guide_read () does. */
static const GstVideoFrame *
read_picture (
    UnetRefine *self, const GstVideoFrame *frame, const UnetGuide *guide)
{
  if (guide && unet_guide_equals (guide, &self->guide)) {
    self->picture = guide->pixels;
    return frame;
  }
  self->picture = self->guide.pixels;
  return unet_guide_read (&self->guide, frame);
}

static void
find_weights (UnetRefine *self, const UnetRefineOptions *options)
{
  const gsize n = (gsize) self->shape.width * self->shape.height;
  const gfloat *weights;

  if (self->empty)
    unet_temporal_reset (self->temporal);
  unet_temporal_read_pixels (
      self->temporal, self->picture, options->elapsed, options->time_constant);
  weights = unet_temporal_get_weights (self->temporal);
  for (gsize i = 0; i < n; i++)
    self->weight[i] = (guint8) (weights[i] * 255 + 0.5f);
}

UNET_SIMD static void
add_last_decision (
    gfloat *restrict p, const gfloat *last, const guint8 *weight, gsize n)
{
  for (gsize i = 0; i < n; i++)
    p[i] += (last[i] - p[i]) * ((255 - weight[i]) * (LAST_DECISION / 255));
}

/* Bilinear: the fourth coefficient is the probability, the others are 0. */
static void
set_constants (UnetRefine *self)
{
  const guint w = self->shape.width, h = self->shape.height;
  UnetTwoScale *t = &self->two_scale;
  gfloat *k = t->fine.coefficients;

  unet_two_scale_find_edges (t->flags, self->p, w, h);
  unet_flags_dilate (t->fine.wanted, t->flags, t->scratch, w, h, 1);
  for (gsize i = 0; i < (gsize) w * h; i++) {
    k[4 * i] = k[4 * i + 1] = k[4 * i + 2] = 0;
    k[4 * i + 3] = self->p[i];
  }
}

/* ---- at the frame's resolution ---------------------------------------- */

static void
refine_row (UnetRefine *self, const UnetCoverageSource *source, guint y,
    gboolean smooth)
{
  UnetCoverage *coverage = &self->coverage;
  const guint nearest = unet_coverage_find_runs (coverage, source, y);
  guint8 *row = self->smoothed + (gsize) y * coverage->width;
  guint *start = &self->speckles.start[y], *end = &self->speckles.end[y];

  *start = *end = 0;
  for (guint i = 0; i < coverage->n_runs; i++) {
    const UnetCoverageRun *run = &coverage->runs[i];
    const guint n = run->end - run->start;

    if (run->kind != UNET_CELL_EDGE) {
      memset (row + run->start, run->kind == UNET_CELL_FULL ? 255 : 0, n);
      continue;
    }
    if (*end == 0)
      *start = run->start;
    *end = run->end;
    unet_coverage_compute (coverage, source, &self->reader, y, run,
        smooth ? self->fresh : row + run->start);
    if (smooth)
      unet_coverage_smooth_row (row + run->start, self->fresh,
          coverage->column + run->start,
          self->weight + (gsize) nearest * self->shape.width, n);
  }
}

const UnetMask *
unet_refine_run (UnetRefine *self, const GstVideoFrame *frame,
    const UnetMask *mask, const UnetRefineOptions *options)
{
  const gdouble high = MAX (options->high, options->low + 1e-3);
  gboolean smooth = options->time_constant > 0;
  const gboolean was_guided = self->was_guided;
  const guint8 *drawn;
  UnetCoverageSource source = { .low = (gfloat) options->low,
    .scale = (gfloat) (1 / (high - options->low)) };

  if (!set_shape (self, mask, options->guided))
    return NULL;
  if (options->guided || smooth)
    frame = read_picture (self, frame, options->guide);
  read_mask (self, mask);
  if (smooth)
    find_weights (self, options);
  smooth = smooth && !self->empty;
  if (smooth && options->guided && was_guided)
    add_last_decision (self->p, self->two_scale.values, self->weight,
        (gsize) self->shape.width * self->shape.height);
  self->was_guided = options->guided;
  if (options->guided)
    unet_two_scale_run (&self->two_scale, self->picture, self->p);
  else
    set_constants (self);
  source.coefficients = self->two_scale.fine.coefficients;
  source.wanted = self->two_scale.fine.wanted;
  source.values = options->guided ? self->two_scale.values : self->p;
  source.frame = options->guided ? frame : NULL;
  unet_coverage_begin (&self->coverage);
  for (guint y = self->coverage.top; y < self->coverage.bottom; y++)
    refine_row (self, &source, y, smooth);
  self->empty = FALSE;
  drawn = self->smoothed;
  if (options->guided)
    drawn = unet_speckle_filter_run (&self->speckles, drawn);
  self->result.probability = (guint8 *) unet_contour_finish (
      &self->contour, drawn, options->grow, options->feather);
  return &self->result;
}

const UnetMask *
unet_refine_get_outline (UnetRefine *self, guint width, UnetMask *outline)
{
  guint8 *plane = unet_contour_get_outline (
      &self->contour, self->result.probability, width);

  if (!plane)
    return NULL;
  *outline = self->result;
  outline->probability = plane;
  return outline;
}
