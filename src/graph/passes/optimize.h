/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

/* Runs the passes of sessions, in order. Shapes are known. Results stay the
 * same to rounding. */
void unet_graph_optimize (UnetGraph *graph);

G_END_DECLS
