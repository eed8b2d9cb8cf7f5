/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/choose/layouts.h"
#include "engine/cost/conv.h"
#include "engine/cost/conv-few-channels.h"
#include "engine/cost/deconv.h"
#include "engine/cost/op-layouts.h"
#include "engine/run/int8-layout.h"
#include <string.h>

/* The search for the layout of each node. Every layout of every convolution has
 * a time; moves cost their bytes. Changing one node alone seldom gains, because
 * both its neighbours then need a reorder. So whole levels of the network (all
 * nodes of one picture size) are tried first, then single nodes. */

/* Bytes that moves and pointwise steps read and write in a nanosecond. */
#define BYTES_PER_NS 12

typedef struct {
  UnetPlan *plan;
  guint n;
  guint64 (*cost)[UNET_N_MEM]; /* nanoseconds, by node and layout */
  UnetNode **nodes;
} Search;

/* ---- costs --------------------------------------------------------------- */

static guint64
value_cost (const UnetPlan *plan, const UnetValue *value, UnetMemLayout layout)
{
  return unet_plan_value_bytes (plan, value, layout) / BYTES_PER_NS;
}

static guint64
move_cost (const UnetPlan *plan, const UnetNode *node, UnetMemLayout layout)
{
  guint64 ns = value_cost (plan, unet_node_output (node, 0), layout);

  for (guint i = 0; i < node->inputs->len; i++) {
    UnetValue *v = unet_node_input (node, i);
    if (v && !v->constant && unet_value_fits (plan, v, layout))
      ns += value_cost (plan, v, layout);
  }
  return ns;
}

/* Concatenations of whole blocks, or in PLAIN, cost nothing. */
static guint64
concat_cost (const UnetPlan *plan, const UnetNode *node, UnetMemLayout layout)
{
  if (unet_node_output (node, 0)->dims[0] != 1)
    return move_cost (plan, node, layout);
  for (guint i = 0; layout == UNET_MEM_BLOCKED && i + 1 < node->inputs->len;
       i++)
    if (unet_node_input (node, i)->dims[1] % plan->block != 0)
      return move_cost (plan, node, layout);
  return 0;
}

/* The cost of moving a thin result from blocks to PLAIN. */
static guint64
thin_cost (const UnetPlan *plan, const UnetNode *node, UnetMemLayout layout)
{
  UnetValue *out = unet_node_output (node, 0);

  if (layout != UNET_MEM_BLOCKED || !unet_value_has_few_channels (plan, out))
    return 0;
  return value_cost (plan, out, UNET_MEM_BLOCKED)
      + value_cost (plan, out, UNET_MEM_PLAIN);
}

static guint64
node_cost (UnetPlan *plan, UnetNode *node, UnetMemLayout layout)
{
  if (unet_node_is_low_precision (plan, node))
    return layout == UNET_MEM_LOW ? 0 : UNET_TIME_NEVER;
  if (!(unet_node_layouts (plan, node) & 1u << layout)
      || (layout == UNET_MEM_NHWC && (node->op != UNET_OP_Conv || !plan->avx2)))
    return UNET_TIME_NEVER;
  switch (node->op) {
    case UNET_OP_Conv:
      if (layout == UNET_MEM_NHWC
          && !unet_conv_is_slow (plan, node, UNET_MEM_BLOCKED))
        return UNET_TIME_NEVER;
      if (layout == UNET_MEM_PLAIN && unet_conv_is_slow (plan, node, layout))
        return UNET_TIME_NEVER;
      return unet_conv_choose (plan, node, layout)->time
          + thin_cost (plan, node, layout);
    case UNET_OP_ConvTranspose:
      if (layout == UNET_MEM_PLAIN
          && !unet_deconv_is_product (plan, node, layout))
        return UNET_TIME_NEVER;
      return move_cost (plan, node, layout);
    case UNET_OP_Concat:
      return concat_cost (plan, node, layout);
    case UNET_OP_MaxPool:
    case UNET_OP_AveragePool:
    case UNET_OP_Resize:
    case UNET_OP_Upsample:
      /* Loads along the row that skip pixels do not vectorise. */
      return move_cost (plan, node, layout)
          * (layout == UNET_MEM_PLAIN ? 3 : 1);
    default:
      return move_cost (plan, node, layout);
  }
}

