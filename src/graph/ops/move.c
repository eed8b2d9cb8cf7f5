/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/move.h"
#include "graph/ops/args.h"
#include "graph/ops/functions.h"
#include "graph/ops/strided.h"
#include <string.h>

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
