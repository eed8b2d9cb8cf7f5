/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/emit/post-ops.h"
#include "engine/emit/locations.h"
#include "engine/kernels/kernel.h"
#include "engine/kernels/f32-pointwise.h"
#include <math.h>
#include <string.h>

gboolean
unet_eltwise_for (const UnetPostOp *op, UnetEltwise *e)
{
  e->alpha = op->alpha;
  e->beta = op->beta;
  switch (op->kind) {
    case UNET_POST_RELU:
      *e = (UnetEltwise){ dnnl_eltwise_relu, 0.0f, 0.0f };
      return TRUE;
    case UNET_POST_CLIP:
      e->alg = dnnl_eltwise_clip;
      return TRUE;
    case UNET_POST_LEAKY_RELU:
      e->alg = dnnl_eltwise_relu;
      return TRUE;
    case UNET_POST_ELU:
      e->alg = dnnl_eltwise_elu;
      return TRUE;
    case UNET_POST_SIGMOID:
      *e = (UnetEltwise){ dnnl_eltwise_logistic, 0.0f, 0.0f };
      return TRUE;
    case UNET_POST_TANH:
      *e = (UnetEltwise){ dnnl_eltwise_tanh, 0.0f, 0.0f };
      return TRUE;
    case UNET_POST_SOFTPLUS:
      *e = unet_eltwise_softplus ();
      return TRUE;
    case UNET_POST_HARD_SWISH:
      *e = unet_eltwise_hard_swish ();
      return TRUE;
    case UNET_POST_SWISH:
      e->alg = dnnl_eltwise_swish;
      return TRUE;
    case UNET_POST_GELU_ERF:
      *e = (UnetEltwise){ dnnl_eltwise_gelu_erf, 0.0f, 0.0f };
      return TRUE;
    case UNET_POST_LINEAR:
      e->alg = dnnl_eltwise_linear;
      return TRUE;
    default:
      return FALSE;
  }
}

/* ---- attributes ---------------------------------------------------------- */

static gboolean
append_binary (UnetAttrs *attrs, UnetPlan *plan, const UnetNode *node,
    const UnetPostOp *op, gint index, UnetMemLayout layout)
{
  UnetValue *out = unet_node_output (node, 0);
  dnnl_alg_kind_t alg = op->kind == UNET_POST_ADD ? dnnl_binary_add
                                                  : dnnl_binary_mul;
  gint64 dims[UNET_MAX_DIMS];
  guint lead = out->n_dims - MIN (out->n_dims, op->value->n_dims);
  gboolean ok;
  UnetMd md;

  /* A computed value of lower rank lies row-major only. */
  if (op->value->n_dims > out->n_dims || attrs->n_args >= 8
      || (op->value->n_dims < out->n_dims && !op->value->constant
          && layout != UNET_MEM_PLAIN))
    return FALSE;
  for (guint i = 0; i < out->n_dims; i++)
    dims[i] = i < lead ? 1 : op->value->dims[i - lead];
  md = unet_plan_md (plan, UNET_DTYPE_F32, out->n_dims, dims, layout);
  ok = md && dnnl_post_ops_append_binary (attrs->ops, alg, md) == dnnl_success;
  unet_md_free (md);
  attrs->args[attrs->n_args] = DNNL_ARG_ATTR_MULTIPLE_POST_OP (index)
      | DNNL_ARG_SRC_1;
  attrs->values[attrs->n_args++] = op->value;
  return ok;
}

static gboolean
append_post_op (UnetAttrs *attrs, UnetPlan *plan, const UnetNode *node,
    const UnetPostOp *op, UnetMemLayout layout, UnetSumMode mode)
{
  UnetValue *out = unet_node_output (node, 0);
  gint index = dnnl_post_ops_len (attrs->ops);
  UnetEltwise e;

  if (unet_eltwise_for (op, &e))
    return unet_post_ops_append_eltwise (attrs->ops, e.alg, e.alpha, e.beta);
  if (op->kind == UNET_POST_HARD_SIGMOID)
    return unet_post_ops_append_eltwise (
               attrs->ops, dnnl_eltwise_linear, op->alpha, op->beta)
        && unet_post_ops_append_eltwise (attrs->ops, dnnl_eltwise_clip, 0, 1);
  if (op->kind != UNET_POST_ADD && op->kind != UNET_POST_MUL)
    return FALSE;
  if (op->kind == UNET_POST_ADD && mode != UNET_SUM_NEVER && !attrs->sum
      && unet_value_same_dims (op->value, out)) {
    attrs->sum = op->value;
    attrs->sum_copies = mode == UNET_SUM_COPY;
    return unet_post_ops_append_sum (attrs->ops, 1.0f);
  }
  return append_binary (attrs, plan, node, op, index, layout);
}

