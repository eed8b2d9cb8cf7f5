/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/lower/table.h"
#include "engine/lower/binary.h"
#include "engine/lower/conv-expand-depthwise.h"
#include "engine/lower/conv.h"
#include "engine/lower/deconv.h"
#include "engine/lower/int8-conv.h"
#include "engine/lower/int8-move.h"
#include "engine/lower/matmul.h"
#include "engine/lower/move.h"
#include "engine/lower/normalize.h"
#include "engine/lower/pool.h"
#include "engine/lower/reduce.h"
#include "engine/lower/reference.h"
#include "engine/lower/resize.h"
#include "engine/lower/softmax.h"
#include "engine/lower/unary.h"
#include "engine/emit/post-ops.h"
#include "engine/run/int8-layout.h"

/* By operator; %NULL: it has a reference implementation only. */
static const UnetLower table[UNET_N_OPS] = {
  [UNET_OP_Conv] = unet_lower_conv,
  [UNET_OP_ConvTranspose] = unet_lower_deconv,
  [UNET_OP_MatMul] = unet_lower_matmul,
  [UNET_OP_Gemm] = unet_lower_matmul,
  [UNET_OP_MaxPool] = unet_lower_pool,
  [UNET_OP_AveragePool] = unet_lower_pool,
  [UNET_OP_GlobalAveragePool] = unet_lower_global_pool,
  [UNET_OP_GlobalMaxPool] = unet_lower_global_pool,
  [UNET_OP_ReduceMean] = unet_lower_global_pool,
  [UNET_OP_ReduceMax] = unet_lower_global_pool,
  [UNET_OP_ReduceSum] = unet_lower_reduce,
  [UNET_OP_Add] = unet_lower_binary,
  [UNET_OP_Sub] = unet_lower_binary,
  [UNET_OP_Mul] = unet_lower_binary,
  [UNET_OP_Div] = unet_lower_binary,
  [UNET_OP_Min] = unet_lower_binary,
  [UNET_OP_Max] = unet_lower_binary,
  [UNET_OP_Relu] = unet_lower_unary,
  [UNET_OP_Clip] = unet_lower_unary,
  [UNET_OP_LeakyRelu] = unet_lower_unary,
  [UNET_OP_PRelu] = unet_lower_unary,
  [UNET_OP_Sigmoid] = unet_lower_unary,
  [UNET_OP_HardSigmoid] = unet_lower_unary,
  [UNET_OP_HardSwish] = unet_lower_unary,
  [UNET_OP_Tanh] = unet_lower_unary,
  [UNET_OP_Elu] = unet_lower_unary,
  [UNET_OP_Softplus] = unet_lower_unary,
  [UNET_OP_InstanceNormalization] = unet_lower_normalize,
  [UNET_OP_LayerNormalization] = unet_lower_normalize,
  [UNET_OP_Softmax] = unet_lower_softmax,
  [UNET_OP_LogSoftmax] = unet_lower_softmax,
  [UNET_OP_Concat] = unet_lower_concat,
  [UNET_OP_Slice] = unet_lower_slice,
  [UNET_OP_Split] = unet_lower_slice,
  [UNET_OP_Pad] = unet_lower_pad,
  [UNET_OP_Reshape] = unet_lower_reshape,
  [UNET_OP_Flatten] = unet_lower_reshape,
  [UNET_OP_Squeeze] = unet_lower_reshape,
  [UNET_OP_Unsqueeze] = unet_lower_reshape,
  [UNET_OP_Identity] = unet_lower_reshape,
  [UNET_OP_Dropout] = unet_lower_reshape,
  [UNET_OP_Transpose] = unet_lower_transpose,
  [UNET_OP_Resize] = unet_lower_resize,
  [UNET_OP_Upsample] = unet_lower_resize,
};

gboolean
unet_op_has_lowering (UnetOp op)
{
  return table[op] != NULL;
}

gboolean
unet_plan_lower (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error)
{
  gboolean has_data = TRUE, ok = TRUE;

  for (guint i = 0; i < node->outputs->len; i++) {
    UnetValue *v = unet_node_output (node, i);
    if (v
        && (v->dtype != UNET_DTYPE_F32
            || unet_dims_count (v->n_dims, v->dims) == 0))
      has_data = FALSE;
  }
  if (plan->done[node->index] && node->op == UNET_OP_Conv)
    return TRUE; /* and its post-ops */
  if (plan->done[node->index])
    return unet_emit_post_ops (
        plan, node, 0, unet_node_output (node, 0), layout, error);
  if (!table[node->op] || !has_data
      || plan->options.tuning == UNET_TUNING_REFERENCE)
    return unet_lower_reference (plan, node, UNET_MEM_PLAIN, error);
  if (layout == UNET_MEM_LOW)
    return unet_node_is_conv (node) ? unet_lower_int8_conv (plan, node, error)
                                    : unet_lower_int8_move (plan, node, error);
  if (layout == UNET_MEM_BLOCKED
      && unet_lower_expand_depthwise (plan, node, &ok, error))
    return ok;
  return table[node->op](plan, node, layout, error);
}
