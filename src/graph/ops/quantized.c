/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/args.h"
#include "graph/ops/expansion.h"
#include "graph/ops/functions.h"
#include <math.h>

/* Operators over quantised numbers, of ONNX and of the domain com.microsoft.
 * Most are a known operator between DequantizeLinear and QuantizeLinear, and
 * inference writes them as that, so that passes and engine need to know those
 * only (https://onnx.ai/onnx/operators; docs/ContribOperators.md of ONNX
 * Runtime). */

static gboolean
fail (const UnetExpansion *e, const gchar *what, GError **error)
{
  unet_node_set_error (
      error, e->graph, e->node, UNET_ERROR_UNSUPPORTED, "%s", what);
  return FALSE;
}

/* ---- writing other nodes ---------------------------------------------- */

static void
copy_attrs (const UnetNode *from, UnetNode *to)
{
  for (guint i = 0; i < from->attrs->len; i++)
    unet_node_add_attr (
        to, unet_attr_copy (g_ptr_array_index (from->attrs, i)));
}

static gboolean
is_byte (UnetDType dtype)
{
  return dtype == UNET_DTYPE_U8 || dtype == UNET_DTYPE_I8;
}

static gboolean
check_zero (const UnetExpansion *e, const UnetValue *x, const UnetValue *zero,
    GError **error)
{
  if (zero && zero->dtype != x->dtype)
    return fail (e, "a zero point is of another type than its numbers", error);
  return TRUE;
}

static gboolean
comes_before (const UnetGraph *graph, const UnetNode *a, const UnetNode *b)
{
  for (guint i = 0; i < graph->nodes->len; i++) {
    const UnetNode *node = g_ptr_array_index (graph->nodes, i);
    if (node == a || node == b)
      return node == a;
  }
  return FALSE;
}

/* Others may have read the same numbers before. Hostile files have many. */
#define MAX_READERS 16

static UnetValue *
find_dequantized (const UnetValue *x, const UnetValue *scale,
    const UnetValue *zero, gint64 axis)
{
  for (guint i = 0; i < MIN (x->consumers->len, MAX_READERS); i++) {
    const UnetNode *node = g_ptr_array_index (x->consumers, i);
    if (node->op == UNET_OP_DequantizeLinear && unet_node_input (node, 0) == x
        && unet_node_input (node, 1) == scale
        && unet_node_input (node, 2) == zero
        && unet_node_attr_int (node, "axis", 1) == axis
        && unet_node_attr_int (node, "block_size", 0) == 0)
      return unet_node_output (node, 0);
  }
  return NULL;
}

/* %NULL with an error. */
static UnetValue *
dequantize (UnetExpansion *e, UnetValue *x, UnetValue *scale, UnetValue *zero,
    gint64 axis, GError **error)
{
  UnetValue *const inputs[] = { x, scale, zero };
  UnetValue *y;

  if (!check_zero (e, x, zero, error))
    return NULL;
  if (!(is_byte (x->dtype) || x->dtype == UNET_DTYPE_I32)
      || !unet_dtype_is_float (scale->dtype)) {
    fail (e, "only 8-bit integers with scales are supported", error);
    return NULL;
  }
  y = find_dequantized (x, scale, zero, axis);
  if (y && comes_before (e->graph, y->producer, e->node))
    return y;
  y = unet_expansion_insert (e, UNET_OP_DequantizeLinear, inputs, 3);
  unet_node_set_attr_int (y->producer, "axis", axis);
  return y;
}

/* Three inputs of the node from @first on: numbers, scale, zero point. */
static UnetValue *
dequantize_input (UnetExpansion *e, guint first, gint64 axis, GError **error)
{
  return dequantize (e, unet_node_input (e->node, first),
      unet_node_input (e->node, first + 1),
      unet_node_input (e->node, first + 2), axis, error);
}

