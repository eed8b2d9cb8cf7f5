/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/shards.h"

#include "batch/item.h"

#include <string.h>

/* Orders by weight, then by name: every shard computes the same order. */
static gint
compare_weights (gconstpointer a, gconstpointer b)
{
  const BatchItem *x = *(const BatchItem *const *) a;
  const BatchItem *y = *(const BatchItem *const *) b;
  gint order;

  if (batch_item_get_weight (x) != batch_item_get_weight (y))
    return batch_item_get_weight (x) > batch_item_get_weight (y) ? -1 : 1;
  order = strcmp (x->name, y->name);
  return order != 0 ? order : (gint) x->segment - (gint) y->segment;
}

/* Graham's rule (1969): the largest item goes to the shard with the smallest
 * load. The longest shard is at most 4/3 of the best possible one. */
GPtrArray *
batch_shard_take (GPtrArray *items, guint k, guint n)
{
  GPtrArray *taken =
      g_ptr_array_new_with_free_func ((GDestroyNotify) batch_item_free);
  g_autoptr (GPtrArray) order = g_ptr_array_new (); /* owns nothing */
  g_autofree guint64 *loads = g_new0 (guint64, n);

  for (guint i = 0; i < items->len; i++)
    g_ptr_array_add (order, g_ptr_array_index (items, i));
  g_ptr_array_sort (order, compare_weights);
  for (guint i = 0; i < order->len; i++) {
    const BatchItem *item = g_ptr_array_index (order, i);
    guint least = 0;

    for (guint s = 1; s < n; s++)
      if (loads[s] < loads[least])
        least = s;
    loads[least] += batch_item_get_weight (item);
    if (least == k - 1)
      g_ptr_array_add (taken, batch_item_copy (item));
  }
  return taken;
}
