/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/tool.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

G_DEFINE_QUARK (tool - error - quark, tool_error)

/* ---- options ------------------------------------------------------------ */

gboolean
tool_parse (gint argc, gchar **argv, const GOptionEntry *entries,
    const gchar *usage, const gchar *text, ToolOptions *options, gchar ***words,
    GError **error)
{
  const GOptionEntry common[] = {
    { "size", 's', 0, G_OPTION_ARG_STRING, &options->size,
        "Size of the network's input in pixels", "WxH" },
    { "shape", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->shapes,
        "Shape of an input that the model leaves open (repeatable)",
        "NAME=1x3x256x256" },
    { "precision", 'p', 0, G_OPTION_ARG_STRING, &options->precision,
        "Arithmetic: auto (default), f32, bf16 or int8", "PRECISION" },
    { "calibration", 0, 0, G_OPTION_ARG_FILENAME, &options->calibration,
        "What int8 goes by: a file of 'unetseg calibrate'", "FILE" },
    { "max-difference", 0, 0, G_OPTION_ARG_DOUBLE, &options->max_difference,
        "How far int8's probabilities may lie from f32's on average; 0.01 by "
        "default",
        "D" },
    { "min-iou", 0, 0, G_OPTION_ARG_DOUBLE, &options->min_iou,
        "Least intersection over union of masks in int8 and f32; 0.99 by "
        "default",
        "I" },
    { "threads", 't', 0, G_OPTION_ARG_INT, &options->threads,
        "Threads of a run; 0 (default): one per processor", "N" },
    { "tuning", 0, 0, G_OPTION_ARG_STRING, &options->tuning,
        "Implementations: measure (default), static or reference", "HOW" },
    { "set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->set,
        "A field of the contract, such as activation=softmax (repeatable)",
        "KEY=VALUE" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, words, NULL,
        NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (usage);

  g_option_context_set_description (context, text);
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_main_entries (context, common, NULL);
  return g_option_context_parse (context, &argc, &argv, error);
}

void
tool_options_clear (ToolOptions *options)
{
  g_free (options->size);
  g_free (options->precision);
  g_free (options->calibration);
  g_free (options->tuning);
  g_strfreev (options->set);
  g_strfreev (options->shapes);
}

static gboolean
parse_enum (GType type, const gchar *option, const gchar *text, gint *value,
    GError **error)
{
  g_autoptr (GEnumClass) class = g_type_class_ref (type);
  GEnumValue *found;
  GString *nicks;

  if (text == NULL)
    return TRUE;
  found = g_enum_get_value_by_nick (class, text);
  if (found != NULL) {
    *value = found->value;
    return TRUE;
  }
  nicks = g_string_new (NULL);
  for (guint i = 0; i < class->n_values; i++)
    g_string_append_printf (
        nicks, "%s%s", i > 0 ? ", " : "", class->values[i].value_nick);
  g_set_error (error, TOOL_ERROR, TOOL_ERROR_USAGE, "--%s=%s: not one of %s",
      option, text, nicks->str);
  g_string_free (nicks, TRUE);
  return FALSE;
}

/* A positive number below 2^31, ended by @stop, which is skipped. */
static gboolean
take_number (const gchar **text, gchar stop, gint64 *number)
{
  gchar *end;

  if (!g_ascii_isdigit (**text))
    return FALSE;
  *number = g_ascii_strtoll (*text, &end, 10);
  if (*number < 1 || *number > G_MAXINT32 || *end != stop)
    return FALSE;
  *text = stop != '\0' ? end + 1 : end;
  return TRUE;
}

static gboolean
parse_size (const gchar *text, guint *width, guint *height, GError **error)
{
  const gchar *at = text;
  gint64 w, h;

  if (!take_number (&at, 'x', &w) || !take_number (&at, '\0', &h)) {
    g_set_error (error, TOOL_ERROR, TOOL_ERROR_USAGE,
        "--size=%s: not WIDTHxHEIGHT, such as 320x192", text);
    return FALSE;
  }
  *width = w;
  *height = h;
  return TRUE;
}

/* NAME=1x3x256x256; @text is cut up and keeps the name. */
static gboolean
parse_shape (gchar *text, UnetTensorInfo *info, GError **error)
{
  g_autofree gchar *whole = g_strdup (text);
  gchar *equals = strrchr (text, '=');
  const gchar *at;

  if (equals == NULL || equals == text)
    goto bad;
  *equals = '\0';
  info->name = text;
  info->n_dims = 0;
  for (at = equals + 1; info->n_dims < UNET_MAX_DIMS;) {
    gint64 *dim = &info->dims[info->n_dims++];

    if (take_number (&at, '\0', dim))
      return TRUE;
    if (!take_number (&at, 'x', dim))
      break;
  }

bad:
  g_set_error (error, TOOL_ERROR, TOOL_ERROR_USAGE,
      "--shape=%s: not NAME=DIMENSIONS, such as input=1x3x256x256", whole);
  return FALSE;
}

static gboolean
parse_overrides (gchar **set, GHashTable **overrides, GError **error)
{
  *overrides = NULL;
  if (set == NULL)
    return TRUE;
  *overrides = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  for (; *set != NULL; set++) {
    const gchar *equals = strchr (*set, '=');

    if (equals == NULL || equals == *set) {
      g_set_error (
          error, TOOL_ERROR, TOOL_ERROR_USAGE, "--set=%s: not KEY=VALUE", *set);
      g_clear_pointer (overrides, g_hash_table_unref);
      return FALSE;
    }
    g_hash_table_replace (
        *overrides, g_strndup (*set, equals - *set), g_strdup (equals + 1));
  }
  return TRUE;
}

/* ---- opening ------------------------------------------------------------ */

gboolean
tool_job_load (
    ToolJob *job, gchar **words, const ToolOptions *options, GError **error)
{
  g_autoptr (GHashTable) overrides = NULL;
  const gchar *path = words != NULL ? words[0] : NULL;

  memset (job, 0, sizeof *job);
  if (path != NULL && words[1] != NULL) {
    g_set_error (error, TOOL_ERROR, TOOL_ERROR_USAGE,
        "one model at a time: what is '%s'?", words[1]);
    return FALSE;
  }
  if (!parse_overrides (options->set, &overrides, error))
    return FALSE;
  if (g_strcmp0 (path, "person") == 0 || g_strcmp0 (path, "builtin") == 0)
    path = NULL;
  job->model = unet_model_load (path, error);
  if (job->model == NULL)
    return FALSE;
  job->contract =
      unet_model_get_contract (job->model, overrides, &job->contract_error);
  if (job->contract == NULL && overrides != NULL) {
    g_propagate_error (error, g_steal_pointer (&job->contract_error));
    return FALSE;
  }
  return TRUE;
}

static gboolean
session_options (const ToolOptions *options, gboolean profile,
    UnetSessionOptions *session, GError **error)
{
  const UnetSessionOptions init = UNET_SESSION_OPTIONS_INIT;
  gint precision = init.precision, tuning = init.tuning;

  if (options->threads < 0 || options->threads > 1024) {
    g_set_error (error, TOOL_ERROR, TOOL_ERROR_USAGE,
        "--threads=%d: not within 0 to 1024", options->threads);
    return FALSE;
  }
  if (!parse_enum (UNET_TYPE_PRECISION, "precision", options->precision,
          &precision, error)
      || !parse_enum (
          UNET_TYPE_TUNING, "tuning", options->tuning, &tuning, error))
    return FALSE;
  *session = init;
  session->precision = precision;
  session->tuning = tuning;
  session->threads = options->threads;
  session->profile = profile;
  return TRUE;
}

gboolean
tool_job_choose_size (ToolJob *job, const ToolOptions *options,
    guint frame_width, guint frame_height, GError **error)
{
  if (options->size != NULL)
    return parse_size (options->size, &job->width, &job->height, error);
  unet_model_choose_size (job->model, job->contract, frame_width, frame_height,
      &job->width, &job->height);
  return TRUE;
}

/* A precision that needs a calibration gets one: first a session in f32. */
static gboolean
needs_calibration (const ToolOptions *options)
{
  return g_strcmp0 (options->precision, "int8") == 0
      || (options->calibration != NULL
          && g_strcmp0 (options->precision, "f32") != 0);
}

static UnetSession *
open_listed (ToolJob *job, gchar **texts, const UnetSessionOptions *options,
    GError **error)
{
  guint n = texts != NULL ? g_strv_length (texts) : 0;
  g_auto (GStrv) names = g_strdupv (texts);
  g_autofree UnetTensorInfo *shapes = g_new0 (UnetTensorInfo, n + 1);

  for (guint i = 0; i < n; i++) {
    if (!parse_shape (names[i], &shapes[i], error))
      return NULL;
  }
  return unet_session_new (job->model, shapes, n, options, error);
}

static UnetSession *
open_one (ToolJob *job, const ToolOptions *options,
    const UnetSessionOptions *session, GError **error)
{
  if (options->shapes == NULL && job->contract != NULL)
    return unet_session_new_for_size (
        job->model, job->contract, job->width, job->height, session, error);
  return open_listed (job, options->shapes, session, error);
}

/* Who sets limits wants to see them tried. */
static gboolean
brings_calibration (const ToolJob *job, const ToolOptions *options)
{
  return unet_model_get_calibration (job->model) != NULL
      && options->calibration == NULL && options->max_difference < 0
      && options->min_iou < 0;
}

/* In f32 by rule, to run what the calibration asks for. */
static gboolean
prepare (ToolJob *job, const ToolOptions *options, UnetSessionOptions *session,
    GError **error)
{
  UnetSessionOptions plain = *session;
  gboolean ok;

  if (!needs_calibration (options) || job->calibration != NULL
      || unet_model_is_quantized (job->model))
    goto out;
  if (brings_calibration (job, options)) {
    job->calibration =
        unet_calibration_ref (unet_model_get_calibration (job->model));
    goto out;
  }
  plain.precision = UNET_PRECISION_F32;
  plain.tuning = UNET_TUNING_STATIC;
  if (options->calibration == NULL) {
    job->session = open_one (job, options, &plain, error);
    if (job->session == NULL)
      return FALSE;
  }
  ok = tool_job_calibrate (job, options, error);
  g_clear_pointer (&job->session, unet_session_unref);
  if (!ok)
    return FALSE;

out:
  session->calibration = job->calibration;
  return TRUE;
}

static void
tell_precision (const ToolJob *job)
{
  const gchar *note = unet_session_get_precision_note (job->session);

  if (note != NULL)
    g_printerr ("unetseg: %s is used: %s\n",
        tool_enum_nick (
            UNET_TYPE_PRECISION, unet_session_get_precision (job->session)),
        note);
}

gboolean
tool_job_open (ToolJob *job, const ToolOptions *options, guint frame_width,
    guint frame_height, gboolean profile, GError **error)
{
  UnetSessionOptions session;
  gint64 start;

  if (!session_options (options, profile, &session, error))
    return FALSE;
  if (options->shapes == NULL && job->contract != NULL) {
    if (!tool_job_choose_size (job, options, frame_width, frame_height, error))
      return FALSE;
  } else if (options->size != NULL) {
    g_set_error (error, TOOL_ERROR, TOOL_ERROR_USAGE,
        "--size does not go with %s%s; use --shape",
        options->shapes ? "--shape" : "this model: ",
        options->shapes ? "" : job->contract_error->message);
    return FALSE;
  }
  if (!prepare (job, options, &session, error))
    return FALSE;
  start = g_get_monotonic_time ();
  job->session = open_one (job, options, &session, error);
  job->create_ms = (g_get_monotonic_time () - start) / 1e3;
  if (job->session != NULL)
    tell_precision (job);
  return job->session != NULL;
}

gboolean
tool_job_open_shapes (ToolJob *job, const ToolOptions *options,
    const UnetTensorInfo *shapes, guint n_shapes, GError **error)
{
  gint64 start = g_get_monotonic_time ();
  UnetSessionOptions session;

  if (!session_options (options, FALSE, &session, error))
    return FALSE;
  if (options->calibration != NULL && !tool_job_calibrate (job, options, error))
    return FALSE;
  session.calibration = job->calibration;
  job->session =
      unet_session_new (job->model, shapes, n_shapes, &session, error);
  job->create_ms = (g_get_monotonic_time () - start) / 1e3;
  if (job->session != NULL)
    tell_precision (job);
  return job->session != NULL;
}

void
tool_job_clear (ToolJob *job)
{
  g_clear_pointer (&job->session, unet_session_unref);
  g_clear_pointer (&job->calibration, unet_calibration_unref);
  g_clear_pointer (&job->contract, unet_contract_free);
  g_clear_error (&job->contract_error);
  g_clear_pointer (&job->model, unet_model_unref);
}

/* Smooth waves and a little noise in 0..1. */
static void
fill_floats (gfloat *data, guint64 n, guint pattern)
{
  guint32 noise = 1 + pattern;

  for (guint64 i = 0; i < n; i++) {
    noise = noise * 1664525u + 1013904223u;
    data[i] = .5 + .4 * sin (i * .013 * (1 + pattern))
        + .1 * (noise >> 8) / (1 << 24);
  }
}

void
tool_job_fill (ToolJob *job)
{
  tool_job_fill_pattern (job, 0);
}

void
tool_job_fill_pattern (ToolJob *job, guint pattern)
{
  guint n = unet_model_get_n_inputs (job->model);

  for (guint i = 0; i < n; i++) {
    const UnetTensorInfo *info = unet_session_get_input_info (job->session, i);
    gpointer data = unet_session_get_input_data (job->session, i);

    if (info->dtype == UNET_DTYPE_F32)
      fill_floats (data, tool_count (info), pattern);
    else
      memset (data, 0, tool_count (info) * unet_dtype_size (info->dtype));
  }
}

/* ---- text --------------------------------------------------------------- */

guint64
tool_count (const UnetTensorInfo *info)
{
  guint64 count = 1;

  for (guint i = 0; i < info->n_dims; i++)
    count *= info->dims[i];
  return count;
}

gchar *
tool_shape (const UnetTensorInfo *info)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < info->n_dims; i++) {
    if (i > 0)
      g_string_append_c (text, 'x');
    if (info->dims[i] < 0)
      g_string_append_c (text, '?');
    else
      g_string_append_printf (text, "%" G_GINT64_FORMAT, info->dims[i]);
  }
  return g_string_free (text, FALSE);
}

