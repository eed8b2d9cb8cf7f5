/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/choose/int8.h"
#include "engine/cost/int8-suits.h"
#include "engine/run/int8-layout.h"
#include "graph/analysis/query.h"

/* ---- scales -------------------------------------------------------------- */

/* Values that share a scale, as a forest: the parent of a value is the owner of
 * its scale, or nearer to it. */
typedef struct {
  UnetPlan *plan;
  guint *parent;
  UnetRange *range; /* of an owner: the range of all its values */
} Scales;

static guint
owner (Scales *s, guint id)
{
  while (s->parent[id] != id)
    id = s->parent[id] = s->parent[s->parent[id]];
  return id;
}

static void
share (Scales *s, const UnetValue *a, const UnetValue *b)
{
  guint x = owner (s, a->id), y = owner (s, b->id);

  if (x == y)
    return;
  s->parent[y] = x;
  s->range[x].low = MIN (s->range[x].low, s->range[y].low);
  s->range[x].high = MAX (s->range[x].high, s->range[y].high);
}

static gfloat
largest (const UnetRange *range)
{
  return MAX (range->high, -range->low);
}

/* Parts of a concatenation share its scale where that costs a part at most one
 * bit; others are converted on the way. */
static void
share_concat (Scales *s, const UnetNode *node)
{
  UnetValue *out = unet_node_output (node, 0);

  for (guint i = 0; i < node->inputs->len; i++) {
    UnetValue *in = unet_node_input (node, i);
    UnetRange a = s->range[owner (s, in->id)];
    UnetRange b = s->range[owner (s, out->id)];

    if ((a.low < 0) == (b.low < 0) && largest (&a) * 2 >= largest (&b))
      share (s, out, in);
  }
}

static void
share_scales (Scales *s)
{
  for (guint i = 0; i < s->plan->graph->nodes->len; i++) {
    UnetNode *node = g_ptr_array_index (s->plan->graph->nodes, i);

    switch (node->op) {
      case UNET_OP_MaxPool:
      case UNET_OP_AveragePool:
      case UNET_OP_Resize:
      case UNET_OP_Upsample:
      case UNET_OP_Slice:
      case UNET_OP_Pad:
        share (s, unet_node_input (node, 0), unet_node_output (node, 0));
        break;
      default:
        break;
    }
  }
  for (guint i = 0; i < s->plan->graph->nodes->len; i++) {
    UnetNode *node = g_ptr_array_index (s->plan->graph->nodes, i);

    if (node->op == UNET_OP_Concat)
      share_concat (s, node);
  }
}

static gboolean
can_hold (const UnetPlan *plan, const UnetValue *value)
{
  return value->n_dims == 4 && !value->constant
      && unet_value_fits (plan, value, UNET_MEM_LOW);
}

static UnetLowValue
int8_for (const UnetRange *range)
{
  gboolean is_signed = range->low < 0;
  gfloat scale = largest (range) / (is_signed ? 127 : 255);

  return (UnetLowValue){ is_signed ? UNET_ELEMENT_S8 : UNET_ELEMENT_U8,
    scale > 1e-30f ? scale : 1.0f };
}

static gboolean
find_range (const UnetPlan *plan, const UnetValue *value, UnetRange *range)
{
  const UnetRange *known = NULL;

  if (plan->low_precision->ranges)
    known = g_hash_table_lookup (plan->low_precision->ranges, value->name);
  *range = known ? *known : (UnetRange){ value->low, value->high };
  return (known || (!plan->low_precision->ranges && value->has_range))
      && can_hold (plan, value);
}

static void
assign_int8 (UnetPlan *plan)
{
  guint n = plan->graph->values->len;
  Scales s = { plan, g_new (guint, n), g_new0 (UnetRange, n) };
  gboolean *known = g_new0 (gboolean, n);

  for (guint i = 0; i < n; i++) {
    UnetValue *v = g_ptr_array_index (plan->graph->values, i);

    s.parent[i] = i;
    known[i] = find_range (plan, v, &s.range[i]);
    if (!known[i])
      s.range[i] = (UnetRange){ 0, 0 };
  }
  share_scales (&s);
  for (guint i = 0; i < n; i++)
    if (known[i])
      plan->low[i] = int8_for (&s.range[owner (&s, i)]);
  g_free (known);
  g_free (s.parent);
  g_free (s.range);
}

