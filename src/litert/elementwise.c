/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "litert/elementwise.h"
#include "litert/ops.h"
#include "litert/types.h"

static const struct {
  UnetLitertCode code;
  UnetOp op;
  gboolean has_activation; /* the first field of the options */
} same[] = {
  { UNET_LITERT_ADD, UNET_OP_Add, TRUE },
  { UNET_LITERT_SUB, UNET_OP_Sub, TRUE },
  { UNET_LITERT_MUL, UNET_OP_Mul, TRUE },
  { UNET_LITERT_DIV, UNET_OP_Div, TRUE },
  { UNET_LITERT_MAXIMUM, UNET_OP_Max, FALSE },
  { UNET_LITERT_MINIMUM, UNET_OP_Min, FALSE },
  { UNET_LITERT_POW, UNET_OP_Pow, FALSE },
  { UNET_LITERT_PRELU, UNET_OP_PRelu, FALSE },
  { UNET_LITERT_LESS, UNET_OP_Less, FALSE },
  { UNET_LITERT_LESS_EQUAL, UNET_OP_LessOrEqual, FALSE },
  { UNET_LITERT_GREATER, UNET_OP_Greater, FALSE },
  { UNET_LITERT_GREATER_EQUAL, UNET_OP_GreaterOrEqual, FALSE },
  { UNET_LITERT_EQUAL, UNET_OP_Equal, FALSE },
  { UNET_LITERT_LOGICAL_AND, UNET_OP_And, FALSE },
  { UNET_LITERT_LOGICAL_OR, UNET_OP_Or, FALSE },
  { UNET_LITERT_LOGICAL_NOT, UNET_OP_Not, FALSE },
  { UNET_LITERT_LOGISTIC, UNET_OP_Sigmoid, FALSE },
  { UNET_LITERT_TANH, UNET_OP_Tanh, FALSE },
  { UNET_LITERT_RELU, UNET_OP_Relu, FALSE },
  { UNET_LITERT_HARD_SWISH, UNET_OP_HardSwish, FALSE },
  { UNET_LITERT_ELU, UNET_OP_Elu, FALSE },
  { UNET_LITERT_EXP, UNET_OP_Exp, FALSE },
  { UNET_LITERT_LOG, UNET_OP_Log, FALSE },
  { UNET_LITERT_SQRT, UNET_OP_Sqrt, FALSE },
  { UNET_LITERT_ABS, UNET_OP_Abs, FALSE },
  { UNET_LITERT_NEG, UNET_OP_Neg, FALSE },
  { UNET_LITERT_FLOOR, UNET_OP_Floor, FALSE },
  { UNET_LITERT_CEIL, UNET_OP_Ceil, FALSE },
  { UNET_LITERT_ROUND, UNET_OP_Round, FALSE },
  { UNET_LITERT_SIN, UNET_OP_Sin, FALSE },
  { UNET_LITERT_COS, UNET_OP_Cos, FALSE },
  { UNET_LITERT_SIGN, UNET_OP_Sign, FALSE },
  { UNET_LITERT_LOG_SOFTMAX, UNET_OP_LogSoftmax, FALSE },
};

/* Returns the row of same[]; the table of operators has the code. */
static guint
find_same (const UnetLitertOp *op)
{
  guint i = 0;

  while (i + 1 < G_N_ELEMENTS (same) && (gint) same[i].code != op->code)
    i++;
  return i;
}

gboolean
unet_litert_unary (const UnetLitertOp *op, GError **error)
{
  UnetValue *x = unet_litert_real (op, 0, error);

  return x
      && unet_litert_set (
          op, 0, unet_litert_add_unary (op, same[find_same (op)].op, x), error);
}

gboolean
unet_litert_binary (const UnetLitertOp *op, GError **error)
{
  const guint row = find_same (op);
  UnetValue *a = unet_litert_real (op, 0, error), *b, *y;

  if (!a || !(b = unet_litert_real (op, 1, error)))
    return FALSE;
  y = unet_litert_add_binary (op, same[row].op, a, b);
  if (same[row].has_activation)
    y = unet_litert_add_activation (
        op, y, unet_flat_int8 (&op->options, 0, 0), error);
  return unet_litert_set (op, 0, y, error);
}

