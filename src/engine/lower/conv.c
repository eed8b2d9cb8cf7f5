/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/run/plan.h"
#include <string.h>

/* Convolutions, and transposed ones that are not products (lower-deconv.c). */

/* A convolution as oneDNN is asked for it. */
typedef struct {
  UnetPlan *plan;
  UnetNode *node;
  UnetMemLayout layout;
  gboolean transposed;
  UnetDnnlWindow window;
  UnetMd src, weights, bias, dst; /* weights with any layout */
} Conv;

/* ---- descriptors -------------------------------------------------------- */

static void
conv_window (const UnetWindow *from, UnetDnnlWindow *to)
{
  to->n = from->n;
  for (guint i = 0; i < from->n; i++) {
    to->kernel[i] = from->kernel[i];
    to->stride[i] = from->stride[i];
    to->dilation[i] = from->dilation[i];
    to->pad_begin[i] = from->pad_begin[i];
    to->pad_end[i] = from->pad_end[i];
  }
}

/* oneDNN's logical weights: [g,] O, I, spatial; ONNX's transposed ones are
 * [I, O/g, spatial], the same memory under other strides. */
static UnetMd
weights_md (const Conv *conv, const UnetWindow *window, gboolean any)
{
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

/* The first convolution reads its few channels as they are. */
static UnetMemLayout
source_layout (const UnetPlan *plan, const UnetNode *node, UnetMemLayout layout)
{
  UnetValue *in = unet_node_input (node, 0);

  if (layout == UNET_MEM_BLOCKED && node->op == UNET_OP_Conv && in->dims[1] <= 3
      && unet_node_input (node, 1)->dims[0] > 1
      && unet_node_attr_int (node, "group", 1) == 1)
    return UNET_MEM_PLAIN;
  return layout;
}

static gboolean
conv_init (Conv *conv, UnetPlan *plan, UnetNode *node, UnetMemLayout layout,
    UnetWindow *window, GError **error)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  UnetValue *bias = unet_node_input (node, 2);

  memset (conv, 0, sizeof *conv);
  if (!unet_node_window (plan->graph, node, window, error))
    return FALSE;
  conv->plan = plan;
  conv->node = node;
  conv->layout = layout;
  conv->transposed = node->op == UNET_OP_ConvTranspose;
  conv_window (window, &conv->window);
  conv->src = unet_plan_md (plan, in->dtype, in->n_dims, in->dims,
      source_layout (plan, node, layout));
  conv->dst = unet_plan_md (plan, out->dtype, out->n_dims, out->dims, layout);
  conv->weights = weights_md (conv, window, TRUE);
  if (bias)
    conv->bias = unet_md_new (1, &out->dims[1], dnnl_f32, dnnl_a);
  return TRUE;
}

static void
conv_clear (Conv *conv)
{
  unet_md_free (conv->src);
  unet_md_free (conv->dst);
  unet_md_free (conv->weights);
  unet_md_free (conv->bias);
}

static gboolean
conv_pd (const Conv *conv, dnnl_alg_kind_t alg, const UnetAttrs *attrs,
    dnnl_primitive_desc_t *pd)
{
  if (!conv->src || !conv->dst || !conv->weights)
    return FALSE;
  if (conv->transposed)
    return unet_pd_deconv (pd, conv->plan->engine, conv->src, conv->weights,
        conv->bias, conv->dst, &conv->window, attrs->attr);
  return unet_pd_conv (pd, conv->plan->engine, alg, conv->src, conv->weights,
      conv->bias, conv->dst, &conv->window, attrs->attr);
}

/* ---- candidates --------------------------------------------------------- */

typedef struct {
  dnnl_primitive_desc_t pd;
  UnetAttrs attrs;
} Candidate;

static void
candidate_clear (Candidate *c)
{
  if (c->pd)
    dnnl_primitive_desc_destroy (c->pd);
  unet_attrs_clear (&c->attrs);
  c->pd = NULL;
}

static gboolean
try_candidate (const Conv *conv, dnnl_alg_kind_t alg, guint n, UnetSumMode mode,
    Candidate *out)
{
  if (!unet_attrs_init (
          &out->attrs, conv->plan, conv->node, n, conv->layout, mode))
    return FALSE;
  if (conv_pd (conv, alg, &out->attrs, &out->pd))
    return TRUE;
  unet_attrs_clear (&out->attrs);
  return FALSE;
}

