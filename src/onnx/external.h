/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include "onnx.pb-c.h"

G_BEGIN_DECLS

/* Reads the @size bytes of a tensor's external data from @folder (nullable).
 * @where: begins errors. Returns %NULL with %UNET_ERROR_PARSE, _LIMIT or
 * _NOT_FOUND. */
GBytes *unet_onnx_read_external (const Onnx__TensorProto *proto,
    const gchar *folder, gsize size, const gchar *where, GError **error);

G_END_DECLS
