/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Copies of sub-graphs into the graph around them. A sub-graph reads its own
 * inputs only: the importer made inputs of the values that it captures. */

#include "graph/graph.h"

G_BEGIN_DECLS

/* Attribute of a node with sub-graphs: how many of its last inputs, and of
 * theirs, are captured. */
#define UNET_CAPTURED "unetseg.captured"

/* Inserts a copy of @body's nodes before @node. Constants are shared.
 *
 * @prefix: begins the names of the copies
 * @inputs: one for each input of @body; (nullable) each
 * @outputs: set to one value for each output of @body
 *
 * Returns %FALSE with %UNET_ERROR_LIMIT when sub-graphs unfold beyond all
 * measure, or %UNET_ERROR_PARSE when @body needs a value that is missing. */
gboolean unet_subgraph_insert (UnetGraph *graph, UnetNode *node,
    const UnetGraph *body, const gchar *prefix, UnetValue *const *inputs,
    UnetValue **outputs, GError **error);

G_END_DECLS
