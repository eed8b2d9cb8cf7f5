/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* unetseg join: segments of recordings that a batch has cut, put together. */

#include "batch/join.h"

#include "batch/report.h"
#include "batch/join-video.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const gchar text[] =
    "Puts together what 'unetseg batch --segment' has made in FOLDER, once "
    "every\n"
    "segment of a recording is there: the same masks, results and pictures as\n"
    "without segments, sound from the recording itself. Joined segments are\n"
    "removed.\n"
    "\n"
    "Examples:\n"
    "  unetseg join out\n"
    "\n"
    "Exit status: 0 if every recording is complete, 1 if some are not.\n";

#define COLUMNS 240

typedef struct {
  BatchManifest manifest;
  GPtrArray *items;
  gboolean keep, quiet;
  guint joined, incomplete;
} Join;

/* A recording with its segments. */
typedef struct {
  const Join *join;
  BatchItem *whole;
  guint n;
  gchar **folders;
  JsonObject **entries;
  gchar *work;
} Recording;

static gint64
int_of (JsonObject *object, const gchar *name)
{
  return json_object_get_int_member_with_default (object, name, -1);
}

/* ---- a recording -------------------------------------------------------- */

static void
recording_clear (Recording *r)
{
  for (guint i = 0; i < r->n; i++) {
    g_free (r->folders[i]);
    g_clear_pointer (&r->entries[i], json_object_unref);
  }
  g_free (r->folders);
  g_free (r->entries);
  g_free (r->work);
  batch_item_free (r->whole);
}

static void
recording_init (Recording *r, const Join *join, guint first)
{
  const BatchItem *item = g_ptr_array_index (join->items, first);

  r->join = join;
  r->whole = batch_item_copy (item);
  r->whole->n_segments = r->whole->segment = 0;
  r->whole->begin = r->whole->end = GST_CLOCK_TIME_NONE;
  r->n = item->n_segments;
  r->folders = g_new0 (gchar *, r->n);
  r->entries = g_new0 (JsonObject *, r->n);
  r->work = NULL;
  for (guint i = 0; i < r->n; i++) {
    BatchItem part = *item;
    g_autofree gchar *path = NULL;

    part.segment = i;
    r->folders[i] = batch_item_folder (&part, join->manifest.folder);
    path = g_build_filename (r->folders[i], "manifest.json", NULL);
    r->entries[i] = batch_manifest_read (path);
  }
}

/* Every segment there, of the same batch and plan, and each one's first frame
 * the one that ended the segment before it. */
static gboolean
check_segments (const Recording *r, GError **error)
{
  for (guint i = 0; i < r->n; i++) {
    const gchar *plan, *first_plan;

    if (r->entries[i] == NULL) {
      g_set_error (error, BATCH_ERROR, BATCH_ERROR_INPUT,
          "segment %u of %u is not done", i + 1, r->n);
      return FALSE;
    }
    plan =
        json_object_get_string_member_with_default (r->entries[i], "plan", "");
    first_plan =
        json_object_get_string_member_with_default (r->entries[0], "plan", "");
    if (!g_str_equal (plan, first_plan)) {
      g_set_error (error, BATCH_ERROR, BATCH_ERROR_INPUT,
          "segments 1 and %u were made with different plans", i + 1);
      return FALSE;
    }
    if (i > 0
        && int_of (r->entries[i], "first")
            != int_of (r->entries[i - 1], "next")) {
      g_set_error (error, BATCH_ERROR, BATCH_ERROR_INPUT,
          "segments %u and %u do not meet; make it again without --segment", i,
          i + 1);
      return FALSE;
    }
  }
  return TRUE;
}

/* ---- files -------------------------------------------------------------- */

static gboolean
fail (GError **error, const gchar *path)
{
  g_set_error (error, BATCH_ERROR, BATCH_ERROR_OUTPUT, "%s: %s", path,
      g_strerror (errno));
  return FALSE;
}

