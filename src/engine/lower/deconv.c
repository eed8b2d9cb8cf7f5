/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/run/plan.h"
#include <string.h>

/* Transposed convolutions as 1x1 convolutions and depth to space. */

/* With kernel = stride = r and no padding every input pixel makes its own r*r
 * output pixels: a matrix product, at four times the speed of oneDNN's
 * deconvolution, and a move. */
typedef struct {
  UnetNode *node;
  gint64 r, ic, oc, group; /* group: output channels padded to whole blocks */
  gboolean rows;           /* groups lie side by side and spread to PLAIN */
} Spread;

/* Does the post-op leave a zero lane zero? */
static gboolean
keeps_zero (const UnetPostOp *op)
{
  switch (op->kind) {
    case UNET_POST_RELU:
    case UNET_POST_LEAKY_RELU:
    case UNET_POST_ELU:
    case UNET_POST_TANH:
    case UNET_POST_HARD_SWISH:
    case UNET_POST_SWISH:
    case UNET_POST_GELU_ERF:
      return TRUE;
    case UNET_POST_CLIP:
      return op->alpha <= 0 && op->beta >= 0;
    default:
      return FALSE;
  }
}

static gboolean
can_spread (const UnetPlan *plan, const UnetNode *node,
    const UnetWindow *window, UnetMemLayout layout, Spread *spread)
{
  const gint64 *d = unet_node_input (node, 1)->dims;

  if (window->n != 2 || window->group != 1
      || window->kernel[0] != window->kernel[1])
    return FALSE;
  for (guint i = 0; i < 2; i++)
    if (window->kernel[i] != window->stride[i] || window->dilation[i] != 1
        || window->pad_begin[i] || window->pad_end[i]
        || window->output_padding[i])
      return FALSE;
  *spread =
      (Spread){ (UnetNode *) node, window->kernel[0], d[0], d[1], d[1], FALSE };
  spread->rows = layout == UNET_MEM_PLAIN
      || (layout == UNET_MEM_BLOCKED
          && d[1] * window->kernel[0] * window->kernel[0] <= plan->block
          && !plan->homes[unet_node_output (node, 0)->id].parent);
  if (layout == UNET_MEM_BLOCKED && !spread->rows)
    spread->group = (d[1] + plan->block - 1) / plan->block * plan->block;
  if (spread->rows) /* activated in rows, whatever it is */
    return TRUE;
  for (guint i = 0; i < node->post_ops->len; i++) {
    UnetPostOp *op = &g_array_index (node->post_ops, UnetPostOp, i);
    UnetEltwise e;

    if (!unet_eltwise_for (op, &e)
        || (spread->group != spread->oc && !keeps_zero (op)))
      return FALSE;
  }
  return TRUE;
}

