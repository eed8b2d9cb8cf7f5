/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- files -------------------------------------------------------------- */

static int
remove_one (
    const char *path, const struct stat *st, int what, struct FTW *where)
{
  return remove (path);
}

gboolean
batch_remove_folder (const gchar *path)
{
  return nftw (path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0
      || errno == ENOENT;
}

static gboolean
fail_errno (GError **error, const gchar *path)
{
  g_set_error (error, BATCH_ERROR, BATCH_ERROR_OUTPUT, "%s: %s", path,
      g_strerror (errno));
  return FALSE;
}

static gboolean
make_folder (const gchar *path, GError **error)
{
  return g_mkdir_with_parents (path, 0777) == 0 || fail_errno (error, path);
}

static gboolean
make_parent (const gchar *path, GError **error)
{
  g_autofree gchar *parent = g_path_get_dirname (path);

  return make_folder (parent, error);
}

static gboolean
write_json (const gchar *path, JsonBuilder *builder, GError **error)
{
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  g_autofree gchar *text = json_to_string (root, TRUE);

  return g_file_set_contents_full (path, text, -1,
      G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0666,
      error);
}

JsonObject *
batch_manifest_read (const gchar *path)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonNode *root;

  if (!json_parser_load_from_file (parser, path, NULL))
    return NULL;
  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return NULL;
  return json_object_ref (json_node_get_object (root));
}

static const gchar *
string_of (JsonObject *object, const gchar *name)
{
  return json_object_get_string_member_with_default (object, name, NULL);
}

static gint64
int_of (JsonObject *object, const gchar *name, gint64 fallback)
{
  return json_object_get_int_member_with_default (object, name, fallback);
}

/* File names need not be UTF-8; JSON must be. */
static gchar *
to_json_name (const gchar *name)
{
  return g_uri_escape_string (name, "/ !$&'()*+,;=:@", TRUE);
}

/* ---- which batch -------------------------------------------------------- */

static gchar *
inner (const BatchManifest *manifest, const gchar *name)
{
  return g_build_filename (manifest->folder, ".unetseg", name, NULL);
}

