/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/slice.h"
#include "graph/ops/args.h"
#include "graph/ops/functions.h"
#include "graph/ops/strided.h"
#include <string.h>

typedef struct {
  guint n;
  guint axes[UNET_MAX_DIMS];
  gint64 starts[UNET_MAX_DIMS], ends[UNET_MAX_DIMS], steps[UNET_MAX_DIMS];
  gboolean open; /* the bounds are not known yet */
} SliceBounds;

static gboolean
read_slice (const UnetArgs *args, guint rank, SliceBounds *b, GError **error)
{
  gint64 axes[UNET_MAX_DIMS];
  guint n_ends, n_axes, n_steps, mask;
  UnetInts s, e, a, t;

  s = unet_arg_ints (args, "starts", 1, b->starts, UNET_MAX_DIMS, &b->n);
  e = unet_arg_ints (args, "ends", 2, b->ends, UNET_MAX_DIMS, &n_ends);
  a = unet_arg_ints (args, "axes", 3, axes, UNET_MAX_DIMS, &n_axes);
  t = unet_arg_ints (args, NULL, 4, b->steps, UNET_MAX_DIMS, &n_steps);
  b->open = s == UNET_INTS_OPEN || e == UNET_INTS_OPEN || t == UNET_INTS_OPEN;
  if (a == UNET_INTS_ABSENT)
    for (guint i = 0; i < MIN (b->n, rank); i++)
      axes[i] = i;
  if (b->n > rank || n_ends != b->n || s == UNET_INTS_ABSENT
      || (a != UNET_INTS_ABSENT && n_axes != b->n)
      || (t != UNET_INTS_ABSENT && n_steps != b->n) || a == UNET_INTS_OPEN
      || !unet_axes_mask (axes, b->n, rank, &mask))
    return unet_args_fail (
        args, error, UNET_ERROR_SHAPE, "the bounds do not fit rank %u", rank);
  for (guint i = 0; i < b->n; i++) {
    unet_axis (axes[i], rank, &b->axes[i]);
    if (t == UNET_INTS_ABSENT)
      b->steps[i] = 1;
    if (t != UNET_INTS_OPEN && (b->steps[i] == 0 || b->steps[i] == G_MININT64))
      return unet_args_fail (args, error, UNET_ERROR_SHAPE, "a step is 0");
  }
  return TRUE;
}

/* Clamps one pair of bounds to @extent; returns how many elements remain. */
static gint64
clamp_slice (gint64 extent, gint64 *start, gint64 end, gint64 step)
{
  gint64 low = step < 0 ? -1 : 0, high = step < 0 ? extent - 1 : extent;

  *start = *start < 0 ? *start + extent : *start;
  end = end < 0 ? MAX (end, -extent - 1) + extent : end;
  *start = CLAMP (*start, step < 0 ? -1 : 0, MAX (high, low));
  end = CLAMP (end, low, extent);
  if (step > 0)
    return end > *start ? (end - *start - 1) / step + 1 : 0;
  return *start > end ? (*start - end - 1) / -step + 1 : 0;
}

static gint64
slice_axis (const SliceBounds *b, guint i, gint64 extent, gint64 *start)
{
  *start = b->starts[i];
  if (b->open || extent < 0)
    return -1;
  return clamp_slice (extent, start, b->ends[i], b->steps[i]);
}

UNET_INFER (Slice)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView x;
  SliceBounds bounds;
  gint64 dims[UNET_MAX_DIMS], start;

  unet_arg (&args, 0, &x);
  if (!read_slice (&args, x.n_dims, &bounds, error))
    return FALSE;
  memcpy (dims, x.dims, sizeof dims);
  for (guint i = 0; i < bounds.n; i++) {
    guint axis = bounds.axes[i];
    dims[axis] = slice_axis (&bounds, i, x.dims[axis], &start);
  }
  unet_infer_out (node, 0, x.dtype, x.n_dims, dims);
  return TRUE;
}

static gboolean
resolve_slice (const UnetArgs *args, const UnetTensorView *x, gint64 *starts,
    gint64 *steps, GError **error)
{
  SliceBounds bounds;

  if (!read_slice (args, x->n_dims, &bounds, error))
    return FALSE;
  for (guint i = 0; i < x->n_dims; i++) {
    starts[i] = 0;
    steps[i] = 1;
  }
  for (guint i = 0; i < bounds.n; i++) {
    guint axis = bounds.axes[i];
    gint64 most = x->dims[axis] < 0 ? G_MAXINT32 : MAX (x->dims[axis], 1);
    slice_axis (&bounds, i, x->dims[axis], &starts[axis]);
    /* A longer step takes one element as well, and would overflow strides. */
    steps[axis] = CLAMP (bounds.steps[i], -most, most);
  }
  return !bounds.open;
}

gboolean
unet_node_slice (const UnetNode *node, gint64 *starts, gint64 *steps)
{
  UnetArgs args = { NULL, node, NULL, 0 };
  UnetTensorView x;

  return unet_arg (&args, 0, &x)
      && resolve_slice (&args, &x, starts, steps, NULL);
}

UNET_EVAL (Slice)
{
  UnetArgs args = UNET_EVAL_ARGS;
  gint64 from[UNET_MAX_DIMS], to[UNET_MAX_DIMS];
  gint64 starts[UNET_MAX_DIMS], steps[UNET_MAX_DIMS], offset = 0;
  gsize size = unet_dtype_size (out->dtype);

  if (!resolve_slice (&args, &in[0], starts, steps, error))
    return FALSE;
  if (unet_view_count (out) == 0)
    return TRUE;
  unet_strides (in[0].n_dims, in[0].dims, from);
  unet_strides (out->n_dims, out->dims, to);
  for (guint i = 0; i < in[0].n_dims; i++) {
    offset += starts[i] * from[i];
    from[i] *= steps[i];
  }
  unet_copy_strided (size, out->n_dims, out->dims, out->data, to,
      (const gchar *) in[0].data + offset * (gint64) size, from);
  return TRUE;
}
