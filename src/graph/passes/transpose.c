/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/passes/pass.h"
#include "graph/passes/passes.h"
#include "graph/passes/transpose-sink.h"

/* Reason: TensorFlow's networks are NHWC and ONNX's convolutions NCHW, so
 * that exporters wrap convolutions in Transposes. Moved down through
 * everything that does not care about the order of axes, each meets its
 * inverse and both vanish; those that are left stand at inputs and outputs. */

/* Nothing but axes of extent 1 changes places. */
static gboolean
is_trivial (const UnetNode *transpose)
{
  const UnetValue *x = unet_node_input (transpose, 0);
  guint perm[UNET_MAX_DIMS], last = 0;

  if (!unet_pass_read_perm (transpose, perm))
    return FALSE;
  for (guint i = 0; i < x->n_dims; i++) {
    if (x->dims[perm[i]] == 1)
      continue;
    if (perm[i] < last)
      return FALSE;
    last = perm[i];
  }
  return TRUE;
}

static gboolean
merge_pair (UnetNode *node)
{
  UnetNode *before = unet_pass_transpose_of (unet_node_input (node, 0));
  guint p[UNET_MAX_DIMS], q[UNET_MAX_DIMS], merged[UNET_MAX_DIMS], rank;

  if (node->op != UNET_OP_Transpose || !before
      || !unet_pass_read_perm (before, p) || !unet_pass_read_perm (node, q))
    return FALSE;
  rank = unet_node_input (node, 0)->n_dims;
  for (guint i = 0; i < rank; i++)
    merged[i] = p[q[i]];
  unet_pass_set_perm (node, rank, merged);
  unet_node_set_input (node, 0, unet_node_input (before, 0));
  return TRUE;
}

static gboolean
sink_all (UnetGraph *graph)
{
  gboolean changed = FALSE;

  for (guint i = 0; i < graph->nodes->len; i++) {
    UnetNode *node = g_ptr_array_index (graph->nodes, i);
    guint before = graph->nodes->len;
    if (merge_pair (node)) {
      changed = TRUE;
    } else if (unet_pass_sink_transpose (graph, node)) {
      changed = TRUE;
      /* Renamed inputs stand before the node. */
      while (g_ptr_array_index (graph->nodes, i) != node && i < before)
        i++;
    }
  }
  return changed;
}

/* ---- is it worth it? -------------------------------------------------- */

static gdouble
cost (const UnetGraph *graph)
{
  gdouble elements = 0;

  for (guint i = 0; i < graph->nodes->len; i++) {
    const UnetNode *node = g_ptr_array_index (graph->nodes, i);
    const UnetValue *out = unet_node_output (node, 0);
    if (node->op == UNET_OP_Transpose && !is_trivial (node))
      elements += (gdouble) unet_dims_count (out->n_dims, out->dims);
  }
  return elements;
}

static gboolean
has_transposes (const UnetGraph *graph)
{
  for (guint i = 0; i < graph->nodes->len; i++) {
    const UnetNode *node = g_ptr_array_index (graph->nodes, i);
    if (node->op == UNET_OP_Transpose)
      return TRUE;
  }
  return FALSE;
}

static gboolean
rename_trivial (UnetGraph *graph)
{
  gboolean changed = FALSE;

  for (guint i = 0; i < graph->nodes->len; i++) {
    UnetNode *node = g_ptr_array_index (graph->nodes, i);
    if (node->op != UNET_OP_Transpose || node->post_ops->len
        || !is_trivial (node))
      continue;
    unet_pass_set_reshape (graph, node, unet_node_input (node, 0));
    changed = TRUE;
  }
  return changed;
}

static void
swap_graphs (UnetGraph *a, UnetGraph *b)
{
  UnetGraph swap = *a;

  *a = *b;
  *b = swap;
}

gboolean
unet_pass_transpose (UnetGraph *graph)
{
  gboolean changed = FALSE;
  UnetGraph *trial;

  if (!has_transposes (graph))
    return FALSE;
  /* Moving costs time when nothing cancels: try it on a copy. */
  trial = unet_graph_copy (graph);
  while (sink_all (trial)) {
    unet_pass_dead_code (trial);
    unet_pass_no_op (trial);
  }
  if (cost (trial) < cost (graph)) {
    swap_graphs (graph, trial);
    changed = TRUE;
  }
  unet_graph_free (trial);
  return rename_trivial (graph) || changed;
}
