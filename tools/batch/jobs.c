/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/jobs.h"

#include "batch/error.h"
#include "batch/files.h"
#include "batch/task.h"
#include "lib/status.h"

#include <stdio.h>
#include <string.h>

/* ---- one input ---------------------------------------------------------- */

/* Ends the batch: every other input would fail for the same reason. */
static void
stop_all (BatchJobs *jobs, GError *error)
{
  g_mutex_lock (&jobs->mutex);
  if (jobs->fatal == NULL)
    jobs->fatal = g_error_copy (error);
  g_mutex_unlock (&jobs->mutex);
  g_atomic_int_set (jobs->stop, BATCH_STOP_NOW);
}

/* The outputs of an interrupted recording play. They stay in NAME.part until
 * the recording is complete. */
static void
keep_part (BatchJobs *jobs, const BatchItem *item)
{
  g_autofree gchar *work =
      batch_item_get_work_folder (item, jobs->manifest->folder);
  g_autofree gchar *folder =
      batch_item_get_folder (item, jobs->manifest->folder);
  g_autofree gchar *part = g_strconcat (folder, ".part", NULL);
  g_autofree gchar *parent = g_path_get_dirname (part);

  if (item->n_segments > 0) {
    batch_remove_folder (work);
    return;
  }
  g_mkdir_with_parents (parent, 0777);
  batch_remove_folder (part);
  if (rename (work, part) != 0)
    batch_remove_folder (work);
}

static void
drop_part (BatchJobs *jobs, const BatchItem *item)
{
  g_autofree gchar *folder =
      batch_item_get_folder (item, jobs->manifest->folder);
  g_autofree gchar *part = g_strconcat (folder, ".part", NULL);

  batch_remove_folder (part);
}

static gboolean
run_task (BatchJobs *jobs, guint slot, BatchTask *task, BatchOutcome *outcome,
    GError **error)
{
  const BatchItem *item = batch_task_get_setup (task)->item;
  gboolean ok;

  batch_progress_begin (jobs->progress, slot, item, task);
  ok = batch_task_prepare (task, error)
      && batch_task_run (task, jobs->plan, jobs->stop, outcome, error);
  if (!ok)
    return FALSE;
  if (outcome->status == BATCH_OPEN)
    keep_part (jobs, item);
  return TRUE;
}

typedef struct {
  BatchJobs *jobs;
  guint slot;
  BatchTask *idle; /* (nullable): can take another picture */
} Worker;

static BatchTask *
take_task (Worker *worker, const BatchItem *item, const gchar *folder)
{
  BatchTask *task = g_steal_pointer (&worker->idle);

  if (task == NULL)
    return batch_task_new (
        worker->jobs->options, item, folder, worker->jobs->threads);
  batch_task_reuse (task, item, folder);
  return task;
}

static void
leave_task (Worker *worker, BatchTask *task, gboolean ok)
{
  batch_progress_pause (worker->jobs->progress, worker->slot);
  if (ok && batch_task_is_reusable (task))
    worker->idle = task;
  else
    batch_task_free (task);
}

/* Returns TRUE when the seek to a segment failed, or the pipeline of other
 * pictures: decoding from the start of the recording can succeed. */
static gboolean
attempt (Worker *worker, const BatchItem *item, gboolean seek,
    BatchOutcome *outcome, gchar **shape, GError **error)
{
  BatchJobs *jobs = worker->jobs;
  g_autofree gchar *work = batch_manifest_begin (jobs->manifest, item, error);
  BatchTask *task;
  gboolean ok, again;

  memset (outcome, 0, sizeof *outcome);
  if (work == NULL)
    return FALSE;
  task = take_task (worker, item, work);
  batch_task_set_seek (task, seek);
  ok = run_task (jobs, worker->slot, task, outcome, error);
  again = !ok
      && (batch_task_get_setup (task)->seek || batch_task_is_reused (task))
      && g_error_matches (*error, BATCH_ERROR, BATCH_ERROR_INPUT);
  *shape = g_strdup (batch_task_get_shape (task));
  leave_task (worker, task, ok);
  return again;
}

