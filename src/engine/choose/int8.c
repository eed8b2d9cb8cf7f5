/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/choose/int8.h"
#include <math.h>

/* Which nodes compute in narrow numbers, and on which scales. */

/* ---- questions ----------------------------------------------------------- */

gboolean
unet_node_is_narrow (const UnetPlan *plan, const UnetNode *node)
{
  return plan->is_narrow && plan->is_narrow[node->index];
}

static const UnetNarrowValue *
narrow_of (const UnetPlan *plan, const UnetValue *value)
{
  return &plan->narrow[value->id];
}

gboolean
unet_narrow_same (const UnetPlan *plan, const UnetValue *a, const UnetValue *b)
{
  return narrow_of (plan, a)->type == narrow_of (plan, b)->type
      && narrow_of (plan, a)->scale == narrow_of (plan, b)->scale;
}

gboolean
unet_narrow_limits (UnetNarrowValue value, const UnetPostOp *op)
{
  if (value.type != UNET_NARROW_U8)
    return FALSE;
  return op->kind == UNET_POST_RELU
      || (op->kind == UNET_POST_CLIP && op->alpha == 0
          && op->beta >= 254.5f * value.scale);
}

/* Channels from one pixel to the next: of the tensor that it is part of. */
static gint64
pixel_step (const UnetPlan *plan, const UnetValue *value)
{
  const UnetHome *home = &plan->homes[value->id];

  return home->parent && home->layout == UNET_MEM_NARROW ? home->parent->dims[1]
                                                         : value->dims[1];
}

UnetPixels
unet_narrow_pixels (const UnetPlan *plan, const UnetValue *value)
{
  gint64 step = pixel_step (plan, value);

  return (UnetPixels){ step, step * value->dims[3],
    step * value->dims[3] * value->dims[2] };
}

UnetMd
unet_narrow_md (const UnetPlan *plan, const UnetValue *value)
{
  const dnnl_data_type_t types[] = { dnnl_data_type_undef, dnnl_u8, dnnl_s8,
    dnnl_bf16 };
  UnetPixels p = unet_narrow_pixels (plan, value);
  gint64 strides[] = { p.image, 1, p.row, p.pixel };

  return unet_md_new_strides (
      4, value->dims, types[narrow_of (plan, value)->type], strides);
}

