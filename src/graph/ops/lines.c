/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/args.h"
#include "graph/ops/functions.h"
#include "graph/ops/strided.h"
#include <string.h>

/* Operators along the lines of one axis, and over the matrices of the last two
 * axes. */

static gboolean
fail_shape (const UnetArgs *args, GError **error, const gchar *what)
{
  return unet_args_fail (args, error, UNET_ERROR_SHAPE, "%s", what);
}

/* A tensor as [outer, n, inner]. */
typedef struct {
  gsize outer, n, inner;
} Lines;

static Lines
lines_of (const UnetTensorView *x, guint axis)
{
  return (Lines){ unet_dims_count (axis, x->dims), (gsize) x->dims[axis],
    unet_dims_count (x->n_dims - axis - 1, x->dims + axis + 1) };
}

/* ---- CumSum ------------------------------------------------------------- */

UNET_INFER (CumSum)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView axis;
  guint n;

  unet_arg (&args, 1, &axis);
  if (axis.data
      && (unet_view_count (&axis) != 1
          || !unet_axis (
              unet_view_int (&axis, 0), unet_node_input (node, 0)->n_dims, &n)))
    return fail_shape (&args, error, "the axis does not fit the rank");
  return unet_infer_same (graph, node, error);
}

static void
sum_line (const UnetTensorView *x, UnetTensorView *out, gsize at, gsize stride,
    gsize n, gboolean exclusive)
{
  gboolean is_float = unet_dtype_is_float (x->dtype);
  gdouble sum = 0;
  guint64 count = 0;

  for (gsize i = 0; i < n; i++, at += stride) {
    gdouble value = is_float ? unet_view_float (x, at) : 0;
    guint64 whole = is_float ? 0 : (guint64) unet_view_int (x, at);
    if (is_float)
      unet_view_set_float (out, at, exclusive ? sum : sum + value);
    else
      unet_view_set_int (out, at, (gint64) (exclusive ? count : count + whole));
    sum += value;
    count += whole;
  }
}

UNET_EVAL (CumSum)
{
  UnetArgs args = UNET_EVAL_ARGS;
  gboolean exclusive = unet_node_attr_int (node, "exclusive", 0) != 0;
  gboolean reverse = unet_node_attr_int (node, "reverse", 0) != 0;
  guint axis;
  Lines l;

  if (unet_view_count (&in[1]) != 1
      || !unet_axis (unet_view_int (&in[1], 0), in[0].n_dims, &axis))
    return fail_shape (&args, error, "the axis does not fit the rank");
  l = lines_of (&in[0], axis);
  for (gsize o = 0; l.n > 0 && o < l.outer; o++)
    for (gsize i = 0; i < l.inner; i++) {
      gsize first = o * l.n * l.inner + i;
      /* Unsigned numbers wrap around: a step back is a large one. */
      if (reverse)
        sum_line (&in[0], out, first + (l.n - 1) * l.inner, (gsize) 0 - l.inner,
            l.n, exclusive);
      else
        sum_line (&in[0], out, first, l.inner, l.n, exclusive);
    }
  return TRUE;
}

/* ---- TopK --------------------------------------------------------------- */

UNET_INFER (TopK)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView x;
  gint64 dims[UNET_MAX_DIMS], k = 0;
  guint axis, n = 0;
  UnetInts state;

  unet_arg (&args, 0, &x);
  if (!unet_axis (unet_node_attr_int (node, "axis", -1), x.n_dims, &axis))
    return fail_shape (&args, error, "the axis does not fit the rank");
  /* The number was an attribute before operator set 10. */
  state = unet_arg_ints (&args, NULL, 1, &k, 1, &n);
  if (state == UNET_INTS_ABSENT && unet_node_attr (node, "k")) {
    k = unet_node_attr_int (node, "k", 0);
    state = UNET_INTS_KNOWN;
    n = 1;
  }
  if (state == UNET_INTS_ABSENT || (state == UNET_INTS_KNOWN && n != 1)
      || (state == UNET_INTS_KNOWN
          && (k < 0 || (x.dims[axis] >= 0 && k > x.dims[axis]))))
    return fail_shape (&args, error, "the number to take does not fit");
  memcpy (dims, x.dims, sizeof dims);
  dims[axis] = state == UNET_INTS_KNOWN ? k : -1;
  unet_infer_out (node, 0, x.dtype, x.n_dims, dims);
  unet_infer_out (node, 1, UNET_DTYPE_I64, x.n_dims, dims);
  return TRUE;
}