gboolean
unet_litert_rsqrt (const UnetLitertOp *op, GError **error)
{
  UnetValue *x = unet_litert_real (op, 0, error);

  if (!x)
    return FALSE;
  x = unet_litert_add_unary (op, UNET_OP_Sqrt, x);
  return unet_litert_set (
      op, 0, unet_litert_add_unary (op, UNET_OP_Reciprocal, x), error);
}

gboolean
unet_litert_square (const UnetLitertOp *op, GError **error)
{
  UnetValue *x = unet_litert_real (op, 0, error);

  return x
      && unet_litert_set (
          op, 0, unet_litert_add_binary (op, UNET_OP_Mul, x, x), error);
}

gboolean
unet_litert_squared_difference (const UnetLitertOp *op, GError **error)
{
  UnetValue *a = unet_litert_real (op, 0, error), *b;

  if (!a || !(b = unet_litert_real (op, 1, error)))
    return FALSE;
  a = unet_litert_add_binary (op, UNET_OP_Sub, a, b);
  return unet_litert_set (
      op, 0, unet_litert_add_binary (op, UNET_OP_Mul, a, a), error);
}

gboolean
unet_litert_not_equal (const UnetLitertOp *op, GError **error)
{
  UnetValue *a = unet_litert_real (op, 0, error), *b;

  if (!a || !(b = unet_litert_real (op, 1, error)))
    return FALSE;
  a = unet_litert_add_binary (op, UNET_OP_Equal, a, b);
  return unet_litert_set (
      op, 0, unet_litert_add_unary (op, UNET_OP_Not, a), error);
}

gboolean
unet_litert_select (const UnetLitertOp *op, GError **error)
{
  UnetValue *inputs[3];

  for (guint i = 0; i < 3; i++)
    if (!(inputs[i] = unet_litert_real (op, i, error)))
      return FALSE;
  return unet_litert_set (
      op, 0, unet_litert_add (op, UNET_OP_Where, inputs, 3), error);
}

gboolean
unet_litert_add_n (const UnetLitertOp *op, GError **error)
{
  UnetValue *sum = unet_litert_real (op, 0, error), *x;

  for (guint i = 1; sum && i < op->inputs.n; i++) {
    if (!(x = unet_litert_real (op, i, error)))
      return FALSE;
    sum = unet_litert_add_binary (op, UNET_OP_Add, sum, x);
  }
  return sum && unet_litert_set (op, 0, sum, error);
}

/* ---- activations ------------------------------------------------------ */

gboolean
unet_litert_clip (const UnetLitertOp *op, GError **error)
{
  UnetValue *inputs[3] = { unet_litert_real (op, 0, error), NULL, NULL };

  if (!inputs[0])
    return FALSE;
  inputs[1] =
      unet_litert_add_float (op, op->code == UNET_LITERT_RELU_N1_TO_1 ? -1 : 0);
  inputs[2] = unet_litert_add_float (op, op->code == UNET_LITERT_RELU6 ? 6 : 1);
  return unet_litert_set (
      op, 0, unet_litert_add (op, UNET_OP_Clip, inputs, 3), error);
}

gboolean
unet_litert_leaky_relu (const UnetLitertOp *op, GError **error)
{
  UnetValue *x = unet_litert_real (op, 0, error), *y;

  if (!x)
    return FALSE;
  y = unet_litert_add_unary (op, UNET_OP_LeakyRelu, x);
  unet_node_set_attr_float (
      y->producer, "alpha", unet_flat_float (&op->options, 0, 0));
  return unet_litert_set (op, 0, y, error);
}

gboolean
unet_litert_gelu (const UnetLitertOp *op, GError **error)
{
  UnetValue *x = unet_litert_real (op, 0, error), *y;

  if (!x)
    return FALSE;
  y = unet_litert_add_unary (op, UNET_OP_Gelu, x);
  unet_node_set_attr_string (y->producer, "approximate",
      unet_flat_uint8 (&op->options, 0, 0) ? "tanh" : "none");
  return unet_litert_set (op, 0, y, error);
}

gboolean
unet_litert_softmax (const UnetLitertOp *op, GError **error)
{
  const gdouble beta = unet_flat_float (&op->options, 0, 1);
  UnetValue *x = unet_litert_real (op, 0, error), *y;

  if (!x)
    return FALSE;
  if (beta != 1 && beta != 0)
    x = unet_litert_add_binary (
        op, UNET_OP_Mul, x, unet_litert_add_float (op, (gfloat) beta));
  y = unet_litert_add_unary (op, UNET_OP_Softmax, x);
  unet_node_set_attr_int (y->producer, "axis", -1);
  return unet_litert_set (op, 0, y, error);
}

