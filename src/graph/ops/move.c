/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/table.h"

/* Operators that move elements and do not compute. */

static gboolean
fail_shape (const UnetArgs *args, GError **error, const gchar *message)
{
  return unet_args_fail (args, error, UNET_ERROR_SHAPE, "%s", message);
}

static gboolean
fail_axis (const UnetArgs *args, GError **error, guint rank)
{
  return unet_args_fail (
      args, error, UNET_ERROR_SHAPE, "the axis does not fit rank %u", rank);
}

/* ---- Transpose -------------------------------------------------------- */

gboolean
unet_node_permutation (const UnetNode *node, guint rank, guint *permutation)
{
  gint64 perm[UNET_MAX_DIMS];
  guint mask, n = unet_node_attr_ints (node, "perm", perm, UNET_MAX_DIMS);

  if (n == 0)
    for (guint i = 0; i < rank; i++)
      perm[i] = rank - 1 - i;
  else if (n != rank || !unet_axes_mask (perm, n, rank, &mask))
    return FALSE;
  for (guint i = 0; i < rank; i++)
    unet_axis (perm[i], rank, &permutation[i]);
  return TRUE;
}

UNET_INFER (Transpose)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView x;
  gint64 dims[UNET_MAX_DIMS];
  guint perm[UNET_MAX_DIMS];

  unet_arg (&args, 0, &x);
  if (!unet_node_permutation (node, x.n_dims, perm))
    return fail_shape (&args, error, "'perm' is no permutation of the axes");
  for (guint i = 0; i < x.n_dims; i++)
    dims[i] = x.dims[perm[i]];
  unet_infer_out (node, 0, x.dtype, x.n_dims, dims);
  return TRUE;
}

static void
permute (const UnetTensorView *x, const guint *perm, UnetTensorView *out)
{
  gint64 own[UNET_MAX_DIMS], from[UNET_MAX_DIMS], to[UNET_MAX_DIMS];

  if (unet_view_count (out) == 0)
    return;
  unet_strides (x->n_dims, x->dims, own);
  unet_strides (out->n_dims, out->dims, to);
  for (guint i = 0; i < x->n_dims; i++)
    from[i] = own[perm[i]];
  unet_copy_strided (unet_dtype_size (out->dtype), out->n_dims, out->dims,
      out->data, to, x->data, from);
}

UNET_EVAL (Transpose)
{
  guint perm[UNET_MAX_DIMS];

  unet_node_permutation (node, in[0].n_dims, perm);
  permute (&in[0], perm, out);
  return TRUE;
}

/* ---- Concat ----------------------------------------------------------- */

static gboolean
concat_fits (const UnetValue *value, guint n, guint axis, gint64 *dims)
{
  if (!value || value->n_dims != n)
    return FALSE;
  for (guint k = 0; k < n; k++) {
    if (k == axis)
      dims[k] = dims[k] < 0 || value->dims[k] < 0 ? -1
                                                  : dims[k] + value->dims[k];
    else if (dims[k] < 0)
      dims[k] = value->dims[k];
    else if (value->dims[k] >= 0 && dims[k] != value->dims[k])
      return FALSE;
  }
  return TRUE;
}

UNET_INFER (Concat)
{
  UnetArgs args = UNET_INFER_ARGS;
  const UnetValue *first = unet_node_input (node, 0);
  gint64 dims[UNET_MAX_DIMS];
  guint axis;

  if (!unet_axis (unet_node_attr_int (node, "axis", 1), first->n_dims, &axis))
    return fail_axis (&args, error, first->n_dims);
  memcpy (dims, first->dims, sizeof dims);
  for (guint i = 1; i < node->inputs->len; i++) {
    const UnetValue *value = unet_node_input (node, i);
    if (!concat_fits (value, first->n_dims, axis, dims))
      return unet_args_fail (&args, error, UNET_ERROR_SHAPE,
          "the shape of input '%s' does not fit", value ? value->name : "");
  }
  unet_infer_out (node, 0, first->dtype, first->n_dims, dims);
  return TRUE;
}

