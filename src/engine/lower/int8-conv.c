/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/lower/int8-conv.h"
#include <math.h>
#include <string.h>

/* Convolutions on narrow tensors. Bytes: a product of a byte of the source
 * and one of the weights stands for src.scale * weight_scale[oc]; that over
 * the scale of the result is the one factor of each output channel. */

typedef UnetNarrowConv Conv;

static gboolean
is_bytes (const Conv *c)
{
  return c->src.type != UNET_NARROW_BF16;
}

/* ---- geometry ------------------------------------------------------------ */

static gboolean
is_spread (const UnetNode *node, const UnetWindow *w)
{
  if (node->op != UNET_OP_ConvTranspose || w->n != 2 || w->group != 1
      || w->kernel[0] != w->kernel[1])
    return FALSE;
  for (guint i = 0; i < 2; i++)
    if (w->kernel[i] != w->stride[i] || w->dilation[i] != 1 || w->pad_begin[i]
        || w->pad_end[i] || w->output_padding[i])
      return FALSE;
  return TRUE;
}

gboolean
unet_narrow_conv_spreads (const UnetPlan *plan, const UnetNode *node)
{
  UnetWindow window;

  return unet_node_window (plan->graph, node, &window, NULL)
      && is_spread (node, &window);
}

static gboolean
has_floats (const UnetNode *node)
{
  UnetValue *w = unet_node_input (node, 1), *b = unet_node_input (node, 2);

  return w && w->constant && w->dtype == UNET_DTYPE_F32 && w->n_dims == 4
      && (!b || (b->constant && b->dtype == UNET_DTYPE_F32));
}

/* oneDNN's logical weights of what is asked of it. */
static UnetMd
weights_md (const Conv *c, dnnl_data_type_t type, dnnl_format_tag_t tag)
{
  gint64 g = c->window.group, taps[2];
  gint64 dims[5] = { g, c->oc / g, 0, 0, 0 };

  for (guint i = 0; i < 2; i++)
    taps[i] = c->spread ? 1 : c->window.kernel[i];
  dims[2] = c->row / (taps[0] * taps[1]);
  dims[3] = taps[0];
  dims[4] = taps[1];
  if (tag != dnnl_format_tag_any)
    tag = g > 1 ? dnnl_goihw : dnnl_oihw;
  return g > 1 ? unet_md_new (5, dims, type, tag)
               : unet_md_new (4, dims + 1, type, tag);
}

static void
conv_window (Conv *c)
{
  c->w.n = 2;
  for (guint i = 0; i < 2; i++) {
    c->w.kernel[i] = c->spread ? 1 : c->window.kernel[i];
    c->w.stride[i] = c->spread ? 1 : c->window.stride[i];
    c->w.dilation[i] = c->spread ? 1 : c->window.dilation[i];
    c->w.pad_begin[i] = c->spread ? 0 : c->window.pad_begin[i];
    c->w.pad_end[i] = c->spread ? 0 : c->window.pad_end[i];
  }
}

static UnetMd
result_md (const Conv *c)
{
  const dnnl_data_type_t types[] = { dnnl_f32, dnnl_u8, dnnl_s8, dnnl_bf16 };

  return unet_md_new (4, c->dst_dims, types[c->dst.type], dnnl_nhwc);
}

