/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/args.h"
#include "graph/ops/functions.h"
#include "graph/ops/strided.h"
#include <math.h>
#include <string.h>

/* Element by element, two or more operands, with broadcasting
 * (https://onnx.ai/onnx/repo-docs/Broadcasting.html). */

/* ---- inference -------------------------------------------------------- */

/* All inputs broadcast together; the result has the type of input @typed. */
static gboolean
infer_broadcast (
    UnetGraph *graph, UnetNode *node, UnetDType dtype, GError **error)
{
  gint64 dims[UNET_MAX_DIMS];
  guint n = 0;

  for (guint i = 0; i < node->inputs->len; i++) {
    const UnetValue *value = unet_node_input (node, i);
    if (!value
        || !unet_broadcast (n, dims, value->n_dims, value->dims, &n, dims)) {
      unet_node_set_error (error, graph, node, UNET_ERROR_SHAPE,
          "the shape of input '%s' does not broadcast",
          value ? value->name : "");
      return FALSE;
    }
  }
  unet_infer_out (node, 0, dtype, n, dims);
  return TRUE;
}

static gboolean
check_types (UnetGraph *graph, UnetNode *node, GError **error)
{
  const UnetValue *first = unet_node_input (node, 0);

  for (guint i = 1; i < node->inputs->len; i++) {
    const UnetValue *value = unet_node_input (node, i);
    if (value && value->dtype == first->dtype)
      continue;
    unet_node_set_error (error, graph, node, UNET_ERROR_SHAPE,
        "'%s' is %s and '%s' is %s", first->name,
        unet_dtype_name (first->dtype), value ? value->name : "",
        unet_dtype_name (value ? value->dtype : 0));
    return FALSE;
  }
  return TRUE;
}

#define ARITHMETIC(op)                                                         \
  UNET_INFER (op)                                                              \
  {                                                                            \
    return check_types (graph, node, error)                                    \
        && infer_broadcast (                                                   \
            graph, node, unet_node_input (node, 0)->dtype, error);             \
  }
#define COMPARISON(op)                                                         \
  UNET_INFER (op)                                                              \
  {                                                                            \
    return check_types (graph, node, error)                                    \
        && infer_broadcast (graph, node, UNET_DTYPE_BOOL, error);              \
  }

ARITHMETIC (Add)
ARITHMETIC (Sub)
ARITHMETIC (Mul)
ARITHMETIC (Div)
ARITHMETIC (Min)
ARITHMETIC (Max)
COMPARISON (Equal)
COMPARISON (Less)
COMPARISON (Greater)
COMPARISON (And)
COMPARISON (Or)
COMPARISON (Xor)
COMPARISON (GreaterOrEqual)
COMPARISON (LessOrEqual)
ARITHMETIC (Sum)
ARITHMETIC (Mean)
ARITHMETIC (Mod)

/* Inference refuses floats, and what divides numbers into bits. */
#define BITWISE(op)                                                            \
  UNET_INFER (op)                                                              \
  {                                                                            \
    return check_integers (graph, node, error)                                 \
        && infer_broadcast (                                                   \
            graph, node, unet_node_input (node, 0)->dtype, error);             \
  }

static gboolean
check_integers (UnetGraph *graph, UnetNode *node, GError **error)
{
  UnetDType dtype = unet_node_input (node, 0)->dtype;

  if (!unet_dtype_is_float (dtype) && dtype != UNET_DTYPE_BOOL)
    return check_types (graph, node, error);
  unet_node_set_error (
      error, graph, node, UNET_ERROR_SHAPE, "the inputs are no integers");
  return FALSE;
}

BITWISE (BitwiseAnd)
BITWISE (BitwiseOr)
BITWISE (BitwiseXor)
BITWISE (BitwiseNot)
BITWISE (BitShift)

UNET_INFER (Pow)
{
  return infer_broadcast (graph, node, unet_node_input (node, 0)->dtype, error);
}

UNET_INFER (Where)
{
  return infer_broadcast (graph, node, unet_node_input (node, 1)->dtype, error);
}

