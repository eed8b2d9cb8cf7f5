/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/lower/conv.h"
#include "engine/cost/conv.h"
#include "engine/cost/conv-winograd.h"
#include "engine/cost/winograd-sources.h"
#include "engine/emit/locations.h"
#include "engine/lower/conv-few-channels.h"
#include "engine/lower/conv-winograd.h"
#include "engine/lower/reference.h"
#include "engine/run/weight-cache.h"
#include "engine/kernels/f32-move.h"
#include "graph/analysis/query.h"

/* Copies a residual that may not be overwritten to the output. */
static gboolean
copy_residual (UnetPlan *plan, UnetNode *node, UnetValue *residual,
    UnetMemLayout layout, const UnetLoc *out, GError **error)
{
  UnetLoc *in = unet_plan_locate (plan, residual, layout, error);
  UnetCopyChannels *p;
  UnetStep *step;

  if (!in)
    return FALSE;
  p = g_new0 (UnetCopyChannels, 1);
  p->src = p->dst = unet_plan_vec (plan, residual, layout);
  step = unet_plan_add_kernel (plan, node, "Copy", "unet:copy_channels",
      unet_kernel_copy_channels, p, residual, layout);
  step->kind = UNET_STEP_COPY;
  unet_step_operand (step, 0, in, FALSE);
  unet_step_operand (step, 0, out, TRUE);
  return TRUE;
}

static UnetLoc *
output_location (
    const UnetConv *conv, UnetValue *sum, gboolean copies, GError **error)
{
  UnetPlan *plan = conv->plan;
  UnetValue *out = unet_node_output (conv->node, 0);
  UnetLoc *loc;

  if (!sum)
    return unet_plan_place (plan, out, conv->layout, error);
  if (!copies) {
    loc = unet_plan_locate (plan, sum, conv->layout, error);
    return loc ? unet_plan_alias (
               plan, out, conv->layout, loc, 0, unet_md_copy (loc->md))
               : NULL;
  }
  loc = unet_plan_place (plan, out, conv->layout, error);
  if (loc && !copy_residual (plan, conv->node, sum, conv->layout, loc, error))
    return NULL;
  return loc;
}

/* ---- primitives of oneDNN ------------------------------------------------ */

static UnetStorage *
cache_weights (
    const UnetConv *conv, const_dnnl_primitive_desc_t pd, GError **error)
{
  UnetMd from = unet_conv_weights_md (conv, FALSE);
  UnetStorage *storage = unet_plan_cache_reordered (conv->plan,
      unet_node_input (conv->node, 1)->constant->data, from,
      unet_pd_md (pd, dnnl_query_weights_md, 0), error);

  unet_md_free (from);
  return storage;
}

/* Locates the operands of binary post-ops. Call it before the step is added, so
 * that their reorders come first. */
static gboolean
locate_operands (const UnetAttrs *attrs, UnetPlan *plan, const UnetValue *out,
    UnetMemLayout layout, UnetLoc *locs, GError **error)
{
  for (guint i = 0; i < attrs->n_args; i++)
    if (!unet_plan_locate_broadcast (
            plan, attrs->values[i], out->n_dims, layout, &locs[i], error))
      return FALSE;
  return TRUE;
}

/* Moves a thin output from blocks to PLAIN and applies the post-ops there. */
static gboolean
emit_thin_tail (const UnetConv *conv, const UnetLoc *blocked, GError **error)
{
  UnetPlan *plan = conv->plan;
  UnetValue *out = unet_node_output (conv->node, 0);
  UnetLoc *plain = unet_plan_place (plan, out, UNET_MEM_PLAIN, error);

  return plain && unet_emit_reorder (plan, out, blocked, plain, error)
      && unet_emit_post_ops (plan, conv->node, 0, out, UNET_MEM_PLAIN, error);
}

/* The operands of a oneDNN convolution. */
typedef struct {
  UnetLoc *src, *bias, *dst;
  UnetLoc thin; /* a thin output in blocks */
  UnetStorage *weights;
  UnetLoc post_ops[8];
} Operands;

static gboolean
find_operands (const UnetConv *conv, const UnetConvCandidate *c, Operands *o,
    GError **error)
{
  UnetNode *node = conv->node;
  UnetValue *bias = unet_node_input (node, 2);
  UnetPlan *plan = conv->plan;

  o->src = unet_plan_locate (plan, unet_node_input (node, 0),
      unet_conv_source_layout (node, conv->layout), error);
  o->weights = o->src ? cache_weights (conv, c->pd, error) : NULL;
  if (!o->weights)
    return FALSE;
  if (bias && !(o->bias = unet_plan_locate (plan, bias, UNET_MEM_PLAIN, error)))
    return FALSE;
  if (!locate_operands (&c->attrs, plan, unet_node_output (node, 0),
          conv->layout, o->post_ops, error))
    return FALSE;
  o->thin.md = conv->dst;
  o->dst = unet_conv_is_thin (conv)
      ? &o->thin
      : output_location (conv, c->attrs.sum, c->attrs.sum_copies, error);
  return o->dst != NULL;
}