static gboolean
conv_init (Conv *c, UnetPlan *plan, UnetNode *node)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  const gint64 *d;

  memset (c, 0, sizeof *c);
  c->plan = plan;
  c->node = node;
  if (!has_floats (node)
      || !unet_node_window (plan->graph, node, &c->window, NULL)
      || c->window.n != 2)
    return FALSE;
  d = unet_node_input (node, 1)->dims;
  if (is_spread (node, &c->window))
    c->spread = c->window.kernel[0];
  c->deconv = node->op == UNET_OP_ConvTranspose && !c->spread;
  if (c->deconv && c->window.group != 1)
    return FALSE;
  memcpy (c->dst_dims, out->dims, sizeof c->dst_dims);
  if (c->spread)
    for (guint i = 1; i < 4; i++)
      c->dst_dims[i] = i == 1 ? d[1] * c->spread * c->spread : in->dims[i];
  c->oc = c->dst_dims[1];
  c->row = unet_dims_count (4, d) / c->oc;
  c->src = plan->narrow[in->id];
  c->dst = plan->narrow[out->id];
  if (unet_node_is_narrow (plan, node)
      && unet_narrow_writes_floats (plan, node))
    c->dst = (UnetNarrowValue){ UNET_NARROW_NONE, 1.0f };
  conv_window (c);
  c->src_md = unet_md_new (4, in->dims,
      is_bytes (c) ? c->src.type == UNET_NARROW_U8 ? dnnl_u8 : dnnl_s8
                   : dnnl_bf16,
      dnnl_nhwc);
  c->weights_md =
      weights_md (c, is_bytes (c) ? dnnl_s8 : dnnl_bf16, dnnl_format_tag_any);
  c->bias_md = unet_md_new (1, &c->oc, dnnl_f32, dnnl_a);
  c->dst_md = result_md (c);
  return c->src_md && c->weights_md && c->bias_md && c->dst_md;
}

static void
conv_clear (Conv *c)
{
  unet_md_free (c->src_md);
  unet_md_free (c->weights_md);
  unet_md_free (c->bias_md);
  unet_md_free (c->dst_md);
  unet_attrs_clear (&c->attrs);
  if (c->pd)
    dnnl_primitive_desc_destroy (c->pd);
}

/* ---- post-ops ------------------------------------------------------------ */

/* f (x / s) = f (x) / s once its own constants are divided, too? */
static gboolean
scales_along (const UnetPostOp *op)
{
  switch (op->kind) {
    case UNET_POST_RELU:
    case UNET_POST_CLIP:
    case UNET_POST_LEAKY_RELU:
    case UNET_POST_LINEAR:
    case UNET_POST_ADD:
      return TRUE;
    default:
      return FALSE;
  }
}

static gboolean
can_sum (const Conv *c, const UnetPostOp *op)
{
  const UnetValue *v = op->value, *out = unet_node_output (c->node, 0);

  return !c->attrs.sum && !c->spread && !c->deconv && c->dst.type
      && v->n_dims == 4 && memcmp (v->dims, out->dims, sizeof c->dst_dims) == 0
      && c->plan->narrow[v->id].type;
}

static gboolean
append_sum (Conv *c, const UnetPostOp *op)
{
  UnetNarrowValue v = c->plan->narrow[op->value->id];
  const dnnl_data_type_t types[] = { dnnl_data_type_undef, dnnl_u8, dnnl_s8,
    dnnl_bf16 };

  if (!can_sum (c, op))
    return FALSE;
  c->attrs.sum = op->value;
  c->attrs.sum_copies = op->value == unet_node_input (c->node, 0)
      || !unet_plan_dies (c->plan, op->value, UNET_MEM_NARROW);
  return unet_post_ops_append_sum_typed (
      c->attrs.ops, v.scale / c->unit, types[v.type]);
}

static gboolean
append_post_op (Conv *c, const UnetPostOp *op)
{
  dnnl_post_ops_t ops = c->attrs.ops;
  UnetPostOp scaled = *op;
  UnetEltwise e;

  if (op->kind == UNET_POST_ADD)
    return append_sum (c, op);
  if (op->kind == UNET_POST_HARD_SIGMOID)
    return unet_post_ops_append_eltwise (
               ops, dnnl_eltwise_linear, op->alpha, op->beta)
        && unet_post_ops_append_eltwise (ops, dnnl_eltwise_clip, 0, 1);
  if (op->kind == UNET_POST_CLIP)
    scaled.alpha /= c->unit;
  if (op->kind == UNET_POST_CLIP || op->kind == UNET_POST_LINEAR)
    scaled.beta /= c->unit;
  return unet_eltwise_for (&scaled, &e)
      && unet_post_ops_append_eltwise (ops, e.alg, e.alpha, e.beta);
}