const gchar *
tool_enum_nick (GType type, gint value)
{
  /* The class of an enumeration is never freed once made. */
  g_autoptr (GEnumClass) class = g_type_class_ref (type);
  GEnumValue *found = g_enum_get_value (class, value);

  return found != NULL ? found->value_nick : "?";
}

static gint
compare_doubles (gconstpointer a, gconstpointer b)
{
  gdouble x = *(const gdouble *) a, y = *(const gdouble *) b;

  return (x > y) - (x < y);
}

gdouble
tool_median (gdouble *values, guint n)
{
  qsort (values, n, sizeof *values, compare_doubles);
  return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

void
tool_print_json (JsonBuilder *builder)
{
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  g_autofree gchar *text = json_to_string (root, TRUE);

  g_print ("%s\n", text);
}

void
tool_json_string (JsonBuilder *builder, const gchar *key, const gchar *value)
{
  json_builder_set_member_name (builder, key);
  json_builder_add_string_value (builder, value);
}

void
tool_json_int (JsonBuilder *builder, const gchar *key, gint64 value)
{
  json_builder_set_member_name (builder, key);
  json_builder_add_int_value (builder, value);
}

void
tool_json_double (JsonBuilder *builder, const gchar *key, gdouble value)
{
  json_builder_set_member_name (builder, key);
  json_builder_add_double_value (builder, value);
}

gint
tool_complain (const gchar *command, const GError *error)
{
  gboolean usage = error->domain == G_OPTION_ERROR
      || g_error_matches (error, TOOL_ERROR, TOOL_ERROR_USAGE);

  g_printerr ("unetseg: %s\n", error->message);
  if (usage)
    g_printerr ("Try 'unetseg %s --help'.\n", command);
  return usage ? TOOL_USAGE : TOOL_FAILED;
}
