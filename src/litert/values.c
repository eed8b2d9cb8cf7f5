/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/strided.h"
#include "litert/importer.h"
#include "litert/types.h"
#include <string.h>

static const gint64 to_nchw[] = { 0, 3, 1, 2 }, to_nhwc[] = { 0, 2, 3, 1 };

gboolean
unet_litert_fail (const UnetLitertOp *op, GError **error, UnetError code,
    const gchar *format, ...)
{
  g_autofree gchar *message = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, UNET_ERROR, (gint) code,
      "%s: operator %u (%s), which makes '%s': %s", op->litert->graph->name,
      op->index, op->type, op->name, message);
  return FALSE;
}

static UnetLitertTensor *
tensor_at (const UnetLitertOp *op, const UnetFlatVector *indices, guint index)
{
  gint64 at = index < indices->n ? unet_flat_int32_at (indices, index) : -1;

  return at < 0 || at >= op->litert->n_tensors ? NULL
                                               : &op->litert->tensors[at];
}

UnetLitertTensor *
unet_litert_input (const UnetLitertOp *op, guint index)
{
  return tensor_at (op, &op->inputs, index);
}

UnetLitertTensor *
unet_litert_output (const UnetLitertOp *op, guint index)
{
  return tensor_at (op, &op->outputs, index);
}

/* Fields of tables, in the order of the schema. */
enum { OP_CODE, OP_INPUTS, OP_OUTPUTS, OP_OPTIONS_TYPE, OP_OPTIONS, OP_CUSTOM };
enum { CODE_OLD, CODE_CUSTOM, CODE_VERSION, CODE_NEW };

gboolean
unet_litert_read_operator (UnetLitert *self, guint index, UnetLitertOp *op)
{
  UnetFlatTable table, code;

  memset (op, 0, sizeof *op);
  op->litert = self;
  op->index = index;
  unet_flat_table_at (&self->operators, index, &table);
  op->code_index = (gsize) unet_flat_uint32 (&table, OP_CODE, 0);
  unet_flat_table (&table, OP_OPTIONS, &op->options);
  unet_flat_vector (&table, OP_CUSTOM, 1, &op->custom);
  unet_flat_vector (&table, OP_INPUTS, 4, &op->inputs);
  unet_flat_vector (&table, OP_OUTPUTS, 4, &op->outputs);
  if (op->code_index >= self->codes.n
      || !unet_flat_table_at (&self->codes, op->code_index, &code))
    return FALSE;
  /* Files from before code 127 have it in the first field alone. */
  op->code = (gint) MAX (unet_flat_int8 (&code, CODE_OLD, 0),
      unet_flat_int32 (&code, CODE_NEW, 0));
  return TRUE;
}

/* ---- nodes ------------------------------------------------------------ */

static UnetValue *
add_node (UnetGraph *graph, const gchar *name, UnetOp kind,
    UnetValue *const *inputs, guint n)
{
  UnetNode *node = unet_graph_add_node (graph, kind, name);
  UnetValue *value = unet_graph_add_value (graph, name);

  for (guint i = 0; i < n; i++)
    unet_node_add_input (node, inputs[i]);
  unet_node_add_output (node, value);
  return value;
}

UnetValue *
unet_litert_add (
    const UnetLitertOp *op, UnetOp kind, UnetValue *const *inputs, guint n)
{
  return add_node (op->litert->graph, op->name, kind, inputs, n);
}

UnetValue *
unet_litert_add_unary (const UnetLitertOp *op, UnetOp kind, UnetValue *input)
{
  return unet_litert_add (op, kind, &input, 1);
}

UnetValue *
unet_litert_add_binary (
    const UnetLitertOp *op, UnetOp kind, UnetValue *a, UnetValue *b)
{
  UnetValue *const inputs[] = { a, b };

  return unet_litert_add (op, kind, inputs, 2);
}

static UnetValue *
add_transpose (UnetGraph *graph, const gchar *name, UnetValue *input,
    const gint64 *perm, guint n)
{
  UnetValue *value = add_node (graph, name, UNET_OP_Transpose, &input, 1);

  unet_node_set_attr_ints (value->producer, "perm", perm, n);
  return value;
}

UnetValue *
unet_litert_add_transpose (
    const UnetLitertOp *op, UnetValue *input, const gint64 *perm, guint n)
{
  return add_transpose (op->litert->graph, op->name, input, perm, n);
}

UnetValue *
unet_litert_add_ints (const UnetLitertOp *op, const gint64 *ints, guint n)
{
  return unet_graph_add_constant (
      op->litert->graph, op->name, unet_tensor_new_ints (ints, n));
}

