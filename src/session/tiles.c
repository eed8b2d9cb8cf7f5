/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/tiles.h"
#include "graph/analysis/geometry.h"
#include "model/tensors.h"
#include "session/session.h"
#include "session/symmetries.h"
#include <math.h>
#include <string.h>

/* Limit of the memory for picture and result together. */
#define MAX_BYTES ((gsize) 1 << 31)

/* One row or column of tiles. */
typedef struct {
  gint start;     /* of its input in the picture; may lie outside */
  guint first, n; /* of its output's pixels: those that are kept */
  guint to;       /* where they go */
} Span;

typedef struct {
  guint picture, tile;       /* input pixels */
  guint outputs, result;     /* output pixels: a tile's, the picture's */
  gdouble scale;             /* input pixels per output pixel */
  guint grid, before, after; /* output pixels; before and after: to drop */
  guint overlap;
  guint n;
  Span *spans;
} Axis;

/* A tensor as blocks of rows of columns of cells. */
typedef struct {
  gsize blocks, cell; /* cell: bytes */
} Shape;

struct _UnetTiles {
  guint input, output; /* indices */
  Axis rows, columns;
  Shape in, out;
  gchar *picture;
  UnetTensorInfo info;
  gchar *name;
  gchar *result;
  UnetSymmetries *symmetries; /* (nullable) */
};

static gboolean
fail (GError **error, UnetSession *session, const gchar *why)
{
  g_set_error (error, UNET_ERROR, UNET_ERROR_CONTRACT, "%s: fit=tile: %s",
      unet_model_get_name (unet_session_get_model (session)), why);
  return FALSE;
}

/* ---- where tiles lie ----------------------------------------------------- */

static void
add_span (Axis *axis, gint start)
{
  axis->spans = g_renew (Span, axis->spans, axis->n + 1);
  axis->spans[axis->n++] = (Span){ start, 0, 0, 0 };
}

/* Returns the output pixel at which tile @i ends. The overlap with the next
 * tile is divided in the middle of the parts that both know well, on the
 * grid. Starts are those of the outputs here. */
static guint
part (const Axis *axis, guint i)
{
  const gdouble end = axis->spans[i].start / axis->scale + axis->outputs;
  const gdouble start = axis->spans[i + 1].start / axis->scale;
  const gdouble middle = (start + axis->before + end - axis->after) / 2;

  return (guint) (floor (middle / axis->grid + 1e-6) * axis->grid);
}

static void
keep_parts (Axis *axis)
{
  guint to = 0;

  for (guint i = 0; i < axis->n; i++) {
    Span *span = &axis->spans[i];
    const guint end = i + 1 < axis->n ? part (axis, i) : axis->result;

    span->first = to - (guint) floor (span->start / axis->scale + 0.5);
    span->n = end - to;
    span->to = to;
    to = end;
  }
}

/* A picture smaller than one tile's output lies in its middle. */
static void
place_one (Axis *axis)
{
  const guint lead =
      (axis->outputs - axis->result) / 2 / axis->grid * axis->grid;

  add_span (axis, -(gint) floor (lead * axis->scale + 0.5));
  axis->spans[0].first = lead;
  axis->spans[0].n = axis->result;
}

/* The last tile ends with the picture, or less than a grid's step behind it:
 * there the picture is reflected. */
static void
place_many (Axis *axis, guint window, guint step, guint grid)
{
  const guint last = (axis->picture - window + grid - 1) / grid * grid;

  for (guint at = 0; at < last; at += step)
    add_span (axis, (gint) at);
  add_span (axis, (gint) last);
  keep_parts (axis);
}

/* Finds how many pixels at either end of a tile to drop: as far as an output
 * pixel looks into borders that layers made up, in cells of the grid, but
 * half a tile in all at most, since weights fade beyond the middle of the
 * receptive field (Luo et al., "Understanding the effective receptive
 * field", 2016). Valid convolutions make up no borders. */
static void
find_doubtful (Axis *axis, const UnetView *view, guint i, guint margin)
{
  const gdouble grid = (gdouble) view->grid[i];
  gdouble before = ceil (MAX (-view->reach.low[i], 0) / grid) * grid;
  gdouble after = ceil (MAX (view->reach.high[i] - margin, 0) / grid) * grid;
  const gdouble most = MAX (axis->tile / 2., margin) - margin;

  if (!view->reach.padded)
    before = after = 0;
  if (before + after > most)
    before = after = floor (most / 2 / grid) * grid;
  axis->before = (guint) round (before / axis->scale);
  axis->after = (guint) round (after / axis->scale);
}

static gboolean
place_tiles (Axis *axis, const UnetView *view, guint i, gint wanted,
    guint window, UnetSession *session, GError **error)
{
  const guint grid = (guint) view->grid[i], margin = axis->tile - window;
  guint overlap, step;

  find_doubtful (axis, view, i, margin);
  overlap = margin + (guint) round ((axis->before + axis->after) * axis->scale);
  if (wanted >= 0)
    overlap = MAX ((guint) wanted, margin);
  if (overlap >= axis->tile || axis->tile - overlap < grid)
    return fail (error, session,
        "tiles are too small for this overlap: a larger input-size, or a "
        "smaller overlap");
  step = (axis->tile - overlap) / grid * grid;
  axis->overlap = axis->tile - step;
  place_many (axis, window, step, grid);
  return TRUE;
}

