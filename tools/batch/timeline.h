/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The area of each class over the time of a recording, for the report:
 * .report/timeline.json, an array of { class, label, area: [0 to 1 …] }. */

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Columns of a timeline; a short recording has one for each frame. */
#define BATCH_TIMELINE_COLUMNS 240

/* A timeline of @folder, checked: every class has an `area`. Returns (transfer
 * full) (nullable). */
JsonArray *batch_timeline_read (const gchar *folder);
/* Checks the types of a document. */
gboolean batch_timeline_is_valid (JsonNode *root);
/* Writes it to @path. */
gboolean batch_timeline_write (
    const gchar *path, JsonNode *timeline, GError **error);

/* Joins the timelines of segments (nullable each) that have @frames each.
 * Returns (transfer full). */
JsonArray *batch_timeline_join (
    JsonArray **parts, const guint64 *frames, guint n);

G_END_DECLS
