/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

/* Reads which input axis each output axis of a Transpose is. Returns %FALSE
 * when the attribute is no permutation of @rank axes. */
gboolean unet_node_permutation (
    const UnetNode *node, guint rank, guint *permutation);

G_END_DECLS