/* Returns whether element @a comes before element @b; of equal ones that with
 * the lower index does, and NaN is the largest. */
static gboolean
comes_first (const UnetTensorView *x, gsize a, gsize b, gboolean largest)
{
  if (unet_dtype_is_float (x->dtype)) {
    gdouble p = unet_view_float (x, a), q = unet_view_float (x, b);
    if (p != p || q != q)
      return largest ? p != p && q == q : p == p && q != q;
    return largest ? p > q : p < q;
  }
  return largest ? unet_view_int (x, a) > unet_view_int (x, b)
                 : unet_view_int (x, a) < unet_view_int (x, b);
}

/* Inserts each element of a line into the @k best so far, which are in order.
 * @from and @to: first elements of the line and of the result. */
static void
take_best (const UnetTensorView *x, gsize from, gsize n,
    UnetTensorView *indices, gsize to, gsize k, gsize stride, gboolean largest)
{
  gint64 *best = indices->data;
  gsize found = 0;

  for (gsize i = 0; i < n; i++) {
    gsize at = found;
    while (at > 0
        && comes_first (x, from + i * stride,
            from + (gsize) best[to + (at - 1) * stride] * stride, largest))
      at--;
    if (at == k)
      continue;
    found = MIN (found + 1, k);
    for (gsize j = found - 1; j > at; j--)
      best[to + j * stride] = best[to + (j - 1) * stride];
    best[to + at * stride] = (gint64) i;
  }
}

UNET_EVAL (TopK)
{
  UnetArgs args = UNET_EVAL_ARGS;
  gboolean largest = unet_node_attr_int (node, "largest", 1) != 0;
  gsize size = unet_dtype_size (in[0].dtype), k;
  guint axis = 0;
  Lines l;

  if (n_out < 2 || !out[1].data)
    return unet_args_fail (&args, error, UNET_ERROR_UNSUPPORTED,
        "the output of indices is missing");
  unet_axis (unet_node_attr_int (node, "axis", -1), in[0].n_dims, &axis);
  l = lines_of (&in[0], axis);
  k = (gsize) out[1].dims[axis];
  for (gsize o = 0; k > 0 && o < l.outer; o++)
    for (gsize i = 0; i < l.inner; i++) {
      gsize from = o * l.n * l.inner + i, to = o * k * l.inner + i;
      take_best (&in[0], from, l.n, &out[1], to, k, l.inner, largest);
      for (gsize j = 0; out[0].data && j < k; j++)
        memcpy ((gchar *) out[0].data + (to + j * l.inner) * size,
            (const gchar *) in[0].data
                + (from
                      + (gsize) ((gint64 *) out[1].data)[to + j * l.inner]
                          * l.inner)
                    * size,
            size);
    }
  return TRUE;
}

/* ---- OneHot ------------------------------------------------------------- */

UNET_INFER (OneHot)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView indices, depth, values;
  gint64 dims[UNET_MAX_DIMS];
  guint axis, n = 0;

  unet_arg (&args, 0, &indices);
  unet_arg (&args, 1, &depth);
  unet_arg (&args, 2, &values);
  if (indices.n_dims + 1 > UNET_MAX_DIMS
      || !unet_axis (
          unet_node_attr_int (node, "axis", -1), indices.n_dims + 1, &axis))
    return fail_shape (&args, error, "axis or rank do not fit");
  if ((depth.data
          && (unet_view_count (&depth) != 1 || unet_view_int (&depth, 0) < 1
              || unet_view_int (&depth, 0) > G_MAXINT32))
      || (values.data && unet_view_count (&values) != 2))
    return fail_shape (&args, error, "depth or values make no sense");
  for (guint i = 0; i <= indices.n_dims; i++)
    dims[i] = i != axis ? indices.dims[n++]
        : depth.data    ? unet_view_int (&depth, 0)
                        : -1;
  unet_infer_out (node, 0, values.dtype, indices.n_dims + 1, dims);
  return TRUE;
}

