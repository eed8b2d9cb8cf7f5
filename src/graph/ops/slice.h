/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

/* Reads the first element and the step of a Slice, one entry for each axis of
 * its input, whose shape is known. Returns %FALSE when they are not constant
 * or make no sense. */
gboolean unet_node_slice (const UnetNode *node, gint64 *starts, gint64 *steps);

G_END_DECLS
