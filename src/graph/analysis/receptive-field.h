/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The receptive field of each value, and the grid of the strides. */

#include "graph/analysis/geometry.h"

G_BEGIN_DECLS

/* Pixel k of a value depends on pixels scale * k + low to scale * k + high of
 * the input at most. Paths that see the whole picture, such as a gate from its
 * mean, are left out. */
typedef struct {
  gdouble low[2], high[2]; /* rows, columns; input pixels */
  gboolean padded;         /* sees borders that a layer has made up */
} UnetReach;

/* @geometry: of unet_graph_geometry(); @reach has one entry for each value
 * id. */
void unet_graph_reach (const UnetGraph *graph, const UnetValue *input,
    const UnetGeometry *geometry, UnetReach *reach);
/* Sets the least shift of the picture that only shifts every value, in pixels:
 * rows, columns; 1 to 4096. */
void unet_graph_grid (
    const UnetGraph *graph, const UnetGeometry *geometry, gint64 grid[2]);

G_END_DECLS