/* @like: of whose type the result is where no zero point says it. */
static gboolean
quantize (UnetExpansion *e, UnetValue *y, UnetValue *scale, UnetValue *zero,
    UnetDType like, gint64 axis, GError **error)
{
  UnetValue *const inputs[] = { y, scale, zero };

  if (!scale || !unet_dtype_is_float (scale->dtype)
      || !is_byte (zero ? zero->dtype : like))
    return fail (e, "only 8-bit integers with scales are supported", error);
  unet_expansion_become (e, UNET_OP_QuantizeLinear, inputs, 3);
  unet_node_set_attr_int (e->node, "axis", axis);
  if (!zero)
    unet_node_set_attr_int (e->node, "output_dtype", like);
  return TRUE;
}

/* ---- results of 8 bits ------------------------------------------------ */

/* The bias has the products' scale and no zero point. */
static gboolean
dequantize_bias (UnetExpansion *e, guint index, guint scale_a, guint scale_b,
    UnetValue **bias, GError **error)
{
  UnetValue *b = unet_node_input (e->node, index);
  UnetValue *scales[] = { unet_node_input (e->node, scale_a),
    unet_node_input (e->node, scale_b) };
  UnetValue *scale;

  *bias = NULL;
  if (!b)
    return TRUE;
  scale = unet_expansion_insert (e, UNET_OP_Mul, scales, 2);
  scale->dtype = scales[0]->dtype;
  *bias = dequantize (e, b, scale, NULL, -1, error);
  return *bias != NULL;
}

UNET_INFER (QLinearConv)
{
  UnetExpansion e = { graph, node };
  UnetValue *in[3], *y;

  if (!(in[0] = dequantize_input (&e, 0, 1, error))
      || !(in[1] = dequantize_input (&e, 3, 0, error))
      || !dequantize_bias (&e, 8, 1, 4, &in[2], error))
    return FALSE;
  y = unet_expansion_insert (&e, UNET_OP_Conv, in, 3);
  copy_attrs (node, y->producer);
  return quantize (&e, y, unet_node_input (node, 6), unet_node_input (node, 7),
      UNET_DTYPE_U8, 1, error);
}

/* Scales may differ from row to row of the first matrix and from column to
 * column of the second. */
UNET_INFER (QLinearMatMul)
{
  UnetExpansion e = { graph, node };
  UnetValue *in[2];

  if (!(in[0] = dequantize_input (&e, 0, -2, error))
      || !(in[1] = dequantize_input (&e, 3, -1, error)))
    return FALSE;
  return quantize (&e, unet_expansion_insert (&e, UNET_OP_MatMul, in, 2),
      unet_node_input (node, 6), unet_node_input (node, 7), UNET_DTYPE_U8, -2,
      error);
}

UNET_INFER (QGemm)
{
  UnetExpansion e = { graph, node };
  gint64 b = unet_node_attr_int (node, "transB", 0);
  UnetValue *scale = unet_node_input (node, 7), *in[3], *y;
  UnetDType like = unet_node_input (node, 0)->dtype;

  if (!(in[0] = dequantize_input (&e, 0, 1, error))
      || !(in[1] = dequantize_input (&e, 3, b ? 0 : 1, error))
      || !dequantize_bias (&e, 6, 1, 4, &in[2], error))
    return FALSE;
  if (!scale) {
    gdouble alpha = unet_node_attr_float (node, "alpha", 1);
    gint64 a = unet_node_attr_int (node, "transA", 0);
    unet_expansion_become (&e, UNET_OP_Gemm, in, 3);
    unet_node_set_attr_float (node, "alpha", alpha);
    unet_node_set_attr_float (node, "beta", alpha);
    unet_node_set_attr_int (node, "transA", a);
    unet_node_set_attr_int (node, "transB", b);
    return TRUE;
  }
  y = unet_expansion_insert (&e, UNET_OP_Gemm, in, 3);
  copy_attrs (node, y->producer);
  /* It is in the bias's scale. */
  unet_node_set_attr_float (
      y->producer, "beta", unet_node_attr_float (node, "alpha", 1));
  return quantize (&e, y, scale, unet_node_input (node, 8), like, 1, error);
}

