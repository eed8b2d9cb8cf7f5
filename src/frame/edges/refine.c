/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/edges/refine.h"
#include "frame/time/guide.h"
#include "frame/edges/two-scale.h"
#include "frame/edges/morphology.h"
#include "base/simd.h"
#include "frame/time/temporal-filter.h"

#include <math.h>

#define LEAST_SIDE 96
/* How much of the last decision is in the next one where nothing changes. */
#define LEAN 0.3f
/* Changes of coverage, of 255, that noise makes. */
#define NOISE 160

typedef gfloat F32x4 __attribute__ ((vector_size (16)));

enum { CELL_EMPTY, CELL_FULL, CELL_EDGE };

typedef struct {
  guint start, end;
  guint8 kind;
} Run;

struct _UnetRefine {
  GstVideoInfo info; /* of what is read */
  UnetPixelLayout layout;
  gboolean cosited_h;
  guint width, height;
  UnetMask shape; /* what tables are for */
  guint step;     /* mask pixels of each of its */
  guint left, right, top, bottom;
  UnetGuide guide;
  const gfloat *picture; /* the frame at the resolution of shape */
  UnetTemporal *temporal;
  UnetTwoScale scales;
  gboolean is_guided;
  gfloat *p;          /* probabilities at the mask's resolution */
  const gfloat *base; /* the same where there are no edges */
  guint8 *weight;     /* 0..255: how much of what is new is taken */
  guint16 *column;    /* of each pixel: mask pixel to the left */
  gfloat *fraction;   /* and the way to the next */
  guint *first;       /* first pixel of each column, and the end */
  Run *runs;
  guint n_runs;
  gfloat *line;   /* coefficients between two rows */
  gfloat *pixels; /* a row of the frame, as the guide */
  gfloat *chroma, *values, *component[3];
  guint8 *fresh;
  gboolean empty; /* nothing is held */
  guint8 *held;   /* what was drawn last */
  guint8 *plane;  /* the same grown or feathered */
  guint8 *plane_scratch;
  gsize plane_scratch_size;
  UnetMask result;
  guint8 *outline, *inside; /* planes */
};

UnetRefine *
unet_refine_new (const GstVideoInfo *info)
{
  UnetRefine *self = g_new0 (UnetRefine, 1);
  const gsize width = (gsize) info->width, height = (gsize) info->height;

  self->info = *info;
  self->width = (guint) width;
  self->height = (guint) height;
  self->column = g_new0 (guint16, width);
  self->fraction = g_new0 (gfloat, width);
  self->pixels = g_new0 (gfloat, 4 * width);
  self->chroma = g_new0 (gfloat, width + 4);
  self->values = g_new0 (gfloat, width);
  for (guint i = 0; i < 3; i++)
    self->component[i] = g_new0 (gfloat, width);
  self->fresh = g_malloc0 (width);
  self->held = g_try_malloc0 (width * height);
  self->result = (UnetMask){ .width = (guint) width,
    .height = (guint) height,
    .n_classes = 2,
    .w = (gdouble) width,
    .h = (gdouble) height };
  self->empty = TRUE;
  if (!self->held)
    g_clear_pointer (&self, unet_refine_free);
  return self;
}

static void
clear_tables (UnetRefine *self)
{
  unet_guide_clear (&self->guide);
  unet_two_scale_clear (&self->scales);
  g_clear_pointer (&self->temporal, unet_temporal_free);
  g_clear_pointer (&self->p, g_free);
  g_clear_pointer (&self->weight, g_free);
  g_clear_pointer (&self->first, g_free);
  g_clear_pointer (&self->runs, g_free);
  g_clear_pointer (&self->line, g_free);
}

void
unet_refine_free (UnetRefine *self)
{
  if (!self)
    return;
  clear_tables (self);
  g_free (self->column);
  g_free (self->fraction);
  g_free (self->pixels);
  g_free (self->chroma);
  g_free (self->values);
  for (guint i = 0; i < 3; i++)
    g_free (self->component[i]);
  g_free (self->fresh);
  g_free (self->held);
  g_free (self->plane);
  g_free (self->plane_scratch);
  g_free (self->outline);
  g_free (self->inside);
  g_free (self);
}