/* The cost of reorders of @value for readers that read it in another layout. */
static guint64
reorder_cost (
    const Search *s, const UnetValue *value, const UnetMemLayout *layout_of)
{
  UnetMemLayout lies = UNET_MEM_PLAIN;
  guint64 unpacking = 0;
  guint wanted = 0;

  if (value->constant || !unet_value_fits (s->plan, value, UNET_MEM_BLOCKED))
    return 0;
  if (value->producer)
    lies = unet_node_writes (
        s->plan, value->producer, layout_of[value->producer->index]);
  for (guint i = 0; i < value->consumers->len; i++) {
    UnetNode *c = g_ptr_array_index (value->consumers, i);
    UnetMemLayout reads = unet_node_reads (s->plan, c, layout_of[c->index]);

    if (reads != UNET_MEM_PLAIN || unet_node_input (c, 0) != value
        || !unet_few_channels_reads (s->plan, c, lies))
      wanted |= 1u << reads;
    else if (lies == UNET_MEM_BLOCKED)
      unpacking += value_cost (s->plan, value, UNET_MEM_BLOCKED) / 2;
  }
  if (unet_graph_is_output (s->plan->graph, value))
    wanted |= 1u << UNET_MEM_PLAIN;
  if (!(wanted & ~(1u << lies)))
    return unpacking;
  return value_cost (s->plan, value, UNET_MEM_PLAIN)
      + value_cost (s->plan, value, UNET_MEM_BLOCKED);
}

/* The part of total_cost() that depends on the layout of @node. */
static guint64
local_cost (
    const Search *s, const UnetNode *node, const UnetMemLayout *layout_of)
{
  guint64 ns = s->cost[node->index][layout_of[node->index]];

  for (guint i = 0; i < node->inputs->len; i++)
    if (unet_node_input (node, i))
      ns += reorder_cost (s, unet_node_input (node, i), layout_of);
  for (guint i = 0; i < node->post_ops->len; i++) {
    UnetPostOp *op = &g_array_index (node->post_ops, UnetPostOp, i);
    if (op->value)
      ns += reorder_cost (s, op->value, layout_of);
  }
  for (guint i = 0; i < node->outputs->len; i++)
    if (unet_node_output (node, i))
      ns += reorder_cost (s, unet_node_output (node, i), layout_of);
  return ns;
}

static guint64
total_cost (const Search *s, const UnetMemLayout *layout_of)
{
  guint64 ns = 0;

  for (guint i = 0; i < s->n; i++)
    ns += s->cost[i][layout_of[i]];
  for (guint i = 0; i < s->plan->graph->values->len; i++)
    ns += reorder_cost (
        s, g_ptr_array_index (s->plan->graph->values, i), layout_of);
  return ns;
}

/* ---- search -------------------------------------------------------------- */

static gboolean
same_level (const UnetNode *a, const UnetNode *b)
{
  UnetValue *x = unet_node_output (a, 0), *y = unet_node_output (b, 0);

  return x && y && x->n_dims == 4 && y->n_dims == 4 && x->dims[2] == y->dims[2]
      && x->dims[3] == y->dims[3];
}

/* Tries @layout for all nodes of the picture size of @like that have it. */
static void
flip_level (const Search *s, UnetMemLayout *layout_of, const UnetNode *like,
    UnetMemLayout layout)
{
  UnetMemLayout *trial = g_memdup2 (layout_of, s->n * sizeof *layout_of);

  for (guint i = 0; i < s->n; i++)
    if (same_level (s->nodes[i], like) && s->cost[i][layout] < UNET_TIME_NEVER)
      trial[i] = layout;
  if (total_cost (s, trial) < total_cost (s, layout_of))
    memcpy (layout_of, trial, s->n * sizeof *trial);
  g_free (trial);
}

