/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "litert/convolution.h"
#include "litert/ops.h"
#include <string.h>

/* Fields of the options, in the order of the schema. */
enum { PADDING, STRIDE_W, STRIDE_H };
enum { CONV_ACTIVATION = 3, CONV_DILATION_W, CONV_DILATION_H };
enum { DEPTHWISE_ACTIVATION = 4, DEPTHWISE_DILATION_W, DEPTHWISE_DILATION_H };
enum { DECONV_ACTIVATION = 3 };
enum { POOL_FILTER_W = 3, POOL_FILTER_H, POOL_ACTIVATION };
enum { BILINEAR_ALIGN = 2, BILINEAR_HALF };
enum { NEAREST_ALIGN, NEAREST_HALF };

#define SAME 0

/* Numbers of windows and strides beyond this make no sense. */
static gboolean
read_pair (const UnetLitertOp *op, guint w, guint h, gint64 def, gint64 *pair,
    GError **error)
{
  pair[0] = unet_flat_int32 (&op->options, h, def);
  pair[1] = unet_flat_int32 (&op->options, w, def);
  if (pair[0] >= 1 && pair[0] <= G_MAXINT16 && pair[1] >= 1
      && pair[1] <= G_MAXINT16)
    return TRUE;
  return unet_litert_fail (op, error, UNET_ERROR_PARSE,
      "a stride, dilation or window of %" G_GINT64_FORMAT
      " by %" G_GINT64_FORMAT,
      pair[1], pair[0]);
}

static void
set_padding (const UnetLitertOp *op, UnetNode *node)
{
  unet_node_set_attr_string (node, "auto_pad",
      unet_flat_int8 (&op->options, PADDING, 0) == SAME ? "SAME_UPPER"
                                                        : "VALID");
}

/* Adds what follows a convolution: its activation and its output. */
static gboolean
finish (const UnetLitertOp *op, UnetValue *y, gint64 activation, GError **error)
{
  y = unet_litert_add_activation (op, y, activation, error);
  return y && unet_litert_set_nchw (op, 0, y, error);
}

/* @group: 0 to find it from the weights */
static gboolean
add_conv (const UnetLitertOp *op, UnetValue *weights, gint64 group,
    guint activation, guint dilation_w, guint dilation_h, GError **error)
{
  const gint64 *phases = unet_litert_input (op, 0)->phases;
  UnetValue *inputs[3] = { NULL, weights, NULL }, *y;
  gint64 strides[2], dilations[2];

  inputs[0] = unet_litert_real_nchw (op, 0, error);
  if (!inputs[0] || !read_pair (op, STRIDE_W, STRIDE_H, 1, strides, error)
      || !read_pair (op, dilation_w, dilation_h, 1, dilations, error))
    return FALSE;
  if (unet_litert_input (op, 2)
      && !(inputs[2] = unet_litert_real (op, 2, error)))
    return FALSE;
  if (phases[0] && unet_litert_output (op, 0)) {
    memcpy (dilations, phases, sizeof dilations);
    memcpy (unet_litert_output (op, 0)->phases, phases, sizeof dilations);
  }
  y = unet_litert_add (op, UNET_OP_Conv, inputs, inputs[2] ? 3 : 2);
  unet_node_set_attr_int (y->producer, "group", group);
  unet_node_set_attr_ints (y->producer, "strides", strides, 2);
  unet_node_set_attr_ints (y->producer, "dilations", dilations, 2);
  set_padding (op, y->producer);
  return finish (op, y, unet_flat_int8 (&op->options, activation, 0), error);
}

static gboolean
check_rank (const UnetLitertOp *op, guint index, GError **error)
{
  const UnetLitertTensor *tensor = unet_litert_input (op, index);

  if (tensor && tensor->n_dims == 4)
    return TRUE;
  return unet_litert_fail (
      op, error, UNET_ERROR_SHAPE, "input %u has not rank 4", index);
}

gboolean
unet_litert_conv_2d (const UnetLitertOp *op, GError **error)
{
  static const guint perm[] = { 0, 3, 1, 2 };
  gint64 channels, depth;
  UnetValue *weights;

  if (!check_rank (op, 0, error) || !check_rank (op, 1, error))
    return FALSE;
  channels = unet_litert_input (op, 0)->dims[3];
  depth = unet_litert_input (op, 1)->dims[3];
  if (channels < 1 || depth < 1 || channels % depth)
    return unet_litert_fail (op, error, UNET_ERROR_SHAPE,
        "weights for %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " channels",
        depth, channels);
  weights = unet_litert_weights (op, 1, perm, 0, NULL, error);
  return weights
      && add_conv (op, weights, channels / depth, CONV_ACTIVATION,
          CONV_DILATION_W, CONV_DILATION_H, error);
}

