/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/norm.h"
#include "graph/ops/args.h"
#include "graph/ops/functions.h"
#include "graph/ops/strided.h"
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
    if (p.n_dims != 1
        || (channels >= 0 && p.dims[0] >= 0 && p.dims[0] != channels))
      return unet_args_fail (args, error, UNET_ERROR_SHAPE,
          "input %u does not have one entry for each of %" G_GINT64_FORMAT
          " channels",
          i, channels);
  }
  return TRUE;
}

/* Operator set 14 brought the attribute. Before it a node with more outputs
 * than one is in training mode. */
gboolean
unet_batch_norm_is_training (const UnetNode *node)
{
  if (node->op != UNET_OP_BatchNormalization)
    return FALSE;
  return unet_node_attr_int (node, "training_mode", 0)
      || (node->since < 14 && node->outputs->len > 1);
}

UNET_INFER (BatchNormalization)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView p;

  if (!unet_node_attr_int (node, "spatial", 1))
    return unet_args_fail (&args, error, UNET_ERROR_UNSUPPORTED,
        "only statistics per channel are supported");
  for (guint i = 1; i < node->outputs->len; i++)
    if (!unet_batch_norm_is_training (node) && unet_node_output (node, i)
        && unet_node_output (node, i)->consumers->len)
      return unet_args_fail (&args, error, UNET_ERROR_UNSUPPORTED,
          "the outputs of training are read, but 'training_mode' is 0");
  if (!check_parameters (&args, 4, error))
    return FALSE;
  unet_arg (&args, 1, &p);
  for (guint i = 1; i < node->outputs->len; i++)
    unet_infer_out (node, i, p.dtype, 1, p.dims);
  return unet_infer_same (graph, node, error);
}

UNET_INFER (InstanceNormalization)
{
  UnetArgs args = UNET_INFER_ARGS;

  return check_parameters (&args, 2, error)
      && unet_infer_same (graph, node, error);
}

static gsize
plane_size (const UnetTensorView *x, gsize channels)
{
  gsize planes = (gsize) x->dims[0] * channels;

  return planes ? unet_view_count (x) / planes : 0;
}

typedef struct {
  gdouble mean, inverse; /* of the standard deviation */
} Moments;

static Moments
measure (const UnetTensorView *x, gsize from, gsize size, gdouble epsilon)
{
  Moments m = { 0, 0 };
  gdouble variance = 0;

  for (gsize i = 0; i < size; i++)
    m.mean += unet_view_float (x, from + i) / (gdouble) size;
  for (gsize i = 0; i < size; i++) {
    gdouble d = unet_view_float (x, from + i) - m.mean;
    variance += d * d / (gdouble) size;
  }
  m.inverse = 1 / sqrt (variance + epsilon);
  return m;
}

static void
normalize_plane (const UnetTensorView *x, gsize from, gsize size, gdouble scale,
    gdouble bias, gdouble epsilon, UnetTensorView *out)
{
  Moments m = measure (x, from, size, epsilon);

  for (gsize i = 0; i < size; i++)
    unet_view_set_float (out, from + i,
        (unet_view_float (x, from + i) - m.mean) * m.inverse * scale + bias);
}

/* Mean and variance of channel @c over all pictures and pixels. */
static void
measure_channel (const UnetTensorView *x, gsize c, gsize channels, gsize size,
    gdouble *mean, gdouble *variance)
{
  const gsize n = size * (gsize) x->dims[0];

  *mean = *variance = 0;
  for (gsize k = c * size; k < n * channels; k += channels * size)
    for (gsize i = 0; i < size; i++)
      *mean += unet_view_float (x, k + i);
  *mean /= (gdouble) n;
  for (gsize k = c * size; k < n * channels; k += channels * size)
    for (gsize i = 0; i < size; i++) {
      const gdouble d = unet_view_float (x, k + i) - *mean;
      *variance += d * d;
    }
  *variance /= (gdouble) n;
}

