/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/pass.h"

gboolean
unet_graph_optimize (UnetGraph *graph, GError **error)
{
  unet_pass_dead_code (graph);
  return TRUE;
}
