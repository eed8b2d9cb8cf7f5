/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reads LiteRT files (.tflite) into graphs: the only place that knows the
 * format (https://ai.google.dev/edge/litert). */

#include "graph/graph.h"
#include <gio/gio.h>

G_BEGIN_DECLS

/* Returns whether the bytes are those of a LiteRT file. */
gboolean unet_litert_is_file (GBytes *bytes);

/* Reads the first sub-graph of a file. @name begins errors. Inputs and outputs
 * keep names, types and orders of axes of the file, but quantised outputs are
 * given as floats. Returns a graph before inference, or %NULL with
 * %UNET_ERROR_PARSE, _UNSUPPORTED or _LIMIT. */
UnetGraph *unet_litert_parse (GBytes *bytes, const gchar *name, GError **error);

G_END_DECLS
