/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/args.h"
#include "graph/ops/functions.h"
#include "graph/ops/strided.h"
#include <math.h>
#include <string.h>

/* Samples of a picture or volume at the positions of a grid, as ONNX and
 * PyTorch have it (https://onnx.ai/onnx/operators/onnx__GridSample.html). */

typedef enum { NEAREST, LINEAR, CUBIC } Mode;
typedef enum { ZEROS, BORDER, REFLECTION } Padding;

typedef struct {
  Mode mode;
  Padding padding;
  gboolean corners; /* -1 and 1 are the middles of the outermost pixels */
} Sampling;

/* Weights of the cubic, as in bicubic resizing. */
#define CUBIC_A (-0.75)

static gboolean
read_sampling (const UnetNode *node, Sampling *s)
{
  static const struct {
    const gchar *name;
    Mode mode;
  } modes[] = { { "bilinear", LINEAR }, { "linear", LINEAR },
    { "nearest", NEAREST }, { "bicubic", CUBIC }, { "cubic", CUBIC } };
  static const gchar *const paddings[] = { "zeros", "border", "reflection" };
  const gchar *mode = unet_node_attr_string (node, "mode", "linear");
  const gchar *padding = unet_node_attr_string (node, "padding_mode", "zeros");
  guint found = 0;

  s->corners = unet_node_attr_int (node, "align_corners", 0) != 0;
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    if (!strcmp (mode, modes[i].name)) {
      s->mode = modes[i].mode;
      found |= 1;
    }
  for (guint i = 0; i < G_N_ELEMENTS (paddings); i++)
    if (!strcmp (padding, paddings[i])) {
      s->padding = (Padding) i;
      found |= 2;
    }
  return found == 3;
}

UNET_INFER (GridSample)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView x, grid;
  gint64 dims[UNET_MAX_DIMS];
  Sampling s;
  guint rank;

  unet_arg (&args, 0, &x);
  unet_arg (&args, 1, &grid);
  if (!read_sampling (node, &s))
    return unet_args_fail (&args, error, UNET_ERROR_UNSUPPORTED,
        "mode or padding mode is not supported");
  rank = x.n_dims - 2;
  if (x.n_dims < 3 || rank > 3 || (rank != 2 && s.mode == CUBIC))
    return unet_args_fail (&args, error, UNET_ERROR_UNSUPPORTED,
        "an input of rank %u is not supported", x.n_dims);
  if (grid.n_dims != x.n_dims
      || (grid.dims[rank + 1] >= 0 && grid.dims[rank + 1] != rank)
      || (x.dims[0] >= 0 && grid.dims[0] >= 0 && x.dims[0] != grid.dims[0]))
    return unet_args_fail (
        &args, error, UNET_ERROR_SHAPE, "the grid does not fit the picture");
  dims[0] = x.dims[0];
  dims[1] = x.dims[1];
  for (guint i = 0; i < rank; i++) {
    dims[i + 2] = grid.dims[i + 1];
    if (x.dims[i + 2] == 0 || !unet_dtype_is_float (grid.dtype))
      return unet_args_fail (
          &args, error, UNET_ERROR_SHAPE, "the picture is empty");
  }
  unet_infer_out (node, 0, x.dtype, x.n_dims, dims);
  return TRUE;
}

/* Folds @x at @low and @high until it lies between them. */
static gdouble
reflect (gdouble x, gdouble low, gdouble high)
{
  gdouble range = high - low, past, folds, rest;

  if (x >= low && x <= high)
    return x;
  if (range <= 0)
    return low;
  past = x < low ? low - x : x - high;
  folds = floor (past / range);
  rest = past - folds * range;
  return (fmod (folds, 2) == 0) == (x < low) ? low + rest : high - rest;
}

/* Position in an axis of @n pixels; @at lies between -1 and 1 in it. */
static gdouble
locate (const Sampling *s, gdouble at, gint64 n)
{
  gdouble low = s->corners ? 0 : -0.5;
  gdouble high = s->corners ? (gdouble) n - 1 : (gdouble) n - 0.5;
  gdouble x = s->corners ? (at + 1) / 2 * (gdouble) (n - 1)
                         : ((at + 1) * (gdouble) n - 1) / 2;

  if (!isfinite (x))
    return -2; /* outside */
  /* The cubic has its pixels found one by one, as in PyTorch. */
  if (s->mode != CUBIC && (x < low || x > high)) {
    if (s->padding == BORDER)
      return CLAMP (x, 0, (gdouble) n - 1);
    if (s->padding == REFLECTION)
      return reflect (x, low, high);
  }
  return CLAMP (x, -1e9, 1e9);
}

