/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/passes/pass.h"
#include "graph/passes/passes.h"
#include "graph/ops/resize-params.h"
#include "graph/ops/table.h"

/* Reason: quantisers let operators that only select or move elements, such as
 * MaxPool, work on 8-bit numbers. Floats have fast kernels here, and the same
 * operator behind DequantizeLinear instead of before it gives the same numbers,
 * since a scale keeps their order. QuantizeLinear and DequantizeLinear then
 * follow each other. */

static gboolean
is_nearest (const UnetGraph *graph, const UnetNode *node)
{
  UnetResize resize;

  return unet_node_resize (graph, node, &resize, NULL)
      && resize.mode == UNET_RESIZE_NEAREST
      && resize.coord != UNET_COORD_TF_CROP_AND_RESIZE;
}

static gboolean
only_moves (const UnetGraph *graph, const UnetNode *node)
{
  if (node->op == UNET_OP_MaxPool)
    return !unet_node_output (node, 1);
  if (node->op == UNET_OP_Resize || node->op == UNET_OP_Upsample)
    return is_nearest (graph, node);
  return unet_op_has (node->op, UNET_OP_MOVES);
}

/* Returns whether @dq has one scale above 0 for the whole tensor. */
static gboolean
has_one_scale (const UnetNode *dq)
{
  gdouble scale;

  return unet_pass_scalar (unet_node_input (dq, 1), &scale) && scale > 0
      && unet_node_attr_int (dq, "block_size", 0) == 0
      && unet_node_output (dq, 0)->dtype == UNET_DTYPE_F32
      && !dq->post_ops->len;
}

static void
move_up (UnetGraph *graph, UnetNode *dq, UnetNode *mover)
{
  UnetNode *first =
      unet_graph_insert_node (graph, mover, UNET_OP_DequantizeLinear, dq->name);
  UnetValue *bytes = unet_node_input (mover, 0);
  UnetValue *floats = unet_graph_add_value (graph, bytes->name);

  unet_node_add_input (first, bytes);
  for (guint i = 1; i < dq->inputs->len; i++)
    unet_node_add_input (first, unet_node_input (dq, i));
  unet_node_add_output (first, floats);
  unet_value_set_shape (floats, UNET_DTYPE_F32, bytes->n_dims, bytes->dims);
  unet_node_set_input (mover, 0, floats);
  unet_node_output (mover, 0)->dtype = UNET_DTYPE_F32;
}

/* Moves @dq before the operator that moves its 8-bit numbers. */
static gboolean
hoist (UnetGraph *graph, UnetNode *dq)
{
  UnetValue *bytes = unet_node_input (dq, 0);
  UnetNode *mover = bytes->producer;

  if (!mover || mover->post_ops->len || !has_one_scale (dq)
      || unet_pass_sole_consumer (graph, bytes) != dq
      || !unet_node_input (mover, 0)->has_shape || !only_moves (graph, mover))
    return FALSE;
  move_up (graph, dq, mover);
  return unet_pass_bypass (graph, dq);
}

gboolean
unet_pass_dequantize (UnetGraph *graph)
{
  gboolean changed = FALSE;

  /* From behind, so that one that has moved up is met again. */
  for (guint i = graph->nodes->len; i-- > 0;) {
    UnetNode *node = g_ptr_array_index (graph->nodes, i);
    if (node->op == UNET_OP_DequantizeLinear)
      changed |= hoist (graph, node);
  }
  return changed;
}