void
unet_refine_reset (UnetRefine *self)
{
  self->empty = TRUE;
  if (self->temporal)
    unet_temporal_reset (self->temporal);
}

/* ---- geometry --------------------------------------------------------- */

static gboolean
same_shape (const UnetMask *a, const UnetMask *b)
{
  return a->width == b->width && a->height == b->height && a->x == b->x
      && a->y == b->y && a->w == b->w && a->h == b->h;
}

static void
cut_interval (gdouble start, gdouble size, guint limit, guint *from, guint *to)
{
  *from = (guint) CLAMP (ceil (start - 0.5), 0, limit);
  *to = (guint) CLAMP (ceil (start + size - 0.5), *from, limit);
}

/* Of the mask pixel whose centre lies before that of @pixel. */
static gdouble
mask_position (guint pixel, gdouble start, gdouble size, guint n)
{
  const gdouble x = (pixel + 0.5 - start) * n / size - 0.5;

  return CLAMP (x, 0, n - 1.0);
}

static void
set_columns (UnetRefine *self)
{
  const UnetMask *shape = &self->shape;
  guint column = 0;

  cut_interval (shape->x, shape->w, self->width, &self->left, &self->right);
  cut_interval (shape->y, shape->h, self->height, &self->top, &self->bottom);
  for (guint x = self->left; x < self->right; x++) {
    const gdouble at = mask_position (x, shape->x, shape->w, shape->width);

    self->column[x] = (guint16) at;
    self->fraction[x] = (gfloat) (at - floor (at));
    while (column <= self->column[x])
      self->first[column++] = x;
  }
  while (column <= shape->width)
    self->first[column++] = self->right;
}

/* Coefficients change slowly: they are made at half the resolution of masks
 * that are not small (the fast guided filter's subsampling). */
static guint
choose_step (const UnetMask *mask, const UnetRefineOptions *options)
{
  return options->guided && MIN (mask->width, mask->height) >= LEAST_SIDE ? 2
                                                                          : 1;
}

static gboolean
open_tables (
    UnetRefine *self, const GstVideoInfo *info, gsize n, GError **error)
{
  const guint w = self->shape.width, h = self->shape.height;

  if (!unet_guide_init (&self->guide, info, &self->shape, error))
    return FALSE;
  self->temporal = unet_temporal_new_with_step (
      info, &self->shape, GST_VIDEO_ORIENTATION_IDENTITY, 1, error);
  if (!self->temporal)
    return FALSE;
  self->first = g_new0 (guint, w + 1);
  self->runs = g_new0 (Run, w + 1);
  self->line = g_new0 (gfloat, 4 * ((gsize) w + 1));
  self->p = g_try_new0 (gfloat, n);
  self->weight = g_try_malloc0 (n);
  if (unet_two_scale_init (&self->scales, w, h) && self->p && self->weight)
    return TRUE;
  g_set_error (error, UNET_ERROR, UNET_ERROR_LIMIT,
      "no memory for masks of %ux%u", w, h);
  return FALSE;
}

static gboolean
set_shape (UnetRefine *self, const UnetMask *mask, guint step, GError **error)
{
  const GstVideoInfo *info = &self->info;
  UnetMask shape = *mask;
  gsize n;

  shape.width = (mask->width + step - 1) / step;
  shape.height = (mask->height + step - 1) / step;
  shape.w = mask->w * (shape.width * step) / mask->width;
  shape.h = mask->h * (shape.height * step) / mask->height;
  n = (gsize) shape.width * shape.height;
  if (self->p && self->step == step && same_shape (&self->shape, &shape))
    return TRUE;
  clear_tables (self);
  self->shape = shape;
  self->step = step;
  if (!open_tables (self, info, n, error)) {
    clear_tables (self);
    return FALSE;
  }
  if (self->guide.converter)
    info = &self->guide.converter->info;
  unet_pixel_layout_init (&self->layout, info);
  self->cosited_h = unet_chroma_cosited_h (info);
  memset (self->held, 0, (gsize) self->width * self->height);
  self->empty = TRUE;
  set_columns (self);
  return TRUE;
}