static void
assign_bf16 (UnetPlan *plan)
{
  for (guint i = 0; i < plan->graph->values->len; i++)
    if (can_hold (plan, g_ptr_array_index (plan->graph->values, i)))
      plan->low[i] = (UnetLowValue){ UNET_ELEMENT_BF16, 1.0f };
}

/* ---- nodes --------------------------------------------------------------- */

static gboolean
keeps_f32 (const UnetPlan *plan, const UnetNode *node)
{
  return plan->low_precision->keep_f32
      && g_hash_table_contains (plan->low_precision->keep_f32, node->name);
}

static gboolean
node_suits (UnetPlan *plan, UnetNode *node)
{
  UnetValue *out = unet_node_output (node, 0), *in = unet_node_input (node, 0);

  if (!out || !in || unet_node_output (node, 1) || keeps_f32 (plan, node)
      || unet_node_is_exact (node) || !unet_value_get_low (plan, in).type
      || (!unet_value_get_low (plan, out).type
          && !unet_node_is_global_pool (node)))
    return FALSE;
  if (unet_node_is_conv (node))
    return out->dims[2] * out->dims[3] > 1 && unet_int8_conv_suits (plan, node);
  return unet_int8_move_suits (plan, node)
      && !(unet_graph_is_output (plan->graph, out)
          && !unet_node_is_global_pool (node));
}

/* Returns whether a convolution in low precision depends on @node. Nodes behind
 * the last one compute the result and stay f32. */
static gboolean
leads_to_conv (const UnetPlan *plan, const UnetNode *node, gboolean *leads)
{
  for (guint k = 0; k < node->outputs->len; k++) {
    UnetValue *out = unet_node_output (node, k);

    for (guint i = 0; out && i < out->consumers->len; i++) {
      const UnetNode *c = g_ptr_array_index (out->consumers, i);

      if (leads[c->index] || (unet_node_is_conv (c) && plan->is_low[c->index]))
        return TRUE;
    }
  }
  return FALSE;
}

static void
drop_tail (UnetPlan *plan)
{
  gboolean *leads = g_new0 (gboolean, plan->graph->nodes->len + 1);

  for (guint i = plan->graph->nodes->len; i-- > 0;) {
    UnetNode *node = g_ptr_array_index (plan->graph->nodes, i);

    leads[i] = leads_to_conv (plan, node, leads);
    if (!leads[i] && !unet_node_is_conv (node))
      plan->is_low[i] = FALSE;
  }
  g_free (leads);
}

static gboolean
has_low_source (const UnetPlan *plan, const UnetNode *node)
{
  for (guint i = 0; i < node->inputs->len; i++) {
    const UnetValue *in = unet_node_input (node, i);

    if (in && in->producer && unet_node_is_low_precision (plan, in->producer)
        && !unet_int8_node_writes_f32 (plan, in->producer))
      return TRUE;
  }
  return FALSE;
}

/* A move between two f32 values stays f32. Returns whether a node changed. */
static gboolean
drop_lonely (UnetPlan *plan)
{
  gboolean changed = FALSE;

  for (guint i = 0; i < plan->graph->nodes->len; i++) {
    UnetNode *node = g_ptr_array_index (plan->graph->nodes, i);

    if (!plan->is_low[i] || unet_node_is_conv (node))
      continue;
    if (!has_low_source (plan, node)
        || (!unet_node_is_global_pool (node)
            && !unet_int8_has_reader (plan, unet_node_output (node, 0)))) {
      plan->is_low[i] = FALSE;
      changed = TRUE;
    }
  }
  return changed;
}

void
unet_plan_choose_low_precision (UnetPlan *plan)
{
  guint n = plan->graph->nodes->len;

  plan->low = g_new0 (UnetLowValue, plan->graph->values->len + 1);
  if (plan->low_precision->bf16)
    assign_bf16 (plan);
  else
    assign_int8 (plan);
  plan->is_low = g_new0 (gboolean, n + 1);
  for (guint i = 0; i < n; i++) {
    UnetNode *node = g_ptr_array_index (plan->graph->nodes, i);
    plan->is_low[i] = node_suits (plan, node);
  }
  drop_tail (plan);
  while (drop_lonely (plan))
    ;
}
