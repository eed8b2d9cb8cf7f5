/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/lower/deconv.h"
#include "engine/cost/conv.h"
#include "engine/cost/deconv.h"
#include "engine/emit/locations.h"
#include "engine/emit/post-ops.h"
#include "engine/lower/conv.h"
#include "engine/lower/deconv-col2im.h"
#include "engine/lower/reference.h"
#include "engine/run/weight-cache.h"
#include "engine/kernels/f32-move.h"
#include "graph/analysis/query.h"
#include <string.h>

/* Copies [ic][oc][dy][dx] to [dy][dx][oc padded][ic]. */
static gboolean
fill_weights (gpointer data, gpointer user_data, GError **error)
{
  const UnetDeconvProduct *s = user_data;
  const gfloat *w = unet_node_input (s->node, 1)->constant->data;
  gint64 taps = s->r * s->r;
  gfloat *out = data;

  for (gint64 i = 0; i < s->ic; i++)
    for (gint64 o = 0; o < s->oc; o++)
      for (gint64 k = 0; k < taps; k++)
        out[(k * s->group + o) * s->ic + i] = w[(i * s->oc + o) * taps + k];
  return TRUE;
}

static gboolean
fill_bias (gpointer data, gpointer user_data, GError **error)
{
  const UnetDeconvProduct *s = user_data;
  const gfloat *b = unet_node_input (s->node, 2)->constant->data;

  for (gint64 k = 0; k < s->r * s->r; k++)
    memcpy ((gfloat *) data + k * s->group, b, s->oc * sizeof (gfloat));
  return TRUE;
}

static UnetStorage *
cache_weights (UnetPlan *plan, UnetDeconvProduct *s,
    const_dnnl_primitive_desc_t pd, GError **error)
{
  gint64 dims[] = { s->r * s->r * s->group, s->ic, 1, 1 };
  gsize size = unet_dims_count (4, dims) * sizeof (gfloat);
  UnetMd from = unet_md_new (4, dims, dnnl_f32, dnnl_oihw);
  gfloat *plain = g_try_malloc0 (size);
  UnetStorage *storage = NULL;

  if (plain) {
    fill_weights (plain, s, NULL);
    storage = unet_plan_cache_reordered (
        plan, plain, from, unet_pd_md (pd, dnnl_query_weights_md, 0), error);
  } else {
    unet_plan_set_error (error, plan, s->node, "out of memory for weights");
  }
  g_free (plain);
  unet_md_free (from);
  return storage;
}

/* The 1x1 convolution. */
typedef struct {
  gint64 mid[4];
  UnetMd src, weights, bias, dst;
  dnnl_primitive_desc_t pd;
  UnetAttrs attrs;
} ProductConv;

static gboolean
product_conv_init (ProductConv *sc, UnetPlan *plan, const UnetDeconvProduct *s,
    UnetMemLayout layout)
{
  UnetValue *in = unet_node_input (s->node, 0);
  UnetDnnlWindow window = unet_dnnl_window_1x1 ();
  gint64 wd[] = { s->r * s->r * s->group, s->ic, 1, 1 };

  memset (sc, 0, sizeof *sc);
  memcpy (sc->mid, in->dims, sizeof sc->mid);
  sc->mid[1] = wd[0];
  sc->src = unet_plan_md (plan, UNET_DTYPE_F32, 4, in->dims, layout);
  sc->dst = unet_plan_md (plan, UNET_DTYPE_F32, 4, sc->mid, layout);
  sc->weights = unet_md_new (4, wd, dnnl_f32, dnnl_format_tag_any);
  if (unet_node_input (s->node, 2))
    sc->bias = unet_md_new (1, wd, dnnl_f32, dnnl_a);
  /* Of packed groups the post-ops follow depth-to-space. */
  return unet_attrs_init (&sc->attrs, plan, s->node,
             s->packed ? 0 : s->node->post_ops->len, layout, UNET_SUM_NEVER)
      && unet_pd_conv (&sc->pd, plan->engine, dnnl_convolution_direct, sc->src,
          sc->weights, sc->bias, sc->dst, &window, sc->attrs.attr)
      && !unet_pd_is_reference (sc->pd);
}

static void
product_conv_clear (ProductConv *sc)
{
  if (sc->pd)
    dnnl_primitive_desc_destroy (sc->pd);
  unet_attrs_clear (&sc->attrs);
  unet_md_free (sc->src);
  unet_md_free (sc->dst);
  unet_md_free (sc->weights);
  unet_md_free (sc->bias);
}