static gboolean
copy_file (const gchar *from, const gchar *to, GError **error)
{
  g_autoptr (GFile) source = NULL, target = NULL;

  if (link (from, to) == 0)
    return TRUE;
  source = g_file_new_for_path (from);
  target = g_file_new_for_path (to);
  return g_file_copy (
      source, target, G_FILE_COPY_OVERWRITE, NULL, NULL, NULL, error);
}

/* Pictures of each segment begin with 000000.png. */
static gboolean
join_pictures (const Recording *r, const gchar *name, GError **error)
{
  g_autofree gchar *folder = g_build_filename (r->work, name, NULL);
  guint count = 0;

  if (g_mkdir (folder, 0777) != 0)
    return fail (error, folder);
  for (guint i = 0; i < r->n; i++) {
    for (guint k = 0;; k++, count++) {
      g_autofree gchar *old = g_strdup_printf ("%06u.png", k);
      g_autofree gchar *new = g_strdup_printf ("%06u.png", count);
      g_autofree gchar *from =
          g_build_filename (r->folders[i], name, old, NULL);
      g_autofree gchar *to = g_build_filename (folder, new, NULL);

      if (!g_file_test (from, G_FILE_TEST_EXISTS))
        break;
      if (!copy_file (from, to, error))
        return FALSE;
    }
  }
  return TRUE;
}

static gboolean
join_lines (const Recording *r, const gchar *name, GError **error)
{
  g_autofree gchar *path = g_build_filename (r->work, name, NULL);
  FILE *out = fopen (path, "w");
  guint64 frame = 0;
  gboolean ok = TRUE;

  if (out == NULL)
    return fail (error, path);
  for (guint i = 0; ok && i < r->n; i++) {
    g_autofree gchar *from = g_build_filename (r->folders[i], name, NULL);
    g_autofree gchar *data = NULL;

    ok = g_file_get_contents (from, &data, NULL, error);
    for (gchar *line = data, *end; ok && (end = strchr (line, '\n')) != NULL;
         line = end + 1) {
      *end = '\0';
      line = strchr (line, ',');
      if (line != NULL)
        fprintf (out, "{\"frame\":%" G_GUINT64_FORMAT "%s\n", frame++, line);
      else
        line = end;
    }
  }
  if (fclose (out) != 0 && ok)
    ok = fail (error, path);
  return ok;
}

static gboolean
join_videos (const Recording *r, const gchar *name, GError **error)
{
  g_autofree gchar *path = g_build_filename (r->work, name, NULL);
  g_autofree JoinPart *parts = g_new0 (JoinPart, r->n);
  gboolean ok;

  for (guint i = 0; i < r->n; i++) {
    parts[i].path = g_build_filename (r->folders[i], name, NULL);
    parts[i].first = int_of (r->entries[i], "first");
  }
  ok = join_video (path, parts, r->n,
      g_str_has_prefix (name, "overlay.") ? r->whole->uri : NULL, error);
  for (guint i = 0; i < r->n; i++)
    g_free (parts[i].path);
  return ok;
}

/* ---- for the report ----------------------------------------------------- */

static JsonArray *
find_areas (JsonArray *classes, gint64 id)
{
  for (guint c = 0; c < json_array_get_length (classes); c++) {
    JsonObject *class = json_array_get_object_element (classes, c);

    if (int_of (class, "class") == id)
      return json_object_get_array_member (class, "area");
  }
  return NULL;
}

static void
add_areas (JsonArray *to, JsonArray *from, guint columns)
{
  guint n = from != NULL ? json_array_get_length (from) : 0;

  for (guint i = 0; i < columns; i++)
    json_array_add_double_element (to,
        n > 0 ? json_array_get_double_element (from, (guint64) i * n / columns)
              : 0);
}