/* Adds the step of @c, whose descriptor it takes over. */
static gboolean
add_conv_step (
    const UnetConv *conv, UnetConvCandidate *c, Operands *o, GError **error)
{
  UnetMd weights_md =
      unet_md_copy (unet_pd_md (c->pd, dnnl_query_weights_md, 0));
  gchar *name = unet_node_describe (conv->node, c->attrs.n);
  UnetStep *step = unet_plan_add_primitive (conv->plan, conv->node, name, c->pd,
      unet_node_output (conv->node, 0), conv->layout, error);

  c->pd = NULL;
  g_free (name);
  if (step) {
    unet_step_operand (step, DNNL_ARG_SRC, o->src, FALSE);
    unet_step_operand_md (
        step, DNNL_ARG_WEIGHTS, o->weights, 0, weights_md, FALSE);
    if (o->bias)
      unet_step_operand (step, DNNL_ARG_BIAS, o->bias, FALSE);
    unet_attrs_add_operands (&c->attrs, step, o->post_ops);
    if (o->dst == &o->thin)
      o->thin.storage =
          unet_plan_add_storage (conv->plan, unet_md_size (o->thin.md));
    unet_step_operand (step, DNNL_ARG_DST, o->dst, TRUE);
  }
  unet_md_free (weights_md);
  return step != NULL;
}

static gboolean
emit_conv (const UnetConv *conv, UnetConvCandidate *c, GError **error)
{
  Operands o = { NULL };
  gboolean ok = find_operands (conv, c, &o, error)
      && add_conv_step (conv, c, &o, error);

  for (guint i = 0; i < c->attrs.n_args; i++)
    unet_md_free (o.post_ops[i].md);
  if (ok && o.dst == &o.thin)
    return emit_thin_tail (conv, &o.thin, error);
  return ok
      && unet_emit_post_ops (conv->plan, conv->node, c->attrs.n,
          unet_node_output (conv->node, 0), conv->layout, error);
}

/* As many post-ops as possible are fused, now that it is known where the
 * residual lies. */
static gboolean
lower_onednn (
    const UnetConv *conv, const UnetConvChoice *choice, GError **error)
{
  UnetConvCandidate candidate = { 0 };
  gboolean ok;

  if (!unet_conv_find_candidate (conv, choice->candidate, &candidate)
      && !unet_conv_find_candidate (conv, dnnl_convolution_direct, &candidate))
    return unet_lower_reference (conv->plan, conv->node, UNET_MEM_PLAIN, error);
  ok = emit_conv (conv, &candidate, error);
  unet_conv_candidate_clear (&candidate);
  return ok;
}

/* ---- kernels of this library --------------------------------------------- */

/* The output transform reads the residual wherever it lies. */
static gboolean
emit_winograd (const UnetConv *conv, gint64 block, guint n, UnetValue *residual,
    GError **error)
{
  gboolean in_place = residual && unet_conv_sums_in_place (conv);
  UnetLoc *add = NULL, *dst = NULL;
  UnetWinogradFusion fusion;

  unet_winograd_find_fusion (conv->plan, conv->node, block, n, &fusion);
  if (residual
      && !(add = unet_plan_locate (conv->plan, residual, conv->layout, error)))
    return FALSE;
  if (!fusion.unread
      && !(dst = output_location (
               conv, in_place ? residual : NULL, FALSE, error)))
    return FALSE;
  return unet_emit_winograd (conv->plan, conv->node, &conv->window, block, n,
      dst, add, &fusion, error);
}

static gboolean
emit_few_channels (
    const UnetConv *conv, guint n, UnetValue *residual, GError **error)
{
  UnetLoc *dst =
      output_location (conv, residual, !unet_conv_sums_in_place (conv), error);

  return dst
      && unet_emit_few_channels (
          conv->plan, conv->node, &conv->window, n, dst, error);
}

static gboolean
lower_own (const UnetConv *conv, const UnetConvChoice *choice, GError **error)
{
  gfloat slope, low, high;
  UnetValue *residual;
  guint n = unet_conv_own_post_ops (conv->node, &residual, &slope, &low, &high);
  gboolean ok = choice->kernel == UNET_CONV_WINOGRAD
      ? emit_winograd (conv, choice->block, n, residual, error)
      : emit_few_channels (conv, n, residual, error);

  return ok
      && unet_emit_post_ops (conv->plan, conv->node, n,
          unet_node_output (conv->node, 0), conv->layout, error);
}

gboolean
unet_lower_conv (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error)
{
  const UnetConvChoice *choice = unet_conv_choose (plan, node, layout);
  UnetConv conv;
  gboolean ok;

  if (!unet_node_has_f32_weights (node))
    return unet_lower_reference (plan, node, UNET_MEM_PLAIN, error);
  if (!unet_conv_init (&conv, plan, node, layout, error))
    return FALSE;
  if (choice->kernel == UNET_CONV_REFERENCE)
    ok = unet_lower_reference (plan, node, UNET_MEM_PLAIN, error);
  else if (choice->kernel == UNET_CONV_ONEDNN)
    ok = lower_onednn (&conv, choice, error);
  else
    ok = lower_own (&conv, choice, error);
  unet_conv_clear (&conv);
  return ok;
}
