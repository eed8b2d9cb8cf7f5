/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Sub-graphs of If, Loop and Scan as exporters write them. */

#include "onnx.pb-c.h"
#include <glib.h>

G_BEGIN_DECLS

/* Returns whether @node is of an operator that has sub-graphs. */
gboolean unet_onnx_has_subgraphs (const Onnx__NodeProto *node);

/* Makes each value that a sub-graph of @model reads from around it an input of
 * its node and of the sub-graph, as graph/subgraph.h says. @name: begins
 * errors. Returns %FALSE with %UNET_ERROR_PARSE where a sub-graph is missing
 * or, for sub-graphs that are too deep or have more than @max nodes or such
 * values, %UNET_ERROR_LIMIT. */
gboolean unet_onnx_close_subgraphs (
    Onnx__ModelProto *model, gsize max, const gchar *name, GError **error);

G_END_DECLS
