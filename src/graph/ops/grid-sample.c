/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/args.h"
#include "graph/ops/functions.h"
#include <math.h>
#include <string.h>

/* Samples of a picture at the positions of a grid, as ONNX and PyTorch have it
 * (https://onnx.ai/onnx/operators/onnx__GridSample.html). */

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
  Sampling s;

  unet_arg (&args, 0, &x);
  unet_arg (&args, 1, &grid);
  if (!read_sampling (node, &s))
    return unet_args_fail (&args, error, UNET_ERROR_UNSUPPORTED,
        "mode or padding mode is not supported");
  if (x.n_dims != 4)
    return unet_args_fail (&args, error, UNET_ERROR_UNSUPPORTED,
        "only pictures of two dimensions are supported");
  if (grid.n_dims != 4 || (grid.dims[3] >= 0 && grid.dims[3] != 2)
      || (x.dims[0] >= 0 && grid.dims[0] >= 0 && x.dims[0] != grid.dims[0]))
    return unet_args_fail (
        &args, error, UNET_ERROR_SHAPE, "the grid does not fit the picture");
  if (x.dims[2] == 0 || x.dims[3] == 0 || !unet_dtype_is_float (grid.dtype))
    return unet_args_fail (
        &args, error, UNET_ERROR_SHAPE, "the picture is empty");
  unet_infer_out (node, 0, x.dtype, 4,
      (const gint64[]){ x.dims[0], x.dims[1], grid.dims[1], grid.dims[2] });
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

static gdouble
sample (
    const UnetTensorView *x, gsize plane, const Taps *rows, const Taps *columns)
{
  gdouble sum = 0;

  for (guint r = 0; r < rows->n; r++)
    for (guint c = 0; c < columns->n; c++)
      if (rows->pixel[r] >= 0 && columns->pixel[c] >= 0)
        sum += rows->weight[r] * columns->weight[c]
            * unet_view_float (x,
                plane
                    + (gsize) (rows->pixel[r] * x->dims[3]
                        + columns->pixel[c]));
  return sum;
}

UNET_EVAL (GridSample)
{
  const UnetTensorView *x = &in[0];
  gsize channels = (gsize) x->dims[1], pixels, plane;
  Sampling s = { LINEAR, ZEROS, FALSE };

  read_sampling (node, &s);
  pixels = (gsize) (out->dims[2] * out->dims[3]);
  plane = (gsize) (x->dims[2] * x->dims[3]);
  for (gsize b = 0; b < (gsize) out->dims[0]; b++)
    for (gsize p = 0; p < pixels; p++) {
      gsize at = 2 * (b * pixels + p);
      Taps columns = find_taps (&s, unet_view_float (&in[1], at), x->dims[3]);
      Taps rows = find_taps (&s, unet_view_float (&in[1], at + 1), x->dims[2]);
      for (gsize c = b * channels; c < (b + 1) * channels; c++)
        unet_view_set_float (
            out, c * pixels + p, sample (x, c * plane, &rows, &columns));
    }
  return TRUE;
}
