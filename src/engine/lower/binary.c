/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/lower/binary.h"
#include "engine/emit/locations.h"
#include "engine/emit/post-ops.h"
#include "engine/kernels/f32-broadcast.h"
#include "engine/lower/reference.h"
#include "engine/onednn/known-bugs.h"

static gboolean
binary_alg (UnetOp op, dnnl_alg_kind_t *alg, gboolean *commutes)
{
  *commutes = TRUE;
  switch (op) {
    case UNET_OP_Add:
      *alg = dnnl_binary_add;
      return TRUE;
    case UNET_OP_Mul:
      *alg = dnnl_binary_mul;
      return TRUE;
    case UNET_OP_Min:
      *alg = dnnl_binary_min;
      return TRUE;
    case UNET_OP_Max:
      *alg = dnnl_binary_max;
      return TRUE;
    case UNET_OP_Sub:
      *alg = dnnl_binary_sub;
      *commutes = FALSE;
      return TRUE;
    case UNET_OP_Div:
      *alg = dnnl_binary_div;
      *commutes = FALSE;
      return TRUE;
    default:
      return FALSE;
  }
}

/* Describes what the kernel for all broadcasts does. Returns %FALSE if it
 * cannot. */
static gboolean
describe_broadcast (
    const UnetNode *node, const UnetValue *b, UnetBroadcast *broadcast)
{
  const UnetValue *out = unet_node_output (node, 0);
  const guint lead = out->n_dims - MIN (b->n_dims, out->n_dims);
  gint64 other[UNET_BROADCAST_MAX_DIMS];
  UnetBroadcastOp op;

  switch (node->op) {
    case UNET_OP_Add:
      op = UNET_BROADCAST_ADD;
      break;
    case UNET_OP_Sub:
      op = UNET_BROADCAST_SUB;
      break;
    case UNET_OP_Mul:
      op = UNET_BROADCAST_MUL;
      break;
    case UNET_OP_Div:
      op = UNET_BROADCAST_DIV;
      break;
    default:
      return FALSE;
  }
  for (guint i = 0; i < out->n_dims; i++)
    other[i] = i < lead ? 1 : b->dims[i - lead];
  unet_broadcast_init (broadcast, op, out->n_dims, out->dims, other);
  return TRUE;
}

/* oneDNN has only its reference implementation for some broadcasts, which
 * computes one element at a time. */
