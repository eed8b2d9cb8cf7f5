/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Moving a Transpose from the inputs of one node to its outputs.
 *
 * With y = transpose (x, perm), axis a of y is axis perm[a] of x. */

#include "graph/graph.h"

G_BEGIN_DECLS

/* Returns the Transpose without post-ops that makes @value, or %NULL.
 * @value: (nullable) */
UnetNode *unet_pass_transpose_of (const UnetValue *value);
/* Reads the permutation of a Transpose. Returns %FALSE when it is none. */
gboolean unet_pass_read_perm (const UnetNode *transpose, guint *perm);
void unet_pass_set_perm (UnetNode *transpose, guint rank, const guint *perm);

/* Lets @node compute in the order of axes that a Transpose before it hides,
 * with a Transpose behind each output. Constant operands are moved; Reshapes
 * that it needs stand before the node. Returns %FALSE, with the graph as it
 * was, when no Transpose stands before the node or the operator cares about
 * the order. */
gboolean unet_pass_sink_transpose (UnetGraph *graph, UnetNode *node);

G_END_DECLS
