/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Puts finished items in their place beside the work: a disk takes
 * milliseconds to say that it has them. Items that wait share that time. */

#include "batch/manifest.h"

G_BEGIN_DECLS

typedef struct _BatchCommits BatchCommits;

/* Called once for each item, by any thread. @error (nullable): why its outputs
 * are not in their place. */
typedef void (*BatchCommitted) (
    const BatchItem *item, BatchOutcome *outcome, GError *error, gpointer data);

/* @manifest must outlive the object. */
BatchCommits *batch_commits_new (
    const BatchManifest *manifest, BatchCommitted committed, gpointer data);
/* Waits until all items are in their place. */
void batch_commits_free (BatchCommits *self);

/* Takes over what is in @outcome and @shape (transfer full). Waits while many
 * items do. @item must outlive the object. Any thread. */
void batch_commits_add (BatchCommits *self, const BatchItem *item,
    BatchOutcome *outcome, gchar *shape);

G_END_DECLS