static gboolean
emit_broadcast (UnetPlan *plan, UnetNode *node, const UnetBroadcast *broadcast,
    const UnetLoc *a, const UnetLoc *b, const UnetLoc *dst, GError **error)
{
  UnetValue *out = unet_node_output (node, 0);
  UnetStep *step = unet_plan_add_kernel (plan, node, unet_op_name (node->op),
      "unet:broadcast", unet_kernel_broadcast,
      g_memdup2 (broadcast, sizeof *broadcast), out, UNET_MEM_PLAIN);

  unet_step_operand (step, 0, a, FALSE);
  unet_step_operand (step, 0, b, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return unet_emit_post_ops (plan, node, 0, out, UNET_MEM_PLAIN, error);
}

static gboolean
emit_binary (UnetPlan *plan, UnetNode *node, dnnl_alg_kind_t alg,
    const UnetLoc *a, const UnetLoc *b, const UnetLoc *dst,
    const UnetBroadcast *broadcast, GError **error)
{
  UnetValue *out = unet_node_output (node, 0);
  UnetMemLayout layout = dst->layout;
  dnnl_primitive_desc_t pd = NULL;
  UnetAttrs attrs = { 0 };
  UnetStep *step = NULL;
  gchar *name;

  /* Only post-ops without operands are fused: reorders of operands would have
   * to come before this step. */
  for (gint n = node->post_ops->len; n >= 0 && !pd; n--) {
    if (!unet_attrs_init (&attrs, plan, node, n, layout, UNET_SUM_NEVER))
      continue;
    if (attrs.n_args > 0
        || !unet_pd_binary (
            &pd, plan->engine, alg, a->md, b->md, dst->md, attrs.attr)) {
      pd = NULL;
      unet_attrs_clear (&attrs);
    }
  }
  if (broadcast && (!pd || unet_pd_is_reference (pd))) {
    if (pd)
      dnnl_primitive_desc_destroy (pd);
    unet_attrs_clear (&attrs);
    return emit_broadcast (plan, node, broadcast, a, b, dst, error);
  }
  if (!pd) {
    unet_plan_set_error (error, plan, node, "oneDNN cannot broadcast so");
    return FALSE;
  }
  name = unet_node_describe (node, attrs.n);
  step = unet_plan_add_primitive (plan, node, name, pd, out, layout, error);
  g_free (name);
  unet_attrs_clear (&attrs);
  if (!step)
    return FALSE;
  unet_step_operand (step, DNNL_ARG_SRC_0, a, FALSE);
  unet_step_operand (step, DNNL_ARG_SRC_1, b, FALSE);
  unet_step_operand (step, DNNL_ARG_DST, dst, TRUE);
  return unet_emit_post_ops (plan, node, attrs.n, out, layout, error);
}

static gboolean
binary_is_simple (
    UnetNode *node, UnetValue **a, UnetValue **b, dnnl_alg_kind_t *alg)
{
  UnetValue *out = unet_node_output (node, 0);
  gboolean commutes;

  *a = unet_node_input (node, 0);
  *b = unet_node_input (node, 1);
  if (!binary_alg (node->op, alg, &commutes) || node->inputs->len != 2
      || out->n_dims == 0 || out->n_dims > UNET_BROADCAST_MAX_DIMS
      || (*a)->dtype != UNET_DTYPE_F32 || unet_node_attr (node, "axis"))
    return FALSE;
  if (!unet_value_same_dims (*a, out) && commutes) {
    UnetValue *swap = *a;
    *a = *b;
    *b = swap;
  }
  return unet_value_same_dims (*a, out) && !(*a)->constant;
}

/* Returns whether oneDNN computes on @value in @layout wrongly. */
static gboolean
is_wrong (const UnetPlan *plan, const UnetValue *value, UnetMemLayout layout,
    gboolean in_place)
{
  UnetDnnlCase c = { .op = UNET_DNNL_BINARY, .src = dnnl_f32 };

  if (layout != UNET_MEM_BLOCKED)
    return FALSE;
  c.ic = value->dims[1];
  c.block = plan->block;
  c.in_place = in_place;
  return unet_known_bug_find ("", &c) != NULL;
}

gboolean
unet_lower_binary (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error)
{
  UnetValue *a, *b, *out = unet_node_output (node, 0);
  UnetLoc *src, *dst, other = { 0 };
  UnetBroadcast broadcast;
  dnnl_alg_kind_t alg;
  gboolean ok, has_kernel;

  if (is_wrong (plan, out, layout, FALSE))
    layout = UNET_MEM_PLAIN;

  if (!binary_is_simple (node, &a, &b, &alg))
    return unet_lower_reference (plan, node, UNET_MEM_PLAIN, error);
  src = unet_plan_locate (plan, a, layout, error);
  if (!src
      || !unet_plan_locate_broadcast (
          plan, b, out->n_dims, layout, &other, error))
    return FALSE;
  if (a != b && !is_wrong (plan, out, layout, TRUE)
      && unet_plan_dies (plan, a, layout) && !plan->slots[out->id].parent)
    dst = unet_plan_alias (plan, out, layout, src, 0, unet_md_copy (src->md));
  else
    dst = unet_plan_place (plan, out, layout, error);
  has_kernel = layout == UNET_MEM_PLAIN && b->dtype == UNET_DTYPE_F32
      && describe_broadcast (node, b, &broadcast);
  ok = dst
      && emit_binary (plan, node, alg, src, &other, dst,
          has_kernel ? &broadcast : NULL, error);
  unet_md_free (other.md);
  return ok;
}
