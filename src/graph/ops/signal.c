/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/args.h"
#include "graph/ops/functions.h"
#include <math.h>

/* Constants of signal processing: windows and the bank of mel filters. Their
 * sizes are inputs, which inference knows. */

static void
infer_size (UnetNode *node, UnetDType dtype, const gint64 *dims, guint n_dims)
{
  for (guint i = 0; i < n_dims; i++)
    if (dims[i] < 0) {
      unet_node_output (node, 0)->dtype = dtype;
      unet_node_output (node, 0)->has_shape = FALSE;
      return;
    }
  unet_infer_out (node, 0, dtype, n_dims, dims);
}

/* Returns an integer input, or -1 where it is not known. */
static gint64
get_size (const UnetArgs *args, guint index)
{
  UnetTensorView view;

  if (!unet_arg (args, index, &view) || !view.data
      || unet_view_count (&view) != 1)
    return -1;
  return unet_view_int (&view, 0);
}

/* ---- windows ---------------------------------------------------------- */

static gboolean
infer_window (UnetGraph *graph, UnetNode *node, GError **error)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetDType dtype =
      (UnetDType) unet_node_attr_int (node, "output_datatype", UNET_DTYPE_F32);
  const gint64 size = get_size (&args, 0);

  if (!unet_dtype_size (dtype))
    return unet_args_fail (
        &args, error, UNET_ERROR_UNSUPPORTED, "its element type is unknown");
  infer_size (node, dtype, &size, 1);
  return TRUE;
}

/* A sum of cosines with weights @a; a window is periodic or symmetric. */
static void
fill_window (const UnetNode *node, const gdouble a[3], UnetTensorView *out)
{
  const gsize size = unet_view_count (out);
  const gboolean periodic = unet_node_attr_int (node, "periodic", 1) != 0;
  const gdouble step = 2 * G_PI / (gdouble) MAX (periodic ? size : size - 1, 1);

  for (gsize i = 0; i < size; i++)
    unet_view_set_float (out, i,
        a[0] - a[1] * cos ((gdouble) i * step)
            + a[2] * cos (2 * (gdouble) i * step));
}

#define WINDOW(op, a, b, c)                                                    \
  UNET_INFER (op)                                                              \
  {                                                                            \
    return infer_window (graph, node, error);                                  \
  }                                                                            \
  UNET_EVAL (op)                                                               \
  {                                                                            \
    fill_window (node, (const gdouble[]){ a, b, c }, out);                     \
    return TRUE;                                                               \
  }

WINDOW (HannWindow, 0.5, 0.5, 0)
WINDOW (HammingWindow, 25.0 / 46, 21.0 / 46, 0)
WINDOW (BlackmanWindow, 0.42, 0.5, 0.08)

/* ---- MelWeightMatrix -------------------------------------------------- */

UNET_INFER (MelWeightMatrix)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetDType dtype =
      (UnetDType) unet_node_attr_int (node, "output_datatype", UNET_DTYPE_F32);
  const gint64 bins = get_size (&args, 0), length = get_size (&args, 1);
  const gint64 dims[2] = { length < 0 ? -1 : length / 2 + 1, bins };

  if (!unet_dtype_size (dtype) || bins > G_MAXINT16 || length > G_MAXINT32)
    return unet_args_fail (&args, error, UNET_ERROR_UNSUPPORTED,
        "its element type or size is not supported");
  infer_size (node, dtype, dims, 2);
  return TRUE;
}

/* Returns the bin of the spectrum where edge @i of the filters lies. */
static gint64
find_edge (const UnetTensorView *in, gint64 i)
{
  const gdouble low = 2595 * log10 (1 + unet_view_float (&in[3], 0) / 700);
  const gdouble high = 2595 * log10 (1 + unet_view_float (&in[4], 0) / 700);
  const gdouble step = (high - low) / (unet_view_float (&in[0], 0) + 2);
  const gdouble hertz = 700 * (pow (10, (low + (gdouble) i * step) / 2595) - 1);

  return unet_int_from_double (floor (
      (unet_view_float (&in[1], 0) + 1) * hertz / unet_view_float (&in[2], 0)));
}

static void
set_weight (UnetTensorView *out, gint64 row, gint64 column, gdouble weight)
{
  if (row >= 0 && row < out->dims[0])
    unet_view_set_float (out, (gsize) (row * out->dims[1] + column), weight);
}

/* Each filter is a triangle over three edges. */
UNET_EVAL (MelWeightMatrix)
{
  const gint64 last = out->dims[0] - 1;

  for (gsize i = 0; i < unet_view_count (out); i++)
    unet_view_set_float (out, i, 0);
  for (gint64 i = 0; i < out->dims[1]; i++) {
    const gint64 low = find_edge (in, i), center = find_edge (in, i + 1);
    const gint64 high = find_edge (in, i + 2);
    if (low == center)
      set_weight (out, center, i, 1);
    for (gint64 k = MAX (low, 0); low < center && k <= MIN (center, last); k++)
      set_weight (out, k, i, (gdouble) (k - low) / (gdouble) (center - low));
    for (gint64 k = MAX (center, 0); k < MIN (high, last + 1); k++)
      set_weight (out, k, i, (gdouble) (high - k) / (gdouble) (high - center));
  }
  return TRUE;
}
