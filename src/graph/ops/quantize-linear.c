/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/float8.h"
#include "graph/ops/args.h"
#include "graph/ops/functions.h"
#include <math.h>

/* One scale for all, for each slice of an axis, or for each block of it. */
typedef struct {
  gsize extent, inner, block; /* of the axis; elements below it */
  gboolean single;
} ScaleMap;

static gboolean
map_scales (const UnetArgs *args, const UnetTensorView *x,
    const UnetTensorView *scale, ScaleMap *map, GError **error)
{
  gint64 block = unet_node_attr_int (args->node, "block_size", 0);
  guint axis = 0;

  map->single = unet_view_count (scale) == 1 && block <= 0;
  if (map->single)
    return TRUE;
  if (!unet_axis (unet_node_attr_int (args->node, "axis", 1), x->n_dims, &axis)
      || block < 0 || block > G_MAXINT32)
    return unet_args_fail (args, error, UNET_ERROR_SHAPE,
        "the axis does not fit rank %u", x->n_dims);
  map->extent = (gsize) MAX (x->dims[axis], 0);
  map->inner = unet_dims_count (x->n_dims - axis - 1, x->dims + axis + 1);
  map->block = (gsize) block;
  if (block ? scale->n_dims != x->n_dims
              || scale->dims[axis] != (x->dims[axis] + block - 1) / block
            : scale->n_dims != 1 || scale->dims[0] != x->dims[axis])
    return unet_args_fail (
        args, error, UNET_ERROR_SHAPE, "the scales do not fit the axis");
  for (guint i = 0; block && i < x->n_dims; i++)
    if (i != axis && scale->dims[i] != x->dims[i])
      return unet_args_fail (
          args, error, UNET_ERROR_SHAPE, "the scales do not fit the shape");
  return TRUE;
}

static gsize
scale_index (const ScaleMap *map, gsize i)
{
  gsize at;

  if (map->single)
    return 0;
  at = i / map->inner % map->extent;
  if (!map->block)
    return at;
  return (i / map->inner / map->extent
                 * ((map->extent + map->block - 1) / map->block)
             + at / map->block)
      * map->inner
      + i % map->inner;
}

/* So many elements in a row have one scale. */
static gsize
scale_run (const ScaleMap *map, gsize n)
{
  if (map->single)
    return n;
  return map->block ? 1 : MIN (map->inner, n);
}

static gboolean
infer_quantization (const UnetArgs *args, UnetDType dtype, GError **error)
{
  UnetTensorView x, scale, zero;
  ScaleMap map;

  unet_arg (args, 0, &x);
  unet_arg (args, 1, &scale);
  if (!map_scales (args, &x, &scale, &map, error))
    return FALSE;
  if (unet_arg (args, 2, &zero)
      && unet_view_count (&zero) != unet_view_count (&scale))
    return unet_args_fail (args, error, UNET_ERROR_SHAPE,
        "zero points and scales differ in number");
  unet_infer_out ((UnetNode *) args->node, 0, dtype, x.n_dims, x.dims);
  return TRUE;
}

static gboolean
integer_range (UnetDType dtype, gfloat *low, gfloat *high)
{
  static const gint bits[] = {
    [UNET_DTYPE_I4] = 4,
    [UNET_DTYPE_U4] = 4,
    [UNET_DTYPE_I8] = 8,
    [UNET_DTYPE_U8] = 8,
    [UNET_DTYPE_I16] = 16,
    [UNET_DTYPE_U16] = 16,
  };
  const gboolean is_unsigned = dtype == UNET_DTYPE_U4 || dtype == UNET_DTYPE_U8
      || dtype == UNET_DTYPE_U16;
  gint n = dtype < G_N_ELEMENTS (bits) ? bits[dtype] : 0;

  if (!n)
    return FALSE;
  *low = is_unsigned ? 0 : (gfloat) - (1 << (n - 1));
  *high = (gfloat) ((1 << (is_unsigned ? n : n - 1)) - 1);
  return TRUE;
}

UNET_INFER (QuantizeLinear)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView zero;
  UnetDType dtype = (UnetDType) unet_node_attr_int (node, "output_dtype", 0);
  gfloat low, high;

  if (unet_arg (&args, 2, &zero))
    dtype = zero.dtype;
  else if (dtype == UNET_DTYPE_NONE)
    dtype = UNET_DTYPE_U8;
  if (!unet_dtype_is_float8 (dtype) && !integer_range (dtype, &low, &high))
    return unet_args_fail (&args, error, UNET_ERROR_UNSUPPORTED,
        "cannot quantise to %s: only to integers of 4, 8 and 16 bits and "
        "floats of 8",
        unet_dtype_name (dtype));
  return infer_quantization (&args, dtype, error);
}

