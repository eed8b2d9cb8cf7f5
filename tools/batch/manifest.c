/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/manifest.h"

#include "batch/entry.h"
#include "batch/error.h"
#include "batch/files.h"
#include "batch/item-list.h"
#include "lib/status.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* ---- which batch -------------------------------------------------------- */

static gchar *
inner (const BatchManifest *manifest, const gchar *name)
{
  return g_build_filename (manifest->folder, ".unetseg", name, NULL);
}

/* A second process on the same shard would write the same files. */
static gboolean
lock_shard (
    BatchManifest *manifest, const BatchOptions *options, GError **error)
{
  g_autofree gchar *name = options->n_shards == 0
      ? g_strdup ("lock")
      : g_strdup_printf ("lock-%u-of-%u", options->shard, options->n_shards);
  g_autofree gchar *path = inner (manifest, name);

  manifest->lock = g_open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (manifest->lock < 0)
    return batch_fail_errno (error, path);
  if (flock (manifest->lock, LOCK_EX | LOCK_NB) == 0)
    return TRUE;
  g_set_error (error, BATCH_ERROR, BATCH_ERROR_OUTPUT,
      "another process works on this %s in %s",
      options->n_shards == 0 ? "batch" : "shard", options->folder);
  return FALSE;
}

static void
clear_old (const BatchManifest *manifest)
{
  static const gchar *const names[] = { "batch.json", "plan.json", "failed",
    "segments", "work" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree gchar *path = inner (manifest, names[i]);

    batch_remove_folder (path);
  }
}

gboolean
batch_manifest_open (
    BatchManifest *manifest, const BatchOptions *options, GError **error)
{
  g_autofree gchar *batch = NULL, *hidden = NULL;
  gboolean known;

  memset (manifest, 0, sizeof *manifest);
  manifest->lock = -1;
  manifest->folder = g_canonicalize_filename (options->folder, NULL);
  hidden = inner (manifest, NULL);
  if (!batch_make_folder (hidden, error)
      || !lock_shard (manifest, options, error))
    return FALSE;
  batch = inner (manifest, "batch.json");
  known = g_file_test (batch, G_FILE_TEST_EXISTS);
  if (known && options->overwrite) {
    clear_old (manifest);
  } else if (known && !options->resume && options->n_shards == 0) {
    g_set_error (error, TOOL_ERROR, TOOL_ERROR_USAGE,
        "%s holds a batch: --resume continues it, --overwrite starts again",
        options->folder);
    return FALSE;
  }
  return TRUE;
}

void
batch_manifest_close (BatchManifest *manifest)
{
  if (manifest->lock >= 0)
    close (manifest->lock);
  manifest->lock = -1;
  g_clear_pointer (&manifest->folder, g_free);
  g_clear_pointer (&manifest->identity, g_free);
}

/* ---- items -------------------------------------------------------------- */

gboolean
batch_manifest_pin (BatchManifest *manifest, const BatchOptions *options,
    BatchPlan *plan, GPtrArray **items, GError **error)
{
  g_autofree gchar *path = inner (manifest, "batch.json");
  g_autofree gchar *described = batch_options_describe (options);
  g_autoptr (BatchItemList) list = NULL;
  g_autoptr (GError) local = NULL;

  manifest->identity =
      g_strdup_printf ("%s sha256=%s", described, batch_plan_get_model (plan));
  list = batch_item_list_read (path, &local);
  if (local != NULL) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  if (list != NULL && !g_str_equal (list->identity, manifest->identity)) {
    g_set_error (error, BATCH_ERROR, BATCH_ERROR_OUTPUT,
        "%s holds a batch with other options (there: %s; here: %s)",
        options->folder, list->identity, manifest->identity);
    return FALSE;
  }
  /* Without shards, folders may have gained recordings since. */
  if (list != NULL && options->n_shards > 0) {
    g_ptr_array_unref (*items);
    *items = g_steal_pointer (&list->items);
    return TRUE;
  }
  return batch_item_list_write (path, manifest->identity, *items, error);
}

