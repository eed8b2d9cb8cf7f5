/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/args.h"
#include "graph/ops/functions.h"
#include "graph/ops/strided.h"
#include <math.h>

/* ---- inference -------------------------------------------------------- */

/* The axes to reduce as a mask; %UNET_INTS_OPEN where only running tells. */
static gboolean
read_axes (const UnetArgs *args, guint rank, guint *mask, UnetInts *state,
    GError **error)
{
  gint64 axes[UNET_MAX_DIMS];
  guint n;

  *state = unet_arg_ints (args, "axes", 1, axes, UNET_MAX_DIMS, &n);
  *mask = (1u << rank) - 1;
  if (*state != UNET_INTS_KNOWN)
    return TRUE;
  if (n == 0) {
    if (unet_node_attr_int (args->node, "noop_with_empty_axes", 0))
      *mask = 0;
    return TRUE;
  }
  if (unet_axes_mask (axes, n, rank, mask))
    return TRUE;
  return unet_args_fail (
      args, error, UNET_ERROR_SHAPE, "the axes do not fit rank %u", rank);
}

/* Without axes at all, `noop_with_empty_axes` counts too. */
static gboolean
is_noop (const UnetArgs *args, UnetInts state)
{
  return state == UNET_INTS_ABSENT
      && unet_node_attr_int (args->node, "noop_with_empty_axes", 0);
}

static gboolean
infer_reduce (UnetGraph *graph, UnetNode *node, GError **error)
{
  UnetArgs args = UNET_INFER_ARGS;
  const UnetValue *x = unet_node_input (node, 0);
  gboolean keep = unet_node_attr_int (node, "keepdims", 1) != 0;
  gint64 dims[UNET_MAX_DIMS];
  guint mask, n = 0;
  UnetInts state;

  if (!read_axes (&args, x->n_dims, &mask, &state, error))
    return FALSE;
  if (state == UNET_INTS_OPEN && !keep) {
    unet_node_output (node, 0)->has_shape = FALSE;
    unet_node_output (node, 0)->dtype = x->dtype;
    return TRUE;
  }
  if (is_noop (&args, state))
    mask = 0;
  for (guint i = 0; i < x->n_dims; i++)
    if (!(mask & 1u << i))
      dims[n++] = x->dims[i];
    else if (keep)
      dims[n++] = state == UNET_INTS_OPEN ? -1 : 1;
  unet_infer_out (node, 0, x->dtype, n, dims);
  return TRUE;
}

static gboolean
infer_arg (UnetGraph *graph, UnetNode *node, GError **error)
{
  UnetArgs args = UNET_INFER_ARGS;
  const UnetValue *x = unet_node_input (node, 0);
  gboolean keep = unet_node_attr_int (node, "keepdims", 1) != 0;
  gint64 dims[UNET_MAX_DIMS];
  guint axis, n = 0;

  if (!unet_axis (unet_node_attr_int (node, "axis", 0), x->n_dims, &axis))
    return unet_args_fail (&args, error, UNET_ERROR_SHAPE,
        "the axis does not fit rank %u", x->n_dims);
  for (guint i = 0; i < x->n_dims; i++)
    if (i != axis)
      dims[n++] = x->dims[i];
    else if (keep)
      dims[n++] = 1;
  unet_infer_out (node, 0, UNET_DTYPE_I64, n, dims);
  return TRUE;
}

/* ---- evaluation ------------------------------------------------------- */

/* An operator prepares each element, adds them, and concludes from the sum.
 * Sums of integers stay integers. */
typedef struct {
  gdouble sum, product, max, min;
  gint64 int_sum, n;
} Total;

static gdouble
prepare (UnetOp op, gdouble value)
{
  switch (op) {
    case UNET_OP_ReduceL1:
      return fabs (value);
    case UNET_OP_ReduceL2:
    case UNET_OP_ReduceSumSquare:
      return value * value;
    case UNET_OP_ReduceLogSumExp:
      return exp (value);
    default:
      return value;
  }
}

static void
add_to_total (
    const UnetNode *node, Total *total, const UnetTensorView *x, gsize at)
{
  gdouble value = prepare (node->op, unet_view_float (x, at));
  gint64 integer = unet_dtype_is_float (x->dtype) ? 0 : unet_view_int (x, at);

  if (total->n == 0 || value > total->max || isnan (value))
    total->max = value;
  if (total->n++ == 0 || value < total->min || isnan (value))
    total->min = value;
  total->sum += value;
  total->product *= value;
  total->int_sum = (gint64) ((guint64) total->int_sum + (guint64) integer);
}

