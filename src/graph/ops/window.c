/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/window.h"
#include <string.h>

/* Attributes of Conv, ConvTranspose and the pools, as
 * https://onnx.ai/onnx/operators/onnx__Conv.html and its neighbours have
 * them. */

/* Limit of every extent and number. Products of two then fit into 63 bits. */
#define MAX_EXTENT (G_GINT64_CONSTANT (1) << 31)

typedef enum { PAD_NOTSET, PAD_SAME_UPPER, PAD_SAME_LOWER, PAD_VALID } AutoPad;

static gboolean
read_auto_pad (const UnetArgs *args, AutoPad *mode, GError **error)
{
  static const gchar *const names[] = { "NOTSET", "SAME_UPPER", "SAME_LOWER",
    "VALID" };
  const gchar *name = unet_node_attr_string (args->node, "auto_pad", "NOTSET");

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (!strcmp (name, names[i])) {
      *mode = (AutoPad) i;
      return TRUE;
    }
  return unet_args_fail (
      args, error, UNET_ERROR_UNSUPPORTED, "auto_pad '%s' is not known", name);
}

static gboolean
check_number (const UnetArgs *args, const gchar *name, gint64 number,
    gint64 min, GError **error)
{
  if (number >= min && number <= MAX_EXTENT)
    return TRUE;
  return unet_args_fail (args, error,
      number < min ? UNET_ERROR_SHAPE : UNET_ERROR_LIMIT,
      "'%s' holds %" G_GINT64_FORMAT ", not %" G_GINT64_FORMAT
      " to %" G_GINT64_FORMAT,
      name, number, min, MAX_EXTENT);
}

/* Reads @n entries of an attribute, each from @min up; @def where it is
 * absent. */
static gboolean
read_ints (const UnetArgs *args, const gchar *name, gint64 *ints, guint n,
    gint64 def, gint64 min, GError **error)
{
  guint have;

  for (guint i = 0; i < n; i++)
    ints[i] = def;
  have = unet_node_attr_ints (args->node, name, ints, n);
  if (have && have != n)
    return unet_args_fail (args, error, UNET_ERROR_SHAPE,
        "'%s' has %u entries, not %u", name, have, n);
  for (guint i = 0; i < n; i++)
    if (!check_number (args, name, ints[i], min, error))
      return FALSE;
  return TRUE;
}

static gint64
span (const UnetWindow *window, guint i)
{
  return (window->kernel[i] - 1) * window->dilation[i] + 1;
}

static void
pad_same (UnetWindow *window, guint i, gint64 in, AutoPad mode)
{
  gint64 total;

  window->out[i] = (in + window->stride[i] - 1) / window->stride[i];
  total = (window->out[i] - 1) * window->stride[i] + span (window, i) - in;
  total = MAX (total, 0);
  window->pad_begin[i] = mode == PAD_SAME_UPPER ? total / 2 : total - total / 2;
  window->pad_end[i] = total - window->pad_begin[i];
}

static gboolean
resolve_extent (const UnetArgs *args, UnetWindow *window, guint i, gint64 in,
    AutoPad mode, GError **error)
{
  gint64 room;

  if (in < 0) {
    window->out[i] = -1;
    return TRUE;
  }
  if (mode == PAD_SAME_UPPER || mode == PAD_SAME_LOWER) {
    pad_same (window, i, in, mode);
    return TRUE;
  }
  room = in + window->pad_begin[i] + window->pad_end[i] - span (window, i);
  if (room < 0)
    return unet_args_fail (args, error, UNET_ERROR_SHAPE,
        "a window of %" G_GINT64_FORMAT " does not fit into %" G_GINT64_FORMAT,
        span (window, i), in);
  window->out[i] = room / window->stride[i] + 1;
  /* A window that starts in the end's padding does not count (MaxPool-22). */
  if (window->ceil_mode && room % window->stride[i]
      && window->out[i] * window->stride[i] < in + window->pad_begin[i])
    window->out[i]++;
  return TRUE;
}

static gboolean
resolve_forward (const UnetArgs *args, UnetWindow *window, const gint64 *in,
    AutoPad mode, GError **error)
{
  for (guint i = 0; i < window->n; i++)
    if (!resolve_extent (args, window, i, in[i], mode, error))
      return FALSE;
  return TRUE;
}

/* Reads how large the output of a ConvTranspose shall be. *@given: whether the
 * node says so. */
static gboolean
read_output_shape (const UnetArgs *args, const UnetWindow *window,
    gint64 *shape, gboolean *given, GError **error)
{
  guint have = unet_node_attr_ints (args->node, "output_shape", shape, 3);

  *given = have > 0;
  if (have == window->n + 2 && window->n == 1) /* with batch and channels */
    shape[0] = shape[2];
  else if (have && have != window->n)
    return unet_args_fail (args, error, UNET_ERROR_SHAPE,
        "'output_shape' has %u entries, not %u", have, window->n);
  for (guint i = 0; *given && i < window->n; i++)
    if (!check_number (args, "output_shape", shape[i], 1, error))
      return FALSE;
  return TRUE;
}

static void
pad_transposed (UnetWindow *window, guint i, gint64 full, AutoPad mode)
{
  gint64 total = MAX (full - window->out[i], 0);

  window->pad_begin[i] = mode == PAD_SAME_UPPER ? total / 2 : total - total / 2;
  window->pad_end[i] = total - window->pad_begin[i];
}

