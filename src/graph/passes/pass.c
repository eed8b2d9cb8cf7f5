/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/passes/pass.h"

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
  /* The output keeps its name: whoever made the input makes it instead. */
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
