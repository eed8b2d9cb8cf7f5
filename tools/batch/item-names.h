/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Names of the outputs of a batch: each item has a folder of its own, and no
 * folder of one item is inside that of another one. */

#include "batch/item.h"

G_BEGIN_DECLS

/* Sorts @items by name, drops items that are named twice, and renames items
 * whose folder would take the place of another item's folder or of a file of
 * the batch itself (report.html, .unetseg, NAME.part). The new name ends with
 * `~` and a hash of the URI, so that it is the same on every call. */
void batch_item_names_make_unique (GPtrArray *items);

/* Whether a name that comes from a file stays below the folder of the batch:
 * it is relative, not empty, and has no `.` or `..` in it. */
gboolean batch_item_name_is_safe (const gchar *name);

G_END_DECLS
