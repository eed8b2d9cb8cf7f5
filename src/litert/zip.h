/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Finds a file that a ZIP archive at the end of @data stores uncompressed, as
 * LiteRT's tools write it. Returns its bytes, or %NULL. */
const gchar *unet_litert_find_file (
    const guint8 *data, gsize size, const gchar *name, gsize *n);

G_END_DECLS