/* ---- at the mask's resolution ----------------------------------------- */

UNET_SIMD static void
widen_edge (gfloat *restrict dst, const guint8 *src, gsize n)
{
  for (gsize i = 0; i < n; i++)
    dst[i] = src[i] * (1 / 255.0f);
}

/* Means of two by two. */
UNET_SIMD static void
widen_half (gfloat *restrict dst, const guint8 *a, const guint8 *b, guint n)
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
    widen_edge (self->p, mask->probability, (gsize) n * mask->height);
    return;
  }
  for (guint y = 0; y < self->shape.height; y++) {
    const guint8 *a = mask->probability + (gsize) 2 * y * n;
    const guint8 *b = 2 * y + 1 < mask->height ? a + n : a;
    gfloat *dst = self->p + (gsize) y * w;

    widen_half (dst, a, b, n / 2);
    if (n % 2)
      dst[w - 1] = (a[n - 1] + b[n - 1]) * (1 / 510.0f);
  }
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

/* Where the network is not sure, noise alone must not turn whole areas over: in
 * what is still the last decision stands until there is reason enough. */
UNET_SIMD static void
lean (gfloat *restrict p, const gfloat *last, const guint8 *weight, gsize n)
{
  for (gsize i = 0; i < n; i++)
    p[i] += (last[i] - p[i]) * ((255 - weight[i]) * (LEAN / 255));
}

/* ---- pixels of the frame ---------------------------------------------- */

#define READ(type)                                                             \
  do {                                                                         \
    const guint step = component->step;                                        \
    const type *from =                                                         \
        (const type *) row + component->offset + (gsize) step * start;         \
    if (step == 1)                                                             \
      for (guint i = 0; i < n; i++)                                            \
        dst[i] = from[i] * scale - 0.5f;                                       \
    else                                                                       \
      for (guint i = 0; i < n; i++)                                            \
        dst[i] = from[(gsize) step * i] * scale - 0.5f;                        \
  } while (0)

UNET_SIMD static void
read_samples (gfloat *restrict dst, const guint8 *row,
    const UnetLayoutComponent *component, guint bytes, gfloat scale,
    guint start, guint n)
{
  if (bytes == 1)
    READ (guint8);
  else
    READ (guint16);
}

/* Pairs of pixels; c[0] lies before the first pair. */
UNET_SIMD static void
enlarge (gfloat *restrict dst, const gfloat *c, guint n_pairs, gboolean cosited)
{
  const gfloat before = cosited ? 0 : 0.25f, after = cosited ? 0.5f : 0.25f;

  for (gsize i = 0; i < n_pairs; i++) {
    dst[2 * i] = c[i + 1] + (c[i] - c[i + 1]) * before;
    dst[2 * i + 1] = c[i + 1] + (c[i + 2] - c[i + 1]) * after;
  }
}

/* One site more on either side, repeated at the ends. */
static void
read_subsampled (UnetRefine *self, gfloat *dst, const guint8 *row,
    const UnetLayoutComponent *component, guint start, guint n)
{
  const guint last = GST_VIDEO_SUB_SCALE (component->w_sub, self->width) - 1;
  const guint site = start >> component->w_sub;
  const guint end = (start + n - 1) >> component->w_sub;
  const guint from = site > 0 ? site - 1 : 0, to = MIN (end + 1, last);
  gfloat *c = self->chroma + (site > 0 ? 0 : 1);

  read_samples (c, row, component, self->layout.bytes, self->guide.scale, from,
      to - from + 1);
  if (site == 0)
    self->chroma[0] = self->chroma[1];
  if (end == last)
    c[to - from + 1] = c[to - from];
  if (component->w_sub == 1) {
    enlarge (self->pixels, self->chroma, end - site + 1, self->cosited_h);
    memcpy (dst, self->pixels + (start & 1), n * sizeof *dst);
  } else
    for (guint i = 0; i < n; i++)
      dst[i] = self->chroma[((start + i) >> component->w_sub) - site + 1];
}

