/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/options.h"

#include "lib/status.h"

#include <string.h>

/* ---- command line ------------------------------------------------------- */

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
        "Ranges of values for int8: a file of 'unetseg calibrate'", "FILE" },
    { "max-difference", 0, 0, G_OPTION_ARG_DOUBLE, &options->max_difference,
        "Largest mean difference between probabilities in int8 and f32; 0.01 "
        "by default",
        "D" },
    { "min-iou", 0, 0, G_OPTION_ARG_DOUBLE, &options->min_iou,
        "Least intersection over union of masks in int8 and f32; 0.99 by "
        "default",
        "I" },
    { "threads", 't', 0, G_OPTION_ARG_INT, &options->threads,
        "Threads of a run; 0 (default): one per processor", "N" },
    { "tuning", 0, 0, G_OPTION_ARG_STRING, &options->tuning,
        "Implementations: measure (default; of eval and run: static), static "
        "or "
        "reference",
        "HOW" },
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

/* ---- values ------------------------------------------------------------- */

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

/* Takes a number from 1 to 2^31 - 1 and the @stop behind it. */
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

gboolean
tool_parse_size (const gchar *text, guint *width, guint *height, GError **error)
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

gboolean
tool_parse_shape (gchar *text, UnetTensorInfo *info, GError **error)
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

gboolean
tool_parse_overrides (gchar **set, GHashTable **overrides, GError **error)
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

gboolean
tool_parse_session (const ToolOptions *options, gboolean profile,
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
tool_check_threshold (gdouble threshold, GError **error)
{
  if (threshold >= 0 && threshold <= 1)
    return TRUE;
  g_set_error_literal (
      error, TOOL_ERROR, TOOL_ERROR_USAGE, "--threshold: not within 0 to 1");
  return FALSE;
}

void
tool_options_add_field (
    ToolOptions *options, const gchar *key, const gchar *value)
{
  g_autoptr (GStrvBuilder) set = g_strv_builder_new ();
  g_autofree gchar *field = g_strconcat (key, "=", value, NULL);

  if (value == NULL)
    return;
  if (options->set != NULL)
    g_strv_builder_addv (set, (const gchar **) options->set);
  g_strv_builder_add (set, field);
  g_strfreev (options->set);
  options->set = g_strv_builder_end (set);
}
