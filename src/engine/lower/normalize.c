/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/lower/normalize.h"
#include "engine/emit/locations.h"
#include "engine/emit/post-ops.h"
#include "engine/kernels/f32-normalize.h"
#include "engine/lower/reference.h"

/* Returns whether @value has the dimensions of @x from @axis on, but for
 * leading ones. */
static gboolean
is_group_of (const UnetValue *value, const UnetValue *x, guint axis)
{
  if (value->dtype != UNET_DTYPE_F32 || value->n_dims > x->n_dims)
    return FALSE;
  for (guint i = 0; i < x->n_dims; i++) {
    guint lead = x->n_dims - value->n_dims;
    gint64 dim = i < lead ? 1 : value->dims[i - lead];

    if (dim != (i < axis ? 1 : x->dims[i]))
      return FALSE;
  }
  return TRUE;
}

/* Describes what the kernel does. Returns %FALSE if it cannot. */
static gboolean
describe (const UnetNode *node, UnetNormalize *p)
{
  const UnetValue *x = unet_node_input (node, 0);
  const UnetValue *factor = unet_node_input (node, 1);
  const UnetValue *bias = unet_node_input (node, 2);
  gint64 axis = unet_node_attr_int (node, "axis", -1);

  p->epsilon = unet_node_attr_float (node, "epsilon", 1e-5f);
  p->has_bias = bias != NULL;
  if (x->dtype != UNET_DTYPE_F32 || x->n_dims < 2 || !factor)
    return FALSE;
  if (node->op == UNET_OP_InstanceNormalization) {
    p->channels = x->dims[1];
    p->groups = x->dims[0] * x->dims[1];
    p->size = unet_dims_count (x->n_dims - 2, x->dims + 2);
    return TRUE;
  }
  axis += axis < 0 ? x->n_dims : 0;
  p->groups = unet_dims_count ((guint) axis, x->dims);
  p->size = unet_dims_count (x->n_dims - (guint) axis, x->dims + axis);
  /* The mean and the deviation may be outputs as well. */
  return node->outputs->len == 1 && is_group_of (factor, x, (guint) axis)
      && (!bias || is_group_of (bias, x, (guint) axis));
}

gboolean
unet_lower_normalize (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error)
{
  UnetValue *out = unet_node_output (node, 0);
  UnetNormalize normalize = { 0 };
  UnetLoc *locs[3] = { NULL }, *dst;
  UnetStep *step;

  if (!describe (node, &normalize))
    return unet_lower_reference (plan, node, UNET_MEM_PLAIN, error);
  for (guint i = 0; i < (normalize.has_bias ? 3 : 2); i++) {
    locs[i] = unet_plan_locate (
        plan, unet_node_input (node, i), UNET_MEM_PLAIN, error);
    if (!locs[i])
      return FALSE;
  }
  dst = unet_plan_place (plan, out, UNET_MEM_PLAIN, error);
  if (!dst)
    return FALSE;
  step = unet_plan_add_kernel (plan, node, unet_op_name (node->op),
      "unet:normalize", unet_kernel_normalize,
      g_memdup2 (&normalize, sizeof normalize), out, UNET_MEM_PLAIN);
  for (guint i = 0; i < 3; i++)
    if (locs[i])
      unet_step_operand (step, 0, locs[i], FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return unet_emit_post_ops (plan, node, 0, out, UNET_MEM_PLAIN, error);
}