/* Post-ops but a last one that does what unsigned bytes do by themselves. */
static guint
needed_post_ops (const Conv *c)
{
  guint n = c->node->post_ops->len;

  if (n > 0
      && unet_narrow_limits (
          c->dst, &g_array_index (c->node->post_ops, UnetPostOp, n - 1)))
    n--;
  return n;
}

/* Results that are floats, or bfloat16, are in units of 1. */
static gboolean
make_attrs (Conv *c)
{
  gboolean scales = c->dst.type != UNET_NARROW_NONE;
  guint n = needed_post_ops (c);

  for (guint i = 0; i < n; i++)
    scales &= scales_along (&g_array_index (c->node->post_ops, UnetPostOp, i));
  c->unit = scales ? c->dst.scale : 1.0f;
  if (dnnl_post_ops_create (&c->attrs.ops) != dnnl_success)
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (!append_post_op (c, &g_array_index (c->node->post_ops, UnetPostOp, i)))
      return FALSE;
  if (c->dst.type && c->unit != c->dst.scale
      && !unet_post_ops_append_eltwise (
          c->attrs.ops, dnnl_eltwise_linear, 1.0f / c->dst.scale, 0))
    return FALSE;
  c->attrs.n = c->node->post_ops->len;
  return unet_pd_scratch_attr (&c->attrs.attr, c->attrs.ops);
}

/* ---- weights ------------------------------------------------------------- */

gfloat *
unet_narrow_conv_weights (const Conv *c)
{
  const UnetValue *v = unet_node_input (c->node, 1);
  const gfloat *w = v->constant->data;
  gint64 taps = c->window.kernel[0] * c->window.kernel[1];
  gfloat *rows = g_new (gfloat, c->oc * c->row);

  if (c->node->op == UNET_OP_Conv)
    return memcpy (rows, w, c->oc * c->row * sizeof *rows);
  for (gint64 i = 0; i < v->dims[0]; i++)
    for (gint64 o = 0; o < v->dims[1]; o++)
      for (gint64 k = 0; k < taps; k++)
        rows[c->spread ? (k * v->dims[1] + o) * c->row + i
                       : (o * v->dims[0] + i) * taps + k] =
            w[(i * v->dims[1] + o) * taps + k];
  return rows;
}

/* Without VNNI two products of an unsigned and a signed byte are added in 16
 * bits: 2 * 255 * 64 still fits. oneDNN halves the weights by itself where
 * the source is signed. */
gint
unet_narrow_largest_weight (const Conv *c)
{
  return c->plan->vnni || c->src.type == UNET_NARROW_S8 ? 127 : 64;
}

/* Is every number of the row a whole number of steps? */
static gboolean
is_on_grid (const gfloat *row, gint64 n, gfloat step)
{
  for (gint64 i = 0; i < n; i++) {
    gfloat x = row[i] / step;

    if (fabsf (x - rintf (x)) > 1e-3f)
      return FALSE;
  }
  return TRUE;
}

/* Weights that a model holds in bytes of its own are rounded no second time:
 * they lie on a grid, and the largest is some whole number of its steps. */
static gfloat
step_of (const gfloat *row, gint64 n, gint limit, gfloat most)
{
  for (gint k = limit; k > limit / 2; k--)
    if (is_on_grid (row, n, most / k))
      return most / k;
  return most / limit;
}