static UnetValue *
add_scalar (UnetGraph *graph, const gchar *name, UnetDType dtype, gdouble x)
{
  UnetTensor *tensor = unet_tensor_new (dtype, 0, NULL);
  UnetTensorView view;

  unet_tensor_view (tensor, &view);
  unet_view_set_float (&view, 0, x);
  return unet_graph_add_constant (graph, name, tensor);
}

UnetValue *
unet_litert_add_reshape (
    const UnetLitertOp *op, UnetValue *x, const gint64 *dims, guint n)
{
  return unet_litert_add_binary (
      op, UNET_OP_Reshape, x, unet_litert_add_ints (op, dims, n));
}

UnetValue *
unet_litert_add_slice (const UnetLitertOp *op, UnetValue *x,
    const gint64 *starts, const gint64 *ends, const gint64 *steps, guint n)
{
  gint64 axes[UNET_MAX_DIMS];
  UnetValue *inputs[5] = { x };

  for (guint i = 0; i < n; i++)
    axes[i] = i;
  inputs[1] = unet_litert_add_ints (op, starts, n);
  inputs[2] = unet_litert_add_ints (op, ends, n);
  inputs[3] = unet_litert_add_ints (op, axes, n);
  inputs[4] = unet_litert_add_ints (op, steps, n);
  return unet_litert_add (op, UNET_OP_Slice, inputs, 5);
}

UnetValue *
unet_litert_add_float (const UnetLitertOp *op, gfloat number)
{
  return add_scalar (op->litert->graph, op->name, UNET_DTYPE_F32, number);
}

UnetValue *
unet_litert_add_activation (
    const UnetLitertOp *op, UnetValue *value, gint64 kind, GError **error)
{
  UnetValue *inputs[3] = { value, NULL, NULL };

  switch (kind) {
    case 0:
      return value;
    case 1:
      return unet_litert_add_unary (op, UNET_OP_Relu, value);
    case 2:
    case 3:
      inputs[1] = unet_litert_add_float (op, kind == 2 ? -1 : 0);
      inputs[2] = unet_litert_add_float (op, kind == 2 ? 1 : 6);
      return unet_litert_add (op, UNET_OP_Clip, inputs, 3);
    default:
      /* LiteRT's kernels leave out Tanh and SignBit. */
      unet_litert_fail (op, error, UNET_ERROR_UNSUPPORTED,
          "fused activation %" G_GINT64_FORMAT
          " is not supported; make the activation a layer of its own",
          kind);
      return NULL;
  }
}

/* ---- 8-bit numbers and floats ----------------------------------------- */

/* Adds QuantizeLinear or DequantizeLinear with the scale of @tensor. */
static UnetValue *
add_quantization (UnetLitert *self, const UnetLitertTensor *tensor, UnetOp kind,
    UnetValue *value, const gchar *name)
{
  UnetGraph *graph = self->graph;
  const gint64 zero = tensor->zeros.n ? unet_flat_int64_at (&tensor->zeros, 0)
                                      : 0;
  UnetValue *inputs[3] = { value, NULL, NULL };

  inputs[1] = add_scalar (
      graph, name, UNET_DTYPE_F32, unet_flat_float_at (&tensor->scales, 0));
  inputs[2] = add_scalar (graph, name, tensor->dtype, (gdouble) zero);
  return add_node (graph, name, kind, inputs, 3);
}

static gboolean
check_type (
    const UnetLitert *self, const UnetLitertTensor *tensor, GError **error)
{
  const gchar *advice = "";

  if (tensor->dtype != UNET_DTYPE_NONE
      && (!tensor->is_quantized || tensor->dtype == UNET_DTYPE_U8
          || tensor->dtype == UNET_DTYPE_I8)
      && (!tensor->is_quantized || tensor->scales.n == 1))
    return TRUE;
  if (tensor->is_quantized)
    advice = "; convert the network to int8 or to float";
  g_set_error (error, UNET_ERROR, UNET_ERROR_UNSUPPORTED,
      "%s: tensor '%s': values of type %s%s are not supported%s",
      self->graph->name, tensor->name, unet_litert_type_name (tensor->type),
      tensor->is_quantized ? " with scales" : "", advice);
  return FALSE;
}

/* Returns whether the file has the tensor's data. */
static gboolean
is_constant (const UnetLitertTensor *tensor)
{
  return tensor->data.n > 0 || tensor->sparsity.flat;
}

