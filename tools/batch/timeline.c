/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/timeline.h"

#include "batch/error.h"
#include "lib/json.h"

gboolean
batch_timeline_is_valid (JsonNode *root)
{
  JsonArray *classes;

  if (!JSON_NODE_HOLDS_ARRAY (root))
    return FALSE;
  classes = json_node_get_array (root);
  for (guint i = 0; i < json_array_get_length (classes); i++) {
    JsonObject *class = tool_json_get_element (classes, i);
    gint64 id;

    if (class == NULL || tool_json_get_array (class, "area") == NULL
        || !tool_json_get_range (class, "class", 0, 255, &id))
      return FALSE;
  }
  return TRUE;
}

JsonArray *
batch_timeline_read (const gchar *folder)
{
  g_autofree gchar *path =
      g_build_filename (folder, ".report", "timeline.json", NULL);
  g_autoptr (JsonNode) root = tool_json_read (path, NULL);

  return root != NULL && batch_timeline_is_valid (root)
      ? json_node_dup_array (root)
      : NULL;
}

gboolean
batch_timeline_write (const gchar *path, JsonNode *timeline, GError **error)
{
  g_autofree gchar *text = json_to_string (timeline, FALSE);
  g_autoptr (GError) local = NULL;

  if (g_file_set_contents (path, text, -1, &local))
    return TRUE;
  g_set_error (
      error, BATCH_ERROR, BATCH_ERROR_OUTPUT, "%s: %s", path, local->message);
  return FALSE;
}

/* ---- joining ------------------------------------------------------------ */

static JsonObject *
find_class (JsonArray *classes, gint64 id)
{
  for (guint c = 0; classes != NULL && c < json_array_get_length (classes);
       c++) {
    JsonObject *class = tool_json_get_element (classes, c);

    if (tool_json_get_int (class, "class", -1) == id)
      return class;
  }
  return NULL;
}

/* Appends @columns values; without @class they are 0. */
static void
add_areas (JsonArray *to, JsonObject *class, guint columns)
{
  JsonArray *from = class ? tool_json_get_array (class, "area") : NULL;
  guint n = from != NULL ? json_array_get_length (from) : 0;

  for (guint i = 0; i < columns; i++)
    json_array_add_double_element (
        to, n > 0 ? tool_json_get_number (from, (guint64) i * n / columns) : 0);
}

/* Returns (transfer full) (nullable): %NULL for a class that no part has. */
static JsonObject *
join_class (
    JsonArray **parts, const guint64 *frames, guint n, guint64 total, gint64 id)
{
  JsonArray *areas = json_array_new ();
  const gchar *label = NULL, *color = NULL;
  gboolean found = FALSE;
  JsonObject *joined;

  for (guint i = 0; i < n; i++) {
    JsonObject *class = find_class (parts[i], id);

    if (class != NULL) {
      found = TRUE;
      label = tool_json_get_string (class, "label", label);
      color = tool_json_get_string (class, "color", color);
    }
    add_areas (areas, class,
        MAX (frames[i] * BATCH_TIMELINE_COLUMNS / MAX (total, 1), 1));
  }
  if (!found) {
    json_array_unref (areas);
    return NULL;
  }
  joined = json_object_new ();
  json_object_set_int_member (joined, "class", id);
  if (label != NULL)
    json_object_set_string_member (joined, "label", label);
  if (color != NULL)
    json_object_set_string_member (joined, "color", color);
  json_object_set_array_member (joined, "area", areas);
  return joined;
}

JsonArray *
batch_timeline_join (JsonArray **parts, const guint64 *frames, guint n)
{
  JsonArray *all = json_array_new ();
  guint64 total = 0;

  for (guint i = 0; i < n; i++)
    total += frames[i];
  for (gint64 id = 1; id < 256; id++) {
    JsonObject *class = join_class (parts, frames, n, total, id);

    if (class != NULL)
      json_array_add_object_element (all, class);
  }
  return all;
}
