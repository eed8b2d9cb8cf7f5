/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/calibration.h"
#include "model/hash.h"
#include <string.h>

/* Life, limits, questions and the file of a calibration. */

G_DEFINE_BOXED_TYPE (UnetCalibration, unet_calibration, unet_calibration_ref,
    unet_calibration_unref)

/* Limits of a calibration that sets none: masks that differ less look the same
 * on video. */
#define MAX_DIFFERENCE 0.01
#define MIN_IOU        0.99

UnetCalibration *
unet_calibration_alloc (const gchar *hash, const gchar *data)
{
  UnetCalibration *self = g_new0 (UnetCalibration, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->model = g_strdup (hash);
  self->data = g_strdup (data ? data : "");
  self->max_difference = MAX_DIFFERENCE;
  self->min_iou = MIN_IOU;
  self->ranges =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->keep_f32 =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return self;
}

UnetCalibration *
unet_calibration_ref (UnetCalibration *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
unet_calibration_unref (UnetCalibration *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  if (self->frames)
    self->free_frames (self->frames);
  g_hash_table_unref (self->ranges);
  g_hash_table_unref (self->keep_f32);
  g_free (self->model);
  g_free (self->data);
  g_free (self);
}

void
unet_calibration_set_limits (
    UnetCalibration *self, gdouble difference, gdouble iou)
{
  g_return_if_fail (!self->finished);
  self->max_difference = difference;
  self->min_iou = iou;
}

void
unet_calibration_cancel (UnetCalibration *self)
{
  g_atomic_int_set (&self->cancelled, TRUE);
}

/* ---- questions ----------------------------------------------------------- */

gboolean
unet_calibration_fits (UnetCalibration *self, UnetModel *model)
{
  return g_strcmp0 (self->model, unet_model_get_hash (model)) == 0;
}

gboolean
unet_calibration_is_finished (UnetCalibration *self)
{
  return self->finished;
}

gboolean
unet_calibration_agrees (UnetCalibration *self)
{
  return self->finished && self->difference <= self->max_difference
      && self->iou >= self->min_iou;
}

void
unet_calibration_get_agreement (
    UnetCalibration *self, gdouble *difference, gdouble *iou)
{
  if (difference)
    *difference = self->difference;
  if (iou)
    *iou = self->iou;
}

const gchar *
unet_calibration_get_data (UnetCalibration *self, guint *n_frames)
{
  if (n_frames)
    *n_frames = self->n_frames;
  return self->data;
}

guint
unet_calibration_get_n_wide (UnetCalibration *self)
{
  return g_hash_table_size (self->keep_f32);
}

/* ---- file ---------------------------------------------------------------- */

#define GROUP  "calibration"
#define FORMAT 1

static gint
by_name (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const gchar *const *) a, *(const gchar *const *) b);
}

/* Sorted, so that equal calibrations are equal files. Names that are no UTF-8
 * cannot be written; those values stay in f32 then. */
static GPtrArray *
sorted_names (GHashTable *table)
{
  GPtrArray *names = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    if (g_utf8_validate (key, -1, NULL))
      g_ptr_array_add (names, key);
  g_ptr_array_sort (names, by_name);
  return names;
}

static void
write_ranges (UnetCalibration *self, GKeyFile *file)
{
  GPtrArray *names = sorted_names (self->ranges);
  gdouble *low = g_new (gdouble, names->len + 1);
  gdouble *high = g_new (gdouble, names->len + 1);

  for (guint i = 0; i < names->len; i++) {
    const UnetRange *r = g_hash_table_lookup (self->ranges, names->pdata[i]);
    low[i] = r->low;
    high[i] = r->high;
  }
  g_key_file_set_string_list (file, "ranges", "values",
      (const gchar *const *) names->pdata, names->len);
  g_key_file_set_double_list (file, "ranges", "low", low, names->len);
  g_key_file_set_double_list (file, "ranges", "high", high, names->len);
  g_free (low);
  g_free (high);
  g_ptr_array_unref (names);
}

gboolean
unet_calibration_save (UnetCalibration *self, const gchar *path, GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (GPtrArray) wide = sorted_names (self->keep_f32);

  g_key_file_set_comment (file, NULL, NULL,
      " How large the values of a network get; written by unetseg", NULL);
  g_key_file_set_integer (file, GROUP, "format", FORMAT);
  g_key_file_set_string (file, GROUP, "model", self->model);
  g_key_file_set_string (file, GROUP, "data", self->data);
  g_key_file_set_integer (file, GROUP, "frames", self->n_frames);
  g_key_file_set_double (file, GROUP, "difference", self->difference);
  g_key_file_set_double (file, GROUP, "iou", self->iou);
  g_key_file_set_double (file, GROUP, "max-difference", self->max_difference);
  g_key_file_set_double (file, GROUP, "min-iou", self->min_iou);
  g_key_file_set_string_list (
      file, GROUP, "f32-layers", (const gchar *const *) wide->pdata, wide->len);
  write_ranges (self, file);
  return g_key_file_save_to_file (file, path, error);
}

