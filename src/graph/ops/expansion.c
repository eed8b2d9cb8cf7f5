/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/expansion.h"
#include "graph/ops/functions.h"

/* Four of the longest Fourier transforms, or eight of the longest recurrent
 * layers. */
#define MAX_EXPANDED ((gsize) 256 << 20)

gboolean
unet_expansion_claim (UnetExpansion *e, gsize bytes, GError **error)
{
  if (bytes <= MAX_EXPANDED && e->graph->expanded <= MAX_EXPANDED - bytes) {
    e->graph->expanded += bytes;
    return TRUE;
  }
  unet_node_set_error (error, e->graph, e->node, UNET_ERROR_LIMIT,
      "recurrent layers and transforms need more than %d MiB",
      (gint) (MAX_EXPANDED >> 20));
  return FALSE;
}

gboolean
unet_expansion_knows_dims (const UnetValue *value)
{
  for (guint i = 0; i < value->n_dims; i++)
    if (value->dims[i] < 0)
      return FALSE;
  return TRUE;
}

static void
add_inputs (UnetNode *node, UnetValue *const *inputs, guint n)
{
  while (n > 0 && !inputs[n - 1])
    n--;
  for (guint i = 0; i < n; i++)
    unet_node_add_input (node, inputs[i]);
}

UnetValue *
unet_expansion_insert (
    UnetExpansion *e, UnetOp op, UnetValue *const *inputs, guint n)
{
  UnetNode *node =
      unet_graph_insert_node (e->graph, e->node, op, e->node->name);
  UnetValue *output = unet_graph_add_value (e->graph, e->node->name);

  add_inputs (node, inputs, n);
  unet_node_add_output (node, output);
  return output;
}

UnetValue *
unet_expansion_unary (UnetExpansion *e, UnetOp op, UnetValue *x)
{
  return unet_expansion_insert (e, op, &x, 1);
}

UnetValue *
unet_expansion_binary (UnetExpansion *e, UnetOp op, UnetValue *a, UnetValue *b)
{
  UnetValue *inputs[] = { a, b };

  return unet_expansion_insert (e, op, inputs, 2);
}

UnetValue *
unet_expansion_number (UnetExpansion *e, UnetDType dtype, gdouble number)
{
  UnetTensor *tensor = unet_tensor_new (dtype, 0, NULL);
  UnetTensorView view;

  unet_tensor_view (tensor, &view);
  unet_view_set_float (&view, 0, number);
  return unet_graph_add_constant (e->graph, e->node->name, tensor);
}

UnetValue *
unet_expansion_reshape (
    UnetExpansion *e, UnetValue *x, guint n_dims, const gint64 *dims)
{
  UnetValue *inputs[] = { x, unet_graph_add_value (e->graph, e->node->name) };
  UnetValue *y;

  unet_value_set_constant (inputs[1], unet_tensor_new_ints (dims, n_dims));
  y = unet_expansion_insert (e, UNET_OP_Reshape, inputs, 2);
  unet_value_set_shape (y, x->dtype, n_dims, dims);
  return y;
}

UnetValue *
unet_expansion_transpose (UnetExpansion *e, UnetValue *x, const gint64 *perm)
{
  gint64 dims[UNET_MAX_DIMS];
  gboolean moves = FALSE;
  UnetValue *y;

  for (guint i = 0; i < x->n_dims; i++) {
    dims[i] = x->dims[perm[i]];
    moves = moves || perm[i] != i;
  }
  if (!moves)
    return x;
  y = unet_expansion_insert (e, UNET_OP_Transpose, &x, 1);
  unet_node_set_attr_ints (y->producer, "perm", perm, x->n_dims);
  unet_value_set_shape (y, x->dtype, x->n_dims, dims);
  return y;
}

void
unet_expansion_become (
    UnetExpansion *e, UnetOp op, UnetValue *const *inputs, guint n)
{
  UnetNode *node = e->node;

  for (guint i = 0; i < node->inputs->len; i++)
    unet_node_set_input (node, i, NULL);
  g_ptr_array_set_size (node->inputs, 0);
  g_ptr_array_set_size (node->attrs, 0);
  add_inputs (node, inputs, n);
  node->op = op;
}

/* Inference never leaves one. */
gboolean
unet_eval_expanded (const UnetNode *node, const UnetTensorView *in, guint n_in,
    UnetTensorView *out, guint n_out, GError **error)
{
  unet_node_set_error (
      error, NULL, node, UNET_ERROR_SHAPE, "shapes were not known in time");
  return FALSE;
}
