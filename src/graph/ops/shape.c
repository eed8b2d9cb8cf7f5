/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/args.h"
#include "graph/ops/functions.h"
#include "graph/ops/strided.h"
#include <math.h>
#include <string.h>

/* Operators about shapes: those that only rename dimensions, and those that
 * make tensors from numbers. */

static void
open_output (UnetNode *node, UnetDType dtype)
{
  UnetValue *value = unet_node_output (node, 0);

  value->dtype = dtype;
  value->has_shape = FALSE;
}

/* ---- Reshape ---------------------------------------------------------- */

/* 0 copies the input's dimension, -1 takes what is left. */
static gboolean
resolve_reshape (const UnetArgs *args, const UnetTensorView *x, guint n,
    gint64 *dims, GError **error)
{
  gboolean zero = unet_node_attr_int (args->node, "allowzero", 0) != 0;
  gint64 known = 1, total = 1;
  gint left = -1;

  for (guint i = 0; i < n; i++) {
    if (dims[i] == 0 && !zero) {
      if (i >= x->n_dims)
        return unet_args_fail (args, error, UNET_ERROR_SHAPE,
            "dimension %u of rank %u is copied", i, x->n_dims);
      dims[i] = x->dims[i];
    } else if (dims[i] < -1 || (dims[i] == -1 && left >= 0)) {
      return unet_args_fail (
          args, error, UNET_ERROR_SHAPE, "the shape makes no sense");
    } else if (dims[i] == -1) {
      left = (gint) i;
    }
  }
  for (guint i = 0; i < x->n_dims; i++)
    if (x->dims[i] < 0)
      return TRUE;
  for (guint i = 0; i < n; i++)
    if ((gint) i != left
        && (dims[i] > G_MAXINT32
            || (known *= dims[i]) > G_MAXINT64 / G_MAXINT32))
      return unet_args_fail (
          args, error, UNET_ERROR_LIMIT, "the shape is too large");
  total = (gint64) unet_view_count (x);
  if (left >= 0)
    dims[left] = known ? total / known : 0;
  if ((left >= 0 ? dims[left] * known : known) != total)
    return unet_args_fail (args, error, UNET_ERROR_SHAPE,
        "%" G_GINT64_FORMAT " elements do not fit", total);
  return TRUE;
}

UNET_INFER (Reshape)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView x;
  gint64 dims[UNET_MAX_DIMS];
  UnetInts state;
  guint n;

  unet_arg (&args, 0, &x);
  state = unet_arg_ints (&args, "shape", 1, dims, UNET_MAX_DIMS, &n);
  if (state == UNET_INTS_ABSENT || n > UNET_MAX_DIMS)
    return unet_args_fail (
        &args, error, UNET_ERROR_SHAPE, "a shape of %u dimensions", n);
  if (state == UNET_INTS_OPEN) {
    open_output (node, x.dtype);
    for (guint i = 0; i < n; i++)
      dims[i] = -1;
    if (n)
      unet_infer_out (node, 0, x.dtype, n, dims);
    return TRUE;
  }
  if (!resolve_reshape (&args, &x, n, dims, error))
    return FALSE;
  unet_infer_out (node, 0, x.dtype, n, dims);
  return TRUE;
}

UNET_INFER (Flatten)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView x;
  gint64 dims[2] = { 1, 1 }, axis = unet_node_attr_int (node, "axis", 1);

  unet_arg (&args, 0, &x);
  if (axis < -(gint64) x.n_dims || axis > x.n_dims)
    return unet_args_fail (&args, error, UNET_ERROR_SHAPE,
        "axis %" G_GINT64_FORMAT " of rank %u", axis, x.n_dims);
  if (axis < 0)
    axis += x.n_dims;
  for (guint i = 0; i < x.n_dims; i++) {
    gint64 *dim = &dims[i >= axis];
    *dim = *dim < 0 || x.dims[i] < 0 ? -1 : *dim * x.dims[i];
  }
  unet_infer_out (node, 0, x.dtype, 2, dims);
  return TRUE;
}