/* Returns the pixel of an axis that stands for pixel @i, -1 for none. */
static gint64
find_pixel (const Sampling *s, gint64 i, gint64 n)
{
  if (i >= 0 && i < n)
    return i;
  if (s->padding == BORDER)
    return CLAMP (i, 0, n - 1);
  if (s->padding == REFLECTION) {
    i = (gint64) (s->corners ? reflect ((gdouble) i, 0, (gdouble) n - 1)
                             : reflect ((gdouble) i, -0.5, (gdouble) n - 0.5));
    return CLAMP (i, 0, n - 1);
  }
  return -1;
}

/* Pixels and weights along one axis. */
typedef struct {
  guint n;
  gint64 pixel[4];
  gdouble weight[4];
} Taps;

static void
set_cubic (Taps *taps, gdouble t)
{
  const gdouble a = CUBIC_A;

  for (gint i = 0; i < 4; i++) {
    gdouble d = fabs (t + 1 - i);
    taps->weight[i] = d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1
                             : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  }
}

static Taps
find_taps (const Sampling *s, gdouble at, gint64 n)
{
  gdouble x = locate (s, at, n);
  gint64 first = (gint64) floor (x);
  Taps taps = { 1, { 0 }, { 1 } };

  if (s->mode == NEAREST) {
    first = (gint64) rint (x);
  } else if (s->mode == LINEAR) {
    taps.n = 2;
    taps.weight[1] = x - (gdouble) first;
    taps.weight[0] = 1 - taps.weight[1];
  } else {
    taps.n = 4;
    set_cubic (&taps, x - (gdouble) first);
    first--;
  }
  for (guint i = 0; i < taps.n; i++)
    taps.pixel[i] = find_pixel (s, first + i, n);
  return taps;
}

/* Pixels of a plane and their weights: 16 of a cubic, 8 in a volume. */
typedef struct {
  guint n;
  gsize pixel[16];
  gdouble weight[16];
} Spot;

/* @taps: one for each of @rank axes. */
static void
find_spot (const UnetTensorView *x, guint rank, const Taps *taps, Spot *spot)
{
  gint64 at[3] = { 0 }, n[3];

  for (guint i = 0; i < rank; i++)
    n[i] = taps[i].n;
  spot->n = 0;
  do {
    gboolean inside = TRUE;
    gdouble weight = 1;
    gint64 index = 0;
    for (guint i = 0; i < rank; i++) {
      inside = inside && taps[i].pixel[at[i]] >= 0;
      index = index * x->dims[i + 2] + taps[i].pixel[at[i]];
      weight *= taps[i].weight[at[i]];
    }
    if (inside) {
      spot->pixel[spot->n] = (gsize) index;
      spot->weight[spot->n++] = weight;
    }
  } while (unet_next_index (rank, n, at));
}

UNET_EVAL (GridSample)
{
  const UnetTensorView *x = &in[0];
  const guint rank = x->n_dims - 2;
  gsize channels = (gsize) x->dims[1];
  gsize pixels = unet_dims_count (rank, out->dims + 2);
  gsize plane = unet_dims_count (rank, x->dims + 2);
  Sampling s = { LINEAR, ZEROS, FALSE };

  read_sampling (node, &s);
  for (gsize b = 0; b < (gsize) out->dims[0]; b++)
    for (gsize p = 0; p < pixels; p++) {
      gsize at = rank * (b * pixels + p);
      Taps taps[3];
      Spot spot;
      /* The grid has the last axis first. */
      for (guint i = 0; i < rank; i++)
        taps[i] = find_taps (
            &s, unet_view_float (&in[1], at + rank - 1 - i), x->dims[i + 2]);
      find_spot (x, rank, taps, &spot);
      for (gsize c = b * channels; c < (b + 1) * channels; c++) {
        gdouble sum = 0;
        for (guint i = 0; i < spot.n; i++)
          sum +=
              spot.weight[i] * unet_view_float (x, c * plane + spot.pixel[i]);
        unet_view_set_float (out, c * pixels + p, sum);
      }
    }
  return TRUE;
}