/* Weights are 1, height, width, channels. */
gboolean
unet_litert_depthwise_conv_2d (const UnetLitertOp *op, GError **error)
{
  static const guint perm[] = { 3, 0, 1, 2 };
  UnetValue *weights;
  gint64 channels;

  if (!check_rank (op, 0, error) || !check_rank (op, 1, error))
    return FALSE;
  channels = unet_litert_input (op, 0)->dims[3];
  if (channels < 1 || unet_litert_input (op, 1)->dims[0] != 1)
    return unet_litert_fail (op, error, UNET_ERROR_SHAPE,
        "its weights or its input's channels are open");
  weights = unet_litert_weights (op, 1, perm, 0, NULL, error);
  return weights
      && add_conv (op, weights, channels, DEPTHWISE_ACTIVATION,
          DEPTHWISE_DILATION_W, DEPTHWISE_DILATION_H, error);
}

/* ---- transposed convolutions ------------------------------------------ */

/* Padding of both sides so that the output has the extent that the file says;
 * where the windows do not reach its end, it is padded there. */
static gboolean
set_deconv_padding (const UnetLitertOp *op, const UnetLitertDeconv *deconv,
    const gint64 *in, const gint64 *kernel, UnetNode *node, GError **error)
{
  gint64 pads[4] = { 0 }, more[2] = { 0 };

  for (guint i = 0; i < 2; i++) {
    gint64 whole = (in[i] - 1) * deconv->strides[i] + kernel[i];
    gint64 cut;
    if (in[i] < 1 || kernel[i] < 1 || in[i] > G_MAXINT32
        || kernel[i] > G_MAXINT32)
      return unet_litert_fail (op, error, UNET_ERROR_UNSUPPORTED,
          "its sizes are open; convert the network for one size of pictures");
    cut = whole - deconv->out[i];
    if (deconv->out[i] < 1 || cut >= whole || -cut >= deconv->strides[i])
      return unet_litert_fail (op, error, UNET_ERROR_SHAPE,
          "an output of %" G_GINT64_FORMAT " pixels does not fit",
          deconv->out[i]);
    pads[i] = cut > 0 ? cut / 2 : 0;
    pads[i + 2] = cut > 0 ? cut - cut / 2 : 0;
    more[i] = cut < 0 ? -cut : 0;
  }
  unet_node_set_attr_ints (node, "pads", pads, 4);
  if (more[0] || more[1])
    unet_node_set_attr_ints (node, "output_padding", more, 2);
  return TRUE;
}

gboolean
unet_litert_add_deconv (const UnetLitertOp *op, const UnetLitertDeconv *deconv,
    guint x, guint bias, GError **error)
{
  static const guint perm[] = { 3, 0, 1, 2 };
  UnetValue *inputs[3] = { NULL }, *y;
  const gint64 *in, *kernel;

  if (!check_rank (op, x, error) || !check_rank (op, 1, error))
    return FALSE;
  in = unet_litert_input (op, x)->dims + 1;
  kernel = unet_litert_input (op, 1)->dims + 1;
  if (!(inputs[0] = unet_litert_real_nchw (op, x, error))
      || !(inputs[1] = unet_litert_weights (op, 1, perm, 0, NULL, error)))
    return FALSE;
  if (unet_litert_input (op, bias)
      && !(inputs[2] = unet_litert_real (op, bias, error)))
    return FALSE;
  y = unet_litert_add (op, UNET_OP_ConvTranspose, inputs, inputs[2] ? 3 : 2);
  unet_node_set_attr_ints (y->producer, "strides", deconv->strides, 2);
  if (deconv->out[0])
    return set_deconv_padding (op, deconv, in, kernel, y->producer, error)
        && finish (op, y, deconv->activation, error);
  /* The output is as many times larger as the strides say. */
  unet_node_set_attr_string (
      y->producer, "auto_pad", deconv->same ? "SAME_UPPER" : "VALID");
  return finish (op, y, deconv->activation, error);
}