static gboolean
is_first_of_level (const Search *s, guint index)
{
  for (guint i = 0; i < index; i++)
    if (same_level (s->nodes[i], s->nodes[index]))
      return FALSE;
  return TRUE;
}

static gboolean
refine_node (const Search *s, UnetMemLayout *layout_of, guint i)
{
  UnetMemLayout best = layout_of[i], was = best;
  guint64 least = local_cost (s, s->nodes[i], layout_of);

  for (guint k = 0; k < UNET_N_MEM; k++) {
    guint64 ns;

    if (s->cost[i][k] >= UNET_TIME_NEVER)
      continue;
    layout_of[i] = k;
    ns = local_cost (s, s->nodes[i], layout_of);
    if (ns < least) {
      least = ns;
      best = k;
    }
  }
  layout_of[i] = best;
  return best != was;
}

static gboolean
refine (const Search *s, UnetMemLayout *layout_of)
{
  gboolean changed = FALSE;

  for (guint i = 0; i < s->n; i++)
    changed |= refine_node (s, layout_of, i);
  return changed;
}

static void
search (const Search *s, UnetMemLayout *layout_of)
{
  for (guint i = 0; i < s->n; i++)
    if (is_first_of_level (s, i)) {
      flip_level (s, layout_of, s->nodes[i], UNET_MEM_PLAIN);
      flip_level (s, layout_of, s->nodes[i], UNET_MEM_BLOCKED);
    }
  for (guint round = 0; round < 4 && refine (s, layout_of); round++)
    ;
}

/* ---- rules --------------------------------------------------------------- */

/* Returns whether so few channels are read and written that blocks would be
 * mostly empty. */
static gboolean
is_thin (const UnetPlan *plan, const UnetNode *node)
{
  return unet_value_has_few_channels (plan, unet_node_input (node, 0))
      && unet_value_has_few_channels (plan, unet_node_output (node, 0));
}

static UnetMemLayout
layout_by_rule (UnetPlan *plan, UnetNode *node)
{
  if (unet_node_is_low_precision (plan, node))
    return UNET_MEM_LOW;
  if (!(unet_node_layouts (plan, node) & 1u << UNET_MEM_BLOCKED)
      || is_thin (plan, node))
    return UNET_MEM_PLAIN;
  if (node->op != UNET_OP_Conv
      || !unet_conv_is_slow (plan, node, UNET_MEM_BLOCKED))
    return UNET_MEM_BLOCKED;
  return plan->avx2 && unet_conv_is_slow (plan, node, UNET_MEM_PLAIN)
      ? UNET_MEM_NHWC
      : UNET_MEM_PLAIN;
}

static void
choose_by_rule (UnetPlan *plan)
{
  for (guint i = 0; i < plan->graph->nodes->len; i++)
    plan->layouts[i] =
        layout_by_rule (plan, g_ptr_array_index (plan->graph->nodes, i));
}

void
unet_plan_choose_layouts (UnetPlan *plan)
{
  Search s = { plan, plan->graph->nodes->len, NULL, NULL };

  choose_by_rule (plan);
  if (plan->options.tuning != UNET_TUNING_MEASURE)
    return;
  s.nodes = (UnetNode **) plan->graph->nodes->pdata;
  s.cost = g_malloc_n (s.n + 1, sizeof *s.cost);
  for (guint i = 0; i < s.n; i++)
    for (guint k = 0; k < UNET_N_MEM; k++)
      s.cost[i][k] = node_cost (plan, s.nodes[i], k);
  search (&s, plan->layouts);
  g_free (s.cost);
}