gfloat
unet_narrow_quantize_row (const gfloat *row, gint64 n, gint limit, gint8 *out)
{
  gfloat high = 0, low = 0, most, step;

  for (gint64 i = 0; i < n; i++) {
    high = MAX (high, row[i]);
    low = MIN (low, row[i]);
  }
  most = MAX (high, -low);
  step = 1.0f;
  if (most > 1e-30f && most < 1e30f)
    step = step_of (row, n, limit, most);
  if (limit == 127 && -low > high && is_on_grid (row, n, -low / 128))
    step = -low / 128;
  for (gint64 i = 0; i < n; i++)
    out[i] = CLAMP (rintf (row[i] / step), -128, 127);
  return step;
}

/* Packs the weights; @steps: (out) of each row, 1 for bfloat16. */
static UnetStorage *
pack_weights (const Conv *c, gfloat *steps, GError **error)
{
  gfloat *rows = unet_narrow_conv_weights (c);
  gint8 *bytes = is_bytes (c) ? g_new (gint8, c->oc * c->row) : NULL;
  UnetMd from = weights_md (c, bytes ? dnnl_s8 : dnnl_f32, dnnl_oihw);
  UnetStorage *storage;

  for (gint64 o = 0; o < c->oc; o++)
    steps[o] = bytes ? unet_narrow_quantize_row (rows + o * c->row, c->row,
                   unet_narrow_largest_weight (c), bytes + o * c->row)
                     : 1.0f;
  storage = unet_plan_pack_reorder (c->plan,
      bytes ? (gconstpointer) bytes : rows, from,
      unet_pd_md (c->pd, dnnl_query_weights_md, 0), error);
  unet_md_free (from);
  g_free (bytes);
  g_free (rows);
  return storage;
}

typedef struct {
  gconstpointer data;
  gsize size;
} Bytes;

static gboolean
fill_bytes (gpointer data, gpointer user_data, GError **error)
{
  const Bytes *b = user_data;

  memcpy (data, b->data, b->size);
  return TRUE;
}

UnetStorage *
unet_narrow_pack_bytes (
    UnetPlan *plan, gconstpointer data, gsize size, GError **error)
{
  Bytes b = { data, size };

  return unet_plan_pack (
      plan, data, size, "bytes", size, fill_bytes, &b, error);
}

UnetStorage *
unet_narrow_pack_bias (const Conv *c, const gfloat *factors, GError **error)
{
  const UnetValue *v = unet_node_input (c->node, 2);
  const gfloat *b = v ? v->constant->data : NULL;
  gfloat *bias = g_new0 (gfloat, c->oc);
  gint64 n = unet_node_output (c->node, 0)->dims[1];
  UnetStorage *storage;

  for (gint64 o = 0; b && o < c->oc; o++) {
    bias[o] = b[o % n] / c->unit;
    if (is_bytes (c) && unet_bias_comes_before_scales ())
      bias[o] /= factors[o];
  }
  storage = unet_narrow_pack_bytes (c->plan, bias, c->oc * sizeof *bias, error);
  g_free (bias);
  return storage;
}

/* ---- descriptors --------------------------------------------------------- */

static gboolean
conv_pd (Conv *c, const gfloat *factors)
{
  if (is_bytes (c)
      && !unet_attr_set_channel_scales (
          c->attrs.attr, c->window.group > 1, c->oc, factors))
    return FALSE;
  if (c->deconv)
    return unet_pd_deconv (&c->pd, c->plan->engine, c->src_md, c->weights_md,
        c->bias_md, c->dst_md, &c->w, c->attrs.attr);
  return unet_pd_conv (&c->pd, c->plan->engine, dnnl_convolution_direct,
      c->src_md, c->weights_md, c->bias_md, c->dst_md, &c->w, c->attrs.attr);
}

/* The factors do not matter for what implementation there is. */
static gboolean
draft_pd (Conv *c)
{
  gfloat *ones = g_new (gfloat, c->oc);
  gboolean ok;

  for (gint64 o = 0; o < c->oc; o++)
    ones[o] = 1.0f;
  ok = conv_pd (c, ones) && !unet_pd_is_reference (c->pd);
  g_free (ones);
  return ok;
}