/* [ic][oc][dy][dx] to [dy][dx][oc padded][ic]. */
static gboolean
fill_spread_weights (gpointer data, gpointer user_data, GError **error)
{
  const Spread *s = user_data;
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
fill_spread_bias (gpointer data, gpointer user_data, GError **error)
{
  const Spread *s = user_data;
  const gfloat *b = unet_node_input (s->node, 2)->constant->data;

  for (gint64 k = 0; k < s->r * s->r; k++)
    memcpy ((gfloat *) data + k * s->group, b, s->oc * sizeof (gfloat));
  return TRUE;
}

static UnetStorage *
pack_spread_weights (
    UnetPlan *plan, Spread *s, const_dnnl_primitive_desc_t pd, GError **error)
{
  gint64 dims[] = { s->r * s->r * s->group, s->ic, 1, 1 };
  gsize size = unet_dims_count (4, dims) * sizeof (gfloat);
  UnetMd from = unet_md_new (4, dims, dnnl_f32, dnnl_oihw);
  gfloat *plain = g_try_malloc0 (size);
  UnetStorage *storage = NULL;

  if (plain) {
    fill_spread_weights (plain, s, NULL);
    storage = unet_plan_pack_reorder (
        plan, plain, from, unet_pd_md (pd, dnnl_query_weights_md, 0), error);
  } else {
    unet_plan_set_error (error, plan, s->node, "out of memory for weights");
  }
  g_free (plain);
  unet_md_free (from);
  return storage;
}

/* The 1x1 convolution's descriptors and primitive. */
typedef struct {
  gint64 mid[4];
  UnetMd src, weights, bias, dst;
  dnnl_primitive_desc_t pd;
  UnetAttrs attrs;
} SpreadConv;

static gboolean
spread_conv_init (
    SpreadConv *sc, UnetPlan *plan, const Spread *s, UnetMemLayout layout)
{
  UnetValue *in = unet_node_input (s->node, 0);
  UnetDnnlWindow window = { 2, { 1, 1 }, { 1, 1 }, { 1, 1 }, { 0 }, { 0 } };
  gint64 wd[] = { s->r * s->r * s->group, s->ic, 1, 1 };

  memset (sc, 0, sizeof *sc);
  memcpy (sc->mid, in->dims, sizeof sc->mid);
  sc->mid[1] = wd[0];
  sc->src = unet_plan_md (plan, UNET_DTYPE_F32, 4, in->dims, layout);
  sc->dst = unet_plan_md (plan, UNET_DTYPE_F32, 4, sc->mid, layout);
  sc->weights = unet_md_new (4, wd, dnnl_f32, dnnl_format_tag_any);
  if (unet_node_input (s->node, 2))
    sc->bias = unet_md_new (1, wd, dnnl_f32, dnnl_a);
  /* where most lanes may be empty the rows are activated afterwards */
  return unet_attrs_init (&sc->attrs, plan, s->node,
             s->rows ? 0 : s->node->post_ops->len, layout, UNET_SUM_NEVER)
      && unet_pd_conv (&sc->pd, plan->engine, dnnl_convolution_direct, sc->src,
          sc->weights, sc->bias, sc->dst, &window, sc->attrs.attr)
      && !unet_pd_is_reference (sc->pd);
}

static void
spread_conv_clear (SpreadConv *sc)
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
emit_depth_to_space (UnetPlan *plan, const Spread *s, const SpreadConv *sc,
    UnetStorage *mid, UnetMemLayout layout, GError **error)
{
  UnetValue *out = unet_node_output (s->node, 0), seen = { 0 };
  UnetMemLayout to = s->rows ? UNET_MEM_PLAIN : layout;
  UnetLoc *dst = unet_plan_write (plan, out, to, error);
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
      s->rows ? "unet:depth_to_space_plain" : "unet:depth_to_space",
      s->rows ? unet_kernel_depth_to_space_plain : unet_kernel_depth_to_space,
      p, out, to);
  step->info.kind = "copy";
  unet_step_operand_md (step, 0, mid, 0, sc->dst, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return unet_plan_post_ops (plan, s->node, sc->attrs.n, out, to, error);
}

/* The readers take it as it is. */
static gboolean
leave_unspread (
    UnetPlan *plan, const Spread *s, const SpreadConv *sc, UnetStorage *mid)
{
  UnetFeed *feed = &plan->feeds[unet_node_output (s->node, 0)->id];

  if (!feed->spread)
    return FALSE;
  feed->from = g_new0 (UnetLoc, 1);
  feed->from->storage = mid;
  feed->from->md = unet_md_copy (sc->dst);
  feed->from->layout = UNET_MEM_BLOCKED;
  return TRUE;
}

static gboolean
emit_spread (UnetPlan *plan, Spread *s, SpreadConv *sc, UnetMemLayout layout,
    GError **error)
{
  UnetNode *node = s->node;
  gchar *name = unet_node_describe (node, sc->attrs.n);
  UnetLoc *src =
      unet_plan_read (plan, unet_node_input (node, 0), layout, error);
  UnetStorage *mid, *weights, *bias = NULL;
  UnetMd wmd = unet_md_copy (unet_pd_md (sc->pd, dnnl_query_weights_md, 0));
  UnetStep *step = NULL;
  gchar key[48];

  g_snprintf (key, sizeof key, "spread bias %" G_GINT64_FORMAT, s->group);
  weights = src ? pack_spread_weights (plan, s, sc->pd, error) : NULL;
  if (weights && sc->bias)
    bias = unet_plan_pack (plan, unet_node_input (node, 2)->constant->data,
        s->oc * sizeof (gfloat), key, s->r * s->r * s->group * sizeof (gfloat),
        fill_spread_bias, s, error);
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
      && (leave_unspread (plan, s, sc, mid)
          || emit_depth_to_space (plan, s, sc, mid, layout, error));
}

gboolean
unet_deconv_spreads (
    const UnetPlan *plan, const UnetNode *node, UnetMemLayout layout)
{
  UnetWindow window;
  Spread spread;

  return unet_conv_is_constant (node)
      && unet_node_window (plan->graph, node, &window, NULL)
      && can_spread (plan, node, &window, layout, &spread);
}

gboolean
unet_deconv_spreads_blocks (const UnetPlan *plan, const UnetNode *node)
{
  UnetWindow window;
  Spread spread;

  return plan->layouts[node->index] == UNET_MEM_BLOCKED
      && unet_conv_is_constant (node)
      && unet_node_window (plan->graph, node, &window, NULL)
      && can_spread (plan, node, &window, UNET_MEM_BLOCKED, &spread)
      && spread.r == 2 && !spread.rows;
}

gboolean
unet_lower_deconv (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error)
{
  UnetWindow window;
  SpreadConv sc;
  Spread spread;
  gboolean ok;

  if (!unet_conv_is_constant (node))
    return unet_lower_eval (plan, node, UNET_MEM_PLAIN, error);
  if (!unet_node_window (plan->graph, node, &window, error))
    return FALSE;
  if (!can_spread (plan, node, &window, layout, &spread))
    return unet_lower_conv (plan, node, layout, error);
  if (layout == UNET_MEM_PLAIN) /* only the result is */
    layout = UNET_MEM_BLOCKED;
  ok = spread_conv_init (&sc, plan, &spread, layout);
  if (ok)
    ok = emit_spread (plan, &spread, &sc, layout, error);
  else
    ok = unet_lower_conv (plan, node, layout, error);
  spread_conv_clear (&sc);
  return ok;
}