gboolean
unet_litert_l2_norm (const UnetLitertOp *op, GError **error)
{
  UnetValue *x = unet_litert_real (op, 0, error), *y;

  if (!x)
    return FALSE;
  y = unet_litert_add_unary (op, UNET_OP_LpNormalization, x);
  unet_node_set_attr_int (y->producer, "axis", -1);
  unet_node_set_attr_int (y->producer, "p", 2);
  return unet_litert_set (op, 0, y, error);
}

/* ---- types ------------------------------------------------------------ */

static UnetValue *
add_cast (const UnetLitertOp *op, UnetValue *x, UnetDType dtype)
{
  UnetValue *y = unet_litert_add_unary (op, UNET_OP_Cast, x);

  unet_node_set_attr_int (y->producer, "to", dtype);
  return y;
}

gboolean
unet_litert_cast (const UnetLitertOp *op, GError **error)
{
  const UnetLitertTensor *to = unet_litert_output (op, 0);
  UnetValue *x = unet_litert_real (op, 0, error);

  return x && to && unet_litert_set (op, 0, add_cast (op, x, to->dtype), error);
}

/* From floats, or from one scale to another. */
gboolean
unet_litert_quantize (const UnetLitertOp *op, GError **error)
{
  UnetValue *x = unet_litert_real (op, 0, error);

  return x && unet_litert_set (op, 0, x, error);
}

/* A constant becomes one of floats; so does a sparse one that is made dense. */
gboolean
unet_litert_dequantize (const UnetLitertOp *op, GError **error)
{
  const UnetLitertTensor *from = unet_litert_input (op, 0);
  UnetLitertTensor *to = unet_litert_output (op, 0);
  UnetValue *x;

  if (from && to && (from->data.n || from->sparsity.flat) && !to->data.n
      && !to->sparsity.flat && !to->held) {
    to->type = from->type;
    to->dtype = from->dtype;
    to->data = from->data;
    to->sparsity = from->sparsity;
    to->is_quantized = from->is_quantized;
    to->scales = from->scales;
    to->zeros = from->zeros;
    to->axis = from->axis;
    to->n_dims = from->n_dims;
    for (guint i = 0; i < from->n_dims; i++)
      to->dims[i] = from->dims[i];
    return TRUE;
  }
  x = unet_litert_real (op, 0, error);
  return x && unet_litert_set (op, 0, x, error);
}

/* ---- over axes -------------------------------------------------------- */

static UnetOp
reduction (gint code)
{
  switch (code) {
    case UNET_LITERT_MEAN:
      return UNET_OP_ReduceMean;
    case UNET_LITERT_SUM:
      return UNET_OP_ReduceSum;
    case UNET_LITERT_REDUCE_MAX:
      return UNET_OP_ReduceMax;
    case UNET_LITERT_REDUCE_MIN:
      return UNET_OP_ReduceMin;
    default:
      return UNET_OP_ReduceProd;
  }
}

/* Returns whether a reduction is over height and width of pictures. */
static gboolean
is_spatial (const UnetLitertOp *op, const gint64 *axes, guint n)
{
  const UnetLitertTensor *x = unet_litert_input (op, 0);
  guint mask = 0;

  for (guint i = 0; i < n; i++)
    mask |= axes[i] >= -4 && axes[i] < 4 ? 1u << (axes[i] & 3) : 1;
  return x->n_dims == 4 && mask == 6;
}

gboolean
unet_litert_reduce (const UnetLitertOp *op, GError **error)
{
  const gboolean keep = unet_flat_uint8 (&op->options, 0, 0) != 0;
  gint64 axes[UNET_MAX_DIMS];
  UnetValue *x, *y;
  guint n;

  if (!unet_litert_input (op, 0)
      || !unet_litert_ints (op, 1, axes, UNET_MAX_DIMS, &n))
    return unet_litert_fail (
        op, error, UNET_ERROR_UNSUPPORTED, "its axes are not constant");
  if (op->code == UNET_LITERT_MEAN && keep && is_spatial (op, axes, n)) {
    x = unet_litert_real_nchw (op, 0, error);
    return x
        && unet_litert_set_nchw (op, 0,
            unet_litert_add_unary (op, UNET_OP_GlobalAveragePool, x), error);
  }
  x = unet_litert_real (op, 0, error);
  if (!x)
    return FALSE;
  y = unet_litert_add_binary (
      op, reduction (op->code), x, unet_litert_add_ints (op, axes, n));
  unet_node_set_attr_int (y->producer, "keepdims", keep);
  return unet_litert_set (op, 0, y, error);
}

