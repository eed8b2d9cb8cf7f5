/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which part of the picture each value covers. */

#include "graph/graph.h"

G_BEGIN_DECLS

/* How the pixels of a value lie over those of the picture input:
 * input = scale * output + offset, in coordinates of pixel edges. One entry
 * each for rows and columns. */
typedef struct {
  gboolean known;
  gint axis[2];                /* which are rows and columns */
  gdouble scale[2], offset[2]; /* input pixels */
  gint64 extent[2];            /* of the value's own rows and columns */
} UnetGeometry;

/* Follows the picture from @input, which has rank 4 and its channels on axis
 * @channel_axis, 1 or 3, through windows, crops and resizes. @geometry has one
 * entry for each value id. Shapes are known. */
void unet_graph_geometry (const UnetGraph *graph, const UnetValue *input,
    gint channel_axis, UnetGeometry *geometry);

G_END_DECLS
