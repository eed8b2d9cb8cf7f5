/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/cost/op-layouts.h"
#include "engine/cost/deconv.h"
#include "engine/run/int8-layout.h"

#define ANY_LAYOUT                                                             \
  (1u << UNET_MEM_PLAIN | 1u << UNET_MEM_BLOCKED | 1u << UNET_MEM_NHWC)
#define PLAIN_ONLY (1u << UNET_MEM_PLAIN)

/* By operator; 0: PLAIN only. */
static const guint8 layouts[UNET_N_OPS] = {
  [UNET_OP_Conv] = ANY_LAYOUT,
  [UNET_OP_ConvTranspose] = ANY_LAYOUT,
  [UNET_OP_MaxPool] = ANY_LAYOUT,
  [UNET_OP_AveragePool] = ANY_LAYOUT,
  [UNET_OP_GlobalAveragePool] = ANY_LAYOUT,
  [UNET_OP_GlobalMaxPool] = ANY_LAYOUT,
  [UNET_OP_ReduceMean] = ANY_LAYOUT,
  [UNET_OP_ReduceMax] = ANY_LAYOUT,
  [UNET_OP_Add] = ANY_LAYOUT,
  [UNET_OP_Sub] = ANY_LAYOUT,
  [UNET_OP_Mul] = ANY_LAYOUT,
  [UNET_OP_Div] = ANY_LAYOUT,
  [UNET_OP_Min] = ANY_LAYOUT,
  [UNET_OP_Max] = ANY_LAYOUT,
  [UNET_OP_Relu] = ANY_LAYOUT,
  [UNET_OP_Clip] = ANY_LAYOUT,
  [UNET_OP_LeakyRelu] = ANY_LAYOUT,
  [UNET_OP_PRelu] = ANY_LAYOUT,
  [UNET_OP_Sigmoid] = ANY_LAYOUT,
  [UNET_OP_HardSigmoid] = ANY_LAYOUT,
  [UNET_OP_HardSwish] = ANY_LAYOUT,
  [UNET_OP_Tanh] = ANY_LAYOUT,
  [UNET_OP_Elu] = ANY_LAYOUT,
  [UNET_OP_Softplus] = ANY_LAYOUT,
  [UNET_OP_Concat] = ANY_LAYOUT,
  [UNET_OP_Slice] = ANY_LAYOUT,
  [UNET_OP_Split] = ANY_LAYOUT,
  [UNET_OP_Pad] = ANY_LAYOUT,
  [UNET_OP_Transpose] = ANY_LAYOUT,
  [UNET_OP_Resize] = ANY_LAYOUT,
  [UNET_OP_Upsample] = ANY_LAYOUT,
};

guint
unet_op_layouts (UnetOp op)
{
  return layouts[op] ? layouts[op] : PLAIN_ONLY;
}

guint
unet_node_layouts (const UnetPlan *plan, const UnetNode *node)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);

  if (!in || !out || !unet_value_fits (plan, out, UNET_MEM_BLOCKED)
      || !unet_value_fits (plan, in, UNET_MEM_BLOCKED))
    return PLAIN_ONLY;
  return unet_op_layouts (node->op);
}

gboolean
unet_value_has_few_channels (const UnetPlan *plan, const UnetValue *value)
{
  return value->dims[1] * 4 <= plan->block;
}

UnetMemLayout
unet_node_reads (
    const UnetPlan *plan, const UnetNode *node, UnetMemLayout layout)
{
  if (layout == UNET_MEM_BLOCKED && node->op == UNET_OP_Conv
      && unet_node_input (node, 0)->dims[1] <= 3)
    return UNET_MEM_PLAIN;
  if (layout == UNET_MEM_PLAIN && node->op == UNET_OP_ConvTranspose
      && unet_deconv_is_product (plan, node, layout))
    return UNET_MEM_BLOCKED;
  return layout;
}

UnetMemLayout
unet_node_writes (
    const UnetPlan *plan, const UnetNode *node, UnetMemLayout layout)
{
  UnetValue *out = unet_node_output (node, 0);

  if (layout == UNET_MEM_BLOCKED
      && (node->op == UNET_OP_Conv || node->op == UNET_OP_ConvTranspose)
      && unet_value_has_few_channels (plan, out))
    return UNET_MEM_PLAIN;
  if (layout == UNET_MEM_LOW && unet_int8_node_writes_f32 (plan, node))
    return UNET_MEM_NHWC;
  return layout;
}