gboolean
unet_narrow_can_place (const UnetPlan *plan, const UnetNode *node)
{
  if (!unet_node_is_narrow (plan, node))
    return FALSE;
  switch (node->op) {
    case UNET_OP_ConvTranspose:
      return unet_narrow_conv_spreads (plan, node);
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

static gboolean
is_conv (const UnetNode *node)
{
  return node->op == UNET_OP_Conv || node->op == UNET_OP_ConvTranspose;
}

/* Global pools and factors of channels are small floats. */
static gboolean
is_global_pool (const UnetNode *node)
{
  return node->op == UNET_OP_GlobalAveragePool
      || node->op == UNET_OP_GlobalMaxPool || node->op == UNET_OP_ReduceMean
      || node->op == UNET_OP_ReduceMax;
}

static gboolean
has_narrow_reader (const UnetPlan *plan, const UnetValue *value)
{
  for (guint i = 0; i < value->consumers->len; i++) {
    const UnetNode *c = g_ptr_array_index (value->consumers, i);

    if (unet_node_is_narrow (plan, c)
        && !(c->op == UNET_OP_Mul && unet_node_input (c, 0) != value))
      return TRUE;
  }
  return FALSE;
}

gboolean
unet_narrow_writes_floats (const UnetPlan *plan, const UnetNode *node)
{
  const UnetValue *out = unet_node_output (node, 0);

  if (is_global_pool (node))
    return TRUE;
  return is_conv (node) && !has_sum (node)
      && (unet_graph_is_output (plan->graph, out)
          || !has_narrow_reader (plan, out));
}

/* ---- scales -------------------------------------------------------------- */

/* Values that share a scale, as a forest: a value's parent is its scale's
 * owner, or nearer to it. */
typedef struct {
  UnetPlan *plan;
  guint *parent;
  UnetRange *range; /* of the owner: of all its values */
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

/* Parts of a concatenation are copied as they are where that costs at most a
 * bit of any of them; others are converted on the way. */
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
      && unet_value_fits (plan, value, UNET_MEM_NARROW);
}

static UnetNarrowValue
byte_for (const UnetRange *range)
{
  gboolean is_signed = range->low < 0;
  gfloat scale = largest (range) / (is_signed ? 127 : 255);

  return (UnetNarrowValue){ is_signed ? UNET_NARROW_S8 : UNET_NARROW_U8,
    scale > 1e-30f ? scale : 1.0f };
}

static gboolean
find_range (const UnetPlan *plan, const UnetValue *value, UnetRange *range)
{
  const UnetRange *known = NULL;

  if (plan->narrowing->ranges)
    known = g_hash_table_lookup (plan->narrowing->ranges, value->name);
  *range = known ? *known : (UnetRange){ value->low, value->high };
  return (known || (!plan->narrowing->ranges && value->has_range))
      && can_hold (plan, value);
}

static void
assign_bytes (UnetPlan *plan)
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
      plan->narrow[i] = byte_for (&s.range[owner (&s, i)]);
  g_free (known);
  g_free (s.parent);
  g_free (s.range);
}

static void
assign_bf16 (UnetPlan *plan)
{
  for (guint i = 0; i < plan->graph->values->len; i++)
    if (can_hold (plan, g_ptr_array_index (plan->graph->values, i)))
      plan->narrow[i] = (UnetNarrowValue){ UNET_NARROW_BF16, 1.0f };
}

/* ---- nodes --------------------------------------------------------------- */

static gboolean
is_wide (const UnetPlan *plan, const UnetNode *node)
{
  return plan->narrowing->wide
      && g_hash_table_contains (plan->narrowing->wide, node->name);
}

static gboolean
node_suits (UnetPlan *plan, UnetNode *node)
{
  UnetValue *out = unet_node_output (node, 0), *in = unet_node_input (node, 0);

  if (!out || !in || unet_node_output (node, 1) || is_wide (plan, node)
      || unet_node_is_exact (node) || !narrow_of (plan, in)->type
      || (!narrow_of (plan, out)->type && !is_global_pool (node)))
    return FALSE;
  if (is_conv (node))
    return out->dims[2] * out->dims[3] > 1
        && unet_narrow_conv_suits (plan, node);
  return unet_narrow_move_suits (plan, node)
      && !(unet_graph_is_output (plan->graph, out) && !is_global_pool (node));
}

/* Does a narrow convolution come of it? What is left after the last one is
 * the result and keeps its digits. */
static gboolean
leads_to_conv (const UnetPlan *plan, const UnetNode *node, gboolean *leads)
{
  for (guint k = 0; k < node->outputs->len; k++) {
    UnetValue *out = unet_node_output (node, k);

    for (guint i = 0; out && i < out->consumers->len; i++) {
      const UnetNode *c = g_ptr_array_index (out->consumers, i);

      if (leads[c->index] || (is_conv (c) && plan->is_narrow[c->index]))
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
    if (!leads[i] && !is_conv (node))
      plan->is_narrow[i] = FALSE;
  }
  g_free (leads);
}

static gboolean
has_narrow_source (const UnetPlan *plan, const UnetNode *node)
{
  for (guint i = 0; i < node->inputs->len; i++) {
    const UnetValue *in = unet_node_input (node, i);

    if (in && in->producer && unet_node_is_narrow (plan, in->producer)
        && !unet_narrow_writes_floats (plan, in->producer))
      return TRUE;
  }
  return FALSE;
}

/* A move between floats stays a move of floats. */
static gboolean
drop_lonely (UnetPlan *plan)
{
  gboolean changed = FALSE;

  for (guint i = 0; i < plan->graph->nodes->len; i++) {
    UnetNode *node = g_ptr_array_index (plan->graph->nodes, i);

    if (!plan->is_narrow[i] || is_conv (node))
      continue;
    if (!has_narrow_source (plan, node)
        || (!is_global_pool (node)
            && !has_narrow_reader (plan, unet_node_output (node, 0)))) {
      plan->is_narrow[i] = FALSE;
      changed = TRUE;
    }
  }
  return changed;
}

void
unet_plan_choose_narrow (UnetPlan *plan)
{
  guint n = plan->graph->nodes->len;

  plan->narrow = g_new0 (UnetNarrowValue, plan->graph->values->len + 1);
  if (plan->narrowing->bf16)
    assign_bf16 (plan);
  else
    assign_bytes (plan);
  plan->is_narrow = g_new0 (gboolean, n + 1);
  for (guint i = 0; i < n; i++) {
    UnetNode *node = g_ptr_array_index (plan->graph->nodes, i);
    plan->is_narrow[i] = node_suits (plan, node);
  }
  drop_tail (plan);
  while (drop_lonely (plan))
    ;
}
