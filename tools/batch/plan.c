/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

struct _BatchPlan {
  gchar *path, *lock_path;
  GMutex adding; /* held with the file's lock */
  gint lock;     /* file descriptor, -1: not locked */

  GMutex mutex; /* of what follows */
  gchar *model, *cpu;
  UnetModel *loaded;
  GHashTable *overrides; /* of the contract */
  guint threads, jobs;
  GHashTable *shapes; /* shape -> hash */
};

/* ---- what it depends on ------------------------------------------------- */

/* Vendor, family and model: what oneDNN tells processors apart by, with the
 * instructions that it was told to keep to. */
static gchar *
describe_cpu (void)
{
  static const gchar *const fields[] = { "vendor_id", "cpu family", "model",
    "CPU implementer", "CPU part", NULL };
  g_autofree gchar *all = NULL;
  GString *text = g_string_new (NULL);
  const gchar *isa = g_getenv ("DNNL_MAX_CPU_ISA");

  g_file_get_contents ("/proc/cpuinfo", &all, NULL, NULL);
  for (guint i = 0; all != NULL && fields[i] != NULL; i++) {
    g_autofree gchar *pattern =
        g_strdup_printf ("^%s\\s*:\\s*(.*)$", fields[i]);
    g_autoptr (GRegex)
        regex = g_regex_new (pattern, G_REGEX_MULTILINE, 0, NULL);
    g_autoptr (GMatchInfo) match = NULL;

    if (g_regex_match (regex, all, 0, &match)) {
      g_autofree gchar *value = g_match_info_fetch (match, 1);

      g_string_append_printf (text, "%s%s", text->len > 0 ? " " : "", value);
    }
  }
  if (isa == NULL)
    isa = g_getenv ("ONEDNN_MAX_CPU_ISA");
  if (isa != NULL)
    g_string_append_printf (text, " held to %s", isa);
  return g_string_free (text, FALSE);
}

static void
hash_file (GChecksum *sum, const gchar *path)
{
  gchar *data;
  gsize size;

  if (g_file_get_contents (path, &data, &size, NULL)) {
    g_checksum_update (sum, (const guchar *) data, size);
    g_free (data);
  }
}

/* The file, what it refers to is only known by its name, and the sidecar. */
static gchar *
hash_model (const gchar *path, const gchar *calibration)
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);

  if (calibration != NULL)
    hash_file (sum, calibration);
  if (path == NULL) {
    g_autoptr (GBytes) bytes = unet_model_dup_built_in ();

    g_checksum_update (
        sum, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  } else {
    const gchar *dot = strrchr (path, '.');
    g_autofree gchar *stem = g_strndup (
        path, dot && !strchr (dot, '/') ? (gsize) (dot - path) : strlen (path));
    g_autofree gchar *beside = g_strconcat (stem, ".modelinfo", NULL);
    g_autofree gchar *behind = g_strconcat (path, ".modelinfo", NULL);
    g_autofree gchar *data = g_strconcat (path, ".data", NULL);

    hash_file (sum, path);
    hash_file (sum, data);
    hash_file (sum, beside);
    hash_file (sum, behind);
  }
  return g_strdup (g_checksum_get_string (sum));
}

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

static const gchar *
string_of (JsonObject *object, const gchar *name)
{
  return json_object_get_string_member_with_default (object, name, "");
}

static gboolean
take_over (BatchPlan *plan, JsonObject *root, GError **error)
{
  JsonObject *shapes = json_object_has_member (root, "shapes")
      ? json_object_get_object_member (root, "shapes")
      : NULL;
  g_autoptr (GList) names = shapes ? json_object_get_members (shapes) : NULL;

  if (mismatch ("model", string_of (root, "model"), plan->model, error)
      || mismatch ("version of oneDNN", string_of (root, "engine"),
          unet_session_get_engine_name (), error)
      || mismatch (
          "kind of processor", string_of (root, "cpu"), plan->cpu, error)
      || !unet_tuning_load (string_of (root, "tuning"), error))
    return FALSE;
  plan->threads = json_object_get_int_member_with_default (root, "threads", 0);
  plan->jobs = json_object_get_int_member_with_default (root, "jobs", 0);
  for (GList *l = names; l != NULL; l = l->next)
    g_hash_table_replace (plan->shapes, g_strdup (l->data),
        g_strdup (string_of (shapes, l->data)));
  return TRUE;
}

static gboolean
plan_load (BatchPlan *plan, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonNode *root;
  gboolean ok;

  if (!g_file_test (plan->path, G_FILE_TEST_EXISTS))
    return TRUE;
  if (!json_parser_load_from_file (parser, plan->path, error))
    return FALSE;
  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root)) {
    g_set_error (
        error, BATCH_ERROR, BATCH_ERROR_MODEL, "%s: not a plan", plan->path);
    return FALSE;
  }
  g_mutex_lock (&plan->mutex);
  ok = take_over (plan, json_node_get_object (root), error);
  g_mutex_unlock (&plan->mutex);
  return ok;
}

