/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What people, logs and programs get to see while a batch runs. */

#include "batch/task.h"

G_BEGIN_DECLS

typedef struct _BatchProgress BatchProgress;

/* @jobs: slots for inputs at work. */
BatchProgress *batch_progress_new (
    const BatchOptions *options, GPtrArray *items, guint jobs, guint threads);
void batch_progress_free (BatchProgress *progress);

/* From the threads that work. */
void batch_progress_begin (BatchProgress *progress, guint slot,
    const BatchItem *item, BatchTask *task);
/* @known: it had been done before. */
void batch_progress_end (BatchProgress *progress, const BatchItem *item,
    const BatchOutcome *outcome, gboolean known);

/* The task of this slot is about to go. */
void batch_progress_pause (BatchProgress *progress, guint slot);

/* From the main thread: milliseconds between two calls, and the call. */
guint batch_progress_get_interval (const BatchProgress *progress);
void batch_progress_tick (BatchProgress *progress);
/* The last words. @fatal: (nullable): why the batch had to stop. */
void batch_progress_finish (BatchProgress *progress, const GError *fatal);
/* Numbers of inputs by status. */
guint batch_progress_count (const BatchProgress *progress, BatchStatus status);

G_END_DECLS
