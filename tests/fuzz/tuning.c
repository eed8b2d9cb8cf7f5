/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads any text as a table of measured times. A table that is read must be
 * written alike each time. */

#include "engine/cost/timing.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autofree gchar *text = g_strndup (size ? (const gchar *) data : "", size);
  g_autofree gchar *once = NULL, *twice = NULL;
  GHashTable *table = unet_timing_table_parse (text), *again;

  if (!table)
    return 0;
  once = unet_timing_table_print (table);
  again = unet_timing_table_parse (once);
  g_assert (again != NULL);
  twice = unet_timing_table_print (again);
  g_assert (g_str_equal (once, twice));
  g_hash_table_unref (table);
  g_hash_table_unref (again);
  return 0;
}
