/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/draw/alpha.h"
#include "base/simd.h"
#include "base/smoothstep.h"

#include <math.h>

/* Half the width of the soft edge, in probability. Less shows the mask's own
 * steps, more makes edges foggy. */
#define SOFTNESS 0.15

/* ---- geometry --------------------------------------------------------- */

void
unet_alpha_init (UnetAlpha *self, guint width, guint height)
{
  memset (self, 0, sizeof *self);
  self->width = width;
  self->height = height;
  self->column = g_new0 (guint16, width);
  self->fraction = g_new0 (guint32, width);
}

static void
clear_tables (UnetAlpha *self)
{
  g_clear_pointer (&self->cell_start, g_free);
  g_clear_pointer (&self->memory, g_free);
  g_clear_pointer (&self->column_class, g_free);
  g_clear_pointer (&self->blend, g_free);
  g_clear_pointer (&self->runs, g_free);
}

void
unet_alpha_clear (UnetAlpha *self)
{
  clear_tables (self);
  g_clear_pointer (&self->column, g_free);
  g_clear_pointer (&self->fraction, g_free);
}

/* Cell c lies between the centres of mask pixels c - 1 and c. */
static gdouble
cell_position (guint pixel, gdouble start, gdouble size, guint n)
{
  const gdouble x = (pixel + 0.5 - start) * n / size + 0.5;

  return CLAMP (x, 0, n + 0.999);
}

static void
set_geometry (UnetAlpha *self, const UnetMask *mask)
{
  const UnetMask *old = &self->mask;
  const gboolean same = self->cell_start && old->width == mask->width
      && old->height == mask->height && old->x == mask->x && old->y == mask->y
      && old->w == mask->w && old->h == mask->h;
  guint cell = 0;

  if (same)
    return;
  clear_tables (self);
  unet_mask_find_pixels (
      mask->x, mask->w, self->width, &self->left, &self->right);
  unet_mask_find_pixels (
      mask->y, mask->h, self->height, &self->top, &self->bottom);
  self->cell_start = g_new (guint, mask->width + 2);
  self->memory = g_malloc0 (8 * (gsize) (mask->width + 4));
  for (guint i = 0; i < 4; i++) {
    self->probability[i] = self->memory + 2 * i * (mask->width + 4);
    self->classes[i] = self->probability[i] + mask->width + 4;
  }
  self->column_class = g_new (gint16, mask->width + 4);
  self->blend = g_new (guint16, mask->width + 4);
  self->runs = g_new (UnetCellRun, mask->width + 1);
  for (guint x = self->left; x < self->right; x++) {
    const gdouble at = cell_position (x, mask->x, mask->w, mask->width);

    self->column[x] = (guint16) at;
    self->fraction[x] = (guint32) ((at - floor (at)) * 65536 + 0.5);
    while (cell <= self->column[x])
      self->cell_start[cell++] = x;
  }
  while (cell < mask->width + 2)
    self->cell_start[cell++] = self->right;
}

/* ---- the curve -------------------------------------------------------- */

/* The soft edge never reaches beyond 0 and 1: no probability at all is never
 * drawn, certainty always fully. */
static gdouble
cover (const UnetAlphaStyle *style, gdouble probability)
{
  switch (style->edge) {
    case UNET_EDGE_LINEAR:
      return MIN (probability, 1);
    case UNET_EDGE_HARD:
      return probability > 0 && probability >= style->threshold;
    default:
      return unet_smoothstep_between (MAX (style->threshold - SOFTNESS, 0),
          MIN (style->threshold + SOFTNESS, 1), probability);
  }
}

static guint8
largest_undrawn (const UnetAlphaStyle *style)
{
  guint8 p = 255;

  while (p > 0 && cover (style, p / 255.0) > 0)
    p--;
  return p;
}

static void
set_curve (UnetAlpha *self)
{
  const UnetAlphaStyle *style = &self->style;

  for (guint i = 0; i < G_N_ELEMENTS (self->curve); i++) {
    const gdouble covered = cover (style, i / 4080.0);

    self->curve[i] =
        (guint8) (255 * style->gain * (style->invert ? 1 - covered : covered)
            + 0.5);
  }
  self->undrawn = largest_undrawn (style);
  self->low = 0;
  self->high = 255;
  while (self->low < 255 && self->curve[16 * (self->low + 1)] == self->curve[0])
    self->low++;
  while (
      self->high > 0 && self->curve[16 * (self->high - 1)] == self->curve[4080])
    self->high--;
  self->peak = MAX (self->curve[0], self->curve[4080]);
}

