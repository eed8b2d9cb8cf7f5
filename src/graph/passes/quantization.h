/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

/* Returns whether the file says, for at least half of the convolutions, how
 * they are computed in 8 bits. */
gboolean unet_graph_is_quantized (const UnetGraph *graph);
/* Turns pairs of QuantizeLinear and DequantizeLinear into ranges of values.
 * For an engine that computes in 8 bits; call it before
 * unet_graph_optimize(). Shapes are known. */
void unet_graph_take_ranges (UnetGraph *graph);

G_END_DECLS
