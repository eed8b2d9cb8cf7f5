/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/lower/int8-conv.h"
#include "engine/kernels/int8-conv-head.h"
#include "engine/kernels/int8-conv-depthwise.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Convolutions on narrow tensors by kernels of our own. */

typedef UnetNarrowConv Conv;

/* What oneDNN's ways of multiplying bytes bear on this machine. */
static gint
weight_limit (const Conv *c)
{
  return c->plan->vnni ? 127 : 64;
}

/* ---- measuring ----------------------------------------------------------- */

/* Operands of a kernel at most. */
#define N_TRIAL 4

typedef struct {
  UnetKernel kernel;
  gconstpointer params;
  gpointer ptr[N_TRIAL];
  guint threads;
} Trial;

static void
run_trial (gpointer data)
{
  Trial *t = data;

  t->kernel (t->params, t->ptr, t->threads);
}

static guint64
measure (UnetPlan *plan, UnetKernel kernel, gconstpointer params,
    const gsize sizes[N_TRIAL])
{
  Trial t = { kernel, params, { NULL }, plan->options.threads };
  guint64 ns = G_MAXUINT64 / 1024;
  gboolean ok = TRUE;

  for (guint i = 0; i < N_TRIAL; i++)
    ok &= (t.ptr[i] = unet_tune_memory (sizes[i])) != NULL;
  if (ok)
    ns = unet_tune_least (plan, run_trial, &t);
  for (guint i = 0; i < N_TRIAL; i++)
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
                                " k%" G_GINT64_FORMAT " s%" G_GINT64_FORMAT
                                " p%" G_GINT64_FORMAT " n%u t%u",
      what, src, dst, (gint64) c->window.group, w->kernel[0], w->stride[0],
      w->pad_begin[0], c->node->post_ops->len, c->plan->options.threads);

  g_free (src);
  g_free (dst);
  return key;
}

/* Time of a kernel of ours, @what; @sizes: of its operands in bytes. */
static guint64
kernel_time (const Conv *c, const gchar *what, UnetKernel kernel,
    gconstpointer params, const gsize sizes[N_TRIAL])
{
  gchar *key = conv_key (c, what);
  guint64 ns;

  if (!unet_tune_recall (key, &ns)) {
    ns = measure (c->plan, kernel, params, sizes);
    unet_tune_remember (key, ns);
  }
  g_free (key);
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

/* ---- few channels at the end, in floats ---------------------------------- */

static gboolean
is_float_head (const Conv *c)
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
  storage = unet_narrow_pack_bytes (
      c->plan, rows, c->oc * c->row * sizeof *rows, error);
  g_free (rows);
  return storage;
}

static UnetNarrowHead
float_head (const Conv *c)
{
  const UnetValue *in = unet_node_input (c->node, 0);

  return (UnetNarrowHead){ c->src.type, in->dims[0], in->dims[2], in->dims[3],
    in->dims[1], c->oc, unet_narrow_pixels (c->plan, in) };
}

