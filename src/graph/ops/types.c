/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/types.h"
#include "graph/ops/table.h"
#include <string.h>

static gboolean
fail (const UnetGraph *graph, const UnetNode *node, guint index, GError **error)
{
  const UnetValue *value = unet_node_input (node, index);

  unet_node_set_error (error, graph, node, UNET_ERROR_PARSE,
      "input %u, '%s', is of the wrong type (%s)", index, value->name,
      unet_dtype_name (value->dtype));
  return FALSE;
}

/* @common: (inout): the type of the T before, or NONE. */
static gboolean
fits (gchar letter, UnetDType dtype, UnetDType *common)
{
  switch (letter) {
    case 'B':
      return dtype == UNET_DTYPE_BOOL;
    case 'I':
      return dtype == UNET_DTYPE_I64 || dtype == UNET_DTYPE_I32;
    case 'T':
      if (*common == UNET_DTYPE_NONE)
        *common = dtype;
      return dtype == *common;
    default:
      return TRUE;
  }
}

/* Other oracles take 64-bit integers for signed, or for doubles: they would be
 * wrong from 2^63 on, or rounded. */
static gboolean
takes_uint64 (UnetOp op)
{
  switch (op) {
    case UNET_OP_BitwiseNot:
    case UNET_OP_Cast:
    case UNET_OP_CastLike:
    case UNET_OP_Concat:
    case UNET_OP_Expand:
    case UNET_OP_Gather:
    case UNET_OP_GatherElements:
    case UNET_OP_GatherND:
    case UNET_OP_Identity:
    case UNET_OP_If:
    case UNET_OP_Loop:
    case UNET_OP_Scan:
    case UNET_OP_Shape:
    case UNET_OP_Size:
    case UNET_OP_Slice:
    case UNET_OP_Split:
    case UNET_OP_Tile:
      return TRUE;
    case UNET_OP_Mean:
      return FALSE;
    default:
      return unet_op_has (op, UNET_OP_BROADCASTS)
          || unet_op_has (op, UNET_OP_RENAMES)
          || unet_op_has (op, UNET_OP_VIEW | UNET_OP_MOVES);
  }
}

gboolean
unet_node_check_types (
    const UnetGraph *graph, const UnetNode *node, GError **error)
{
  const gchar *types = unet_op_def (node->op)->types;
  guint last = (guint) strlen (types) - 1;
  UnetDType common = UNET_DTYPE_NONE;

  for (guint i = 0; i < node->inputs->len; i++) {
    const UnetValue *value = unet_node_input (node, i);
    if (!value || value->dtype == UNET_DTYPE_NONE)
      continue;
    if (!fits (types[MIN (i, last)], value->dtype, &common))
      return fail (graph, node, i, error);
    if (value->dtype == UNET_DTYPE_U64 && !takes_uint64 (node->op)) {
      unet_node_set_error (error, graph, node, UNET_ERROR_UNSUPPORTED,
          "input %u, '%s', is of element type uint64, which this operator does "
          "not take; export it as int64",
          i, value->name);
      return FALSE;
    }
  }
  return TRUE;
}