static UnetValue *
new_constant (UnetLitert *self, UnetLitertTensor *tensor, GError **error)
{
  UnetTensor *constant = unet_litert_constant (self, tensor, error);

  return constant
      ? unet_graph_add_constant (self->graph, tensor->name, constant)
      : NULL;
}

static UnetValue *
fail_missing (
    const UnetLitert *self, const UnetLitertTensor *tensor, GError **error)
{
  if (tensor->pooled)
    g_set_error (error, UNET_ERROR, UNET_ERROR_UNSUPPORTED,
        "%s: tensor '%s': places of maxima are for MaxUnpooling2D alone",
        self->graph->name, tensor->name);
  else
    g_set_error (error, UNET_ERROR, UNET_ERROR_PARSE,
        "%s: tensor '%s' has no data, and no operator before makes it",
        self->graph->name, tensor->name);
  return NULL;
}

UnetValue *
unet_litert_tensor_real (
    UnetLitert *self, UnetLitertTensor *tensor, GError **error)
{
  if (tensor->real)
    return tensor->real;
  if (tensor->phases[0])
    return fail_missing (self, tensor, error);
  if (tensor->held && tensor->is_quantized)
    tensor->real = add_quantization (
        self, tensor, UNET_OP_DequantizeLinear, tensor->held, tensor->name);
  else if (tensor->held_nchw && tensor->is_quantized)
    tensor->real = add_quantization (self, tensor, UNET_OP_DequantizeLinear,
        add_transpose (
            self->graph, tensor->name, tensor->held_nchw, to_nhwc, 4),
        tensor->name);
  else if (tensor->held)
    tensor->real = tensor->held;
  else if (tensor->real_nchw)
    tensor->real = add_transpose (
        self->graph, tensor->name, tensor->real_nchw, to_nhwc, 4);
  else if (is_constant (tensor))
    tensor->real = new_constant (self, tensor, error);
  else
    return fail_missing (self, tensor, error);
  return tensor->real;
}

UnetValue *
unet_litert_real (const UnetLitertOp *op, guint index, GError **error)
{
  UnetLitertTensor *tensor = unet_litert_input (op, index);

  if (tensor)
    return unet_litert_tensor_real (op->litert, tensor, error);
  unet_litert_fail (op, error, UNET_ERROR_PARSE, "input %u is missing", index);
  return NULL;
}

UnetValue *
unet_litert_real_nchw (const UnetLitertOp *op, guint index, GError **error)
{
  UnetLitertTensor *tensor = unet_litert_input (op, index);
  UnetValue *real;

  if (tensor && tensor->real_nchw)
    return tensor->real_nchw;
  if (tensor && tensor->n_dims != 4) {
    unet_litert_fail (op, error, UNET_ERROR_SHAPE,
        "'%s' has rank %u instead of 4", tensor->name, tensor->n_dims);
    return NULL;
  }
  if (tensor && tensor->is_quantized && tensor->held && !tensor->held_nchw)
    tensor->held_nchw = add_transpose (
        op->litert->graph, tensor->name, tensor->held, to_nchw, 4);
  if (tensor && tensor->is_quantized && tensor->held_nchw) {
    tensor->real_nchw = add_quantization (op->litert, tensor,
        UNET_OP_DequantizeLinear, tensor->held_nchw, tensor->name);
    return tensor->real_nchw;
  }
  real = unet_litert_real (op, index, error);
  if (!real)
    return NULL;
  tensor->real_nchw =
      add_transpose (op->litert->graph, tensor->name, real, to_nchw, 4);
  return tensor->real_nchw;
}

/* Returns output @index, which nothing has made yet. */
static UnetLitertTensor *
new_output (const UnetLitertOp *op, guint index, GError **error)
{
  UnetLitertTensor *tensor = unet_litert_output (op, index);

  if (!tensor)
    unet_litert_fail (
        op, error, UNET_ERROR_PARSE, "output %u is missing", index);
  else if (tensor->held || tensor->real || tensor->held_nchw
      || tensor->real_nchw || is_constant (tensor) || tensor->pooled)
    unet_litert_fail (
        op, error, UNET_ERROR_PARSE, "'%s' has a value already", tensor->name);
  else if (check_type (op->litert, tensor, error))
    return tensor;
  return NULL;
}

gboolean
unet_litert_set (
    const UnetLitertOp *op, guint index, UnetValue *value, GError **error)
{
  UnetLitertTensor *tensor = value ? new_output (op, index, error) : NULL;

  if (!tensor)
    return FALSE;
  if (tensor->is_quantized)
    tensor->held = add_quantization (
        op->litert, tensor, UNET_OP_QuantizeLinear, value, tensor->name);
  else
    tensor->held = value;
  return TRUE;
}

