/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "narrow.h"
#include "plan.h"

/* What follows a Winograd convolution and is done where its result is made:
 * a tile of it is in registers, the whole of it hardly ever in a cache. */

/* 2x2 pixels become one, the odd row or column at the end none. */
static gboolean
is_pool2 (UnetPlan *plan, UnetNode *node, const UnetValue *in)
{
  dnnl_alg_kind_t alg;
  UnetDnnlWindow w;
  gboolean two;

  if ((node->op != UNET_OP_MaxPool && node->op != UNET_OP_AveragePool)
      || unet_node_input (node, 0) != in || unet_node_output (node, 1)
      || plan->layouts[node->index] != UNET_MEM_BLOCKED
      || !unet_pool_window (plan, node, &w, &alg, NULL))
    return FALSE;
  two = w.n == 2;
  for (guint i = 0; two && i < 2; i++)
    two = w.kernel[i] == 2 && w.stride[i] == 2 && w.dilation[i] == 1
        && w.pad_begin[i] == 0 && w.pad_end[i] <= 0;
  return two;
}

void
unet_winograd_find_fusion (UnetPlan *plan, UnetNode *node, guint n_post_ops,
    UnetWinogradFusion *fusion)
{
  UnetValue *out = unet_node_output (node, 0);

  *fusion = (UnetWinogradFusion){ NULL, FALSE };
  if (n_post_ops < node->post_ops->len) /* which change what would be read */
    return;
  for (guint i = 0; !fusion->pool && i < out->consumers->len; i++) {
    UnetNode *reader = g_ptr_array_index (out->consumers, i);

    if (is_pool2 (plan, reader, out))
      fusion->pool = reader;
  }
  fusion->unread = fusion->pool && out->consumers->len == 1
      && !unet_graph_is_output (plan->graph, out) && !plan->histograms;
}