UNET_SIMD static void
join_components (gfloat *restrict dst, const gfloat *a, const gfloat *b,
    const gfloat *c, guint n)
{
  for (gsize i = 0; i < n; i++) {
    dst[4 * i] = a[i];
    dst[4 * i + 1] = b[i];
    dst[4 * i + 2] = c[i];
    dst[4 * i + 3] = 1;
  }
}

/* A span of a row as the guide has its pixels, with 1 in the fourth place. */
static void
read_pixels (
    UnetRefine *self, const GstVideoFrame *frame, guint y, guint start, guint n)
{
  for (guint i = 0; i < self->layout.n_components; i++) {
    const UnetLayoutComponent *component = &self->layout.component[i];
    const guint8 *row =
        (const guint8 *) GST_VIDEO_FRAME_PLANE_DATA (frame, component->plane)
        + (gssize) (y >> component->h_sub)
            * GST_VIDEO_FRAME_PLANE_STRIDE (frame, component->plane);

    if (component->w_sub)
      read_subsampled (self, self->component[i], row, component, start, n);
    else
      read_samples (self->component[i], row, component, self->layout.bytes,
          self->guide.scale, start, n);
  }
  join_components (self->pixels, self->component[0], self->component[1],
      self->component[2], n);
}

/* ---- rows ------------------------------------------------------------- */

static void
collect_runs (UnetRefine *self, guint row)
{
  const guint w = self->shape.width, h = self->shape.height;
  const guint below = MIN (row + 1, h - 1);
  const guint8 *a = self->scales.fine.wanted + (gsize) row * w;
  const guint8 *b = self->scales.fine.wanted + (gsize) below * w;
  const gfloat *p = self->base + (gsize) row * w;

  self->n_runs = 0;
  for (guint c = 0; c < w; c++) {
    const guint next = MIN (c + 1, w - 1);
    Run run = { self->first[c], self->first[c + 1],
      p[c] > 0.5f ? CELL_FULL : CELL_EMPTY };
    Run *last = self->n_runs > 0 ? &self->runs[self->n_runs - 1] : NULL;

    if (run.start == run.end)
      continue;
    if (a[c] | a[next] | b[c] | b[next])
      run.kind = CELL_EDGE;
    if (last && last->kind == run.kind)
      last->end = run.end;
    else
      self->runs[self->n_runs++] = run;
  }
}

UNET_SIMD static void
blend_edge_rows (gfloat *restrict dst, const gfloat *a, const gfloat *b,
    gfloat fraction, guint n)
{
  for (guint i = 0; i < n; i++)
    dst[i] = a[i] + (b[i] - a[i]) * fraction;
}

static inline F32x4
load (const gfloat *p)
{
  F32x4 v;

  memcpy (&v, p, sizeof v);
  return v;
}

UNET_SIMD static void
apply_coefficients (gfloat *restrict dst, const gfloat *line,
    const guint16 *column, const gfloat *fraction, const gfloat *pixels,
    guint n)
{
  for (guint i = 0; i < n; i++) {
    const gfloat *k = line + 4 * (gsize) column[i];
    const F32x4 a = load (k), b = load (k + 4);
    const F32x4 v = (a + (b - a) * fraction[i]) * load (pixels + 4 * i);

    dst[i] = (v[0] + v[1]) + (v[2] + v[3]);
  }
}

UNET_SIMD static void
apply_constants (gfloat *restrict dst, const gfloat *line,
    const guint16 *column, const gfloat *fraction, guint n)
{
  for (guint i = 0; i < n; i++) {
    const gfloat *k = line + 4 * (gsize) column[i] + 3;

    dst[i] = k[0] + (k[4] - k[0]) * fraction[i];
  }
}