static gdouble
conclude (UnetOp op, const Total *total)
{
  switch (op) {
    case UNET_OP_ReduceMax:
      return total->n ? total->max : -INFINITY;
    case UNET_OP_ReduceMin:
      return total->n ? total->min : INFINITY;
    case UNET_OP_ReduceMean:
      return total->sum / (gdouble) total->n;
    case UNET_OP_ReduceProd:
      return total->product;
    case UNET_OP_ReduceL2:
      return sqrt (total->sum);
    case UNET_OP_ReduceLogSum:
    case UNET_OP_ReduceLogSumExp:
      return log (total->sum);
    default:
      return total->sum;
  }
}

static void
store_total (
    const UnetNode *node, const Total *total, UnetTensorView *out, gsize at)
{
  if (node->op == UNET_OP_ReduceSum && !unet_dtype_is_float (out->dtype))
    unet_view_set_int (out, at, total->int_sum);
  else
    unet_view_set_float (out, at, conclude (node->op, total));
}

/* Axes that stay and axes that go, each with dims and strides of the input. */
typedef struct {
  guint n;
  gint64 dims[UNET_MAX_DIMS], strides[UNET_MAX_DIMS];
} Axes;

static gint64
offset_of (const Axes *axes, const gint64 *index)
{
  gint64 at = 0;

  for (guint i = 0; i < axes->n; i++)
    at += index[i] * axes->strides[i];
  return at;
}

static void
split_axes (const UnetTensorView *x, guint mask, Axes *stay, Axes *go)
{
  gint64 strides[UNET_MAX_DIMS];

  stay->n = go->n = 0;
  unet_strides (x->n_dims, x->dims, strides);
  for (guint i = 0; i < x->n_dims; i++) {
    Axes *axes = mask & 1u << i ? go : stay;
    axes->dims[axes->n] = x->dims[i];
    axes->strides[axes->n++] = strides[i];
  }
}

static gboolean
eval_reduce (const UnetNode *node, const UnetTensorView *in, guint n_in,
    UnetTensorView *out, GError **error)
{
  UnetArgs args = UNET_EVAL_ARGS;
  gint64 outer[UNET_MAX_DIMS] = { 0 };
  Axes stay, go;
  UnetInts state;
  gboolean empty;
  gsize to = 0;
  guint mask;

  if (!read_axes (&args, in[0].n_dims, &mask, &state, error))
    return FALSE;
  if (is_noop (&args, state))
    mask = 0;
  split_axes (&in[0], mask, &stay, &go);
  if (unet_view_count (out) == 0)
    return TRUE;
  empty = unet_dims_count (go.n, go.dims) == 0;
  do {
    gint64 inner[UNET_MAX_DIMS] = { 0 };
    Total total = { .product = 1 };
    if (!empty)
      do {
        add_to_total (node, &total, &in[0],
            (gsize) (offset_of (&stay, outer) + offset_of (&go, inner)));
      } while (unet_next_index (go.n, go.dims, inner));
    store_total (node, &total, out, to++);
  } while (unet_next_index (stay.n, stay.dims, outer));
  return TRUE;
}

#define REDUCE(op)                                                             \
  UNET_INFER (op)                                                              \
  {                                                                            \
    return infer_reduce (graph, node, error);                                  \
  }                                                                            \
  UNET_EVAL (op)                                                               \
  {                                                                            \
    return eval_reduce (node, in, n_in, out, error);                           \
  }

REDUCE (ReduceMean)
REDUCE (ReduceMax)
REDUCE (ReduceMin)
REDUCE (ReduceSum)
REDUCE (ReduceProd)
REDUCE (ReduceL1)
REDUCE (ReduceL2)
REDUCE (ReduceSumSquare)
REDUCE (ReduceLogSum)
REDUCE (ReduceLogSumExp)

static gboolean
eval_arg (const UnetNode *node, const UnetTensorView *x, UnetTensorView *out)
{
  gboolean last = unet_node_attr_int (node, "select_last_index", 0) != 0;
  gdouble sign = node->op == UNET_OP_ArgMin ? -1 : 1;
  gsize n, stride;
  guint axis = 0;

  unet_axis (unet_node_attr_int (node, "axis", 0), x->n_dims, &axis);
  n = (gsize) x->dims[axis];
  stride = unet_dims_count (x->n_dims - axis - 1, x->dims + axis + 1);
  for (gsize i = 0, count = unet_view_count (out); i < count; i++) {
    gsize at = i / stride * stride * n + i % stride, best = 0;
    for (gsize k = 1; k < n; k++) {
      gdouble value = sign * unet_view_float (x, at + k * stride);
      gdouble top = sign * unet_view_float (x, at + best * stride);
      if (value > top || (last && value == top))
        best = k;
    }
    unet_view_set_int (out, i, (gint64) best);
  }
  return TRUE;
}

#define ARG(op)                                                                \
  UNET_INFER (op)                                                              \
  {                                                                            \
    return infer_arg (graph, node, error);                                     \
  }                                                                            \
  UNET_EVAL (op)                                                               \
  {                                                                            \
    return eval_arg (node, &in[0], out);                                       \
  }

ARG (ArgMax)
ARG (ArgMin)
