/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "litert/convolution.h"
#include "litert/elementwise.h"
#include "litert/move.h"
#include "litert/operators.h"
#include "litert/ops.h"
#include "litert/phases.h"

static const gchar *const names[UNET_LITERT_N_OPS] = {
#define UNET_LITERT_OP(name) #name,
#include "litert/op-list.h"
#undef UNET_LITERT_OP
};

#define ROW(op, function) [UNET_LITERT_##op] = unet_litert_##function

static gboolean (*const imports[UNET_LITERT_N_OPS]) (
    const UnetLitertOp *op, GError **error) = {
  ROW (CONV_2D, conv_2d),
  ROW (DEPTHWISE_CONV_2D, depthwise_conv_2d),
  ROW (TRANSPOSE_CONV, transpose_conv),
  ROW (AVERAGE_POOL_2D, pool),
  ROW (MAX_POOL_2D, pool),
  ROW (RESIZE_BILINEAR, resize),
  ROW (RESIZE_NEAREST_NEIGHBOR, resize),
  ROW (DEPTH_TO_SPACE, depth_space),
  ROW (SPACE_TO_DEPTH, depth_space),
  ROW (CUSTOM, custom),
  ROW (ADD, binary),
  ROW (SUB, binary),
  ROW (MUL, binary),
  ROW (DIV, binary),
  ROW (MAXIMUM, binary),
  ROW (MINIMUM, binary),
  ROW (POW, binary),
  ROW (PRELU, binary),
  ROW (LESS, binary),
  ROW (LESS_EQUAL, binary),
  ROW (GREATER, binary),
  ROW (GREATER_EQUAL, binary),
  ROW (EQUAL, binary),
  ROW (LOGICAL_AND, binary),
  ROW (LOGICAL_OR, binary),
  ROW (LOGICAL_NOT, unary),
  ROW (LOGISTIC, unary),
  ROW (TANH, unary),
  ROW (RELU, unary),
  ROW (HARD_SWISH, unary),
  ROW (ELU, unary),
  ROW (EXP, unary),
  ROW (LOG, unary),
  ROW (SQRT, unary),
  ROW (ABS, unary),
  ROW (NEG, unary),
  ROW (FLOOR, unary),
  ROW (CEIL, unary),
  ROW (ROUND, unary),
  ROW (SIN, unary),
  ROW (COS, unary),
  ROW (SIGN, unary),
  ROW (LOG_SOFTMAX, unary),
  ROW (RSQRT, rsqrt),
  ROW (SQUARE, square),
  ROW (SQUARED_DIFFERENCE, squared_difference),
  ROW (NOT_EQUAL, not_equal),
  ROW (SELECT, select),
  ROW (SELECT_V2, select),
  ROW (ADD_N, add_n),
  ROW (RELU6, clip),
  ROW (RELU_N1_TO_1, clip),
  ROW (RELU_0_TO_1, clip),
  ROW (LEAKY_RELU, leaky_relu),
  ROW (GELU, gelu),
  ROW (SOFTMAX, softmax),
  ROW (L2_NORMALIZATION, l2_norm),
  ROW (CAST, cast),
  ROW (QUANTIZE, quantize),
  ROW (DEQUANTIZE, dequantize),
  ROW (DENSIFY, dequantize),
  ROW (MEAN, reduce),
  ROW (SUM, reduce),
  ROW (REDUCE_MAX, reduce),
  ROW (REDUCE_MIN, reduce),
  ROW (REDUCE_PROD, reduce),
  ROW (ARG_MAX, arg_max),
  ROW (ARG_MIN, arg_max),
  ROW (FULLY_CONNECTED, fully_connected),
  ROW (BATCH_MATMUL, batch_matmul),
  ROW (RESHAPE, reshape),
  ROW (SQUEEZE, squeeze),
  ROW (EXPAND_DIMS, expand_dims),
  ROW (CONCATENATION, concatenation),
  ROW (PACK, pack),
  ROW (UNPACK, unpack),
  ROW (SPLIT, split),
  ROW (SPLIT_V, split),
  ROW (SLICE, slice),
  ROW (STRIDED_SLICE, strided_slice),
  ROW (PAD, pad),
  ROW (PADV2, pad),
  ROW (MIRROR_PAD, pad),
  ROW (TRANSPOSE, transpose),
  ROW (SHAPE, shape),
  ROW (GATHER, gather),
  ROW (TILE, repeat),
  ROW (BROADCAST_TO, repeat),
  ROW (FILL, repeat),
  ROW (SPACE_TO_BATCH_ND, space_to_batch),
  ROW (BATCH_TO_SPACE_ND, batch_to_space),
};

const gchar *
unet_litert_op_name (gint code)
{
  return code >= 0 && code < UNET_LITERT_N_OPS ? names[code] : NULL;
}

gboolean
unet_litert_import_operator (const UnetLitertOp *op, GError **error)
{
  if (op->code >= 0 && op->code < UNET_LITERT_N_OPS && imports[op->code])
    return imports[op->code](op, error);
  return unet_litert_fail (
      op, error, UNET_ERROR_UNSUPPORTED, "operator is not supported");
}
