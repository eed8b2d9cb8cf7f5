/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* unetseg batch: segments folders of recordings and pictures. */

#include "batch/batch.h"

#include "batch/error.h"
#include "batch/inputs.h"
#include "batch/job-split.h"
#include "batch/jobs.h"
#include "batch/report.h"
#include "batch/segments.h"
#include "batch/shards.h"
#include "lib/print.h"
#include "segment/session-pool.h"

#include <glib-unix.h>
#include <string.h>

typedef struct {
  BatchOptions options;
  BatchManifest manifest;
  BatchJobs jobs;
  GPtrArray *all; /* items of every shard */
  GMainLoop *loop;
  gint stop; /* atomic: BatchStop */
  gboolean interrupted;
} Batch;

/* ---- signals ------------------------------------------------------------ */

/* The first signal lets containers be finished, the second one does not. */
static gboolean
on_signal (gpointer data)
{
  Batch *batch = data;

  batch->interrupted = TRUE;
  if (!g_atomic_int_compare_and_exchange (
          &batch->stop, BATCH_STOP_NONE, BATCH_STOP_FINISH))
    g_atomic_int_set (&batch->stop, BATCH_STOP_NOW);
  else if (batch->options.verbosity != BATCH_QUIET)
    g_printerr ("unetseg: finishing the files at work; interrupt again to "
                "stop at once\n");
  return G_SOURCE_CONTINUE;
}

static gboolean
on_tick (gpointer data)
{
  Batch *batch = data;

  batch_progress_tick (batch->jobs.progress);
  return G_SOURCE_CONTINUE;
}

static gboolean
quit (gpointer data)
{
  g_main_loop_quit (data);
  return G_SOURCE_REMOVE;
}

static void
on_ended (gpointer data)
{
  Batch *batch = data;

  /* An idle source: the loop may not run yet. */
  g_idle_add (quit, batch->loop);
}

/* ---- steps -------------------------------------------------------------- */

static gboolean
check_elements (GError **error)
{
  static const gchar *const names[] = { "unetseg", "unetsegdraw",
    "uridecodebin", "videoconvert", "fakesink" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    GstElementFactory *factory = gst_element_factory_find (names[i]);

    if (factory == NULL) {
      g_set_error (error, BATCH_ERROR, BATCH_ERROR_MODEL,
          "the GStreamer element '%s' is missing: install its plugin or set "
          "GST_PLUGIN_PATH",
          names[i]);
      return FALSE;
    }
    gst_object_unref (factory);
  }
  return TRUE;
}

static gboolean
find_items (Batch *batch, GError **error)
{
  guint n_outside;
  g_autoptr (GPtrArray)
      files = batch_inputs_find (&batch->options, &n_outside, error);

  if (files == NULL)
    return FALSE;
  if (n_outside > 0 && batch->options.verbosity != BATCH_QUIET)
    g_printerr ("unetseg: %u link%s to places outside of the inputs not "
                "followed; --follow-links does\n",
        n_outside, tool_plural (n_outside));
  batch->all = batch_segments_split (files, batch->options.segment);
  return TRUE;
}

static gboolean
open_batch (Batch *batch, GError **error)
{
  BatchOptions *options = &batch->options;

  if (!check_elements (error) || !find_items (batch, error)
      || !batch_manifest_open (&batch->manifest, options, error))
    return FALSE;
  batch->jobs.plan = batch_plan_open (batch->manifest.folder, options, error);
  if (batch->jobs.plan == NULL
      || !batch_manifest_pin (
          &batch->manifest, options, batch->jobs.plan, &batch->all, error))
    return FALSE;
  /* The largest first, so that it does not run alone at the end. */
  batch->jobs.items = options->n_shards > 0
      ? batch_shard_take (batch->all, options->shard, options->n_shards)
      : batch_shard_take (batch->all, 1, 1);
  return batch_job_split_choose (&batch->jobs, error);
}

static gboolean
run (Batch *batch, GError **error)
{
  gboolean ok;
  guint ids[3];

  batch->jobs.progress = batch_progress_new (
      &batch->options, batch->jobs.items, batch->jobs.n, batch->jobs.threads);
  ids[0] = g_unix_signal_add (SIGINT, on_signal, batch);
  ids[1] = g_unix_signal_add (SIGTERM, on_signal, batch);
  ids[2] = g_timeout_add (
      batch_progress_get_interval (batch->jobs.progress), on_tick, batch);
  ok = batch_jobs_start (&batch->jobs, error);
  if (ok)
    g_main_loop_run (batch->loop);
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    g_source_remove (ids[i]);
  return ok;
}

/* A report that cannot be written is an output that is missing. */
static ToolStatus
conclude (Batch *batch, GError **error)
{
  const BatchProgress *progress = batch->jobs.progress;
  gboolean complete = TRUE;

  if (batch->options.outputs[BATCH_REPORT].wanted && batch->jobs.fatal == NULL)
    complete = batch_report_write (&batch->manifest, batch->all, error);
  batch_progress_finish (batch->jobs.progress, batch->jobs.fatal);
  if (batch->jobs.fatal != NULL) {
    g_propagate_error (error, g_steal_pointer (&batch->jobs.fatal));
    return TOOL_STOPPED;
  }
  if (batch->interrupted)
    return TOOL_INTERRUPTED;
  if (batch_progress_count (progress, BATCH_FAILED)
          + batch_progress_count (progress, BATCH_SHORT)
      > 0)
    complete = FALSE;
  return complete ? TOOL_OK : TOOL_FAILED;
}

static ToolStatus
batch_main (Batch *batch, GError **error)
{
  ToolStatus status;

  batch->loop = g_main_loop_new (NULL, FALSE);
  batch->jobs.options = &batch->options;
  batch->jobs.manifest = &batch->manifest;
  batch->jobs.stop = &batch->stop;
  batch->jobs.ended = on_ended;
  batch->jobs.data = batch;
  g_mutex_init (&batch->jobs.mutex);
  if (!open_batch (batch, error))
    return TOOL_STOPPED;
  if (batch->options.plan_only)
    return TOOL_OK;
  unet_session_pool_open ();
  status = run (batch, error) ? conclude (batch, error) : TOOL_STOPPED;
  unet_session_pool_close ();
  return status;
}

static void
batch_clear (Batch *batch)
{
  batch_progress_free (batch->jobs.progress);
  g_clear_pointer (&batch->jobs.items, g_ptr_array_unref);
  g_clear_pointer (&batch->all, g_ptr_array_unref);
  batch_plan_free (batch->jobs.plan);
  g_clear_error (&batch->jobs.fatal);
  g_mutex_clear (&batch->jobs.mutex);
  batch_manifest_close (&batch->manifest);
  batch_options_clear (&batch->options);
  g_clear_pointer (&batch->loop, g_main_loop_unref);
}

ToolStatus
tool_batch_main (gint argc, gchar **argv)
{
  g_autoptr (GError) error = NULL;
  Batch batch;
  ToolStatus status;

  memset (&batch, 0, sizeof batch);
  batch.manifest.lock = -1;
  if (!gst_init_check (NULL, NULL, &error))
    return tool_report_error ("batch", error);
  if (!batch_options_parse (&batch.options, argc, argv, &error)) {
    batch_options_clear (&batch.options);
    return tool_report_error ("batch", error);
  }
  status = batch_main (&batch, &error);
  batch_clear (&batch);
  if (error != NULL && tool_report_error ("batch", error) == TOOL_USAGE)
    status = TOOL_USAGE;
  return status;
}