/* Coverage of a probability: smoothstep between two levels. */
UNET_SIMD static void
cover (guint8 *restrict dst, const gfloat *q, gfloat low, gfloat scale, guint n)
{
  for (guint i = 0; i < n; i++) {
    gfloat t = (q[i] - low) * scale;

    t = t > 0 ? t : 0;
    t = t < 1 ? t : 1;
    dst[i] = (guint8) (gint32) (t * t * (3 - 2 * t) * 255 + 0.5f);
  }
}

/* Of what is new, 0..256: noise is small and counts by its square where nothing
 * moves, what is sure does not wait. */
static inline gint
share_of (gint fresh, gint difference, gint weight)
{
  const gint w = weight + (weight >> 7);
  const gint size = ABS (difference);

  if (fresh == 0 || fresh == 255 || size >= NOISE)
    return w;
  return (w * (w + (256 - w) * size / NOISE)) >> 8;
}

/* Differences too small for the weight stay: that is what is still. */
static void
hold (guint8 *restrict held, const guint8 *fresh, const guint16 *column,
    const guint8 *weight, guint n)
{
  for (guint i = 0; i < n; i++) {
    const gint d = fresh[i] - held[i];
    const gint w = share_of (fresh[i], d, weight[column[i]]);

    held[i] = (guint8) (held[i] + ((d * w + 128) >> 8));
  }
}

typedef struct {
  const GstVideoFrame *frame;
  gfloat low, scale;
  gboolean holds;
} Job;

static void
refine_edge (UnetRefine *self, const Job *job, guint y, const Run *run,
    const guint8 *weight)
{
  const guint n = run->end - run->start;
  guint8 *held = self->held + (gsize) y * self->width + run->start;

  if (self->is_guided) {
    read_pixels (self, job->frame, y, run->start, n);
    apply_coefficients (self->values, self->line, self->column + run->start,
        self->fraction + run->start, self->pixels, n);
  } else {
    apply_constants (self->values, self->line, self->column + run->start,
        self->fraction + run->start, n);
  }
  if (job->holds) {
    cover (self->fresh, self->values, job->low, job->scale, n);
    hold (held, self->fresh, self->column + run->start, weight, n);
  } else {
    cover (held, self->values, job->low, job->scale, n);
  }
}

static void
refine_row (UnetRefine *self, const Job *job, guint y, guint *cell_row)
{
  const guint w = self->shape.width, h = self->shape.height;
  const gdouble at = mask_position (y, self->shape.y, self->shape.h, h);
  const guint row = (guint) at, below = MIN (row + 1, h - 1);
  const gfloat *k = self->scales.fine.coefficients;
  const guint nearest = at - row < 0.5 ? row : below;
  guint8 *held = self->held + (gsize) y * self->width;
  gboolean blended = FALSE;

  if (row != *cell_row)
    collect_runs (self, row);
  *cell_row = row;
  for (guint i = 0; i < self->n_runs; i++) {
    const Run *run = &self->runs[i];

    if (run->kind != CELL_EDGE) {
      memset (held + run->start, run->kind == CELL_FULL ? 255 : 0,
          run->end - run->start);
      continue;
    }
    if (!blended) {
      blend_edge_rows (self->line, k + 4 * (gsize) row * w,
          k + 4 * (gsize) below * w, (gfloat) (at - row), 4 * w);
      memcpy (
          self->line + 4 * w, self->line + 4 * (w - 1), 4 * sizeof (gfloat));
    }
    blended = TRUE;
    refine_edge (self, job, y, run, self->weight + (gsize) nearest * w);
  }
}

/* ---- afterwards ------------------------------------------------------- */

static gboolean
need_scratch (UnetRefine *self, guint radius)
{
  const gsize w = self->width, h = self->height;
  const gsize grow = 2 * (w + 2 * radius) + (radius + 1) * w;
  const gsize size = MAX (grow, w * h + 4 * w);

  if (size <= self->plane_scratch_size)
    return TRUE;
  g_free (self->plane_scratch);
  self->plane_scratch = g_try_malloc (size);
  self->plane_scratch_size = self->plane_scratch ? size : 0;
  return self->plane_scratch != NULL;
}

