/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/passes/pass.h"
#include "graph/ops/norm.h"
#include "graph/ops/table.h"
#include <math.h>

gboolean
unet_pass_each (
    UnetGraph *graph, gboolean (*absorb) (UnetGraph *graph, UnetNode *node))
{
  gboolean changed = FALSE;

  for (guint i = 0; i < graph->nodes->len;)
    if (absorb (graph, g_ptr_array_index (graph->nodes, i)))
      changed = TRUE; /* the same node again, or the one in its place */
    else
      i++;
  return changed;
}

UnetNode *
unet_pass_sole_consumer (const UnetGraph *graph, const UnetValue *value)
{
  if (value->consumers->len != 1 || unet_graph_is_output (graph, value))
    return NULL;
  return g_ptr_array_index (value->consumers, 0);
}

gboolean
unet_pass_scalar (const UnetValue *value, gdouble *number)
{
  UnetTensorView view;

  if (!value || !value->constant || value->constant->n_elements != 1
      || !unet_dtype_is_float (value->dtype))
    return FALSE;
  unet_tensor_view (value->constant, &view);
  *number = unet_view_float (&view, 0);
  return TRUE;
}

gboolean
unet_pass_scalar_operand (const UnetNode *node, UnetValue **x, gdouble *number)
{
  for (guint i = 0; i < 2 && node->inputs->len == 2; i++)
    if (unet_pass_scalar (unet_node_input (node, i), number)) {
      *x = unet_node_input (node, 1 - i);
      /* A scalar of higher rank would widen the result. */
      return *x && (*x)->n_dims == unet_node_output (node, 0)->n_dims;
    }
  return FALSE;
}

gboolean
unet_pass_bypass (UnetGraph *graph, UnetNode *node)
{
  UnetValue *in = unet_node_input (node, 0);
  UnetValue *out = unet_node_output (node, 0);
  UnetNode *producer = in->producer;

  if (!unet_graph_is_output (graph, out)) {
    unet_graph_remove_node (graph, node);
    unet_graph_replace_value (graph, out, in);
    return TRUE;
  }
  /* The output keeps its name: the node that makes the input makes it
   * instead. */
  if (!producer || unet_graph_is_output (graph, in))
    return FALSE;
  unet_graph_remove_node (graph, node);
  unet_graph_replace_value (graph, in, out);
  for (guint i = 0; i < producer->outputs->len; i++)
    if (unet_node_output (producer, i) == in)
      unet_node_set_output (producer, i, out);
  return TRUE;
}

void
unet_pass_merge (UnetGraph *graph, UnetNode *node, UnetNode *last)
{
  UnetValue *out = unet_node_output (last, 0);

  unet_node_add_post_ops (node, last);
  unet_graph_remove_node (graph, last);
  unet_node_set_output (node, 0, out);
}

void
unet_pass_set_inputs (UnetNode *node, UnetValue *value)
{
  for (guint i = 1; i < node->inputs->len; i++)
    unet_node_set_input (node, i, NULL);
  unet_node_set_input (node, 0, value);
  g_ptr_array_set_size (node->inputs, 1);
}

gboolean
unet_pass_takes_post_ops (const UnetNode *node)
{
  return unet_op_has (node->op, UNET_OP_TAKES_POST_OPS)
      && unet_node_output (node, 0)->dtype == UNET_DTYPE_F32;
}

gboolean
unet_pass_batch_norm_map (
    const UnetNode *node, gsize n, gdouble *scale, gdouble *shift)
{
  gdouble epsilon = unet_node_attr_float (node, "epsilon", 1e-5f);
  UnetTensorView p[4];

  if (unet_batch_norm_is_training (node))
    return FALSE;
  for (guint i = 0; i < 4; i++) {
    const UnetValue *value = unet_node_input (node, i + 1);
    if (!value || !value->constant || value->constant->n_elements != n)
      return FALSE;
    unet_tensor_view (value->constant, &p[i]);
  }
  for (gsize c = 0; c < n; c++) {
    scale[c] = unet_view_float (&p[0], c)
        / sqrt (unet_view_float (&p[3], c) + epsilon);
    shift[c] =
        unet_view_float (&p[1], c) - unet_view_float (&p[2], c) * scale[c];
  }
  return TRUE;
}

void
unet_pass_set_reshape (UnetGraph *graph, UnetNode *node, UnetValue *input)
{
  const UnetValue *out = unet_node_output (node, 0);

  unet_pass_set_inputs (node, input);
  g_ptr_array_set_size (node->attrs, 0);
  node->op = UNET_OP_Reshape;
  /* A 0 in the shape is an extent here, not a copy. */
  unet_node_set_attr_int (node, "allowzero", 1);
  unet_node_add_input (node,
      unet_graph_add_constant (
          graph, out->name, unet_tensor_new_ints (out->dims, out->n_dims)));
}

void
unet_pass_add_number (UnetGraph *graph, UnetNode *node, gdouble number)
{
  UnetTensor *tensor = unet_tensor_new (UNET_DTYPE_F32, 0, NULL);

  *(gfloat *) tensor->data = (gfloat) number;
  unet_node_add_input (
      node, unet_graph_add_constant (graph, node->name, tensor));
}
