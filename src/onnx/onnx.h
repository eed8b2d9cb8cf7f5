/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reads ONNX files into graphs: the only place that knows the format
 * (https://onnx.ai/onnx/repo-docs/IR.html). */

#include "graph/graph.h"
#include <gio/gio.h>

G_BEGIN_DECLS

/* @folder: (nullable): where external data may lie; %NULL refuses it.
 * Errors are of %UNET_ERROR and start with @name. */
UnetGraph *unet_onnx_parse (
    GBytes *bytes, const gchar *name, const gchar *folder, GError **error);

G_END_DECLS
