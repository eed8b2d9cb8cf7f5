/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* JSON documents, out and in. A document that is read is not trusted: it is
 * checked before json-glib, which recurses, parses it, and every getter checks
 * the type of what it returns. */

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* ---- out ---------------------------------------------------------------- */

/* Ends a document that was begun on @builder and prints it on stdout. */
void tool_print_json (JsonBuilder *builder);

/* Add a member to the object at hand. */
void tool_json_string (
    JsonBuilder *builder, const gchar *key, const gchar *value);
void tool_json_int (JsonBuilder *builder, const gchar *key, gint64 value);
void tool_json_double (JsonBuilder *builder, const gchar *key, gdouble value);

/* ---- in ----------------------------------------------------------------- */

/* Documents of the program nest 5 levels deep. json-glib needs about 200 bytes
 * of stack for a level: 200,000 of them end a thread of 8 MiB. */
#define TOOL_JSON_MAX_DEPTH 32
/* An item of batch.json takes some 200 bytes: a million items fit. */
#define TOOL_JSON_MAX_SIZE (256 * 1024 * 1024)

/* Parses a document of strict JSON: UTF-8, at most %TOOL_JSON_MAX_SIZE bytes
 * and %TOOL_JSON_MAX_DEPTH levels. @name is what an error calls it. Returns
 * (transfer full): the root, or %NULL with @error of %TOOL_ERROR_FILE set. */
JsonNode *tool_json_parse (
    const gchar *text, gsize size, const gchar *name, GError **error);

/* Reads a regular file and parses it as above. A file that is missing gives
 * an error of %G_FILE_ERROR; the other errors are of %TOOL_ERROR_FILE. Both
 * name the file. */
JsonNode *tool_json_read (const gchar *path, GError **error);
/* The same for a document that is one object. */
JsonObject *tool_json_read_object (const gchar *path, GError **error);

/* The value of a member, or @fallback where the member is missing or is no
 * number, no string. */
gint64 tool_json_get_int (
    JsonObject *object, const gchar *name, gint64 fallback);
gdouble tool_json_get_double (
    JsonObject *object, const gchar *name, gdouble fallback);
const gchar *tool_json_get_string (
    JsonObject *object, const gchar *name, const gchar *fallback);
/* A number as above that is within @min to @max; %FALSE for every other. */
gboolean tool_json_get_range (
    JsonObject *object, const gchar *name, gint64 min, gint64 max, gint64 *at);

/* (nullable) (transfer none): %NULL for a member of another type. */
JsonArray *tool_json_get_array (JsonObject *object, const gchar *name);
JsonObject *tool_json_get_object (JsonObject *object, const gchar *name);
/* (nullable) (transfer none): %NULL for an element of another type. */
JsonObject *tool_json_get_element (JsonArray *array, guint index);
/* 0 for an element that is no number. */
gdouble tool_json_get_number (JsonArray *array, guint index);

G_END_DECLS
