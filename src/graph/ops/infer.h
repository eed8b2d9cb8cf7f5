/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

/* Finds types and shapes of everything from those of the inputs, and folds
 * what is constant on the way, so that chains of Shape, Gather and Concat
 * vanish. What depends on open dimensions (-1) stays open. Nodes of old
 * operator sets are rewritten into those of today. May be called again after
 * shapes of inputs have changed. Returns %FALSE with @error set to
 * %UNET_ERROR_SHAPE, %UNET_ERROR_PARSE, %UNET_ERROR_UNSUPPORTED or
 * %UNET_ERROR_LIMIT; the graph is then good for freeing only. */
gboolean unet_graph_infer (UnetGraph *graph, GError **error);

G_END_DECLS
