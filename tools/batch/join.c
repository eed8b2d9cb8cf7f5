/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* unetseg join: joins the segments of recordings that a batch has cut. */

#include "batch/join.h"

#include "batch/entry.h"
#include "batch/error.h"
#include "batch/files.h"
#include "batch/join-video.h"
#include "batch/manifest.h"
#include "batch/report.h"
#include "batch/results-join.h"
#include "batch/thumbnails.h"
#include "batch/timeline.h"
#include "lib/json.h"
#include "lib/print.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static const gchar text[] =
    "Joins the segments that 'unetseg batch --segment' has made in FOLDER,\n"
    "for each recording that has all of them: the masks, results and\n"
    "pictures are the same as without segments, and the sound is that of the\n"
    "recording. Joined segments are removed.\n"
    "\n"
    "Examples:\n"
    "  unetseg join out\n"
    "\n" TOOL_STATUS_HELP;

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

    part.segment = i;
    r->folders[i] = batch_item_get_folder (&part, join->manifest.folder);
    r->entries[i] = batch_manifest_read_done (&join->manifest, &part);
  }
}

/* Two segments meet when the first frame of one is the frame that ended the
 * other. */
static gboolean
check_segment (const Recording *r, guint i, GError **error)
{
  const gchar *problem = NULL;

  if (r->entries[i] == NULL)
    problem = "is not done";
  else if (g_strcmp0 (batch_entry_get (r->entries[i], "plan"),
               batch_entry_get (r->entries[0], "plan"))
      != 0)
    problem = "was made with another plan than segment 1";
  else if (i > 0
      && tool_json_get_int (r->entries[i], "first", -1)
          != tool_json_get_int (r->entries[i - 1], "next", -2))
    problem = "does not follow the one before; make it again without --segment";
  if (problem == NULL)
    return TRUE;
  g_set_error (error, BATCH_ERROR, BATCH_ERROR_INPUT, "segment %u of %u %s",
      i + 1, r->n, problem);
  return FALSE;
}

static gboolean
check_segments (const Recording *r, GError **error)
{
  for (guint i = 0; i < r->n; i++)
    if (!check_segment (r, i, error))
      return FALSE;
  return TRUE;
}

static guint64
get_frames (const Recording *r, guint i)
{
  return tool_json_get_int (r->entries[i], "frames", 0);
}

/* ---- files -------------------------------------------------------------- */

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

/* The pictures of each segment begin with 000000.png. */
static gboolean
join_pictures (const Recording *r, const gchar *name, GError **error)
{
  g_autofree gchar *folder = g_build_filename (r->work, name, NULL);
  guint count = 0;

  if (g_mkdir (folder, 0777) != 0)
    return batch_fail_errno (error, folder);
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
  g_autoptr (GString) all = g_string_new (NULL);
  g_autoptr (GError) local = NULL;
  guint64 frame = 0;

  for (guint i = 0; i < r->n; i++) {
    g_autofree gchar *from = g_build_filename (r->folders[i], name, NULL);
    g_autofree gchar *data = NULL;
    gsize size;

    if (!g_file_get_contents (from, &data, &size, error)
        || !batch_results_renumber (data, size, from, &frame, all, error))
      return FALSE;
  }
  if (g_file_set_contents (path, all->str, all->len, &local))
    return TRUE;
  g_set_error (
      error, BATCH_ERROR, BATCH_ERROR_OUTPUT, "%s: %s", path, local->message);
  return FALSE;
}

static gboolean
join_videos (const Recording *r, const gchar *name, GError **error)
{
  g_autofree gchar *path = g_build_filename (r->work, name, NULL);
  g_autofree JoinPart *parts = g_new0 (JoinPart, r->n);
  gboolean ok;

  for (guint i = 0; i < r->n; i++) {
    parts[i].path = g_build_filename (r->folders[i], name, NULL);
    parts[i].first = tool_json_get_int (r->entries[i], "first", -1);
  }
  ok = batch_join_video (path, parts, r->n,
      g_str_has_prefix (name, "overlay.") || g_str_has_prefix (name, "cutout.")
          ? r->whole->uri
          : NULL,
      error);
  for (guint i = 0; i < r->n; i++)
    g_free (parts[i].path);
  return ok;
}