/* (A, scale, zero), (B, scale, zero), scale, zero */
static gboolean
expand_binary (UnetExpansion *e, UnetOp op, GError **error)
{
  UnetDType like = unet_node_input (e->node, 0)->dtype;
  UnetValue *in[2];

  if (!(in[0] = dequantize_input (e, 0, 1, error))
      || !(in[1] = dequantize_input (e, 3, 1, error)))
    return FALSE;
  return quantize (e, unet_expansion_insert (e, op, in, 2),
      unet_node_input (e->node, 6), unet_node_input (e->node, 7), like, 1,
      error);
}

UNET_INFER (QLinearAdd)
{
  UnetExpansion e = { graph, node };

  return expand_binary (&e, UNET_OP_Add, error);
}

UNET_INFER (QLinearMul)
{
  UnetExpansion e = { graph, node };

  return expand_binary (&e, UNET_OP_Mul, error);
}

/* (X, scale, zero), scale, zero */
static gboolean
expand_unary (UnetExpansion *e, UnetOp op, gint since, GError **error)
{
  UnetDType like = unet_node_input (e->node, 0)->dtype;
  UnetValue *x, *y;

  if (unet_node_attr_int (e->node, "channels_last", 0))
    return fail (e, "channels_last is not supported", error);
  x = dequantize_input (e, 0, 1, error);
  if (!x)
    return FALSE;
  y = unet_expansion_insert (e, op, &x, 1);
  copy_attrs (e->node, y->producer);
  y->producer->since = since;
  return quantize (e, y, unet_node_input (e->node, 3),
      unet_node_input (e->node, 4), like, 1, error);
}

