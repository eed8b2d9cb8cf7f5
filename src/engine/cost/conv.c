/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/cost/conv.h"
#include "engine/cost/conv-few-channels.h"
#include "engine/cost/conv-winograd.h"
#include "engine/cost/deconv-col2im.h"
#include "engine/cost/deconv.h"
#include "engine/cost/timing.h"
#include "engine/emit/locations.h"
#include "graph/analysis/query.h"
#include <string.h>

/* ---- descriptors --------------------------------------------------------- */

/* oneDNN's weights are [g,] O, I, spatial. Those of ONNX's transposed
 * convolutions are [I, O/g, spatial], the same memory with other strides. */
UnetMd
unet_conv_weights_md (const UnetConv *conv, gboolean any)
{
  const UnetWindow *window = &conv->window;
  const gint64 *d = unet_node_input (conv->node, 1)->dims;
  gint64 g = window->group, dims[6], strides[6], taps = 1;
  guint n = 0;

  for (guint i = 0; i < window->n; i++)
    taps *= window->kernel[i];
  if (g > 1) {
    strides[n] = d[0] / g * d[1] * taps;
    dims[n++] = g;
  }
  strides[n] = conv->transposed ? taps : d[1] * taps;
  dims[n++] = conv->transposed ? d[1] : d[0] / g;
  strides[n] = conv->transposed ? d[1] * taps : taps;
  dims[n++] = conv->transposed ? d[0] / g : d[1];
  for (guint i = 0; i < window->n; i++) {
    taps /= window->kernel[i];
    strides[n] = taps;
    dims[n++] = window->kernel[i];
  }
  return any ? unet_md_new (n, dims, dnnl_f32, dnnl_format_tag_any)
             : unet_md_new_strides (n, dims, dnnl_f32, strides);
}

UnetMemLayout
unet_conv_source_layout (const UnetNode *node, UnetMemLayout layout)
{
  UnetValue *in = unet_node_input (node, 0);

  if (layout == UNET_MEM_BLOCKED && node->op == UNET_OP_Conv && in->dims[1] <= 3
      && unet_node_input (node, 1)->dims[0] > 1
      && unet_node_attr_int (node, "group", 1) == 1)
    return UNET_MEM_PLAIN;
  return layout;
}

gboolean
unet_conv_init (UnetConv *conv, UnetPlan *plan, UnetNode *node,
    UnetMemLayout layout, GError **error)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  UnetValue *bias = unet_node_input (node, 2);

  memset (conv, 0, sizeof *conv);
  if (!unet_node_window (plan->graph, node, &conv->window, error))
    return FALSE;
  conv->plan = plan;
  conv->node = node;
  conv->layout = layout;
  conv->transposed = node->op == UNET_OP_ConvTranspose;
  unet_window_to_dnnl (&conv->window, &conv->dnnl_window);
  conv->src = unet_plan_md (plan, in->dtype, in->n_dims, in->dims,
      unet_conv_source_layout (node, layout));
  conv->dst = unet_plan_md (plan, out->dtype, out->n_dims, out->dims, layout);
  conv->weights = unet_conv_weights_md (conv, TRUE);
  if (bias)
    conv->bias = unet_md_new (1, &out->dims[1], dnnl_f32, dnnl_a);
  return TRUE;
}

void
unet_conv_clear (UnetConv *conv)
{
  unet_md_free (conv->src);
  unet_md_free (conv->dst);
  unet_md_free (conv->weights);
  unet_md_free (conv->bias);
}

static gboolean
conv_pd (const UnetConv *conv, dnnl_alg_kind_t alg, const UnetAttrs *attrs,
    dnnl_primitive_desc_t *pd)
{
  if (!conv->src || !conv->dst || !conv->weights)
    return FALSE;
  if (conv->transposed)
    return unet_pd_deconv (pd, conv->plan->engine, conv->src, conv->weights,
        conv->bias, conv->dst, &conv->dnnl_window, attrs->attr);
  return unet_pd_conv (pd, conv->plan->engine, alg, conv->src, conv->weights,
      conv->bias, conv->dst, &conv->dnnl_window, attrs->attr);
}

/* ---- candidates ---------------------------------------------------------- */

void
unet_conv_candidate_clear (UnetConvCandidate *c)
{
  if (c->pd)
    dnnl_primitive_desc_destroy (c->pd);
  unet_attrs_clear (&c->attrs);
  c->pd = NULL;
}

static gboolean
try_candidate (const UnetConv *conv, dnnl_alg_kind_t alg, guint n,
    UnetSumMode mode, UnetConvCandidate *out)
{
  if (!unet_attrs_init (
          &out->attrs, conv->plan, conv->node, n, conv->layout, mode))
    return FALSE;
  if (conv_pd (conv, alg, &out->attrs, &out->pd))
    return TRUE;
  unet_attrs_clear (&out->attrs);
  return FALSE;
}

