/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/lower/pool.h"
#include "engine/cost/pool.h"
#include "engine/emit/locations.h"
#include "engine/emit/post-ops.h"
#include "engine/lower/reduce.h"
#include "engine/lower/reference.h"
#include "engine/kernels/f32-pool-window.h"
#include "engine/kernels/f32-pool.h"

static gboolean
emit_max2 (
    UnetPlan *plan, UnetNode *node, const UnetLoc *src, const UnetLoc *dst)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  UnetMaxPool2 *p = g_new0 (UnetMaxPool2, 1);
  UnetStep *step;

  p->src = unet_plan_vec (plan, in, UNET_MEM_PLAIN);
  p->dst = unet_plan_vec (plan, out, UNET_MEM_PLAIN);
  step = unet_plan_add_kernel (plan, node, unet_op_name (node->op),
      "unet:max_pool2", unet_kernel_max_pool2_plain, p, out, UNET_MEM_PLAIN);
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return TRUE;
}

/* Takes @pd, which may be NULL. */
static gboolean
emit_onednn (UnetPlan *plan, UnetNode *node, const UnetLoc *src,
    const UnetLoc *dst, dnnl_primitive_desc_t pd, GError **error)
{
  UnetStep *step = NULL;

  if (pd)
    step = unet_plan_add_primitive (plan, node, unet_op_name (node->op), pd,
        unet_node_output (node, 0), dst->layout, error);
  else
    unet_plan_set_error (error, plan, node, "oneDNN has no such pooling");
  if (!step)
    return FALSE;
  unet_step_operand (step, DNNL_ARG_SRC, src, FALSE);
  unet_step_operand (step, DNNL_ARG_DST, dst, TRUE);
  return TRUE;
}

gboolean
unet_emit_pool (UnetPlan *plan, UnetNode *node, const UnetLoc *src,
    const UnetLoc *dst, const UnetDnnlWindow *w, dnnl_alg_kind_t alg,
    GError **error)
{
  return emit_onednn (
      plan, node, src, dst, unet_pool_make_pd (plan, src, dst, w, alg), error);
}

static gboolean
emit_window (UnetPlan *plan, UnetNode *node, const UnetLoc *src,
    const UnetLoc *dst, const UnetDnnlWindow *w, dnnl_alg_kind_t alg)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  UnetPoolWindow *p = g_new0 (UnetPoolWindow, 1);
  UnetStep *step;

  p->src = unet_plan_vec (plan, in, src->layout);
  p->dst = unet_plan_vec (plan, out, dst->layout);
  p->kind = alg == dnnl_pooling_max             ? UNET_POOL_MAX
      : alg == dnnl_pooling_avg_include_padding ? UNET_POOL_AVERAGE_PADDED
                                                : UNET_POOL_AVERAGE;
  for (guint i = 0; i < 2; i++) {
    p->kernel[i] = w->kernel[i];
    p->stride[i] = w->stride[i];
    p->dilation[i] = w->dilation[i];
    p->pad_begin[i] = w->pad_begin[i];
  }
  step = unet_plan_add_kernel (plan, node, unet_op_name (node->op),
      "unet:pool_window", unet_kernel_pool_window, p, out, dst->layout);
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return TRUE;
}

static gboolean
emit_choice (UnetPlan *plan, UnetNode *node, const UnetLoc *src,
    const UnetLoc *dst, const UnetDnnlWindow *w, dnnl_alg_kind_t alg,
    GError **error)
{
  UnetPoolChoice choice;

  unet_pool_choose (plan, node, src, dst, w, alg, &choice);
  switch (choice.implementation) {
    case UNET_POOL_BY_2X2:
      return emit_max2 (plan, node, src, dst);
    case UNET_POOL_BY_WINDOW:
      return emit_window (plan, node, src, dst, w, alg);
    default:
      return emit_onednn (plan, node, src, dst, choice.pd, error);
  }
}

gboolean
unet_lower_pool (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  UnetLoc *src, *dst;
  UnetDnnlWindow w;
  dnnl_alg_kind_t alg;

  if (unet_node_output (node, 1) || in->n_dims > 5
      || !unet_pool_window (plan, node, &w, &alg, NULL))
    return unet_lower_reference (plan, node, UNET_MEM_PLAIN, error);
  src = unet_plan_locate (plan, in, layout, error);
  dst = src ? unet_plan_place (plan, out, layout, error) : NULL;
  return dst && emit_choice (plan, node, src, dst, &w, alg, error)
      && unet_emit_post_ops (plan, node, 0, out, layout, error);
}

/* Returns whether the node pools rows and columns to one of each, and nothing
 * else. */
static gboolean
is_global (const UnetNode *node)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);

  if (in->n_dims != 4 || in->dtype != UNET_DTYPE_F32 || out->n_dims != 4)
    return FALSE;
  return out->dims[0] == in->dims[0] && out->dims[1] == in->dims[1]
      && out->dims[2] == 1 && out->dims[3] == 1;
}

gboolean
unet_lower_global_pool (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  UnetGlobalPool *p;
  UnetLoc *src, *dst;
  UnetStep *step;

  if (!is_global (node) && node->op == UNET_OP_ReduceMean)
    return unet_lower_reduce (plan, node, UNET_MEM_PLAIN, error);
  if (!is_global (node))
    return unet_lower_reference (plan, node, UNET_MEM_PLAIN, error);
  src = unet_plan_locate (plan, in, layout, error);
  dst = src ? unet_plan_place (plan, out, layout, error) : NULL;
  if (!dst)
    return FALSE;
  p = g_new0 (UnetGlobalPool, 1);
  p->src = unet_plan_vec (plan, in, layout);
  p->maximum = node->op == UNET_OP_GlobalMaxPool
      || node->op == UNET_OP_ReduceMax;
  step = unet_plan_add_kernel (plan, node, unet_op_name (node->op),
      "unet:global_pool", unet_kernel_global_pool, p, out, layout);
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return unet_emit_post_ops (plan, node, 0, out, layout, error);
}
