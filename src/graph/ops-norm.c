/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops.h"
#include <math.h>

static gboolean
check_parameters (const UnetArgs *args, guint n, GError **error)
{
  UnetTensorView x, p;
  gint64 channels;

  unet_arg (args, 0, &x);
  /* Batch normalisation of a vector per picture has rank 1 or 2. */
  channels = x.n_dims < 2 ? 1 : x.dims[1];
  for (guint i = 1; i <= n; i++) {
    unet_arg (args, i, &p);
    if (p.n_dims != 1 ||
        (channels >= 0 && p.dims[0] >= 0 && p.dims[0] != channels))
      return unet_args_fail (args, error, UNET_ERROR_SHAPE,
                             "input %u does not have one entry for each of %"
                             G_GINT64_FORMAT " channels", i, channels);
  }
  return TRUE;
}

UNET_INFER (BatchNormalization)
{
  UnetArgs args = UNET_INFER_ARGS;

  if (unet_node_attr_int (node, "training_mode", 0) ||
      !unet_node_attr_int (node, "spatial", 1))
    return unet_args_fail (&args, error, UNET_ERROR_UNSUPPORTED,
                           "only inference per channel is supported");
  for (guint i = 1; i < node->outputs->len; i++)
    if (unet_node_output (node, i) &&
        unet_node_output (node, i)->consumers->len)
      return unet_args_fail (&args, error, UNET_ERROR_UNSUPPORTED,
                             "the outputs of training are not supported");
  return check_parameters (&args, 4, error) &&
         unet_infer_same (graph, node, error);
}

UNET_INFER (InstanceNormalization)
{
  UnetArgs args = UNET_INFER_ARGS;

  return check_parameters (&args, 2, error) &&
         unet_infer_same (graph, node, error);
}

static gsize
plane_size (const UnetTensorView *x, gsize channels)
{
  gsize planes = (gsize) x->dims[0] * channels;

  return planes ? unet_view_count (x) / planes : 0;
}

UNET_EVAL (BatchNormalization)
{
  gdouble epsilon = unet_node_attr_float (node, "epsilon", 1e-5f);
  gsize channels = unet_view_count (&in[1]);
  gsize size = plane_size (&in[0], channels), n = unet_view_count (out);

  for (gsize i = 0; i < n; i++) {
    gsize c = i / size % channels;
    gdouble scale = unet_view_float (&in[1], c) /
                    sqrt (unet_view_float (&in[4], c) + epsilon);
    unet_view_set_float (out, i,
                         (unet_view_float (&in[0], i) -
                          unet_view_float (&in[3], c)) * scale +
                             unet_view_float (&in[2], c));
  }
  return TRUE;
}

static void
normalize_plane (const UnetTensorView *x, gsize from, gsize size,
                 gdouble scale, gdouble bias, gdouble epsilon,
                 UnetTensorView *out)
{
  gdouble mean = 0, variance = 0;

  for (gsize i = 0; i < size; i++)
    mean += unet_view_float (x, from + i) / (gdouble) size;
  for (gsize i = 0; i < size; i++) {
    gdouble d = unet_view_float (x, from + i) - mean;
    variance += d * d / (gdouble) size;
  }
  scale /= sqrt (variance + epsilon);
  for (gsize i = 0; i < size; i++)
    unet_view_set_float (out, from + i,
                         (unet_view_float (x, from + i) - mean) * scale +
                             bias);
}

UNET_EVAL (InstanceNormalization)
{
  gdouble epsilon = unet_node_attr_float (node, "epsilon", 1e-5f);
  gsize channels = unet_view_count (&in[1]);
  gsize size = plane_size (&in[0], channels);
  gsize planes = size ? unet_view_count (out) / size : 0;

  for (gsize i = 0; i < planes; i++)
    normalize_plane (&in[0], i * size, size,
                     unet_view_float (&in[1], i % channels),
                     unet_view_float (&in[2], i % channels), epsilon, out);
  return TRUE;
}
