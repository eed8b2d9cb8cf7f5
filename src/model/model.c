/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/model.h"
#include "model/describe.h"
#include "model/modelinfo-file.h"
#include "graph/passes/quantization.h"
#include "litert/litert.h"
#include "onnx/onnx.h"
#include "unetseg-resources.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUILT_IN_NAME    "built-in person model"
#define BUILT_IN_PATH    "/org/unetseg/person.onnx"
#define BUILT_IN_SIDECAR "/org/unetseg/person.modelinfo"
#define BUILT_IN_RANGES  "/org/unetseg/person.ranges"
/* protobuf's own limit */
#define MAX_FILE_SIZE G_MAXINT32

G_DEFINE_BOXED_TYPE (UnetModel, unet_model, unet_model_ref, unet_model_unref)

/* ---- cache ------------------------------------------------------------ */

/* Identifies one state of a file. */
typedef struct {
  guint64 device, inode, size;
  gint64 seconds, nanoseconds;
} FileState;

struct _UnetModelKey {
  gchar *path;
  FileState model, sidecar;
};

/* UnetModelKey -> UnetModel, neither owned. unet_model_unref() removes the
 * entry with the last reference, under the lock. */
static GMutex cache_lock;
static GHashTable *cache;

static guint
key_hash (gconstpointer data)
{
  const UnetModelKey *key = data;

  return g_str_hash (key->path) ^ (guint) key->model.inode
      ^ (guint) key->model.nanoseconds;
}

static gboolean
key_equal (gconstpointer a, gconstpointer b)
{
  const UnetModelKey *x = a, *y = b;

  return !strcmp (x->path, y->path)
      && !memcmp (&x->model, &y->model, sizeof x->model)
      && !memcmp (&x->sidecar, &y->sidecar, sizeof x->sidecar);
}

static void
key_free (UnetModelKey *key)
{
  if (key)
    g_free (key->path);
  g_free (key);
}

static void
get_state (const struct stat *st, FileState *state)
{
  memset (state, 0, sizeof *state);
  state->device = st->st_dev;
  state->inode = st->st_ino;
  state->size = (guint64) st->st_size;
  state->seconds = st->st_mtim.tv_sec;
  state->nanoseconds = st->st_mtim.tv_nsec;
}

static UnetModel *
look_up (const UnetModelKey *key)
{
  UnetModel *model;

  g_mutex_lock (&cache_lock);
  model = cache ? g_hash_table_lookup (cache, key) : NULL;
  if (model)
    unet_model_ref (model);
  g_mutex_unlock (&cache_lock);
  return model;
}

/* Another thread may have loaded the same file meanwhile: the first one
 * stays. Takes over both arguments. */
static UnetModel *
remember (UnetModel *model, UnetModelKey *key)
{
  UnetModel *first;

  g_mutex_lock (&cache_lock);
  if (!cache)
    cache = g_hash_table_new (key_hash, key_equal);
  first = g_hash_table_lookup (cache, key);
  if (first) {
    unet_model_ref (first);
  } else {
    model->key = g_steal_pointer (&key);
    g_hash_table_insert (cache, model->key, model);
  }
  g_mutex_unlock (&cache_lock);
  if (!first)
    return model;
  key_free (key);
  unet_model_unref (model);
  return first;
}

/* ---- life ------------------------------------------------------------- */

static void
model_free (UnetModel *model)
{
  unet_graph_free (model->graph);
  g_free (model->inputs);
  g_free (model->outputs);
  g_clear_pointer (&model->sidecar, g_key_file_unref);
  g_free (model->sidecar_name);
  g_clear_pointer (&model->calibration, unet_calibration_unref);
  g_free (model->name);
  g_free (model->hash);
  unet_contract_memo_free (model->memo);
  key_free (model->key);
  g_free (model);
}

UnetModel *
unet_model_ref (UnetModel *model)
{
  g_return_val_if_fail (model, NULL);
  g_atomic_ref_count_inc (&model->ref_count);
  return model;
}

void
unet_model_unref (UnetModel *model)
{
  gboolean last;

  g_return_if_fail (model);
  /* The lock keeps look_up() from reviving a model that is going. */
  g_mutex_lock (&cache_lock);
  last = g_atomic_ref_count_dec (&model->ref_count);
  if (last && model->key)
    g_hash_table_remove (cache, model->key);
  g_mutex_unlock (&cache_lock);
  if (last)
    model_free (model);
}

