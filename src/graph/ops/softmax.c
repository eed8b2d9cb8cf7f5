/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/args.h"
#include "graph/ops/functions.h"
#include <math.h>

static gboolean
infer_softmax (UnetGraph *graph, UnetNode *node, GError **error)
{
  UnetArgs args = UNET_INFER_ARGS;
  const UnetValue *x = unet_node_input (node, 0);
  gint64 axis = unet_node_attr_int (node, "axis", node->since < 13 ? 1 : -1);
  guint resolved;

  /* Before operator set 13 the axis may equal the rank. */
  if (!unet_axis (axis, x->n_dims, &resolved)
      && !(node->since < 13 && axis == x->n_dims))
    return unet_args_fail (&args, error, UNET_ERROR_SHAPE,
        "axis %" G_GINT64_FORMAT " of rank %u", axis, x->n_dims);
  return unet_infer_same (graph, node, error);
}

UNET_INFER (Softmax)
{
  return infer_softmax (graph, node, error);
}

UNET_INFER (LogSoftmax)
{
  return infer_softmax (graph, node, error);
}

/* @n elements, @stride apart. */
static void
softmax_line (const UnetTensorView *x, gsize at, gsize n, gsize stride,
    gboolean logarithm, UnetTensorView *out)
{
  gdouble max = -INFINITY, sum = 0;

  for (gsize i = 0; i < n; i++)
    max = MAX (max, unet_view_float (x, at + i * stride));
  for (gsize i = 0; i < n; i++)
    sum += exp (unet_view_float (x, at + i * stride) - max);
  for (gsize i = 0; i < n; i++) {
    gdouble d = unet_view_float (x, at + i * stride) - max;
    unet_view_set_float (
        out, at + i * stride, logarithm ? d - log (sum) : exp (d) / sum);
  }
}

/* Before operator set 13 everything from the axis on is one line. */
static gboolean
eval_softmax (
    const UnetNode *node, const UnetTensorView *x, UnetTensorView *out)
{
  gint64 axis = unet_node_attr_int (node, "axis", node->since < 13 ? 1 : -1);
  gsize count = unet_view_count (x), n, stride = 1;
  guint at = x->n_dims;

  if (count == 0)
    return TRUE;
  unet_axis (axis, x->n_dims, &at);
  if (node->since < 13) {
    n = unet_dims_count (x->n_dims - at, x->dims + at);
  } else {
    n = (gsize) x->dims[at];
    stride = unet_dims_count (x->n_dims - at - 1, x->dims + at + 1);
  }
  for (gsize i = 0; i < count / n; i++)
    softmax_line (x, i / stride * stride * n + i % stride, n, stride,
        node->op == UNET_OP_LogSoftmax, out);
  return TRUE;
}

UNET_EVAL (Softmax)
{
  return eval_softmax (node, in, out);
}

UNET_EVAL (LogSoftmax)
{
  return eval_softmax (node, in, out);
}
