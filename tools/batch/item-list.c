/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/item-list.h"

#include "batch/files.h"
#include "batch/item-names.h"
#include "lib/json.h"
#include "lib/status.h"

gchar *
batch_item_list_escape (const gchar *name)
{
  return g_uri_escape_string (name, "/ !$&'()*+,;=:@", TRUE);
}

/* ---- in ----------------------------------------------------------------- */

static gboolean
read_segment (JsonObject *object, BatchItem *item)
{
  gint64 segment = 0, n = 0;

  item->begin = item->end = GST_CLOCK_TIME_NONE;
  if (!json_object_has_member (object, "segments"))
    return TRUE;
  if (!tool_json_get_range (object, "segments", 1, BATCH_MAX_SEGMENTS, &n)
      || !tool_json_get_range (object, "segment", 0, n - 1, &segment))
    return FALSE;
  item->segment = segment;
  item->n_segments = n;
  item->begin = tool_json_get_int (object, "begin", -1);
  item->end = tool_json_get_int (object, "end", -1);
  return TRUE;
}

static BatchItem *
read_item (JsonObject *object)
{
  const gchar *uri = tool_json_get_string (object, "uri", NULL);
  g_autofree gchar *name =
      g_uri_unescape_string (tool_json_get_string (object, "name", NULL), NULL);
  BatchItem *item;

  if (uri == NULL || name == NULL || !batch_item_name_is_safe (name))
    return NULL;
  item = g_new0 (BatchItem, 1);
  item->uri = g_strdup (uri);
  item->name = g_steal_pointer (&name);
  item->listed = tool_json_get_int (object, "listed", 0) != 0;
  item->size = MAX (tool_json_get_int (object, "size", 0), 0);
  item->mtime = tool_json_get_int (object, "mtime", 0);
  if (!read_segment (object, item))
    g_clear_pointer (&item, batch_item_free);
  return item;
}

/* Segments 0 to n - 1 of one recording stand one behind the other. */
static gboolean
follows (const BatchItem *last, const BatchItem *item)
{
  if (last == NULL || last->n_segments == 0
      || last->segment + 1 == last->n_segments)
    return item->segment == 0;
  return item->segment == last->segment + 1
      && item->n_segments == last->n_segments
      && g_str_equal (item->name, last->name);
}

static gboolean
read_items (JsonArray *array, GPtrArray *items)
{
  const BatchItem *last = NULL;

  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonObject *object = tool_json_get_element (array, i);
    BatchItem *item = object != NULL ? read_item (object) : NULL;

    if (item == NULL)
      return FALSE;
    g_ptr_array_add (items, item);
    if (!follows (last, item))
      return FALSE;
    last = item;
  }
  return last == NULL || last->n_segments == 0
      || last->segment + 1 == last->n_segments;
}

BatchItemList *
batch_item_list_parse (JsonObject *root, const gchar *name, GError **error)
{
  JsonArray *array = tool_json_get_array (root, "items");
  g_autoptr (BatchItemList) list = g_new0 (BatchItemList, 1);

  list->identity = g_strdup (tool_json_get_string (root, "identity", ""));
  list->items =
      g_ptr_array_new_with_free_func ((GDestroyNotify) batch_item_free);
  if (array != NULL && read_items (array, list->items))
    return g_steal_pointer (&list);
  g_set_error (error, TOOL_ERROR, TOOL_ERROR_FILE,
      array != NULL ? "%s: item %u is not valid" : "%s: not a list of inputs",
      name, list->items->len);
  return NULL;
}

BatchItemList *
batch_item_list_read (const gchar *path, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (JsonObject) root = tool_json_read_object (path, &local);

  if (root != NULL)
    return batch_item_list_parse (root, path, error);
  if (!g_error_matches (local, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    g_propagate_error (error, g_steal_pointer (&local));
  return NULL;
}

void
batch_item_list_free (BatchItemList *list)
{
  g_clear_pointer (&list->items, g_ptr_array_unref);
  g_free (list->identity);
  g_free (list);
}

/* ---- out ---------------------------------------------------------------- */

static void
add_item (JsonBuilder *b, const BatchItem *item)
{
  g_autofree gchar *name = batch_item_list_escape (item->name);

  json_builder_begin_object (b);
  tool_json_string (b, "name", name);
  tool_json_string (b, "uri", item->uri);
  tool_json_int (b, "listed", item->listed);
  tool_json_int (b, "size", item->size);
  tool_json_int (b, "mtime", item->mtime);
  if (item->n_segments > 0) {
    tool_json_int (b, "segment", item->segment);
    tool_json_int (b, "segments", item->n_segments);
    tool_json_int (b, "begin", item->begin);
    tool_json_int (b, "end", item->end);
  }
  json_builder_end_object (b);
}

gboolean
batch_item_list_write (
    const gchar *path, const gchar *identity, GPtrArray *items, GError **error)
{
  g_autoptr (JsonBuilder) b = json_builder_new ();

  json_builder_begin_object (b);
  tool_json_string (b, "unetseg", UNETSEG_VERSION);
  tool_json_string (b, "identity", identity);
  json_builder_set_member_name (b, "items");
  json_builder_begin_array (b);
  for (guint i = 0; i < items->len; i++)
    add_item (b, g_ptr_array_index (items, i));
  json_builder_end_array (b);
  json_builder_end_object (b);
  return batch_write_json (path, b, error);
}
