/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

/* Takes a graph that a file gave through inference, geometry and all passes,
 * and frees it. @graph: (nullable) */
void fuzz_walk_graph (UnetGraph *graph);

G_END_DECLS