UNET_INFER (DequantizeLinear)
{
  UnetArgs args = UNET_INFER_ARGS;

  return infer_quantization (&args, unet_node_input (node, 1)->dtype, error);
}

static void
quantize_run (const UnetTensorView *in, UnetTensorView *out, gsize begin,
    gsize end, gfloat scale, gfloat zero)
{
  gfloat low, high;
  const gboolean is_float8 = !integer_range (out->dtype, &low, &high);
  const gfloat *x = in->data;
  guint8 *y = out->data;

  if (in->dtype == UNET_DTYPE_F32
      && (out->dtype == UNET_DTYPE_U8 || out->dtype == UNET_DTYPE_I8)) {
    for (gsize i = begin; i < end; i++) {
      gfloat q = rintf (x[i] / scale) + zero;
      /* NaN gives 0, as unet_int_from_double () has it. */
      q = q == q ? CLAMP (q, low, high) : 0;
      y[i] = (guint8) (gint) q;
    }
    return;
  }
  for (gsize i = begin; i < end; i++) {
    gfloat value = (gfloat) unet_view_float (in, i);
    unet_view_set_float (out, i,
        is_float8 ? value / scale
                  : CLAMP (rint (value / scale) + zero, low, high));
  }
}

static void
dequantize_run (const UnetTensorView *in, UnetTensorView *out, gsize begin,
    gsize end, gdouble scale, gint64 zero)
{
  gfloat *y = out->data;

#define RUN(type)                                                              \
  for (gsize i = begin; i < end; i++)                                          \
  y[i] = (gfloat) (((const type *) in->data)[i] - (gint) zero) * (gfloat) scale

  if (out->dtype == UNET_DTYPE_F32 && in->dtype == UNET_DTYPE_U8)
    RUN (guint8);
  else if (out->dtype == UNET_DTYPE_F32 && in->dtype == UNET_DTYPE_I8)
    RUN (gint8);
  else if (unet_dtype_is_float8 (in->dtype))
    for (gsize i = begin; i < end; i++)
      unet_view_set_float (out, i, unet_view_float (in, i) * scale);
  else
    for (gsize i = begin; i < end; i++)
      unet_view_set_float (
          out, i, (gdouble) (unet_view_int (in, i) - zero) * scale);
#undef RUN
}

/* Converts elements @begin to @end, which share scale and zero point @k. */
typedef void (*Run) (const UnetTensorView *in, guint n_in, gsize k, gsize begin,
    gsize end, UnetTensorView *out);

static gboolean
has_zero (const UnetTensorView *in, guint n_in)
{
  return n_in > 2 && in[2].dtype != UNET_DTYPE_NONE;
}

static void
quantize_with (const UnetTensorView *in, guint n_in, gsize k, gsize begin,
    gsize end, UnetTensorView *out)
{
  quantize_run (&in[0], out, begin, end, (gfloat) unet_view_float (&in[1], k),
      has_zero (in, n_in) ? (gfloat) unet_view_float (&in[2], k) : 0);
}

static void
dequantize_with (const UnetTensorView *in, guint n_in, gsize k, gsize begin,
    gsize end, UnetTensorView *out)
{
  dequantize_run (&in[0], out, begin, end, unet_view_float (&in[1], k),
      has_zero (in, n_in) ? unet_view_int (&in[2], k) : 0);
}

static gboolean
eval_runs (const UnetNode *node, const UnetTensorView *in, guint n_in, Run run,
    UnetTensorView *out, GError **error)
{
  UnetArgs args = UNET_EVAL_ARGS;
  gsize n = unet_view_count (out), step;
  ScaleMap map;

  if (!map_scales (&args, &in[0], &in[1], &map, error))
    return FALSE;
  step = scale_run (&map, n);
  for (gsize i = 0; i < n; i += step)
    run (in, n_in, scale_index (&map, i), i, i + step, out);
  return TRUE;
}

UNET_EVAL (QuantizeLinear)
{
  return eval_runs (node, in, n_in, quantize_with, out, error);
}

UNET_EVAL (DequantizeLinear)
{
  return eval_runs (node, in, n_in, dequantize_with, out, error);
}
