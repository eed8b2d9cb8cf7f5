/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/unary.h"
#include "graph/ops/args.h"
#include "graph/ops/functions.h"
#include "graph/ops/strided.h"
#include <math.h>
#include <string.h>

/* Element by element, one operand. */

/* ---- inference -------------------------------------------------------- */

#define SAME(op)                                                               \
  UNET_INFER (op)                                                              \
  {                                                                            \
    return unet_infer_same (graph, node, error);                               \
  }

SAME (Relu)
SAME (Clip)
SAME (LeakyRelu)
SAME (Sigmoid)
SAME (HardSigmoid)
SAME (HardSwish)
SAME (Tanh)
SAME (Elu)
SAME (Softplus)
SAME (Erf)
SAME (Exp)
SAME (Log)
SAME (Sqrt)
SAME (Abs)
SAME (Neg)
SAME (Floor)
SAME (Ceil)
SAME (Round)
SAME (Reciprocal)
SAME (Not)
SAME (Sign)
SAME (Sin)
SAME (Cos)
SAME (Selu)
SAME (Celu)
SAME (Gelu)
SAME (Mish)
SAME (Softsign)
SAME (ThresholdedRelu)
SAME (Shrink)
SAME (Tan)
SAME (Asin)
SAME (Acos)
SAME (Atan)
SAME (Sinh)
SAME (Cosh)
SAME (Asinh)
SAME (Acosh)
SAME (Atanh)

#define TEST(op)                                                               \
  UNET_INFER (op)                                                              \
  {                                                                            \
    const UnetValue *x = unet_node_input (node, 0);                            \
                                                                               \
    unet_infer_out (node, 0, UNET_DTYPE_BOOL, x->n_dims, x->dims);             \
    return TRUE;                                                               \
  }

TEST (IsNaN)
TEST (IsInf)

/* ---- formulas --------------------------------------------------------- */

typedef struct {
  gdouble alpha, beta;
} Param;

static gdouble
clip (gdouble x, gdouble low, gdouble high)
{
  /* NaN passes. */
  x = x < low ? low : x;
  return x > high ? high : x;
}

#define FORMULA(op, expression)                                                \
  static gdouble op##_of (gdouble x, const Param *p)                           \
  {                                                                            \
    return expression;                                                         \
  }

FORMULA (Relu, x < 0 ? 0 : x)
FORMULA (Clip, clip (x, p->alpha, p->beta))
FORMULA (LeakyRelu, x < 0 ? p->alpha * x : x)
FORMULA (Sigmoid, 1 / (1 + exp (-x)))
FORMULA (HardSigmoid, clip (p->alpha *x + p->beta, 0, 1))
FORMULA (HardSwish, x *clip (x / 6 + 0.5, 0, 1))
FORMULA (Tanh, tanh (x))
FORMULA (Elu, x < 0 ? p->alpha * expm1 (x) : x)
/* log(exp(x)+1), without overflow */
FORMULA (Softplus, MAX (x, 0) + log1p (exp (-fabs (x))))
FORMULA (Erf, erf (x))
FORMULA (Exp, exp (x))
FORMULA (Log, log (x))
FORMULA (Sqrt, sqrt (x))
FORMULA (Abs, fabs (x))
FORMULA (Neg, -x)
FORMULA (Floor, floor (x))
FORMULA (Ceil, ceil (x))
/* halves to even, as the default rounding mode has it */
FORMULA (Round, rint (x))
FORMULA (Reciprocal, 1 / x)
FORMULA (Sign, isnan (x) ? x : (x > 0) - (x < 0))
FORMULA (Sin, sin (x))
FORMULA (Cos, cos (x))
/* alpha and, as beta, gamma */
FORMULA (Selu, p->beta *(x > 0 ? x : p->alpha * expm1 (x)))
FORMULA (Celu, MAX (x, 0) + MIN (0, p->alpha *expm1 (x / p->alpha)))
FORMULA (Gelu, 0.5 * x * (1 + erf (x * G_SQRT2 / 2)))
FORMULA (GeluTanh,
    0.5 * x * (1 + tanh (sqrt (2 / G_PI) * (x + 0.044715 * x * x * x))))
FORMULA (Mish, x *tanh (Softplus_of (x, p)))
FORMULA (Softsign, x / (1 + fabs (x)))
FORMULA (ThresholdedRelu, x > p->alpha ? x : 0)
/* alpha is lambda, beta the bias */
FORMULA (Shrink, x<-p->alpha ? x + p->beta : x> p->alpha ? x - p->beta : 0)
FORMULA (Tan, tan (x))
FORMULA (Asin, asin (x))
FORMULA (Acos, acos (x))
FORMULA (Atan, atan (x))
FORMULA (Sinh, sinh (x))
FORMULA (Cosh, cosh (x))
FORMULA (Asinh, asinh (x))
FORMULA (Acosh, acosh (x))
FORMULA (Atanh, atanh (x))