/* Input 0 is the shape of the output. */
gboolean
unet_litert_transpose_conv (const UnetLitertOp *op, GError **error)
{
  UnetLitertDeconv deconv = { .same = unet_flat_int8 (&op->options, PADDING, 0)
        == SAME };
  const UnetLitertTensor *x = unet_litert_input (op, 2);
  gint64 shape[4];
  guint n;

  if (!read_pair (op, STRIDE_W, STRIDE_H, 1, deconv.strides, error))
    return FALSE;
  deconv.activation = unet_flat_int8 (&op->options, DECONV_ACTIVATION, 0);
  if (unet_litert_ints (op, 0, shape, 4, &n) && n == 4 && x && x->n_dims == 4
      && x->dims[1] > 0 && x->dims[2] > 0) {
    deconv.out[0] = shape[1];
    deconv.out[1] = shape[2];
    if (shape[1] < 1 || shape[2] < 1)
      return unet_litert_fail (
          op, error, UNET_ERROR_PARSE, "an output without a size");
  }
  return unet_litert_add_deconv (op, &deconv, 2, 3, error);
}

/* ---- pooling, resizing ------------------------------------------------ */

gboolean
unet_litert_pool (const UnetLitertOp *op, GError **error)
{
  const gboolean average = op->code == UNET_LITERT_AVERAGE_POOL_2D;
  UnetValue *x = unet_litert_real_nchw (op, 0, error), *y;
  const UnetLitertTensor *tensor = unet_litert_input (op, 0);
  gint64 kernel[2], strides[2];

  if (!x || !read_pair (op, POOL_FILTER_W, POOL_FILTER_H, 0, kernel, error)
      || !read_pair (op, STRIDE_W, STRIDE_H, 0, strides, error))
    return FALSE;
  if (average && kernel[0] == tensor->dims[1] && kernel[1] == tensor->dims[2]
      && unet_flat_int8 (&op->options, PADDING, 0) != SAME) {
    y = unet_litert_add_unary (op, UNET_OP_GlobalAveragePool, x);
  } else {
    y = unet_litert_add_unary (
        op, average ? UNET_OP_AveragePool : UNET_OP_MaxPool, x);
    unet_node_set_attr_ints (y->producer, "kernel_shape", kernel, 2);
    unet_node_set_attr_ints (y->producer, "strides", strides, 2);
    set_padding (op, y->producer);
  }
  return finish (
      op, y, unet_flat_int8 (&op->options, POOL_ACTIVATION, 0), error);
}

/* LiteRT's nearest pixel for aligned corners is the rounded one, ties upwards;
 * else the one below. */
gboolean
unet_litert_resize (const UnetLitertOp *op, GError **error)
{
  static const gint64 axes[] = { 2, 3 };
  const gboolean linear = op->code == UNET_LITERT_RESIZE_BILINEAR;
  const gboolean align = unet_flat_uint8 (
      &op->options, linear ? BILINEAR_ALIGN : NEAREST_ALIGN, 0);
  const gboolean half =
      unet_flat_uint8 (&op->options, linear ? BILINEAR_HALF : NEAREST_HALF, 0);
  UnetValue *inputs[4] = { NULL }, *y;

  if (align && half && !linear)
    return unet_litert_fail (op, error, UNET_ERROR_UNSUPPORTED,
        "aligned corners with half-pixel centres are not supported");
  if (!(inputs[0] = unet_litert_real_nchw (op, 0, error))
      || !(inputs[3] = unet_litert_real (op, 1, error)))
    return FALSE;
  y = unet_litert_add (op, UNET_OP_Resize, inputs, 4);
  unet_node_set_attr_ints (y->producer, "axes", axes, 2);
  unet_node_set_attr_string (
      y->producer, "mode", linear ? "linear" : "nearest");
  unet_node_set_attr_string (
      y->producer, "nearest_mode", align ? "round_prefer_ceil" : "floor");
  unet_node_set_attr_string (y->producer, "coordinate_transformation_mode",
      align        ? "align_corners"
          : !half  ? "asymmetric"
          : linear ? "half_pixel"
                   : "tf_half_pixel_for_nn");
  return unet_litert_set_nchw (op, 0, y, error);
}

gboolean
unet_litert_depth_space (const UnetLitertOp *op, GError **error)
{
  const gboolean deeper = op->code == UNET_LITERT_SPACE_TO_DEPTH;
  UnetValue *x = unet_litert_real_nchw (op, 0, error), *y;

  if (!x)
    return FALSE;
  y = unet_litert_add_unary (
      op, deeper ? UNET_OP_SpaceToDepth : UNET_OP_DepthToSpace, x);
  unet_node_set_attr_int (
      y->producer, "blocksize", unet_flat_int32 (&op->options, 0, 0));
  return unet_litert_set_nchw (op, 0, y, error);
}
