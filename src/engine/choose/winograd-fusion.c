/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/choose/int8.h"
#include "engine/run/plan.h"

/* What follows a Winograd convolution and is done where its result is made:
 * a tile of it is in registers, the whole of it hardly ever in a cache. And
 * what goes before it and is left out, since the input transform reads pixels
 * from wherever they lie. */

static gboolean
has_post_op_on (const UnetNode *node, const UnetValue *value)
{
  for (guint i = 0; i < node->post_ops->len; i++)
    if (g_array_index (node->post_ops, UnetPostOp, i).value == value)
      return TRUE;
  return FALSE;
}

/* ---- what the output transform does as well ---------------------------------
 */

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

/* Each head costs a product and the sum of a vector's lanes for every pixel
 * and block: beyond a few, a convolution of its own is as quick. */
#define MOST_HEADS 8

/* Are rows what @value's readers want? */
static gboolean
is_read_in_rows (const UnetPlan *plan, const UnetValue *value)
{
  for (guint i = 0; i < value->consumers->len; i++) {
    const UnetNode *reader = g_ptr_array_index (value->consumers, i);

    if (unet_node_reads (plan, reader, plan->layouts[reader->index])
        != UNET_MEM_PLAIN)
      return FALSE;
  }
  return TRUE;
}

/* Its post-ops come with it, before other nodes have run. */
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
      && !has_operands (node) && unet_conv_is_constant (node)
      && !unet_node_is_exact (node) && layout != UNET_MEM_NARROW
      && out->dims[1] <= MOST_HEADS
      && (unet_node_writes (plan, node, layout) == UNET_MEM_PLAIN
          || is_read_in_rows (plan, out))
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
  if (n_post_ops < node->post_ops->len) /* which change what would be read */
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

/* ---- what the input transform reads ---------------------------------------
 */

static gboolean
is_read_by_winograd (UnetPlan *plan, UnetNode *node, const UnetValue *value)
{
  return node->op == UNET_OP_Conv && unet_node_input (node, 0) == value
      && !has_post_op_on (node, value)
      && plan->layouts[node->index] == UNET_MEM_BLOCKED
      && (unet_winograd_is_fed (plan, node)
          || unet_conv_is_winograd (plan, node));
}

/* In blocks of their own, of which only the last may have empty lanes. */
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
may_stay_apart (UnetPlan *plan, UnetNode *node)
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
keep_apart (UnetPlan *plan, UnetNode *node)
{
  UnetValue *out = unet_node_output (node, 0);

  plan->feeds[out->id].apart = TRUE;
  for (guint i = 0; i < node->inputs->len; i++) {
    gint *last = &plan->node_index_of_value[unet_node_input (node, i)->id];

    *last = MAX (*last, plan->node_index_of_value[out->id]);
  }
}

static gboolean
may_stay_unspread (UnetPlan *plan, UnetNode *node)
{
  UnetValue *out = unet_node_output (node, 0);

  if (node->op != UNET_OP_ConvTranspose
      || unet_graph_is_output (plan->graph, out) || out->consumers->len == 0
      || !unet_deconv_spreads_blocks (plan, node))
    return FALSE;
  for (guint i = 0; i < out->consumers->len; i++) {
    UnetNode *reader = g_ptr_array_index (out->consumers, i);
    UnetValue *made = unet_node_output (reader, 0);

    if (!(reader->op == UNET_OP_Concat && plan->feeds[made->id].apart)
        && !is_read_by_winograd (plan, reader, out))
      return FALSE;
  }
  return TRUE;
}

/* Histograms are made of every value: then none is left out. */
void
unet_plan_find_feeds (UnetPlan *plan)
{
  GPtrArray *nodes = plan->graph->nodes;

  for (guint i = 0; !plan->histograms && i < nodes->len; i++)
    if (may_stay_apart (plan, g_ptr_array_index (nodes, i)))
      keep_apart (plan, g_ptr_array_index (nodes, i));
  for (guint i = 0; !plan->histograms && i < nodes->len; i++) {
    UnetNode *node = g_ptr_array_index (nodes, i);

    if (may_stay_unspread (plan, node))
      plan->feeds[unet_node_output (node, 0)->id].spread = TRUE;
  }
}

gboolean
unet_winograd_is_fed (const UnetPlan *plan, const UnetNode *node)
{
  const UnetFeed *feed = &plan->feeds[unet_node_input (node, 0)->id];

  return node->op == UNET_OP_Conv && (feed->apart || feed->spread);
}

gboolean
unet_node_reads_apart (
    const UnetPlan *plan, const UnetNode *node, const UnetValue *value)
{
  UnetValue *in = node->inputs->len > 0 ? unet_node_input (node, 0) : NULL;

  if (!in || !plan->feeds[in->id].apart)
    return FALSE;
  for (guint i = 0; i < in->producer->inputs->len; i++)
    if (unet_node_input (in->producer, i) == value)
      return TRUE;
  return FALSE;
}

void
unet_winograd_feeds (
    const UnetPlan *plan, const UnetNode *node, UnetFeeds *feeds)
{
  UnetValue *in = unet_node_input (node, 0);
  const UnetNode *concat = plan->feeds[in->id].apart ? in->producer : NULL;

  feeds->n = concat ? concat->inputs->len : 1;
  for (guint i = 0; i < feeds->n; i++) {
    feeds->values[i] = concat ? unet_node_input (concat, i) : in;
    feeds->spread[i] = plan->feeds[feeds->values[i]->id].from;
  }
}
