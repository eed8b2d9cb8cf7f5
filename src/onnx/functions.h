/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Functions that a model brings along: exporters write parts of a network as
 * functions of their own domain. */

#include "onnx.pb-c.h"
#include <glib.h>

G_BEGIN_DECLS

/* Replaces each call of a function of @model by the function's nodes. Values
 * inside a call get its name as a prefix; attributes take what the call gives,
 * or the function's default. @name: begins errors. Returns %FALSE with
 * %UNET_ERROR_PARSE, %UNET_ERROR_UNSUPPORTED or, for functions that call
 * themselves or unfold beyond @max_nodes, %UNET_ERROR_LIMIT. */
gboolean unet_onnx_inline_functions (Onnx__ModelProto *model, gsize max_nodes,
    const gchar *name, GError **error);

G_END_DECLS