/* The last layer keeps its weights and its result in f32. */
static gboolean
emit_float_head (Conv *c, GError **error)
{
  UnetPlan *plan = c->plan;
  UnetValue *in = unet_node_input (c->node, 0);
  UnetValue *out = unet_node_output (c->node, 0);
  UnetLoc *src = unet_plan_read (plan, in, UNET_MEM_NARROW, error);
  UnetLoc *dst = src ? unet_plan_write (plan, out, UNET_MEM_PLAIN, error)
                     : NULL;
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
  *p = float_head (c);
  step = unet_plan_add_kernel (plan, c->node, "Conv", "unet:narrow_head",
      unet_kernel_narrow_head, p, out, UNET_MEM_PLAIN);
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand_md (step, 0, weights, 0, NULL, FALSE);
  unet_step_operand_md (step, 0, bias, 0, NULL, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return unet_plan_post_ops (plan, c->node, 0, out, UNET_MEM_PLAIN, error);
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

/* ---- few channels at the end, in bytes ----------------------------------- */

gboolean
unet_narrow_head_fits (const Conv *c)
{
  const UnetWindow *w = &c->window;
  UnetDepthwiseShape limits = { 0 };

  if (c->src.type == UNET_NARROW_BF16 || c->deconv
      || c->oc > UNET_BYTE_HEAD_OUTPUTS || w->group != 1
      || weight_limit (c) > unet_byte_head_isa ()->largest_weight)
    return FALSE;
  if (c->dst.type
      && (c->spread || c->dst.type == UNET_NARROW_BF16
          || !find_limits (c, &limits) || limits.hard_swish))
    return FALSE;
  for (guint i = 0; i < 2 && !c->spread; i++)
    if (w->stride[i] != 1 || w->dilation[i] != 1
        || w->kernel[i] > UNET_BYTE_HEAD_KERNEL
        || w->pad_begin[i] >= w->kernel[i])
      return FALSE;
  return TRUE;
}

static UnetByteHeadShape *
head_shape (const Conv *c)
{
  const UnetValue *in = unet_node_input (c->node, 0);
  UnetByteHeadShape *p = g_new0 (UnetByteHeadShape, 1);
  UnetDepthwiseShape limits = { 0 };

  p->n = in->dims[0];
  p->c = in->dims[1];
  p->ih = in->dims[2];
  p->iw = in->dims[3];
  p->oc = c->oc;
  p->oh = c->dst_dims[2];
  p->ow = c->dst_dims[3];
  p->kh = c->w.kernel[0];
  p->kw = c->w.kernel[1];
  p->pad_y = c->w.pad_begin[0];
  p->pad_x = c->w.pad_begin[1];
  p->src = unet_narrow_pixels (c->plan, in);
  p->src_signed = c->src.type == UNET_NARROW_S8;
  p->parts = c->dst.type ? 1 : 2;
  p->spread = MAX (c->spread, 1);
  p->to = c->dst.type;
  if (p->to) {
    p->dst = unet_narrow_pixels (c->plan, unet_node_output (c->node, 0));
    find_limits (c, &limits);
  }
  p->low = limits.low;
  p->high = limits.high;
  return p;
}

static gboolean
is_exact (const gfloat *row, gint64 n, gfloat step, const gint8 *bytes)
{
  for (gint64 i = 0; i < n; i++)
    if (fabsf (row[i] / step - bytes[i]) > 1e-3f)
      return FALSE;
  return TRUE;
}

/* In one byte, or in two; @factor: (out) what the steps of each stand for. */
static gboolean
quantize_head (const gfloat *row, gint64 n, gint limit, gint parts,
    gint8 *bytes, gfloat *factor)
{
  gint radix = 2 * limit;

  factor[0] = unet_narrow_quantize_row (row, n, limit, bytes);
  if (parts == 1)
    return is_exact (row, n, factor[0], bytes);
  factor[1] = 0;
  for (gint64 i = 0; i < n; i++)
    factor[1] = MAX (factor[1], fabsf (row[i]));
  factor[1] = MAX (factor[1], 1e-30f) / limit;
  factor[0] = factor[1] / radix;
  for (gint64 i = 0; i < n; i++) {
    gint w = (gint) rintf (row[i] / factor[0]);

    bytes[n + i] = (gint8) rint ((gdouble) w / radix);
    bytes[i] = (gint8) (w - bytes[n + i] * radix);
  }
  return TRUE;
}

/* Is every row in one byte what it is? */
static gboolean
fits_one_part (const Conv *c, const gfloat *rows)
{
  gint8 *bytes = g_new (gint8, c->row);
  gboolean fits = TRUE;
  gfloat step;

  for (gint64 o = 0; fits && o < c->oc; o++)
    fits = quantize_head (
        rows + o * c->row, c->row, weight_limit (c), 1, bytes, &step);
  g_free (bytes);
  return fits;
}

/* What is written in floats is a result, and keeps two bytes of its weights
 * where one would round them. */
static UnetStorage *
pack_byte_head (const Conv *c, UnetByteHeadShape *p, GError **error)
{
  const UnetValue *b = unet_node_input (c->node, 2);
  gfloat unit = c->dst.type ? c->dst.scale : 1.0f;
  gfloat *rows = unet_narrow_conv_weights (c);
  gint8 *bytes = g_new (gint8, 2 * c->row);
  gint64 n = unet_node_output (c->node, 0)->dims[1];
  UnetStorage *storage;
  guint8 *packed;
  gsize size;

  if (p->parts == 2 && fits_one_part (c, rows))
    p->parts = 1;
  size = unet_byte_head_channel_size (p);
  packed = g_malloc (c->oc * size);
  for (gint64 o = 0; o < c->oc; o++) {
    gfloat factor[2] = { 0 };

    quantize_head (
        rows + o * c->row, c->row, weight_limit (c), p->parts, bytes, factor);
    factor[0] *= c->src.scale / unit;
    factor[1] *= c->src.scale / unit;
    unet_byte_head_pack (p, bytes, factor,
        b ? ((const gfloat *) b->constant->data)[o % n] / unit : 0.0f,
        packed + o * size);
  }
  storage = unet_narrow_pack_bytes (c->plan, packed, c->oc * size, error);
  g_free (packed);
  g_free (bytes);
  g_free (rows);
  return storage;
}

static void
add_byte_head (Conv *c, UnetByteHeadShape *p, const UnetLoc *src,
    UnetStorage *packed, const UnetLoc *dst)
{
  UnetPlan *plan = c->plan;
  gchar *name =
      unet_node_describe (c->node, c->dst.type ? c->node->post_ops->len : 0);
  gchar impl[48];
  UnetStep *step;

  g_snprintf (
      impl, sizeof impl, "unet:byte_head:%s", unet_byte_head_isa ()->name);
  step = unet_plan_add_kernel (plan, c->node, name, impl, unet_kernel_byte_head,
      p, unet_node_output (c->node, 0), dst->layout);
  g_free (name);
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand_md (step, 0, packed, 0, NULL, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  unet_step_operand_md (step, DNNL_ARG_SCRATCHPAD,
      unet_plan_add_storage (
          plan, unet_byte_head_scratch (p) * plan->options.threads),
      0, NULL, TRUE);
}

static gboolean
emit_byte_head (Conv *c, GError **error)
{
  UnetPlan *plan = c->plan;
  UnetValue *out = unet_node_output (c->node, 0);
  UnetByteHeadShape *p = head_shape (c);
  UnetStorage *packed = pack_byte_head (c, p, error);
  UnetLoc *src = packed ? unet_plan_read (
                     plan, unet_node_input (c->node, 0), UNET_MEM_NARROW, error)
                        : NULL;
  UnetLoc *dst = src ? unet_plan_write (plan, out,
                     c->dst.type ? UNET_MEM_NARROW : UNET_MEM_PLAIN, error)
                     : NULL;

  if (!dst) {
    g_free (p);
    return FALSE;
  }
  add_byte_head (c, p, src, packed, dst);
  return c->dst.type
      || unet_plan_post_ops (plan, c->node, 0, out, UNET_MEM_PLAIN, error);
}

static guint64
byte_head_time (const Conv *c)
{
  const UnetValue *out = unet_node_output (c->node, 0);
  UnetByteHeadShape *p = head_shape (c);
  guint64 ns = kernel_time (c, "byte head", unet_kernel_byte_head, p,
      (gsize[N_TRIAL]){ p->n * p->src.image,
          p->oc * unet_byte_head_channel_size (p),
          p->to ? p->n * p->dst.image
                : unet_dims_count (4, out->dims) * sizeof (gfloat),
          unet_byte_head_scratch (p) * c->plan->options.threads });

  g_free (p);
  return ns;
}

static guint64
float_head_time (const Conv *c)
{
  UnetNarrowHead p = float_head (c);

  return kernel_time (c, "float head", unet_kernel_narrow_head, &p,
      (gsize[N_TRIAL]){ p.n * p.src.image * unet_narrow_size (p.type),
          p.oc * p.c * sizeof (gfloat), p.oc * sizeof (gfloat),
          p.n * p.oc * p.h * p.w * sizeof (gfloat) });
}

/* The one of ours, or oneDNN's where it is faster. */
UnetNarrowHeads
unet_narrow_choose_head (const Conv *c, gboolean drafted)
{
  gboolean floats = is_float_head (c), bytes = unet_narrow_head_fits (c);
  gboolean measures = c->plan->options.tuning == UNET_TUNING_MEASURE;

  if (!bytes)
    return floats ? UNET_HEAD_FLOATS : UNET_HEAD_NONE;
  if (!measures && drafted
      && (c->oc > 4 || unet_byte_head_isa () == &unet_byte_head_generic))
    return floats ? UNET_HEAD_FLOATS : UNET_HEAD_NONE;
  if (!measures || (!floats && !drafted))
    return UNET_HEAD_BYTES;
  if (floats)
    return float_head_time (c) < byte_head_time (c) ? UNET_HEAD_FLOATS
                                                    : UNET_HEAD_BYTES;
  return primitive_time (c) < byte_head_time (c) ? UNET_HEAD_NONE
                                                 : UNET_HEAD_BYTES;
}

gboolean
unet_narrow_emit_head (Conv *c, UnetNarrowHeads head, GError **error)
{
  return head == UNET_HEAD_FLOATS ? emit_float_head (c, error)
                                  : emit_byte_head (c, error);
}

/* ---- depthwise ----------------------------------------------------------- */

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
  gfloat step = unet_narrow_quantize_row (
      row, c->row, weight_limit (c), to->weights + k * c->row);

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
        b ? ((const gfloat *) b->constant->data)[k] : 0.0f, p->hard_swish, &to);
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
  UnetLoc *src = packed ? unet_plan_read (
                     plan, unet_node_input (c->node, 0), UNET_MEM_NARROW, error)
                        : NULL;
  UnetLoc *dst = src ? unet_plan_write (plan, out, UNET_MEM_NARROW, error)
                     : NULL;
  gchar *name, impl[48];
  UnetStep *step;

  if (!dst) {
    g_free (p);
    return FALSE;
  }
  name = unet_node_describe (c->node, c->node->post_ops->len);
  g_snprintf (
      impl, sizeof impl, "unet:depthwise:%s", unet_depthwise_isa ()->name);
  step = unet_plan_add_kernel (plan, c->node, name, impl, unet_kernel_depthwise,
      p, out, UNET_MEM_NARROW);
  g_free (name);
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand_md (step, 0, packed, 0, NULL, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return TRUE;
}

static guint64
depthwise_time (const Conv *c)
{
  const UnetDepthwiseIsa *isa = unet_depthwise_isa ();
  UnetDepthwiseShape *p = depthwise_shape (c);
  guint64 ns = kernel_time (c, isa->name, unet_kernel_depthwise, p,
      (gsize[N_TRIAL]){ p->n * p->src.image,
          unet_depthwise_packed_size (isa, p), p->n * p->dst.image });

  g_free (p);
  return ns;
}

gboolean
unet_narrow_depthwise_pays (const Conv *c)
{
  if (c->plan->options.tuning != UNET_TUNING_MEASURE)
    return unet_depthwise_isa () != &unet_depthwise_generic;
  return depthwise_time (c) < primitive_time (c);
}
