/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/passes/pass.h"
#include "graph/passes/passes.h"

/* Reason: where no convolution stands before it (behind a concatenation, or
 * behind an activation as many Keras models have it), batch normalisation is
 * left over. A multiplication by constants with an addition as post-op is the
 * same and has fast kernels, and the activation behind it joins in. */

static UnetValue *
add_channels (UnetGraph *graph, const UnetNode *node, guint rank, gsize n,
    const gdouble *numbers)
{
  gint64 dims[UNET_MAX_DIMS];
  UnetTensor *tensor;

  for (guint i = 0; i < rank; i++)
    dims[i] = i == 1 ? (gint64) n : 1;
  tensor = unet_tensor_new (UNET_DTYPE_F32, rank, dims);
  if (!tensor)
    return NULL;
  for (gsize c = 0; c < n; c++)
    ((gfloat *) tensor->data)[c] = (gfloat) numbers[c];
  return unet_graph_add_constant (graph, node->name, tensor);
}

static gboolean
convert (UnetGraph *graph, UnetNode *node)
{
  UnetValue *x = unet_node_input (node, 0), *factor;
  g_autofree gdouble *scale = NULL, *shift = NULL;
  UnetPostOp post = { UNET_POST_ADD, 0, 0, NULL };
  gsize n;

  if (node->op != UNET_OP_BatchNormalization)
    return FALSE;
  n = x->n_dims >= 2 && x->dims[1] > 0 ? (gsize) x->dims[1] : 0;
  scale = g_try_new (gdouble, n);
  shift = g_try_new (gdouble, n);
  if (!scale || !shift || x->dtype != UNET_DTYPE_F32 || node->post_ops->len
      || !unet_pass_batch_norm_map (node, n, scale, shift))
    return FALSE;
  factor = add_channels (graph, node, x->n_dims, n, scale);
  post.value = add_channels (graph, node, x->n_dims, n, shift);
  if (!factor || !post.value)
    return FALSE;
  node->op = UNET_OP_Mul;
  node->since = MAX (node->since, 7);
  g_ptr_array_set_size (node->attrs, 0);
  unet_pass_set_inputs (node, x);
  unet_node_add_input (node, factor);
  unet_node_add_post_op (node, &post);
  /* The outputs of training, which no node reads. */
  for (guint i = node->outputs->len; i-- > 1;)
    unet_node_set_output (node, i, NULL);
  g_ptr_array_set_size (node->outputs, 1);
  return TRUE;
}

gboolean
unet_pass_batch_norm (UnetGraph *graph)
{
  return unet_pass_each (graph, convert);
}
