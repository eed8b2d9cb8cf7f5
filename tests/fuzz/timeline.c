/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads any bytes as timeline.json of a segment and joins it with itself. */

#include "batch/timeline.h"
#include "lib/json.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autoptr (JsonNode)
      root = tool_json_parse ((const gchar *) data, size, "fuzz", NULL);
  const guint64 frames[] = { 7, G_MAXINT32, 0 };
  JsonArray *parts[3], *joined;

  if (root == NULL || !batch_timeline_is_valid (root))
    return 0;
  parts[0] = parts[1] = json_node_get_array (root);
  parts[2] = NULL;
  joined = batch_timeline_join (parts, frames, G_N_ELEMENTS (parts));
  for (guint i = 0; i < json_array_get_length (joined); i++)
    g_assert (tool_json_get_array (tool_json_get_element (joined, i), "area"));
  json_array_unref (joined);
  return 0;
}
