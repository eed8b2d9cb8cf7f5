/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/passes/pass.h"
#include "graph/passes/passes.h"

/* Reason: squares are written as powers (StarReLU, variances), and a product is
 * far quicker than a power. */

static gboolean
power_to_product (G_GNUC_UNUSED UnetGraph *graph, UnetNode *node)
{
  UnetValue *x = unet_node_input (node, 0);
  gdouble exponent;

  if (node->op != UNET_OP_Pow || node->inputs->len != 2 || x->constant
      || x->dtype != UNET_DTYPE_F32
      || !unet_pass_scalar (unet_node_input (node, 1), &exponent)
      || exponent != 2 || unet_node_output (node, 0)->n_dims != x->n_dims)
    return FALSE;
  node->op = UNET_OP_Mul;
  unet_node_set_input (node, 1, x);
  return TRUE;
}

gboolean
unet_pass_power (UnetGraph *graph)
{
  return unet_pass_each (graph, power_to_product);
}
