/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/pad.h"
#include "graph/ops/args.h"
#include "graph/ops/functions.h"
#include "graph/ops/strided.h"
#include <string.h>

typedef enum { PAD_CONSTANT, PAD_REFLECT, PAD_EDGE, PAD_WRAP } PadMode;

static gboolean
read_pads (const UnetArgs *args, guint rank, gint64 *begin, gint64 *end,
    gboolean *open, GError **error)
{
  gint64 pads[2 * UNET_MAX_DIMS], axes[UNET_MAX_DIMS];
  guint n, n_axes, mask;
  UnetInts p, a;

  p = unet_arg_ints (args, "pads", 1, pads, 2 * UNET_MAX_DIMS, &n);
  a = unet_arg_ints (args, NULL, 3, axes, UNET_MAX_DIMS, &n_axes);
  *open = p == UNET_INTS_OPEN || a == UNET_INTS_OPEN;
  if (a == UNET_INTS_ABSENT)
    for (n_axes = 0; n_axes < rank; n_axes++)
      axes[n_axes] = n_axes;
  for (guint i = 0; i < rank; i++)
    begin[i] = end[i] = 0;
  if (*open)
    return TRUE;
  if (p == UNET_INTS_ABSENT || n != 2 * n_axes
      || !unet_axes_mask (axes, n_axes, rank, &mask))
    return unet_args_fail (
        args, error, UNET_ERROR_SHAPE, "the pads do not fit the rank");
  for (guint i = 0; i < n_axes; i++) {
    guint axis = 0;
    unet_axis (axes[i], rank, &axis);
    begin[axis] = pads[i];
    end[axis] = pads[i + n_axes];
    if (begin[axis] != (gint32) begin[axis] || end[axis] != (gint32) end[axis])
      return unet_args_fail (
          args, error, UNET_ERROR_SHAPE, "a pad is too large");
  }
  return TRUE;
}

static gboolean
read_pad_mode (const UnetArgs *args, PadMode *mode, GError **error)
{
  static const gchar *const names[] = { "constant", "reflect", "edge", "wrap" };
  const gchar *name = unet_node_attr_string (args->node, "mode", "constant");

  *mode = PAD_CONSTANT;
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (!strcmp (name, names[i])) {
      *mode = (PadMode) i;
      return TRUE;
    }
  return unet_args_fail (
      args, error, UNET_ERROR_UNSUPPORTED, "mode '%s' is not known", name);
}

/* Reflection needs the picture to reach as far as the border. */
static gboolean
check_pad (const UnetArgs *args, PadMode mode, gint64 extent, gint64 begin,
    gint64 end, GError **error)
{
  gint64 most = mode == PAD_REFLECT ? extent - 1 : extent;

  if (extent + begin + end < 0)
    return unet_args_fail (args, error, UNET_ERROR_SHAPE, "nothing is left");
  if ((mode == PAD_REFLECT && MAX (begin, end) > most)
      || (mode != PAD_CONSTANT && MAX (begin, end) > 0 && extent == 0))
    return unet_args_fail (args, error, UNET_ERROR_SHAPE,
        "an extent of %" G_GINT64_FORMAT " cannot be reflected that far",
        extent);
  return TRUE;
}

gboolean
unet_node_pads (const UnetNode *node, gint64 *begin, gint64 *end)
{
  UnetArgs args = { NULL, node, NULL, 0 };
  UnetTensorView x;
  gboolean open;

  return unet_arg (&args, 0, &x)
      && read_pads (&args, x.n_dims, begin, end, &open, NULL) && !open;
}

UNET_INFER (Pad)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView x;
  gint64 begin[UNET_MAX_DIMS], end[UNET_MAX_DIMS], dims[UNET_MAX_DIMS];
  gboolean open;
  PadMode mode;

  unet_arg (&args, 0, &x);
  if (!read_pad_mode (&args, &mode, error)
      || !read_pads (&args, x.n_dims, begin, end, &open, error))
    return FALSE;
  for (guint i = 0; i < x.n_dims; i++) {
    dims[i] = -1;
    if (open || x.dims[i] < 0)
      continue;
    if (!check_pad (&args, mode, x.dims[i], begin[i], end[i], error))
      return FALSE;
    dims[i] = x.dims[i] + begin[i] + end[i];
  }
  unet_infer_out (node, 0, x.dtype, x.n_dims, dims);
  return TRUE;
}

/* Returns the input position of output position @p, or -1 for the constant. */
static gint64
pad_source (PadMode mode, gint64 p, gint64 extent)
{
  if (p >= 0 && p < extent)
    return p;
  switch (mode) {
    case PAD_CONSTANT:
      return -1;
    case PAD_EDGE:
      return p < 0 ? 0 : extent - 1;
    case PAD_WRAP:
      return (p % extent + extent) % extent;
    default:
      return p < 0 ? -p : 2 * (extent - 1) - p;
  }
}

/* The constant is an attribute `value` before operator set 11. */
static gdouble
pad_constant (const UnetArgs *args)
{
  UnetTensorView value;

  if (unet_arg (args, 2, &value) && value.data && unet_view_count (&value))
    return unet_view_float (&value, 0);
  return unet_node_attr_float (args->node, "value", 0);
}

UNET_EVAL (Pad)
{
  UnetArgs args = UNET_EVAL_ARGS;
  gint64 begin[UNET_MAX_DIMS], end[UNET_MAX_DIMS], strides[UNET_MAX_DIMS];
  gint64 index[UNET_MAX_DIMS] = { 0 };
  gdouble constant = pad_constant (&args);
  gsize size = unet_dtype_size (out->dtype);
  gboolean open;
  PadMode mode;

  if (!read_pad_mode (&args, &mode, error)
      || !read_pads (&args, in[0].n_dims, begin, end, &open, error))
    return FALSE;
  unet_strides (in[0].n_dims, in[0].dims, strides);
  for (gsize k = 0, n = unet_view_count (out); k < n; k++) {
    gint64 from = 0;
    for (guint i = 0; i < out->n_dims && from >= 0; i++) {
      gint64 p = pad_source (mode, index[i] - begin[i], in[0].dims[i]);
      from = p < 0 ? -1 : from + p * strides[i];
    }
    if (from < 0)
      unet_view_set_float (out, k, constant);
    else
      memcpy ((gchar *) out->data + k * size,
          (const gchar *) in[0].data + (gsize) from * size, size);
    unet_next_index (out->n_dims, out->dims, index);
  }
  return TRUE;
}
