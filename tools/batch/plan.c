/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/plan.h"

#include "batch/error.h"
#include "batch/files.h"
#include "batch/plan-identity.h"
#include "lib/json.h"
#include "lib/status.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* --threads takes as many. */
#define MAX_THREADS 1024

struct _BatchPlan {
  gchar *path, *lock_path;
  GMutex adding; /* held with the file's lock */
  gint lock;     /* file descriptor, -1: not locked */

  GMutex mutex; /* of what follows */
  gchar *model, *cpu;
  UnetModel *loaded;
  GHashTable *overrides; /* of the contract */
  guint threads;         /* of an inference, 0: not pinned yet */
  GHashTable *shapes;    /* shape -> hash */
};

/* ---- the file ----------------------------------------------------------- */

static gboolean
mismatch (
    const gchar *what, const gchar *pinned, const gchar *here, GError **error)
{
  if (g_strcmp0 (pinned, here) == 0)
    return FALSE;
  g_set_error (error, BATCH_ERROR, BATCH_ERROR_MODEL,
      "the plan of this batch was made with another %s (%s, here %s): masks "
      "would differ; use another folder, or --overwrite",
      what, pinned, here);
  return TRUE;
}

static gboolean
read_shapes (BatchPlan *plan, JsonObject *shapes)
{
  g_autoptr (GList) names = shapes ? json_object_get_members (shapes) : NULL;

  for (GList *l = names; l != NULL; l = l->next) {
    const gchar *hash = tool_json_get_string (shapes, l->data, NULL);

    if (hash == NULL)
      return FALSE;
    g_hash_table_replace (plan->shapes, g_strdup (l->data), g_strdup (hash));
  }
  return TRUE;
}

static gboolean
read_numbers (BatchPlan *plan, JsonObject *root, GError **error)
{
  gint64 threads = 0;

  if (!tool_json_get_range (root, "threads", 0, MAX_THREADS, &threads)) {
    g_set_error (error, BATCH_ERROR, BATCH_ERROR_MODEL,
        "%s: the threads are not a number from 0 to %d", plan->path,
        MAX_THREADS);
    return FALSE;
  }
  plan->threads = threads;
  if (read_shapes (plan, tool_json_get_object (root, "shapes")))
    return TRUE;
  g_set_error (error, BATCH_ERROR, BATCH_ERROR_MODEL,
      "%s: the hash of a shape is not a text", plan->path);
  return FALSE;
}

gboolean
batch_plan_take (BatchPlan *plan, JsonObject *root, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (!read_numbers (plan, root, error))
    return FALSE;
  if (unet_tuning_load (tool_json_get_string (root, "tuning", ""), &local))
    return TRUE;
  g_set_error (error, BATCH_ERROR, BATCH_ERROR_MODEL, "%s: %s", plan->path,
      local->message);
  return FALSE;
}

static gboolean
check_identity (const BatchPlan *plan, JsonObject *root, GError **error)
{
  return !mismatch ("model", tool_json_get_string (root, "model", ""),
             plan->model, error)
      && !mismatch ("version of oneDNN",
          tool_json_get_string (root, "engine", ""),
          unet_session_get_engine_name (), error)
      && !mismatch ("kind of processor", tool_json_get_string (root, "cpu", ""),
          plan->cpu, error);
}