gboolean
unet_conv_sums_in_place (const UnetConv *conv)
{
  UnetValue *out = unet_node_output (conv->node, 0);

  if (conv->plan->slots[out->id].parent)
    return FALSE;
  for (guint i = 0; i < conv->node->post_ops->len; i++) {
    UnetPostOp *op = &g_array_index (conv->node->post_ops, UnetPostOp, i);

    if (op->kind == UNET_POST_ADD)
      return op->value != unet_node_input (conv->node, 0)
          && unet_plan_dies (conv->plan, op->value, conv->layout);
  }
  return FALSE;
}

gboolean
unet_conv_is_thin (const UnetConv *conv)
{
  UnetValue *out = unet_node_output (conv->node, 0);

  return conv->layout == UNET_MEM_BLOCKED
      && out->dims[1] * 4 <= conv->plan->block
      && !conv->plan->slots[out->id].parent;
}

/* A slow implementation is taken only when there is no fast one. */
gboolean
unet_conv_find_candidate (
    const UnetConv *conv, dnnl_alg_kind_t alg, UnetConvCandidate *out)
{
  const UnetSumMode modes[] = { UNET_SUM_IN_PLACE, UNET_SUM_NEVER,
    UNET_SUM_COPY };
  gboolean in_place = unet_conv_sums_in_place (conv);

  if (unet_conv_is_thin (conv))
    return try_candidate (conv, alg, 0, UNET_SUM_NEVER, out);
  for (gint n = conv->node->post_ops->len; n >= 0; n--)
    for (guint m = in_place ? 0 : 1; m < 3; m++) {
      if (!try_candidate (conv, alg, n, modes[m], out))
        continue;
      if (!unet_pd_is_reference (out->pd))
        return TRUE;
      unet_conv_candidate_clear (out);
    }
  return alg == dnnl_convolution_direct
      && try_candidate (conv, alg, 0, UNET_SUM_NEVER, out);
}

/* ---- times --------------------------------------------------------------- */

static gchar *
conv_key (const UnetConv *conv, const gchar *what, const UnetConvCandidate *c)
{
  const UnetDnnlWindow *w = &conv->dnnl_window;
  const gint64 *wd = unet_node_input (conv->node, 1)->dims;
  gchar *src = unet_md_key (conv->src), *dst = unet_md_key (conv->dst);
  gchar *key = g_strdup_printf (
      "%s %s %s %" G_GINT64_FORMAT ",%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT
      ",%" G_GINT64_FORMAT " s%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT
      " d%" G_GINT64_FORMAT " p%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT
      " n%u%d t%u",
      what, src, dst, wd[0], wd[1], w->kernel[0], w->kernel[1], w->stride[0],
      w->stride[1], w->dilation[0], w->pad_begin[0], w->pad_end[0], c->attrs.n,
      c->attrs.sum != NULL, conv->plan->options.threads);

  g_free (src);
  g_free (dst);
  return key;
}

static guint64
candidate_time (
    const UnetConv *conv, const gchar *what, const UnetConvCandidate *c)
{
  gchar *key = conv_key (conv, what, c);
  guint64 ns =
      unet_timing_measure_primitive (conv->plan, key, c->pd, c->attrs.ops);

  g_free (key);
  return ns;
}

/* ---- choice -------------------------------------------------------------- */

/* Compares oneDNN's own Winograd convolution with the direct one in @best,
 * where it has one and this library's does not fit. */
static void
try_onednn_winograd (
    const UnetConv *conv, const UnetConvCandidate *best, UnetConvChoice *choice)
{
  UnetConvCandidate other = { 0 };
  guint64 ns;

  if (conv->transposed || conv->layout != UNET_MEM_BLOCKED
      || unet_node_is_exact (conv->node)
      || unet_winograd_fits (conv->node, &conv->window, conv->layout)
      || !unet_conv_find_candidate (conv, dnnl_convolution_winograd, &other))
    return;
  ns = candidate_time (conv, "winograd", &other);
  if (other.attrs.n == best->attrs.n && ns < choice->time) {
    choice->candidate = dnnl_convolution_winograd;
    choice->time = ns;
  }
  unet_conv_candidate_clear (&other);
}

static void
choose_onednn (
    const UnetConv *conv, const UnetConvCandidate *best, UnetConvChoice *choice)
{
  choice->kernel = UNET_CONV_ONEDNN;
  choice->candidate = dnnl_convolution_direct;
  choice->time = 0;
  if (conv->plan->options.tuning != UNET_TUNING_MEASURE)
    return;
  choice->time = UNET_TIME_NEVER; /* Measuring a slow one takes long. */
  if (conv->layout == UNET_MEM_PLAIN || unet_pd_is_reference (best->pd))
    return;
  choice->time = candidate_time (conv, "direct", best);
  try_onednn_winograd (conv, best, choice);
}

