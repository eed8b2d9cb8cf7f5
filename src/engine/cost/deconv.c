/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/cost/deconv.h"
#include "engine/emit/post-ops.h"
#include "graph/analysis/query.h"

/* Returns whether the post-op maps zero to zero. */
static gboolean
keeps_zero (const UnetPostOp *op)
{
  switch (op->kind) {
    case UNET_POST_RELU:
    case UNET_POST_LEAKY_RELU:
    case UNET_POST_ELU:
    case UNET_POST_TANH:
    case UNET_POST_HARD_SWISH:
    case UNET_POST_SWISH:
    case UNET_POST_GELU_ERF:
      return TRUE;
    case UNET_POST_CLIP:
      return op->alpha <= 0 && op->beta >= 0;
    default:
      return FALSE;
  }
}

gboolean
unet_deconv_find_product (const UnetPlan *plan, const UnetNode *node,
    const UnetWindow *window, UnetMemLayout layout, UnetDeconvProduct *product)
{
  const gint64 *d = unet_node_input (node, 1)->dims;

  if (!unet_window_is_depth_to_space (window))
    return FALSE;
  *product = (UnetDeconvProduct){ (UnetNode *) node, window->kernel[0], d[0],
    d[1], d[1], FALSE };
  product->packed = layout == UNET_MEM_PLAIN
      || (layout == UNET_MEM_BLOCKED
          && d[1] * window->kernel[0] * window->kernel[0] <= plan->block
          && !plan->slots[unet_node_output (node, 0)->id].parent);
  if (layout == UNET_MEM_BLOCKED && !product->packed)
    product->group = (d[1] + plan->block - 1) / plan->block * plan->block;
  if (product->packed) /* The post-ops follow in PLAIN, whatever they are. */
    return TRUE;
  for (guint i = 0; i < node->post_ops->len; i++) {
    UnetPostOp *op = &g_array_index (node->post_ops, UnetPostOp, i);
    UnetEltwise e;

    if (!unet_eltwise_for (op, &e)
        || (product->group != product->oc && !keeps_zero (op)))
      return FALSE;
  }
  return TRUE;
}

gboolean
unet_deconv_is_product (
    const UnetPlan *plan, const UnetNode *node, UnetMemLayout layout)
{
  UnetWindow window;
  UnetDeconvProduct product;

  return unet_node_has_f32_weights (node)
      && unet_node_window (plan->graph, node, &window, NULL)
      && unet_deconv_find_product (plan, node, &window, layout, &product);
}

gboolean
unet_deconv_stays_in_blocks (const UnetPlan *plan, const UnetNode *node)
{
  UnetWindow window;
  UnetDeconvProduct product;

  return plan->layouts[node->index] == UNET_MEM_BLOCKED
      && unet_node_has_f32_weights (node)
      && unet_node_window (plan->graph, node, &window, NULL)
      && unet_deconv_find_product (
          plan, node, &window, UNET_MEM_BLOCKED, &product)
      && product.r == 2 && !product.packed;
}
