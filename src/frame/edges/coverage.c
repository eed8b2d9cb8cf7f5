/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/edges/coverage.h"
#include "base/simd.h"
#include "base/smoothstep.h"

#include <math.h>

typedef gfloat F32x4 __attribute__ ((vector_size (16)));

void
unet_coverage_init (UnetCoverage *self, guint width, guint height)
{
  memset (self, 0, sizeof *self);
  self->width = width;
  self->height = height;
  self->column = g_new0 (guint16, width);
  self->fraction = g_new0 (gfloat, width);
  self->values = g_new0 (gfloat, width);
}

static void
clear_tables (UnetCoverage *self)
{
  g_clear_pointer (&self->first, g_free);
  g_clear_pointer (&self->runs, g_free);
  g_clear_pointer (&self->line, g_free);
}

void
unet_coverage_clear (UnetCoverage *self)
{
  clear_tables (self);
  g_clear_pointer (&self->column, g_free);
  g_clear_pointer (&self->fraction, g_free);
  g_clear_pointer (&self->values, g_free);
}

/* ---- geometry --------------------------------------------------------- */

/* Returns the position of @pixel among the centres of mask pixels: the integer
 * part is the one to its left. */
static gdouble
mask_position (guint pixel, gdouble start, gdouble size, guint n)
{
  const gdouble x = (pixel + 0.5 - start) * n / size - 0.5;

  return CLAMP (x, 0, n - 1.0);
}

void
unet_coverage_set_shape (UnetCoverage *self, const UnetMask *shape)
{
  guint column = 0;

  clear_tables (self);
  self->shape = *shape;
  self->first = g_new0 (guint, shape->width + 1);
  self->runs = g_new0 (UnetCoverageRun, shape->width + 1);
  self->line = g_new0 (gfloat, 4 * ((gsize) shape->width + 1));
  unet_mask_find_pixels (
      shape->x, shape->w, self->width, &self->left, &self->right);
  unet_mask_find_pixels (
      shape->y, shape->h, self->height, &self->top, &self->bottom);
  for (guint x = self->left; x < self->right; x++) {
    const gdouble at = mask_position (x, shape->x, shape->w, shape->width);

    self->column[x] = (guint16) at;
    self->fraction[x] = (gfloat) (at - floor (at));
    while (column <= self->column[x])
      self->first[column++] = x;
  }
  while (column <= shape->width)
    self->first[column++] = self->right;
  unet_coverage_begin (self);
}

void
unet_coverage_begin (UnetCoverage *self)
{
  self->cell_row = G_MAXUINT;
}

/* ---- runs ------------------------------------------------------------- */

static void
collect_runs (UnetCoverage *self, const UnetCoverageSource *source, guint row)
{
  const guint w = self->shape.width, h = self->shape.height;
  const guint below = MIN (row + 1, h - 1);
  const guint8 *a = source->wanted + (gsize) row * w;
  const guint8 *b = source->wanted + (gsize) below * w;
  const gfloat *p = source->values + (gsize) row * w;

  self->n_runs = 0;
  for (guint c = 0; c < w; c++) {
    const guint next = MIN (c + 1, w - 1);
    UnetCoverageRun run = { self->first[c], self->first[c + 1],
      p[c] > 0.5f ? UNET_CELL_FULL : UNET_CELL_EMPTY };
    UnetCoverageRun *last = self->n_runs > 0 ? &self->runs[self->n_runs - 1]
                                             : NULL;

    if (run.start == run.end)
      continue;
    if (a[c] | a[next] | b[c] | b[next])
      run.kind = UNET_CELL_EDGE;
    if (last && last->kind == run.kind)
      last->end = run.end;
    else
      self->runs[self->n_runs++] = run;
  }
}

UNET_SIMD static void
blend_coefficient_rows (gfloat *restrict dst, const gfloat *a, const gfloat *b,
    gfloat fraction, guint n)
{
  for (guint i = 0; i < n; i++)
    dst[i] = a[i] + (b[i] - a[i]) * fraction;
}

static gboolean
has_edge (const UnetCoverage *self)
{
  for (guint i = 0; i < self->n_runs; i++)
    if (self->runs[i].kind == UNET_CELL_EDGE)
      return TRUE;
  return FALSE;
}

guint
unet_coverage_find_runs (
    UnetCoverage *self, const UnetCoverageSource *source, guint y)
{
  const guint w = self->shape.width, h = self->shape.height;
  const gdouble at = mask_position (y, self->shape.y, self->shape.h, h);
  const guint row = (guint) at, below = MIN (row + 1, h - 1);
  const gfloat *k = source->coefficients;

  if (row != self->cell_row)
    collect_runs (self, source, row);
  self->cell_row = row;
  if (has_edge (self)) {
    blend_coefficient_rows (self->line, k + 4 * (gsize) row * w,
        k + 4 * (gsize) below * w, (gfloat) (at - row), 4 * w);
    memcpy (self->line + 4 * w, self->line + 4 * (w - 1), 4 * sizeof (gfloat));
  }
  return at - row < 0.5 ? row : below;
}

/* ---- pixels ----------------------------------------------------------- */

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

UNET_SIMD static void
cover_row (
    guint8 *restrict dst, const gfloat *q, gfloat low, gfloat scale, guint n)
{
  for (guint i = 0; i < n; i++)
    dst[i] =
        (guint8) (gint32) (unet_smoothstep (q[i], low, scale) * 255 + 0.5f);
}

void
unet_coverage_compute (UnetCoverage *self, const UnetCoverageSource *source,
    UnetRowReader *reader, guint y, const UnetCoverageRun *run, guint8 *dst)
{
  const guint n = run->end - run->start;
  const guint16 *column = self->column + run->start;
  const gfloat *fraction = self->fraction + run->start;

  if (source->frame)
    apply_coefficients (self->values, self->line, column, fraction,
        unet_row_reader_read (reader, source->frame, y, run->start, n), n);
  else
    apply_constants (self->values, self->line, column, fraction, n);
  cover_row (dst, self->values, source->low, source->scale, n);
}
