/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

/* Rewrites what an old operator set says differently, and inserts nodes before
 * @node where it takes several. Shapes of the inputs are known. Returns %FALSE
 * with @error set when attributes do not fit. */
gboolean unet_node_modernize (UnetGraph *graph, UnetNode *node, GError **error);

G_END_DECLS
