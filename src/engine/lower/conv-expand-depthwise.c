/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/lower/conv-expand-depthwise.h"
#include "engine/cost/conv-expand-depthwise.h"
#include "engine/emit/locations.h"
#include "engine/run/weight-cache.h"

/* ---- emission ------------------------------------------------------------ */

#define DEEP(arg) (DNNL_ARG_ATTR_POST_OP_DW | (arg))

static UnetStorage *
cache (const UnetExpandDepthwise *f, const UnetNode *node, UnetConstMd from,
    UnetConstMd to, GError **error)
{
  return unet_plan_cache_reordered (
      f->plan, unet_node_input (node, 1)->constant->data, from, to, error);
}

static gchar *
describe (const UnetExpandDepthwise *f)
{
  gchar *wide = unet_node_describe (f->wide, f->wide->post_ops->len);
  gchar *deep = unet_node_describe (f->deep, f->deep->post_ops->len);
  gchar *both = g_strdup_printf ("%s+%s", wide, deep);

  g_free (wide);
  g_free (deep);
  return both;
}

typedef struct {
  UnetStorage *weights, *deep_weights;
  UnetLoc *src, *bias, *deep_bias, *dst;
} Operands;

static gboolean
find_operands (const UnetExpandDepthwise *f, Operands *o, GError **error)
{
  const gint64 *d = unet_node_input (f->wide, 1)->dims;
  UnetMd plain = unet_md_new (4, d, dnnl_f32, dnnl_oihw);
  UnetPlan *plan = f->plan;

  o->weights = cache (
      f, f->wide, plain, unet_pd_md (f->pd, dnnl_query_weights_md, 0), error);
  unet_md_free (plain);
  o->deep_weights = o->weights
      ? cache (f, f->deep, f->deep_weights,
          unet_pd_md (f->pd, dnnl_query_exec_arg_md, DEEP (DNNL_ARG_WEIGHTS)),
          error)
      : NULL;
  return o->deep_weights
      && (o->src = unet_plan_locate (
              plan, unet_node_input (f->wide, 0), UNET_MEM_BLOCKED, error))
      && (o->bias = unet_plan_locate (
              plan, unet_node_input (f->wide, 2), UNET_MEM_PLAIN, error))
      && (o->deep_bias = unet_plan_locate (
              plan, unet_node_input (f->deep, 2), UNET_MEM_PLAIN, error))
      && (o->dst = unet_plan_place (
              plan, unet_node_output (f->deep, 0), UNET_MEM_BLOCKED, error));
}

static gboolean
emit (UnetExpandDepthwise *f, GError **error)
{
  UnetMd wmd, dmd;
  UnetStep *step;
  Operands o = { NULL };
  gchar *name;

  if (!find_operands (f, &o, error))
    return FALSE;
  wmd = unet_md_copy (unet_pd_md (f->pd, dnnl_query_weights_md, 0));
  dmd = unet_md_copy (
      unet_pd_md (f->pd, dnnl_query_exec_arg_md, DEEP (DNNL_ARG_WEIGHTS)));
  name = describe (f);
  step = unet_plan_add_primitive (f->plan, f->wide, name, f->pd,
      unet_node_output (f->deep, 0), UNET_MEM_BLOCKED, error);
  f->pd = NULL;
  if (step) {
    unet_step_operand (step, DNNL_ARG_SRC, o.src, FALSE);
    unet_step_operand_md (step, DNNL_ARG_WEIGHTS, o.weights, 0, wmd, FALSE);
    unet_step_operand (step, DNNL_ARG_BIAS, o.bias, FALSE);
    unet_step_operand_md (
        step, DEEP (DNNL_ARG_WEIGHTS), o.deep_weights, 0, dmd, FALSE);
    unet_step_operand (step, DEEP (DNNL_ARG_BIAS), o.deep_bias, FALSE);
    unet_step_operand (step, DNNL_ARG_DST, o.dst, TRUE);
    f->plan->done[f->deep->index] = step;
  }
  unet_md_free (wmd);
  unet_md_free (dmd);
  g_free (name);
  return step != NULL;
}

gboolean
unet_lower_expand_depthwise (
    UnetPlan *plan, UnetNode *node, gboolean *ok, GError **error)
{
  gboolean fused;
  UnetExpandDepthwise f;

  /* Calibration needs the value between them. */
  if (plan->options.tuning != UNET_TUNING_MEASURE || plan->histograms)
    return FALSE;
  fused = unet_expand_depthwise_init (&f, plan, node)
      && unet_expand_depthwise_is_faster (&f);
  if (fused)
    *ok = emit (&f, error);
  unet_expand_depthwise_clear (&f);
  return fused;
}