/* Copies between a whole tensor and a range of @axis of a wider one. */
static void
copy_range (const UnetTensorView *wide, const UnetTensorView *part, guint axis,
    gint64 offset, gboolean into_wide)
{
  gsize size = unet_dtype_size (wide->dtype);
  gsize inner =
      size * unet_dims_count (wide->n_dims - axis - 1, wide->dims + axis + 1);
  gsize outer = unet_dims_count (axis, wide->dims);
  gsize n = (gsize) part->dims[axis] * inner;
  gsize step = (gsize) wide->dims[axis] * inner;

  for (gsize i = 0; i < outer && n; i++) {
    gchar *in_wide = (gchar *) wide->data + i * step + (gsize) offset * inner;
    gchar *in_part = (gchar *) part->data + i * n;
    memcpy (into_wide ? in_wide : in_part, into_wide ? in_part : in_wide, n);
  }
}

UNET_EVAL (Concat)
{
  gint64 offset = 0;
  guint axis = 0;

  unet_axis (unet_node_attr_int (node, "axis", 1), out->n_dims, &axis);
  for (guint i = 0; i < n_in; i++) {
    copy_range (out, &in[i], axis, offset, TRUE);
    offset += in[i].dims[axis];
  }
  return TRUE;
}

/* ---- Split ------------------------------------------------------------ */

/* Equal parts, the last one smaller, where no sizes are given. */
static gboolean
split_sizes (const UnetArgs *args, gint64 extent, guint n_out, gint64 *sizes,
    GError **error)
{
  gint64 sum = 0, part = (extent + n_out - 1) / n_out;
  guint n;
  UnetInts state = unet_arg_ints (args, "split", 1, sizes, n_out, &n);

  if (state == UNET_INTS_ABSENT || (state == UNET_INTS_KNOWN && n == 0)) {
    for (guint i = 0; i < n_out; i++) {
      sizes[i] = extent < 0 ? -1 : CLAMP (extent - part * i, 0, part);
      sum += sizes[i];
    }
  } else if (state == UNET_INTS_OPEN) {
    for (guint i = 0; i < n_out; i++)
      sizes[i] = -1;
    return TRUE;
  } else if (n != n_out) {
    return unet_args_fail (
        args, error, UNET_ERROR_SHAPE, "%u parts for %u outputs", n, n_out);
  } else {
    for (guint i = 0; i < n; i++) {
      if (sizes[i] < 0 || sizes[i] > G_MAXINT32)
        return fail_shape (args, error, "a part has a negative size");
      sum += sizes[i];
    }
  }
  if (extent >= 0 && sum != extent)
    return unet_args_fail (args, error, UNET_ERROR_SHAPE,
        "the parts do not add up to %" G_GINT64_FORMAT, extent);
  return TRUE;
}

UNET_INFER (Split)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView x;
  gint64 dims[UNET_MAX_DIMS];
  g_autofree gint64 *sizes = g_new (gint64, node->outputs->len);
  guint axis;

  unet_arg (&args, 0, &x);
  if (!unet_axis (unet_node_attr_int (node, "axis", 0), x.n_dims, &axis))
    return fail_axis (&args, error, x.n_dims);
  if (!split_sizes (&args, x.dims[axis], node->outputs->len, sizes, error))
    return FALSE;
  for (guint i = 0; i < node->outputs->len; i++) {
    memcpy (dims, x.dims, sizeof dims);
    dims[axis] = sizes[i];
    unet_infer_out (node, i, x.dtype, x.n_dims, dims);
  }
  return TRUE;
}

UNET_EVAL (Split)
{
  gint64 offset = 0;
  guint axis = 0;

  unet_axis (unet_node_attr_int (node, "axis", 0), in[0].n_dims, &axis);
  for (guint i = 0; i < n_out; i++) {
    if (out[i].data)
      copy_range (&in[0], &out[i], axis, offset, FALSE);
    offset += out[i].dims[axis];
  }
  return TRUE;
}

/* ---- Slice ------------------------------------------------------------ */

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
      return fail_shape (args, error, "a step is 0");
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
    slice_axis (&bounds, i, x->dims[axis], &starts[axis]);
    steps[axis] = bounds.steps[i];
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

/* ---- Pad -------------------------------------------------------------- */

typedef enum { PAD_CONSTANT, PAD_REFLECT, PAD_EDGE, PAD_WRAP } PadMode;

