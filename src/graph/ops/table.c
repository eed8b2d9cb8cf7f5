/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/table.h"
#include "graph/ops/functions.h"

#define ANY            G_MAXUINT
#define PLAIN          UNET_OP_PLAIN
#define RENAMES        UNET_OP_RENAMES
#define VIEW           UNET_OP_VIEW
#define MAPS           UNET_OP_MAPS
#define BROADCASTS     UNET_OP_BROADCASTS
#define MOVES          UNET_OP_MOVES
#define PASSES_ON      UNET_OP_PASSES_ON
#define KEEPS_RANGE    UNET_OP_KEEPS_RANGE
#define NOT_NEGATIVE   UNET_OP_NOT_NEGATIVE
#define KEEPS_SIGN     UNET_OP_KEEPS_SIGN
#define KEEPS_SIGNS    UNET_OP_KEEPS_SIGNS
#define TAKES_POST_OPS UNET_OP_TAKES_POST_OPS
#define WORK_0         UNET_OP_WORK_0
#define WORK_1         UNET_OP_WORK_1
#define FROM_SET_1     UNET_OP_FROM_SET_1
#define CONTRIBUTED    UNET_OP_CONTRIBUTED
#define INTERNAL       UNET_OP_INTERNAL
#define TAKES_UINT64   UNET_OP_TAKES_UINT64