static gboolean
plan_axis (Axis *axis, const UnetView *view, guint i, gint wanted,
    UnetSession *session, GError **error)
{
  const UnetGeometry *g = &view->geometry;
  const gint lead = (gint) floor (g->offset[i] + 0.5);
  const gdouble window = g->scale[i] * (gdouble) g->extent[i];
  const gdouble grid = (gdouble) view->grid[i] / g->scale[i];

  axis->scale = g->scale[i];
  axis->outputs = (guint) g->extent[i];
  if (axis->scale <= 0 || fabs (grid - round (grid)) > 1e-6 || window < 1
      || window > axis->tile + 0.5)
    return fail (error, session, "the output is no grid over the input");
  axis->grid = (guint) round (grid);
  axis->result = (guint) ceil (axis->picture / axis->scale - 1e-6);
  if (axis->result <= axis->outputs)
    place_one (axis);
  else if (!place_tiles (
               axis, view, i, wanted, (guint) floor (window), session, error))
    return FALSE;
  for (guint k = 0; k < axis->n; k++)
    axis->spans[k].start -= lead;
  return TRUE;
}

/* ---- tensors ------------------------------------------------------------- */

static void
get_shape (const UnetTensorInfo *info, guint row_axis, Shape *shape)
{
  shape->blocks = 1;
  shape->cell = unet_dtype_size (info->dtype);
  for (guint i = 0; i < row_axis; i++)
    shape->blocks *= (gsize) info->dims[i];
  for (guint i = row_axis + 2; i < info->n_dims; i++)
    shape->cell *= (gsize) info->dims[i];
}

static gboolean
find_tensors (UnetTiles *self, UnetSession *session,
    const UnetContract *contract, const UnetView **view, GError **error)
{
  UnetModel *model = unet_session_get_model (session);
  const gint input = unet_model_find_input_index (model, contract->input);
  const gint output = unet_model_find_output_index (model, contract->output);
  const UnetGeometry *g;

  if (input < 0 || output < 0)
    return fail (error, session, "no such input or output");
  self->input = (guint) input;
  self->output = (guint) output;
  *view = unet_session_get_view (session, self->output);
  g = &(*view)->geometry;
  if (!g->known || g->axis[1] != g->axis[0] + 1)
    return fail (
        error, session, "how the output lies over the input is not known");
  self->info = *unet_session_get_output_info (session, self->output);
  self->info.name = self->name = g_strdup (self->info.name);
  get_shape (&self->info, (guint) g->axis[0], &self->out);
  return TRUE;
}

static gboolean
allocate (UnetTiles *self, UnetSession *session, GError **error)
{
  const gdouble pixels = (gdouble) self->rows.picture * self->columns.picture;
  const gdouble results = (gdouble) self->rows.result * self->columns.result;
  const gdouble in = pixels * self->in.blocks * self->in.cell;
  const gdouble out = results * self->out.blocks * self->out.cell;

  if (in + out <= MAX_BYTES) {
    self->picture = g_try_malloc0 ((gsize) in);
    self->result = g_try_malloc0 ((gsize) out);
  }
  if (self->picture && self->result)
    return TRUE;
  g_set_error (error, UNET_ERROR, UNET_ERROR_LIMIT,
      "%s: fit=tile: a picture of %ux%u needs %.0f MiB, more than there is "
      "or than the limit of 2048",
      unet_model_get_name (unet_session_get_model (session)),
      self->columns.picture, self->rows.picture, (in + out) / 1048576);
  return FALSE;
}

UnetTiles *
unet_tiles_new (UnetSession *session, const UnetContract *contract, guint width,
    guint height, GError **error)
{
  UnetTiles *self = g_new0 (UnetTiles, 1);
  const guint row = contract->layout == UNET_LAYOUT_NHWC ? 1 : 2;
  const UnetTensorInfo *info;
  const UnetView *view;

  if (unet_session_has_state (session)) {
    fail (error, session, "a network with a memory sees one picture a frame");
    goto failed;
  }
  if (!find_tensors (self, session, contract, &view, error))
    goto failed;
  info = unet_session_get_input_info (session, self->input);
  get_shape (info, row, &self->in);
  self->rows.picture = height;
  self->rows.tile = (guint) info->dims[row];
  self->columns.picture = width;
  self->columns.tile = (guint) info->dims[row + 1];
  if (!plan_axis (&self->rows, view, 0, contract->overlap, session, error)
      || !plan_axis (&self->columns, view, 1, contract->overlap, session, error)
      || !allocate (self, session, error))
    goto failed;
  self->info.dims[view->geometry.axis[0]] = self->rows.result;
  self->info.dims[view->geometry.axis[1]] = self->columns.result;
  if (contract->tta)
    self->symmetries = unet_symmetries_new (session, contract, error);
  if (self->symmetries || !contract->tta)
    return self;

failed:
  unet_tiles_free (self);
  return NULL;
}

