/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/args.h"
#include "graph/ops/functions.h"
#include "graph/ops/strided.h"
#include <math.h>
#include <string.h>

/* Elements and slices that a tensor of indices chooses, read and written. */

static gboolean
fail_shape (const UnetArgs *args, GError **error, const gchar *what)
{
  return unet_args_fail (args, error, UNET_ERROR_SHAPE, "%s", what);
}

/* Reads index @i of an axis of @extent elements; a negative one counts from its
 * end. */
static gboolean
read_index (const UnetArgs *args, const UnetTensorView *indices, gsize i,
    gint64 extent, gint64 *index, GError **error)
{
  *index = unet_view_int (indices, i);
  if (*index < -extent || *index >= extent)
    return unet_args_fail (args, error, UNET_ERROR_SHAPE,
        "index %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT, *index, extent);
  *index += *index < 0 ? extent : 0;
  return TRUE;
}

/* ---- one index for each element --------------------------------------- */

/* Indices have the tensor's rank and lie within it on all other axes. */
static gboolean
infer_elements (const UnetArgs *args, UnetTensorView *x,
    UnetTensorView *indices, GError **error)
{
  guint axis;

  unet_arg (args, 0, x);
  unet_arg (args, 1, indices);
  if (x->n_dims == 0 || x->n_dims != indices->n_dims
      || !unet_axis (
          unet_node_attr_int (args->node, "axis", 0), x->n_dims, &axis))
    return fail_shape (args, error, "axis or rank of the indices do not fit");
  for (guint i = 0; i < x->n_dims; i++)
    if (i != axis && x->dims[i] >= 0 && indices->dims[i] > x->dims[i])
      return fail_shape (args, error, "there are more indices than elements");
  return TRUE;
}

/* Returns the offset in @x of the element that index @k of @indices chooses;
 * @at is its position. -1 with @error set for one outside. */
static gint64
find_element (const UnetArgs *args, const UnetTensorView *x,
    const UnetTensorView *indices, gsize k, const gint64 *at, GError **error)
{
  gint64 strides[UNET_MAX_DIMS], index, offset = 0;
  guint axis = 0;

  unet_axis (unet_node_attr_int (args->node, "axis", 0), x->n_dims, &axis);
  if (!read_index (args, indices, k, x->dims[axis], &index, error))
    return -1;
  unet_strides (x->n_dims, x->dims, strides);
  for (guint i = 0; i < x->n_dims; i++)
    offset += (i == axis ? index : at[i]) * strides[i];
  return offset;
}

UNET_INFER (GatherElements)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView x, indices;

  if (!infer_elements (&args, &x, &indices, error))
    return FALSE;
  unet_infer_out (node, 0, x.dtype, indices.n_dims, indices.dims);
  return TRUE;
}

UNET_EVAL (GatherElements)
{
  UnetArgs args = UNET_EVAL_ARGS;
  gint64 at[UNET_MAX_DIMS] = { 0 };
  gsize size = unet_dtype_size (out->dtype);

  for (gsize k = 0, n = unet_view_count (out); k < n; k++) {
    gint64 from = find_element (&args, &in[0], &in[1], k, at, error);
    if (from < 0)
      return FALSE;
    memcpy ((gchar *) out->data + k * size,
        (const gchar *) in[0].data + (gsize) from * size, size);
    unet_next_index (out->n_dims, out->dims, at);
  }
  return TRUE;
}

/* ---- what is written ---------------------------------------------------- */

typedef enum { REPLACE, ADD, MULTIPLY, LEAST, MOST } Reduction;

/* Returns whether the attribute names a reduction. */
static gboolean
read_reduction (const UnetNode *node, Reduction *reduction)
{
  static const gchar *const names[] = { "none", "add", "mul", "min", "max" };
  const gchar *name = unet_node_attr_string (node, "reduction", "none");

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (!strcmp (name, names[i])) {
      *reduction = (Reduction) i;
      return TRUE;
    }
  return FALSE;
}

