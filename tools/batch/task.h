/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One input at work: a pipeline from the recording to its outputs. Pictures of
 * the same kind go through one pipeline, one after the other. */

#include "batch/outcome.h"
#include "batch/plan.h"
#include "batch/setup.h"
#include "batch/stop.h"

G_BEGIN_DECLS

typedef struct _BatchTask BatchTask;

/* @folder: for the outputs. @options and @item must outlive the task. */
BatchTask *batch_task_new (const BatchOptions *options, const BatchItem *item,
    const gchar *folder, guint threads);
void batch_task_free (BatchTask *task);

/* Whether the pipeline can take another picture: its run has succeeded. */
gboolean batch_task_is_reusable (const BatchTask *task);
/* Turns to the next input, which must outlive the task. */
void batch_task_reuse (
    BatchTask *task, const BatchItem *item, const gchar *folder);
/* Whether the pipeline was that of the input before. After prepare. */
gboolean batch_task_is_reused (const BatchTask *task);

/* Before prepare: writes nothing, to measure the speed. */
void batch_task_set_rehearse (BatchTask *task);
/* Before prepare: decodes a segment from the start of the recording. */
void batch_task_set_seek (BatchTask *task, gboolean seek);

/* Probes the input and builds the pipeline. */
gboolean batch_task_prepare (BatchTask *task, GError **error);

/* What the task works on. @shape: the key of its frames in a plan. */
const BatchSetup *batch_task_get_setup (const BatchTask *task);
const gchar *batch_task_get_shape (const BatchTask *task);

/* Runs the pipeline to its end and fills @outcome. @stop: atomic, a BatchStop;
 * the outcome of a task that was stopped is %BATCH_OPEN. A @plan (nullable)
 * that lacks the shape is locked until the first frame and then has it. */
gboolean batch_task_run (BatchTask *task, BatchPlan *plan, gint *stop,
    BatchOutcome *outcome, GError **error);

/* @fraction: 0 to 1, below 0 for a recording of unknown length. Any thread. */
void batch_task_get_progress (
    BatchTask *task, guint64 *frames, gdouble *fraction);

G_END_DECLS