static gboolean
copy_plane (const UnetRefine *self, guint8 **to, const guint8 *from)
{
  const gsize size = (gsize) self->width * self->height;

  if (!*to)
    *to = g_try_malloc (size);
  if (*to)
    memcpy (*to, from, size);
  return *to != NULL;
}

static void
finish (UnetRefine *self, const UnetRefineOptions *options)
{
  const guint w = self->width, h = self->height;
  const guint radius = (guint) ABS (options->grow);

  self->result.probability = self->held;
  if (options->grow == 0 && options->feather == 0)
    return;
  if (!need_scratch (self, radius)
      || !copy_plane (self, &self->plane, self->held))
    return;
  unet_plane_grow (
      self->plane, self->plane_scratch, w, h, radius, options->grow > 0);
  unet_plane_feather (self->plane, self->plane_scratch, w, h, options->feather);
  self->result.probability = self->plane;
}

UNET_SIMD static void
subtract (guint8 *restrict a, const guint8 *b, gsize n)
{
  for (gsize i = 0; i < n; i++)
    a[i] = (guint8) (a[i] - b[i]);
}

const UnetMask *
unet_refine_get_outline (UnetRefine *self, guint width, UnetMask *outline)
{
  const guint w = self->width, h = self->height;
  const guint outer = width / 2, inner = width - outer;

  if (!need_scratch (self, inner)
      || !copy_plane (self, &self->outline, self->result.probability)
      || !copy_plane (self, &self->inside, self->result.probability))
    return NULL;
  unet_plane_grow (self->outline, self->plane_scratch, w, h, outer, TRUE);
  unet_plane_grow (self->inside, self->plane_scratch, w, h, inner, FALSE);
  subtract (self->outline, self->inside, (gsize) w * h);
  *outline = self->result;
  outline->probability = self->outline;
  return outline;
}

/* Bilinear. */
static void
set_constants (UnetRefine *self)
{
  const guint w = self->shape.width, h = self->shape.height;
  gfloat *k = self->scales.fine.coefficients;

  unet_two_scale_find_edges (self->scales.flags, self->p, w, h);
  unet_flags_dilate (self->scales.fine.wanted, self->scales.flags,
      self->scales.scratch, w, h, 1);
  for (gsize i = 0; i < (gsize) w * h; i++) {
    k[4 * i] = k[4 * i + 1] = k[4 * i + 2] = 0;
    k[4 * i + 3] = self->p[i];
  }
}

static void
find_coefficients (UnetRefine *self)
{
  if (self->is_guided)
    unet_two_scale_run (&self->scales, self->picture, self->p);
  else
    set_constants (self);
  self->base = self->is_guided ? self->scales.values : self->p;
}

/* Returns what unet_guide_read() does. */
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

const UnetMask *
unet_refine_run (UnetRefine *self, const GstVideoFrame *frame,
    const UnetMask *mask, const UnetRefineOptions *options)
{
  const gdouble high = MAX (options->high, options->low + 1e-3);
  Job job = { frame, (gfloat) options->low,
    (gfloat) (1 / (high - options->low)), FALSE };
  guint cell_row = G_MAXUINT;
  GError *error = NULL;

  if (!set_shape (self, mask, choose_step (mask, options), &error)) {
    g_clear_error (&error);
    return NULL;
  }
  job.holds = options->time_constant > 0;
  if (options->guided || job.holds)
    job.frame = read_picture (self, frame, options->guide);
  read_mask (self, mask);
  if (job.holds)
    find_weights (self, options);
  job.holds = job.holds && !self->empty;
  if (job.holds && options->guided && self->is_guided)
    lean (self->p, self->scales.values, self->weight,
        (gsize) self->shape.width * self->shape.height);
  self->is_guided = options->guided;
  find_coefficients (self);
  for (guint y = self->top; y < self->bottom; y++)
    refine_row (self, &job, y, &cell_row);
  self->empty = FALSE;
  finish (self, options);
  return &self->result;
}
