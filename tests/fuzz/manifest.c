/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads any bytes as manifest.json of a finished input. */

#include "batch/entry.h"
#include "lib/json.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autoptr (JsonNode)
      root = tool_json_parse ((const gchar *) data, size, "fuzz", NULL);
  BatchOutcome outcome = { 0 };
  JsonObject *entry;

  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return 0;
  entry = json_node_get_object (root);
  if (!batch_entry_is_valid (entry))
    return 0;
  batch_entry_read_outcome (entry, &outcome);
  g_assert (outcome.frames <= G_MAXINT32 && outcome.width <= G_MAXINT32);
  batch_outcome_clear (&outcome);
  batch_entry_outputs_are_whole (entry, "/nonexistent");
  return 0;
}
