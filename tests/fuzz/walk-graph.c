/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "walk-graph.h"
#include "graph/analysis/geometry.h"
#include "graph/ops/infer.h"
#include "graph/passes/optimize.h"

/* Gives open dimensions small sizes, so that shapes become known. */
static void
close_dims (UnetGraph *graph)
{
  for (guint i = 0; i < graph->inputs->len; i++) {
    UnetValue *value = g_ptr_array_index (graph->inputs, i);
    for (guint k = 0; k < value->n_dims; k++)
      if (value->dims[k] < 0)
        value->dims[k] = k == 1 ? 3 : 8;
  }
}

void
fuzz_walk_graph (UnetGraph *graph)
{
  g_autofree UnetGeometry *geometry = NULL;
  UnetGraph *copy;

  if (!graph)
    return;
  close_dims (graph);
  copy = unet_graph_copy (graph);
  if (unet_graph_infer (copy, NULL)) {
    geometry = g_new0 (UnetGeometry, copy->values->len + 1);
    if (copy->inputs->len)
      unet_graph_geometry (
          copy, g_ptr_array_index (copy->inputs, 0), 1, geometry);
    unet_graph_optimize (copy);
  }
  unet_graph_free (copy);
  unet_graph_free (graph);
}