UNET_SIMD static void
find_extremes (const guint8 *src, gsize n, guint8 *low, guint8 *high)
{
  guint8 a = 255, b = 0;

  for (gsize i = 0; i < n; i++) {
    a = MIN (a, src[i]);
    b = MAX (b, src[i]);
  }
  *low = a;
  *high = b;
}

static gboolean
is_empty (const UnetAlpha *self)
{
  const UnetMask *mask = &self->mask;
  guint8 low, high;

  if (self->peak == 0 || self->top == self->bottom || self->left == self->right)
    return TRUE;
  find_extremes (
      mask->probability, (gsize) mask->width * mask->height, &low, &high);
  return self->style.invert ? low >= self->high : high <= self->low;
}

static gboolean
is_coverage (const UnetAlpha *self, const UnetMask *mask)
{
  return !mask->class_map && mask->width == self->width
      && mask->height == self->height && mask->x == 0 && mask->y == 0
      && mask->w == self->width && mask->h == self->height;
}

/* The curve is not needed, and the next one is to be made. */
static gboolean
begin_coverage (UnetAlpha *self)
{
  guint8 low, high;

  self->peak = (guint8) (255 * self->style.gain + 0.5);
  self->curve_is_set = FALSE;
  find_extremes (self->mask.probability,
      (gsize) self->mask.width * self->mask.height, &low, &high);
  return self->peak > 0 && (self->style.invert ? low < 255 : high > 0);
}

gboolean
unet_alpha_begin (
    UnetAlpha *self, const UnetMask *mask, const UnetAlphaStyle *style)
{
  const UnetAlphaStyle *old = &self->style;
  const gboolean same_curve = self->curve_is_set
      && old->threshold == style->threshold && old->gain == style->gain
      && old->invert == style->invert && old->edge == style->edge;

  set_geometry (self, mask);
  self->mask = *mask;
  self->style = *style;
  self->is_coverage = is_coverage (self, mask);
  if (self->is_coverage)
    return begin_coverage (self);
  if (!same_curve)
    set_curve (self);
  self->curve_is_set = TRUE;
  self->cell_row = -1;
  return !is_empty (self);
}

/* ---- cells ------------------------------------------------------------ */

static void
repeat_ends (guint8 *row, guint n)
{
  row[0] = row[1] = row[2];
  row[n + 3] = row[n + 2] = row[n + 1];
}

/* With several classes, classes that are not drawn must stay below the rise of
 * the curve. */
static void
read_mask_row (UnetAlpha *self, guint index)
{
  const gint y = self->cell_row - 2 + (gint) index;
  const guint n = self->mask.width;
  const gsize at = (gsize) CLAMP (y, 0, (gint) self->mask.height - 1) * n;
  const UnetClassStyle *styles = self->style.classes;
  guint8 *probability = self->probability[index];
  guint8 *classes = self->classes[index];

  memcpy (probability + 2, self->mask.probability + at, n);
  if (styles) {
    memcpy (classes + 2, self->mask.class_map + at, n);
    for (guint i = 2; i < n + 2; i++)
      if (styles[classes[i]].gain == 0) {
        classes[i] = 0;
        probability[i] = MIN (probability[i], self->undrawn);
      }
    repeat_ends (classes, n);
  }
  repeat_ends (probability, n);
}

UNET_SIMD static void
classify_cells (guint8 *restrict kinds, const guint8 *above,
    const guint8 *below, guint8 low, guint8 high, guint8 kind_of_low,
    guint8 kind_of_high, guint n)
{
  for (gsize i = 0; i < n; i++) {
    const guint8 a = MAX (above[i], below[i]);
    const guint8 b = MAX (above[i + 1], below[i + 1]);
    const guint8 c = MIN (above[i], below[i]);
    const guint8 d = MIN (above[i + 1], below[i + 1]);

    kinds[i] = MAX (a, b) <= low ? kind_of_low
        : MIN (c, d) >= high     ? kind_of_high
                                 : UNET_CELL_EDGE;
  }
}

static gint16
join_classes (gint16 a, gint16 b)
{
  return a == 0 ? b : b == 0 || a == b ? a : -1;
}

static void
find_column_classes (UnetAlpha *self)
{
  for (guint i = 0; i < self->mask.width + 4; i++) {
    gint16 id = 0;

    for (guint j = 0; j < 4; j++)
      id = join_classes (id, self->classes[j][i]);
    self->column_class[i] = id;
  }
}

/* The only class that is drawn round a cell, or -1. */
static gint16
cell_class (const UnetAlpha *self, guint cell)
{
  const gint16 *c = self->column_class + cell;

  return join_classes (join_classes (c[0], c[1]), join_classes (c[2], c[3]));
}