gboolean
unet_litert_set_nchw (
    const UnetLitertOp *op, guint index, UnetValue *value, GError **error)
{
  UnetLitertTensor *tensor = value ? new_output (op, index, error) : NULL;

  if (!tensor)
    return FALSE;
  if (tensor->n_dims != 4)
    return unet_litert_fail (op, error, UNET_ERROR_SHAPE,
        "'%s' has rank %u instead of 4", tensor->name, tensor->n_dims);
  if (tensor->is_quantized)
    tensor->held_nchw = add_quantization (
        op->litert, tensor, UNET_OP_QuantizeLinear, value, tensor->name);
  else
    tensor->held_nchw = tensor->real_nchw = value;
  return TRUE;
}

/* ---- constants -------------------------------------------------------- */

static UnetTensor *
permute (const UnetTensor *tensor, const guint *perm)
{
  gint64 dims[UNET_MAX_DIMS], own[UNET_MAX_DIMS], from[UNET_MAX_DIMS];
  gint64 to[UNET_MAX_DIMS];
  UnetTensor *out;

  unet_strides (tensor->n_dims, tensor->dims, own);
  for (guint i = 0; i < tensor->n_dims; i++) {
    dims[i] = tensor->dims[perm[i]];
    from[i] = own[perm[i]];
  }
  out = unet_tensor_new (tensor->dtype, tensor->n_dims, dims);
  if (!out)
    return NULL;
  unet_strides (tensor->n_dims, dims, to);
  if (out->n_elements)
    unet_copy_strided (unet_dtype_size (tensor->dtype), tensor->n_dims, dims,
        out->data, to, tensor->data, from);
  return out;
}

static UnetValue *
move_constant (const UnetLitertOp *op, const UnetTensor *tensor,
    const guint *perm, guint n_dims, const gint64 *dims, GError **error)
{
  g_autoptr (UnetTensor) moved = permute (tensor, perm);
  UnetTensor *shaped = NULL;

  if (moved && (!dims || moved->n_elements == unet_dims_count (n_dims, dims)))
    shaped = dims ? unet_tensor_reshape (moved, n_dims, dims)
                  : unet_tensor_ref (moved);
  if (!shaped) {
    unet_litert_fail (
        op, error, UNET_ERROR_SHAPE, "the weights do not fit the operator");
    return NULL;
  }
  return unet_graph_add_constant (op->litert->graph, op->name, shaped);
}

UnetValue *
unet_litert_weights (const UnetLitertOp *op, guint index, const guint *perm,
    guint n_dims, const gint64 *dims, GError **error)
{
  const UnetLitertTensor *tensor = unet_litert_input (op, index);
  g_autoptr (UnetTensor) constant = NULL;
  gint64 ints[UNET_MAX_DIMS];
  UnetValue *inputs[2];

  if (tensor && is_constant (tensor)) {
    constant = unet_litert_constant (op->litert, tensor, error);
    return constant ? move_constant (op, constant, perm, n_dims, dims, error)
                    : NULL;
  }
  inputs[0] = unet_litert_real (op, index, error);
  if (!inputs[0])
    return NULL;
  for (guint i = 0; i < tensor->n_dims; i++)
    ints[i] = perm[i];
  inputs[0] = unet_litert_add_transpose (op, inputs[0], ints, tensor->n_dims);
  if (!dims)
    return inputs[0];
  inputs[1] = unet_litert_add_ints (op, dims, n_dims);
  return unet_litert_add (op, UNET_OP_Reshape, inputs, 2);
}

gboolean
unet_litert_ints (
    const UnetLitertOp *op, guint index, gint64 *ints, guint max, guint *n)
{
  UnetLitertTensor *tensor = unet_litert_input (op, index);
  const UnetValue *value;
  UnetTensorView view;

  *n = 0;
  if (!tensor
      || (tensor->type != UNET_LITERT_INT32
          && tensor->type != UNET_LITERT_INT64))
    return FALSE;
  value = unet_litert_tensor_real (op->litert, tensor, NULL);
  if (!value || !value->constant || value->constant->n_elements > max)
    return FALSE;
  unet_tensor_view (value->constant, &view);
  *n = (guint) value->constant->n_elements;
  for (guint i = 0; i < *n; i++)
    ints[i] = unet_view_int (&view, i);
  return TRUE;
}
