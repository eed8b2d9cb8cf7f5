/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a batch prints while it runs: bars on a terminal, lines in a log, or
 * events in JSON. */

#include "batch/task.h"

G_BEGIN_DECLS

typedef struct _BatchProgress BatchProgress;

/* @jobs: slots for inputs at work. */
BatchProgress *batch_progress_new (
    const BatchOptions *options, GPtrArray *items, guint jobs, guint threads);
void batch_progress_free (BatchProgress *progress);

/* In any thread. */
void batch_progress_begin (BatchProgress *progress, guint slot,
    const BatchItem *item, BatchTask *task);
/* @known: an earlier run has done it. */
void batch_progress_end (BatchProgress *progress, const BatchItem *item,
    const BatchOutcome *outcome, gboolean known);

/* Before the task of the slot is freed. */
void batch_progress_pause (BatchProgress *progress, guint slot);

/* Milliseconds between two calls of tick (), which prints. Main thread. */
guint batch_progress_get_interval (const BatchProgress *progress);
void batch_progress_tick (BatchProgress *progress);
/* Prints the summary. @fatal (nullable): why the batch had to stop. */
void batch_progress_finish (BatchProgress *progress, const GError *fatal);
/* Numbers of inputs by status. */
guint batch_progress_count (const BatchProgress *progress, BatchStatus status);

G_END_DECLS
