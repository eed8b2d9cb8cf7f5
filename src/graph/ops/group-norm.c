/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/args.h"
#include "graph/ops/expansion.h"
#include "graph/ops/functions.h"

/* Group normalisation (Wu and He 2018) as an instance normalisation whose
 * channels are the groups, and, from operator set 21 on, a scale and a bias of
 * each channel after it. */

static UnetValue *
add_constant (UnetExpansion *e, UnetDType dtype, gint64 n, gdouble value)
{
  UnetTensor *tensor = unet_tensor_new (dtype, 1, &n);
  UnetValue *constant = unet_graph_add_value (e->graph, e->node->name);
  UnetTensorView view;

  unet_tensor_view (tensor, &view);
  for (gint64 i = 0; i < n; i++)
    unet_view_set_float (&view, (gsize) i, value);
  unet_value_set_constant (constant, tensor);
  return constant;
}

/* A vector with one entry for each channel, for broadcasting. */
static UnetValue *
widen (UnetExpansion *e, UnetValue *vector, guint rank)
{
  gint64 dims[UNET_MAX_DIMS];

  for (guint i = 0; i + 1 < rank; i++)
    dims[i] = i ? 1 : vector->dims[0];
  return unet_expansion_reshape (e, vector, rank - 1, dims);
}

static void
expand (UnetExpansion *e, gint64 groups, gboolean per_channel)
{
  UnetValue *x = unet_node_input (e->node, 0);
  UnetValue *scale = unet_node_input (e->node, 1);
  UnetValue *bias = unet_node_input (e->node, 2), *in[3], *y;
  gint64 pixels = x->dims[1] / groups;
  const gfloat epsilon = unet_node_attr_float (e->node, "epsilon", 1e-5f);

  for (guint i = 2; i < x->n_dims; i++)
    pixels *= x->dims[i];
  in[0] = unet_expansion_reshape (
      e, x, 3, (const gint64[]){ x->dims[0], groups, pixels });
  in[1] = per_channel ? add_constant (e, x->dtype, groups, 1) : scale;
  in[2] = per_channel ? add_constant (e, x->dtype, groups, 0) : bias;
  y = unet_expansion_insert (e, UNET_OP_InstanceNormalization, in, 3);
  unet_node_set_attr_float (y->producer, "epsilon", epsilon);
  unet_value_set_shape (y, x->dtype, 3, in[0]->dims);
  y = unet_expansion_reshape (e, y, x->n_dims, x->dims);
  if (!per_channel) {
    unet_expansion_become (e, UNET_OP_Identity, &y, 1);
    return;
  }
  in[0] = y;
  in[1] = widen (e, scale, x->n_dims);
  in[0] = unet_expansion_insert (e, UNET_OP_Mul, in, 2);
  unet_value_set_shape (in[0], x->dtype, x->n_dims, x->dims);
  in[1] = widen (e, bias, x->n_dims);
  unet_expansion_become (e, UNET_OP_Add, in, 2);
}

UNET_INFER (GroupNormalization)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetExpansion e = { graph, node };
  const UnetValue *x = unet_node_input (node, 0);
  const gint64 groups = unet_node_attr_int (node, "num_groups", 0);
  gint64 n = -1;

  if (x->n_dims < 3 || groups < 1
      || (x->dims[1] >= 0 && x->dims[1] % groups != 0))
    return unet_args_fail (&args, error, UNET_ERROR_SHAPE,
        "%" G_GINT64_FORMAT " groups do not fit the channels", groups);
  for (guint i = 1; i <= 2; i++) {
    const UnetValue *p = unet_node_input (node, i);
    if (p->n_dims != 1
        || (x->dims[1] >= 0 && p->dims[0] != x->dims[1] && p->dims[0] != groups)
        || (i == 2 && p->dims[0] != n))
      return unet_args_fail (&args, error, UNET_ERROR_SHAPE,
          "input %u has an entry neither for each channel nor each group", i);
    n = p->dims[0];
  }
  if (!unet_infer_same (graph, node, error))
    return FALSE;
  /* Inference comes back with the size of the picture. */
  for (guint i = 0; i < x->n_dims; i++)
    if (x->dims[i] < 0)
      return TRUE;
  expand (&e, groups, n == x->dims[1]);
  return TRUE;
}
