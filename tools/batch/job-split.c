/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/job-split.h"

#include "batch/error.h"
#include "batch/task.h"
#include "lib/print.h"

/* Bytes of all inputs. A smaller batch ends before a measurement pays off. */
#define LEAST_SIZE (G_GUINT64_CONSTANT (64) << 20)
/* Of a measurement, for each split. */
#define SECONDS 1.5
/* Until every rehearsal has its first frames. */
#define START_SECONDS 30

typedef struct {
  BatchTask *task;
  gint *stop;
} Rehearsal;

static gpointer
rehearse (gpointer data)
{
  Rehearsal *r = data;
  BatchOutcome outcome = { 0 };

  batch_task_run (r->task, NULL, r->stop, &outcome, NULL);
  batch_outcome_clear (&outcome);
  return NULL;
}

static guint64
frames_of (Rehearsal *all, guint n)
{
  guint64 sum = 0;

  for (guint i = 0; i < n; i++) {
    guint64 frames;
    gdouble fraction;

    batch_task_get_progress (all[i].task, &frames, &fraction);
    sum += frames;
  }
  return sum;
}

static gboolean
all_begun (Rehearsal *all, guint n)
{
  for (guint i = 0; i < n; i++) {
    guint64 frames;
    gdouble fraction;

    batch_task_get_progress (all[i].task, &frames, &fraction);
    if (frames < 2)
      return FALSE;
  }
  return TRUE;
}

/* Frames per second of @n rehearsals, from when all of them run. */
static gdouble
measure (Rehearsal *all, guint n, gint *interrupted)
{
  gint64 limit = g_get_monotonic_time () + START_SECONDS * G_USEC_PER_SEC,
         start;
  guint64 frames;

  while (!all_begun (all, n) && g_get_monotonic_time () < limit
      && !g_atomic_int_get (interrupted))
    g_usleep (10000);
  start = g_get_monotonic_time ();
  frames = frames_of (all, n);
  while (g_get_monotonic_time () < start + SECONDS * G_USEC_PER_SEC
      && !g_atomic_int_get (interrupted))
    g_usleep (10000);
  return (frames_of (all, n) - frames) * 1e6
      / (g_get_monotonic_time () - start);
}

/* Frames per second of a split; 0 when the batch has fewer recordings or the
 * system fewer threads. */
static gdouble
try_split (const BatchJobs *jobs, guint n, guint threads)
{
  g_autofree Rehearsal *all = g_new0 (Rehearsal, n);
  g_autofree GThread **workers = g_new0 (GThread *, n);
  gint stop = 0;
  gdouble fps = 0;
  guint ready = 0, started = 0;

  for (guint i = 0; i < jobs->items->len && ready < n; i++) {
    const BatchItem *item = g_ptr_array_index (jobs->items, i);
    BatchTask *task = batch_task_new (jobs->options, item, "", threads);

    batch_task_set_rehearse (task);
    if (batch_task_prepare (task, NULL)
        && !batch_task_get_setup (task)->probe.picture) {
      all[ready].task = task;
      all[ready++].stop = &stop;
    } else {
      batch_task_free (task);
    }
  }
  for (guint i = 0; i < ready; i++)
    if ((workers[i] = g_thread_try_new ("rehearsal", rehearse, &all[i], NULL))
        != NULL)
      started++;
  if (started == n)
    fps = measure (all, n, jobs->stop);
  g_atomic_int_set (&stop, BATCH_STOP_NOW);
  for (guint i = 0; i < ready; i++) {
    if (workers[i] != NULL)
      g_thread_join (workers[i]);
    batch_task_free (all[i].task);
  }
  return fps;
}

/* Tries 1, 2, 4 … files at a time, up to the number of processors. */
static void
find_split (const BatchJobs *jobs, guint processors, guint *n, guint *threads)
{
  gdouble best = 0;

  for (guint i = 1; i <= processors; i *= 2) {
    gdouble fps = try_split (jobs, i, processors / i);

    if (jobs->options->verbosity == BATCH_VERBOSE && !jobs->options->json)
      g_print ("%u at a time, %u thread%s each: %.1f fps\n", i, processors / i,
          tool_plural (processors / i), fps);
    if (fps > best) {
      best = fps;
      *n = i;
      *threads = processors / i;
    }
  }
}

static guint64
total_size (GPtrArray *items)
{
  guint64 size = 0;

  for (guint i = 0; i < items->len; i++) {
    const BatchItem *item = g_ptr_array_index (items, i);

    size += batch_item_get_weight (item);
  }
  return size;
}

/* One file has all threads; many small ones have one each. */
static void
choose (const BatchJobs *jobs, guint processors, guint *n, guint *threads)
{
  const BatchOptions *options = jobs->options;

  *n = options->jobs;
  *threads = options->threads;
  if (*n == 0 && *threads == 0) {
    *n = CLAMP (jobs->items->len, 1, processors);
    *threads = processors / *n;
    if (jobs->items->len > 1 && processors > 1
        && total_size (jobs->items) >= LEAST_SIZE)
      find_split (jobs, processors, n, threads);
  } else if (*n == 0) {
    *n = MAX (processors / *threads, 1);
  } else if (*threads == 0) {
    *threads = MAX (processors / *n, 1);
  }
}

gboolean
batch_job_split_choose (BatchJobs *jobs, GError **error)
{
  BatchPlan *plan = jobs->plan;
  guint processors = g_get_num_processors (), n, threads;
  gboolean ok = TRUE;

  if (!batch_plan_lock (plan, error))
    return FALSE;
  threads = batch_plan_get_threads (plan);
  if (threads == 0) {
    choose (jobs, processors, &n, &threads);
    ok = batch_plan_set_threads (plan, threads, error);
  } else if (jobs->options->threads != 0 && jobs->options->threads != threads) {
    g_set_error (error, BATCH_ERROR, BATCH_ERROR_MODEL,
        "the plan of this batch has %u thread%s, not %u", threads,
        tool_plural (threads), jobs->options->threads);
    ok = FALSE;
  } else { /* another machine may have pinned the threads */
    n = jobs->options->jobs ? jobs->options->jobs
                            : MAX (processors / threads, 1);
  }
  batch_plan_unlock (plan);
  if (!ok)
    return FALSE;
  jobs->threads = threads;
  jobs->n = CLAMP (n, 1, MAX (jobs->items->len, 1));
  return TRUE;
}
