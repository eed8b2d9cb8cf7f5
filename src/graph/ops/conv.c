/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/args.h"
#include "graph/ops/functions.h"
#include "graph/ops/strided.h"
#include "graph/ops/window.h"
#include <string.h>

/* Convolution in both directions. The oracles treat every rank as volume of
 * depth, rows and columns, and run along rows, so that the compiler can make
 * vectors of the innermost loop. */

/* ---- inference -------------------------------------------------------- */

static gboolean
check_channels (const UnetArgs *args, const UnetWindow *window, gint64 channels,
    gint64 wanted, gint64 divisible, GError **error)
{
  if (channels >= 0 && wanted >= 0 && channels != wanted)
    return unet_args_fail (args, error, UNET_ERROR_SHAPE,
        "%" G_GINT64_FORMAT " channels meet weights for %" G_GINT64_FORMAT,
        channels, wanted);
  if (divisible >= 0 && divisible % window->group)
    return unet_args_fail (args, error, UNET_ERROR_SHAPE,
        "%" G_GINT64_FORMAT " channels in %" G_GINT64_FORMAT " groups",
        divisible, window->group);
  return TRUE;
}

static gboolean
check_bias (const UnetArgs *args, gint64 channels, GError **error)
{
  UnetTensorView bias;

  if (!unet_arg (args, 2, &bias))
    return TRUE;
  if (bias.n_dims == 1 && (bias.dims[0] < 0 || bias.dims[0] == channels))
    return TRUE;
  return unet_args_fail (args, error, UNET_ERROR_SHAPE,
      "the bias does not have %" G_GINT64_FORMAT " entries", channels);
}

static gint64
times (gint64 a, gint64 b)
{
  return a < 0 || b < 0 ? -1 : a * b;
}

static gboolean
infer_conv (UnetGraph *graph, UnetNode *node, GError **error)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView x, w;
  UnetWindow window;
  gint64 dims[UNET_MAX_DIMS], in_channels, out_channels;
  gboolean forward = node->op == UNET_OP_Conv;

  if (!unet_window_resolve (&args, &window, error))
    return FALSE;
  unet_arg (&args, 0, &x);
  unet_arg (&args, 1, &w);
  in_channels = forward ? times (w.dims[1], window.group) : w.dims[0];
  out_channels = forward ? w.dims[0] : times (w.dims[1], window.group);
  if (!check_channels (&args, &window, x.dims[1], in_channels,
          forward ? out_channels : in_channels, error)
      || !check_bias (&args, out_channels, error))
    return FALSE;
  dims[0] = x.dims[0];
  dims[1] = out_channels;
  memcpy (dims + 2, window.out, window.n * sizeof *dims);
  unet_infer_out (node, 0, x.dtype, x.n_dims, dims);
  return TRUE;
}

UNET_INFER (Conv)
{
  return infer_conv (graph, node, error);
}

UNET_INFER (ConvTranspose)
{
  return infer_conv (graph, node, error);
}

/* ---- evaluation ------------------------------------------------------- */

/* A window over a volume: missing axes have extent 1. */
typedef struct {
  gint64 in[3], out[3], kernel[3], stride[3], dilation[3], pad[3];
  gint64 group, batch, in_channels, out_channels;
} Volume;

static gboolean
get_volume (const UnetArgs *args, const UnetTensorView *out, Volume *volume,
    GError **error)
{
  UnetTensorView x;
  UnetWindow window;
  guint shift;

  if (!unet_window_resolve (args, &window, error))
    return FALSE;
  unet_arg (args, 0, &x);
  shift = 3 - window.n;
  for (guint i = 0; i < 3; i++) {
    gboolean own = i >= shift;
    guint k = own ? i - shift : 0;
    volume->in[i] = own ? x.dims[k + 2] : 1;
    volume->out[i] = own ? out->dims[k + 2] : 1;
    volume->kernel[i] = own ? window.kernel[k] : 1;
    volume->stride[i] = own ? window.stride[k] : 1;
    volume->dilation[i] = own ? window.dilation[k] : 1;
    volume->pad[i] = own ? window.pad_begin[k] : 0;
  }
  volume->group = window.group;
  volume->batch = x.dims[0];
  volume->in_channels = x.dims[1];
  volume->out_channels = out->dims[1];
  return TRUE;
}

static gint64
floor_div (gint64 a, gint64 b)
{
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}

