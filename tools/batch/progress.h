/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a batch prints while it runs: bars on a terminal, lines in a log, or
 * events in JSON. */

#include "batch/task.h"

G_BEGIN_DECLS

typedef struct _BatchProgress BatchProgress;

/* @jobs: how many inputs are worked on at once; each has a slot. */
BatchProgress *batch_progress_new (
    const BatchOptions *options, GPtrArray *items, guint jobs, guint threads);
void batch_progress_free (BatchProgress *progress);

/* Any thread may call this. */
void batch_progress_begin (BatchProgress *progress, guint slot,
    const BatchItem *item, BatchTask *task);
/* @known: whether an earlier run has done the input. */
void batch_progress_end (BatchProgress *progress, const BatchItem *item,
    const BatchOutcome *outcome, gboolean known);

/* Call it before the task of the slot is freed. */
void batch_progress_pause (BatchProgress *progress, guint slot);

/* Returns the milliseconds between two calls of tick (), which prints. The main
 * thread calls both. */
guint batch_progress_get_interval (const BatchProgress *progress);
void batch_progress_tick (BatchProgress *progress);
/* Prints the summary. @fatal (nullable): why the batch had to stop. */
void batch_progress_finish (BatchProgress *progress, const GError *fatal);
/* Returns the numbers of inputs by status. */
guint batch_progress_count (const BatchProgress *progress, BatchStatus status);

G_END_DECLS
