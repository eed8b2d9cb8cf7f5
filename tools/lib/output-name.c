/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/output-name.h"

/* @n tells names apart that are equal once letters are replaced. */
static gchar *
output_path (
    const gchar *folder, const gchar *name, guint n, const gchar *suffix)
{
  g_autofree gchar *safe = g_strdup (name);
  g_autofree gchar *file = NULL;

  g_strcanon (safe, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "._-", '_');
  if (*safe == '.')
    *safe = '_';
  file = n > 0 ? g_strdup_printf ("%s-%u%s", safe, n + 1, suffix)
               : g_strconcat (safe, suffix, NULL);
  return g_build_filename (folder, file, NULL);
}

/* Number of outputs before this one that get the same file name. */
static guint
count_clashes (const UnetModel *model, guint index)
{
  g_autofree gchar *path =
      output_path ("", unet_model_get_output (model, index)->name, 0, "");
  guint n = 0;

  for (guint i = 0; i < index; i++) {
    g_autofree gchar *other =
        output_path ("", unet_model_get_output (model, i)->name, 0, "");
    n += g_str_equal (path, other);
  }
  return n;
}

gchar *
tool_output_path (const UnetModel *model, guint index, const gchar *folder,
    const gchar *suffix)
{
  return output_path (folder, unet_model_get_output (model, index)->name,
      count_clashes (model, index), suffix);
}
