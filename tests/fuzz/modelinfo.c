/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads any bytes as the key file beside a model. */

#include "model/modelinfo-file.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (UnetContract) contract = unet_contract_new ();
  g_autofree gchar *text = NULL;

  if (size == 0
      || !g_key_file_load_from_data (
          file, (const gchar *) data, size, G_KEY_FILE_NONE, NULL))
    return 0;
  unet_sidecar_apply (file, "fuzz", "input", contract, NULL);
  text = unet_contract_to_string (contract);
  return 0;
}
