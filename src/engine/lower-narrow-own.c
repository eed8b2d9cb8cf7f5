/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "narrow-conv.h"
#include "depthwise.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Convolutions on narrow tensors by kernels of our own. */

typedef UnetNarrowConv Conv;

/* ---- few channels at the end --------------------------------------------- */

gboolean
unet_narrow_is_head (const Conv *c)
{
  if (c->node->op != UNET_OP_Conv || c->window.group != 1 || c->dst.type
      || c->oc > UNET_HEAD_CHANNELS)
    return FALSE;
  for (guint i = 0; i < 2; i++)
    if (c->w.kernel[i] != 1 || c->w.stride[i] != 1 || c->w.pad_begin[i]
        || c->w.pad_end[i])
      return FALSE;
  return TRUE;
}

static UnetStorage *
pack_head (const Conv *c, GError **error)
{
  gfloat *rows = unet_narrow_conv_weights (c);
  UnetStorage *storage;

  for (gint64 i = 0; i < c->oc * c->row; i++)
    rows[i] *= c->src.scale;
  storage = unet_narrow_pack_bytes (c->plan, rows,
      c->oc * c->row * sizeof *rows, error);
  g_free (rows);
  return storage;
}

/* The last layer keeps its weights and its result in f32. */
gboolean
unet_narrow_emit_head (Conv *c, GError **error)
{
  UnetPlan *plan = c->plan;
  UnetValue *in = unet_node_input (c->node, 0);
  UnetValue *out = unet_node_output (c->node, 0);
  UnetLoc *src = unet_plan_read (plan, in, UNET_MEM_NARROW, error);
  UnetLoc *dst
      = src ? unet_plan_write (plan, out, UNET_MEM_PLAIN, error) : NULL;
  UnetStorage *weights = dst ? pack_head (c, error) : NULL, *bias;
  UnetNarrowHead *p;
  UnetStep *step;

  c->unit = 1.0f;
  for (gint64 o = 0; o < c->oc; o++)
    c->steps[o] = 1.0f;
  bias = weights ? unet_narrow_pack_bias (c, c->steps, error) : NULL;
  if (!bias)
    return FALSE;
  p = g_new0 (UnetNarrowHead, 1);
  *p = (UnetNarrowHead){ c->src.type, in->dims[0], in->dims[2], in->dims[3],
    in->dims[1], c->oc, unet_narrow_pixels (plan, in) };
  step = unet_plan_add_kernel (plan, c->node, "Conv", "unet:narrow_head",
      unet_kernel_narrow_head, p, out, UNET_MEM_PLAIN);
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand_md (step, 0, weights, 0, NULL, FALSE);
  unet_step_operand_md (step, 0, bias, 0, NULL, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return unet_plan_post_ops (plan, c->node, 0, out, UNET_MEM_PLAIN, error);
}

/* ---- depthwise ----------------------------------------------------------- */

/* What oneDNN's ways of multiplying bytes bear on this machine. */
static gint
weight_limit (const Conv *c)
{
  return c->plan->vnni ? 127 : 64;
}

static gboolean
has_depthwise_window (const Conv *c)
{
  const UnetWindow *w = &c->window;

  for (guint i = 0; i < 2; i++)
    if (w->kernel[i] != w->kernel[0] || w->stride[i] != w->stride[0]
        || w->dilation[i] != 1 || w->pad_begin[i] >= w->kernel[0])
      return FALSE;
  return (w->kernel[0] == 3 || w->kernel[0] == 5) && w->stride[0] <= 2;
}

/* Limits of what is written, in steps of it. */
static gboolean
find_limits (const Conv *c, UnetDepthwiseShape *p)
{
  gfloat low = c->dst.type == UNET_NARROW_S8 ? -128 : 0; /* as oneDNN */
  gfloat high = c->dst.type == UNET_NARROW_S8 ? 127 : 255;
  const GArray *ops = c->node->post_ops;

  for (guint i = 0; i < ops->len; i++) {
    const UnetPostOp *op = &g_array_index (ops, UnetPostOp, i);

    if (op->kind == UNET_POST_HARD_SWISH && i == 0 && ops->len == 1) {
      p->hard_swish = TRUE;
      p->swish = 1.0f / (6.0f * c->dst.scale);
    } else if (op->kind == UNET_POST_RELU) {
      low = MAX (low, 0);
    } else if (op->kind == UNET_POST_CLIP) {
      low = CLAMP (rintf (op->alpha / c->dst.scale), low, high);
      high = CLAMP (rintf (op->beta / c->dst.scale), low, high);
    } else {
      return FALSE;
    }
  }
  p->low = low;
  p->high = high;
  return TRUE;
}

gboolean
unet_narrow_depthwise_fits (const Conv *c)
{
  UnetDepthwiseShape shape = { 0 };

  return c->node->op == UNET_OP_Conv && c->window.group == c->oc
      && unet_node_input (c->node, 0)->dims[1] == c->oc
      && c->src.type != UNET_NARROW_BF16
      && (c->dst.type == UNET_NARROW_U8 || c->dst.type == UNET_NARROW_S8)
      && weight_limit (c) <= unet_depthwise_isa ()->largest_weight
      && has_depthwise_window (c) && find_limits (c, &shape);
}

static UnetDepthwiseShape *
depthwise_shape (const Conv *c)
{
  const UnetValue *in = unet_node_input (c->node, 0);
  const UnetValue *out = unet_node_output (c->node, 0);
  UnetDepthwiseShape *p = g_new0 (UnetDepthwiseShape, 1);

  p->n = in->dims[0];
  p->c = in->dims[1];
  p->ih = in->dims[2];
  p->iw = in->dims[3];
  p->oh = out->dims[2];
  p->ow = out->dims[3];
  p->kernel = c->window.kernel[0];
  p->stride = c->window.stride[0];
  p->pad_y = c->window.pad_begin[0];
  p->pad_x = c->window.pad_begin[1];
  p->src = unet_narrow_pixels (c->plan, in);
  p->dst = unet_narrow_pixels (c->plan, out);
  p->src_signed = c->src.type == UNET_NARROW_S8;
  p->dst_signed = c->dst.type == UNET_NARROW_S8;
  find_limits (c, p);
  return p;
}

/* Beyond these bytes are at their limits whatever they are. */
#define LARGEST_FACTOR 1000.0f
#define LARGEST_BIAS   1e9f

typedef struct {
  gint8 *weights;
  gfloat *factor, *bias;
} Channels;

/* Weights in bytes, factor and bias of channel @k. */
static void
quantize_channel (const Conv *c, const gfloat *row, gint64 k, gfloat bias,
    gboolean swish, Channels *to)
{
  gfloat step = unet_narrow_quantize_row (row, c->row, weight_limit (c),
      to->weights + k * c->row);

  to->factor[k] = c->src.scale * step;
  to->bias[k] = bias;
  if (swish)
    return;
  to->factor[k] = MIN (to->factor[k] / c->dst.scale, LARGEST_FACTOR);
  to->bias[k] = CLAMP (bias / c->dst.scale, -LARGEST_BIAS, LARGEST_BIAS);
}

static UnetStorage *
pack_depthwise (const Conv *c, const UnetDepthwiseShape *p, GError **error)
{
  const UnetDepthwiseIsa *isa = unet_depthwise_isa ();
  const UnetValue *b = unet_node_input (c->node, 2);
  gfloat *rows = unet_narrow_conv_weights (c);
  gsize size = unet_depthwise_packed_size (isa, p);
  guint8 *packed = g_malloc (size);
  Channels to = { g_new (gint8, c->oc * c->row), g_new (gfloat, c->oc),
    g_new (gfloat, c->oc) };
  UnetStorage *storage;

  for (gint64 k = 0; k < c->oc; k++)
    quantize_channel (c, rows + k * c->row, k,
        b ? ((const gfloat *) b->constant->data)[k] : 0.0f, p->hard_swish,
        &to);
  unet_depthwise_pack (isa, p, to.weights, to.factor, to.bias, packed);
  storage = unet_narrow_pack_bytes (c->plan, packed, size, error);
  g_free (to.weights);
  g_free (to.bias);
  g_free (to.factor);
  g_free (packed);
  g_free (rows);
  return storage;
}

gboolean
unet_narrow_emit_depthwise (Conv *c, GError **error)
{
  UnetPlan *plan = c->plan;
  UnetValue *out = unet_node_output (c->node, 0);
  UnetDepthwiseShape *p = depthwise_shape (c);
  UnetStorage *packed = pack_depthwise (c, p, error);
  UnetLoc *src = packed ? unet_plan_read (plan, unet_node_input (c->node, 0),
                              UNET_MEM_NARROW, error)
                        : NULL;
  UnetLoc *dst
      = src ? unet_plan_write (plan, out, UNET_MEM_NARROW, error) : NULL;
  gchar *name, impl[48];
  UnetStep *step;

  if (!dst) {
    g_free (p);
    return FALSE;
  }
  name = unet_node_describe (c->node, c->node->post_ops->len);
  g_snprintf (impl, sizeof impl, "unet:depthwise:%s",
      unet_depthwise_isa ()->name);
  step = unet_plan_add_kernel (plan, c->node, name, impl,
      unet_kernel_depthwise, p, out, UNET_MEM_NARROW);
  g_free (name);
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand_md (step, 0, packed, 0, NULL, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return TRUE;
}

/* ---- measuring ----------------------------------------------------------- */

typedef struct {
  UnetKernel kernel;
  gconstpointer params;
  gpointer ptr[3];
  guint threads;
} Trial;

static void
run_trial (gpointer data)
{
  Trial *t = data;

  t->kernel (t->params, t->ptr, t->threads);
}

static guint64
kernel_time (UnetPlan *plan, UnetKernel kernel, gconstpointer params,
    const gsize sizes[3])
{
  Trial t = { kernel, params, { NULL }, plan->options.threads };
  guint64 ns = G_MAXUINT64 / 1024;
  gboolean ok = TRUE;

  for (guint i = 0; i < 3; i++)
    ok &= (t.ptr[i] = unet_tune_memory (sizes[i])) != NULL;
  if (ok)
    ns = unet_tune_least (plan, run_trial, &t);
  for (guint i = 0; i < 3; i++)
    free (t.ptr[i]);
  return ns;
}

/* Whatever oneDNN's primitive or a kernel of ours is chosen by. */
static gchar *
conv_key (const Conv *c, const gchar *what)
{
  gchar *src = unet_md_key (c->src_md), *dst = unet_md_key (c->dst_md);
  const UnetDnnlWindow *w = &c->w;
  gchar *key = g_strdup_printf ("narrow %s %s %s %" G_GINT64_FORMAT
      " k%" G_GINT64_FORMAT " s%" G_GINT64_FORMAT " p%" G_GINT64_FORMAT
      " n%u t%u", what, src, dst, (gint64) c->window.group, w->kernel[0],
      w->stride[0], w->pad_begin[0], c->node->post_ops->len,
      c->plan->options.threads);

  g_free (src);
  g_free (dst);
  return key;
}

static guint64
depthwise_time (const Conv *c)
{
  gchar *key = conv_key (c, unet_depthwise_isa ()->name);
  UnetDepthwiseShape *p = depthwise_shape (c);
  guint64 ns;

  if (!unet_tune_recall (key, &ns)) {
    ns = kernel_time (c->plan, unet_kernel_depthwise, p,
        (gsize[]){ p->n * p->src.image,
            unet_depthwise_packed_size (unet_depthwise_isa (), p),
            p->n * p->dst.image });
    unet_tune_remember (key, ns);
  }
  g_free (key);
  g_free (p);
  return ns;
}

static guint64
primitive_time (const Conv *c)
{
  gchar *key = conv_key (c, "direct");
  guint64 ns = unet_tune_time (c->plan, c->pd, c->attrs.ops, key);

  g_free (key);
  return ns;
}

gboolean
unet_narrow_depthwise_pays (const Conv *c)
{
  if (c->plan->options.tuning != UNET_TUNING_MEASURE)
    return unet_depthwise_isa () != &unet_depthwise_generic;
  return depthwise_time (c) < primitive_time (c);
}