/* ---- emission ------------------------------------------------------------ */

static gboolean
copy_residual (Conv *c, const UnetLoc *from, const UnetLoc *to)
{
  const UnetValue *v = c->attrs.sum;
  gint64 size = unet_narrow_size (c->dst.type);
  gint64 bytes = unet_dims_count (4, v->dims) * size;
  UnetNarrowMove *p = g_new0 (UnetNarrowMove, 1);
  gint64 row = bytes / (v->dims[0] * v->dims[2]);
  UnetStep *step;

  *p = (UnetNarrowMove){ v->dims[0], v->dims[2], 1, row,
    { row, row, row * v->dims[2] }, { row, row, row * v->dims[2] }, 0, 0 };
  step = unet_plan_add_kernel (c->plan, c->node, "Copy", "unet:narrow_move",
      unet_kernel_narrow_move, p, v, UNET_MEM_NARROW);
  step->info.kind = "copy";
  unet_step_operand (step, 0, from, FALSE);
  unet_step_operand (step, 0, to, TRUE);
  return TRUE;
}

static UnetLoc *
output_location (Conv *c, GError **error)
{
  UnetValue *out = unet_node_output (c->node, 0);
  UnetLoc *residual, *loc;

  if (!c->dst.type)
    return unet_plan_write (c->plan, out, UNET_MEM_NHWC, error);
  if (!c->attrs.sum)
    return unet_plan_write (c->plan, out, UNET_MEM_NARROW, error);
  residual = unet_plan_read (c->plan, c->attrs.sum, UNET_MEM_NARROW, error);
  if (!residual)
    return NULL;
  if (!c->attrs.sum_copies)
    return unet_plan_alias (c->plan, out, UNET_MEM_NARROW, residual, 0,
        unet_narrow_md (c->plan, out));
  loc = unet_plan_write (c->plan, out, UNET_MEM_NARROW, error);
  return loc && copy_residual (c, residual, loc) ? loc : NULL;
}