static gdouble
reduce_float (Reduction how, gdouble a, gdouble b)
{
  switch (how) {
    case ADD:
      return a + b;
    case MULTIPLY:
      return a * b;
    case LEAST:
      return a < b || isnan (a) ? a : b;
    case MOST:
      return a > b || isnan (a) ? a : b;
    default:
      return b;
  }
}

/* Integers wrap around. */
static gint64
reduce_int (Reduction how, gint64 a, gint64 b)
{
  switch (how) {
    case ADD:
      return (gint64) ((guint64) a + (guint64) b);
    case MULTIPLY:
      return (gint64) ((guint64) a * (guint64) b);
    case LEAST:
      return MIN (a, b);
    case MOST:
      return MAX (a, b);
    default:
      return b;
  }
}

static void
write_elements (Reduction how, UnetTensorView *out, gsize to,
    const UnetTensorView *updates, gsize from, gsize n)
{
  gsize size = unet_dtype_size (out->dtype);

  if (how == REPLACE)
    memcpy ((gchar *) out->data + to * size,
        (const gchar *) updates->data + from * size, n * size);
  else if (unet_dtype_is_float (out->dtype))
    for (gsize i = 0; i < n; i++)
      unet_view_set_float (out, to + i,
          reduce_float (how, unet_view_float (out, to + i),
              unet_view_float (updates, from + i)));
  else
    for (gsize i = 0; i < n; i++)
      unet_view_set_int (out, to + i,
          reduce_int (how, unet_view_int (out, to + i),
              unet_view_int (updates, from + i)));
}

static gboolean
check_updates (
    const UnetArgs *args, guint n_dims, const gint64 *dims, GError **error)
{
  UnetTensorView updates;
  Reduction how;

  if (!read_reduction (args->node, &how))
    return unet_args_fail (args, error, UNET_ERROR_UNSUPPORTED,
        "reduction '%s' is not supported",
        unet_node_attr_string (args->node, "reduction", "none"));
  unet_arg (args, 2, &updates);
  if (updates.n_dims != n_dims)
    return fail_shape (args, error, "rank of the updates does not fit");
  for (guint i = 0; i < n_dims; i++)
    if (updates.dims[i] >= 0 && dims[i] >= 0 && updates.dims[i] != dims[i])
      return fail_shape (args, error, "shape of the updates does not fit");
  return TRUE;
}

UNET_INFER (ScatterElements)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView x, indices;

  return infer_elements (&args, &x, &indices, error)
      && check_updates (&args, indices.n_dims, indices.dims, error)
      && unet_infer_same (graph, node, error);
}

UNET_EVAL (ScatterElements)
{
  UnetArgs args = UNET_EVAL_ARGS;
  gint64 at[UNET_MAX_DIMS] = { 0 };
  Reduction how = REPLACE;

  read_reduction (node, &how);
  unet_copy_all (&in[0], out);
  for (gsize k = 0, n = unet_view_count (&in[1]); k < n; k++) {
    gint64 to = find_element (&args, &in[0], &in[1], k, at, error);
    if (to < 0)
      return FALSE;
    write_elements (how, out, (gsize) to, &in[2], k, 1);
    unet_next_index (in[1].n_dims, in[1].dims, at);
  }
  return TRUE;
}

/* Until operator set 11 ScatterElements had this name. */
UNET_INFER (Scatter)
{
  return unet_infer_ScatterElements (graph, node, error);
}

UNET_EVAL (Scatter)
{
  return unet_eval_ScatterElements (node, in, n_in, out, n_out, error);
}

/* ---- several indices for each slice ------------------------------------- */

typedef struct {
  const UnetTensorView *x, *indices;
  gsize n, depth, slice; /* slices; indices for each; elements of each */
} Slices;

static Slices
slices_of (const UnetTensorView *x, const UnetTensorView *indices, guint batch)
{
  Slices s = { x, indices, unet_dims_count (indices->n_dims - 1, indices->dims),
    (gsize) indices->dims[indices->n_dims - 1], 1 };

  s.slice = unet_dims_count (
      x->n_dims - batch - (guint) s.depth, x->dims + batch + s.depth);
  return s;
}

