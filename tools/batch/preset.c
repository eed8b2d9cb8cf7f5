/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/preset.h"

#include "lib/status.h"

#include <string.h>

#define FAIL(...)                                                              \
  (g_set_error (error, TOOL_ERROR, TOOL_ERROR_USAGE, __VA_ARGS__), FALSE)

static gboolean
is_flag (const GOptionEntry *entries, const gchar *name)
{
  for (; entries->long_name != NULL; entries++)
    if (g_str_equal (entries->long_name, name))
      return entries->arg == G_OPTION_ARG_NONE;
  return FALSE;
}

static gboolean
add_preset_group (GKeyFile *file, const gchar *group,
    const GOptionEntry *entries, GPtrArray *words, GError **error)
{
  g_auto (GStrv) keys = g_key_file_get_keys (file, group, NULL, NULL);

  for (guint i = 0; keys != NULL && keys[i] != NULL; i++) {
    g_autofree gchar *value = NULL;
    GError *local = NULL;

    if (is_flag (entries, keys[i])) {
      gboolean on = g_key_file_get_boolean (file, group, keys[i], &local);

      if (local != NULL) {
        g_propagate_error (error, local);
        return FALSE;
      }
      if (on)
        g_ptr_array_add (words, g_strdup_printf ("--%s", keys[i]));
      continue;
    }
    value = g_key_file_get_string (file, group, keys[i], error);
    if (value == NULL)
      return FALSE;
    g_ptr_array_add (words, g_strdup_printf ("--%s=%s", keys[i], value));
  }
  return TRUE;
}

static gboolean
add_preset (const gchar *path, const GOptionEntry *entries, GPtrArray *words,
    GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_auto (GStrv) groups = NULL;

  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, error)) {
    g_prefix_error (error, "%s: ", path);
    return FALSE;
  }
  groups = g_key_file_get_groups (file, NULL);
  for (guint i = 0; groups[i] != NULL; i++) {
    if (!g_str_equal (groups[i], "batch")
        && !g_str_equal (groups[i], "unetseg"))
      return FAIL (
          "%s: group [%s] is neither [batch] nor [unetseg]", path, groups[i]);
    if (!add_preset_group (file, groups[i], entries, words, error)) {
      g_prefix_error (error, "%s: ", path);
      return FALSE;
    }
  }
  return TRUE;
}

GPtrArray *
batch_preset_expand (
    gint argc, gchar **argv, const GOptionEntry *entries, GError **error)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) rest = g_ptr_array_new_with_free_func (g_free);

  g_ptr_array_add (words, g_strdup (argv[0]));
  for (gint i = 1; i < argc; i++) {
    const gchar *path = NULL;

    if (g_str_has_prefix (argv[i], "--preset="))
      path = argv[i] + strlen ("--preset=");
    else if (g_str_equal (argv[i], "--preset") && i + 1 < argc)
      path = argv[++i];
    if (path == NULL)
      g_ptr_array_add (rest, g_strdup (argv[i]));
    else if (!add_preset (path, entries, words, error))
      return NULL;
  }
  for (guint i = 0; i < rest->len; i++)
    g_ptr_array_add (words, g_strdup (g_ptr_array_index (rest, i)));
  g_ptr_array_add (words, NULL);
  return g_steal_pointer (&words);
}