gboolean
unet_attrs_init (UnetAttrs *attrs, UnetPlan *plan, const UnetNode *node,
    guint n, UnetMemLayout layout, UnetSumMode mode)
{
  memset (attrs, 0, sizeof *attrs);
  if (dnnl_post_ops_create (&attrs->ops) != dnnl_success)
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (!append_post_op (attrs, plan, node,
            &g_array_index (node->post_ops, UnetPostOp, i), layout, mode))
      goto unsupported;
  attrs->n = n;
  if (unet_pd_scratch_attr (&attrs->attr, attrs->ops))
    return TRUE;

unsupported:
  unet_attrs_clear (attrs);
  return FALSE;
}

void
unet_attrs_clear (UnetAttrs *attrs)
{
  if (attrs->attr)
    dnnl_primitive_attr_destroy (attrs->attr);
  if (attrs->ops)
    dnnl_post_ops_destroy (attrs->ops);
  attrs->attr = NULL;
  attrs->ops = NULL;
}

void
unet_attrs_add_operands (
    const UnetAttrs *attrs, UnetStep *step, const UnetLoc *locs)
{
  for (guint i = 0; i < attrs->n_args; i++)
    unet_step_operand (step, attrs->args[i], &locs[i], FALSE);
}

/* ---- steps --------------------------------------------------------------- */

static UnetVec
flat_vec (const UnetPlan *plan, const UnetValue *value, UnetMemLayout layout)
{
  gint64 n = unet_dims_count (value->n_dims, value->dims);

  if (value->n_dims == 4)
    return unet_plan_vec (plan, value, layout);
  return (UnetVec){ 1, 1, 1, n, 1, 1 };
}

static gboolean
emit_eltwise (UnetPlan *plan, UnetNode *node, const UnetEltwise *e,
    const UnetLoc *in, const UnetLoc *out, UnetValue *value, const gchar *name,
    GError **error)
{
  dnnl_primitive_attr_t attr = NULL;
  dnnl_primitive_desc_t pd = NULL;
  UnetStep *step = NULL;

  if (unet_pd_scratch_attr (&attr, NULL)
      && unet_pd_eltwise (
          &pd, plan->engine, e->alg, out->md, e->alpha, e->beta, attr))
    step = unet_plan_add_primitive (
        plan, node, name, pd, value, out->layout, error);
  else
    unet_plan_set_error (error, plan, node, "oneDNN has no such activation");
  if (attr)
    dnnl_primitive_attr_destroy (attr);
  if (!step)
    return FALSE;
  unet_step_operand (step, DNNL_ARG_SRC, in, FALSE);
  unet_step_operand (step, DNNL_ARG_DST, out, TRUE);
  return TRUE;
}

static gboolean
emit_binary (UnetPlan *plan, UnetNode *node, const UnetPostOp *op,
    const UnetLoc *in, const UnetLoc *out, UnetValue *value, const gchar *name,
    GError **error)
{
  dnnl_alg_kind_t alg = op->kind == UNET_POST_ADD ? dnnl_binary_add
                                                  : dnnl_binary_mul;
  dnnl_primitive_attr_t attr = NULL;
  dnnl_primitive_desc_t pd = NULL;
  UnetStep *step = NULL;
  UnetLoc other = { 0 };

  if (!unet_plan_locate_broadcast (
          plan, op->value, value->n_dims, out->layout, &other, error))
    return FALSE;
  if (unet_pd_scratch_attr (&attr, NULL)
      && unet_pd_binary (
          &pd, plan->engine, alg, in->md, other.md, out->md, attr))
    step = unet_plan_add_primitive (
        plan, node, name, pd, value, out->layout, error);
  else
    unet_plan_set_error (error, plan, node, "oneDNN cannot broadcast so");
  if (attr)
    dnnl_primitive_attr_destroy (attr);
  if (step) {
    unet_step_operand (step, DNNL_ARG_SRC_0, in, FALSE);
    unet_step_operand (step, DNNL_ARG_SRC_1, &other, FALSE);
    unet_step_operand (step, DNNL_ARG_DST, out, TRUE);
  }
  unet_md_free (other.md);
  return step != NULL;
}

