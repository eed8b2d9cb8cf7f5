/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/table.h"

/* What the definitions ask of the element types of inputs: those of a type
 * variable agree, indices and shapes are integers. */

static gboolean
is_index_type (UnetDType dtype)
{
  return dtype == UNET_DTYPE_I64 || dtype == UNET_DTYPE_I32;
}

/* Inputs of one type variable: from @first on; FALSE where there are none. */
static gboolean
same_from (UnetOp op, guint *first)
{
  *first = 0;
  switch (op) {
    case UNET_OP_Where:
      *first = 1;
      return TRUE;
    case UNET_OP_Conv:
    case UNET_OP_ConvTranspose:
    case UNET_OP_BatchNormalization:
    case UNET_OP_InstanceNormalization:
    case UNET_OP_PRelu:
    case UNET_OP_Clip:
    case UNET_OP_MatMul:
    case UNET_OP_Gemm:
    case UNET_OP_Concat:
    case UNET_OP_Add:
    case UNET_OP_Sub:
    case UNET_OP_Mul:
    case UNET_OP_Div:
    case UNET_OP_Min:
    case UNET_OP_Max:
    case UNET_OP_Sum:
    case UNET_OP_Mean:
    case UNET_OP_Equal:
    case UNET_OP_Less:
    case UNET_OP_Greater:
    case UNET_OP_LessOrEqual:
    case UNET_OP_GreaterOrEqual:
    case UNET_OP_And:
    case UNET_OP_Or:
    case UNET_OP_Xor:
    case UNET_OP_Range:
      return TRUE;
    default:
      return FALSE;
  }
}

/* Inputs @from to below @to are indices, shapes or numbers of elements. */
static void
index_inputs (UnetOp op, guint *from, guint *to)
{
  *from = 1;
  *to = 2;
  switch (op) {
    case UNET_OP_Reshape:
    case UNET_OP_Expand:
    case UNET_OP_Tile:
    case UNET_OP_Gather:
    case UNET_OP_Pad:
    case UNET_OP_Split:
    case UNET_OP_Squeeze:
    case UNET_OP_Unsqueeze:
      return;
    case UNET_OP_Slice:
      *to = 5;
      return;
    case UNET_OP_Resize:
      *from = 3;
      *to = 4;
      return;
    case UNET_OP_ConstantOfShape:
      *from = 0;
      *to = 1;
      return;
    default:
      *to = 0;
  }
}

static gboolean
wants_bools (UnetOp op, guint index)
{
  return op == UNET_OP_And || op == UNET_OP_Or || op == UNET_OP_Xor
      || op == UNET_OP_Not || (op == UNET_OP_Where && index == 0);
}

static gboolean
fail (const UnetGraph *graph, const UnetNode *node, guint index, GError **error)
{
  const UnetValue *value = unet_node_input (node, index);

  unet_node_set_error (error, graph, node, UNET_ERROR_PARSE,
      "input %u, '%s', is of the wrong type (%s)", index, value->name,
      unet_dtype_name (value->dtype));
  return FALSE;
}

gboolean
unet_node_check_types (
    const UnetGraph *graph, const UnetNode *node, GError **error)
{
  guint first, from, to;
  gboolean same = same_from (node->op, &first);
  UnetDType type = UNET_DTYPE_NONE;

  index_inputs (node->op, &from, &to);
  for (guint i = 0; i < node->inputs->len; i++) {
    const UnetValue *value = unet_node_input (node, i);
    if (!value || value->dtype == UNET_DTYPE_NONE)
      continue;
    if (wants_bools (node->op, i) && value->dtype != UNET_DTYPE_BOOL)
      return fail (graph, node, i, error);
    if (i >= from && i < to && !is_index_type (value->dtype))
      return fail (graph, node, i, error);
    if (!same || i < first)
      continue;
    if (type != UNET_DTYPE_NONE && value->dtype != type)
      return fail (graph, node, i, error);
    type = value->dtype;
  }
  return TRUE;
}
