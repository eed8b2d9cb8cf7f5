/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/passes/pass.h"
#include "graph/passes/passes.h"
#include "graph/analysis/query.h"

/* Reason: ConvInteger and MatMulInteger give 32-bit integers, which
 * quantisers turn into floats at once. Where nothing else reads the
 * integers, three passes over the data are saved, and the engine may choose
 * any kernel. The factor for the results is only known while the network
 * runs, and multiplying is one more pass: it moves to where 8-bit numbers
 * become floats. */

/* The Cast to integers and the Round before it that inference has written. */
static gboolean
is_exact_cast (const UnetNode *node)
{
  return node && node->op == UNET_OP_Cast && !node->post_ops->len
      && unet_node_attr_int (node, "exact", 0)
      && unet_node_input (node, 0)->producer
      && unet_node_input (node, 0)->producer->op == UNET_OP_Round;
}

static gboolean
skip_integers (UnetGraph *graph, UnetNode *node)
{
  UnetNode *cast = unet_node_input (node, 0)->producer, *round;
  UnetValue *sum;

  if (node->op != UNET_OP_Cast
      || unet_node_output (node, 0)->dtype != UNET_DTYPE_F32
      || !is_exact_cast (cast)
      || unet_pass_sole_consumer (graph, unet_node_output (cast, 0)) != node)
    return FALSE;
  round = unet_node_input (cast, 0)->producer;
  sum = unet_node_input (round, 0);
  if (sum->dtype != UNET_DTYPE_F32 || !sum->producer
      || unet_pass_sole_consumer (graph, sum) != round)
    return FALSE;
  unet_node_remove_attr (sum->producer, "exact");
  unet_node_set_input (node, 0, sum);
  unet_graph_remove_node (graph, cast);
  unet_graph_remove_node (graph, round);
  return unet_pass_bypass (graph, node);
}

/* Returns a value equal to @factor that is computed behind @maker, or %NULL. */
static UnetValue *
early_factor (UnetGraph *graph, UnetValue *factor, const UnetNode *maker,
    UnetNode *before)
{
  UnetNode *mul = factor->producer, *copy;
  UnetValue *early;

  if (unet_dims_count (factor->n_dims, factor->dims) != 1
      || factor->dtype != UNET_DTYPE_F32 || factor->n_dims > 1)
    return NULL;
  if (factor->constant || mul == maker)
    return factor;
  if (!mul || mul->op != UNET_OP_Mul || mul->post_ops->len)
    return NULL;
  for (guint i = 0; i < 2; i++) {
    const UnetValue *part = unet_node_input (mul, i);
    if (!part->constant && part->producer != maker)
      return NULL;
  }
  copy = unet_graph_insert_node (graph, before, UNET_OP_Mul, mul->name);
  early = unet_graph_add_value (graph, factor->name);
  for (guint i = 0; i < 2; i++)
    unet_node_add_input (copy, unet_node_input (mul, i));
  unet_node_add_output (copy, early);
  unet_value_set_shape (early, UNET_DTYPE_F32, factor->n_dims, factor->dims);
  return early;
}

/* The DequantizeLinear with a scale of 1 that alone feeds @conv. */
static UnetNode *
find_source (const UnetGraph *graph, const UnetNode *conv)
{
  UnetNode *dq = unet_node_input (conv, 0)->producer;
  gdouble scale;

  if (conv->op != UNET_OP_Conv || conv->post_ops->len
      || unet_node_input (conv, 2) || unet_node_is_exact (conv) || !dq
      || dq->op != UNET_OP_DequantizeLinear || dq->post_ops->len
      || !unet_pass_scalar (unet_node_input (dq, 1), &scale) || scale != 1
      || !unet_node_input (dq, 0)->producer
      || unet_pass_sole_consumer (graph, unet_node_output (dq, 0)) != conv)
    return NULL;
  return dq;
}

static gboolean
scale_source (UnetGraph *graph, UnetNode *node)
{
  for (guint i = 0; node->op == UNET_OP_Mul && i < 2; i++) {
    UnetValue *sum = unet_node_input (node, i), *factor;
    UnetNode *conv = sum->producer;
    UnetNode *dq = conv ? find_source (graph, conv) : NULL;
    if (!dq || node->post_ops->len
        || unet_pass_sole_consumer (graph, sum) != node)
      continue;
    factor = early_factor (graph, unet_node_input (node, 1 - i),
        unet_node_input (dq, 0)->producer, dq);
    if (!factor)
      continue;
    unet_node_set_input (dq, 1, factor);
    unet_node_set_input (node, 0, sum);
    unet_pass_set_inputs (node, sum);
    return unet_pass_bypass (graph, node);
  }
  return FALSE;
}

gboolean
unet_pass_exact (UnetGraph *graph)
{
  gboolean changed = FALSE;

  for (guint i = graph->nodes->len; i-- > 0;) {
    UnetNode *node;
    /* Each removes up to three. */
    if (i >= graph->nodes->len)
      continue;
    node = g_ptr_array_index (graph->nodes, i);
    if (node->inputs->len && unet_node_input (node, 0))
      changed |= skip_integers (graph, node);
  }
  for (guint i = graph->nodes->len; i-- > 0;)
    if (i < graph->nodes->len)
      changed |= scale_source (graph, g_ptr_array_index (graph->nodes, i));
  return changed;
}