static void
collect_runs (UnetAlpha *self, const guint8 *kinds)
{
  self->n_runs = 0;
  for (guint cell = 0; cell <= self->mask.width; cell++) {
    UnetCellRun run = { self->cell_start[cell], self->cell_start[cell + 1],
      kinds[cell], 0 };
    UnetCellRun *last = self->n_runs > 0 ? &self->runs[self->n_runs - 1] : NULL;

    if (run.kind == UNET_CELL_EMPTY || run.start == run.end)
      continue;
    if (self->style.classes && !self->style.invert)
      run.id = cell_class (self, cell);
    if (last && last->end == run.start && last->kind == run.kind
        && last->id == run.id && run.id >= 0)
      last->end = run.end;
    else
      self->runs[self->n_runs++] = run;
  }
}

static void
enter_cell_row (UnetAlpha *self, gint cell_row)
{
  const gboolean colored = self->style.classes && !self->style.invert;
  guint8 *kinds = (guint8 *) self->blend;

  self->cell_row = cell_row;
  for (guint i = 0; i < 4; i++)
    if (colored || i == 1 || i == 2)
      read_mask_row (self, i);
  if (colored)
    find_column_classes (self);
  classify_cells (kinds, self->probability[1] + 1, self->probability[2] + 1,
      self->low, self->high,
      self->curve[0] == 0 ? UNET_CELL_EMPTY : UNET_CELL_FULL,
      self->curve[4080] == 0 ? UNET_CELL_EMPTY : UNET_CELL_FULL,
      self->mask.width + 1);
  collect_runs (self, kinds);
}

/* ---- pixels ----------------------------------------------------------- */

UNET_SIMD static void
blend_rows (guint16 *restrict dst, const guint8 *above, const guint8 *below,
    guint fraction, guint n)
{
  for (guint i = 0; i < n; i++)
    dst[i] =
        (guint16) ((above[i] * (65536 - fraction) + below[i] * fraction) >> 8);
}

static void
draw_edge (UnetAlpha *self, const UnetCellRun *run, guint8 *alpha)
{
  for (guint x = run->start; x < run->end; x++) {
    const guint16 *p = self->blend + self->column[x] + 1;
    const guint32 f = self->fraction[x];
    const guint32 probability = (p[0] * (65536 - f) + p[1] * f) >> 16;

    alpha[x] = self->curve[probability >> 4];
  }
}

static void
scale_alpha (guint8 *alpha, guint n, guint gain)
{
  for (guint i = 0; i < n; i++)
    alpha[i] = (guint8) ((alpha[i] * gain + 127) / 255);
}

static void
fill_color (
    const UnetClassStyle *style, const UnetCellRun *run, UnetAlphaRow *row)
{
  for (guint c = 0; c < 3; c++)
    for (guint x = run->start; x < run->end; x++)
      row->color[c][x] = style->sample[c];
  if (style->gain != 255)
    scale_alpha (row->alpha + run->start, run->end - run->start, style->gain);
}

/* Cubic B-spline: weights of the four samples round a position. */
static void
spline_weights (gfloat weights[4], guint32 fraction)
{
  const gfloat f = fraction / 65536.0f, g = 1 - f;

  weights[0] = g * g * g / 6;
  weights[1] = (4 + 3 * f * f * (f - 2)) / 6;
  weights[2] = (4 + 3 * g * g * (g - 2)) / 6;
  weights[3] = f * f * f / 6;
}

/* Classes round a cell, and for each the weighted sum of its probabilities in
 * each of the four columns. */
typedef struct {
  guint n;
  guint8 id[16];
  gfloat column[16][4];
} CellClasses;

static void
find_cell_classes (const UnetAlpha *self, CellClasses *found, guint cell,
    const gfloat weights[4])
{
  found->n = 0;
  for (guint i = 0; i < 16; i++) {
    const guint at = cell + i % 4;
    const guint8 id = self->classes[i / 4][at];
    guint slot = 0;

    if (id == 0)
      continue;
    while (slot < found->n && found->id[slot] != id)
      slot++;
    if (slot == found->n) {
      memset (found->column[slot], 0, sizeof found->column[slot]);
      found->id[found->n++] = id;
    }
    found->column[slot][i % 4] += weights[i / 4] * self->probability[i / 4][at];
  }
}

static gfloat
class_probability (const CellClasses *found, guint i, const gfloat weights[4])
{
  const gfloat *column = found->column[i];

  return weights[0] * column[0] + weights[1] * column[1]
      + weights[2] * column[2] + weights[3] * column[3];
}