static gboolean
read_number (GKeyFile *file, const gchar *key, gdouble *value, GError **error)
{
  GError *e = NULL;

  *value = g_key_file_get_double (file, GROUP, key, &e);
  if (!e && *value >= 0 && *value <= 1)
    return TRUE;
  g_set_error (error, UNET_ERROR, UNET_ERROR_PARSE, "%s",
      e ? e->message : "a number is not within 0 to 1");
  g_clear_error (&e);
  return FALSE;
}

static gboolean
read_ranges (UnetCalibration *self, GKeyFile *file, GError **error)
{
  gsize n = 0, n_low = 0, n_high = 0;
  g_auto (GStrv)
      names = g_key_file_get_string_list (file, "ranges", "values", &n, error);
  g_autofree gdouble *low = names && !*error
      ? g_key_file_get_double_list (file, "ranges", "low", &n_low, error)
      : NULL;
  g_autofree gdouble *high = low && !*error
      ? g_key_file_get_double_list (file, "ranges", "high", &n_high, error)
      : NULL;

  if (*error)
    return FALSE;
  /* an empty list is no list */
  if (!high || n != n_low || n != n_high) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_PARSE,
        "names and ranges differ in number, or there are none");
    return FALSE;
  }
  for (gsize i = 0; i < n; i++) {
    UnetRange r = { low[i], high[i] };

    if (!(low[i] <= 0 && high[i] >= 0 && low[i] > -1e30 && high[i] < 1e30)) {
      g_set_error (error, UNET_ERROR, UNET_ERROR_PARSE,
          "the range of '%s' is none", names[i]);
      return FALSE;
    }
    g_hash_table_insert (
        self->ranges, g_strdup (names[i]), g_memdup2 (&r, sizeof r));
  }
  return TRUE;
}

static UnetCalibration *
read_file (GKeyFile *file, GError **error)
{
  g_autofree gchar *model = g_key_file_get_string (file, GROUP, "model", error);
  g_autofree gchar *data = model && !*error
      ? g_key_file_get_string (file, GROUP, "data", error)
      : NULL;
  g_auto (GStrv)
      wide = g_key_file_get_string_list (file, GROUP, "f32-layers", NULL, NULL);
  UnetCalibration *self;

  /* A string with a bad escape is an error and a string. */
  if (!data || *error)
    return NULL;
  self = unet_calibration_alloc (model, data);
  for (gsize i = 0; wide && wide[i]; i++)
    g_hash_table_add (self->keep_f32, g_strdup (wide[i]));
  self->n_frames =
      MAX (g_key_file_get_integer (file, GROUP, "frames", NULL), 0);
  self->finished = TRUE;
  if (!read_number (file, "difference", &self->difference, error)
      || !read_number (file, "iou", &self->iou, error)
      || !read_number (file, "max-difference", &self->max_difference, error)
      || !read_number (file, "min-iou", &self->min_iou, error)
      || !read_ranges (self, file, error))
    g_clear_pointer (&self, unet_calibration_unref);
  return self;
}

UnetCalibration *
unet_calibration_new_from_data (
    const gchar *text, gsize length, const gchar *name, GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  UnetCalibration *self = NULL;
  GError *e = NULL;

  if (g_key_file_load_from_data (file, text, length, G_KEY_FILE_NONE, &e)) {
    if (g_key_file_get_integer (file, GROUP, "format", NULL) == FORMAT)
      self = read_file (file, &e);
    else
      g_set_error (&e, UNET_ERROR, UNET_ERROR_PARSE,
          "no calibration of format %d", FORMAT);
  }
  if (!self)
    g_set_error (
        error, UNET_ERROR, UNET_ERROR_PARSE, "%s: %s", name, e->message);
  g_clear_error (&e);
  return self;
}

UnetCalibration *
unet_calibration_load (const gchar *path, GError **error)
{
  UnetCalibration *self;
  GError *e = NULL;
  gchar *text;
  gsize length;

  if (!g_file_get_contents (path, &text, &length, &e)) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_NOT_FOUND, "%s", e->message);
    g_clear_error (&e);
    return NULL;
  }
  self = unet_calibration_new_from_data (text, length, path, error);
  g_free (text);
  return self;
}