/* ---- report ------------------------------------------------------------- */

static gboolean
join_timelines (const Recording *r, const gchar *path, GError **error)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_ARRAY);
  g_autofree JsonArray **parts = g_new0 (JsonArray *, r->n);
  g_autofree guint64 *frames = g_new0 (guint64, r->n);

  for (guint i = 0; i < r->n; i++) {
    parts[i] = batch_timeline_read (r->folders[i]);
    frames[i] = get_frames (r, i);
  }
  json_node_take_array (node, batch_timeline_join (parts, frames, r->n));
  for (guint i = 0; i < r->n; i++)
    g_clear_pointer (&parts[i], json_array_unref);
  return batch_timeline_write (path, node, error);
}

/* The first picture of segments at equal distances. One that is missing is
 * left out. */
static void
join_thumbnails (const Recording *r, const gchar *folder)
{
  for (guint i = 0; i < BATCH_N_THUMBNAILS; i++) {
    g_autofree gchar *name = g_strdup_printf ("%u.jpg", i);
    g_autofree gchar *to = g_build_filename (folder, name, NULL);
    g_autofree gchar *from = g_build_filename (
        r->folders[(2 * i + 1) * r->n / (2 * BATCH_N_THUMBNAILS)], ".report",
        "0.jpg", NULL);

    copy_file (from, to, NULL);
  }
}

static gboolean
join_report (const Recording *r, GError **error)
{
  g_autofree gchar *folder = g_build_filename (r->work, ".report", NULL);
  g_autofree gchar *path = g_build_filename (folder, "timeline.json", NULL);
  g_autofree gchar *first = g_build_filename (r->folders[0], ".report", NULL);

  if (!g_file_test (first, G_FILE_TEST_IS_DIR))
    return TRUE; /* the batch makes no report */
  if (!batch_make_folder (folder, error) || !join_timelines (r, path, error))
    return FALSE;
  join_thumbnails (r, folder);
  return TRUE;
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
  batch_entry_read_outcome (r->entries[0], outcome);
  for (guint i = 1; i < r->n; i++) {
    outcome->frames += get_frames (r, i);
    outcome->seconds += tool_json_get_double (r->entries[i], "seconds", 0);
    if (outcome->reason == NULL)
      outcome->reason = g_strdup (batch_entry_get (r->entries[i], "reason"));
  }
  outcome->status = outcome->reason ? BATCH_SHORT : BATCH_DONE;
  outcome->first = outcome->next = GST_CLOCK_TIME_NONE;
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
  if (!ok || !join_report (r, error))
    return FALSE;
  memset (&outcome, 0, sizeof outcome);
  sum_up (r, &outcome);
  ok = batch_manifest_commit (manifest, r->whole, &outcome,
      batch_entry_get (r->entries[0], "shape"), error);
  batch_outcome_clear (&outcome);
  return ok;
}

static gboolean
is_joined (const Recording *r)
{
  g_autofree gchar *folder =
      batch_item_get_folder (r->whole, r->join->manifest.folder);
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
  label = batch_item_get_label (r.whole);
  if (is_joined (&r)) {
    join->joined++;
  } else if (join_recording (&r, &error)) {
    join->joined++;
    if (!join->keep)
      drop_segments (&r);
    if (!join->quiet)
      g_print ("%s: %u segment%s joined\n", label, r.n, tool_plural (r.n));
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
    { "keep", 0, 0, G_OPTION_ARG_NONE, &join.keep, "Keep the segments", NULL },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &join.quiet, "Print only errors",
        NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &words, NULL,
        NULL },
    { NULL },
  };
  g_autoptr (GOptionContext)
      context = g_option_context_new ("FOLDER — join the segments of a batch");
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
        "name one folder, that of the batch");
  if (error != NULL || !join_folder (&join, words[0], &error))
    status = tool_report_error ("join", error);
  batch_manifest_close (&join.manifest);
  g_clear_pointer (&join.items, g_ptr_array_unref);
  return status == TOOL_OK && join.incomplete > 0 ? TOOL_FAILED : status;
}
