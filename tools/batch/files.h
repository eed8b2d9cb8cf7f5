/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Folders and files that a batch writes. Errors are of %BATCH_ERROR_OUTPUT and
 * name the path. */

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Creates a folder, or the folder of a file, with all folders above. */
gboolean batch_make_folder (const gchar *path, GError **error);
gboolean batch_make_parent (const gchar *path, GError **error);

/* Removes a folder with its content, or a file. Links are removed, not
 * followed. Returns FALSE when something is left. */
gboolean batch_remove_folder (const gchar *path);

/* Renames folder @from to @to. A folder that is at @to stays until the new one
 * is in its place, and is then removed. */
gboolean batch_replace_folder (
    const gchar *from, const gchar *to, GError **error);

/* Waits until the file system of @path is on disk. */
void batch_sync_folder (const gchar *path);

/* Writes a document durably: after a crash the file is the old or the new
 * one. The builder is at the end of the document. */
gboolean batch_write_json (
    const gchar *path, JsonBuilder *builder, GError **error);
/* The same, but the file is on disk only after batch_sync_folder (). */
gboolean batch_write_json_later (
    const gchar *path, JsonBuilder *builder, GError **error);

G_END_DECLS
