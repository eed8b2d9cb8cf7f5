/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/pass.h"

/* Reason: ConvInteger and MatMulInteger give 32-bit integers, which quantisers
 * at once turn into floats again. Three passes over the data are spared where
 * nobody sees the integers, and the engine may choose any kernel. */

/* The Cast to integers and the Round before it that inference has written. */
static gboolean
is_exact_cast (const UnetNode *node)
{
  return node && node->op == UNET_OP_Cast && !node->post_ops->len &&
         unet_node_attr_int (node, "exact", 0) &&
         unet_node_input (node, 0)->producer &&
         unet_node_input (node, 0)->producer->op == UNET_OP_Round;
}

static gboolean
skip_integers (UnetGraph *graph, UnetNode *node)
{
  UnetNode *cast = unet_node_input (node, 0)->producer, *round;
  UnetValue *sum;

  if (node->op != UNET_OP_Cast ||
      unet_node_output (node, 0)->dtype != UNET_DTYPE_F32 ||
      !is_exact_cast (cast) ||
      unet_pass_sole_consumer (graph, unet_node_output (cast, 0)) != node)
    return FALSE;
  round = unet_node_input (cast, 0)->producer;
  sum = unet_node_input (round, 0);
  if (sum->dtype != UNET_DTYPE_F32 || !sum->producer ||
      unet_pass_sole_consumer (graph, sum) != round)
    return FALSE;
  unet_node_remove_attr (sum->producer, "exact");
  unet_node_set_input (node, 0, sum);
  unet_graph_remove_node (graph, cast);
  unet_graph_remove_node (graph, round);
  return unet_pass_bypass (graph, node);
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
  return changed;
}
