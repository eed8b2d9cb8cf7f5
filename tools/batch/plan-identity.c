/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/plan-identity.h"

#include <string.h>
#include <unetseg/unetseg.h>

gchar *
batch_plan_describe_cpu (void)
{
  static const gchar *const fields[] = { "vendor_id", "cpu family", "model",
    "CPU implementer", "CPU part", NULL };
  g_autofree gchar *all = NULL;
  GString *text = g_string_new (NULL);
  const gchar *isa = g_getenv ("UNETSEG_MAX_ISA");

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
  if (isa == NULL)
    isa = g_getenv ("DNNL_MAX_CPU_ISA");
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

gchar *
batch_plan_hash_model (const gchar *path, const gchar *calibration)
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
