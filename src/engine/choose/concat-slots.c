/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/choose/concat-slots.h"
#include "engine/run/int8-layout.h"
#include "graph/ops/table.h"

gboolean
unet_value_is_in_slot (const UnetPlan *plan, const UnetValue *in,
    const UnetValue *out, gint64 channel)
{
  return plan->slots[in->id].parent == out
      && plan->slots[in->id].channel == channel;
}

static gboolean
takes_slot (const UnetPlan *plan, const UnetValue *value, gint64 channel,
    gboolean last, UnetMemLayout layout)
{
  const UnetNode *p = value->producer;

  /* A view cannot lie elsewhere. */
  if (!p || value->constant || plan->slots[value->id].parent
      || unet_op_has (p->op, UNET_OP_VIEW)
      || unet_graph_is_output (plan->graph, value)
      || !unet_value_fits (plan, value, UNET_MEM_BLOCKED))
    return FALSE;
  /* In low precision no other node may read it. */
  if (layout == UNET_MEM_LOW)
    return value->consumers->len == 1 && unet_int8_node_takes_slot (plan, p);
  return layout == UNET_MEM_PLAIN
      || (channel % plan->block == 0
          && (last || value->dims[1] % plan->block == 0));
}

static void
find_slots_in (UnetPlan *plan, UnetNode *node, UnetMemLayout layout)
{
  UnetValue *out = unet_node_output (node, 0);
  gint64 channel = 0;

  for (guint k = 0; k < node->inputs->len; k++) {
    UnetValue *in = unet_node_input (node, k);

    if (takes_slot (plan, in, channel, k + 1 == node->inputs->len, layout)
        && (layout != UNET_MEM_LOW || unet_int8_same_scale (plan, in, out)))
      plan->slots[in->id] = (UnetConcatSlot){ out, channel, layout };
    channel += in->dims[1];
  }
}

/* With batch 1 the inputs of a concatenation of whole blocks, or in PLAIN, are
 * contiguous parts of its output. */
void
unet_plan_find_concat_slots (UnetPlan *plan)
{
  for (guint i = 0; i < plan->graph->nodes->len; i++) {
    UnetNode *node = g_ptr_array_index (plan->graph->nodes, i);
    UnetValue *out = unet_node_output (node, 0);
    gint64 axis = unet_node_attr_int (node, "axis", 1);

    if (node->op == UNET_OP_Concat && out->n_dims == 4
        && !plan->fused_inputs[out->id].not_materialised
        && (out->dims[0] == 1 || plan->layouts[i] == UNET_MEM_LOW)
        && out->dtype == UNET_DTYPE_F32 && (axis == 1 || axis == -3))
      find_slots_in (plan, node, plan->layouts[i]);
  }
}
