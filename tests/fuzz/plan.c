/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads any bytes as plan.json of a batch. */

#include "batch/plan.h"
#include "lib/json.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autoptr (JsonNode)
      root = tool_json_parse ((const gchar *) data, size, "fuzz", NULL);
  BatchPlan *plan;

  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return 0;
  plan = batch_plan_new ("fuzz");
  batch_plan_take (plan, json_node_get_object (root), NULL);
  g_assert (batch_plan_get_threads (plan) <= 1024);
  batch_plan_free (plan);
  return 0;
}