/* Positions 0 <= i < n for which 0 <= i * stride + shift < limit. */
static void
valid_range (gint64 n, gint64 stride, gint64 shift, gint64 limit, gint64 *begin,
    gint64 *end)
{
  *begin = MAX (0, -floor_div (shift, stride));
  *end = MIN (n, floor_div (limit - 1 - shift, stride) + 1);
}

static void
axpy (gint64 n, gfloat weight, const gfloat *x, gint64 x_stride, gfloat *y,
    gint64 y_stride)
{
  if (x_stride == 1 && y_stride == 1)
    for (gint64 i = 0; i < n; i++)
      y[i] += weight * x[i];
  else
    for (gint64 i = 0; i < n; i++)
      y[i * y_stride] += weight * x[i * x_stride];
}

/* One kernel position of one pair of channels. @coarse is the side whose
 * position is multiplied by the stride: the output of a convolution, the
 * input of a transposed one. */
static void
add_tap (const Volume *v, gboolean forward, const gint64 tap[3], gfloat weight,
    const gfloat *in, gfloat *out)
{
  const gint64 *coarse = forward ? v->out : v->in;
  const gint64 *fine = forward ? v->in : v->out;
  gint64 shift[3], begin[3], end[3];

  for (guint i = 0; i < 3; i++) {
    shift[i] = tap[i] * v->dilation[i] - v->pad[i];
    valid_range (
        coarse[i], v->stride[i], shift[i], fine[i], &begin[i], &end[i]);
  }
  for (gint64 z = begin[0]; z < end[0]; z++)
    for (gint64 y = begin[1]; y < end[1]; y++) {
      gint64 at = (z * coarse[1] + y) * coarse[2] + begin[2];
      gint64 row = ((z * v->stride[0] + shift[0]) * fine[1] + y * v->stride[1]
                       + shift[1])
              * fine[2]
          + begin[2] * v->stride[2] + shift[2];
      if (forward)
        axpy (end[2] - begin[2], weight, in + row, v->stride[2], out + at, 1);
      else
        axpy (end[2] - begin[2], weight, in + at, 1, out + row, v->stride[2]);
    }
}

static void
add_channel (const Volume *v, gboolean forward, const gfloat *weights,
    const gfloat *in, gfloat *out)
{
  gint64 tap[3] = { 0, 0, 0 };

  do {
    add_tap (v, forward, tap, *weights++, in, out);
  } while (unet_next_index (3, v->kernel, tap));
}

/* Weights are [out][in / group] for a convolution, [in][out / group] for a
 * transposed one. */
static void
convolve (const Volume *v, gboolean forward, const gfloat *x,
    const gfloat *weights, const gfloat *bias, gfloat *y)
{
  gint64 in_size = v->in[0] * v->in[1] * v->in[2];
  gint64 out_size = v->out[0] * v->out[1] * v->out[2];
  gint64 taps = v->kernel[0] * v->kernel[1] * v->kernel[2];
  gint64 in_group = v->in_channels / v->group;
  gint64 out_group = v->out_channels / v->group;

  for (gint64 n = 0; n < v->batch; n++)
    for (gint64 oc = 0; oc < v->out_channels; oc++) {
      gint64 g = oc / out_group;
      gfloat *out = y + (n * v->out_channels + oc) * out_size;
      for (gint64 i = 0; i < out_size; i++)
        out[i] = bias ? bias[oc] : 0;
      for (gint64 k = 0; k < in_group; k++) {
        gint64 ic = g * in_group + k;
        gint64 pair = forward ? oc * in_group + k
                              : ic * out_group + oc % out_group;
        add_channel (v, forward, weights + pair * taps,
            x + (n * v->in_channels + ic) * in_size, out);
      }
    }
}

static gboolean
eval_conv (const UnetNode *node, const UnetTensorView *in, guint n_in,
    UnetTensorView *out, GError **error)
{
  UnetArgs args = UNET_EVAL_ARGS;
  UnetTensorView bias;
  Volume volume;

  if (out->dtype != UNET_DTYPE_F32)
    return unet_eval_type_fail (node, out->dtype, error);
  if (!get_volume (&args, out, &volume, error))
    return FALSE;
  unet_arg (&args, 2, &bias);
  convolve (&volume, node->op == UNET_OP_Conv, in[0].data, in[1].data,
      bias.data, out->data);
  return TRUE;
}

UNET_EVAL (Conv)
{
  return eval_conv (node, in, n_in, out, error);
}

UNET_EVAL (ConvTranspose)
{
  return eval_conv (node, in, n_in, out, error);
}
