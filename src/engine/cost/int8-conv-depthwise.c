/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/cost/int8-conv-depthwise.h"
#include <math.h>

typedef UnetInt8Conv Conv;

gboolean
unet_int8_conv_find_limits (const Conv *c, UnetInt8DepthwiseShape *p)
{
  gfloat low = c->dst.type == UNET_ELEMENT_S8 ? -128 : 0; /* as oneDNN has it */
  gfloat high = c->dst.type == UNET_ELEMENT_S8 ? 127 : 255;
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
unet_int8_depthwise_fits (const Conv *c)
{
  UnetInt8DepthwiseShape shape = { 0 };

  return c->node->op == UNET_OP_Conv && c->window.group == c->oc
      && unet_node_input (c->node, 0)->dims[1] == c->oc
      && c->src.type != UNET_ELEMENT_BF16
      && (c->dst.type == UNET_ELEMENT_U8 || c->dst.type == UNET_ELEMENT_S8)
      && unet_int8_conv_weight_limit (c)
      <= unet_int8_depthwise_isa ()->largest_weight
      && has_depthwise_window (c) && unet_int8_conv_find_limits (c, &shape);
}

UnetInt8DepthwiseShape *
unet_int8_depthwise_shape (const Conv *c)
{
  const UnetValue *in = unet_node_input (c->node, 0);
  const UnetValue *out = unet_node_output (c->node, 0);
  UnetInt8DepthwiseShape *p = g_new0 (UnetInt8DepthwiseShape, 1);

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
  p->src = unet_int8_pixels (c->plan, in);
  p->dst = unet_int8_pixels (c->plan, out);
  p->src_signed = c->src.type == UNET_ELEMENT_S8;
  p->dst_signed = c->dst.type == UNET_ELEMENT_S8;
  unet_int8_conv_find_limits (c, p);
  return p;
}

static guint64
depthwise_time (const Conv *c)
{
  const UnetInt8DepthwiseIsa *isa = unet_int8_depthwise_isa ();
  UnetInt8DepthwiseShape *p = unet_int8_depthwise_shape (c);
  guint64 ns = unet_int8_conv_measure_kernel (c, isa->name,
      unet_kernel_int8_depthwise, p,
      (gsize[UNET_INT8_TRIAL_OPERANDS]){ p->n * p->src.image,
          unet_int8_depthwise_packed_size (isa, p), p->n * p->dst.image });

  g_free (p);
  return ns;
}

gboolean
unet_int8_depthwise_is_faster (const Conv *c)
{
  if (c->plan->options.tuning != UNET_TUNING_MEASURE)
    return unet_int8_depthwise_isa () != &unet_int8_depthwise_generic;
  return depthwise_time (c) < unet_int8_conv_measure_primitive (c);
}
