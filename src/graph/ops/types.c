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
    if (value->dtype == UNET_DTYPE_U64
        && !unet_op_has (node->op, UNET_OP_TAKES_UINT64)) {
      unet_node_set_error (error, graph, node, UNET_ERROR_UNSUPPORTED,
          "input %u, '%s', is of element type uint64, which this operator does "
          "not take; export it as int64",
          i, value->name);
      return FALSE;
    }
  }
  return TRUE;
}
