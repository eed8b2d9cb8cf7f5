/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/cost/int8-conv.h"
#include "engine/cost/timing.h"
#include "engine/emit/locations.h"
#include <string.h>

typedef UnetInt8Conv Conv;

gboolean
unet_int8_conv_is_int8 (const Conv *c)
{
  return c->src.type != UNET_ELEMENT_BF16;
}

/* ---- geometry ------------------------------------------------------------ */

static gboolean
has_floats (const UnetNode *node)
{
  UnetValue *w = unet_node_input (node, 1), *b = unet_node_input (node, 2);

  return w && w->constant && w->dtype == UNET_DTYPE_F32 && w->n_dims == 4
      && (!b || (b->constant && b->dtype == UNET_DTYPE_F32));
}

UnetMd
unet_int8_conv_weights_md (
    const Conv *c, dnnl_data_type_t type, dnnl_format_tag_t tag)
{
  gint64 g = c->window.group, taps[2];
  gint64 dims[5] = { g, c->oc / g, 0, 0, 0 };

  for (guint i = 0; i < 2; i++)
    taps[i] = c->depth_to_space ? 1 : c->window.kernel[i];
  dims[2] = c->row / (taps[0] * taps[1]);
  dims[3] = taps[0];
  dims[4] = taps[1];
  if (tag != dnnl_format_tag_any)
    tag = g > 1 ? dnnl_goihw : dnnl_oihw;
  return g > 1 ? unet_md_new (5, dims, type, tag)
               : unet_md_new (4, dims + 1, type, tag);
}

static UnetMd
result_md (const Conv *c)
{
  const dnnl_data_type_t types[] = { dnnl_f32, dnnl_u8, dnnl_s8, dnnl_bf16 };

  return unet_md_new (4, c->dst_dims, types[c->dst.type], dnnl_nhwc);
}

gboolean
unet_int8_conv_init (UnetInt8Conv *c, UnetPlan *plan, UnetNode *node)
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
  if (node->op == UNET_OP_ConvTranspose
      && unet_window_is_depth_to_space (&c->window))
    c->depth_to_space = c->window.kernel[0];
  c->deconv = node->op == UNET_OP_ConvTranspose && !c->depth_to_space;
  if (c->deconv && c->window.group != 1)
    return FALSE;
  memcpy (c->dst_dims, out->dims, sizeof c->dst_dims);
  if (c->depth_to_space)
    for (guint i = 1; i < 4; i++)
      c->dst_dims[i] = i == 1 ? d[1] * c->depth_to_space * c->depth_to_space
                              : in->dims[i];
  c->oc = c->dst_dims[1];
  c->row = unet_dims_count (4, d) / c->oc;
  c->src = plan->low[in->id];
  c->dst = plan->low[out->id];
  if (unet_node_is_low_precision (plan, node)
      && unet_int8_node_writes_f32 (plan, node))
    c->dst = (UnetLowValue){ UNET_ELEMENT_NONE, 1.0f };
  if (c->depth_to_space)
    c->w = unet_dnnl_window_1x1 ();
  else
    unet_window_to_dnnl (&c->window, &c->w);
  c->src_md = unet_md_new (4, in->dims,
      unet_int8_conv_is_int8 (c)
          ? c->src.type == UNET_ELEMENT_U8 ? dnnl_u8 : dnnl_s8
          : dnnl_bf16,
      dnnl_nhwc);
  c->weights_md = unet_int8_conv_weights_md (
      c, unet_int8_conv_is_int8 (c) ? dnnl_s8 : dnnl_bf16, dnnl_format_tag_any);
  c->bias_md = unet_md_new (1, &c->oc, dnnl_f32, dnnl_a);
  c->dst_md = result_md (c);
  return c->src_md && c->weights_md && c->bias_md && c->dst_md;
}

void
unet_int8_conv_clear (Conv *c)
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

/* Returns whether f (x / s) = f (x) / s, once the constants of f are divided by
 * s as well. */
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

  return !c->attrs.sum && !c->depth_to_space && !c->deconv && c->dst.type
      && v->n_dims == 4 && memcmp (v->dims, out->dims, sizeof c->dst_dims) == 0
      && c->plan->low[v->id].type;
}