/* Decides for a kernel of this library without measuring, for the channels
 * with which it was faster in every measurement. */
static gboolean
is_own_by_rule (const UnetConv *conv, UnetConvKernel own)
{
  const gint64 *d = unet_node_input (conv->node, 1)->dims;

  if (own == UNET_CONV_FEW_CHANNELS)
    return d[0] <= 8;
  return d[0] >= 16 && d[1] >= 16;
}

/* Changes @choice to this library's kernel for the layout, if it has one that
 * is faster and takes as many post-ops as @best. */
static void
choose_own (
    const UnetConv *conv, const UnetConvCandidate *best, UnetConvChoice *choice)
{
  gfloat slope, low, high;
  UnetConvKernel own = UNET_CONV_UNDECIDED;
  UnetValue *residual;
  gint64 block;
  guint64 ns = 0;

  if (conv->transposed)
    return;
  if (unet_winograd_fits (conv->node, &conv->window, conv->layout))
    own = UNET_CONV_WINOGRAD;
  else if (unet_few_channels_fits (conv->node, &conv->window, conv->layout))
    own = UNET_CONV_FEW_CHANNELS;
  if (!own
      || unet_conv_own_post_ops (conv->node, &residual, &slope, &low, &high)
          < best->attrs.n)
    return;
  block = unet_winograd_block (conv->node);
  if (conv->plan->options.tuning != UNET_TUNING_MEASURE) {
    if (!is_own_by_rule (conv, own))
      return;
  } else {
    ns = own == UNET_CONV_WINOGRAD
        ? unet_winograd_measure (conv->plan, conv->node, &conv->window, &block)
        : unet_few_channels_measure (conv->plan, conv->node, &conv->window);
    if (ns >= choice->time)
      return;
  }
  choice->kernel = own;
  choice->time = ns;
  choice->block = block;
}

/* Changes @choice to col2im for a transposed convolution that is no product
 * (deconv.h): by rule where oneDNN has nothing but a reference implementation,
 * else where it is faster. */
static void
choose_col2im (const UnetConv *conv, UnetConvChoice *choice)
{
  UnetPlan *plan = conv->plan;
  UnetDeconvProduct product;
  UnetCol2imProduct p;
  guint64 ns = 0;

  if (!conv->transposed
      || unet_deconv_find_product (
          plan, conv->node, &conv->window, conv->layout, &product))
    return;
  if (unet_col2im_product_init (
          &p, plan, conv->node, &conv->window, conv->layout)) {
    if (plan->options.tuning == UNET_TUNING_MEASURE)
      ns = unet_col2im_product_measure (&p);
    if (choice->kernel == UNET_CONV_REFERENCE || ns < choice->time) {
      choice->kernel = UNET_CONV_COL2IM;
      choice->time = ns;
    }
  }
  unet_col2im_product_clear (&p);
}

static void
choose (UnetPlan *plan, UnetNode *node, UnetMemLayout layout,
    UnetConvChoice *choice)
{
  UnetConvCandidate best = { 0 };
  UnetConv conv;

  choice->kernel = UNET_CONV_REFERENCE;
  choice->time = UNET_TIME_NEVER;
  if (!unet_node_has_f32_weights (node)
      || !unet_conv_init (&conv, plan, node, layout, NULL))
    return;
  if (unet_conv_find_candidate (&conv, dnnl_convolution_direct, &best)) {
    choose_onednn (&conv, &best, choice);
    choose_own (&conv, &best, choice);
    /* oneDNN's reference implementations are slower than this library's. */
    if (choice->kernel == UNET_CONV_ONEDNN && unet_pd_is_reference (best.pd))
      choice->kernel = UNET_CONV_REFERENCE;
    unet_conv_candidate_clear (&best);
  }
  choose_col2im (&conv, choice);
  unet_conv_clear (&conv);
}

const UnetConvChoice *
unet_conv_choose (UnetPlan *plan, UnetNode *node, UnetMemLayout layout)
{
  UnetConvChoice *choice = &plan->conv_choices[node->index][layout];

  if (!choice->kernel)
    choose (plan, node, layout, choice);
  return choice;
}

/* ---- queries ------------------------------------------------------------- */

gboolean
unet_conv_is_slow (UnetPlan *plan, UnetNode *node, UnetMemLayout layout)
{
  UnetConvCandidate best = { 0 };
  gboolean slow;
  UnetConv conv;

  if (!unet_node_has_f32_weights (node)
      || !unet_conv_init (&conv, plan, node, layout, NULL))
    return TRUE;
  if (layout == UNET_MEM_PLAIN)
    slow = !unet_few_channels_fits (node, &conv.window, layout);
  else
    slow = !unet_conv_find_candidate (&conv, dnnl_convolution_direct, &best)
        || unet_pd_is_reference (best.pd);
  unet_conv_candidate_clear (&best);
  unet_conv_clear (&conv);
  return slow;
}
