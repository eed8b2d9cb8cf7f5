/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The entry of one item: manifest.json in the folder of its outputs, or a
 * file in .unetseg/failed. */

#include "batch/item.h"
#include "batch/outcome.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Reads an entry, which is not trusted. Returns (transfer full): %NULL for a
 * file that is missing or is not valid: such an item counts as not done. */
JsonObject *batch_entry_read (const gchar *path);
/* Whether all fields that the functions below and join use are of their type
 * and within their range. */
gboolean batch_entry_is_valid (JsonObject *entry);

/* Returns (transfer full): a builder with the fields of an entry, its object
 * still open. @identity: of the batch; @shape (nullable): the key of the
 * frames' shape in the plan. */
JsonBuilder *batch_entry_describe (const BatchItem *item, const gchar *identity,
    const BatchOutcome *outcome, const gchar *shape);
/* Adds names and sizes of all that is in @folder. */
void batch_entry_add_outputs (JsonBuilder *builder, const gchar *folder);

/* Fills @outcome, which is cleared with batch_outcome_clear (). */
void batch_entry_read_outcome (JsonObject *entry, BatchOutcome *outcome);
/* Whether the entry was made from @item as it is now, with this identity and
 * this plan (nullable: the hash that the plan has for the entry's shape). */
gboolean batch_entry_is_of (JsonObject *entry, const BatchItem *item,
    const gchar *identity, const gchar *plan);
/* Whether the outputs are in @folder with the sizes of the entry. */
gboolean batch_entry_outputs_are_whole (JsonObject *entry, const gchar *folder);

/* A text of the entry, or %NULL. */
const gchar *batch_entry_get (JsonObject *entry, const gchar *name);

G_END_DECLS