/* ---- evaluation ------------------------------------------------------- */

static void
map (gdouble (*f) (gdouble, const Param *), const Param *p,
    const UnetTensorView *x, UnetTensorView *out)
{
  gsize n = unet_view_count (out);

  if (x->dtype == UNET_DTYPE_F32 && out->dtype == UNET_DTYPE_F32) {
    const gfloat *from = x->data;
    gfloat *to = out->data;
    for (gsize i = 0; i < n; i++)
      to[i] = (gfloat) f (from[i], p);
    return;
  }
  for (gsize i = 0; i < n; i++)
    unet_view_set_float (out, i, f (unet_view_float (x, i), p));
}

#define MAP(op, default_alpha, default_beta)                                   \
  UNET_EVAL (op)                                                               \
  {                                                                            \
    Param p = { unet_node_attr_float (node, "alpha", default_alpha),           \
      unet_node_attr_float (node, "beta", default_beta) };                     \
    map (op##_of, &p, &in[0], out);                                            \
    return TRUE;                                                               \
  }

MAP (Relu, 0, 0)
MAP (LeakyRelu, 0.01f, 0)
MAP (Sigmoid, 0, 0)
MAP (HardSigmoid, 0.2f, 0.5f)
MAP (HardSwish, 0, 0)
MAP (Tanh, 0, 0)
MAP (Elu, 1, 0)
MAP (Softplus, 0, 0)
MAP (Erf, 0, 0)
MAP (Exp, 0, 0)
MAP (Log, 0, 0)
MAP (Sqrt, 0, 0)
MAP (Floor, 0, 0)
MAP (Ceil, 0, 0)
MAP (Round, 0, 0)
MAP (Reciprocal, 0, 0)
MAP (Sin, 0, 0)
MAP (Cos, 0, 0)
MAP (Celu, 1, 0)
MAP (Mish, 0, 0)
MAP (Softsign, 0, 0)
MAP (ThresholdedRelu, 1, 0)
MAP (Tan, 0, 0)
MAP (Asin, 0, 0)
MAP (Acos, 0, 0)
MAP (Atan, 0, 0)
MAP (Sinh, 0, 0)
MAP (Cosh, 0, 0)
MAP (Asinh, 0, 0)
MAP (Acosh, 0, 0)
MAP (Atanh, 0, 0)

UNET_EVAL (Shrink)
{
  Param p = { unet_node_attr_float (node, "lambd", 0.5f),
    unet_node_attr_float (node, "bias", 0) };

  map (Shrink_of, &p, &in[0], out);
  return TRUE;
}

UNET_EVAL (Selu)
{
  Param p = { unet_node_attr_float (node, "alpha", 1.6732632423543772),
    unet_node_attr_float (node, "gamma", 1.0507009873554805) };

  map (Selu_of, &p, &in[0], out);
  return TRUE;
}

UNET_EVAL (Gelu)
{
  gboolean is_tanh =
      !strcmp (unet_node_attr_string (node, "approximate", "none"), "tanh");

  map (is_tanh ? GeluTanh_of : Gelu_of, NULL, &in[0], out);
  return TRUE;
}

/* These are defined for 64-bit integers, which doubles do not hold. */
#define MAP_INT(op, expression)                                                \
  UNET_EVAL (op)                                                               \
  {                                                                            \
    Param p = { 0, 0 };                                                        \
    if (unet_dtype_is_float (in[0].dtype)) {                                   \
      map (op##_of, &p, &in[0], out);                                          \
      return TRUE;                                                             \
    }                                                                          \
    for (gsize i = 0, n = unet_view_count (out); i < n; i++) {                 \
      gint64 x = unet_view_int (&in[0], i);                                    \
      unet_view_set_int (out, i, expression);                                  \
    }                                                                          \
    return TRUE;                                                               \
  }

MAP_INT (Abs, x < 0 ? (gint64) - (guint64) x : x)
MAP_INT (Neg, (gint64) - (guint64) x)
MAP_INT (Sign, (x > 0) - (x < 0))

UNET_EVAL (IsNaN)
{
  for (gsize i = 0, n = unet_view_count (out); i < n; i++)
    unet_view_set_int (out, i, isnan (unet_view_float (&in[0], i)));
  return TRUE;
}

UNET_EVAL (IsInf)
{
  gboolean positive = unet_node_attr_int (node, "detect_positive", 1) != 0;
  gboolean negative = unet_node_attr_int (node, "detect_negative", 1) != 0;

  for (gsize i = 0, n = unet_view_count (out); i < n; i++) {
    gdouble x = unet_view_float (&in[0], i);
    unet_view_set_int (out, i, isinf (x) && (x > 0 ? positive : negative));
  }
  return TRUE;
}

UNET_EVAL (Not)
{
  for (gsize i = 0, n = unet_view_count (out); i < n; i++)
    unet_view_set_int (out, i, !unet_view_int (&in[0], i));
  return TRUE;
}

/* The bounds are attributes before operator set 11, inputs after. */
static void
clip_bounds (const UnetArgs *args, Param *p)
{
  UnetTensorView view;

  p->alpha = unet_node_attr_float (args->node, "min", -INFINITY);
  p->beta = unet_node_attr_float (args->node, "max", INFINITY);
  if (unet_arg (args, 1, &view) && view.data)
    p->alpha = unet_view_float (&view, 0);
  if (unet_arg (args, 2, &view) && view.data)
    p->beta = unet_view_float (&view, 0);
}

static void
clip_ints (const Param *p, const UnetTensorView *x, UnetTensorView *out)
{
  for (gsize i = 0, n = unet_view_count (out); i < n; i++) {
    gint64 value = unet_view_int (x, i);
    if ((gdouble) value < p->alpha)
      value = unet_int_from_double (p->alpha);
    if ((gdouble) value > p->beta)
      value = unet_int_from_double (p->beta);
    unet_view_set_int (out, i, value);
  }
}

UNET_EVAL (Clip)
{
  UnetArgs args = UNET_EVAL_ARGS;
  Param p;

  clip_bounds (&args, &p);
  if (unet_dtype_is_float (in[0].dtype))
    map (Clip_of, &p, &in[0], out);
  else
    clip_ints (&p, &in[0], out);
  return TRUE;
}

/* ---- oracle of post-ops ----------------------------------------------- */

gfloat
unet_post_op_eval (const UnetPostOp *post, gfloat value, gfloat operand)
{
  Param p = { post->alpha, post->beta };
  gdouble x = value;

  switch (post->kind) {
    case UNET_POST_RELU:
      return (gfloat) Relu_of (x, &p);
    case UNET_POST_CLIP:
      return (gfloat) Clip_of (x, &p);
    case UNET_POST_LEAKY_RELU:
      return (gfloat) LeakyRelu_of (x, &p);
    case UNET_POST_ELU:
      return (gfloat) Elu_of (x, &p);
    case UNET_POST_SIGMOID:
      return (gfloat) Sigmoid_of (x, &p);
    case UNET_POST_TANH:
      return (gfloat) tanh (x);
    case UNET_POST_SOFTPLUS:
      return (gfloat) Softplus_of (x, &p);
    case UNET_POST_HARD_SIGMOID:
      return (gfloat) HardSigmoid_of (x, &p);
    case UNET_POST_HARD_SWISH:
      return (gfloat) HardSwish_of (x, &p);
    case UNET_POST_SWISH:
      return (gfloat) (x / (1 + exp (-p.alpha * x)));
    case UNET_POST_GELU_ERF:
      return (gfloat) Gelu_of (x, &p);
    case UNET_POST_LINEAR:
      return (gfloat) (p.alpha * x + p.beta);
    case UNET_POST_ADD:
      return value + operand;
    case UNET_POST_MUL:
      return value * operand;
    case UNET_POST_PRELU:
      return value < 0 ? value * operand : value;
  }
  return value;
}

gboolean
unet_post_ops_eval (
    const UnetNode *node, const UnetTensorView *operands, UnetTensorView *out)
{
  gfloat *data = out->data;

  if (node->post_ops->len && out->dtype != UNET_DTYPE_F32)
    return FALSE;
  for (guint i = 0; i < node->post_ops->len; i++) {
    const UnetPostOp *post = &g_array_index (node->post_ops, UnetPostOp, i);
    gint64 index[UNET_MAX_DIMS] = { 0 }, strides[UNET_MAX_DIMS] = { 0 };
    const gfloat *operand = post->value ? operands[i].data : NULL;
    if (operand)
      unet_broadcast_strides (
          operands[i].n_dims, operands[i].dims, out->n_dims, strides);
    for (gsize k = 0, n = unet_view_count (out); k < n; k++) {
      gint64 at = 0;
      for (guint d = 0; d < out->n_dims; d++)
        at += index[d] * strides[d];
      data[k] = unet_post_op_eval (post, data[k], operand ? operand[at] : 0);
      unet_next_index (out->n_dims, out->dims, index);
    }
  }
  return TRUE;
}
