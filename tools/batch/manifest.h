/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What has been done: FOLDER/.unetseg/batch.json says which batch it is,
 * NAME/manifest.json in each finished folder what was made from what. A folder
 * and its manifest appear together, by one rename. */

#include "batch/plan.h"

G_BEGIN_DECLS

typedef struct {
  gchar *folder;
  gchar *identity; /* options and model: what outputs depend on */
  gint lock;       /* file descriptor: this shard's, against a second one */
} BatchManifest;

/* Makes the folder; clears what --overwrite clears; refuses a folder that
 * holds another batch. Before the plan. */
gboolean batch_manifest_open (
    BatchManifest *manifest, const BatchOptions *options, GError **error);
/* Writes down or compares which batch this is, once the model is known. With
 * shards the list of the first one holds for all: @items is replaced by it. */
gboolean batch_manifest_pin (BatchManifest *manifest,
    const BatchOptions *options, BatchPlan *plan, GPtrArray **items,
    GError **error);
/* The batch that @folder holds, with its items, while nobody else is at work
 * on it. */
gboolean batch_manifest_open_existing (BatchManifest *manifest,
    const gchar *folder, GPtrArray **items, GError **error);
void batch_manifest_close (BatchManifest *manifest);

/* Whether nothing is left to do for @item. */
gboolean batch_manifest_find (const BatchManifest *manifest,
    const BatchItem *item, BatchPlan *plan, gboolean retry,
    BatchOutcome *outcome);

/* An empty folder to write outputs to. */
gchar *batch_manifest_begin (
    const BatchManifest *manifest, const BatchItem *item, GError **error);
/* Everything on disk, then in its place. */
gboolean batch_manifest_commit (const BatchManifest *manifest,
    const BatchItem *item, const BatchOutcome *outcome, const gchar *shape,
    GError **error);
/* Throws the work away and remembers why. */
void batch_manifest_fail (const BatchManifest *manifest, const BatchItem *item,
    const BatchOutcome *outcome);
void batch_manifest_drop (const BatchManifest *manifest, const BatchItem *item);

/* @path: of a manifest.json. Returns: (nullable) */
JsonObject *batch_manifest_read (const gchar *path);
/* Why @item failed. Returns: (nullable) */
JsonObject *batch_manifest_read_failure (
    const BatchManifest *manifest, const BatchItem *item);
/* A folder and all in it; FALSE where something stays. */
gboolean batch_remove_folder (const gchar *path);

G_END_DECLS