#define ROW(op, in_min, in_max, out_min, out_max, types, traits)               \
  [UNET_OP_##op] = { in_min, in_max, out_min, out_max, types,                  \
    (UnetOpTraits) (traits), unet_infer_##op, unet_eval_##op }
#define EXPANDED_TO(op, in_min, in_max, out_max, types, traits)                \
  [UNET_OP_##op] = { in_min, in_max, 1, out_max, types,                        \
    (UnetOpTraits) (traits), unet_infer_##op, unet_eval_expanded }
#define EXPANDED(op, in_min, in_max, types, traits)                            \
  EXPANDED_TO (op, in_min, in_max, 1, types, traits)

/* Operator, least and most inputs, least and most outputs, types of the
 * inputs, traits. */
/* clang-format off */
static const UnetOpDef ops[UNET_N_OPS] = {
  ROW (Conv, 2, 3, 1, 1, "T", TAKES_POST_OPS | WORK_1 | FROM_SET_1),
  ROW (ConvTranspose, 2, 3, 1, 1, "T", TAKES_POST_OPS | WORK_1 | FROM_SET_1),
  /* The further outputs are those of training. */
  ROW (BatchNormalization, 5, 5, 1, 5, "T", TAKES_POST_OPS),
  ROW (InstanceNormalization, 3, 3, 1, 1, "T", TAKES_POST_OPS),
  ROW (Relu, 1, 1, 1, 1, ".", MAPS | NOT_NEGATIVE),
  ROW (Clip, 1, 3, 1, 1, "T", MAPS),
  ROW (LeakyRelu, 1, 1, 1, 1, ".", MAPS),
  ROW (PRelu, 2, 2, 1, 1, "T", BROADCASTS | TAKES_UINT64),
  ROW (Sigmoid, 1, 1, 1, 1, ".", MAPS | NOT_NEGATIVE),
  ROW (HardSigmoid, 1, 1, 1, 1, ".", MAPS | NOT_NEGATIVE),
  ROW (HardSwish, 1, 1, 1, 1, ".", MAPS),
  ROW (Tanh, 1, 1, 1, 1, ".", MAPS),
  ROW (Elu, 1, 1, 1, 1, ".", MAPS),
  ROW (Softplus, 1, 1, 1, 1, ".", MAPS | NOT_NEGATIVE | FROM_SET_1),
  ROW (Erf, 1, 1, 1, 1, ".", MAPS),
  ROW (Exp, 1, 1, 1, 1, ".", MAPS | NOT_NEGATIVE),
  ROW (Log, 1, 1, 1, 1, ".", MAPS),
  ROW (Sqrt, 1, 1, 1, 1, ".", MAPS),
  ROW (Abs, 1, 1, 1, 1, ".", MAPS | NOT_NEGATIVE),
  ROW (Neg, 1, 1, 1, 1, ".", MAPS),
  ROW (Floor, 1, 1, 1, 1, ".", MAPS),
  ROW (Ceil, 1, 1, 1, 1, ".", MAPS),
  ROW (Round, 1, 1, 1, 1, ".", MAPS),
  ROW (Reciprocal, 1, 1, 1, 1, ".", MAPS),
  ROW (MaxPool, 1, 1, 1, 2, ".", MOVES | KEEPS_RANGE | KEEPS_SIGN | WORK_0 | FROM_SET_1),
  ROW (AveragePool, 1, 1, 1, 1, ".", KEEPS_RANGE | KEEPS_SIGN | TAKES_POST_OPS | WORK_0 | FROM_SET_1),
  ROW (GlobalAveragePool, 1, 1, 1, 1, ".", KEEPS_SIGN | TAKES_POST_OPS | FROM_SET_1),
  ROW (GlobalMaxPool, 1, 1, 1, 1, ".", KEEPS_SIGN | FROM_SET_1),
  ROW (Resize, 1, 4, 1, 1, "...I", MOVES | PASSES_ON | KEEPS_RANGE | KEEPS_SIGN | WORK_0),
  ROW (Upsample, 1, 2, 1, 1, ".", MOVES | PASSES_ON | KEEPS_RANGE | KEEPS_SIGN | WORK_0),
  ROW (Concat, 1, ANY, 1, 1, "T", PASSES_ON | KEEPS_SIGNS | TAKES_UINT64),
  ROW (Split, 1, 2, 1, ANY, ".I", PASSES_ON | TAKES_UINT64),
  ROW (Slice, 1, 5, 1, 1, ".I", MOVES | PASSES_ON | KEEPS_RANGE | KEEPS_SIGN | TAKES_UINT64),
  ROW (Pad, 1, 4, 1, 1, ".I.", PASSES_ON | KEEPS_RANGE),
  ROW (Add, 2, 2, 1, 1, "T", BROADCASTS | KEEPS_SIGNS | TAKES_POST_OPS | TAKES_UINT64),
  ROW (Sub, 2, 2, 1, 1, "T", BROADCASTS | TAKES_POST_OPS | TAKES_UINT64),
  ROW (Mul, 2, 2, 1, 1, "T", BROADCASTS | KEEPS_SIGNS | TAKES_POST_OPS | TAKES_UINT64),
  ROW (Div, 2, 2, 1, 1, "T", BROADCASTS | TAKES_POST_OPS | TAKES_UINT64),
  ROW (Min, 1, ANY, 1, 1, "T", BROADCASTS | TAKES_UINT64),
  ROW (Max, 1, ANY, 1, 1, "T", BROADCASTS | TAKES_UINT64),
  ROW (Pow, 2, 2, 1, 1, ".", BROADCASTS | TAKES_UINT64),
  ROW (MatMul, 2, 2, 1, 1, "T", TAKES_POST_OPS | WORK_1 | FROM_SET_1),
  ROW (Gemm, 2, 3, 1, 1, "T", TAKES_POST_OPS | WORK_1),
  ROW (Softmax, 1, 1, 1, 1, ".", NOT_NEGATIVE | FROM_SET_1),
  ROW (LogSoftmax, 1, 1, 1, 1, ".", FROM_SET_1),
  ROW (ArgMax, 1, 1, 1, 1, ".", PLAIN),
  ROW (ReduceMean, 1, 2, 1, 1, ".", PLAIN),
  ROW (ReduceMax, 1, 2, 1, 1, ".", PLAIN),
  ROW (ReduceSum, 1, 2, 1, 1, ".", PLAIN),
  ROW (Transpose, 1, 1, 1, 1, ".", VIEW | MOVES | PASSES_ON | KEEPS_RANGE | KEEPS_SIGN | FROM_SET_1 | TAKES_UINT64),
  ROW (Reshape, 1, 2, 1, 1, ".I", RENAMES | VIEW | MOVES | PASSES_ON | KEEPS_SIGN | TAKES_UINT64),
  ROW (Flatten, 1, 1, 1, 1, ".", RENAMES | VIEW | MOVES | PASSES_ON | FROM_SET_1 | TAKES_UINT64),
  ROW (Squeeze, 1, 2, 1, 1, ".I", RENAMES | VIEW | MOVES | PASSES_ON | FROM_SET_1 | TAKES_UINT64),
  ROW (Unsqueeze, 1, 2, 1, 1, ".I", RENAMES | VIEW | MOVES | PASSES_ON | FROM_SET_1 | TAKES_UINT64),
  ROW (Expand, 2, 2, 1, 1, ".I", TAKES_UINT64),
  ROW (DepthToSpace, 1, 1, 1, 1, ".", MOVES | PASSES_ON | KEEPS_RANGE | KEEPS_SIGN | FROM_SET_1),
  ROW (SpaceToDepth, 1, 1, 1, 1, ".", MOVES | KEEPS_RANGE | FROM_SET_1),
  ROW (Identity, 1, 1, 1, 1, ".", VIEW | MAPS | MOVES | PASSES_ON | KEEPS_RANGE | KEEPS_SIGN | FROM_SET_1 | TAKES_UINT64),
  ROW (Dropout, 1, 3, 1, 2, ".", VIEW | MAPS | PASSES_ON),
  ROW (Cast, 1, 1, 1, 1, ".", MAPS | PASSES_ON | TAKES_UINT64),
  ROW (Constant, 0, 0, 1, 1, ".", FROM_SET_1),
  ROW (ConstantOfShape, 1, 1, 1, 1, "I", PLAIN),
  ROW (Shape, 1, 1, 1, 1, ".", TAKES_UINT64),
  ROW (Gather, 2, 2, 1, 1, ".I", PASSES_ON | TAKES_UINT64),
  ROW (Range, 3, 3, 1, 1, "T", PLAIN),
  ROW (Where, 3, 3, 1, 1, "BTT", BROADCASTS | TAKES_UINT64),
  ROW (Equal, 2, 2, 1, 1, "T", BROADCASTS | TAKES_UINT64),
  ROW (Less, 2, 2, 1, 1, "T", BROADCASTS | TAKES_UINT64),
  ROW (Greater, 2, 2, 1, 1, "T", BROADCASTS | TAKES_UINT64),
  ROW (Not, 1, 1, 1, 1, "B", MAPS | FROM_SET_1),
  ROW (And, 2, 2, 1, 1, "B", BROADCASTS | TAKES_UINT64),
  ROW (Or, 2, 2, 1, 1, "B", BROADCASTS | TAKES_UINT64),
  ROW (QuantizeLinear, 2, 3, 1, 1, ".", PASSES_ON),
  ROW (DequantizeLinear, 2, 3, 1, 1, ".", PASSES_ON),
  ROW (Sum, 1, ANY, 1, 1, "T", BROADCASTS | TAKES_UINT64),
  ROW (Mean, 1, ANY, 1, 1, "T", BROADCASTS),
  ROW (Tile, 2, 2, 1, 1, ".I", TAKES_UINT64),
  ROW (Size, 1, 1, 1, 1, ".", TAKES_UINT64),
  ROW (Sign, 1, 1, 1, 1, ".", MAPS),
  ROW (Sin, 1, 1, 1, 1, ".", MAPS),
  ROW (Cos, 1, 1, 1, 1, ".", MAPS),
  ROW (Selu, 1, 1, 1, 1, ".", MAPS),
  ROW (Celu, 1, 1, 1, 1, ".", MAPS),
  ROW (Gelu, 1, 1, 1, 1, ".", MAPS),
  ROW (Mish, 1, 1, 1, 1, ".", MAPS),
  ROW (Softsign, 1, 1, 1, 1, ".", MAPS | FROM_SET_1),
  ROW (ThresholdedRelu, 1, 1, 1, 1, ".", MAPS),
  ROW (GreaterOrEqual, 2, 2, 1, 1, "T", BROADCASTS | TAKES_UINT64),
  ROW (LessOrEqual, 2, 2, 1, 1, "T", BROADCASTS | TAKES_UINT64),
  ROW (Xor, 2, 2, 1, 1, "B", BROADCASTS | TAKES_UINT64),
  ROW (ArgMin, 1, 1, 1, 1, ".", PLAIN),
  ROW (ReduceMin, 1, 2, 1, 1, ".", PLAIN),
  ROW (ReduceProd, 1, 2, 1, 1, ".", PLAIN),
  ROW (ReduceL1, 1, 2, 1, 1, ".", PLAIN),
  ROW (ReduceL2, 1, 2, 1, 1, ".", PLAIN),
  ROW (ReduceSumSquare, 1, 2, 1, 1, ".", PLAIN),
  ROW (ReduceLogSum, 1, 2, 1, 1, ".", PLAIN),
  ROW (ReduceLogSumExp, 1, 2, 1, 1, ".", PLAIN),
  ROW (LayerNormalization, 2, 3, 1, 3, ".", PLAIN),
  ROW (LRN, 1, 1, 1, 1, ".", FROM_SET_1),
  ROW (DynamicQuantizeLinear, 1, 1, 1, 3, ".", PLAIN),
  ROW (Mod, 2, 2, 1, 1, "T", BROADCASTS | TAKES_UINT64),
  ROW (Shrink, 1, 1, 1, 1, ".", MAPS),
  ROW (Tan, 1, 1, 1, 1, ".", MAPS),
  ROW (Asin, 1, 1, 1, 1, ".", MAPS),
  ROW (Acos, 1, 1, 1, 1, ".", MAPS),
  ROW (Atan, 1, 1, 1, 1, ".", MAPS),
  ROW (Sinh, 1, 1, 1, 1, ".", MAPS),
  ROW (Cosh, 1, 1, 1, 1, ".", MAPS),
  ROW (Asinh, 1, 1, 1, 1, ".", MAPS),
  ROW (Acosh, 1, 1, 1, 1, ".", MAPS),
  ROW (Atanh, 1, 1, 1, 1, ".", MAPS),
  ROW (IsNaN, 1, 1, 1, 1, ".", PLAIN),
  ROW (IsInf, 1, 1, 1, 1, ".", PLAIN),
  ROW (GatherElements, 2, 2, 1, 1, ".I", TAKES_UINT64),
  ROW (GatherND, 2, 2, 1, 1, ".I", TAKES_UINT64),
  ROW (Scatter, 3, 3, 1, 1, "TIT", PLAIN),
  ROW (ScatterElements, 3, 3, 1, 1, "TIT", PLAIN),
  ROW (ScatterND, 3, 3, 1, 1, "TIT", PLAIN),
  ROW (CumSum, 2, 2, 1, 1, ".I", PLAIN),
  ROW (TopK, 1, 2, 1, 2, ".I", PLAIN),
  ROW (OneHot, 3, 3, 1, 1, ".", PLAIN),
  ROW (Hardmax, 1, 1, 1, 1, ".", PLAIN),
  ROW (Trilu, 1, 2, 1, 1, ".I", PLAIN),
  ROW (EyeLike, 1, 1, 1, 1, ".", PLAIN),
  ROW (GridSample, 2, 2, 1, 1, ".", WORK_0),
  ROW (Einsum, 1, ANY, 1, 1, "T", WORK_0),
  /* Inference makes it from DeformConv. */
  ROW (DeformColumns, 2, 3, 1, 1, "T", INTERNAL),
  ROW (Col2Im, 3, 3, 1, 1, ".I", PLAIN),
  ROW (MaxUnpool, 2, 3, 1, 1, ".I", PLAIN),
  ROW (RoiAlign, 3, 3, 1, 1, "TTI", WORK_0),
  ROW (ReverseSequence, 2, 2, 1, 1, ".I", PLAIN),
  ROW (NonZero, 1, 1, 1, 1, ".", PLAIN),
  ROW (Compress, 2, 2, 1, 1, ".B", PLAIN),
  ROW (Unique, 1, 1, 1, 4, ".", PLAIN),
  ROW (NonMaxSuppression, 2, 5, 1, 1, "..I.", PLAIN),
  ROW (HannWindow, 1, 1, 1, 1, "I", PLAIN),
  ROW (HammingWindow, 1, 1, 1, 1, "I", PLAIN),
  ROW (BlackmanWindow, 1, 1, 1, 1, "I", PLAIN),
  ROW (MelWeightMatrix, 5, 5, 1, 1, "III.", PLAIN),
  ROW (Det, 1, 1, 1, 1, ".", WORK_0),
  ROW (BitwiseAnd, 2, 2, 1, 1, "T", BROADCASTS | TAKES_UINT64),
  ROW (BitwiseOr, 2, 2, 1, 1, "T", BROADCASTS | TAKES_UINT64),
  ROW (BitwiseXor, 2, 2, 1, 1, "T", BROADCASTS | TAKES_UINT64),
  ROW (BitwiseNot, 1, 1, 1, 1, ".", MAPS | TAKES_UINT64),
  ROW (BitShift, 2, 2, 1, 1, "T", BROADCASTS | TAKES_UINT64),
  ROW (AffineGrid, 2, 2, 1, 1, ".I", PLAIN),
  /* Inference replaces these by nodes of their sub-graphs. */
  ROW (If, 1, ANY, 1, ANY, "B.", TAKES_UINT64),
  ROW (Loop, 0, ANY, 1, ANY, ".", TAKES_UINT64),
  ROW (Scan, 1, ANY, 1, ANY, ".", TAKES_UINT64),
  /* Inference replaces these by other operators. */
  EXPANDED (CastLike, 2, 2, ".", TAKES_UINT64),
  EXPANDED (GroupNormalization, 3, 3, "T", PLAIN),
  EXPANDED (RMSNormalization, 2, 2, "T", PLAIN),
  EXPANDED (DeformConv, 3, 5, "T", PLAIN),
  EXPANDED (CenterCropPad, 2, 2, ".I", PLAIN),
  EXPANDED (LpNormalization, 1, 1, ".", PLAIN),
  EXPANDED (MeanVarianceNormalization, 1, 1, ".", PLAIN),
  EXPANDED (LpPool, 1, 1, ".", PLAIN),
  EXPANDED (GlobalLpPool, 1, 1, ".", PLAIN),
  EXPANDED (Swish, 1, 1, ".", PLAIN),
  EXPANDED (RotaryEmbedding, 3, 4, "TTTI", PLAIN),
  EXPANDED_TO (Attention, 3, 7, 4, ".", PLAIN),
  EXPANDED (NegativeLogLikelihoodLoss, 2, 3, "TIT", PLAIN),
  EXPANDED_TO (SoftmaxCrossEntropyLoss, 2, 3, 2, "TIT", PLAIN),
  EXPANDED_TO (RNN, 3, 6, 2, "TTTTIT", PLAIN),
  EXPANDED_TO (GRU, 3, 6, 2, "TTTTIT", PLAIN),
  EXPANDED_TO (LSTM, 3, 8, 3, "TTTTIT", PLAIN),
  EXPANDED (DFT, 1, 3, ".I", PLAIN),
  EXPANDED (STFT, 2, 4, "TITI", PLAIN),
  EXPANDED (QLinearConv, 8, 9, ".", PLAIN),
  EXPANDED (QLinearMatMul, 8, 8, ".", PLAIN),
  EXPANDED (ConvInteger, 2, 4, ".", PLAIN),
  EXPANDED (MatMulInteger, 2, 4, ".", PLAIN),
  /* com.microsoft */
  EXPANDED (QLinearAdd, 7, 8, ".", CONTRIBUTED),
  EXPANDED (QLinearMul, 7, 8, ".", CONTRIBUTED),
  EXPANDED (QLinearConcat, 4, ANY, ".", CONTRIBUTED),
  EXPANDED (QLinearSigmoid, 4, 5, ".", CONTRIBUTED),
  EXPANDED (QLinearLeakyRelu, 4, 5, ".", CONTRIBUTED),
  EXPANDED (QLinearAveragePool, 4, 5, ".", CONTRIBUTED),
  EXPANDED (QLinearGlobalAveragePool, 5, 5, ".", CONTRIBUTED),
  EXPANDED (QLinearSoftmax, 5, 5, ".", CONTRIBUTED),
  EXPANDED (QGemm, 6, 9, ".", CONTRIBUTED),
};
/* clang-format on */

const UnetOpDef *
unet_op_def (UnetOp op)
{
  return &ops[op];
}

gboolean
unet_op_eval (const UnetNode *node, const UnetTensorView *in, guint n_in,
    UnetTensorView *out, guint n_out, GError **error)
{
  gboolean empty = TRUE;

  for (guint i = 0; i < n_out; i++)
    if (out[i].dtype != UNET_DTYPE_NONE && unet_view_count (&out[i]) > 0)
      empty = FALSE;
  return empty || ops[node->op].eval (node, in, n_in, out, n_out, error);
}

gboolean
unet_op_has (UnetOp op, UnetOpTraits traits)
{
  return (ops[op].traits & traits) == traits;
}