/* ConvTranspose: padding takes away from the full extent, or follows from the
 * output shape that the node gives. */
static gboolean
resolve_transposed (const UnetArgs *args, UnetWindow *window, const gint64 *in,
    AutoPad mode, GError **error)
{
  gint64 shape[3];
  gboolean given;

  if (!read_output_shape (args, window, shape, &given, error))
    return FALSE;
  for (guint i = 0; i < window->n; i++) {
    gint64 full;
    if (in[i] < 0) {
      window->out[i] = given ? shape[i] : -1;
      continue;
    }
    full = window->stride[i] * (in[i] - 1) + span (window, i)
        + window->output_padding[i];
    if (given || mode == PAD_SAME_UPPER || mode == PAD_SAME_LOWER) {
      window->out[i] = given ? shape[i] : in[i] * window->stride[i];
      pad_transposed (window, i, full, mode);
    } else {
      window->out[i] = full - window->pad_begin[i] - window->pad_end[i];
    }
    if (window->out[i] < 1)
      return unet_args_fail (
          args, error, UNET_ERROR_SHAPE, "nothing is left of the output");
  }
  return TRUE;
}

/* The kernel's extents come from the weights, else from the attribute. */
static gboolean
read_kernel (const UnetArgs *args, UnetWindow *window, GError **error)
{
  UnetTensorView weights;

  if (!read_ints (args, "kernel_shape", window->kernel, window->n, 0, 0, error))
    return FALSE;
  if ((args->node->op == UNET_OP_Conv || args->node->op == UNET_OP_ConvTranspose
          || args->node->op == UNET_OP_DeformConv)
      && unet_arg (args, 1, &weights)) {
    if (weights.n_dims != window->n + 2)
      return unet_args_fail (args, error, UNET_ERROR_SHAPE,
          "weights of rank %u for an input of rank %u", weights.n_dims,
          window->n + 2);
    for (guint i = 0; i < window->n; i++) {
      if (window->kernel[i] && weights.dims[i + 2] >= 0
          && window->kernel[i] != weights.dims[i + 2])
        return unet_args_fail (args, error, UNET_ERROR_SHAPE,
            "'kernel_shape' differs from the weights");
      if (weights.dims[i + 2] >= 0)
        window->kernel[i] = weights.dims[i + 2];
    }
  }
  for (guint i = 0; i < window->n; i++)
    if (window->kernel[i] < 1)
      return unet_args_fail (
          args, error, UNET_ERROR_SHAPE, "the kernel has no extent");
  return TRUE;
}

static gboolean
read_attributes (
    const UnetArgs *args, UnetWindow *window, AutoPad *mode, GError **error)
{
  gint64 pads[6];
  guint n = window->n;

  if (!read_auto_pad (args, mode, error) || !read_kernel (args, window, error)
      || !read_ints (args, "strides", window->stride, n, 1, 1, error)
      || !read_ints (args, "dilations", window->dilation, n, 1, 1, error)
      || !read_ints (
          args, "output_padding", window->output_padding, n, 0, 0, error)
      || !read_ints (args, "pads", pads, 2 * n, 0, 0, error))
    return FALSE;
  for (guint i = 0; i < n; i++) {
    window->pad_begin[i] = *mode == PAD_NOTSET ? pads[i] : 0;
    window->pad_end[i] = *mode == PAD_NOTSET ? pads[i + n] : 0;
    if (window->kernel[i] > MAX_EXTENT / window->dilation[i])
      return unet_args_fail (
          args, error, UNET_ERROR_LIMIT, "the window is too large");
  }
  window->group = unet_node_attr_int (args->node, "group", 1);
  if (!check_number (args, "group", window->group, 1, error))
    return FALSE;
  window->ceil_mode = unet_node_attr_int (args->node, "ceil_mode", 0) != 0;
  window->count_include_pad =
      unet_node_attr_int (args->node, "count_include_pad", 0) != 0;
  return TRUE;
}

gboolean
unet_window_resolve (const UnetArgs *args, UnetWindow *window, GError **error)
{
  UnetTensorView input;
  AutoPad mode = PAD_NOTSET;

  memset (window, 0, sizeof *window);
  if (!unet_arg (args, 0, &input) || input.n_dims < 3 || input.n_dims > 5)
    return unet_args_fail (args, error, UNET_ERROR_SHAPE,
        "an input of rank %u has no 1 to 3 spatial axes", input.n_dims);
  window->n = input.n_dims - 2;
  for (guint i = 0; i < window->n; i++)
    if (input.dims[i + 2] > MAX_EXTENT)
      return unet_args_fail (
          args, error, UNET_ERROR_LIMIT, "the input is too large");
  if (!read_attributes (args, window, &mode, error))
    return FALSE;
  if (args->node->op == UNET_OP_ConvTranspose)
    return resolve_transposed (args, window, input.dims + 2, mode, error);
  return resolve_forward (args, window, input.dims + 2, mode, error);
}

gboolean
unet_node_window (const UnetGraph *graph, const UnetNode *node,
    UnetWindow *window, GError **error)
{
  UnetArgs args = UNET_INFER_ARGS;

  return unet_window_resolve (&args, window, error);
}