gboolean
unet_litert_arg_max (const UnetLitertOp *op, GError **error)
{
  const UnetLitertTensor *to = unet_litert_output (op, 0);
  UnetValue *x = unet_litert_real (op, 0, error), *y;
  gint64 axis;
  guint n;

  if (!x || !to)
    return FALSE;
  if (!unet_litert_ints (op, 1, &axis, 1, &n) || n != 1)
    return unet_litert_fail (
        op, error, UNET_ERROR_UNSUPPORTED, "its axis is not constant");
  y = unet_litert_add_unary (
      op, op->code == UNET_LITERT_ARG_MIN ? UNET_OP_ArgMin : UNET_OP_ArgMax, x);
  unet_node_set_attr_int (y->producer, "axis", axis);
  unet_node_set_attr_int (y->producer, "keepdims", 0);
  if (to->dtype != UNET_DTYPE_I64)
    y = add_cast (op, y, to->dtype);
  return unet_litert_set (op, 0, y, error);
}

/* ---- products --------------------------------------------------------- */

enum { DENSE_ACTIVATION, DENSE_FORMAT, DENSE_KEEP };

/* The weights are outputs by inputs. */
gboolean
unet_litert_fully_connected (const UnetLitertOp *op, GError **error)
{
  static const guint perm[] = { 1, 0 };
  const UnetLitertTensor *x = unet_litert_input (op, 0);
  const UnetLitertTensor *weights = unet_litert_input (op, 1);
  const gboolean keep = unet_flat_uint8 (&op->options, DENSE_KEEP, 0) != 0;
  UnetValue *a, *b, *c, *y;

  if (!x || !weights || weights->n_dims != 2 || x->n_dims < 1)
    return unet_litert_fail (
        op, error, UNET_ERROR_SHAPE, "its input or weights do not fit");
  if (unet_flat_int8 (&op->options, DENSE_FORMAT, 0) != 0)
    return unet_litert_fail (op, error, UNET_ERROR_UNSUPPORTED,
        "shuffled weights are not supported");
  if (!(a = unet_litert_real (op, 0, error))
      || !(b = unet_litert_weights (op, 1, perm, 0, NULL, error)))
    return FALSE;
  if (!keep && (x->n_dims != 2 || x->dims[1] != weights->dims[1])) {
    const gint64 flat[] = { -1, weights->dims[1] };
    a = unet_litert_add_binary (
        op, UNET_OP_Reshape, a, unet_litert_add_ints (op, flat, 2));
  }
  y = unet_litert_add_binary (op, UNET_OP_MatMul, a, b);
  if (unet_litert_input (op, 2)) {
    if (!(c = unet_litert_real (op, 2, error)))
      return FALSE;
    y = unet_litert_add_binary (op, UNET_OP_Add, y, c);
  }
  y = unet_litert_add_activation (
      op, y, unet_flat_int8 (&op->options, DENSE_ACTIVATION, 0), error);
  return unet_litert_set (op, 0, y, error);
}

static UnetValue *
swap_last (const UnetLitertOp *op, UnetValue *x, guint n)
{
  gint64 perm[UNET_MAX_DIMS];

  for (guint i = 0; i < n; i++)
    perm[i] = i;
  perm[n - 1] = n - 2;
  perm[n - 2] = n - 1;
  return unet_litert_add_transpose (op, x, perm, n);
}

gboolean
unet_litert_batch_matmul (const UnetLitertOp *op, GError **error)
{
  UnetValue *inputs[2];

  for (guint i = 0; i < 2; i++) {
    const UnetLitertTensor *x = unet_litert_input (op, i);
    if (!(inputs[i] = unet_litert_real (op, i, error)))
      return FALSE;
    if (!unet_flat_uint8 (&op->options, i, 0))
      continue;
    if (x->n_dims < 2)
      return unet_litert_fail (
          op, error, UNET_ERROR_SHAPE, "a rank of %u", x->n_dims);
    inputs[i] = swap_last (op, inputs[i], x->n_dims);
  }
  return unet_litert_set (
      op, 0, unet_litert_add (op, UNET_OP_MatMul, inputs, 2), error);
}