/* Scalars are bounds and factors, not weights. */
static guint64
count_parameters (const UnetGraph *graph)
{
  guint64 n = 0;

  for (guint i = 0; i < graph->values->len; i++) {
    const UnetValue *value = g_ptr_array_index (graph->values, i);
    if (value->constant && value->n_dims && unet_dtype_is_float (value->dtype))
      n += value->constant->n_elements;
  }
  for (guint i = 0; i < graph->nodes->len; i++) {
    const UnetNode *node = g_ptr_array_index (graph->nodes, i);
    const UnetAttr *attr =
        node->op == UNET_OP_Constant ? unet_node_attr (node, "value") : NULL;
    if (attr && attr->tensor && attr->tensor->n_dims
        && unet_dtype_is_float (attr->tensor->dtype))
      n += attr->tensor->n_elements;
  }
  return n;
}

static UnetModel *
model_new (
    GBytes *bytes, const gchar *name, const gchar *folder, GError **error)
{
  UnetGraph *graph = unet_litert_is_file (bytes)
      ? unet_litert_parse (bytes, name, error)
      : unet_onnx_parse (bytes, name, folder, error);
  UnetModel *model;

  if (!graph)
    return NULL;
  model = g_new0 (UnetModel, 1);
  g_atomic_ref_count_init (&model->ref_count);
  model->name = g_strdup (name);
  model->graph = graph;
  model->n_parameters = count_parameters (graph);
  model->quantized = unet_graph_is_quantized (graph);
  if (!unet_model_describe (model, error))
    g_clear_pointer (&model, unet_model_unref);
  return model;
}

/* ---- loading ---------------------------------------------------------- */

static gboolean
read_fd (int fd, gchar *data, gsize size)
{
  while (size > 0) {
    ssize_t n = read (fd, data, size);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return FALSE;
    data += n;
    size -= (gsize) n;
  }
  return TRUE;
}

static GBytes *
read_content (int fd, const struct stat *st, const gchar *path, GError **error)
{
  gsize size = (gsize) st->st_size;
  gchar *data;

  if (!S_ISREG (st->st_mode)) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_NOT_FOUND,
        "%s: not a regular file", path);
    return NULL;
  }
  if (st->st_size > MAX_FILE_SIZE) {
    g_set_error (
        error, UNET_ERROR, UNET_ERROR_LIMIT, "%s: larger than 2 GiB", path);
    return NULL;
  }
  data = g_try_malloc (MAX (size, 1));
  if (!data || !read_fd (fd, data, size)) {
    g_free (data);
    g_set_error (
        error, UNET_ERROR, UNET_ERROR_NOT_FOUND, "%s: cannot read", path);
    return NULL;
  }
  return g_bytes_new_take (data, size);
}

static gboolean
add_sidecar (UnetModel *model, gchar *name, GError **error)
{
  if (!name)
    return TRUE;
  model->sidecar_name = name;
  model->sidecar = unet_sidecar_load (name, error);
  return model->sidecar != NULL;
}

static UnetModelKey *
new_key (const gchar *path, const struct stat *st, const gchar *sidecar)
{
  UnetModelKey *key = g_new0 (UnetModelKey, 1);
  struct stat other;

  key->path = g_canonicalize_filename (path, NULL);
  get_state (st, &key->model);
  if (sidecar && !stat (sidecar, &other))
    get_state (&other, &key->sidecar);
  return key;
}

static UnetModel *
load_fd (int fd, const gchar *path, GError **error)
{
  g_autofree gchar *folder = g_path_get_dirname (path);
  gchar *sidecar = unet_sidecar_find (path);
  g_autoptr (GBytes) bytes = NULL;
  UnetModel *model = NULL;
  UnetModelKey *key;
  struct stat st;

  if (fstat (fd, &st)) {
    memset (&st, 0, sizeof st);
    st.st_mode = S_IFIFO; /* read_content() says that it is no file */
  }
  key = new_key (path, &st, sidecar);
  model = look_up (key);
  if (model)
    goto done;
  bytes = read_content (fd, &st, path, error);
  model = bytes ? model_new (bytes, path, folder, error) : NULL;
  if (!model)
    goto done;
  if (!add_sidecar (model, g_steal_pointer (&sidecar), error)) {
    g_clear_pointer (&model, unet_model_unref);
    goto done;
  }
  model = remember (model, g_steal_pointer (&key));

done:
  key_free (key);
  g_free (sidecar);
  return model;
}

/* Registered by hand: a constructor would be left out of the static library. */
static GResource *
built_in_resource (void)
{
  static gsize registered;

  if (g_once_init_enter (&registered)) {
    unetseg_register_resource ();
    g_once_init_leave (&registered, 1);
  }
  return unetseg_get_resource ();
}

