/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads any bytes as batch.json. The folders of accepted items must stay below
 * the folder of the batch. */

#include "batch/item-list.h"
#include "lib/json.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autoptr (JsonNode)
      root = tool_json_parse ((const gchar *) data, size, "fuzz", NULL);
  g_autoptr (BatchItemList) list = NULL;

  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return 0;
  list = batch_item_list_parse (json_node_get_object (root), "fuzz", NULL);
  for (guint i = 0; list != NULL && i < list->items->len; i++) {
    const BatchItem *item = g_ptr_array_index (list->items, i);
    g_autofree gchar *label = batch_item_get_label (item);
    g_autofree gchar *folder = batch_item_get_folder (item, "/batch");
    g_autofree gchar *real = g_canonicalize_filename (folder, "/");

    g_assert (g_utf8_validate (label, -1, NULL));
    g_assert (g_str_has_prefix (real, "/batch/"));
    g_assert (item->n_segments == 0 || item->segment < item->n_segments);
    g_assert (batch_item_get_weight (item) > 0);
  }
  return 0;
}
