/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads any bytes as results.jsonl of a segment and numbers its frames
 * twice. */

#include "batch/results-join.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autoptr (GString) once = g_string_new (NULL);
  g_autoptr (GString) twice = g_string_new (NULL);
  guint64 frame = 5, again = 5;

  if (!batch_results_renumber (
          (const gchar *) data, size, "fuzz", &frame, once, NULL))
    return 0;
  g_assert (batch_results_renumber (
      once->str, once->len, "fuzz", &again, twice, NULL));
  g_assert (frame == again && g_string_equal (once, twice));
  return 0;
}
