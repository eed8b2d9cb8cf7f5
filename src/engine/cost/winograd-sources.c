/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/cost/winograd-sources.h"

gboolean
unet_conv_has_fused_input (const UnetPlan *plan, const UnetNode *node)
{
  const UnetFusedInput *input =
      &plan->fused_inputs[unet_node_input (node, 0)->id];

  return node->op == UNET_OP_Conv
      && (input->not_materialised || input->before_depth_to_space);
}

void
unet_winograd_find_sources (
    const UnetPlan *plan, const UnetNode *node, UnetWinogradSources *sources)
{
  UnetValue *in = unet_node_input (node, 0);
  const UnetNode *concat =
      plan->fused_inputs[in->id].not_materialised ? in->producer : NULL;

  sources->n = concat ? concat->inputs->len : 1;
  for (guint i = 0; i < sources->n; i++) {
    sources->values[i] = concat ? unet_node_input (concat, i) : in;
    sources->before_depth_to_space[i] =
        plan->fused_inputs[sources->values[i]->id].from;
  }
}