UNET_EVAL (OneHot)
{
  gsize size = unet_dtype_size (out->dtype);
  const gchar *values = in[2].data;
  guint axis = 0;
  Lines l;

  unet_axis (unet_node_attr_int (node, "axis", -1), out->n_dims, &axis);
  l = lines_of (out, axis);
  for (gsize k = 0, n = unet_view_count (out); k < n; k++) {
    gsize inner = k % l.inner, outer = k / l.inner / l.n;
    gint64 class = (gint64) (k / l.inner % l.n);
    gint64 index = unet_view_int (&in[0], outer * l.inner + inner);
    gboolean on = class == (index < 0 ? index + (gint64) l.n : index);
    memcpy ((gchar *) out->data + k * size, values + (on ? size : 0), size);
  }
  return TRUE;
}

/* ---- Hardmax ------------------------------------------------------------ */

UNET_INFER (Hardmax)
{
  UnetArgs args = UNET_INFER_ARGS;
  guint axis;

  if (node->since < 13)
    return unet_args_fail (&args, error, UNET_ERROR_UNSUPPORTED,
        "operator sets before 13 are not supported");
  if (!unet_axis (unet_node_attr_int (node, "axis", -1),
          unet_node_input (node, 0)->n_dims, &axis))
    return fail_shape (&args, error, "the axis does not fit the rank");
  return unet_infer_same (graph, node, error);
}

UNET_EVAL (Hardmax)
{
  guint axis = 0;
  Lines l;

  unet_axis (unet_node_attr_int (node, "axis", -1), in[0].n_dims, &axis);
  l = lines_of (&in[0], axis);
  for (gsize o = 0; o < l.outer; o++)
    for (gsize i = 0; i < l.inner; i++) {
      gsize from = o * l.n * l.inner + i, most = from;
      for (gsize j = 0; j < l.n; j++)
        if (comes_first (&in[0], from + j * l.inner, most, TRUE))
          most = from + j * l.inner;
      for (gsize j = 0; j < l.n; j++)
        unet_view_set_float (
            out, from + j * l.inner, from + j * l.inner == most);
    }
  return TRUE;
}

/* ---- matrices ----------------------------------------------------------- */

UNET_INFER (Trilu)
{
  UnetArgs args = UNET_INFER_ARGS;

  if (unet_node_input (node, 0)->n_dims < 2)
    return fail_shape (&args, error, "the input is no matrix");
  return unet_infer_same (graph, node, error);
}

UNET_EVAL (Trilu)
{
  gboolean upper = unet_node_attr_int (node, "upper", 1) != 0;
  gint64 k = n_in > 1 && in[1].data ? unet_view_int (&in[1], 0) : 0;
  gint64 rows = out->dims[out->n_dims - 2],
         columns = out->dims[out->n_dims - 1];
  gsize size = unet_dtype_size (out->dtype);

  k = CLAMP (k, -rows - 1, columns + 1);
  unet_copy_all (&in[0], out);
  for (gsize i = 0, n = unet_view_count (out); i < n; i++) {
    gint64 column = (gint64) (i % (gsize) columns);
    gint64 row = (gint64) (i / (gsize) columns % (gsize) rows);
    if (upper ? column - row < k : column - row > k)
      memset ((gchar *) out->data + i * size, 0, size);
  }
  return TRUE;
}

UNET_INFER (EyeLike)
{
  UnetArgs args = UNET_INFER_ARGS;
  const UnetValue *x = unet_node_input (node, 0);
  UnetDType to = (UnetDType) unet_node_attr_int (node, "dtype", x->dtype);

  if (x->n_dims != 2 || !unet_dtype_size (to))
    return fail_shape (&args, error, "rank or type do not fit");
  unet_infer_out (node, 0, to, 2, x->dims);
  return TRUE;
}

UNET_EVAL (EyeLike)
{
  gint64 k = unet_node_attr_int (node, "k", 0), columns = out->dims[1];

  for (gsize i = 0, n = unet_view_count (out); i < n; i++)
    unet_view_set_int (
        out, i, (gint64) i % columns - (gint64) i / columns == k);
  return TRUE;
}
