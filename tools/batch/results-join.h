/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The lines of results.jsonl of segments, numbered again. */

#include <glib.h>

G_BEGIN_DECLS

/* Appends the lines of @data to @out with frame numbers from *@frame on, and
 * adds their count to it. @name is what an error calls the data, which is not
 * trusted: each line is an object that begins with `"frame":NUMBER`. */
gboolean batch_results_renumber (const gchar *data, gsize size,
    const gchar *name, guint64 *frame, GString *out, GError **error);

G_END_DECLS