/* The likeliest class alone. */
static void
pick_color (UnetAlpha *self, const CellClasses *found, const gfloat weights[4],
    guint x, UnetAlphaRow *row)
{
  const UnetClassStyle *style = &self->style.classes[found->id[0]];
  gfloat best = 0;

  for (guint i = 0; i < found->n; i++) {
    const gfloat p = class_probability (found, i, weights);

    if (p > best) {
      best = p;
      style = &self->style.classes[found->id[i]];
    }
  }
  for (guint c = 0; c < 3; c++)
    row->color[c][x] = style->sample[c];
  scale_alpha (row->alpha + x, 1, style->gain);
}

static void
pick_colors (UnetAlpha *self, const UnetCellRun *run, guint fraction_y,
    UnetAlphaRow *row)
{
  CellClasses found;
  gfloat weights[4];

  spline_weights (weights, fraction_y);
  find_cell_classes (self, &found, self->column[run->start], weights);
  for (guint x = run->start; x < run->end; x++) {
    spline_weights (weights, self->fraction[x]);
    pick_color (self, &found, weights, x, row);
  }
}

/* Draws borders between classes by the eighth power of each one's smooth
 * probability: rounder than the mask's steps and as sharp as the frame. */
static void
mix_colors (UnetAlpha *self, const UnetCellRun *run, guint fraction_y,
    UnetAlphaRow *row)
{
  CellClasses found;
  gfloat weights[4];

  spline_weights (weights, fraction_y);
  find_cell_classes (self, &found, self->column[run->start], weights);
  for (guint x = run->start; x < run->end; x++) {
    gfloat sum = 1e-9f, color[3] = { 0 }, gain = 0;

    spline_weights (weights, self->fraction[x]);
    for (guint i = 0; i < found.n; i++) {
      const UnetClassStyle *style = &self->style.classes[found.id[i]];
      gfloat p = class_probability (&found, i, weights);

      p *= p;
      p *= p;
      p *= p;
      sum += p;
      gain += p * style->gain;
      for (guint c = 0; c < 3; c++)
        color[c] += p * style->sample[c];
    }
    for (guint c = 0; c < 3; c++)
      row->color[c][x] = (guint16) (color[c] / sum + 0.5f);
    scale_alpha (row->alpha + x, 1, (guint) (gain / sum + 0.5f));
  }
}

static void
get_mask_row (UnetAlpha *self, guint y, UnetAlphaRow *row)
{
  const gdouble at =
      cell_position (y, self->mask.y, self->mask.h, self->mask.height);
  const guint fraction = (guint) ((at - floor (at)) * 65536 + 0.5);
  const gboolean colored = self->style.classes && !self->style.invert;
  gboolean blended = FALSE;

  unet_alpha_row_reset (row);
  if (self->cell_row != (gint) at)
    enter_cell_row (self, (gint) at);
  for (guint i = 0; i < self->n_runs; i++) {
    const UnetCellRun *run = &self->runs[i];

    if (run->kind == UNET_CELL_FULL) {
      memset (row->alpha + run->start, self->peak, run->end - run->start);
    } else {
      if (!blended)
        blend_rows (self->blend, self->probability[1], self->probability[2],
            fraction, self->mask.width + 4);
      blended = TRUE;
      draw_edge (self, run, row->alpha);
    }
    if (colored && run->id >= 0)
      fill_color (&self->style.classes[run->id], run, row);
    else if (colored && self->style.edge == UNET_EDGE_HARD)
      pick_colors (self, run, fraction, row);
    else if (colored)
      mix_colors (self, run, fraction, row);
    unet_alpha_row_add_span (row, run->start, run->end);
  }
}

UNET_SIMD static void
scale_coverage (
    guint8 *restrict dst, const guint8 *src, guint8 flip, guint gain, guint n)
{
  for (guint i = 0; i < n; i++) {
    const guint v = (guint) (src[i] ^ flip) * gain + 128;

    dst[i] = (guint8) ((v + (v >> 8)) >> 8);
  }
}

static void
get_coverage_row (UnetAlpha *self, guint y, UnetAlphaRow *row)
{
  const guint8 *src = self->mask.probability + (gsize) y * self->width;

  row->n_spans = 0;
  scale_coverage (
      row->alpha, src, self->style.invert ? 255 : 0, self->peak, self->width);
  unet_alpha_row_find_spans (row, self->width);
}

void
unet_alpha_get_row (UnetAlpha *self, guint y, UnetAlphaRow *row)
{
  if (self->is_coverage)
    get_coverage_row (self, y, row);
  else
    get_mask_row (self, y, row);
}
