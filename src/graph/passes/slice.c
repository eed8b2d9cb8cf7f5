/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/passes/pass.h"
#include "graph/passes/passes.h"
#include "graph/analysis/query.h"

/* Reason: exporters write the crop of a U-Net's skip connection as one Slice
 * for the rows and one for the columns; as one Slice it is a view of which a
 * single copy goes into the concatenation. */

static void
set_slice (UnetNode *node, UnetValue *input, const gint64 *starts)
{
  const UnetValue *out = unet_node_output (node, 0);
  gint64 ends[UNET_MAX_DIMS], axes[UNET_MAX_DIMS];

  for (guint i = 0; i < out->n_dims; i++) {
    ends[i] = starts[i] + out->dims[i];
    axes[i] = i;
  }
  unet_pass_set_inputs (node, input);
  unet_node_set_attr_ints (node, "starts", starts, out->n_dims);
  unet_node_set_attr_ints (node, "ends", ends, out->n_dims);
  unet_node_set_attr_ints (node, "axes", axes, out->n_dims);
}

static gboolean
merge_slices (UnetGraph *graph, UnetNode *node)
{
  gint64 first[UNET_MAX_DIMS], second[UNET_MAX_DIMS];
  UnetValue *between = unet_node_input (node, 0);
  UnetNode *before = between ? between->producer : NULL;

  if (node->op != UNET_OP_Slice || !before || before->op != UNET_OP_Slice
      || before->post_ops->len
      || unet_pass_sole_consumer (graph, between) != node
      || !unet_node_slice_starts (before, first)
      || !unet_node_slice_starts (node, second))
    return FALSE;
  for (guint i = 0; i < between->n_dims; i++)
    second[i] += first[i];
  set_slice (node, unet_node_input (before, 0), second);
  unet_graph_remove_node (graph, before);
  return TRUE;
}

gboolean
unet_pass_slice (UnetGraph *graph)
{
  return unet_pass_each (graph, merge_slices);
}