/* Returns the offset in x of slice @k, -1 with @error set. */
static gint64
find_slice (
    const UnetArgs *args, const Slices *s, gsize k, guint batch, GError **error)
{
  gsize batches = unet_dims_count (batch, s->x->dims);
  gint64 offset = (gint64) (k / (s->n / batches)), index;

  for (gsize i = 0; i < s->depth; i++) {
    gint64 extent = s->x->dims[batch + i];
    if (!read_index (args, s->indices, k * s->depth + i, extent, &index, error))
      return -1;
    offset = offset * extent + index;
  }
  return offset * (gint64) s->slice;
}

/* @shape: (out): that of the slices chosen. Returns its rank, 0 with @error set
 * where indices and tensor do not fit. The depth must be known. */
static guint
infer_slices (const UnetArgs *args, UnetTensorView *x, guint batch,
    gint64 *shape, GError **error)
{
  UnetTensorView indices;
  guint n = 0;
  gint64 depth;

  unet_arg (args, 0, x);
  unet_arg (args, 1, &indices);
  depth = indices.n_dims ? indices.dims[indices.n_dims - 1] : -1;
  if (depth < 0 || batch >= indices.n_dims || batch + depth > x->n_dims) {
    fail_shape (args, error, "rank or depth of the indices do not fit");
    return 0;
  }
  if (indices.n_dims - 1 + x->n_dims - batch - depth > UNET_MAX_DIMS) {
    fail_shape (args, error, "the rank is too high");
    return 0;
  }
  for (guint i = 0; i < batch; i++)
    if (x->dims[i] != indices.dims[i]) {
      fail_shape (args, error, "batch dimensions differ or are not known");
      return 0;
    }
  for (guint i = 0; i + 1 < indices.n_dims; i++)
    shape[n++] = indices.dims[i];
  for (guint i = batch + (guint) depth; i < x->n_dims; i++)
    shape[n++] = x->dims[i];
  /* A scalar: the callers add 1 and take it away again. */
  return n + 1;
}

static guint
batch_dims (const UnetNode *node)
{
  gint64 n = unet_node_attr_int (node, "batch_dims", 0);

  return n < 0 || n > UNET_MAX_DIMS ? UNET_MAX_DIMS : (guint) n;
}

UNET_INFER (GatherND)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView x;
  gint64 shape[2 * UNET_MAX_DIMS];
  guint n = infer_slices (&args, &x, batch_dims (node), shape, error);

  if (n == 0)
    return FALSE;
  unet_infer_out (node, 0, x.dtype, n - 1, shape);
  return TRUE;
}

UNET_EVAL (GatherND)
{
  UnetArgs args = UNET_EVAL_ARGS;
  guint batch = batch_dims (node);
  Slices s = slices_of (&in[0], &in[1], batch);
  gsize size = s.slice * unet_dtype_size (out->dtype);

  for (gsize k = 0; k < s.n; k++) {
    gint64 from = find_slice (&args, &s, k, batch, error);
    if (from < 0)
      return FALSE;
    memcpy ((gchar *) out->data + k * size,
        (const gchar *) in[0].data
            + (gsize) from * unet_dtype_size (out->dtype),
        size);
  }
  return TRUE;
}

UNET_INFER (ScatterND)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView x;
  gint64 shape[2 * UNET_MAX_DIMS];
  guint n = infer_slices (&args, &x, 0, shape, error);

  return n > 0 && check_updates (&args, n - 1, shape, error)
      && unet_infer_same (graph, node, error);
}

UNET_EVAL (ScatterND)
{
  UnetArgs args = UNET_EVAL_ARGS;
  Slices s = slices_of (&in[0], &in[1], 0);
  Reduction how = REPLACE;

  read_reduction (node, &how);
  unet_copy_all (&in[0], out);
  for (gsize k = 0; k < s.n; k++) {
    gint64 to = find_slice (&args, &s, k, 0, error);
    if (to < 0)
      return FALSE;
    write_elements (how, out, (gsize) to, &in[2], k * s.slice, s.slice);
  }
  return TRUE;
}
