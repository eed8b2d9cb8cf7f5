/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "litert/convolution.h"
#include <string.h>

/* MediaPipe's operators. Their options are structures of 32-bit numbers as a
 * C compiler lays them out: padding, stride_width, stride_height, and for
 * pooling filter_width, filter_height, activation. */
enum { PADDING, STRIDE_W, STRIDE_H, FILTER_W, FILTER_H, ACTIVATION };
#define SAME 1

static gboolean
read_numbers (
    const UnetLitertOp *op, gint64 *numbers, guint n, guint min, GError **error)
{
  UnetFlatVector words = op->custom;

  words.n /= 4;
  if (words.n < min)
    return unet_litert_fail (
        op, error, UNET_ERROR_PARSE, "its options are cut short");
  for (guint i = 0; i < n; i++)
    numbers[i] = i < words.n ? unet_flat_int32_at (&words, i) : 0;
  for (guint i = STRIDE_W; i < MIN (min, ACTIVATION); i++)
    if (numbers[i] < 1 || numbers[i] > G_MAXINT16)
      return unet_litert_fail (op, error, UNET_ERROR_PARSE,
          "a stride or window of %" G_GINT64_FORMAT, numbers[i]);
  return TRUE;
}

static gboolean
import_deconv (const UnetLitertOp *op, GError **error)
{
  const UnetLitertTensor *x = unet_litert_input (op, 0);
  const UnetLitertTensor *weights = unet_litert_input (op, 1);
  UnetLitertDeconv deconv = { { 0 } };
  gint64 numbers[3];

  if (!read_numbers (op, numbers, 3, 3, error))
    return FALSE;
  if (!x || !weights || x->n_dims != 4 || weights->n_dims != 4)
    return unet_litert_fail (
        op, error, UNET_ERROR_SHAPE, "its input or weights have not rank 4");
  deconv.same = numbers[PADDING] == SAME;
  deconv.strides[0] = numbers[STRIDE_H];
  deconv.strides[1] = numbers[STRIDE_W];
  for (guint i = 0; i < 2; i++) {
    const gint64 in = x->dims[i + 1], kernel = weights->dims[i + 1];
    const gint64 stride = deconv.strides[i];
    if (in < 1 || in > G_MAXINT32 || kernel < 1 || kernel > G_MAXINT32)
      return unet_litert_fail (op, error, UNET_ERROR_UNSUPPORTED,
          "its sizes are open; convert the network for one size of pictures");
    deconv.out[i] = stride * (in - 1) + kernel
        - (deconv.same ? MAX (0, kernel - (in - 1) % stride - 1) : 0);
  }
  return unet_litert_add_deconv (op, &deconv, 0, 2, error);
}

static void
set_window (UnetNode *node, const gint64 *numbers)
{
  const gint64 kernel[] = { numbers[FILTER_H], numbers[FILTER_W] };
  const gint64 strides[] = { numbers[STRIDE_H], numbers[STRIDE_W] };

  unet_node_set_attr_ints (node, "kernel_shape", kernel, 2);
  unet_node_set_attr_ints (node, "strides", strides, 2);
}

/* LiteRT numbers the places of maxima within each window, and the graph those
 * of the whole picture. Both mean the same to the unpooling of a picture of
 * the same size. */
static gboolean
import_pool (const UnetLitertOp *op, GError **error)
{
  UnetValue *x = unet_litert_real_nchw (op, 0, error), *y;
  UnetLitertTensor *places = unet_litert_output (op, 1);
  gint64 numbers[6];

  if (!x || !read_numbers (op, numbers, 6, 5, error))
    return FALSE;
  if (!places || places->pooled || places->held || places->real_nchw)
    return unet_litert_fail (
        op, error, UNET_ERROR_PARSE, "it has no output of its own for places");
  y = unet_litert_add_unary (op, UNET_OP_MaxPool, x);
  set_window (y->producer, numbers);
  unet_node_set_attr_string (y->producer, "auto_pad",
      numbers[PADDING] == SAME ? "SAME_UPPER" : "VALID");
  places->pooled = unet_graph_add_value (op->litert->graph, places->name);
  unet_node_add_output (y->producer, places->pooled);
  memcpy (places->pooled_size, unet_litert_input (op, 0)->dims + 1,
      sizeof places->pooled_size);
  y = unet_litert_add_activation (op, y, numbers[ACTIVATION], error);
  return y && unet_litert_set_nchw (op, 0, y, error);
}

static gboolean
import_unpool (const UnetLitertOp *op, GError **error)
{
  const UnetLitertTensor *places = unet_litert_input (op, 1);
  UnetValue *inputs[3] = { NULL }, *y, *pooled;
  gint64 numbers[6];

  if (!read_numbers (op, numbers, 6, 5, error))
    return FALSE;
  if (!places || !places->pooled)
    return unet_litert_fail (op, error, UNET_ERROR_UNSUPPORTED,
        "its places do not come from MaxPoolingWithArgmax2D");
  if (numbers[FILTER_H] != numbers[STRIDE_H]
      || numbers[FILTER_W] != numbers[STRIDE_W])
    return unet_litert_fail (op, error, UNET_ERROR_UNSUPPORTED,
        "windows that overlap are not supported");
  if (!(inputs[0] = unet_litert_real_nchw (op, 0, error)))
    return FALSE;
  for (guint i = 0; i < 2; i++)
    if (places->pooled_size[i] < 1
        || unet_litert_input (op, 0)->dims[i + 1]
            != places->pooled_size[i] / numbers[FILTER_H - i]
        || places->pooled_size[i] % numbers[FILTER_H - i])
      return unet_litert_fail (op, error, UNET_ERROR_UNSUPPORTED,
          "its output has not the size of the picture that was pooled");
  inputs[1] = places->pooled;
  /* The picture that was pooled has the size of this one. */
  pooled = unet_node_input (places->pooled->producer, 0);
  inputs[2] = unet_litert_add_unary (op, UNET_OP_Shape, pooled);
  y = unet_litert_add (op, UNET_OP_MaxUnpool, inputs, 3);
  set_window (y->producer, numbers);
  return unet_litert_set_nchw (op, 0, y, error);
}

gboolean
unet_litert_custom (const UnetLitertOp *op, GError **error)
{
  if (!strcmp (op->type, "Convolution2DTransposeBias"))
    return import_deconv (op, error);
  if (!strcmp (op->type, "MaxPoolingWithArgmax2D"))
    return import_pool (op, error);
  if (!strcmp (op->type, "MaxUnpooling2D"))
    return import_unpool (op, error);
  if (g_str_has_prefix (op->type, "Flex"))
    return unet_litert_fail (op, error, UNET_ERROR_UNSUPPORTED,
        "it is an operator of TensorFlow itself; convert the network with "
        "target_spec.supported_ops = [TFLITE_BUILTINS] alone");
  if (g_str_has_prefix (op->type, "TFLite_Detection"))
    return unet_litert_fail (op, error, UNET_ERROR_UNSUPPORTED,
        "the network finds boxes and makes no mask");
  return unet_litert_fail (
      op, error, UNET_ERROR_UNSUPPORTED, "this custom operator is not known");
}