static gboolean
read_pads (const UnetArgs *args, guint rank, gint64 *begin, gint64 *end,
    gboolean *open, GError **error)
{
  gint64 pads[2 * UNET_MAX_DIMS], axes[UNET_MAX_DIMS];
  guint n, n_axes, mask;
  UnetInts p, a;

  p = unet_arg_ints (args, "pads", 1, pads, 2 * UNET_MAX_DIMS, &n);
  a = unet_arg_ints (args, NULL, 3, axes, UNET_MAX_DIMS, &n_axes);
  *open = p == UNET_INTS_OPEN || a == UNET_INTS_OPEN;
  if (a == UNET_INTS_ABSENT)
    for (n_axes = 0; n_axes < rank; n_axes++)
      axes[n_axes] = n_axes;
  for (guint i = 0; i < rank; i++)
    begin[i] = end[i] = 0;
  if (*open)
    return TRUE;
  if (p == UNET_INTS_ABSENT || n != 2 * n_axes
      || !unet_axes_mask (axes, n_axes, rank, &mask))
    return fail_shape (args, error, "the pads do not fit the rank");
  for (guint i = 0; i < n_axes; i++) {
    guint axis = 0;
    unet_axis (axes[i], rank, &axis);
    begin[axis] = pads[i];
    end[axis] = pads[i + n_axes];
    if (begin[axis] != (gint32) begin[axis] || end[axis] != (gint32) end[axis])
      return fail_shape (args, error, "a pad is too large");
  }
  return TRUE;
}

static gboolean
read_pad_mode (const UnetArgs *args, PadMode *mode, GError **error)
{
  static const gchar *const names[] = { "constant", "reflect", "edge", "wrap" };
  const gchar *name = unet_node_attr_string (args->node, "mode", "constant");

  *mode = PAD_CONSTANT;
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (!strcmp (name, names[i])) {
      *mode = (PadMode) i;
      return TRUE;
    }
  return unet_args_fail (
      args, error, UNET_ERROR_UNSUPPORTED, "mode '%s' is not known", name);
}

/* Reflection needs the picture to reach as far as the border. */
static gboolean
check_pad (const UnetArgs *args, PadMode mode, gint64 extent, gint64 begin,
    gint64 end, GError **error)
{
  gint64 most = mode == PAD_REFLECT ? extent - 1 : extent;

  if (extent + begin + end < 0)
    return fail_shape (args, error, "nothing is left");
  if ((mode == PAD_REFLECT && MAX (begin, end) > most)
      || (mode != PAD_CONSTANT && MAX (begin, end) > 0 && extent == 0))
    return unet_args_fail (args, error, UNET_ERROR_SHAPE,
        "an extent of %" G_GINT64_FORMAT " cannot be reflected that far",
        extent);
  return TRUE;
}

gboolean
unet_node_pads (const UnetNode *node, gint64 *begin, gint64 *end)
{
  UnetArgs args = { NULL, node, NULL, 0 };
  UnetTensorView x;
  gboolean open;

  return unet_arg (&args, 0, &x)
      && read_pads (&args, x.n_dims, begin, end, &open, NULL) && !open;
}

UNET_INFER (Pad)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView x;
  gint64 begin[UNET_MAX_DIMS], end[UNET_MAX_DIMS], dims[UNET_MAX_DIMS];
  gboolean open;
  PadMode mode;

  unet_arg (&args, 0, &x);
  if (!read_pad_mode (&args, &mode, error)
      || !read_pads (&args, x.n_dims, begin, end, &open, error))
    return FALSE;
  for (guint i = 0; i < x.n_dims; i++) {
    dims[i] = -1;
    if (open || x.dims[i] < 0)
      continue;
    if (!check_pad (&args, mode, x.dims[i], begin[i], end[i], error))
      return FALSE;
    dims[i] = x.dims[i] + begin[i] + end[i];
  }
  unet_infer_out (node, 0, x.dtype, x.n_dims, dims);
  return TRUE;
}

/* Where output position @p comes from; -1: from the constant. */
static gint64
pad_source (PadMode mode, gint64 p, gint64 extent)
{
  if (p >= 0 && p < extent)
    return p;
  switch (mode) {
    case PAD_CONSTANT:
      return -1;
    case PAD_EDGE:
      return p < 0 ? 0 : extent - 1;
    case PAD_WRAP:
      return (p % extent + extent) % extent;
    default:
      return p < 0 ? -p : 2 * (extent - 1) - p;
  }
}

/* The constant is an attribute `value` before operator set 11. */
static gdouble
pad_constant (const UnetArgs *args)
{
  UnetTensorView value;

  if (unet_arg (args, 2, &value) && value.data && unet_view_count (&value))
    return unet_view_float (&value, 0);
  return unet_node_attr_float (args->node, "value", 0);
}

