/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

/* Sets @error to `FILE: message`, as readers of files do, and returns %FALSE.
 */
gboolean unet_graph_fail (const UnetGraph *graph, GError **error,
    UnetError code, const gchar *format, ...) G_GNUC_PRINTF (4, 5);

G_END_DECLS