static gboolean
plan_load (BatchPlan *plan, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (JsonObject) root = tool_json_read_object (plan->path, &local);
  gboolean ok;

  if (g_error_matches (local, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    return TRUE;
  if (root == NULL) {
    g_set_error_literal (error, BATCH_ERROR, BATCH_ERROR_MODEL, local->message);
    return FALSE;
  }
  g_mutex_lock (&plan->mutex);
  ok = check_identity (plan, root, error)
      && batch_plan_take (plan, root, error);
  g_mutex_unlock (&plan->mutex);
  return ok;
}

static gint
compare_strings (gconstpointer a, gconstpointer b)
{
  return strcmp (a, b);
}

/* Returns (transfer full): a builder at the end of the document. */
static JsonBuilder *
describe (BatchPlan *plan)
{
  JsonBuilder *b = json_builder_new ();
  g_autofree gchar *tuning = unet_tuning_save ();
  g_autoptr (GList) shapes =
      g_list_sort (g_hash_table_get_keys (plan->shapes), compare_strings);

  json_builder_begin_object (b);
  tool_json_string (b, "unetseg", UNETSEG_VERSION);
  tool_json_string (b, "model", plan->model);
  tool_json_string (b, "engine", unet_session_get_engine_name ());
  tool_json_string (b, "cpu", plan->cpu);
  tool_json_int (b, "threads", plan->threads);
  json_builder_set_member_name (b, "shapes");
  json_builder_begin_object (b);
  for (GList *l = shapes; l != NULL; l = l->next)
    tool_json_string (b, l->data, g_hash_table_lookup (plan->shapes, l->data));
  json_builder_end_object (b);
  tool_json_string (b, "tuning", tuning);
  json_builder_end_object (b);
  return b;
}

static gboolean
plan_save (BatchPlan *plan, GError **error)
{
  g_autoptr (JsonBuilder) b = NULL;

  g_mutex_lock (&plan->mutex);
  b = describe (plan);
  g_mutex_unlock (&plan->mutex);
  return batch_write_json (plan->path, b, error);
}

/* ---- life --------------------------------------------------------------- */

/* The fields of the contract among the properties of the element. */
static GHashTable *
find_overrides (const BatchOptions *options)
{
  static const gchar *const names[][2] = { { "input-name", "input" },
    { "output-name", "output" } };
  GHashTable *overrides =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  UnetContract *scratch = unet_contract_new ();
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_iter_init (&iter, options->properties);
  while (g_hash_table_iter_next (&iter, &name, &value)) {
    const gchar *key = name;

    for (guint i = 0; i < G_N_ELEMENTS (names); i++)
      if (g_str_equal (name, names[i][0]))
        key = names[i][1];
    if (unet_contract_set (scratch, key, value, NULL))
      g_hash_table_replace (overrides, g_strdup (key), g_strdup (value));
  }
  unet_contract_free (scratch);
  return overrides;
}

/* Refuses options with which the masks of two shards would differ. */
static gboolean
check_contract (
    const UnetContract *contract, const BatchOptions *options, GError **error)
{
  const gchar *precision =
      g_hash_table_lookup (options->properties, "precision");

  if (options->segment > 0 && contract->state != NULL
      && contract->state[0] != NULL) {
    g_set_error (error, TOOL_ERROR, TOOL_ERROR_USAGE,
        "--segment: this model has a state (%s), which every segment would "
        "begin "
        "without",
        contract->state[0]);
    return FALSE;
  }
  if (g_strcmp0 (precision, "int8") == 0
      && g_hash_table_lookup (options->properties, "calibration") == NULL) {
    g_set_error (error, TOOL_ERROR, TOOL_ERROR_USAGE,
        "--precision=int8 would calibrate on each recording's own frames; make "
        "a calibration with 'unetseg calibrate' and name it");
    return FALSE;
  }
  return TRUE;
}

BatchPlan *
batch_plan_new (const gchar *path)
{
  BatchPlan *plan = g_new0 (BatchPlan, 1);

  g_mutex_init (&plan->adding);
  g_mutex_init (&plan->mutex);
  plan->lock = -1;
  plan->path = g_strdup (path);
  plan->lock_path = g_strconcat (path, ".lock", NULL);
  plan->shapes =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return plan;
}

BatchPlan *
batch_plan_open (
    const gchar *folder, const BatchOptions *options, GError **error)
{
  const gchar *path = g_hash_table_lookup (options->properties, "model");
  g_autofree gchar *file =
      g_build_filename (folder, ".unetseg", "plan.json", NULL);
  BatchPlan *plan = batch_plan_new (file);
  g_autoptr (UnetContract) contract = NULL;

  plan->overrides = find_overrides (options);
  plan->cpu = batch_plan_describe_cpu ();
  plan->loaded = unet_model_load (path, error);
  if (plan->loaded == NULL)
    goto failed;
  contract = unet_model_get_contract (plan->loaded, plan->overrides, error);
  if (contract == NULL)
    goto failed;
  if (!check_contract (contract, options, error))
    goto failed;
  plan->model = batch_plan_hash_model (
      path, g_hash_table_lookup (options->properties, "calibration"));
  if (!plan_load (plan, error))
    goto failed;
  return plan;

failed:
  batch_plan_free (plan);
  return NULL;
}

void
batch_plan_free (BatchPlan *plan)
{
  if (plan == NULL)
    return;
  g_clear_pointer (&plan->loaded, unet_model_unref);
  g_clear_pointer (&plan->overrides, g_hash_table_unref);
  g_hash_table_unref (plan->shapes);
  g_mutex_clear (&plan->adding);
  g_mutex_clear (&plan->mutex);
  g_free (plan->model);
  g_free (plan->cpu);
  g_free (plan->path);
  g_free (plan->lock_path);
  g_free (plan);
}

const gchar *
batch_plan_get_model (BatchPlan *plan)
{
  return plan->model;
}

guint
batch_plan_get_threads (BatchPlan *plan)
{
  return plan->threads;
}

gboolean
batch_plan_set_threads (BatchPlan *plan, guint threads, GError **error)
{
  plan->threads = threads;
  return plan_save (plan, error);
}

/* ---- adding ------------------------------------------------------------- */

gboolean
batch_plan_lock (BatchPlan *plan, GError **error)
{
  g_mutex_lock (&plan->adding);
  plan->lock = g_open (plan->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (plan->lock < 0 || flock (plan->lock, LOCK_EX) != 0) {
    batch_fail_errno (error, plan->lock_path);
    batch_plan_unlock (plan);
    return FALSE;
  }
  if (!plan_load (plan, error)) {
    batch_plan_unlock (plan);
    return FALSE;
  }
  return TRUE;
}

void
batch_plan_unlock (BatchPlan *plan)
{
  if (plan->lock >= 0)
    close (plan->lock); /* closing releases the lock */
  plan->lock = -1;
  g_mutex_unlock (&plan->adding);
}

gchar *
batch_plan_find (BatchPlan *plan, const gchar *shape)
{
  gchar *hash;

  g_mutex_lock (&plan->mutex);
  hash = g_strdup (g_hash_table_lookup (plan->shapes, shape));
  g_mutex_unlock (&plan->mutex);
  return hash;
}

static void
hash_layers (GChecksum *sum, UnetSession *session)
{
  guint n;
  const UnetLayerInfo *layers = unet_session_get_layers (session, &n);

  for (guint i = 0; i < n; i++) {
    g_autofree gchar *line = g_strdup_printf ("%s %s %s %s %s\n",
        layers[i].name, layers[i].op, layers[i].impl, layers[i].layout,
        layers[i].shape);

    g_checksum_update (sum, (const guchar *) line, -1);
  }
}

/* A session equal to the element's. Its times are known and its weights shared,
 * so that it is made quickly. */
static UnetSession *
twin_session (BatchPlan *plan, const GstStructure *stats)
{
  g_autoptr (UnetContract)
      contract = unet_model_get_contract (plan->loaded, plan->overrides, NULL);
  UnetSessionOptions options = UNET_SESSION_OPTIONS_INIT;
  const gchar *size = gst_structure_get_string (stats, "input-size");
  guint width, height;
  gint precision;

  if (contract == NULL || size == NULL
      || sscanf (size, "%ux%u", &width, &height) != 2)
    return NULL;
  gst_structure_get_uint (stats, "threads", &options.threads);
  if (gst_structure_get_enum (
          stats, "precision", UNET_TYPE_PRECISION, &precision))
    options.precision = precision;
  return unet_session_new_for_size (
      plan->loaded, contract, width, height, &options, NULL);
}

static gchar *
hash_shape (BatchPlan *plan, GstElement *element)
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autoptr (GstStructure) stats = NULL;
  g_autofree gchar *text = NULL;
  UnetSession *session;

  g_object_get (element, "stats", &stats, NULL);
  session = twin_session (plan, stats);
  text = g_strdup_printf ("%s\n%s\n%s\n%s\n%s\n%u\n", plan->model,
      unet_session_get_engine_name (), plan->cpu,
      gst_structure_get_string (stats, "contract"),
      gst_structure_get_string (stats, "input-size"), plan->threads);
  g_checksum_update (sum, (const guchar *) text, -1);
  if (session != NULL) {
    hash_layers (sum, session);
    unet_session_unref (session);
  }
  return g_strdup (g_checksum_get_string (sum));
}

gboolean
batch_plan_add (
    BatchPlan *plan, const gchar *shape, GstElement *element, GError **error)
{
  gchar *hash = hash_shape (plan, element);

  g_mutex_lock (&plan->mutex);
  g_hash_table_replace (plan->shapes, g_strdup (shape), hash);
  g_mutex_unlock (&plan->mutex);
  return plan_save (plan, error);
}