/* The slope broadcasts to the input and not the other way. */
UNET_INFER (PRelu)
{
  const UnetValue *x = unet_node_input (node, 0);

  if (!infer_broadcast (graph, node, x->dtype, error))
    return FALSE;
  return unet_infer_same (graph, node, error);
}

/* ---- evaluation ------------------------------------------------------- */

typedef struct {
  const UnetTensorView *a, *b;
  UnetTensorView *out;
} Operands;

/* A row of @n results; the strides are 0 or 1. */
typedef void (*Row) (const Operands *o, gint64 n, gint64 a, gint64 a_stride,
    gint64 b, gint64 b_stride, gint64 out);

static void
walk (const Operands *o, Row row)
{
  guint n = o->out->n_dims;
  gint64 sa[UNET_MAX_DIMS], sb[UNET_MAX_DIMS], index[UNET_MAX_DIMS] = { 0 };
  gint64 width = n ? o->out->dims[n - 1] : 1, to = 0;

  if (unet_view_count (o->out) == 0)
    return;
  unet_broadcast_strides (o->a->n_dims, o->a->dims, n, sa);
  unet_broadcast_strides (o->b->n_dims, o->b->dims, n, sb);
  do {
    gint64 a = 0, b = 0;
    for (guint i = 0; i + 1 < n; i++) {
      a += index[i] * sa[i];
      b += index[i] * sb[i];
    }
    row (o, width, a, n ? sa[n - 1] : 0, b, n ? sb[n - 1] : 0, to);
    to += width;
  } while (n > 1 && unet_next_index (n - 1, o->out->dims, index));
}

/* Integers wrap round as two's complement, as numpy's do. */
static gint64
wrap (guint64 value)
{
  return (gint64) value;
}

/* The rows of uint64 have the same expressions as those of int64, and these
 * choose by the type of the operands. */
#define BY_SIGN(a, b, op)                                                      \
  _Generic((a), guint64 : unsigned_##op, default : signed_##op) ((a), (b))

/* Towards zero; division by zero is undefined in ONNX and 0 here. */
static gint64
signed_divide (gint64 a, gint64 b)
{
  if (b == 0)
    return 0;
  return b == -1 ? wrap (-(guint64) a) : a / b;
}

static gint64
unsigned_divide (guint64 a, guint64 b)
{
  return b == 0 ? 0 : wrap (a / b);
}

static gint64
unsigned_power (guint64 base, guint64 exponent)
{
  guint64 result = 1, square = base;

  for (; exponent; exponent >>= 1, square *= square)
    if (exponent & 1)
      result *= square;
  return wrap (result);
}

static gint64
signed_power (gint64 base, gint64 exponent)
{
  if (exponent < 0)
    return base == 1 ? 1 : base == -1 ? (exponent & 1 ? -1 : 1) : 0;
  return unsigned_power ((guint64) base, (guint64) exponent);
}

/* A slope applies below zero, where no unsigned number is. */
static gint64
signed_slope (gint64 a, gint64 b)
{
  return a < 0 ? wrap ((guint64) a * (guint64) b) : a;
}

static gint64
unsigned_slope (guint64 a, guint64 b)
{
  return wrap (a);
}

static gdouble
minimum (gdouble a, gdouble b)
{
  return a < b || isnan (a) ? a : b;
}

static gdouble
maximum (gdouble a, gdouble b)
{
  return a > b || isnan (a) ? a : b;
}

#define INT_ROW(op, kind, Type, int_expression)                                \
  static void op##_##kind (const Operands *o, gint64 n, gint64 a_at,           \
      gint64 a_stride, gint64 b_at, gint64 b_stride, gint64 out_at)            \
  {                                                                            \
    for (gint64 i = 0; i < n; i++) {                                           \
      Type a = (Type) unet_view_int (o->a, (gsize) (a_at + i * a_stride));     \
      Type b = (Type) unet_view_int (o->b, (gsize) (b_at + i * b_stride));     \
      unet_view_set_int (                                                      \
          o->out, (gsize) (out_at + i), (gint64) (int_expression));            \
    }                                                                          \
  }

/* Four rows of each operator: f32, other floats by way of double, integers by
 * way of 64 bits, and uint64. */