UNET_EVAL (Pad)
{
  UnetArgs args = UNET_EVAL_ARGS;
  gint64 begin[UNET_MAX_DIMS], end[UNET_MAX_DIMS], strides[UNET_MAX_DIMS];
  gint64 index[UNET_MAX_DIMS] = { 0 };
  gdouble constant = pad_constant (&args);
  gsize size = unet_dtype_size (out->dtype);
  gboolean open;
  PadMode mode;

  if (!read_pad_mode (&args, &mode, error)
      || !read_pads (&args, in[0].n_dims, begin, end, &open, error))
    return FALSE;
  unet_strides (in[0].n_dims, in[0].dims, strides);
  for (gsize k = 0, n = unet_view_count (out); k < n; k++) {
    gint64 from = 0;
    for (guint i = 0; i < out->n_dims && from >= 0; i++) {
      gint64 p = pad_source (mode, index[i] - begin[i], in[0].dims[i]);
      from = p < 0 ? -1 : from + p * strides[i];
    }
    if (from < 0)
      unet_view_set_float (out, k, constant);
    else
      memcpy ((gchar *) out->data + k * size,
          (const gchar *) in[0].data + (gsize) from * size, size);
    unet_next_index (out->n_dims, out->dims, index);
  }
  return TRUE;
}

/* ---- Tile ------------------------------------------------------------- */

UNET_INFER (Tile)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView x;
  gint64 repeats[UNET_MAX_DIMS], dims[UNET_MAX_DIMS];
  guint n;
  UnetInts state = unet_arg_ints (&args, NULL, 1, repeats, UNET_MAX_DIMS, &n);

  unet_arg (&args, 0, &x);
  if (n != x.n_dims)
    return fail_shape (&args, error, "the repeats do not fit the rank");
  for (guint i = 0; i < n; i++) {
    if (state == UNET_INTS_KNOWN && (repeats[i] < 0 || repeats[i] > G_MAXINT32))
      return fail_shape (&args, error, "a number of repeats makes no sense");
    dims[i] = state == UNET_INTS_OPEN || x.dims[i] < 0 ? -1
                                                       : x.dims[i] * repeats[i];
  }
  unet_infer_out (node, 0, x.dtype, n, dims);
  return TRUE;
}

UNET_EVAL (Tile)
{
  gint64 strides[UNET_MAX_DIMS], index[UNET_MAX_DIMS] = { 0 };
  gsize size = unet_dtype_size (out->dtype);

  unet_strides (in[0].n_dims, in[0].dims, strides);
  for (gsize k = 0, n = unet_view_count (out); k < n; k++) {
    gint64 from = 0;
    for (guint i = 0; i < out->n_dims; i++)
      from += index[i] % in[0].dims[i] * strides[i];
    memcpy ((gchar *) out->data + k * size,
        (const gchar *) in[0].data + (gsize) from * size, size);
    unet_next_index (out->n_dims, out->dims, index);
  }
  return TRUE;
}

/* ---- Gather ----------------------------------------------------------- */

UNET_INFER (Gather)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView x, indices;
  gint64 dims[2 * UNET_MAX_DIMS];
  guint axis, n = 0;

  unet_arg (&args, 0, &x);
  unet_arg (&args, 1, &indices);
  if (!unet_axis (unet_node_attr_int (node, "axis", 0), x.n_dims, &axis))
    return fail_axis (&args, error, x.n_dims);
  if (x.n_dims + indices.n_dims - 1 > UNET_MAX_DIMS)
    return fail_shape (&args, error, "the rank is too high");
  for (guint i = 0; i < axis; i++)
    dims[n++] = x.dims[i];
  for (guint i = 0; i < indices.n_dims; i++)
    dims[n++] = indices.dims[i];
  for (guint i = axis + 1; i < x.n_dims; i++)
    dims[n++] = x.dims[i];
  unet_infer_out (node, 0, x.dtype, n, dims);
  return TRUE;
}

