/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/passes/pass.h"
#include "graph/passes/passes.h"
#include "graph/ops/move.h"
#include "graph/ops/pad.h"
#include "graph/ops/resize-params.h"
#include "graph/ops/slice.h"
#include "graph/ops/table.h"
#include <string.h>

/* Reason: exporters write many nodes that change nothing for the shapes at
 * hand (Identity, Dropout at inference, a Reshape to the same shape, a crop
 * of nothing), and each would cost a copy and hide its neighbours from the
 * other passes. */

static gboolean
same_shape (const UnetNode *node)
{
  const UnetValue *in = unet_node_input (node, 0);
  const UnetValue *out = unet_node_output (node, 0);

  return in->dtype == out->dtype && in->has_shape && out->has_shape
      && in->n_dims == out->n_dims
      && !memcmp (in->dims, out->dims, in->n_dims * sizeof *in->dims)
      && (in->n_dims == 0 || unet_dims_count (in->n_dims, in->dims));
}

static gboolean
keeps_order (const UnetNode *node)
{
  guint perm[UNET_MAX_DIMS], rank = unet_node_input (node, 0)->n_dims;

  if (!unet_node_permutation (node, rank, perm))
    return FALSE;
  for (guint i = 0; i < rank; i++)
    if (perm[i] != i)
      return FALSE;
  return TRUE;
}

/* A step of -1 over everything keeps the shape but not the order. */
static gboolean
keeps_all (const UnetNode *node)
{
  gint64 starts[UNET_MAX_DIMS], steps[UNET_MAX_DIMS];

  if (!unet_node_slice (node, starts, steps))
    return FALSE;
  for (guint i = 0; i < unet_node_input (node, 0)->n_dims; i++)
    if (steps[i] < 1)
      return FALSE;
  return TRUE;
}

/* Borders may cancel: one row less above, one more below. */
static gboolean
pads_nothing (const UnetNode *node)
{
  gint64 begin[UNET_MAX_DIMS], end[UNET_MAX_DIMS];

  if (!unet_node_pads (node, begin, end))
    return FALSE;
  for (guint i = 0; i < unet_node_input (node, 0)->n_dims; i++)
    if (begin[i] || end[i])
      return FALSE;
  return TRUE;
}

static gboolean
scales_nothing (const UnetGraph *graph, const UnetNode *node)
{
  UnetResize resize;

  if (!unet_node_resize (graph, node, &resize, NULL)
      || resize.coord == UNET_COORD_TF_CROP_AND_RESIZE)
    return FALSE;
  for (guint i = 0; i < unet_node_input (node, 0)->n_dims; i++)
    if (resize.scale[i] != 1)
      return FALSE;
  return TRUE;
}

static gboolean
is_no_op (const UnetGraph *graph, const UnetNode *node)
{
  if (node->post_ops->len || !node->inputs->len || !same_shape (node))
    return FALSE;
  if (unet_op_has (node->op, UNET_OP_RENAMES))
    return TRUE;
  switch (node->op) {
    case UNET_OP_Identity:
    case UNET_OP_Cast:
    case UNET_OP_Expand:
      return TRUE;
    case UNET_OP_Dropout:
      return !unet_node_output (node, 1)
          || (!unet_node_output (node, 1)->consumers->len
              && !unet_graph_is_output (graph, unet_node_output (node, 1)));
    case UNET_OP_Concat:
    case UNET_OP_Min:
    case UNET_OP_Max:
      return node->inputs->len == 1;
    case UNET_OP_Split:
      return node->outputs->len == 1;
    case UNET_OP_Transpose:
      return keeps_order (node);
    case UNET_OP_Slice:
      return keeps_all (node);
    case UNET_OP_Pad:
      return pads_nothing (node);
    case UNET_OP_Resize:
    case UNET_OP_Upsample:
      return scales_nothing (graph, node);
    default:
      return FALSE;
  }
}

/* Two Reshapes in a row are the second one alone. */
static gboolean
merge_reshapes (UnetGraph *graph, UnetNode *node)
{
  UnetNode *before = unet_node_input (node, 0)->producer;

  if (node->op != UNET_OP_Reshape || !before || before->post_ops->len
      || !unet_op_has (before->op, UNET_OP_RENAMES))
    return FALSE;
  unet_pass_set_reshape (graph, node, unet_node_input (before, 0));
  return TRUE;
}

gboolean
unet_pass_no_op (UnetGraph *graph)
{
  gboolean changed = FALSE;

  for (guint i = graph->nodes->len; i-- > 0;) {
    UnetNode *node = g_ptr_array_index (graph->nodes, i);
    if (is_no_op (graph, node))
      changed |= unet_pass_bypass (graph, node);
    else if (node->inputs->len)
      changed |= merge_reshapes (graph, node);
  }
  return changed;
}
