/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/entry.h"

#include "batch/item-list.h"
#include "batch/item-names.h"
#include "lib/json.h"

#include <sys/stat.h>

/* Longer than any recording: in nanoseconds, a hundred years. */
#define MAX_TIME G_GINT64_CONSTANT (3153600000000000000)

/* ---- in ----------------------------------------------------------------- */

/* The range of each number of an entry. */
static const struct {
  const gchar *name;
  gint64 min, max;
} numbers[] = {
  { "frames", 0, G_MAXINT32 },
  { "width", 0, G_MAXINT32 },
  { "height", 0, G_MAXINT32 },
  { "duration", -1, MAX_TIME },
  { "first", -1, MAX_TIME },
  { "next", -1, MAX_TIME },
};

static gboolean
output_is_valid (JsonObject *output)
{
  const gchar *name = output ? tool_json_get_string (output, "name", NULL)
                             : NULL;

  return name != NULL && batch_item_name_is_safe (name);
}

gboolean
batch_entry_is_valid (JsonObject *entry)
{
  JsonArray *outputs = tool_json_get_array (entry, "outputs");
  gint64 number;

  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    if (json_object_has_member (entry, numbers[i].name)
        && !tool_json_get_range (
            entry, numbers[i].name, numbers[i].min, numbers[i].max, &number))
      return FALSE;
  for (guint i = 0; outputs != NULL && i < json_array_get_length (outputs); i++)
    if (!output_is_valid (tool_json_get_element (outputs, i)))
      return FALSE;
  return outputs != NULL || !json_object_has_member (entry, "outputs");
}

JsonObject *
batch_entry_read (const gchar *path)
{
  g_autoptr (JsonObject) entry = tool_json_read_object (path, NULL);

  return entry != NULL && batch_entry_is_valid (entry)
      ? g_steal_pointer (&entry)
      : NULL;
}

const gchar *
batch_entry_get (JsonObject *entry, const gchar *name)
{
  return tool_json_get_string (entry, name, NULL);
}

void
batch_entry_read_outcome (JsonObject *entry, BatchOutcome *outcome)
{
  outcome->status = batch_status_from_name (batch_entry_get (entry, "status"));
  outcome->reason = g_strdup (batch_entry_get (entry, "reason"));
  outcome->plan = g_strdup (batch_entry_get (entry, "plan"));
  outcome->frames = tool_json_get_int (entry, "frames", 0);
  outcome->seconds = tool_json_get_double (entry, "seconds", 0);
  outcome->width = tool_json_get_int (entry, "width", 0);
  outcome->height = tool_json_get_int (entry, "height", 0);
  outcome->duration = tool_json_get_int (entry, "duration", -1);
  outcome->first = tool_json_get_int (entry, "first", -1);
  outcome->next = tool_json_get_int (entry, "next", -1);
}

gboolean
batch_entry_is_of (JsonObject *entry, const BatchItem *item,
    const gchar *identity, const gchar *plan)
{
  return g_strcmp0 (batch_entry_get (entry, "uri"), item->uri) == 0
      && tool_json_get_int (entry, "size", -1) == (gint64) item->size
      && tool_json_get_int (entry, "mtime", -1) == item->mtime
      && tool_json_get_int (entry, "segment", 0) == item->segment
      && tool_json_get_int (entry, "segments", 0) == item->n_segments
      && g_strcmp0 (batch_entry_get (entry, "batch"), identity) == 0
      && g_strcmp0 (batch_entry_get (entry, "plan"), plan) == 0;
}

/* ---- out ---------------------------------------------------------------- */

JsonBuilder *
batch_entry_describe (const BatchItem *item, const gchar *identity,
    const BatchOutcome *outcome, const gchar *shape)
{
  JsonBuilder *b = json_builder_new ();
  g_autofree gchar *name = batch_item_list_escape (item->name);

  json_builder_begin_object (b);
  tool_json_string (b, "name", name);
  tool_json_string (b, "uri", item->uri);
  tool_json_int (b, "size", item->size);
  tool_json_int (b, "mtime", item->mtime);
  if (item->n_segments > 0) {
    tool_json_int (b, "segment", item->segment);
    tool_json_int (b, "segments", item->n_segments);
    tool_json_int (b, "first", outcome->first);
    tool_json_int (b, "next", outcome->next);
  }
  tool_json_string (b, "batch", identity);
  if (shape != NULL)
    tool_json_string (b, "shape", shape);
  if (outcome->plan != NULL)
    tool_json_string (b, "plan", outcome->plan);
  tool_json_string (b, "status", batch_status_get_name (outcome->status));
  if (outcome->reason != NULL)
    tool_json_string (b, "reason", outcome->reason);
  tool_json_int (b, "frames", outcome->frames);
  tool_json_double (b, "seconds", outcome->seconds);
  tool_json_int (b, "width", outcome->width);
  tool_json_int (b, "height", outcome->height);
  tool_json_int (b, "duration", outcome->duration);
  return b;
}

/* ---- outputs ------------------------------------------------------------ */

/* The files of a folder. */
typedef struct {
  guint64 files, bytes;
} Sum;

static Sum
sum_folder (const gchar *path)
{
  GDir *dir = g_dir_open (path, 0, NULL);
  Sum sum = { 0, 0 };
  const gchar *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree gchar *file = g_build_filename (path, name, NULL);
    struct stat st;

    if (stat (file, &st) == 0) {
      sum.files++;
      sum.bytes += st.st_size;
    }
  }
  g_clear_pointer (&dir, g_dir_close);
  return sum;
}

static void
add_output (JsonBuilder *b, const gchar *folder, const gchar *name)
{
  g_autofree gchar *path = g_build_filename (folder, name, NULL);
  struct stat st;

  if (stat (path, &st) != 0)
    return;
  json_builder_begin_object (b);
  tool_json_string (b, "name", name);
  if (S_ISDIR (st.st_mode)) {
    Sum sum = sum_folder (path);

    tool_json_int (b, "files", sum.files);
    tool_json_int (b, "bytes", sum.bytes);
  } else {
    tool_json_int (b, "bytes", st.st_size);
  }
  json_builder_end_object (b);
}

void
batch_entry_add_outputs (JsonBuilder *b, const gchar *folder)
{
  GDir *dir = g_dir_open (folder, 0, NULL);
  const gchar *name;

  json_builder_set_member_name (b, "outputs");
  json_builder_begin_array (b);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (name[0] != '.')
      add_output (b, folder, name);
  json_builder_end_array (b);
  g_clear_pointer (&dir, g_dir_close);
}

static gboolean
output_is_whole (JsonObject *output, const gchar *folder)
{
  g_autofree gchar *path = g_build_filename (
      folder, tool_json_get_string (output, "name", ""), NULL);
  gint64 bytes = tool_json_get_int (output, "bytes", -1);
  struct stat st;

  if (stat (path, &st) != 0)
    return FALSE;
  if (S_ISDIR (st.st_mode)) {
    Sum sum = sum_folder (path);

    return (gint64) sum.files == tool_json_get_int (output, "files", -1)
        && (gint64) sum.bytes == bytes;
  }
  return st.st_size == bytes;
}

gboolean
batch_entry_outputs_are_whole (JsonObject *entry, const gchar *folder)
{
  JsonArray *list = tool_json_get_array (entry, "outputs");

  for (guint i = 0; list != NULL && i < json_array_get_length (list); i++)
    if (!output_is_whole (tool_json_get_element (list, i), folder))
      return FALSE;
  return list != NULL;
}