void
unet_tiles_free (UnetTiles *self)
{
  if (!self)
    return;
  g_free (self->rows.spans);
  g_free (self->columns.spans);
  unet_symmetries_free (self->symmetries);
  g_free (self->picture);
  g_free (self->result);
  g_free (self->name);
  g_free (self);
}

/* ---- use ----------------------------------------------------------------- */

guint
unet_tiles_get_n_tiles (const UnetTiles *self)
{
  return self->rows.n * self->columns.n;
}

guint
unet_tiles_get_n_runs (const UnetTiles *self)
{
  return unet_tiles_get_n_tiles (self)
      * (self->symmetries ? unet_symmetries_get_n (self->symmetries) : 1);
}

void
unet_tiles_get_overlap (const UnetTiles *self, guint *x, guint *y)
{
  *x = self->columns.overlap;
  *y = self->rows.overlap;
}

gpointer
unet_tiles_get_picture (UnetTiles *self)
{
  return self->picture;
}

const UnetTensorInfo *
unet_tiles_get_output_info (const UnetTiles *self)
{
  return &self->info;
}

gconstpointer
unet_tiles_get_output (const UnetTiles *self)
{
  return self->result;
}

void
unet_tiles_get_window (const UnetTiles *self, gdouble *width, gdouble *height)
{
  *width = self->columns.result * self->columns.scale;
  *height = self->rows.result * self->rows.scale;
}

/* Reflection without repeating the edge, as often as it takes. */
static guint
reflect (gint i, guint n)
{
  const guint period = 2 * (n - 1);

  if (n == 1)
    return 0;
  i = ABS (i) % (gint) period;
  return (guint) i < n ? (guint) i : period - (guint) i;
}

static void
read_row (const UnetTiles *self, gchar *to, const gchar *from, gint start)
{
  const gsize cell = self->in.cell;
  const gint n = (gint) self->columns.tile;
  const gint begin = CLAMP (-start, 0, n);
  const gint end = CLAMP ((gint) self->columns.picture - start, begin, n);

  for (gint x = 0; x < begin; x++)
    memcpy (to + (gsize) x * cell,
        from + reflect (start + x, self->columns.picture) * cell, cell);
  if (end > begin)
    memcpy (to + (gsize) begin * cell, from + (gsize) (start + begin) * cell,
        (gsize) (end - begin) * cell);
  for (gint x = end; x < n; x++)
    memcpy (to + (gsize) x * cell,
        from + reflect (start + x, self->columns.picture) * cell, cell);
}

static void
read_tile (
    const UnetTiles *self, gchar *to, const Span *row, const Span *column)
{
  const gsize from_stride = self->columns.picture * self->in.cell;
  const gsize to_stride = self->columns.tile * self->in.cell;
  const gchar *from = self->picture;

  for (gsize b = 0; b < self->in.blocks; b++) {
    for (guint y = 0; y < self->rows.tile; y++)
      read_row (self, to + y * to_stride,
          from
              + reflect (row->start + (gint) y, self->rows.picture)
                  * from_stride,
          column->start);
    from += self->rows.picture * from_stride;
    to += self->rows.tile * to_stride;
  }
}

static void
write_tile (
    UnetTiles *self, const gchar *from, const Span *row, const Span *column)
{
  const gsize from_stride = self->columns.outputs * self->out.cell;
  const gsize to_stride = self->columns.result * self->out.cell;
  gchar *to = self->result;

  for (gsize b = 0; b < self->out.blocks; b++) {
    for (guint y = 0; y < row->n; y++)
      memcpy (to + (row->to + y) * to_stride + column->to * self->out.cell,
          from + (row->first + y) * from_stride
              + column->first * self->out.cell,
          column->n * self->out.cell);
    from += self->rows.outputs * from_stride;
    to += self->rows.result * to_stride;
  }
}

/* Returns the output of the tile in the session's input, or NULL with @error
 * set. */
static const gchar *
run_tile (UnetTiles *self, UnetSession *session, GError **error)
{
  if (self->symmetries)
    return unet_symmetries_run (self->symmetries, session, error)
        ? unet_symmetries_get_output (self->symmetries)
        : NULL;
  return unet_session_run (session, error)
      ? unet_session_get_output_data (session, self->output)
      : NULL;
}

gboolean
unet_tiles_run (UnetTiles *self, UnetSession *session, GError **error)
{
  for (guint y = 0; y < self->rows.n; y++)
    for (guint x = 0; x < self->columns.n; x++) {
      const Span *row = &self->rows.spans[y];
      const Span *column = &self->columns.spans[x];
      const gchar *output;

      read_tile (self, unet_session_get_input_data (session, self->input), row,
          column);
      output = run_tile (self, session, error);
      if (output == NULL)
        return FALSE;
      write_tile (self, output, row, column);
    }
  return TRUE;
}