/* One process for each shard: a second one would write the same files. */
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
    return fail_errno (error, path);
  if (flock (manifest->lock, LOCK_EX | LOCK_NB) == 0)
    return TRUE;
  g_set_error (error, BATCH_ERROR, BATCH_ERROR_OUTPUT,
      "another process is at work on this %s in %s",
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
  if (!make_folder (hidden, error) || !lock_shard (manifest, options, error))
    return FALSE;
  batch = inner (manifest, "batch.json");
  known = g_file_test (batch, G_FILE_TEST_EXISTS);
  if (known && options->overwrite) {
    clear_old (manifest);
  } else if (known && !options->resume && options->n_shards == 0) {
    g_set_error (error, TOOL_ERROR, TOOL_ERROR_USAGE,
        "%s holds a batch: --resume goes on with it, --overwrite begins anew",
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

/* ---- the list of items -------------------------------------------------- */

static void
add_item (JsonBuilder *b, const BatchItem *item)
{
  g_autofree gchar *name = to_json_name (item->name);

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

static BatchItem *
read_item (JsonObject *object)
{
  const gchar *uri = string_of (object, "uri");
  g_autofree gchar *name =
      g_uri_unescape_string (string_of (object, "name"), NULL);
  BatchItem *item;

  if (uri == NULL || name == NULL)
    return NULL;
  item = g_new0 (BatchItem, 1);
  item->uri = g_strdup (uri);
  item->name = g_steal_pointer (&name);
  item->listed = int_of (object, "listed", 0);
  item->size = int_of (object, "size", 0);
  item->mtime = int_of (object, "mtime", 0);
  item->segment = int_of (object, "segment", 0);
  item->n_segments = int_of (object, "segments", 0);
  item->begin = int_of (object, "begin", -1);
  item->end = int_of (object, "end", -1);
  return item;
}

static GPtrArray *
read_items (JsonObject *batch)
{
  GPtrArray *items;
  JsonArray *list;

  if (!json_object_has_member (batch, "items"))
    return NULL;
  items = g_ptr_array_new_with_free_func ((GDestroyNotify) batch_item_free);
  list = json_object_get_array_member (batch, "items");
  for (guint i = 0; i < json_array_get_length (list); i++) {
    BatchItem *item = read_item (json_array_get_object_element (list, i));

    if (item != NULL)
      g_ptr_array_add (items, item);
  }
  return items;
}

static gboolean
write_batch (const BatchManifest *manifest, const gchar *path, GPtrArray *items,
    GError **error)
{
  g_autoptr (JsonBuilder) b = json_builder_new ();

  json_builder_begin_object (b);
  tool_json_string (b, "unetseg", UNETSEG_VERSION);
  tool_json_string (b, "identity", manifest->identity);
  json_builder_set_member_name (b, "items");
  json_builder_begin_array (b);
  for (guint i = 0; i < items->len; i++)
    add_item (b, g_ptr_array_index (items, i));
  json_builder_end_array (b);
  json_builder_end_object (b);
  return write_json (path, b, error);
}

gboolean
batch_manifest_pin (BatchManifest *manifest, const BatchOptions *options,
    BatchPlan *plan, GPtrArray **items, GError **error)
{
  g_autofree gchar *path = inner (manifest, "batch.json");
  g_autofree gchar *described = batch_options_describe (options);
  g_autoptr (JsonObject) batch = NULL;
  GPtrArray *listed;

  manifest->identity =
      g_strdup_printf ("%s sha256=%s", described, batch_plan_get_model (plan));
  batch = batch_manifest_read (path);
  if (batch != NULL
      && g_strcmp0 (string_of (batch, "identity"), manifest->identity) != 0) {
    g_set_error (error, BATCH_ERROR, BATCH_ERROR_OUTPUT,
        "%s holds a batch with other options (there: %s; here: %s)",
        options->folder, string_of (batch, "identity"), manifest->identity);
    return FALSE;
  }
  /* Without shards the folders may have gained recordings since. */
  if (batch != NULL && options->n_shards > 0) {
    listed = read_items (batch);
    if (listed != NULL) {
      g_ptr_array_unref (*items);
      *items = listed;
      return TRUE;
    }
  }
  return write_batch (manifest, path, *items, error);
}

gboolean
batch_manifest_open_existing (BatchManifest *manifest, const gchar *folder,
    GPtrArray **items, GError **error)
{
  g_autofree gchar *path = NULL, *lock = NULL;
  g_autoptr (JsonObject) batch = NULL;

  manifest->folder = g_canonicalize_filename (folder, NULL);
  path = inner (manifest, "batch.json");
  lock = inner (manifest, "lock-join");
  batch = batch_manifest_read (path);
  if (batch == NULL || (*items = read_items (batch)) == NULL) {
    g_set_error (
        error, BATCH_ERROR, BATCH_ERROR_OUTPUT, "%s holds no batch", folder);
    return FALSE;
  }
  manifest->identity = g_strdup (string_of (batch, "identity"));
  manifest->lock = g_open (lock, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (manifest->lock < 0)
    return fail_errno (error, lock);
  if (flock (manifest->lock, LOCK_EX | LOCK_NB) == 0)
    return TRUE;
  g_set_error (error, BATCH_ERROR, BATCH_ERROR_OUTPUT,
      "somebody else is joining %s", folder);
  return FALSE;
}

/* ---- outputs of an item ------------------------------------------------- */

/* Names and sizes; of a folder the number of files and their sum. */
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

static void
add_outputs (JsonBuilder *b, const gchar *folder)
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
  const gchar *name = string_of (output, "name");
  g_autofree gchar *path = g_build_filename (folder, name ? name : "", NULL);
  gint64 bytes = int_of (output, "bytes", -1);
  struct stat st;

  if (name == NULL || stat (path, &st) != 0)
    return FALSE;
  if (S_ISDIR (st.st_mode)) {
    Sum sum = sum_folder (path);

    return (gint64) sum.files == int_of (output, "files", -1)
        && (gint64) sum.bytes == bytes;
  }
  return st.st_size == bytes;
}

static gboolean
outputs_are_whole (JsonObject *entry, const gchar *folder)
{
  JsonArray *list;

  if (!json_object_has_member (entry, "outputs"))
    return FALSE;
  list = json_object_get_array_member (entry, "outputs");
  for (guint i = 0; i < json_array_get_length (list); i++)
    if (!output_is_whole (json_array_get_object_element (list, i), folder))
      return FALSE;
  return TRUE;
}

/* ---- entries ------------------------------------------------------------ */

static gchar *
failure_path (const BatchManifest *manifest, const BatchItem *item)
{
  g_autofree gchar *work = batch_item_work_folder (item, manifest->folder);
  g_autofree gchar *base = g_path_get_basename (work);
  g_autofree gchar *name = g_strconcat (base, ".json", NULL);

  return g_build_filename (manifest->folder, ".unetseg", "failed", name, NULL);
}

JsonObject *
batch_manifest_read_failure (
    const BatchManifest *manifest, const BatchItem *item)
{
  g_autofree gchar *path = failure_path (manifest, item);

  return batch_manifest_read (path);
}

static JsonBuilder *
describe (const BatchManifest *manifest, const BatchItem *item,
    const BatchOutcome *outcome, const gchar *shape)
{
  JsonBuilder *b = json_builder_new ();
  g_autofree gchar *name = to_json_name (item->name);

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
  tool_json_string (b, "batch", manifest->identity);
  if (shape != NULL)
    tool_json_string (b, "shape", shape);
  if (outcome->plan != NULL)
    tool_json_string (b, "plan", outcome->plan);
  tool_json_string (b, "status", batch_status_name (outcome->status));
  if (outcome->reason != NULL)
    tool_json_string (b, "reason", outcome->reason);
  tool_json_int (b, "frames", outcome->frames);
  tool_json_double (b, "seconds", outcome->seconds);
  tool_json_int (b, "width", outcome->width);
  tool_json_int (b, "height", outcome->height);
  tool_json_int (b, "duration", outcome->duration);
  return b;
}

static BatchStatus
read_status (const gchar *name)
{
  for (BatchStatus status = BATCH_DONE; status < BATCH_OPEN; status++)
    if (g_strcmp0 (name, batch_status_name (status)) == 0)
      return status;
  return BATCH_OPEN;
}

static void
read_outcome (JsonObject *entry, BatchOutcome *outcome)
{
  outcome->status = read_status (string_of (entry, "status"));
  outcome->reason = g_strdup (string_of (entry, "reason"));
  outcome->plan = g_strdup (string_of (entry, "plan"));
  outcome->frames = int_of (entry, "frames", 0);
  outcome->seconds =
      json_object_get_double_member_with_default (entry, "seconds", 0);
  outcome->width = int_of (entry, "width", 0);
  outcome->height = int_of (entry, "height", 0);
  outcome->duration = int_of (entry, "duration", -1);
  outcome->first = int_of (entry, "first", -1);
  outcome->next = int_of (entry, "next", -1);
}

static gboolean
is_same (const BatchManifest *manifest, const BatchItem *item,
    JsonObject *entry, BatchPlan *plan)
{
  const gchar *shape = string_of (entry, "shape");
  g_autofree gchar *hash = shape ? batch_plan_find (plan, shape) : NULL;

  return g_strcmp0 (string_of (entry, "uri"), item->uri) == 0
      && int_of (entry, "size", -1) == (gint64) item->size
      && int_of (entry, "mtime", -1) == item->mtime
      && int_of (entry, "segment", 0) == item->segment
      && int_of (entry, "segments", 0) == item->n_segments
      && g_strcmp0 (string_of (entry, "batch"), manifest->identity) == 0
      && g_strcmp0 (string_of (entry, "plan"), hash) == 0;
}

gboolean
batch_manifest_find (const BatchManifest *manifest, const BatchItem *item,
    BatchPlan *plan, gboolean retry, BatchOutcome *outcome)
{
  g_autofree gchar *folder = batch_item_folder (item, manifest->folder);
  g_autofree gchar *path = g_build_filename (folder, "manifest.json", NULL);
  g_autofree gchar *failure = failure_path (manifest, item);
  g_autoptr (JsonObject) entry = batch_manifest_read (path);

  memset (outcome, 0, sizeof *outcome);
  if (entry != NULL && is_same (manifest, item, entry, plan)
      && outputs_are_whole (entry, folder)) {
    read_outcome (entry, outcome);
    return TRUE;
  }
  g_clear_pointer (&entry, json_object_unref);
  if (retry)
    return FALSE;
  entry = batch_manifest_read (failure);
  if (entry == NULL || !is_same (manifest, item, entry, plan))
    return FALSE;
  read_outcome (entry, outcome);
  return TRUE;
}

/* ---- work --------------------------------------------------------------- */

gchar *
batch_manifest_begin (
    const BatchManifest *manifest, const BatchItem *item, GError **error)
{
  gchar *work = batch_item_work_folder (item, manifest->folder);

  if (batch_remove_folder (work) && make_folder (work, error))
    return work;
  if (error != NULL && *error == NULL)
    fail_errno (error, work);
  g_free (work);
  return NULL;
}

/* What was there before stays until the new one is in its place. */
static gboolean
replace_folder (const gchar *from, const gchar *to, GError **error)
{
  g_autofree gchar *old = NULL;
  gboolean ok;

  if (rename (from, to) == 0)
    return TRUE;
  if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
    return fail_errno (error, to);
  old = g_strconcat (from, ".old", NULL);
  batch_remove_folder (old);
  ok = rename (to, old) == 0 && rename (from, to) == 0;
  if (!ok)
    fail_errno (error, to);
  batch_remove_folder (old);
  return ok;
}

static void
sync_folder (const gchar *path)
{
  gint fd = g_open (path, O_RDONLY | O_CLOEXEC, 0);

  if (fd < 0)
    return;
  syncfs (fd);
  close (fd);
}

gboolean
batch_manifest_commit (const BatchManifest *manifest, const BatchItem *item,
    const BatchOutcome *outcome, const gchar *shape, GError **error)
{
  g_autofree gchar *work = batch_item_work_folder (item, manifest->folder);
  g_autofree gchar *folder = batch_item_folder (item, manifest->folder);
  g_autofree gchar *path = g_build_filename (work, "manifest.json", NULL);
  g_autofree gchar *failure = failure_path (manifest, item);
  g_autoptr (JsonBuilder) b = describe (manifest, item, outcome, shape);

  add_outputs (b, work);
  json_builder_end_object (b);
  sync_folder (work);
  if (!write_json (path, b, error) || !make_parent (folder, error)
      || !replace_folder (work, folder, error))
    return FALSE;
  g_unlink (failure);
  return TRUE;
}

void
batch_manifest_drop (const BatchManifest *manifest, const BatchItem *item)
{
  g_autofree gchar *work = batch_item_work_folder (item, manifest->folder);

  batch_remove_folder (work);
}

void
batch_manifest_fail (const BatchManifest *manifest, const BatchItem *item,
    const BatchOutcome *outcome)
{
  g_autofree gchar *path = failure_path (manifest, item);
  g_autoptr (JsonBuilder) b = describe (manifest, item, outcome, NULL);

  json_builder_end_object (b);
  batch_manifest_drop (manifest, item);
  if (make_parent (path, NULL))
    write_json (path, b, NULL);
}
