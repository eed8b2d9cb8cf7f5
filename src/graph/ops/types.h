/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

/* Compares element types of the inputs with the operator table. Returns %FALSE
 * with %UNET_ERROR_PARSE when one is wrong. */
gboolean unet_node_check_types (
    const UnetGraph *graph, const UnetNode *node, GError **error);

G_END_DECLS
