/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/args.h"
#include "graph/ops/expansion.h"
#include "graph/ops/functions.h"
#include <string.h>

/* Losses as a gather of log probabilities, a weight for each class and a mean
 * or sum (https://onnx.ai/onnx/operators/onnx__NegativeLogLikelihoodLoss.html).
 * Files exported with their loss have them. */

static UnetValue *
with_axis (UnetExpansion *e, UnetOp op, UnetValue *x, gint64 axis)
{
  UnetValue *y = unet_expansion_unary (e, op, x);

  unet_node_set_attr_ints (y->producer, "axes", &axis, 1);
  return y;
}

static UnetValue *
select_where (
    UnetExpansion *e, UnetValue *condition, UnetValue *a, UnetValue *b)
{
  UnetValue *in[] = { condition, a, b };

  return unet_expansion_insert (e, UNET_OP_Where, in, 3);
}

static UnetValue *
sum_all (UnetExpansion *e, UnetValue *x)
{
  UnetValue *y = unet_expansion_unary (e, UNET_OP_ReduceSum, x);

  unet_node_set_attr_int (y->producer, "keepdims", 0);
  return y;
}

/* Returns the negative entry of @x, [batch, classes, ...], for each of
 * @classes, [batch, ...]. */
static UnetValue *
gather_losses (UnetExpansion *e, UnetValue *x, UnetValue *classes)
{
  UnetValue *y = unet_expansion_binary (e, UNET_OP_GatherElements, x,
      with_axis (e, UNET_OP_Unsqueeze, classes, 1));

  unet_node_set_attr_int (y->producer, "axis", 1);
  return unet_expansion_unary (
      e, UNET_OP_Neg, with_axis (e, UNET_OP_Squeeze, y, 1));
}

static const gchar *
get_reduction (const UnetNode *node)
{
  return unet_node_attr_string (node, "reduction", "mean");
}

/* The node becomes the loss of log probabilities @x. */
static void
expand (UnetExpansion *e, UnetValue *x)
{
  UnetNode *node = e->node;
  g_autofree gchar *reduction = g_strdup (get_reduction (node));
  UnetValue *classes = unet_node_input (node, 1);
  UnetValue *weights = unet_node_input (node, 2), *zero, *weight, *loss;
  UnetValue *ignored = NULL;

  zero = unet_expansion_number (e, x->dtype, 0);
  if (unet_node_attr (node, "ignore_index")) {
    const gint64 index = unet_node_attr_int (node, "ignore_index", 0);
    ignored = unet_expansion_binary (e, UNET_OP_Equal, classes,
        unet_expansion_number (e, classes->dtype, (gdouble) index));
    classes = select_where (
        e, ignored, unet_expansion_number (e, classes->dtype, 0), classes);
  }
  if (weights)
    weight = unet_expansion_binary (e, UNET_OP_Gather, weights, classes);
  else
    weight = unet_expansion_number (e, x->dtype, 1);
  loss = gather_losses (e, x, classes);
  if (weights)
    loss = unet_expansion_binary (e, UNET_OP_Mul, loss, weight);
  if (ignored) {
    weight = select_where (e, ignored, zero, weight);
    loss = select_where (e, ignored, zero, loss);
  }
  if (!strcmp (reduction, "none")) {
    unet_expansion_become (e, UNET_OP_Identity, &loss, 1);
  } else if (!strcmp (reduction, "mean") && (weights || ignored)) {
    UnetValue *in[] = { sum_all (e, loss), sum_all (e, weight) };
    unet_expansion_become (e, UNET_OP_Div, in, 2);
  } else {
    unet_expansion_become (e,
        strcmp (reduction, "sum") ? UNET_OP_ReduceMean : UNET_OP_ReduceSum,
        &loss, 1);
    unet_node_set_attr_int (node, "keepdims", 0);
  }
}

static gboolean
check (const UnetArgs *args, GError **error)
{
  const UnetValue *x = unet_node_input (args->node, 0);
  const UnetValue *classes = unet_node_input (args->node, 1);
  const UnetValue *weights = unet_node_input (args->node, 2);
  const gchar *reduction = get_reduction (args->node);
  gint64 wide[UNET_MAX_DIMS];
  gboolean fits = x->n_dims >= 2 && classes->n_dims + 1 == x->n_dims;
  guint n;

  for (guint i = 0; fits && i < classes->n_dims; i++)
    fits = unet_broadcast (
        1, &classes->dims[i], 1, &x->dims[i ? i + 1 : 0], &n, wide);
  if (!fits)
    return unet_args_fail (
        args, error, UNET_ERROR_SHAPE, "the classes do not fit the scores");
  if (weights
      && (weights->n_dims != 1
          || !unet_broadcast (1, weights->dims, 1, &x->dims[1], &n, wide)))
    return unet_args_fail (
        args, error, UNET_ERROR_SHAPE, "the weights do not fit the classes");
  if (strcmp (reduction, "mean") && strcmp (reduction, "sum")
      && strcmp (reduction, "none"))
    return unet_args_fail (args, error, UNET_ERROR_PARSE,
        "reduction '%s' is not mean, sum or none", reduction);
  return TRUE;
}

UNET_INFER (NegativeLogLikelihoodLoss)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetExpansion e = { graph, node };

  if (!check (&args, error))
    return FALSE;
  expand (&e, unet_node_input (node, 0));
  return TRUE;
}

/* The optional second output has the log probabilities. */
UNET_INFER (SoftmaxCrossEntropyLoss)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetExpansion e = { graph, node };
  UnetValue *x = unet_node_input (node, 0), *given, *y;

  if (!check (&args, error))
    return FALSE;
  y = unet_expansion_unary (&e, UNET_OP_LogSoftmax, x);
  unet_node_set_attr_int (y->producer, "axis", 1);
  y->producer->since = 13;
  given = unet_node_output (node, 1);
  if (given) {
    UnetNode *softmax = y->producer;
    unet_node_set_output (node, 1, NULL);
    unet_node_set_output (softmax, 0, given);
    y = given;
  }
  g_ptr_array_set_size (node->outputs, 1);
  unet_value_set_shape (y, x->dtype, x->n_dims, x->dims);
  expand (&e, y);
  return TRUE;
}