/* A new timeline of every class that one of @lines has. */
static JsonArray *
merge_timelines (const Recording *r, JsonArray **lines)
{
  JsonArray *all = json_array_new ();
  gint64 frames = 0;

  for (guint i = 0; i < r->n; i++)
    frames += MAX (int_of (r->entries[i], "frames"), 0);
  for (gint64 id = 1; id < 256; id++) {
    JsonArray *areas = json_array_new ();
    const gchar *label = NULL;
    gboolean found = FALSE;
    JsonObject *class;

    for (guint i = 0; i < r->n; i++) {
      JsonArray *mine = lines[i] ? find_areas (lines[i], id) : NULL;

      found |= mine != NULL;
      for (guint c = 0; mine != NULL && c < json_array_get_length (lines[i]);
           c++) {
        class = json_array_get_object_element (lines[i], c);
        if (int_of (class, "class") == id)
          label = json_object_get_string_member_with_default (
              class, "label", label);
      }
      add_areas (areas, mine,
          MAX (
              int_of (r->entries[i], "frames") * COLUMNS / MAX (frames, 1), 1));
    }
    if (!found) {
      json_array_unref (areas);
      continue;
    }
    class = json_object_new ();
    json_object_set_int_member (class, "class", id);
    if (label != NULL)
      json_object_set_string_member (class, "label", label);
    json_object_set_array_member (class, "area", areas);
    json_array_add_object_element (all, class);
  }
  return all;
}

static JsonArray *
read_timeline (const gchar *folder)
{
  g_autofree gchar *path =
      g_build_filename (folder, ".report", "timeline.json", NULL);
  g_autoptr (JsonParser) parser = json_parser_new ();

  if (!json_parser_load_from_file (parser, path, NULL)
      || !JSON_NODE_HOLDS_ARRAY (json_parser_get_root (parser)))
    return NULL;
  return json_array_ref (json_node_get_array (json_parser_get_root (parser)));
}

static void
join_thumbnails (const Recording *r, const gchar *folder)
{
  for (guint i = 0; i < 6; i++) {
    g_autofree gchar *name = g_strdup_printf ("%u.jpg", i);
    g_autofree gchar *to = g_build_filename (folder, name, NULL);
    g_autofree gchar *from = g_build_filename (
        r->folders[(2 * i + 1) * r->n / 12], ".report", "0.jpg", NULL);

    copy_file (from, to, NULL);
  }
}

static void
join_report (const Recording *r)
{
  g_autofree gchar *folder = g_build_filename (r->work, ".report", NULL);
  g_autofree gchar *path = g_build_filename (folder, "timeline.json", NULL);
  g_autofree JsonArray **lines = g_new0 (JsonArray *, r->n);
  g_autofree gchar *data = NULL;
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_ARRAY);

  for (guint i = 0; i < r->n; i++)
    lines[i] = read_timeline (r->folders[i]);
  if (lines[0] != NULL && g_mkdir (folder, 0777) == 0) {
    json_node_take_array (node, merge_timelines (r, lines));
    data = json_to_string (node, FALSE);
    g_file_set_contents (path, data, -1, NULL);
    join_thumbnails (r, folder);
  }
  for (guint i = 0; i < r->n; i++)
    g_clear_pointer (&lines[i], json_array_unref);
}

/* ---- all of it ---------------------------------------------------------- */

static gboolean
join_output (const Recording *r, const gchar *name, GError **error)
{
  g_autofree gchar *path = g_build_filename (r->folders[0], name, NULL);

  if (g_str_equal (name, "manifest.json") || name[0] == '.')
    return TRUE;
  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    return join_pictures (r, name, error);
  if (g_str_has_suffix (name, ".jsonl"))
    return join_lines (r, name, error);
  return join_videos (r, name, error);
}

static void
sum_up (const Recording *r, BatchOutcome *outcome)
{
  memset (outcome, 0, sizeof *outcome);
  for (guint i = 0; i < r->n; i++) {
    outcome->frames += MAX (int_of (r->entries[i], "frames"), 0);
    outcome->seconds += json_object_get_double_member_with_default (
        r->entries[i], "seconds", 0);
    if (outcome->reason == NULL)
      outcome->reason = g_strdup (json_object_get_string_member_with_default (
          r->entries[i], "reason", NULL));
  }
  outcome->status = outcome->reason ? BATCH_SHORT : BATCH_DONE;
  outcome->width = int_of (r->entries[0], "width");
  outcome->height = int_of (r->entries[0], "height");
  outcome->duration = int_of (r->entries[0], "duration");
  outcome->plan = g_strdup (
      json_object_get_string_member_with_default (r->entries[0], "plan", NULL));
}