static gint
compare_strings (gconstpointer a, gconstpointer b)
{
  return strcmp (a, b);
}

static gchar *
plan_text (BatchPlan *plan)
{
  g_autoptr (JsonBuilder) b = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree gchar *tuning = unet_tuning_save ();
  g_autoptr (GList) shapes =
      g_list_sort (g_hash_table_get_keys (plan->shapes), compare_strings);

  json_builder_begin_object (b);
  tool_json_string (b, "unetseg", UNETSEG_VERSION);
  tool_json_string (b, "model", plan->model);
  tool_json_string (b, "engine", unet_session_get_engine_name ());
  tool_json_string (b, "cpu", plan->cpu);
  tool_json_int (b, "threads", plan->threads);
  tool_json_int (b, "jobs", plan->jobs);
  json_builder_set_member_name (b, "shapes");
  json_builder_begin_object (b);
  for (GList *l = shapes; l != NULL; l = l->next)
    tool_json_string (b, l->data, g_hash_table_lookup (plan->shapes, l->data));
  json_builder_end_object (b);
  tool_json_string (b, "tuning", tuning);
  json_builder_end_object (b);
  root = json_builder_get_root (b);
  return json_to_string (root, TRUE);
}

static gboolean
plan_save (BatchPlan *plan, GError **error)
{
  g_autofree gchar *text = NULL;

  g_mutex_lock (&plan->mutex);
  text = plan_text (plan);
  g_mutex_unlock (&plan->mutex);
  if (g_file_set_contents_full (plan->path, text, -1,
          G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0666,
          error))
    return TRUE;
  g_prefix_error (error, "the plan cannot be written: ");
  return FALSE;
}

/* ---- life --------------------------------------------------------------- */

/* The contract's fields among the element's properties. */
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

/* What cannot give the same masks in every shard. */
static gboolean
check_contract (
    const UnetContract *contract, const BatchOptions *options, GError **error)
{
  const gchar *precision =
      g_hash_table_lookup (options->properties, "precision");

  if (options->segment > 0 && contract->state != NULL
      && contract->state[0] != NULL) {
    g_set_error (error, TOOL_ERROR, TOOL_ERROR_USAGE,
        "--segment: this model carries a state from frame to frame (%s), which "
        "a segment would begin without",
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
batch_plan_open (
    const gchar *folder, const BatchOptions *options, GError **error)
{
  BatchPlan *plan = g_new0 (BatchPlan, 1);
  const gchar *path = g_hash_table_lookup (options->properties, "model");
  g_autoptr (UnetContract) contract = NULL;

  g_mutex_init (&plan->adding);
  g_mutex_init (&plan->mutex);
  plan->lock = -1;
  plan->path = g_build_filename (folder, ".unetseg", "plan.json", NULL);
  plan->lock_path = g_strconcat (plan->path, ".lock", NULL);
  plan->shapes =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  plan->overrides = find_overrides (options);
  plan->cpu = describe_cpu ();
  plan->loaded = unet_model_load (path, error);
  if (plan->loaded == NULL)
    goto failed;
  contract = unet_model_get_contract (plan->loaded, plan->overrides, error);
  if (contract == NULL)
    goto failed;
  if (!check_contract (contract, options, error))
    goto failed;
  plan->model = hash_model (
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

UnetModel *
batch_plan_get_loaded (BatchPlan *plan)
{
  return plan->loaded;
}

guint
batch_plan_get_threads (BatchPlan *plan)
{
  return plan->threads;
}

guint
batch_plan_get_jobs (BatchPlan *plan)
{
  return plan->jobs;
}

gboolean
batch_plan_set_threads (
    BatchPlan *plan, guint threads, guint jobs, GError **error)
{
  plan->threads = threads;
  plan->jobs = jobs;
  return plan_save (plan, error);
}

/* ---- adding ------------------------------------------------------------- */

gboolean
batch_plan_lock (BatchPlan *plan, GError **error)
{
  g_mutex_lock (&plan->adding);
  plan->lock = g_open (plan->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (plan->lock < 0 || flock (plan->lock, LOCK_EX) != 0) {
    g_set_error (error, BATCH_ERROR, BATCH_ERROR_OUTPUT, "%s: %s",
        plan->lock_path, g_strerror (errno));
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
    close (plan->lock); /* and with it the lock */
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

/* The same session as the element's: what was measured is known, so that it is
 * made in a moment and shares the weights. */
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