#define EXPAND_UNARY(op)                                                       \
  UNET_INFER (QLinear##op)                                                     \
  {                                                                            \
    UnetExpansion e = { graph, node };                                         \
    return expand_unary (&e, UNET_OP_##op, node->since, error);                \
  }

EXPAND_UNARY (Sigmoid)
EXPAND_UNARY (LeakyRelu)
EXPAND_UNARY (AveragePool)
EXPAND_UNARY (GlobalAveragePool)

/* It says itself whose Softmax it is. */
UNET_INFER (QLinearSoftmax)
{
  UnetExpansion e = { graph, node };
  gint64 since = unet_node_attr_int (node, "opset", node->since);

  return expand_unary (&e, UNET_OP_Softmax, (gint) CLAMP (since, 1, 99), error);
}

/* scale, zero, then (X, scale, zero) for each part */
UNET_INFER (QLinearConcat)
{
  UnetExpansion e = { graph, node };
  guint n = (node->inputs->len) / 3;
  UnetValue *scale = unet_node_input (node, 0);
  UnetValue *zero = unet_node_input (node, 1);
  g_autofree UnetValue **parts = g_new (UnetValue *, n);
  UnetValue *y;

  for (guint i = 0; i < n; i++) {
    if (!unet_node_input (node, 2 + 3 * i)
        || !unet_node_input (node, 3 + 3 * i))
      return fail (&e, "a part has no numbers or no scale", error);
    parts[i] = dequantize_input (&e, 2 + 3 * i, 1, error);
    if (!parts[i])
      return FALSE;
  }
  y = unet_expansion_insert (&e, UNET_OP_Concat, parts, n);
  copy_attrs (node, y->producer);
  return quantize (&e, y, scale, zero, UNET_DTYPE_U8, 1, error);
}

/* ---- sums of 32 bits -------------------------------------------------- */

/* x - zero, as floats: sums of products of these are exact to 2^24. */
static UnetValue *
subtract_zero (UnetExpansion *e, UnetValue *x, UnetValue *zero, gint64 axis,
    GError **error)
{
  gint64 n = zero && zero->n_dims == 1 ? zero->dims[0] : 1;
  UnetTensor *ones;

  if (!is_byte (x->dtype) || n < 1 || (zero && zero->n_dims > 1)) {
    fail (e,
        "only 8-bit integers with zero points for all or for each "
        "channel are supported",
        error);
    return NULL;
  }
  ones = unet_tensor_new (UNET_DTYPE_F32, zero ? zero->n_dims : 0, &n);
  if (!ones) {
    unet_node_set_error (
        error, e->graph, e->node, UNET_ERROR_LIMIT, "no memory for scales");
    return NULL;
  }
  for (gint64 i = 0; i < n; i++)
    ((gfloat *) ones->data)[i] = 1;
  return dequantize (e, x,
      unet_graph_add_constant (e->graph, e->node->name, ones), zero, axis,
      error);
}

/* Exact: the engine must take no kernel that rounds on the way. */
static gboolean
expand_integer (
    UnetExpansion *e, UnetOp op, gint64 a_axis, gint64 b_axis, GError **error)
{
  UnetValue *a_zero = unet_node_input (e->node, 2);
  UnetValue *b_zero = unet_node_input (e->node, 3);
  UnetValue *in[2], *y;

  if (!(in[0] = subtract_zero (
            e, unet_node_input (e->node, 0), a_zero, a_axis, error))
      || !(in[1] = subtract_zero (
               e, unet_node_input (e->node, 1), b_zero, b_axis, error)))
    return FALSE;
  y = unet_expansion_insert (e, op, in, 2);
  copy_attrs (e->node, y->producer);
  unet_node_set_attr_int (y->producer, "exact", 1);
  y = unet_expansion_insert (e, UNET_OP_Round, &y, 1);
  unet_expansion_become (e, UNET_OP_Cast, &y, 1);
  unet_node_set_attr_int (e->node, "to", UNET_DTYPE_I32);
  unet_node_set_attr_int (e->node, "exact", 1);
  return TRUE;
}

UNET_INFER (ConvInteger)
{
  UnetExpansion e = { graph, node };

  return expand_integer (&e, UNET_OP_Conv, 1, 0, error);
}

UNET_INFER (MatMulInteger)
{
  UnetExpansion e = { graph, node };

  return expand_integer (&e, UNET_OP_MatMul, -2, -1, error);
}

/* ---- on the scale of the day ------------------------------------------ */

UNET_INFER (DynamicQuantizeLinear)
{
  UnetArgs args = UNET_INFER_ARGS;
  const UnetValue *x = unet_node_input (node, 0);

  if (x->dtype != UNET_DTYPE_F32)
    return unet_args_fail (
        &args, error, UNET_ERROR_UNSUPPORTED, "only float32 is supported");
  unet_infer_out (node, 0, UNET_DTYPE_U8, x->n_dims, x->dims);
  unet_infer_out (node, 1, UNET_DTYPE_F32, 0, NULL);
  unet_infer_out (node, 2, UNET_DTYPE_U8, 0, NULL);
  return TRUE;
}

/* Nothing but zeros has a scale of 1, as ONNX Runtime has it. */
UNET_EVAL (DynamicQuantizeLinear)
{
  const gfloat *x = in[0].data;
  gsize n = unet_view_count (&in[0]);
  gfloat low = 0, high = 0, scale, zero;

  for (gsize i = 0; i < n; i++) {
    low = x[i] < low ? x[i] : low;
    high = x[i] > high ? x[i] : high;
  }
  scale = high > low ? (high - low) / 255 : 1;
  zero = CLAMP (rintf (-low / scale), 0, 255);
  for (gsize i = 0; out[0].data && i < n; i++) {
    gfloat y = rintf (x[i] / scale) + zero;
    /* NaN becomes 0. */
    ((guint8 *) out[0].data)[i] = (guint8) (y > 0 ? MIN (y, 255) : 0);
  }
  if (n_out > 1 && out[1].data)
    unet_view_set_float (&out[1], 0, scale);
  if (n_out > 2 && out[2].data)
    unet_view_set_float (&out[2], 0, zero);
  return TRUE;
}
