/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/run/int8-layout.h"

gboolean
unet_node_is_low_precision (const UnetPlan *plan, const UnetNode *node)
{
  return plan->is_low && plan->is_low[node->index];
}

gboolean
unet_int8_same_scale (
    const UnetPlan *plan, const UnetValue *a, const UnetValue *b)
{
  return unet_value_get_low (plan, a).type == unet_value_get_low (plan, b).type
      && unet_value_get_low (plan, a).scale
      == unet_value_get_low (plan, b).scale;
}

gboolean
unet_int8_clips (UnetLowValue value, const UnetPostOp *op)
{
  if (value.type != UNET_ELEMENT_U8)
    return FALSE;
  return op->kind == UNET_POST_RELU
      || (op->kind == UNET_POST_CLIP && op->alpha == 0
          && op->beta >= 254.5f * value.scale);
}

/* Returns the channels from one pixel to the next: those of the concatenation
 * that the value is a part of, or its own. */
static gint64
pixel_step (const UnetPlan *plan, const UnetValue *value)
{
  const UnetConcatSlot *slot = &plan->slots[value->id];

  return slot->parent && slot->layout == UNET_MEM_LOW ? slot->parent->dims[1]
                                                      : value->dims[1];
}

UnetPixels
unet_int8_pixels (const UnetPlan *plan, const UnetValue *value)
{
  gint64 step = pixel_step (plan, value);

  return (UnetPixels){ step, step * value->dims[3],
    step * value->dims[3] * value->dims[2] };
}

UnetMd
unet_int8_md (const UnetPlan *plan, const UnetValue *value)
{
  const dnnl_data_type_t types[] = { dnnl_data_type_undef, dnnl_u8, dnnl_s8,
    dnnl_bf16 };
  UnetPixels p = unet_int8_pixels (plan, value);
  gint64 strides[] = { p.image, 1, p.row, p.pixel };

  return unet_md_new_strides (
      4, value->dims, types[unet_value_get_low (plan, value).type], strides);
}

/* ---- which nodes --------------------------------------------------------- */

gboolean
unet_node_is_depth_to_space (const UnetPlan *plan, const UnetNode *node)
{
  UnetWindow window;

  return node->op == UNET_OP_ConvTranspose
      && unet_node_window (plan->graph, node, &window, NULL)
      && unet_window_is_depth_to_space (&window);
}

gboolean
unet_int8_node_takes_slot (const UnetPlan *plan, const UnetNode *node)
{
  if (!unet_node_is_low_precision (plan, node))
    return FALSE;
  switch (node->op) {
    case UNET_OP_ConvTranspose:
      return unet_node_is_depth_to_space (plan, node);
    case UNET_OP_Resize:
    case UNET_OP_Upsample:
    case UNET_OP_Add:
    case UNET_OP_Mul:
      return TRUE;
    default:
      return FALSE;
  }
}

static gboolean
has_sum (const UnetNode *node)
{
  for (guint i = 0; i < node->post_ops->len; i++)
    if (g_array_index (node->post_ops, UnetPostOp, i).kind == UNET_POST_ADD)
      return TRUE;
  return FALSE;
}

gboolean
unet_node_is_conv (const UnetNode *node)
{
  return node->op == UNET_OP_Conv || node->op == UNET_OP_ConvTranspose;
}

gboolean
unet_node_is_global_pool (const UnetNode *node)
{
  return node->op == UNET_OP_GlobalAveragePool
      || node->op == UNET_OP_GlobalMaxPool || node->op == UNET_OP_ReduceMean
      || node->op == UNET_OP_ReduceMax;
}

gboolean
unet_int8_has_reader (const UnetPlan *plan, const UnetValue *value)
{
  for (guint i = 0; i < value->consumers->len; i++) {
    const UnetNode *c = g_ptr_array_index (value->consumers, i);

    if (unet_node_is_low_precision (plan, c)
        && !(c->op == UNET_OP_Mul && unet_node_input (c, 0) != value))
      return TRUE;
  }
  return FALSE;
}

gboolean
unet_int8_node_writes_f32 (const UnetPlan *plan, const UnetNode *node)
{
  const UnetValue *out = unet_node_output (node, 0);

  if (unet_node_is_global_pool (node))
    return TRUE;
  return unet_node_is_conv (node) && !has_sum (node)
      && (unet_graph_is_output (plan->graph, out)
          || !unet_int8_has_reader (plan, out));
}