static gboolean
join_recording (Recording *r, GError **error)
{
  const BatchManifest *manifest = &r->join->manifest;
  BatchOutcome outcome;
  const gchar *name;
  gboolean ok;
  GDir *dir;

  if (!check_segments (r, error))
    return FALSE;
  r->work = batch_manifest_begin (manifest, r->whole, error);
  dir = r->work != NULL ? g_dir_open (r->folders[0], 0, error) : NULL;
  if (dir == NULL)
    return FALSE;
  for (ok = TRUE; ok && (name = g_dir_read_name (dir)) != NULL;)
    ok = join_output (r, name, error);
  g_dir_close (dir);
  if (!ok)
    return FALSE;
  join_report (r);
  sum_up (r, &outcome);
  ok = batch_manifest_commit (manifest, r->whole, &outcome,
      json_object_get_string_member_with_default (r->entries[0], "shape", NULL),
      error);
  batch_outcome_clear (&outcome);
  return ok;
}

static gboolean
is_joined (const Recording *r)
{
  g_autofree gchar *folder =
      batch_item_folder (r->whole, r->join->manifest.folder);
  g_autofree gchar *path = g_build_filename (folder, "manifest.json", NULL);

  return r->entries[0] == NULL && g_file_test (path, G_FILE_TEST_EXISTS);
}

static void
drop_segments (const Recording *r)
{
  g_autofree gchar *all = g_path_get_dirname (r->folders[0]);

  batch_remove_folder (all);
}

static void
process (Join *join, guint first)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *label = NULL;
  Recording r;

  recording_init (&r, join, first);
  label = batch_item_label (r.whole);
  if (is_joined (&r)) {
    join->joined++;
  } else if (join_recording (&r, &error)) {
    join->joined++;
    if (!join->keep)
      drop_segments (&r);
    if (!join->quiet)
      g_print ("%s: %u segments joined\n", label, r.n);
  } else {
    join->incomplete++;
    batch_manifest_drop (&join->manifest, r.whole);
    g_printerr ("%s: %s\n", label, error->message);
  }
  recording_clear (&r);
}

static gboolean
join_folder (Join *join, const gchar *folder, GError **error)
{
  if (!batch_manifest_open_existing (
          &join->manifest, folder, &join->items, error))
    return FALSE;
  for (guint i = 0; i < join->items->len; i++) {
    const BatchItem *item = g_ptr_array_index (join->items, i);

    if (item->n_segments > 0 && item->segment == 0)
      process (join, i);
  }
  if (!join->quiet)
    g_print ("%u joined, %u incomplete\n", join->joined, join->incomplete);
  return batch_report_write (&join->manifest, join->items, error);
}

ToolStatus
tool_join_main (gint argc, gchar **argv)
{
  g_auto (GStrv) words = NULL;
  g_autoptr (GError) error = NULL;
  Join join;
  const GOptionEntry entries[] = {
    { "keep", 0, 0, G_OPTION_ARG_NONE, &join.keep, "Keep the segments as well",
        NULL },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &join.quiet,
        "Print only what went wrong", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &words, NULL,
        NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context =
      g_option_context_new ("FOLDER — segments of a batch, put together");
  ToolStatus status = TOOL_OK;

  memset (&join, 0, sizeof join);
  join.manifest.lock = -1;
  g_option_context_set_description (context, text);
  g_option_context_add_main_entries (context, entries, NULL);
  if (!gst_init_check (NULL, NULL, &error)
      || !g_option_context_parse (context, &argc, &argv, &error))
    return tool_report_error ("join", error);
  if (words == NULL || words[1] != NULL)
    g_set_error (&error, TOOL_ERROR, TOOL_ERROR_USAGE,
        "name the one folder of the batch");
  if (error != NULL || !join_folder (&join, words[0], &error))
    status = tool_report_error ("join", error);
  batch_manifest_close (&join.manifest);
  g_clear_pointer (&join.items, g_ptr_array_unref);
  return status == TOOL_OK && join.incomplete > 0 ? TOOL_FAILED : status;
}