#define ROWS(op, float_expression, double_expression, int_expression)          \
  static void op##_f32 (const Operands *o, gint64 n, gint64 a_at,              \
      gint64 a_stride, gint64 b_at, gint64 b_stride, gint64 out_at)            \
  {                                                                            \
    const gfloat *pa = (const gfloat *) o->a->data + a_at;                     \
    const gfloat *pb = (const gfloat *) o->b->data + b_at;                     \
    gfloat *to = (gfloat *) o->out->data + out_at;                             \
    for (gint64 i = 0; i < n; i++) {                                           \
      gfloat a = pa[i * a_stride], b = pb[i * b_stride];                       \
      to[i] = (gfloat) (float_expression);                                     \
    }                                                                          \
  }                                                                            \
  static void op##_float (const Operands *o, gint64 n, gint64 a_at,            \
      gint64 a_stride, gint64 b_at, gint64 b_stride, gint64 out_at)            \
  {                                                                            \
    for (gint64 i = 0; i < n; i++) {                                           \
      gdouble a = unet_view_float (o->a, (gsize) (a_at + i * a_stride));       \
      gdouble b = unet_view_float (o->b, (gsize) (b_at + i * b_stride));       \
      unet_view_set_float (o->out, (gsize) (out_at + i), double_expression);   \
    }                                                                          \
  }                                                                            \
  INT_ROW (op, int, gint64, int_expression)                                    \
  INT_ROW (op, uint64, guint64, int_expression)                                \
  static void op##_walk (const Operands *o)                                    \
  {                                                                            \
    if (o->a->dtype == UNET_DTYPE_F32 && o->b->dtype == UNET_DTYPE_F32         \
        && o->out->dtype == UNET_DTYPE_F32)                                    \
      walk (o, op##_f32);                                                      \
    else if (unet_dtype_is_float (o->a->dtype)                                 \
        || unet_dtype_is_float (o->b->dtype))                                  \
      walk (o, op##_float);                                                    \
    else if (o->a->dtype == UNET_DTYPE_U64 && o->b->dtype == UNET_DTYPE_U64)   \
      walk (o, op##_uint64);                                                   \
    else                                                                       \
      walk (o, op##_int);                                                      \
  }

#define BINARY(op, float_expression, int_expression)                           \
  ROWS (op, float_expression, float_expression, int_expression)                \
  UNET_EVAL (op)                                                               \
  {                                                                            \
    Operands o = { &in[0], &in[1], out };                                      \
    op##_walk (&o);                                                            \
    return TRUE;                                                               \
  }

BINARY (Add, a + b, wrap ((guint64) a + (guint64) b))
BINARY (Sub, a - b, wrap ((guint64) a - (guint64) b))
BINARY (Mul, a *b, wrap ((guint64) a *(guint64) b))
BINARY (Div, a / b, BY_SIGN (a, b, divide))
BINARY (Pow, pow (a, b), BY_SIGN (a, b, power))
BINARY (PRelu, a < 0 ? a * b : a, BY_SIGN (a, b, slope))
BINARY (Equal, a == b, a == b)
BINARY (Less, a < b, a < b)
BINARY (Greater, a > b, a > b)
BINARY (And, a != 0 && b != 0, a &&b)
BINARY (Or, a != 0 || b != 0, a || b)
BINARY (Xor, (a != 0) != (b != 0), !a != !b)
BINARY (GreaterOrEqual, a >= b, a >= b)
BINARY (LessOrEqual, a <= b, a <= b)

/* The remainder has the sign of the divisor, or with `fmod` that of the
 * dividend. Nothing divided by 0 is left of integers. */
static gdouble
floor_mod (gdouble a, gdouble b)
{
  gdouble r = fmod (a, b);

  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

static gint64
signed_mod (gint64 a, gint64 b)
{
  return b == 0 || b == -1 ? 0 : a % b;
}

static gint64
unsigned_mod (guint64 a, guint64 b)
{
  return b == 0 ? 0 : wrap (a % b);
}

static gint64
signed_floor_mod (gint64 a, gint64 b)
{
  gint64 r = signed_mod (a, b);

  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

/* Without signs, both remainders are the same. */
#define unsigned_floor_mod unsigned_mod

ROWS (FloorMod, (gfloat) floor_mod (a, b), floor_mod (a, b),
    BY_SIGN (a, b, floor_mod))
ROWS (Fmod, fmodf (a, b), fmod (a, b), BY_SIGN (a, b, mod))

UNET_EVAL (Mod)
{
  Operands o = { &in[0], &in[1], out };

  if (unet_node_attr_int (node, "fmod", 0))
    Fmod_walk (&o);
  else
    FloorMod_walk (&o);
  return TRUE;
}

/* Their inputs are integers. */
BINARY (BitwiseAnd, a *b, a &b)
BINARY (BitwiseOr, a *b, a | b)
BINARY (BitwiseXor, a *b, a ^ b)
ROWS (ShiftLeft, a *b, a *b, b < 64 ? wrap ((guint64) a << (b & 63)) : 0)
/* Only unsigned types are shifted. */
ROWS (ShiftRight, a *b, a *b, b < 64 ? wrap ((guint64) a >> (b & 63)) : 0)

UNET_EVAL (BitwiseNot)
{
  for (gsize i = 0, n = unet_view_count (out); i < n; i++)
    unet_view_set_int (out, i, ~unet_view_int (&in[0], i));
  return TRUE;
}

UNET_EVAL (BitShift)
{
  Operands o = { &in[0], &in[1], out };

  if (!strcmp (unet_node_attr_string (node, "direction", ""), "LEFT"))
    ShiftLeft_walk (&o);
  else
    ShiftRight_walk (&o);
  return TRUE;
}

static void
spread (const UnetTensorView *in, UnetTensorView *out)
{
  gint64 from[UNET_MAX_DIMS], to[UNET_MAX_DIMS];

  if (unet_view_count (out) == 0)
    return;
  unet_broadcast_strides (in->n_dims, in->dims, out->n_dims, from);
  unet_strides (out->n_dims, out->dims, to);
  unet_copy_strided (unet_dtype_size (out->dtype), out->n_dims, out->dims,
      out->data, to, in->data, from);
}

/* Any number of operands: the first is spread over the output, the others
 * come in one by one. */
#define VARIADIC(op, float_expression, int_expression)                         \
  ROWS (op, float_expression, float_expression, int_expression)                \
  UNET_EVAL (op)                                                               \
  {                                                                            \
    spread (&in[0], out);                                                      \
    for (guint i = 1; i < n_in; i++) {                                         \
      Operands o = { out, &in[i], out };                                       \
      op##_walk (&o);                                                          \
    }                                                                          \
    return TRUE;                                                               \
  }

VARIADIC (Min, minimum (a, b), MIN (a, b))
VARIADIC (Max, maximum (a, b), MAX (a, b))
VARIADIC (Sum, a + b, wrap ((guint64) a + (guint64) b))

UNET_EVAL (Mean)
{
  unet_eval_Sum (node, in, n_in, out, n_out, error);
  for (gsize i = 0, n = unet_view_count (out); i < n; i++)
    unet_view_set_float (out, i, unet_view_float (out, i) / n_in);
  return TRUE;
}

UNET_EVAL (Where)
{
  gint64 strides[3][UNET_MAX_DIMS], index[UNET_MAX_DIMS] = { 0 };
  gsize size = unet_dtype_size (out->dtype);

  for (guint i = 0; i < 3; i++)
    unet_broadcast_strides (in[i].n_dims, in[i].dims, out->n_dims, strides[i]);
  for (gsize k = 0, n = unet_view_count (out); k < n; k++) {
    gint64 at[3] = { 0 };
    guint from;
    for (guint i = 0; i < 3; i++)
      for (guint d = 0; d < out->n_dims; d++)
        at[i] += index[d] * strides[i][d];
    from = ((const guint8 *) in[0].data)[at[0]] ? 1 : 2;
    memcpy ((gchar *) out->data + k * size,
        (const gchar *) in[from].data + (gsize) at[from] * size, size);
    unet_next_index (out->n_dims, out->dims, index);
  }
  return TRUE;
}
