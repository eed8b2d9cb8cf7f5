/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/choose/winograd-fusion.h"
#include "engine/cost/conv.h"
#include "engine/cost/deconv.h"
#include "engine/cost/op-layouts.h"
#include "engine/cost/pool.h"
#include "engine/cost/winograd-sources.h"
#include "graph/analysis/query.h"

static gboolean
has_post_op_on (const UnetNode *node, const UnetValue *value)
{
  for (guint i = 0; i < node->post_ops->len; i++)
    if (g_array_index (node->post_ops, UnetPostOp, i).value == value)
      return TRUE;
  return FALSE;
}

/* ---- behind the convolution ---------------------------------------------- */

static gboolean
is_pool2 (UnetPlan *plan, UnetNode *node, const UnetValue *in)
{
  dnnl_alg_kind_t alg;
  UnetDnnlWindow w;

  if ((node->op != UNET_OP_MaxPool && node->op != UNET_OP_AveragePool)
      || unet_node_input (node, 0) != in || unet_node_output (node, 1)
      || plan->layouts[node->index] != UNET_MEM_BLOCKED
      || !unet_pool_window (plan, node, &w, &alg, NULL))
    return FALSE;
  return unet_pool_window_is_2x2 (&w);
}

/* Output channels of a head. Each costs a product and the sum of a vector's
 * lanes for every pixel and block; with more of them a separate convolution is
 * as fast. */
#define MOST_HEADS 8

/* Returns whether all readers of @value read PLAIN. */
static gboolean
is_read_plain (const UnetPlan *plan, const UnetValue *value)
{
  for (guint i = 0; i < value->consumers->len; i++) {
    const UnetNode *reader = g_ptr_array_index (value->consumers, i);

    if (unet_node_reads (plan, reader, plan->layouts[reader->index])
        != UNET_MEM_PLAIN)
      return FALSE;
  }
  return TRUE;
}

/* Returns whether a post-op of @node reads a computed value. It may not exist
 * yet when the fused step runs. */
static gboolean
has_operands (const UnetNode *node)
{
  for (guint i = 0; i < node->post_ops->len; i++) {
    UnetValue *v = g_array_index (node->post_ops, UnetPostOp, i).value;

    if (v && !v->constant)
      return TRUE;
  }
  return FALSE;
}

static gboolean
is_head (const UnetPlan *plan, const UnetNode *node, const UnetValue *in)
{
  UnetMemLayout layout = plan->layouts[node->index];
  UnetValue *out = unet_node_output (node, 0);
  UnetWindow w;

  return node->op == UNET_OP_Conv && unet_node_input (node, 0) == in
      && !has_operands (node) && unet_node_has_f32_weights (node)
      && !unet_node_is_exact (node) && layout != UNET_MEM_LOW
      && out->dims[1] <= MOST_HEADS
      && (unet_node_writes (plan, node, layout) == UNET_MEM_PLAIN
          || is_read_plain (plan, out))
      && unet_node_window (plan->graph, node, &w, NULL) && w.n == 2
      && w.group == 1 && w.kernel[0] == 1 && w.kernel[1] == 1
      && w.stride[0] == 1 && w.stride[1] == 1 && out->dims[2] == in->dims[2]
      && out->dims[3] == in->dims[3] && w.pad_begin[0] == 0
      && w.pad_begin[1] == 0;
}

void
unet_winograd_find_fusion (UnetPlan *plan, UnetNode *node, gint64 block,
    guint n_post_ops, UnetWinogradFusion *fusion)
{
  UnetValue *out = unet_node_output (node, 0);

  *fusion = (UnetWinogradFusion){ NULL, NULL, FALSE };
  /* Steps behind the convolution change the result before it is read. */
  if (n_post_ops < node->post_ops->len)
    return;
  for (guint i = 0; i < out->consumers->len; i++) {
    UnetNode *reader = g_ptr_array_index (out->consumers, i);

    if (!fusion->pool && is_pool2 (plan, reader, out))
      fusion->pool = reader;
    else if (!fusion->head && block > 0 && is_head (plan, reader, out))
      fusion->head = reader;
  }
  fusion->unread = (fusion->pool != NULL) + (fusion->head != NULL)
          == out->consumers->len
      && out->consumers->len > 0 && !unet_graph_is_output (plan->graph, out)
      && !plan->histograms;
}

