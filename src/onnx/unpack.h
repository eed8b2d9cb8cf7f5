/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include "onnx.pb-c.h"

G_BEGIN_DECLS

/* Unpacks untrusted bytes; depth of nesting and memory are bounded. @name:
 * begins errors. Returns a message to free with
 * onnx__model_proto__free_unpacked (model, NULL), or %NULL with
 * %UNET_ERROR_PARSE or %UNET_ERROR_LIMIT. */
Onnx__ModelProto *unet_onnx_unpack (
    GBytes *bytes, const gchar *name, GError **error);

G_END_DECLS