gboolean
batch_manifest_open_existing (BatchManifest *manifest, const gchar *folder,
    GPtrArray **items, GError **error)
{
  g_autofree gchar *path = NULL, *lock = NULL;
  g_autoptr (BatchItemList) list = NULL;

  manifest->folder = g_canonicalize_filename (folder, NULL);
  path = inner (manifest, "batch.json");
  lock = inner (manifest, "lock-join");
  list = batch_item_list_read (path, error);
  if (list == NULL) {
    if (error != NULL && *error == NULL)
      g_set_error (
          error, BATCH_ERROR, BATCH_ERROR_OUTPUT, "%s holds no batch", folder);
    return FALSE;
  }
  manifest->identity = g_strdup (list->identity);
  *items = g_steal_pointer (&list->items);
  manifest->lock = g_open (lock, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (manifest->lock < 0)
    return batch_fail_errno (error, lock);
  if (flock (manifest->lock, LOCK_EX | LOCK_NB) == 0)
    return TRUE;
  g_set_error (error, BATCH_ERROR, BATCH_ERROR_OUTPUT,
      "another process is joining %s", folder);
  return FALSE;
}

/* ---- entries ------------------------------------------------------------ */

static gchar *
failure_path (const BatchManifest *manifest, const BatchItem *item)
{
  g_autofree gchar *work = batch_item_get_work_folder (item, manifest->folder);
  g_autofree gchar *base = g_path_get_basename (work);
  g_autofree gchar *name = g_strconcat (base, ".json", NULL);

  return g_build_filename (manifest->folder, ".unetseg", "failed", name, NULL);
}

JsonObject *
batch_manifest_read_failure (
    const BatchManifest *manifest, const BatchItem *item)
{
  g_autofree gchar *path = failure_path (manifest, item);

  return batch_entry_read (path);
}

JsonObject *
batch_manifest_read_done (const BatchManifest *manifest, const BatchItem *item)
{
  g_autofree gchar *folder = batch_item_get_folder (item, manifest->folder);
  g_autofree gchar *path = g_build_filename (folder, "manifest.json", NULL);

  return batch_entry_read (path);
}

static gboolean
is_current (const BatchManifest *manifest, const BatchItem *item,
    JsonObject *entry, BatchPlan *plan)
{
  const gchar *shape = batch_entry_get (entry, "shape");
  g_autofree gchar *hash = shape ? batch_plan_find (plan, shape) : NULL;

  return batch_entry_is_of (entry, item, manifest->identity, hash);
}

gboolean
batch_manifest_find (const BatchManifest *manifest, const BatchItem *item,
    BatchPlan *plan, gboolean retry, BatchOutcome *outcome)
{
  g_autofree gchar *folder = batch_item_get_folder (item, manifest->folder);
  g_autoptr (JsonObject) entry = batch_manifest_read_done (manifest, item);

  memset (outcome, 0, sizeof *outcome);
  if (entry != NULL && is_current (manifest, item, entry, plan)
      && batch_entry_outputs_are_whole (entry, folder)) {
    batch_entry_read_outcome (entry, outcome);
    return TRUE;
  }
  g_clear_pointer (&entry, json_object_unref);
  if (retry)
    return FALSE;
  entry = batch_manifest_read_failure (manifest, item);
  if (entry == NULL || !is_current (manifest, item, entry, plan))
    return FALSE;
  batch_entry_read_outcome (entry, outcome);
  return TRUE;
}

/* ---- work --------------------------------------------------------------- */

gchar *
batch_manifest_begin (
    const BatchManifest *manifest, const BatchItem *item, GError **error)
{
  gchar *work = batch_item_get_work_folder (item, manifest->folder);

  if (batch_remove_folder (work) && batch_make_folder (work, error))
    return work;
  if (error != NULL && *error == NULL)
    batch_fail_errno (error, work);
  g_free (work);
  return NULL;
}

gboolean
batch_manifest_write (const BatchManifest *manifest, const BatchItem *item,
    const BatchOutcome *outcome, const gchar *shape, GError **error)
{
  g_autofree gchar *work = batch_item_get_work_folder (item, manifest->folder);
  g_autofree gchar *path = g_build_filename (work, "manifest.json", NULL);
  g_autoptr (JsonBuilder)
      b = batch_entry_describe (item, manifest->identity, outcome, shape);

  batch_entry_add_outputs (b, work);
  json_builder_end_object (b);
  return batch_write_json_later (path, b, error);
}

void
batch_manifest_sync (const BatchManifest *manifest)
{
  batch_sync_folder (manifest->folder);
}

gboolean
batch_manifest_publish (
    const BatchManifest *manifest, const BatchItem *item, GError **error)
{
  g_autofree gchar *work = batch_item_get_work_folder (item, manifest->folder);
  g_autofree gchar *folder = batch_item_get_folder (item, manifest->folder);
  g_autofree gchar *failure = failure_path (manifest, item);

  if (!batch_make_parent (folder, error)
      || !batch_replace_folder (work, folder, error))
    return FALSE;
  g_unlink (failure);
  return TRUE;
}

gboolean
batch_manifest_commit (const BatchManifest *manifest, const BatchItem *item,
    const BatchOutcome *outcome, const gchar *shape, GError **error)
{
  if (!batch_manifest_write (manifest, item, outcome, shape, error))
    return FALSE;
  batch_manifest_sync (manifest);
  return batch_manifest_publish (manifest, item, error);
}

void
batch_manifest_drop (const BatchManifest *manifest, const BatchItem *item)
{
  g_autofree gchar *work = batch_item_get_work_folder (item, manifest->folder);

  batch_remove_folder (work);
}

gboolean
batch_manifest_fail (const BatchManifest *manifest, const BatchItem *item,
    const BatchOutcome *outcome, GError **error)
{
  g_autofree gchar *path = failure_path (manifest, item);
  g_autoptr (JsonBuilder)
      b = batch_entry_describe (item, manifest->identity, outcome, NULL);

  json_builder_end_object (b);
  batch_manifest_drop (manifest, item);
  return batch_make_parent (path, error) && batch_write_json (path, b, error);
}