UNET_INFER (Squeeze)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView x;
  gint64 axes[UNET_MAX_DIMS], dims[UNET_MAX_DIMS];
  guint n, mask = 0, rank = 0;
  UnetInts state = unet_arg_ints (&args, "axes", 1, axes, UNET_MAX_DIMS, &n);

  unet_arg (&args, 0, &x);
  if (state == UNET_INTS_OPEN) {
    open_output (node, x.dtype);
    return TRUE;
  }
  if (!unet_axes_mask (axes, n, x.n_dims, &mask))
    return unet_args_fail (&args, error, UNET_ERROR_SHAPE,
        "the axes do not fit rank %u", x.n_dims);
  for (guint i = 0; i < x.n_dims; i++) {
    if (state == UNET_INTS_ABSENT ? x.dims[i] == 1 : (mask & 1u << i) != 0) {
      if (x.dims[i] > 1 || x.dims[i] == 0)
        return unet_args_fail (&args, error, UNET_ERROR_SHAPE,
            "axis %u has extent %" G_GINT64_FORMAT, i, x.dims[i]);
      continue;
    }
    dims[rank++] = x.dims[i];
  }
  unet_infer_out (node, 0, x.dtype, rank, dims);
  return TRUE;
}

UNET_INFER (Unsqueeze)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView x;
  gint64 axes[UNET_MAX_DIMS], dims[UNET_MAX_DIMS];
  guint n, mask, k = 0;
  UnetInts state = unet_arg_ints (&args, "axes", 1, axes, UNET_MAX_DIMS, &n);

  unet_arg (&args, 0, &x);
  if (state == UNET_INTS_ABSENT || n + x.n_dims > UNET_MAX_DIMS)
    return unet_args_fail (&args, error, UNET_ERROR_SHAPE,
        "rank %u and %u axes more", x.n_dims, n);
  if (state == UNET_INTS_OPEN) {
    open_output (node, x.dtype);
    return TRUE;
  }
  if (!unet_axes_mask (axes, n, x.n_dims + n, &mask))
    return unet_args_fail (&args, error, UNET_ERROR_SHAPE,
        "the axes do not fit rank %u", x.n_dims + n);
  for (guint i = 0; i < x.n_dims + n; i++)
    dims[i] = mask & 1u << i ? 1 : x.dims[k++];
  unet_infer_out (node, 0, x.dtype, x.n_dims + n, dims);
  return TRUE;
}

#define SAME(op)                                                               \
  UNET_INFER (op)                                                              \
  {                                                                            \
    return unet_infer_same (graph, node, error);                               \
  }
#define COPY(op)                                                               \
  UNET_EVAL (op)                                                               \
  {                                                                            \
    unet_copy_all (&in[0], out);                                               \
    return TRUE;                                                               \
  }

COPY (Reshape)
COPY (Flatten)
COPY (Squeeze)
COPY (Unsqueeze)
SAME (Identity)
COPY (Identity)

/* ---- Dropout ---------------------------------------------------------- */

/* Inference only: the identity, with a mask of ones. */
UNET_INFER (Dropout)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView training, ratio, x;
  gboolean keeps_all;

  unet_arg (&args, 1, &ratio);
  keeps_all = ratio.data && unet_view_float (&ratio, 0) == 0;
  if (unet_arg (&args, 2, &training) && !keeps_all
      && (!training.data || unet_view_int (&training, 0)))
    return unet_args_fail (&args, error, UNET_ERROR_UNSUPPORTED,
        "exported in training mode, where values are dropped by chance; call "
        "model.eval() before the export");
  unet_arg (&args, 0, &x);
  /* Before operator set 10 the mask has the input's type. */
  unet_infer_out (
      node, 1, node->since < 10 ? x.dtype : UNET_DTYPE_BOOL, x.n_dims, x.dims);
  return unet_infer_same (graph, node, error);
}

UNET_EVAL (Dropout)
{
  unet_copy_all (&in[0], out);
  if (n_out > 1 && out[1].data)
    for (gsize i = 0, n = unet_view_count (&out[1]); i < n; i++)
      unet_view_set_int (&out[1], i, 1);
  return TRUE;
}

/* ---- Expand ----------------------------------------------------------- */

