/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

/* Reads the border of a Pad, one entry for each axis of its input; below 0 it
 * takes away. Returns %FALSE when the numbers are not constant or make no
 * sense. */
gboolean unet_node_pads (const UnetNode *node, gint64 *begin, gint64 *end);

G_END_DECLS
