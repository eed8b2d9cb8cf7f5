/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <unetseg/unet-session.h>
#include "graph/graph.h"

G_BEGIN_DECLS

/* How an output lies over the picture input, and what of it each of its pixels
 * depends on. */
typedef struct {
  UnetGeometry geometry;
  UnetReach reach;
  gint64 grid[2]; /* rows, columns: see unet_graph_grid() */
} UnetView;

/* @index: below unet_model_get_n_outputs() */
const UnetView *unet_session_get_view (const UnetSession *session,
    guint index);

G_END_DECLS
