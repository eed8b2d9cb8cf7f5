/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The state of a batch on disk: which batch a folder holds, which items are
 * done, and where outputs are made. The folder of an item appears with its
 * manifest.json by one rename. */

#include "batch/item.h"
#include "batch/options.h"
#include "batch/outcome.h"
#include "batch/plan.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct {
  gchar *folder;
  gchar *identity; /* options and model: what outputs depend on */
  gint lock; /* file descriptor: of this shard, against a second process */
} BatchManifest;

/* Creates and locks the folder, and clears it for --overwrite. Refuses a
 * folder that holds a batch without --resume. Called before the plan opens. */
gboolean batch_manifest_open (
    BatchManifest *manifest, const BatchOptions *options, GError **error);
/* Writes the identity and the list of items, or compares the identity. With
 * shards the list of the first shard is that of every shard: it replaces
 * @items. */
gboolean batch_manifest_pin (BatchManifest *manifest,
    const BatchOptions *options, BatchPlan *plan, GPtrArray **items,
    GError **error);
/* Opens the batch that @folder holds, and locks it against a second join.
 * Returns its items in @items (transfer full). */
gboolean batch_manifest_open_existing (BatchManifest *manifest,
    const gchar *folder, GPtrArray **items, GError **error);
void batch_manifest_close (BatchManifest *manifest);

/* Whether @item is done, or has failed and is not to be tried again (@retry).
 * Fills @outcome in either case. */
gboolean batch_manifest_find (const BatchManifest *manifest,
    const BatchItem *item, BatchPlan *plan, gboolean retry,
    BatchOutcome *outcome);

/* Creates an empty folder for the outputs of @item. Returns (transfer full). */
gchar *batch_manifest_begin (
    const BatchManifest *manifest, const BatchItem *item, GError **error);
/* A finished item goes through three steps; several items may share the second
 * one. The first writes manifest.json beside the outputs. */
gboolean batch_manifest_write (const BatchManifest *manifest,
    const BatchItem *item, const BatchOutcome *outcome, const gchar *shape,
    GError **error);
/* Waits until all that was written is on disk. */
void batch_manifest_sync (const BatchManifest *manifest);
/* Moves the outputs to their place. */
gboolean batch_manifest_publish (
    const BatchManifest *manifest, const BatchItem *item, GError **error);
/* All three. */
gboolean batch_manifest_commit (const BatchManifest *manifest,
    const BatchItem *item, const BatchOutcome *outcome, const gchar *shape,
    GError **error);
/* Removes the outputs and writes down why @item failed. */
gboolean batch_manifest_fail (const BatchManifest *manifest,
    const BatchItem *item, const BatchOutcome *outcome, GError **error);
/* Removes the outputs. */
void batch_manifest_drop (const BatchManifest *manifest, const BatchItem *item);

/* The entry of an item that is done or that failed. Returns (transfer full)
 * (nullable). */
JsonObject *batch_manifest_read_done (
    const BatchManifest *manifest, const BatchItem *item);
JsonObject *batch_manifest_read_failure (
    const BatchManifest *manifest, const BatchItem *item);

G_END_DECLS