static gboolean
append_sum (Conv *c, const UnetPostOp *op)
{
  UnetLowValue v = c->plan->low[op->value->id];
  const dnnl_data_type_t types[] = { dnnl_data_type_undef, dnnl_u8, dnnl_s8,
    dnnl_bf16 };

  if (!can_sum (c, op))
    return FALSE;
  c->attrs.sum = op->value;
  c->attrs.sum_copies = op->value == unet_node_input (c->node, 0)
      || !unet_plan_dies (c->plan, op->value, UNET_MEM_LOW);
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

/* Returns the number of post-ops without a last one that clips as uint8 does.
 */
static guint
needed_post_ops (const Conv *c)
{
  guint n = c->node->post_ops->len;

  if (n > 0
      && unet_int8_clips (
          c->dst, &g_array_index (c->node->post_ops, UnetPostOp, n - 1)))
    n--;
  return n;
}

/* A result in f32 or bfloat16 is in units of 1. */
static gboolean
make_attrs (Conv *c)
{
  gboolean scales = c->dst.type != UNET_ELEMENT_NONE;
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

/* ---- descriptors --------------------------------------------------------- */

gboolean
unet_int8_conv_make_pd (Conv *c, const gfloat *factors)
{
  if (unet_int8_conv_is_int8 (c)
      && !unet_attr_set_channel_scales (
          c->attrs.attr, c->window.group > 1, c->oc, factors))
    return FALSE;
  if (c->deconv)
    return unet_pd_deconv (&c->pd, c->plan->engine, c->src_md, c->weights_md,
        c->bias_md, c->dst_md, &c->w, c->attrs.attr);
  return unet_pd_conv (&c->pd, c->plan->engine, dnnl_convolution_direct,
      c->src_md, c->weights_md, c->bias_md, c->dst_md, &c->w, c->attrs.attr);
}

/* The implementation does not depend on the factors. */
gboolean
unet_int8_conv_draft (Conv *c)
{
  gfloat *ones;
  gboolean ok;

  if (!make_attrs (c))
    return FALSE;
  ones = g_new (gfloat, c->oc);
  for (gint64 o = 0; o < c->oc; o++)
    ones[o] = 1.0f;
  ok = unet_int8_conv_make_pd (c, ones) && !unet_pd_is_reference (c->pd);
  g_free (ones);
  return ok;
}

/* ---- times --------------------------------------------------------------- */

gint
unet_int8_conv_weight_limit (const Conv *c)
{
  return c->plan->vnni ? 127 : 64;
}

static gchar *
conv_key (const Conv *c, const gchar *what)
{
  gchar *src = unet_md_key (c->src_md), *dst = unet_md_key (c->dst_md);
  const UnetDnnlWindow *w = &c->w;
  gchar *key = g_strdup_printf ("narrow %s %s %s %" G_GINT64_FORMAT
                                " k%" G_GINT64_FORMAT " s%" G_GINT64_FORMAT
                                " p%" G_GINT64_FORMAT " n%u t%u",
      what, src, dst, (gint64) c->window.group, w->kernel[0], w->stride[0],
      w->pad_begin[0], c->node->post_ops->len, c->plan->options.threads);

  g_free (src);
  g_free (dst);
  return key;
}

guint64
unet_int8_conv_measure_kernel (const Conv *c, const gchar *what,
    UnetKernel kernel, gconstpointer params, const gsize *sizes)
{
  gchar *key = conv_key (c, what);
  guint64 ns = unet_timing_measure_kernel (
      c->plan, key, kernel, params, sizes, UNET_INT8_TRIAL_OPERANDS);

  g_free (key);
  return ns;
}

guint64
unet_int8_conv_measure_primitive (const Conv *c)
{
  gchar *key = conv_key (c, "direct");
  guint64 ns =
      unet_timing_measure_primitive (c->plan, key, c->pd, c->attrs.ops);

  g_free (key);
  return ns;
}