static gboolean
emit_linear_clip (UnetPlan *plan, UnetNode *node, const UnetPostOp *op,
    const UnetLoc *in, const UnetLoc *out, UnetValue *value, const gchar *name)
{
  UnetLinearClip *p = g_new0 (UnetLinearClip, 1);
  gboolean linear = op->kind == UNET_POST_LINEAR;
  UnetStep *step;

  p->vec = flat_vec (plan, value, out->layout);
  p->alpha = op->alpha;
  p->beta = op->beta;
  p->low = linear ? -INFINITY : 0.0f;
  p->high = linear ? INFINITY : 1.0f;
  step = unet_plan_add_kernel (plan, node, name, "unet:linear_clip",
      unet_kernel_linear_clip, p, value, out->layout);
  unet_step_operand (step, 0, in, FALSE);
  unet_step_operand (step, 0, out, TRUE);
  return TRUE;
}

gboolean
unet_prelu_fits (const UnetPostOp *op, const UnetValue *value)
{
  const UnetValue *s = op->value;
  gint64 c;

  if (value->n_dims != 4 || !s->constant || s->dtype != UNET_DTYPE_F32)
    return FALSE;
  c = s->n_dims >= 3 ? s->dims[s->n_dims - 3] : 1;
  return (c == 1 || c == value->dims[1])
      && unet_dims_count (s->n_dims, s->dims) == (gsize) c;
}

static gboolean
emit_prelu (UnetPlan *plan, UnetNode *node, const UnetPostOp *op,
    const UnetLoc *in, const UnetLoc *out, UnetValue *value, const gchar *name,
    GError **error)
{
  gsize n = unet_dims_count (op->value->n_dims, op->value->dims);
  UnetVec vec = flat_vec (plan, value, out->layout);
  gint64 lanes = vec.blocks * vec.vec;
  const gfloat *slope;
  UnetStorage *storage;
  UnetLoc loc = { 0 };
  UnetPRelu *p;
  UnetStep *step;

  if (!unet_prelu_fits (op, value)) {
    unet_plan_set_error (error, plan, node, "slopes must be per channel");
    return FALSE;
  }
  slope = op->value->constant->data;
  storage = unet_plan_add_storage (plan, lanes * sizeof (gfloat));
  p = g_malloc0 (sizeof *p + lanes * sizeof (gfloat));
  p->vec = vec;
  for (gint64 c = 0; c < vec.c; c++)
    ((gfloat *) (p + 1))[c] = slope[n == 1 ? 0 : c];
  storage->constant = p + 1; /* It lives as long as the step. */
  loc.storage = storage;
  step = unet_plan_add_kernel (
      plan, node, name, "unet:prelu", unet_kernel_prelu, p, value, out->layout);
  unet_step_operand (step, 0, in, FALSE);
  unet_step_operand (step, 0, &loc, FALSE);
  unet_step_operand (step, 0, out, TRUE);
  return TRUE;
}

gboolean
unet_emit_post_op (UnetPlan *plan, UnetNode *node, const UnetPostOp *op,
    const UnetLoc *in, const UnetLoc *out, UnetValue *value, GError **error)
{
  const gchar *name = unet_post_op_get_name (op);
  UnetEltwise e;
  gboolean ok;

  if (op->kind == UNET_POST_HARD_SIGMOID || op->kind == UNET_POST_LINEAR)
    ok = emit_linear_clip (plan, node, op, in, out, value, name);
  else if (op->kind == UNET_POST_PRELU)
    ok = emit_prelu (plan, node, op, in, out, value, name, error);
  else if (unet_eltwise_for (op, &e))
    ok = emit_eltwise (plan, node, &e, in, out, value, name, error);
  else
    ok = emit_binary (plan, node, op, in, out, value, name, error);
  return ok;
}

gboolean
unet_emit_post_ops (UnetPlan *plan, UnetNode *node, guint from,
    UnetValue *value, UnetMemLayout layout, GError **error)
{
  UnetLoc *out = unet_plan_place (plan, value, layout, error);

  for (guint i = from; out && i < node->post_ops->len; i++)
    if (!unet_emit_post_op (plan, node,
            &g_array_index (node->post_ops, UnetPostOp, i), out, out, value,
            error))
      return FALSE;
  return out != NULL;
}
