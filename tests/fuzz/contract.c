/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads any lines `KEY=VALUE` as what a user or a file's metadata say of a
 * model: alone, and for the built-in one. */

#include <string.h>
#include <unetseg/unetseg.h>

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

static void
ask_model (GHashTable *overrides)
{
  static UnetModel *model;
  g_autoptr (UnetContract) contract = NULL;
  guint width, height;

  if (!model)
    model = unet_model_load (NULL, NULL);
  contract = unet_model_get_contract (model, overrides, NULL);
  if (!contract)
    return;
  unet_model_choose_size (model, contract, 1, 16384, &width, &height);
  g_assert (width > 0 && height > 0);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autofree gchar *all = g_strndup (size ? (const gchar *) data : "", size);
  g_autofree gchar *text = NULL;
  g_auto (GStrv) lines = g_strsplit (all, "\n", -1);
  g_autoptr (GHashTable) overrides = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (UnetContract) contract = unet_contract_new ();

  for (guint i = 0; lines[i]; i++) {
    gchar *equals = strchr (lines[i], '=');

    if (!equals)
      continue;
    *equals = '\0';
    unet_contract_set (contract, lines[i], equals + 1, NULL);
    g_hash_table_insert (overrides, lines[i], equals + 1);
  }
  text = unet_contract_to_string (contract);
  ask_model (overrides);
  return 0;
}
