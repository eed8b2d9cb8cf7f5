/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Questions about one node, whose shapes are known. */

#include "graph/graph.h"

G_BEGIN_DECLS

/* Returns whether the node adds products of integers, which must not be
 * rounded on the way. */
gboolean unet_node_is_exact (const UnetNode *node);
/* Returns whether weights and bias of a convolution are f32 constants. */
gboolean unet_node_has_f32_weights (const UnetNode *node);
/* Reads an activation node as a post-op. Returns %FALSE when it is none, or
 * its limits are not constant. */
gboolean unet_node_unary (const UnetNode *node, UnetPostOp *post_op);
/* Reads the first element on each axis of a Slice. Returns %FALSE when a step
 * is not 1. */
gboolean unet_node_slice_starts (const UnetNode *node, gint64 *starts);
/* Reads the leading border of a Pad. Returns %FALSE when it is not zeros, or
 * takes elements away. */
gboolean unet_node_pad_zero (const UnetNode *node, gint64 *begin);

G_END_DECLS