/* ---- before the convolution ---------------------------------------------- */

static gboolean
is_read_by_winograd (UnetPlan *plan, UnetNode *node, const UnetValue *value)
{
  return node->op == UNET_OP_Conv && unet_node_input (node, 0) == value
      && !has_post_op_on (node, value)
      && plan->layouts[node->index] == UNET_MEM_BLOCKED
      && (unet_conv_has_fused_input (plan, node)
          || unet_conv_choose (plan, node, UNET_MEM_BLOCKED)->kernel
              == UNET_CONV_WINOGRAD);
}

/* Returns whether all inputs of @concat lie in whole blocks; only the last
 * block may have empty lanes. */
static gboolean
are_blocks (const UnetPlan *plan, const UnetNode *concat)
{
  guint n = concat->inputs->len;

  for (guint i = 0; i < n; i++) {
    UnetValue *v = unet_node_input (concat, i);

    if (v->constant || !unet_value_fits (plan, v, UNET_MEM_BLOCKED)
        || (i + 1 < n ? v->dims[1] % plan->block != 0
                      : v->dims[1] * 4 <= plan->block))
      return FALSE;
  }
  return n <= UNET_WINOGRAD_SOURCES;
}

static gboolean
needs_no_concat (UnetPlan *plan, UnetNode *node)
{
  UnetValue *out = unet_node_output (node, 0);
  gint64 axis = unet_node_attr_int (node, "axis", 1);

  if (node->op != UNET_OP_Concat || out->n_dims != 4
      || (axis != 1 && axis != -3) || node->post_ops->len > 0
      || plan->layouts[node->index] != UNET_MEM_BLOCKED
      || unet_graph_is_output (plan->graph, out) || out->consumers->len == 0
      || !are_blocks (plan, node))
    return FALSE;
  for (guint i = 0; i < out->consumers->len; i++)
    if (!is_read_by_winograd (plan, g_ptr_array_index (out->consumers, i), out))
      return FALSE;
  return TRUE;
}

static void
skip_concat (UnetPlan *plan, UnetNode *node)
{
  UnetValue *out = unet_node_output (node, 0);

  plan->fused_inputs[out->id].not_materialised = TRUE;
  for (guint i = 0; i < node->inputs->len; i++) {
    gint *last = &plan->last_reader[unet_node_input (node, i)->id];

    *last = MAX (*last, plan->last_reader[out->id]);
  }
}

static gboolean
needs_no_depth_to_space (UnetPlan *plan, UnetNode *node)
{
  UnetValue *out = unet_node_output (node, 0);

  if (node->op != UNET_OP_ConvTranspose
      || unet_graph_is_output (plan->graph, out) || out->consumers->len == 0
      || !unet_deconv_stays_in_blocks (plan, node))
    return FALSE;
  for (guint i = 0; i < out->consumers->len; i++) {
    UnetNode *reader = g_ptr_array_index (out->consumers, i);
    UnetValue *made = unet_node_output (reader, 0);

    if (!(reader->op == UNET_OP_Concat
            && plan->fused_inputs[made->id].not_materialised)
        && !is_read_by_winograd (plan, reader, out))
      return FALSE;
  }
  return TRUE;
}

/* Calibration makes a histogram of every value, so that it needs them all. */
void
unet_plan_find_fused_inputs (UnetPlan *plan)
{
  GPtrArray *nodes = plan->graph->nodes;

  for (guint i = 0; !plan->histograms && i < nodes->len; i++)
    if (needs_no_concat (plan, g_ptr_array_index (nodes, i)))
      skip_concat (plan, g_ptr_array_index (nodes, i));
  for (guint i = 0; !plan->histograms && i < nodes->len; i++) {
    UnetNode *node = g_ptr_array_index (nodes, i);

    if (needs_no_depth_to_space (plan, node))
      plan->fused_inputs[unet_node_output (node, 0)->id].before_depth_to_space =
          TRUE;
  }
}
