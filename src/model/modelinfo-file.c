/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/modelinfo-file.h"
#include <string.h>

/* The key file that GStreamer 1.28 reads beside a model
 * (https://gstreamer.freedesktop.org/documentation/analytics/GstAnalyticsModelInfo.html):
 * a `[modelinfo]` group and one for each tensor. Of these, `ranges` says how
 * samples are normalised. Our own fields are in a group `[unetseg]`. */

#define OWN_GROUP "unetseg"

gchar *
unet_sidecar_find (const gchar *path)
{
  const gchar *base = strrchr (path, G_DIR_SEPARATOR);
  const gchar *dot = strrchr (base ? base : path, '.');
  gchar *name;

  if (dot) {
    name = g_strdup_printf ("%.*s.modelinfo", (gint) (dot - path), path);
    if (strcmp (name, path) && g_file_test (name, G_FILE_TEST_IS_REGULAR))
      return name;
    g_free (name);
  }
  name = g_strconcat (path, ".modelinfo", NULL);
  if (g_file_test (name, G_FILE_TEST_IS_REGULAR))
    return name;
  g_free (name);
  return NULL;
}

GKeyFile *
unet_sidecar_load (const gchar *path, GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (GError) local = NULL;

  if (g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, &local))
    return g_steal_pointer (&file);
  g_set_error (
      error, UNET_ERROR, UNET_ERROR_CONTRACT, "%s: %s", path, local->message);
  return NULL;
}

/* A pair `min,max` is what samples of 0 and 255 become; one pair, or one for
 * each channel. */
static gboolean
parse_ranges (const gchar *text, gdouble *low, gdouble *high)
{
  g_auto (GStrv) pairs = g_strsplit (text, ";", -1);
  guint n = g_strv_length (pairs);

  while (n > 0 && !*g_strstrip (pairs[n - 1]))
    n--;
  if (n != 1 && n != 3)
    return FALSE;
  for (guint i = 0; i < 3; i++) {
    gchar *end, *start = pairs[n == 3 ? i : 0];
    low[i] = g_ascii_strtod (start, &end);
    if (end == start || *end != ',')
      return FALSE;
    start = end + 1;
    high[i] = g_ascii_strtod (start, &end);
    if (end == start || *g_strchug (end) || high[i] == low[i])
      return FALSE;
  }
  return TRUE;
}

/* (sample / 255 - mean) / std */
static gboolean
apply_ranges (GKeyFile *sidecar, const gchar *input, UnetContract *contract)
{
  g_autofree gchar *text =
      input ? g_key_file_get_value (sidecar, input, "ranges", NULL) : NULL;
  gdouble low[3], high[3];

  if (!text)
    return TRUE;
  if (!parse_ranges (text, low, high))
    return FALSE;
  contract->scale = 1.0 / 255;
  for (guint i = 0; i < 3; i++) {
    contract->std[i] = 1 / (high[i] - low[i]);
    contract->mean[i] = -low[i] / (high[i] - low[i]);
  }
  return TRUE;
}

gboolean
unet_sidecar_apply (GKeyFile *sidecar, const gchar *name, const gchar *input,
    UnetContract *contract, GError **error)
{
  g_auto (GStrv) keys = g_key_file_get_keys (sidecar, OWN_GROUP, NULL, NULL);

  if (!apply_ranges (sidecar, input, contract)) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_CONTRACT,
        "%s: the ranges of '%s' make no sense", name, input);
    return FALSE;
  }
  for (guint i = 0; keys && keys[i]; i++) {
    g_autofree gchar *value =
        g_key_file_get_string (sidecar, OWN_GROUP, keys[i], NULL);
    if (!unet_contract_set (contract, keys[i], value ? value : "", error)) {
      g_prefix_error (error, "%s: ", name);
      return FALSE;
    }
  }
  return TRUE;
}