/* Could the residual be overwritten where it lies? */
static gboolean
can_sum_in_place (const Conv *conv)
{
  UnetValue *out = unet_node_output (conv->node, 0);

  if (conv->plan->homes[out->id].parent)
    return FALSE;
  for (guint i = 0; i < conv->node->post_ops->len; i++) {
    UnetPostOp *op = &g_array_index (conv->node->post_ops, UnetPostOp, i);

    if (op->kind == UNET_POST_ADD)
      return op->value != unet_node_input (conv->node, 0)
          && unet_plan_dies (conv->plan, op->value, conv->layout);
  }
  return FALSE;
}

/* A few channels fill a quarter of a block or less: the output is moved to
 * PLAIN, where everything that comes after touches no empty lanes. */
static gboolean
is_thin_output (const Conv *conv)
{
  UnetValue *out = unet_node_output (conv->node, 0);

  return conv->layout == UNET_MEM_BLOCKED
      && out->dims[1] * 4 <= conv->plan->block
      && !conv->plan->homes[out->id].parent;
}

/* As many post-ops as a fast implementation takes; a slow one only when there
 * is no other. */
static gboolean
best_fusion (const Conv *conv, dnnl_alg_kind_t alg, Candidate *out)
{
  const UnetSumMode modes[] = { UNET_SUM_IN_PLACE, UNET_SUM_NEVER,
    UNET_SUM_COPY };
  gboolean in_place = can_sum_in_place (conv);

  if (is_thin_output (conv))
    return try_candidate (conv, alg, 0, UNET_SUM_NEVER, out);
  for (gint n = conv->node->post_ops->len; n >= 0; n--)
    for (guint m = in_place ? 0 : 1; m < 3; m++) {
      if (!try_candidate (conv, alg, n, modes[m], out))
        continue;
      if (!unet_pd_is_reference (out->pd))
        return TRUE;
      candidate_clear (out);
    }
  return alg == dnnl_convolution_direct
      && try_candidate (conv, alg, 0, UNET_SUM_NEVER, out);
}

