/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reads ONNX files into graphs: the only place that knows the format
 * (https://onnx.ai/onnx/repo-docs/IR.html). */

#include "graph/graph.h"
#include <gio/gio.h>

G_BEGIN_DECLS

/* Reads a model. Nodes may be in any order. @name begins errors; @folder
 * (nullable) may hold external data. Returns a graph before inference, or
 * %NULL with %UNET_ERROR_PARSE, _UNSUPPORTED, _LIMIT or _NOT_FOUND. */
UnetGraph *unet_onnx_parse (
    GBytes *bytes, const gchar *name, const gchar *folder, GError **error);

G_END_DECLS