GBytes *
unet_model_dup_built_in (void)
{
  return g_resource_lookup_data (
      built_in_resource (), BUILT_IN_PATH, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
}

/* The built-in model comes with a calibration, so that it runs in int8 from
 * the first frame on. */
static UnetCalibration *
load_built_in_ranges (void)
{
  g_autoptr (GBytes) bytes = g_resource_lookup_data (built_in_resource (),
      BUILT_IN_RANGES, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
  g_autoptr (GError) error = NULL;
  UnetCalibration *calibration = NULL;

  if (bytes)
    calibration =
        unet_calibration_new_from_data (g_bytes_get_data (bytes, NULL),
            g_bytes_get_size (bytes), BUILT_IN_RANGES, &error);
  if (error)
    g_warning ("%s", error->message);
  return calibration;
}

static UnetModel *
load_built_in (GError **error)
{
  UnetModelKey *key = g_new0 (UnetModelKey, 1);
  g_autoptr (GBytes) bytes = NULL, sidecar = NULL;
  UnetModel *model;

  key->path = g_strdup (BUILT_IN_NAME);
  model = look_up (key);
  if (model) {
    key_free (key);
    return model;
  }
  bytes = g_resource_lookup_data (
      built_in_resource (), BUILT_IN_PATH, G_RESOURCE_LOOKUP_FLAGS_NONE, error);
  sidecar = g_resource_lookup_data (built_in_resource (), BUILT_IN_SIDECAR,
      G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
  model = bytes ? model_new (bytes, BUILT_IN_NAME, NULL, error) : NULL;
  if (!model) {
    key_free (key);
    return NULL;
  }
  if (sidecar) {
    model->sidecar = g_key_file_new ();
    model->sidecar_name = g_strdup (BUILT_IN_SIDECAR);
    g_key_file_load_from_bytes (model->sidecar, sidecar, G_KEY_FILE_NONE, NULL);
  }
  model->calibration = load_built_in_ranges ();
  return remember (model, key);
}

/* Returns the path of a file:// URI, and a path as it is, or %NULL with @error
 * set. */
static gchar *
dup_path (const gchar *location, GError **error)
{
  g_autoptr (GError) local = NULL;
  gchar *path;

  if (!strstr (location, "://"))
    return g_strdup (location);
  if (!g_str_has_prefix (location, "file://")) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_NOT_FOUND,
        "%s: only files are read; download it first and give its path",
        location);
    return NULL;
  }
  path = g_filename_from_uri (location, NULL, &local);
  if (!path)
    g_set_error (error, UNET_ERROR, UNET_ERROR_NOT_FOUND, "%s: %s", location,
        local->message);
  return path;
}

/* A relative path is most often meant from another folder. */
static void
set_open_error (const gchar *path, int code, GError **error)
{
  g_autofree gchar *folder = g_get_current_dir ();

  if (code == ENOENT && !g_path_is_absolute (path))
    g_set_error (error, UNET_ERROR, UNET_ERROR_NOT_FOUND,
        "%s: there is no such file in %s; without a path the built-in person "
        "model is used",
        path, folder);
  else
    g_set_error (error, UNET_ERROR, UNET_ERROR_NOT_FOUND, "%s: %s", path,
        g_strerror (code));
}

UnetModel *
unet_model_load (const gchar *location, GError **error)
{
  g_autofree gchar *path = NULL;
  UnetModel *model;
  int fd;

  if (!location)
    return load_built_in (error);
  path = dup_path (location, error);
  if (!path)
    return NULL;
  /* Not to wait for the other end of a pipe. */
  fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    set_open_error (path, errno, error);
    return NULL;
  }
  model = load_fd (fd, path, error);
  close (fd);
  return model;
}

UnetModel *
unet_model_new_from_bytes (GBytes *bytes, const gchar *name, GError **error)
{
  g_return_val_if_fail (bytes && name, NULL);
  return model_new (bytes, name, NULL, error);
}

/* ---- getters ---------------------------------------------------------- */

const gchar *
unet_model_get_name (const UnetModel *model)
{
  return model->name;
}

const UnetGraph *
unet_model_get_graph (const UnetModel *model)
{
  return model->graph;
}

guint
unet_model_get_n_inputs (const UnetModel *model)
{
  return model->graph->inputs->len;
}

guint
unet_model_get_n_outputs (const UnetModel *model)
{
  return model->graph->outputs->len;
}

const UnetTensorInfo *
unet_model_get_input (const UnetModel *model, guint index)
{
  g_return_val_if_fail (index < model->graph->inputs->len, NULL);
  return &model->inputs[index];
}

const UnetTensorInfo *
unet_model_get_output (const UnetModel *model, guint index)
{
  g_return_val_if_fail (index < model->graph->outputs->len, NULL);
  return &model->outputs[index];
}

const gchar *
unet_model_get_metadata (const UnetModel *model, const gchar *key)
{
  return g_hash_table_lookup (model->graph->metadata, key);
}

guint64
unet_model_get_n_parameters (const UnetModel *model)
{
  return model->n_parameters;
}

UnetCalibration *
unet_model_get_calibration (const UnetModel *model)
{
  return model->calibration;
}

gboolean
unet_model_is_quantized (const UnetModel *model)
{
  return model->quantized;
}
