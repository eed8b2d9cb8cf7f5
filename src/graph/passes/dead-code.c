/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/passes/passes.h"

/* Reason: files hold nodes whose results are never read (auxiliary heads,
 * shape arithmetic), and other passes leave operands behind. */

static gboolean
is_wanted (const UnetGraph *graph, const UnetNode *node)
{
  for (guint i = 0; i < node->outputs->len; i++) {
    const UnetValue *value = unet_node_output (node, i);
    if (value && (value->consumers->len || unet_graph_is_output (graph, value)))
      return TRUE;
  }
  return FALSE;
}

gboolean
unet_pass_dead_code (UnetGraph *graph)
{
  gboolean changed = FALSE;

  /* Backwards, so that one walk takes whole chains. */
  for (guint i = graph->nodes->len; i-- > 0;) {
    UnetNode *node = g_ptr_array_index (graph->nodes, i);
    if (is_wanted (graph, node))
      continue;
    unet_graph_remove_node (graph, node);
    changed = TRUE;
  }
  return changed;
}