static gchar *
conv_key (const Conv *conv, const gchar *what, const Candidate *c)
{
  const UnetDnnlWindow *w = &conv->window;
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
candidate_time (const Conv *conv, const gchar *what, const Candidate *c)
{
  gchar *key = conv_key (conv, what, c);
  guint64 ns = unet_tune_time (conv->plan, c->pd, c->attrs.ops, key);

  g_free (key);
  return ns;
}

/* Direct or, where oneDNN has it, ours does not fit and it measures faster,
 * Winograd. */
static gboolean
choose_candidate (
    const Conv *conv, const UnetWindow *window, Candidate *best, guint64 *ns)
{
  Candidate other = { 0 };

  *ns = 0;
  if (!best_fusion (conv, dnnl_convolution_direct, best))
    return FALSE;
  if (conv->plan->options.tuning != UNET_TUNING_MEASURE)
    return TRUE;
  if (conv->layout == UNET_MEM_PLAIN || unet_pd_is_reference (best->pd)) {
    *ns = G_MAXUINT64 / 1024; /* slow, and slow to find out how slow */
    return TRUE;
  }
  *ns = candidate_time (conv, "direct", best);
  if (!conv->transposed && conv->layout == UNET_MEM_BLOCKED
      && !unet_node_is_exact (conv->node)
      && !unet_winograd_fits (conv->plan, conv->node, window, conv->layout)
      && best_fusion (conv, dnnl_convolution_winograd, &other)) {
    guint64 t = candidate_time (conv, "winograd", &other);

    if (other.attrs.n == best->attrs.n && t < *ns) {
      Candidate swap = *best;
      *best = other;
      other = swap;
      *ns = t;
    }
    candidate_clear (&other);
  }
  return TRUE;
}

/* ---- emission ----------------------------------------------------------- */

/* A residual that may not be overwritten is copied to the output first. */
static gboolean
copy_residual (UnetPlan *plan, UnetNode *node, UnetValue *residual,
    UnetMemLayout layout, const UnetLoc *out, GError **error)
{
  UnetLoc *in = unet_plan_read (plan, residual, layout, error);
  UnetCopyChannels *p;
  UnetStep *step;

  if (!in)
    return FALSE;
  p = g_new0 (UnetCopyChannels, 1);
  p->src = p->dst = unet_plan_vec (plan, residual, layout);
  step = unet_plan_add_kernel (plan, node, "Copy", "unet:copy_channels",
      unet_kernel_copy_channels, p, residual, layout);
  step->info.kind = "copy";
  unet_step_operand (step, 0, in, FALSE);
  unet_step_operand (step, 0, out, TRUE);
  return TRUE;
}

static UnetLoc *
output_location (
    const Conv *conv, UnetValue *sum, gboolean copies, GError **error)
{
  UnetPlan *plan = conv->plan;
  UnetValue *out = unet_node_output (conv->node, 0);
  UnetLoc *loc;

  if (!sum)
    return unet_plan_write (plan, out, conv->layout, error);
  if (!copies) {
    loc = unet_plan_read (plan, sum, conv->layout, error);
    return loc ? unet_plan_alias (
               plan, out, conv->layout, loc, 0, unet_md_copy (loc->md))
               : NULL;
  }
  loc = unet_plan_write (plan, out, conv->layout, error);
  if (loc && !copy_residual (plan, conv->node, sum, conv->layout, loc, error))
    return NULL;
  return loc;
}

static UnetStorage *
pack_weights (const Conv *conv, const UnetWindow *window,
    const_dnnl_primitive_desc_t pd, GError **error)
{
  UnetMd from = weights_md (conv, window, FALSE);
  UnetStorage *storage = unet_plan_pack_reorder (conv->plan,
      unet_node_input (conv->node, 1)->constant->data, from,
      unet_pd_md (pd, dnnl_query_weights_md, 0), error);

  unet_md_free (from);
  return storage;
}

/* Locations of binary post-ops' operands, read before the step is added so
 * that their reorders come first. */
static gboolean
read_operands (const UnetAttrs *attrs, UnetPlan *plan, const UnetValue *out,
    UnetMemLayout layout, UnetLoc *locs, GError **error)
{
  for (guint i = 0; i < attrs->n_args; i++)
    if (!unet_plan_read_broadcast (
            plan, attrs->values[i], out->n_dims, layout, &locs[i], error))
      return FALSE;
  return TRUE;
}

/* From blocks to rows, and the post-ops there. */
static gboolean
emit_thin_tail (const Conv *conv, const UnetLoc *blocked, GError **error)
{
  UnetPlan *plan = conv->plan;
  UnetValue *out = unet_node_output (conv->node, 0);
  UnetLoc *plain = unet_plan_write (plan, out, UNET_MEM_PLAIN, error);

  return plain && unet_plan_add_reorder (plan, out, blocked, plain, error)
      && unet_plan_post_ops (plan, conv->node, 0, out, UNET_MEM_PLAIN, error);
}

static gboolean
emit_conv (
    const Conv *conv, const UnetWindow *window, Candidate *c, GError **error)
{
  UnetPlan *plan = conv->plan;
  UnetNode *node = conv->node;
  UnetValue *bias = unet_node_input (node, 2),
            *out = unet_node_output (node, 0);
  gchar *name = unet_node_describe (node, c->attrs.n);
  UnetLoc locs[8] = { 0 }, thin = { .md = conv->dst }, *dst = &thin;
  UnetLoc *src, *bias_loc = NULL;
  UnetStorage *weights;
  UnetStep *step = NULL;
  UnetMd weights_layout;

  src = unet_plan_read (plan, unet_node_input (node, 0),
      source_layout (plan, node, conv->layout), error);
  weights_layout = unet_md_copy (unet_pd_md (c->pd, dnnl_query_weights_md, 0));
  weights = src ? pack_weights (conv, window, c->pd, error) : NULL;
  if (weights && bias)
    bias_loc = unet_plan_read (plan, bias, UNET_MEM_PLAIN, error);
  if (weights && (!bias || bias_loc)
      && read_operands (&c->attrs, plan, out, conv->layout, locs, error)
      && (is_thin_output (conv)
          || (dst = output_location (
                  conv, c->attrs.sum, c->attrs.sum_copies, error)))) {
    step = unet_plan_add_primitive (
        plan, node, name, c->pd, out, conv->layout, error);
    c->pd = NULL;
  }
  if (step) {
    unet_step_operand (step, DNNL_ARG_SRC, src, FALSE);
    unet_step_operand_md (
        step, DNNL_ARG_WEIGHTS, weights, 0, weights_layout, FALSE);
    if (bias_loc)
      unet_step_operand (step, DNNL_ARG_BIAS, bias_loc, FALSE);
    unet_attrs_operands (&c->attrs, plan, step, locs);
    if (dst == &thin)
      thin.storage = unet_plan_add_storage (plan, unet_md_size (thin.md));
    unet_step_operand (step, DNNL_ARG_DST, dst, TRUE);
  }
  for (guint i = 0; i < c->attrs.n_args; i++)
    unet_md_free (locs[i].md);
  unet_md_free (weights_layout);
  g_free (name);
  if (step && dst == &thin)
    return emit_thin_tail (conv, &thin, error);
  return step
      && unet_plan_post_ops (plan, node, c->attrs.n, out, conv->layout, error);
}

gboolean
unet_conv_is_constant (const UnetNode *node)
{
  UnetValue *w = unet_node_input (node, 1), *b = unet_node_input (node, 2);

  return w && w->constant && w->dtype == UNET_DTYPE_F32
      && (!b || (b->constant && b->dtype == UNET_DTYPE_F32))
      && unet_node_input (node, 0)->n_dims <= 5;
}

/* ---- kernels of our own -------------------------------------------------- */

typedef enum { OWN_NONE, OWN_WINOGRAD, OWN_ROWS } Own;

/* Without measurements: where it always was faster. */
static Own
own_by_rule (const Conv *conv, gboolean winograd)
{
  const gint64 *d = unet_node_input (conv->node, 1)->dims;

  if (!winograd)
    return d[0] <= 8 ? OWN_ROWS : OWN_NONE;
  return d[0] >= 16 && d[1] >= 16 ? OWN_WINOGRAD : OWN_NONE;
}

/* Our kernel for this layout, where it beats @ns, which then is its time. */
static Own
choose_own (const Conv *conv, const UnetWindow *window, const Candidate *best,
    guint64 *ns, gint64 *block)
{
  gfloat slope, low, high;
  UnetValue *residual;
  gboolean winograd;
  guint64 own;

  *block = unet_winograd_block (conv->node);
  if (conv->transposed)
    return OWN_NONE;
  winograd = unet_winograd_fits (conv->plan, conv->node, window, conv->layout);
  if ((!winograd && !unet_rows_fits (conv->node, window, conv->layout))
      || unet_winograd_post_ops (conv->node, &residual, &slope, &low, &high)
          < best->attrs.n)
    return OWN_NONE;
  if (conv->plan->options.tuning != UNET_TUNING_MEASURE)
    return own_by_rule (conv, winograd);
  own = winograd ? unet_winograd_time (conv->plan, conv->node, window, block)
                 : unet_rows_time (conv->plan, conv->node, window);
  if (own >= *ns)
    return OWN_NONE;
  *ns = own;
  return winograd ? OWN_WINOGRAD : OWN_ROWS;
}

/* The output transform reads the residual wherever it lies. */
static gboolean
emit_winograd (const Conv *conv, const UnetWindow *window, gint64 block,
    guint n, UnetValue *residual, GError **error)
{
  gboolean in_place = residual && can_sum_in_place (conv);
  UnetLoc *add = NULL, *dst = NULL;
  UnetWinogradFusion fusion;

  unet_winograd_find_fusion (conv->plan, conv->node, block, n, &fusion);
  if (residual
      && !(add = unet_plan_read (conv->plan, residual, conv->layout, error)))
    return FALSE;
  if (!fusion.unread
      && !(dst = output_location (
               conv, in_place ? residual : NULL, FALSE, error)))
    return FALSE;
  return unet_emit_winograd (
      conv->plan, conv->node, window, block, n, dst, add, &fusion, error);
}

static gboolean
emit_rows (const Conv *conv, const UnetWindow *window, guint n,
    UnetValue *residual, GError **error)
{
  UnetLoc *dst =
      output_location (conv, residual, !can_sum_in_place (conv), error);

  return dst && unet_emit_rows (conv->plan, conv->node, window, n, dst, error);
}

static gboolean
emit_own (const Conv *conv, Own own, const UnetWindow *window, gint64 block,
    GError **error)
{
  gfloat slope, low, high;
  UnetValue *residual;
  guint n = unet_winograd_post_ops (conv->node, &residual, &slope, &low, &high);

  if (!(own == OWN_WINOGRAD
              ? emit_winograd (conv, window, block, n, residual, error)
              : emit_rows (conv, window, n, residual, error)))
    return FALSE;
  return unet_plan_post_ops (conv->plan, conv->node, n,
      unet_node_output (conv->node, 0), conv->layout, error);
}

/* What it reads lies as no other kernel takes it. */
static gboolean
emit_fed (const Conv *conv, const UnetWindow *window, GError **error)
{
  gint64 block = unet_winograd_block (conv->node);

  if (conv->plan->options.tuning == UNET_TUNING_MEASURE)
    unet_winograd_time (conv->plan, conv->node, window, &block);
  return emit_own (conv, OWN_WINOGRAD, window, block, error);
}

gboolean
unet_lower_conv (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error)
{
  Candidate best = { 0 };
  UnetWindow window;
  gint64 block;
  gboolean ok;
  guint64 ns;
  Conv conv;
  Own own;

  if (!unet_conv_is_constant (node))
    return unet_lower_eval (plan, node, UNET_MEM_PLAIN, error);
  if (!conv_init (&conv, plan, node, layout, &window, error))
    return FALSE;
  if (unet_winograd_is_fed (plan, node))
    ok = emit_fed (&conv, &window, error);
  else if (!choose_candidate (&conv, &window, &best, &ns))
    ok = unet_lower_eval (plan, node, UNET_MEM_PLAIN, error);
  else if ((own = choose_own (&conv, &window, &best, &ns, &block)))
    ok = emit_own (&conv, own, &window, block, error);
  else
    ok = emit_conv (&conv, &window, &best, error);
  candidate_clear (&best);
  conv_clear (&conv);
  return ok;
}

gboolean
unet_conv_is_slow (UnetPlan *plan, UnetNode *node, UnetMemLayout layout)
{
  Candidate best = { 0 };
  UnetWindow window;
  gboolean slow;
  Conv conv;

  if (!unet_conv_is_constant (node)
      || !conv_init (&conv, plan, node, layout, &window, NULL))
    return TRUE;
  if (layout == UNET_MEM_PLAIN)
    slow = !unet_rows_fits (node, &window, layout);
  else
    slow = !best_fusion (&conv, dnnl_convolution_direct, &best)
        || unet_pd_is_reference (best.pd);
  candidate_clear (&best);
  conv_clear (&conv);
  return slow;
}

/* The time that a convolution takes in @layout, for the choice of layouts. */
guint64
unet_conv_time (UnetPlan *plan, UnetNode *node, UnetMemLayout layout)
{
  guint64 ns = G_MAXUINT64 / 1024;
  Candidate best = { 0 };
  UnetWindow window;
  gint64 block;
  Conv conv;

  if (!unet_conv_is_constant (node)
      || !conv_init (&conv, plan, node, layout, &window, NULL))
    return ns;
  if (layout != UNET_MEM_PLAIN || unet_rows_fits (node, &window, layout))
    if (choose_candidate (&conv, &window, &best, &ns))
      choose_own (&conv, &window, &best, &ns, &block);
  candidate_clear (&best);
  conv_clear (&conv);
  return ns;
}

gboolean
unet_conv_is_winograd (UnetPlan *plan, UnetNode *node)
{
  Candidate best = { 0 };
  Own own = OWN_NONE;
  UnetWindow window;
  gint64 block;
  guint64 ns;
  Conv conv;

  if (!unet_conv_is_constant (node)
      || !conv_init (&conv, plan, node, UNET_MEM_BLOCKED, &window, NULL))
    return FALSE;
  if (unet_winograd_fits (plan, node, &window, UNET_MEM_BLOCKED)
      && choose_candidate (&conv, &window, &best, &ns))
    own = choose_own (&conv, &window, &best, &ns, &block);
  candidate_clear (&best);
  conv_clear (&conv);
  return own == OWN_WINOGRAD;
}