UNET_INFER (Expand)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView x;
  gint64 shape[UNET_MAX_DIMS], dims[UNET_MAX_DIMS];
  guint n, rank;
  UnetInts state = unet_arg_ints (&args, NULL, 1, shape, UNET_MAX_DIMS, &n);

  unet_arg (&args, 0, &x);
  if (state == UNET_INTS_OPEN) {
    open_output (node, x.dtype);
    return TRUE;
  }
  for (guint i = 0; i < MIN (n, UNET_MAX_DIMS); i++)
    if (shape[i] < 0)
      n = UNET_MAX_DIMS + 1;
  if (n > UNET_MAX_DIMS
      || !unet_broadcast (x.n_dims, x.dims, n, shape, &rank, dims))
    return unet_args_fail (
        &args, error, UNET_ERROR_SHAPE, "the shapes do not broadcast");
  unet_infer_out (node, 0, x.dtype, rank, dims);
  return TRUE;
}

UNET_EVAL (Expand)
{
  gint64 from[UNET_MAX_DIMS], to[UNET_MAX_DIMS];

  if (unet_view_count (out) == 0)
    return TRUE;
  unet_broadcast_strides (in[0].n_dims, in[0].dims, out->n_dims, from);
  unet_strides (out->n_dims, out->dims, to);
  unet_copy_strided (unet_dtype_size (out->dtype), out->n_dims, out->dims,
      out->data, to, in[0].data, from);
  return TRUE;
}

/* ---- Shape ------------------------------------------------------------ */

static void
shape_range (const UnetNode *node, guint rank, gint64 *start, gint64 *end)
{
  gint64 n = rank;

  *start = unet_node_attr_int (node, "start", 0);
  *end = unet_node_attr_int (node, "end", n);
  *start = CLAMP (*start < 0 ? *start + n : *start, 0, n);
  *end = CLAMP (*end < 0 ? *end + n : *end, *start, n);
}

/* Known dimensions make a constant at once; the input need not be one. */
UNET_INFER (Shape)
{
  UnetValue *out = unet_node_output (node, 0);
  const UnetValue *x = unet_node_input (node, 0);
  gint64 start, end, n;

  shape_range (node, x->n_dims, &start, &end);
  n = end - start;
  unet_infer_out (node, 0, UNET_DTYPE_I64, 1, &n);
  for (gint64 i = start; i < end; i++)
    if (x->dims[i] < 0)
      return TRUE;
  unet_value_set_constant (
      out, unet_tensor_new_ints (x->dims + start, (guint) n));
  return TRUE;
}

UNET_EVAL (Shape)
{
  gint64 start, end;

  shape_range (node, in[0].n_dims, &start, &end);
  for (gint64 i = start; i < end; i++)
    unet_view_set_int (out, (gsize) (i - start), in[0].dims[i]);
  return TRUE;
}

UNET_INFER (Size)
{
  const UnetValue *x = unet_node_input (node, 0);
  UnetTensor *tensor;
  gint64 count;

  unet_infer_out (node, 0, UNET_DTYPE_I64, 0, NULL);
  for (guint i = 0; i < x->n_dims; i++)
    if (x->dims[i] < 0)
      return TRUE;
  count = (gint64) unet_dims_count (x->n_dims, x->dims);
  tensor = unet_tensor_new (UNET_DTYPE_I64, 0, NULL);
  *(gint64 *) tensor->data = count;
  unet_value_set_constant (unet_node_output (node, 0), tensor);
  return TRUE;
}

UNET_EVAL (Size)
{
  unet_view_set_int (out, 0, (gint64) unet_view_count (&in[0]));
  return TRUE;
}

/* ---- constants -------------------------------------------------------- */

static UnetTensor *
tensor_from_attr (const UnetAttr *attr)
{
  gint64 dims[1] = { attr->n };
  UnetTensor *tensor = NULL;

  switch (attr->type) {
    case UNET_ATTR_TENSOR:
      return unet_tensor_ref (attr->tensor);
    case UNET_ATTR_FLOAT:
      tensor = unet_tensor_new (UNET_DTYPE_F32, 0, dims);
      *(gfloat *) tensor->data = (gfloat) attr->f;
      return tensor;
    case UNET_ATTR_INT:
      tensor = unet_tensor_new (UNET_DTYPE_I64, 0, dims);
      *(gint64 *) tensor->data = attr->i;
      return tensor;
    case UNET_ATTR_FLOATS:
      tensor = unet_tensor_new (UNET_DTYPE_F32, 1, dims);
      if (tensor && attr->n)
        memcpy (tensor->data, attr->floats, attr->n * sizeof (gfloat));
      return tensor;
    case UNET_ATTR_INTS:
      return unet_tensor_new_ints (attr->ints, attr->n);
    default:
      return NULL;
  }
}