static gboolean
emit_depth_to_space (UnetPlan *plan, const UnetDeconvProduct *s,
    const ProductConv *sc, UnetStorage *mid, UnetMemLayout layout,
    GError **error)
{
  UnetValue *out = unet_node_output (s->node, 0), seen = { 0 };
  UnetMemLayout to = s->packed ? UNET_MEM_PLAIN : layout;
  UnetLoc *dst = unet_plan_place (plan, out, to, error);
  UnetDepthToSpace *p;
  UnetStep *step;

  if (!dst)
    return FALSE;
  p = g_new0 (UnetDepthToSpace, 1);
  memcpy (seen.dims, sc->mid, sizeof sc->mid);
  p->src = unet_plan_vec (plan, &seen, layout);
  p->dst = unet_plan_vec (plan, out, to);
  p->r = s->r;
  step = unet_plan_add_kernel (plan, s->node, "DepthToSpace",
      s->packed ? "unet:depth_to_space_plain" : "unet:depth_to_space",
      s->packed ? unet_kernel_depth_to_space_plain : unet_kernel_depth_to_space,
      p, out, to);
  step->kind = UNET_STEP_COPY;
  unet_step_operand_md (step, 0, mid, 0, sc->dst, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return unet_emit_post_ops (plan, s->node, sc->attrs.n, out, to, error);
}

/* Leaves the result before depth-to-space, if all its readers take it so.
 * Returns whether they do. */
static gboolean
leave_before_depth_to_space (UnetPlan *plan, const UnetDeconvProduct *s,
    const ProductConv *sc, UnetStorage *mid)
{
  UnetFusedInput *input =
      &plan->fused_inputs[unet_node_output (s->node, 0)->id];

  if (!input->before_depth_to_space)
    return FALSE;
  input->from = g_new0 (UnetLoc, 1);
  input->from->storage = mid;
  input->from->md = unet_md_copy (sc->dst);
  input->from->layout = UNET_MEM_BLOCKED;
  return TRUE;
}

static gboolean
emit_product (UnetPlan *plan, UnetDeconvProduct *s, ProductConv *sc,
    UnetMemLayout layout, GError **error)
{
  UnetNode *node = s->node;
  gchar *name = unet_node_describe (node, sc->attrs.n);
  UnetLoc *src =
      unet_plan_locate (plan, unet_node_input (node, 0), layout, error);
  UnetStorage *mid, *weights, *bias = NULL;
  UnetMd wmd = unet_md_copy (unet_pd_md (sc->pd, dnnl_query_weights_md, 0));
  UnetStep *step = NULL;
  gchar key[48];

  g_snprintf (key, sizeof key, "deconv bias %" G_GINT64_FORMAT, s->group);
  weights = src ? cache_weights (plan, s, sc->pd, error) : NULL;
  if (weights && sc->bias)
    bias = unet_plan_cache_constant (plan,
        unet_node_input (node, 2)->constant->data, s->oc * sizeof (gfloat), key,
        s->r * s->r * s->group * sizeof (gfloat), fill_bias, s, error);
  if (weights && (bias || !sc->bias)) {
    step = unet_plan_add_primitive (
        plan, node, name, sc->pd, unet_node_output (node, 0), layout, error);
    sc->pd = NULL;
  }
  g_free (name);
  if (step) {
    mid = unet_plan_add_storage (plan, unet_md_size (sc->dst));
    unet_step_operand (step, DNNL_ARG_SRC, src, FALSE);
    unet_step_operand_md (step, DNNL_ARG_WEIGHTS, weights, 0, wmd, FALSE);
    if (bias)
      unet_step_operand_md (step, DNNL_ARG_BIAS, bias, 0, sc->bias, FALSE);
    unet_step_operand_md (step, DNNL_ARG_DST, mid, 0, sc->dst, TRUE);
  }
  unet_md_free (wmd);
  return step
      && (leave_before_depth_to_space (plan, s, sc, mid)
          || emit_depth_to_space (plan, s, sc, mid, layout, error));
}

gboolean
unet_lower_deconv (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error)
{
  UnetWindow window;
  ProductConv sc;
  UnetDeconvProduct product;
  gboolean ok;

  if (!unet_node_has_f32_weights (node))
    return unet_lower_reference (plan, node, UNET_MEM_PLAIN, error);
  if (!unet_node_window (plan->graph, node, &window, error))
    return FALSE;
  if (!unet_deconv_find_product (plan, node, &window, layout, &product))
    return unet_conv_choose (plan, node, layout)->kernel == UNET_CONV_COL2IM
        ? unet_lower_deconv_col2im (plan, node, &window, layout, error)
        : unet_lower_conv (plan, node, layout, error);
  /* In PLAIN only the result is PLAIN. */
  if (layout == UNET_MEM_PLAIN)
    layout = UNET_MEM_BLOCKED;
  ok = product_conv_init (&sc, plan, &product, layout);
  if (ok)
    ok = emit_product (plan, &product, &sc, layout, error);
  else
    ok = unet_lower_conv (plan, node, layout, error);
  product_conv_clear (&sc);
  return ok;
}