UNET_EVAL (Gather)
{
  UnetArgs args = UNET_EVAL_ARGS;
  const UnetTensorView *x = &in[0], *indices = &in[1];
  gsize size = unet_dtype_size (x->dtype), n = unet_view_count (indices);
  gsize inner, outer;
  guint axis = 0;

  unet_axis (unet_node_attr_int (node, "axis", 0), x->n_dims, &axis);
  inner = size * unet_dims_count (x->n_dims - axis - 1, x->dims + axis + 1);
  outer = unet_dims_count (axis, x->dims);
  for (gsize o = 0; o < outer; o++)
    for (gsize i = 0; i < n; i++) {
      gint64 index = unet_view_int (indices, i), extent = x->dims[axis];
      if (index < -extent || index >= extent)
        return unet_args_fail (&args, error, UNET_ERROR_SHAPE,
            "index %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT, index, extent);
      index += index < 0 ? extent : 0;
      memcpy ((gchar *) out->data + (o * n + i) * inner,
          (const gchar *) x->data
              + (o * (gsize) extent + (gsize) index) * inner,
          inner);
    }
  return TRUE;
}

/* ---- DepthToSpace, SpaceToDepth --------------------------------------- */

static gboolean
read_block (const UnetArgs *args, const UnetTensorView *x, gint64 *block,
    GError **error)
{
  *block = unet_node_attr_int (args->node, "blocksize", 0);
  if (x->n_dims != 4 || *block < 1 || *block > 1 << 15)
    return fail_shape (args, error, "rank or block size does not fit");
  return TRUE;
}

UNET_INFER (DepthToSpace)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView x;
  gint64 b, dims[4];

  unet_arg (&args, 0, &x);
  if (!read_block (&args, &x, &b, error))
    return FALSE;
  if (x.dims[1] >= 0 && x.dims[1] % (b * b))
    return fail_shape (&args, error, "the channels do not divide by the block");
  dims[0] = x.dims[0];
  dims[1] = x.dims[1] < 0 ? -1 : x.dims[1] / (b * b);
  dims[2] = x.dims[2] < 0 ? -1 : x.dims[2] * b;
  dims[3] = x.dims[3] < 0 ? -1 : x.dims[3] * b;
  unet_infer_out (node, 0, x.dtype, 4, dims);
  return TRUE;
}

UNET_INFER (SpaceToDepth)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView x;
  gint64 b, dims[4];

  unet_arg (&args, 0, &x);
  if (!read_block (&args, &x, &b, error))
    return FALSE;
  if ((x.dims[2] >= 0 && x.dims[2] % b) || (x.dims[3] >= 0 && x.dims[3] % b))
    return fail_shape (
        &args, error, "the picture does not divide by the block");
  dims[0] = x.dims[0];
  dims[1] = x.dims[1] < 0 ? -1 : x.dims[1] * b * b;
  dims[2] = x.dims[2] < 0 ? -1 : x.dims[2] / b;
  dims[3] = x.dims[3] < 0 ? -1 : x.dims[3] / b;
  unet_infer_out (node, 0, x.dtype, 4, dims);
  return TRUE;
}

/* Both are a transposition of six axes, as their definitions say. */
static void
permute_six (const UnetTensorView *in, const gint64 *dims, const guint *perm,
    UnetTensorView *out)
{
  UnetTensorView from = *in, to = *out;

  from.n_dims = to.n_dims = 6;
  memcpy (from.dims, dims, 6 * sizeof *dims);
  for (guint i = 0; i < 6; i++)
    to.dims[i] = dims[perm[i]];
  permute (&from, perm, &to);
}

UNET_EVAL (DepthToSpace)
{
  static const guint dcr[6] = { 0, 3, 4, 1, 5, 2 };
  static const guint crd[6] = { 0, 1, 4, 2, 5, 3 };
  const gint64 *d = in[0].dims, b = unet_node_attr_int (node, "blocksize", 1);
  gint64 c = d[1] / (b * b);
  gint64 dims_dcr[6] = { d[0], b, b, c, d[2], d[3] };
  gint64 dims_crd[6] = { d[0], c, b, b, d[2], d[3] };

  if (!strcmp (unet_node_attr_string (node, "mode", "DCR"), "CRD"))
    permute_six (&in[0], dims_crd, crd, out);
  else
    permute_six (&in[0], dims_dcr, dcr, out);
  return TRUE;
}

UNET_EVAL (SpaceToDepth)
{
  static const guint perm[6] = { 0, 3, 5, 1, 2, 4 };
  const gint64 *d = in[0].dims, b = unet_node_attr_int (node, "blocksize", 1);
  gint64 dims[6] = { d[0], d[1], d[2] / b, b, d[3] / b, b };

  permute_six (&in[0], dims, perm, out);
  return TRUE;
}
