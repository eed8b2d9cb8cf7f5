/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/table.h"

#define ANY G_MAXUINT
#define ROW(op, in_min, in_max, out_min, out_max)                              \
  [UNET_OP_##op] = { #op, in_min, in_max, out_min, out_max, unet_infer_##op,   \
    unet_eval_##op }
/* Inference writes it as other operators. */
#define EXPANDED(op, in_min, in_max)                                           \
  [UNET_OP_##                                                                  \
      op] = { #op, in_min, in_max, 1, 1, unet_infer_##op, unet_eval_expanded }

static const UnetOpDef ops[UNET_N_OPS] = {
  ROW (Conv, 2, 3, 1, 1),
  ROW (ConvTranspose, 2, 3, 1, 1),
  /* The further outputs are those of training. */
  ROW (BatchNormalization, 5, 5, 1, 5),
  ROW (InstanceNormalization, 3, 3, 1, 1),
  ROW (Relu, 1, 1, 1, 1),
  ROW (Clip, 1, 3, 1, 1),
  ROW (LeakyRelu, 1, 1, 1, 1),
  ROW (PRelu, 2, 2, 1, 1),
  ROW (Sigmoid, 1, 1, 1, 1),
  ROW (HardSigmoid, 1, 1, 1, 1),
  ROW (HardSwish, 1, 1, 1, 1),
  ROW (Tanh, 1, 1, 1, 1),
  ROW (Elu, 1, 1, 1, 1),
  ROW (Softplus, 1, 1, 1, 1),
  ROW (Erf, 1, 1, 1, 1),
  ROW (Exp, 1, 1, 1, 1),
  ROW (Log, 1, 1, 1, 1),
  ROW (Sqrt, 1, 1, 1, 1),
  ROW (Abs, 1, 1, 1, 1),
  ROW (Neg, 1, 1, 1, 1),
  ROW (Floor, 1, 1, 1, 1),
  ROW (Ceil, 1, 1, 1, 1),
  ROW (Round, 1, 1, 1, 1),
  ROW (Reciprocal, 1, 1, 1, 1),
  ROW (MaxPool, 1, 1, 1, 2),
  ROW (AveragePool, 1, 1, 1, 1),
  ROW (GlobalAveragePool, 1, 1, 1, 1),
  ROW (GlobalMaxPool, 1, 1, 1, 1),
  ROW (Resize, 1, 4, 1, 1),
  ROW (Upsample, 1, 2, 1, 1),
  ROW (Concat, 1, ANY, 1, 1),
  ROW (Split, 1, 2, 1, ANY),
  ROW (Slice, 1, 5, 1, 1),
  ROW (Pad, 1, 4, 1, 1),
  ROW (Add, 2, 2, 1, 1),
  ROW (Sub, 2, 2, 1, 1),
  ROW (Mul, 2, 2, 1, 1),
  ROW (Div, 2, 2, 1, 1),
  ROW (Min, 1, ANY, 1, 1),
  ROW (Max, 1, ANY, 1, 1),
  ROW (Pow, 2, 2, 1, 1),
  ROW (MatMul, 2, 2, 1, 1),
  ROW (Gemm, 2, 3, 1, 1),
  ROW (Softmax, 1, 1, 1, 1),
  ROW (LogSoftmax, 1, 1, 1, 1),
  ROW (ArgMax, 1, 1, 1, 1),
  ROW (ReduceMean, 1, 2, 1, 1),
  ROW (ReduceMax, 1, 2, 1, 1),
  ROW (ReduceSum, 1, 2, 1, 1),
  ROW (Transpose, 1, 1, 1, 1),
  ROW (Reshape, 1, 2, 1, 1),
  ROW (Flatten, 1, 1, 1, 1),
  ROW (Squeeze, 1, 2, 1, 1),
  ROW (Unsqueeze, 1, 2, 1, 1),
  ROW (Expand, 2, 2, 1, 1),
  ROW (DepthToSpace, 1, 1, 1, 1),
  ROW (SpaceToDepth, 1, 1, 1, 1),
  ROW (Identity, 1, 1, 1, 1),
  ROW (Dropout, 1, 3, 1, 2),
  ROW (Cast, 1, 1, 1, 1),
  ROW (Constant, 0, 0, 1, 1),
  ROW (ConstantOfShape, 1, 1, 1, 1),
  ROW (Shape, 1, 1, 1, 1),
  ROW (Gather, 2, 2, 1, 1),
  ROW (Range, 3, 3, 1, 1),
  ROW (Where, 3, 3, 1, 1),
  ROW (Equal, 2, 2, 1, 1),
  ROW (Less, 2, 2, 1, 1),
  ROW (Greater, 2, 2, 1, 1),
  ROW (Not, 1, 1, 1, 1),
  ROW (And, 2, 2, 1, 1),
  ROW (Or, 2, 2, 1, 1),
  ROW (QuantizeLinear, 2, 3, 1, 1),
  ROW (DequantizeLinear, 2, 3, 1, 1),
  ROW (Sum, 1, ANY, 1, 1),
  ROW (Mean, 1, ANY, 1, 1),
  ROW (Tile, 2, 2, 1, 1),
  ROW (Size, 1, 1, 1, 1),
  ROW (Sign, 1, 1, 1, 1),
  ROW (Sin, 1, 1, 1, 1),
  ROW (Cos, 1, 1, 1, 1),
  ROW (Selu, 1, 1, 1, 1),
  ROW (Celu, 1, 1, 1, 1),
  ROW (Gelu, 1, 1, 1, 1),
  ROW (Mish, 1, 1, 1, 1),
  ROW (Softsign, 1, 1, 1, 1),
  ROW (ThresholdedRelu, 1, 1, 1, 1),
  ROW (GreaterOrEqual, 2, 2, 1, 1),
  ROW (LessOrEqual, 2, 2, 1, 1),
  ROW (Xor, 2, 2, 1, 1),
  ROW (ArgMin, 1, 1, 1, 1),
  ROW (ReduceMin, 1, 2, 1, 1),
  ROW (ReduceProd, 1, 2, 1, 1),
  ROW (ReduceL1, 1, 2, 1, 1),
  ROW (ReduceL2, 1, 2, 1, 1),
  ROW (ReduceSumSquare, 1, 2, 1, 1),
  ROW (ReduceLogSum, 1, 2, 1, 1),
  ROW (ReduceLogSumExp, 1, 2, 1, 1),
  ROW (LayerNormalization, 2, 3, 1, 3),
  ROW (DynamicQuantizeLinear, 1, 1, 1, 3),
  EXPANDED (QLinearConv, 8, 9),
  EXPANDED (QLinearMatMul, 8, 8),
  EXPANDED (ConvInteger, 2, 4),
  EXPANDED (MatMulInteger, 2, 4),
  /* com.microsoft */
  EXPANDED (QLinearAdd, 7, 8),
  EXPANDED (QLinearMul, 7, 8),
  EXPANDED (QLinearConcat, 4, ANY),
  EXPANDED (QLinearSigmoid, 4, 5),
  EXPANDED (QLinearLeakyRelu, 4, 5),
  EXPANDED (QLinearAveragePool, 4, 5),
  EXPANDED (QLinearGlobalAveragePool, 5, 5),
  EXPANDED (QLinearSoftmax, 5, 5),
  EXPANDED (QGemm, 6, 9),
};

const UnetOpDef *
unet_op_def (UnetOp op)
{
  return &ops[op];
}

gboolean
unet_op_from_name (const gchar *name, UnetOp *op)
{
  for (guint i = 0; i < UNET_N_OPS; i++)
    if (!strcmp (ops[i].name, name)) {
      *op = (UnetOp) i;
      return TRUE;
    }
  return FALSE;
}