/* Writes the statistics that training goes on with, and those of the batch
 * that old operator sets save for the backward pass. */
static void
write_statistics (const UnetNode *node, const UnetTensorView *in,
    UnetTensorView *out, guint n_out, gsize c, gdouble mean, gdouble variance)
{
  const gdouble keep = unet_node_attr_float (node, "momentum", 0.9f);
  const gdouble results[4] = {
    unet_view_float (&in[3], c) * keep + mean * (1 - keep),
    unet_view_float (&in[4], c) * keep + variance * (1 - keep),
    mean,
    variance,
  };

  for (guint i = 1; i < MIN (n_out, 5); i++)
    if (out[i].data)
      unet_view_set_float (&out[i], c, results[i - 1]);
}

static void
normalize_channel (const UnetTensorView *x, gsize c, gsize channels, gsize size,
    gdouble scale, gdouble shift, UnetTensorView *out)
{
  const gsize n = size * (gsize) x->dims[0];

  for (gsize k = c * size; k < n * channels; k += channels * size)
    for (gsize i = 0; i < size; i++)
      unet_view_set_float (
          out, k + i, unet_view_float (x, k + i) * scale + shift);
}

UNET_EVAL (BatchNormalization)
{
  const gboolean training = unet_batch_norm_is_training (node);
  const gdouble epsilon = unet_node_attr_float (node, "epsilon", 1e-5f);
  const gsize channels = unet_view_count (&in[1]);
  const gsize size = plane_size (&in[0], channels);

  for (gsize c = 0; c < channels && size; c++) {
    gdouble mean = unet_view_float (&in[3], c);
    gdouble variance = unet_view_float (&in[4], c), scale;

    if (training) {
      measure_channel (&in[0], c, channels, size, &mean, &variance);
      write_statistics (node, in, out, n_out, c, mean, variance);
    }
    scale = unet_view_float (&in[1], c) / sqrt (variance + epsilon);
    normalize_channel (&in[0], c, channels, size, scale,
        unet_view_float (&in[2], c) - mean * scale, out);
  }
  return TRUE;
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

/* ---- LayerNormalization ----------------------------------------------- */

UNET_INFER (LayerNormalization)
{
  UnetArgs args = UNET_INFER_ARGS;
  const UnetValue *x = unet_node_input (node, 0);
  gint64 dims[UNET_MAX_DIMS], wide[UNET_MAX_DIMS];
  guint axis, n;

  if (!unet_axis (unet_node_attr_int (node, "axis", -1), x->n_dims, &axis))
    return unet_args_fail (&args, error, UNET_ERROR_SHAPE,
        "the axis does not fit rank %u", x->n_dims);
  for (guint i = 1; i < node->inputs->len; i++) {
    const UnetValue *p = unet_node_input (node, i);
    if (p
        && (!unet_broadcast (x->n_dims, x->dims, p->n_dims, p->dims, &n, wide)
            || n != x->n_dims))
      return unet_args_fail (
          &args, error, UNET_ERROR_SHAPE, "input %u does not broadcast", i);
  }
  for (guint i = 0; i < x->n_dims; i++)
    dims[i] = i < axis ? x->dims[i] : 1;
  unet_infer_out (node, 1, UNET_DTYPE_F32, x->n_dims, dims);
  unet_infer_out (node, 2, UNET_DTYPE_F32, x->n_dims, dims);
  return unet_infer_same (graph, node, error);
}

static void
scale_group (const UnetTensorView *in, guint n_in, gsize from, gsize size,
    const Moments *m, UnetTensorView *out)
{
  gint64 strides[2][UNET_MAX_DIMS], index[UNET_MAX_DIMS] = { 0 };
  gsize at = from;

  for (guint k = 1; k < n_in; k++)
    unet_broadcast_strides (
        in[k].n_dims, in[k].dims, out->n_dims, strides[k - 1]);
  for (guint i = out->n_dims; i-- > 0; at /= (gsize) out->dims[i])
    index[i] = (gint64) (at % (gsize) out->dims[i]);
  for (gsize i = 0; i < size; i++) {
    gdouble value = (unet_view_float (&in[0], from + i) - m->mean) * m->inverse;
    for (guint k = 1; k < n_in; k++) {
      gint64 p = 0;
      if (in[k].dtype == UNET_DTYPE_NONE)
        continue;
      for (guint d = 0; d < out->n_dims; d++)
        p += index[d] * strides[k - 1][d];
      value = k == 1 ? value * unet_view_float (&in[k], (gsize) p)
                     : value + unet_view_float (&in[k], (gsize) p);
    }
    unet_view_set_float (out, from + i, value);
    unet_next_index (out->n_dims, out->dims, index);
  }
}

UNET_EVAL (LayerNormalization)
{
  gdouble epsilon = unet_node_attr_float (node, "epsilon", 1e-5f);
  gsize size, groups;
  guint axis = 0;

  unet_axis (unet_node_attr_int (node, "axis", -1), in[0].n_dims, &axis);
  groups = unet_dims_count (axis, in[0].dims);
  size = unet_dims_count (in[0].n_dims - axis, in[0].dims + axis);
  for (gsize i = 0; i < groups && size; i++) {
    Moments m = measure (&in[0], i * size, size, epsilon);
    scale_group (in, n_in, i * size, size, &m, &out[0]);
    if (n_out > 1 && out[1].data)
      unet_view_set_float (&out[1], i, m.mean);
    if (n_out > 2 && out[2].data)
      unet_view_set_float (&out[2], i, m.inverse);
  }
  return TRUE;
}

/* ---- LRN -------------------------------------------------------------- */

/* Local response normalisation across channels (Krizhevsky et al. 2012,
 * "ImageNet Classification with Deep Convolutional Neural Networks", section
 * 3.3). */

UNET_INFER (LRN)
{
  UnetArgs args = UNET_INFER_ARGS;
  const UnetValue *x = unet_node_input (node, 0);
  gint64 size = unet_node_attr_int (node, "size", 0);

  if (x->n_dims < 2)
    return unet_args_fail (&args, error, UNET_ERROR_SHAPE,
        "an input of rank %u has no channels", x->n_dims);
  if (size < 1 || size > G_MAXINT32)
    return unet_args_fail (&args, error,
        size < 1 ? UNET_ERROR_SHAPE : UNET_ERROR_LIMIT,
        "'size' holds %" G_GINT64_FORMAT ", not 1 to %d", size, G_MAXINT32);
  return unet_infer_same (graph, node, error);
}

/* Sum of squares of channels @from to @to at one pixel of one picture. */
static gdouble
sum_squares (
    const UnetTensorView *x, gsize first, gsize plane, gint64 from, gint64 to)
{
  gdouble sum = 0;

  for (gint64 c = from; c <= to; c++) {
    gdouble value = unet_view_float (x, first + (gsize) c * plane);
    sum += value * value;
  }
  return sum;
}

UNET_EVAL (LRN)
{
  gdouble alpha = unet_node_attr_float (node, "alpha", 1e-4f);
  gdouble beta = unet_node_attr_float (node, "beta", 0.75f);
  gdouble bias = unet_node_attr_float (node, "bias", 1);
  gint64 size = unet_node_attr_int (node, "size", 1);
  gint64 before = (size - 1) / 2, after = size / 2;
  gint64 channels = in[0].dims[1];
  gsize plane = unet_dims_count (in[0].n_dims - 2, in[0].dims + 2);

  for (gsize i = 0, n = unet_view_count (out); i < n; i++) {
    gint64 c = (gint64) (i / plane) % channels;
    gsize first = i - (gsize) c * plane;
    gdouble sum = sum_squares (&in[0], first, plane, MAX (c - before, 0),
        MIN (c + after, channels - 1));
    unet_view_set_float (out, i,
        unet_view_float (&in[0], i)
            / pow (bias + alpha / (gdouble) size * sum, beta));
  }
  return TRUE;
}
