/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The passes of unet_graph_optimize(). Each changes the graph in place, keeps
 * its results to rounding, keeps nodes in topological order and shapes right,
 * and tells whether it changed anything. */

#include "graph/ops.h"

G_BEGIN_DECLS

gboolean unet_pass_dead_code (UnetGraph *graph);

G_END_DECLS
