/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/cost/int8-conv-head.h"
#include "engine/cost/int8-conv-depthwise.h"
#include "engine/kernels/int8-conv-1x1.h"

typedef UnetInt8Conv Conv;

static gboolean
is_f32_head (const Conv *c)
{
  if (c->node->op != UNET_OP_Conv || c->window.group != 1 || c->dst.type
      || c->oc > UNET_INT8_CONV_1X1_CHANNELS)
    return FALSE;
  for (guint i = 0; i < 2; i++)
    if (c->w.kernel[i] != 1 || c->w.stride[i] != 1 || c->w.pad_begin[i]
        || c->w.pad_end[i])
      return FALSE;
  return TRUE;
}

gboolean
unet_int8_head_fits (const Conv *c)
{
  const UnetWindow *w = &c->window;
  UnetInt8DepthwiseShape limits = { 0 };

  if (c->src.type == UNET_ELEMENT_BF16 || c->deconv
      || c->oc > UNET_INT8_CONV_HEAD_OUTPUTS || w->group != 1
      || unet_int8_conv_weight_limit (c)
          > unet_int8_conv_head_isa ()->largest_weight)
    return FALSE;
  if (c->dst.type
      && (c->depth_to_space || c->dst.type == UNET_ELEMENT_BF16
          || !unet_int8_conv_find_limits (c, &limits) || limits.hard_swish))
    return FALSE;
  for (guint i = 0; i < 2 && !c->depth_to_space; i++)
    if (w->stride[i] != 1 || w->dilation[i] != 1
        || w->kernel[i] > UNET_INT8_CONV_HEAD_KERNEL
        || w->pad_begin[i] >= w->kernel[i])
      return FALSE;
  return TRUE;
}

UnetInt8Conv1x1
unet_int8_head_f32_shape (const Conv *c)
{
  const UnetValue *in = unet_node_input (c->node, 0);

  return (UnetInt8Conv1x1){ c->src.type, in->dims[0], in->dims[2], in->dims[3],
    in->dims[1], c->oc, unet_int8_pixels (c->plan, in) };
}

UnetInt8ConvHeadShape *
unet_int8_head_shape (const Conv *c)
{
  const UnetValue *in = unet_node_input (c->node, 0);
  UnetInt8ConvHeadShape *p = g_new0 (UnetInt8ConvHeadShape, 1);
  UnetInt8DepthwiseShape limits = { 0 };

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
  p->src = unet_int8_pixels (c->plan, in);
  p->src_signed = c->src.type == UNET_ELEMENT_S8;
  p->parts = c->dst.type ? 1 : 2;
  p->depth_to_space = MAX (c->depth_to_space, 1);
  p->to = c->dst.type;
  if (p->to) {
    p->dst = unet_int8_pixels (c->plan, unet_node_output (c->node, 0));
    unet_int8_conv_find_limits (c, &limits);
  }
  p->low = limits.low;
  p->high = limits.high;
  return p;
}

/* ---- choice -------------------------------------------------------------- */

static guint64
int8_head_time (const Conv *c)
{
  const UnetValue *out = unet_node_output (c->node, 0);
  UnetInt8ConvHeadShape *p = unet_int8_head_shape (c);
  guint64 ns = unet_int8_conv_measure_kernel (c, "byte head",
      unet_kernel_int8_conv_head, p,
      (gsize[UNET_INT8_TRIAL_OPERANDS]){ p->n * p->src.image,
          p->oc * unet_int8_conv_head_channel_size (p),
          p->to ? p->n * p->dst.image
                : unet_dims_count (4, out->dims) * sizeof (gfloat),
          unet_int8_conv_head_scratch (p) * c->plan->options.threads });

  g_free (p);
  return ns;
}

static guint64
f32_head_time (const Conv *c)
{
  UnetInt8Conv1x1 p = unet_int8_head_f32_shape (c);

  return unet_int8_conv_measure_kernel (c, "float head",
      unet_kernel_int8_conv_1x1, &p,
      (gsize[UNET_INT8_TRIAL_OPERANDS]){
          p.n * p.src.image * unet_element_size (p.type),
          p.oc * p.c * sizeof (gfloat), p.oc * sizeof (gfloat),
          p.n * p.oc * p.h * p.w * sizeof (gfloat) });
}

UnetConvKernel
unet_int8_head_choose (const Conv *c, gboolean drafted)
{
  gboolean f32 = is_f32_head (c), int8 = unet_int8_head_fits (c);
  gboolean measures = c->plan->options.tuning == UNET_TUNING_MEASURE;

  if (!int8)
    return f32 ? UNET_CONV_F32_HEAD : UNET_CONV_UNDECIDED;
  if (!measures && drafted
      && (c->oc > 4
          || unet_int8_conv_head_isa () == &unet_int8_conv_head_generic))
    return f32 ? UNET_CONV_F32_HEAD : UNET_CONV_UNDECIDED;
  if (!measures || (!f32 && !drafted))
    return UNET_CONV_INT8_HEAD;
  if (f32)
    return f32_head_time (c) < int8_head_time (c) ? UNET_CONV_F32_HEAD
                                                  : UNET_CONV_INT8_HEAD;
  return unet_int8_conv_measure_primitive (c) < int8_head_time (c)
      ? UNET_CONV_UNDECIDED
      : UNET_CONV_INT8_HEAD;
}