/* Decides by the error what becomes of an input that failed. */
static void
handle_error (BatchJobs *jobs, const BatchItem *item, BatchOutcome *outcome,
    GError *error)
{
  outcome->status = BATCH_FAILED;
  g_free (outcome->reason);
  outcome->reason = g_strdup (error->message);
  if (g_error_matches (error, BATCH_ERROR, BATCH_ERROR_NO_MEDIA))
    outcome->status = BATCH_SKIPPED;
  if (g_error_matches (error, BATCH_ERROR, BATCH_ERROR_INPUT)
      || g_error_matches (error, BATCH_ERROR, BATCH_ERROR_NO_MEDIA)) {
    g_autoptr (GError) local = NULL;

    if (!batch_manifest_fail (jobs->manifest, item, outcome, &local))
      stop_all (jobs, local);
    return;
  }
  outcome->status = BATCH_OPEN;
  batch_manifest_drop (jobs->manifest, item);
  if (!g_error_matches (error, BATCH_ERROR, BATCH_ERROR_STOPPED))
    stop_all (jobs, error);
}

/* The outputs of an item are in their place, or cannot be. */
static void
on_committed (
    const BatchItem *item, BatchOutcome *outcome, GError *error, gpointer data)
{
  BatchJobs *jobs = data;

  if (error != NULL)
    handle_error (jobs, item, outcome, error);
  else
    drop_part (jobs, item);
  batch_progress_end (jobs->progress, item, outcome, FALSE);
}

static void
process (Worker *worker, const BatchItem *item)
{
  BatchJobs *jobs = worker->jobs;
  BatchOutcome outcome;
  g_autofree gchar *shape = NULL;
  GError *error = NULL;
  gboolean known = batch_manifest_find (jobs->manifest, item, jobs->plan,
      jobs->options->retry || jobs->options->overwrite, &outcome);

  if (!known) {
    batch_outcome_clear (&outcome);
    if (attempt (worker, item, TRUE, &outcome, &shape, &error)) {
      g_clear_error (&error);
      batch_outcome_clear (&outcome);
      g_clear_pointer (&shape, g_free);
      attempt (worker, item, FALSE, &outcome, &shape, &error);
    }
    if (error != NULL)
      handle_error (jobs, item, &outcome, error);
  }
  if (known || error != NULL || outcome.status == BATCH_OPEN)
    batch_progress_end (jobs->progress, item, &outcome, known);
  else
    batch_commits_add (jobs->commits, item, &outcome, g_steal_pointer (&shape));
  batch_outcome_clear (&outcome);
  g_clear_error (&error);
}

/* ---- workers ------------------------------------------------------------ */

static const BatchItem *
next_item (BatchJobs *jobs)
{
  const BatchItem *item = NULL;

  g_mutex_lock (&jobs->mutex);
  if (jobs->next < jobs->items->len && !g_atomic_int_get (jobs->stop))
    item = g_ptr_array_index (jobs->items, jobs->next++);
  g_mutex_unlock (&jobs->mutex);
  return item;
}

static void
end_jobs (BatchJobs *jobs)
{
  g_clear_pointer (&jobs->commits, batch_commits_free);
  jobs->ended (jobs->data);
}

static gpointer
work (gpointer data)
{
  Worker *worker = data;
  BatchJobs *jobs = worker->jobs;
  const BatchItem *item;
  gboolean last;

  while ((item = next_item (jobs)) != NULL)
    process (worker, item);
  batch_task_free (worker->idle);
  g_free (worker);
  g_mutex_lock (&jobs->mutex);
  last = --jobs->running == 0;
  g_mutex_unlock (&jobs->mutex);
  if (last)
    end_jobs (jobs);
  return NULL;
}

/* The counter is that of every worker before the first one starts: a worker
 * that ends early must not be taken for the last one. */
gboolean
batch_jobs_start (BatchJobs *jobs, GError **error)
{
  guint started = 0, left;

  jobs->commits = batch_commits_new (jobs->manifest, on_committed, jobs);
  jobs->running = jobs->n + 1;
  for (; started < jobs->n; started++) {
    Worker *worker = g_new0 (Worker, 1);
    g_autoptr (GError) local = NULL;
    GThread *thread;

    worker->jobs = jobs;
    worker->slot = started;
    thread = g_thread_try_new ("batch", work, worker, &local);
    if (thread == NULL) {
      g_free (worker);
      if (started == 0)
        g_set_error (error, TOOL_ERROR, TOOL_ERROR_SYSTEM,
            "the system has no thread for the batch: %s", local->message);
      break;
    }
    g_thread_unref (thread);
  }
  g_mutex_lock (&jobs->mutex);
  jobs->running -= jobs->n - started + 1;
  left = jobs->running;
  g_mutex_unlock (&jobs->mutex);
  if (started == 0)
    g_clear_pointer (&jobs->commits, batch_commits_free);
  else if (left == 0)
    end_jobs (jobs);
  return started > 0;
}