/* The groups of a spread become pixels. */
static gboolean
emit_spread (Conv *c, UnetStorage *mid, GError **error)
{
  UnetValue *out = unet_node_output (c->node, 0);
  UnetLoc *dst = unet_plan_write (
      c->plan, out, c->dst.type ? UNET_MEM_NARROW : UNET_MEM_NHWC, error);
  gint64 size = c->dst.type ? unet_narrow_size (c->dst.type) : 4;
  gint64 bytes = out->dims[1] * size, step_bytes = bytes;
  UnetNarrowSpread *p;
  UnetStep *step;

  if (!dst)
    return FALSE;
  if (c->dst.type)
    step_bytes = unet_narrow_pixels (c->plan, out).pixel * size;
  p = g_new0 (UnetNarrowSpread, 1);
  *p = (UnetNarrowSpread){ c->dst_dims[0], c->dst_dims[2], c->dst_dims[3],
    c->spread, bytes,
    { step_bytes, step_bytes * out->dims[3],
        step_bytes * out->dims[3] * out->dims[2] } };
  step = unet_plan_add_kernel (c->plan, c->node, "DepthToSpace",
      "unet:narrow_spread", unet_kernel_narrow_spread, p, out, dst->layout);
  step->info.kind = "copy";
  unet_step_operand_md (step, 0, mid, 0, c->dst_md, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return TRUE;
}

static UnetStep *
add_step (Conv *c, GError **error)
{
  gchar *name = unet_node_describe (c->node, c->attrs.n);
  UnetStep *step = unet_plan_add_primitive (c->plan, c->node, name, c->pd,
      unet_node_output (c->node, 0),
      c->dst.type ? UNET_MEM_NARROW : UNET_MEM_NHWC, error);

  c->pd = NULL;
  g_free (name);
  return step;
}

typedef struct {
  UnetStorage *weights, *bias, *scales;
  UnetMd weights_md;
} Packed;

/* Weights first: their steps make the factors, which the descriptor needs. */
static gboolean
pack (Conv *c, Packed *packed, GError **error)
{
  gfloat *factors = c->steps;

  packed->weights = pack_weights (c, factors, error);
  if (!packed->weights)
    return FALSE;
  packed->weights_md =
      unet_md_copy (unet_pd_md (c->pd, dnnl_query_weights_md, 0));
  for (gint64 o = 0; o < c->oc; o++)
    factors[o] *= c->src.scale / c->unit;
  packed->bias = unet_narrow_pack_bias (c, factors, error);
  packed->scales =
      unet_narrow_pack_bytes (c->plan, factors, c->oc * sizeof *factors, error);
  if (!packed->bias || !packed->scales)
    return FALSE;
  dnnl_primitive_desc_destroy (c->pd);
  c->pd = NULL;
  return conv_pd (c, factors);
}

static gboolean
emit_conv (Conv *c, GError **error)
{
  UnetPlan *plan = c->plan;
  UnetLoc *src = unet_plan_read (
              plan, unet_node_input (c->node, 0), UNET_MEM_NARROW, error),
          *dst = NULL;
  UnetStorage *mid = NULL;
  Packed packed = { 0 };
  UnetStep *step = NULL;

  if (src && pack (c, &packed, error)
      && (c->spread || (dst = output_location (c, error))))
    step = add_step (c, error);
  if (step) {
    unet_step_operand_md (
        step, DNNL_ARG_SRC, src->storage, src->offset, c->src_md, FALSE);
    unet_step_operand_md (
        step, DNNL_ARG_WEIGHTS, packed.weights, 0, packed.weights_md, FALSE);
    unet_step_operand_md (
        step, DNNL_ARG_BIAS, packed.bias, 0, c->bias_md, FALSE);
    if (is_bytes (c) && unet_channel_scales_arg ())
      unet_step_operand_md (step, unet_channel_scales_arg (), packed.scales, 0,
          c->bias_md, FALSE);
    if (c->spread)
      mid = unet_plan_add_storage (plan, unet_md_size (c->dst_md));
    unet_step_operand_md (step, DNNL_ARG_DST, mid ? mid : dst->storage,
        mid ? 0 : dst->offset, c->dst_md, TRUE);
  }
  unet_md_free (packed.weights_md);
  return step && (!mid || emit_spread (c, mid, error));
}

/* ---- what the rest sees -------------------------------------------------- */

gboolean
unet_narrow_conv_suits (UnetPlan *plan, UnetNode *node)
{
  gboolean suits;
  Conv c;

  suits = conv_init (&c, plan, node)
      && ((make_attrs (&c) && draft_pd (&c)) || unet_narrow_depthwise_fits (&c)
          || unet_narrow_head_fits (&c));
  conv_clear (&c);
  return suits;
}

static gboolean
choose_and_emit (Conv *c, GError **error)
{
  gboolean drafted = make_attrs (c) && draft_pd (c);
  UnetNarrowHeads head = unet_narrow_choose_head (c, drafted);

  if (head)
    return unet_narrow_emit_head (c, head, error);
  if (unet_narrow_depthwise_fits (c)
      && (!drafted || unet_narrow_depthwise_pays (c)))
    return unet_narrow_emit_depthwise (c, error);
  return drafted && emit_conv (c, error);
}

gboolean
unet_lower_narrow_conv (UnetPlan *plan, UnetNode *node, GError **error)
{
  gboolean ok = FALSE;
  Conv c;

  if (conv_init (&c, plan, node)) {
    c.steps = g_new (gfloat, c.oc);
    ok = choose_and_emit (&c, error);
    g_free (c.steps);
  }
  conv_clear (&c);
  if (!ok && error && !*error)
    unet_plan_set_error (error, plan, node, "oneDNN has no such primitive");
  return ok;
}