UNET_INFER (Constant)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensor *tensor;

  if (node->attrs->len != 1
      || !(tensor = tensor_from_attr (g_ptr_array_index (node->attrs, 0))))
    return unet_args_fail (
        &args, error, UNET_ERROR_UNSUPPORTED, "no value that is supported");
  unet_value_set_constant (unet_node_output (node, 0), tensor);
  return TRUE;
}

UNET_EVAL (Constant)
{
  UnetTensor *tensor = tensor_from_attr (g_ptr_array_index (node->attrs, 0));
  UnetTensorView view;

  unet_tensor_view (tensor, &view);
  unet_copy_all (&view, out);
  unet_tensor_unref (tensor);
  return TRUE;
}

UNET_INFER (ConstantOfShape)
{
  UnetArgs args = UNET_INFER_ARGS;
  const UnetAttr *value = unet_node_attr (node, "value");
  UnetDType dtype = value && value->tensor ? value->tensor->dtype
                                           : UNET_DTYPE_F32;
  gint64 dims[UNET_MAX_DIMS];
  guint n;
  UnetInts state = unet_arg_ints (&args, NULL, 0, dims, UNET_MAX_DIMS, &n);

  for (guint i = 0; i < MIN (n, UNET_MAX_DIMS); i++)
    if (state == UNET_INTS_OPEN)
      dims[i] = -1;
    else if (dims[i] < 0)
      n = UNET_MAX_DIMS + 1;
  if (n > UNET_MAX_DIMS
      || (value && value->tensor && value->tensor->n_elements != 1))
    return unet_args_fail (&args, error, UNET_ERROR_SHAPE,
        "the shape or the value makes no sense");
  unet_infer_out (node, 0, dtype, n, dims);
  return TRUE;
}

UNET_EVAL (ConstantOfShape)
{
  const UnetAttr *value = unet_node_attr (node, "value");
  gsize size = unet_dtype_size (out->dtype), n = unet_view_count (out);

  for (gsize i = 0; i < n; i++)
    if (value && value->tensor)
      memcpy ((gchar *) out->data + i * size, value->tensor->data, size);
    else
      unet_view_set_float (out, i, 0);
  return TRUE;
}

/* ---- Range ------------------------------------------------------------ */

UNET_INFER (Range)
{
  UnetArgs args = UNET_INFER_ARGS;
  UnetTensorView v[3];
  gdouble count = -1, step;
  gint64 n;

  for (guint i = 0; i < 3; i++)
    unet_arg (&args, i, &v[i]);
  for (guint i = 0; i < 3; i++)
    if (unet_view_count (&v[i]) != 1)
      return unet_args_fail (
          &args, error, UNET_ERROR_SHAPE, "input %u is no scalar", i);
  if (v[0].data && v[1].data && v[2].data) {
    step = unet_view_float (&v[2], 0);
    count =
        ceil ((unet_view_float (&v[1], 0) - unet_view_float (&v[0], 0)) / step);
    if (step == 0 || !(count < G_MAXINT32))
      return unet_args_fail (
          &args, error, UNET_ERROR_LIMIT, "the range has no end");
    count = MAX (count, 0);
  }
  n = (gint64) count;
  unet_infer_out (node, 0, v[0].dtype, 1, &n);
  return TRUE;
}

UNET_EVAL (Range)
{
  for (gsize i = 0, n = unet_view_count (out); i < n; i++)
    if (unet_dtype_is_float (out->dtype))
      unet_view_set_float (out, i,
          unet_view_float (&in[0], 0)
              + (gdouble) i * unet_view_float (&in[2], 0));
    else
      unet_view_set_int (out, i,
          (gint64) ((guint64) unet_view_int (&in[0], 0)
              + i * (guint64) unet_view_int (&in[2], 0)));
  return TRUE;
}
