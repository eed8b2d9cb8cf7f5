/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include "onnx.pb-c.h"

G_BEGIN_DECLS

/* Returns the name of a node or, where it has none, of its first output, in
 * valid UTF-8. Free with g_free(). */
gchar *unet_onnx_node_name (const Onnx__NodeProto *proto);

/* Sorts the nodes of a graph so that each one stands behind the nodes that
 * make its inputs. A file that is sorted keeps its order; in others, a node
 * moves up to just before its first reader. Inputs that no node makes are left
 * to the importer. @name: begins errors. Returns %FALSE with
 * %UNET_ERROR_PARSE, which names the nodes, when there is a cycle. */
gboolean unet_onnx_sort_nodes (
    Onnx__GraphProto *graph, const gchar *name, GError **error);

G_END_DECLS
