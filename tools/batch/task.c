/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/task.h"

#include "batch/element-error.h"
#include "batch/error.h"
#include "batch/outputs.h"
#include "batch/picture-files.h"
#include "batch/streams.h"
#include "base/missing-plugin.h"
#include "base/picture-file.h"
#include "base/read-watch.h"

#include <string.h>
#include <gst/video/video.h>
#include <unetseg/unet-seg-meta.h>

/* How often a task looks at @stop and at errors of files. */
#define POLL (100 * GST_MSECOND)
/* Seconds that elements may take to end after the last frame has come in. */
#define END_PATIENCE 120

#define FIRST_FRAME "first-frame"

struct _BatchTask {
  BatchSetup setup; /* changes until it is prepared */
  gchar *shape;     /* of the frames: their key in the plan */
  gchar *text;      /* of the pipeline */
  gboolean reused;  /* the pipeline is that of the input before */
  gboolean reusable;
  GstElement *pipeline;
  GstElement *segmenter;
  BatchStreams *streams;
  BatchOutputs *outputs;

  GMutex mutex; /* of what follows: frames out of the network */
  guint64 frames;
  GstClockTime position; /* of the last one */
  guint width, height;
};

/* ---- life --------------------------------------------------------------- */

BatchTask *
batch_task_new (const BatchOptions *options, const BatchItem *item,
    const gchar *folder, guint threads)
{
  BatchTask *task = g_new0 (BatchTask, 1);

  task->setup.options = options;
  task->setup.item = item;
  task->setup.folder = g_strdup (folder);
  task->setup.threads = threads;
  task->setup.seek = GST_CLOCK_TIME_IS_VALID (item->begin);
  task->position = GST_CLOCK_TIME_NONE;
  g_mutex_init (&task->mutex);
  return task;
}

static void
drop_pipeline (BatchTask *task)
{
  if (task->pipeline != NULL)
    gst_element_set_state (task->pipeline, GST_STATE_NULL);
  g_clear_object (&task->segmenter);
  g_clear_pointer (&task->streams, batch_streams_free);
  g_clear_pointer (&task->outputs, batch_outputs_free);
  g_clear_pointer (&task->pipeline, gst_object_unref);
  g_clear_pointer (&task->text, g_free);
}

void
batch_task_free (BatchTask *task)
{
  if (task == NULL)
    return;
  drop_pipeline (task);
  batch_probe_clear (&task->setup.probe);
  g_mutex_clear (&task->mutex);
  g_free (task->setup.folder);
  g_free (task->shape);
  g_free (task);
}

void
batch_task_reuse (BatchTask *task, const BatchItem *item, const gchar *folder)
{
  batch_probe_clear (&task->setup.probe);
  g_free (task->setup.folder);
  task->reused = FALSE;
  task->setup.item = item;
  task->setup.folder = g_strdup (folder);
  task->setup.seek = GST_CLOCK_TIME_IS_VALID (item->begin);
  g_mutex_lock (&task->mutex);
  task->frames = 0;
  task->position = GST_CLOCK_TIME_NONE;
  g_mutex_unlock (&task->mutex);
}

gboolean
batch_task_is_reusable (const BatchTask *task)
{
  return task->reusable;
}

gboolean
batch_task_is_reused (const BatchTask *task)
{
  return task->reused;
}

void
batch_task_set_rehearse (BatchTask *task)
{
  task->setup.rehearse = TRUE;
}

void
batch_task_set_seek (BatchTask *task, gboolean seek)
{
  task->setup.seek = seek && GST_CLOCK_TIME_IS_VALID (task->setup.item->begin);
}

const BatchSetup *
batch_task_get_setup (const BatchTask *task)
{
  return &task->setup;
}

const gchar *
batch_task_get_shape (const BatchTask *task)
{
  return task->shape;
}

/* ---- frames that have been through the network -------------------------- */

static void
note_frame (BatchTask *task, GstBuffer *buffer)
{
  const UnetSegMeta *mask = gst_buffer_get_unet_seg_meta (buffer);
  gboolean first;

  if (mask != NULL)
    batch_outputs_note_classes (task->outputs, mask->classes);
  g_mutex_lock (&task->mutex);
  first = task->frames++ == 0;
  if (GST_BUFFER_PTS_IS_VALID (buffer))
    task->position = GST_BUFFER_PTS (buffer);
  g_mutex_unlock (&task->mutex);
  if (first)
    gst_element_post_message (task->pipeline,
        gst_message_new_application (GST_OBJECT (task->pipeline),
            gst_structure_new_empty (FIRST_FRAME)));
}

static GstPadProbeReturn
on_frame (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  BatchTask *task = data;

  if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
    note_frame (task, GST_PAD_PROBE_INFO_BUFFER (info));
  } else if (GST_EVENT_TYPE (info->data) == GST_EVENT_CAPS) {
    GstVideoInfo video;
    GstCaps *caps;

    gst_event_parse_caps (info->data, &caps);
    if (gst_video_info_from_caps (&video, caps)) {
      g_mutex_lock (&task->mutex);
      task->width = video.width;
      task->height = video.height;
      g_mutex_unlock (&task->mutex);
    }
  }
  return GST_PAD_PROBE_OK;
}

void
batch_task_get_progress (BatchTask *task, guint64 *frames, gdouble *fraction)
{
  GstClockTime from = task->setup.item->begin, to = task->setup.item->end;

  if (!GST_CLOCK_TIME_IS_VALID (from))
    from = 0;
  if (!GST_CLOCK_TIME_IS_VALID (to))
    to = task->setup.probe.duration;
  g_mutex_lock (&task->mutex);
  *frames = task->frames;
  *fraction = -1;
  if (GST_CLOCK_TIME_IS_VALID (to) && to > from
      && GST_CLOCK_TIME_IS_VALID (task->position))
    *fraction = CLAMP (
        (gdouble) (task->position - MIN (from, task->position)) / (to - from),
        0, 1);
  g_mutex_unlock (&task->mutex);
}

/* ---- preparation -------------------------------------------------------- */

/* Everything that the network's input size depends on. */
static gchar *
describe_shape (const BatchTask *task)
{
  const BatchProbe *p = &task->setup.probe;

  return g_strdup_printf ("%ux%u par %u/%u%s%s threads %u", p->width, p->height,
      MAX (p->par_n, 1), MAX (p->par_d, 1), p->orientation ? " " : "",
      p->orientation ? p->orientation : "", task->setup.threads);
}

/* Nothing of one picture is in the mask of the next. */
static GstPadProbeReturn
separate (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstBuffer *buffer =
      gst_buffer_make_writable (GST_PAD_PROBE_INFO_BUFFER (info));

  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  GST_PAD_PROBE_INFO_DATA (info) = buffer;
  return GST_PAD_PROBE_OK;
}

static gboolean
build_pipeline (BatchTask *task, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (GstPad) sink = NULL, pad = NULL;

  task->pipeline = unet_missing_plugin_parse (task->text, &local);
  if (task->pipeline == NULL) {
    g_set_error (error, BATCH_ERROR, BATCH_ERROR_MODEL, "%s", local->message);
    return FALSE;
  }
  task->segmenter = gst_bin_get_by_name (GST_BIN (task->pipeline), "unetseg");
  g_object_set (task->segmenter, "threads", task->setup.threads, NULL);
  sink = gst_element_get_static_pad (task->segmenter, "sink");
  if (task->setup.probe.picture)
    gst_pad_add_probe (sink, GST_PAD_PROBE_TYPE_BUFFER, separate, NULL, NULL);
  pad = gst_element_get_static_pad (task->segmenter, "src");
  gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_frame,
      task, NULL);
  task->streams = batch_streams_new (
      &task->setup, batch_outputs_get_audio_targets (task->outputs));
  batch_streams_connect (task->streams, task->pipeline);
  return batch_outputs_connect (task->outputs, GST_BIN (task->pipeline), error);
}

gboolean
batch_task_prepare (BatchTask *task, GError **error)
{
  g_autofree gchar *before = g_steal_pointer (&task->text);

  if (!batch_probe (task->setup.item, &task->setup.probe, error))
    return FALSE;
  g_free (task->shape);
  task->shape = describe_shape (task);
  if (task->outputs == NULL)
    task->outputs = batch_outputs_new (&task->setup);
  task->text = batch_outputs_describe (task->outputs, error);
  if (task->text == NULL)
    return FALSE;
  task->reused = task->reusable && g_str_equal (task->text, before);
  task->reusable = FALSE;
  if (task->reused) {
    batch_streams_reset (task->streams);
    return batch_outputs_reset (task->outputs, error);
  }
  if (before != NULL) {
    drop_pipeline (task);
    task->outputs = batch_outputs_new (&task->setup);
    task->text = batch_outputs_describe (task->outputs, error);
  }
  return task->text != NULL && build_pipeline (task, error);
}

/* ---- messages ----------------------------------------------------------- */

typedef struct {
  BatchPlan *plan;  /* (nullable): locked until the first frame */
  gint64 last_sign; /* of life: monotonic time */
  guint64 buffers, frames;
  gchar *trouble; /* (nullable): the first error of a decoder */
  gboolean ended, failed;
} Run;

/* A decoder that fails ends the input early: the frames before stay. Returns
 * FALSE when the task cannot go on. */
static gboolean
on_error (BatchTask *task, Run *run, GstMessage *message, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autofree gchar *debug = NULL;
  g_autofree gchar *reason = NULL;
  guint64 frames;

  gst_message_parse_error (message, &local, &debug);
  reason = batch_element_error_describe (local, debug);
  if (task->setup.options->verbosity == BATCH_VERBOSE)
    g_printerr ("%s: %s\n%s\n", task->setup.item->name, local->message, debug);
  if (batch_element_error_is_full (GST_MESSAGE_SRC (message), local)) {
    g_set_error (error, BATCH_ERROR, BATCH_ERROR_OUTPUT, "%s", reason);
    return FALSE;
  }
  g_mutex_lock (&task->mutex);
  frames = task->frames;
  g_mutex_unlock (&task->mutex);
  if (run->trouble == NULL)
    run->trouble = g_steal_pointer (&reason);
  if (frames == 0 || run->failed) {
    g_autofree gchar *text =
        unet_picture_add_package (run->trouble, task->setup.probe.package);

    g_set_error_literal (error, BATCH_ERROR, BATCH_ERROR_INPUT, text);
    return FALSE;
  }
  run->failed = TRUE;
  batch_streams_end (task->streams);
  return TRUE;
}

static gboolean
on_first_frame (BatchTask *task, Run *run, GError **error)
{
  BatchPlan *plan = g_steal_pointer (&run->plan);
  gboolean ok;

  if (plan == NULL)
    return TRUE;
  ok = batch_plan_add (plan, task->shape, task->segmenter, error);
  batch_plan_unlock (plan);
  return ok;
}

static gboolean
on_message (BatchTask *task, Run *run, GstMessage *message, GError **error)
{
  switch (GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_EOS:
      run->ended = TRUE;
      return TRUE;
    case GST_MESSAGE_ERROR:
      return on_error (task, run, message, error);
    case GST_MESSAGE_APPLICATION:
      if (gst_message_has_name (message, FIRST_FRAME))
        return on_first_frame (task, run, error);
      if (gst_message_has_name (message, BATCH_PICTURE_ENDED)
          || gst_message_has_name (message, BATCH_NO_FRAME)) {
        run->ended = TRUE;
        return TRUE;
      }
      if (batch_streams_seek (task->streams))
        return TRUE;
      g_set_error (error, BATCH_ERROR, BATCH_ERROR_INPUT,
          "cannot seek to %" GST_TIME_FORMAT,
          GST_TIME_ARGS (task->setup.item->begin));
      return FALSE;
    default:
      return TRUE;
  }
}

/* ---- running ------------------------------------------------------------ */

/* Whether a decoder gives no more frames, reads no more and does not end,
 * although the frames that came in have left the network. */
static gboolean
is_stalled (BatchTask *task, const Run *run, const BatchStreamsState *state)
{
  gdouble silence = batch_streams_measure_silence (task->streams);
  gint64 sign = g_get_monotonic_time () - run->last_sign;

  return !run->failed && !state->ended && state->frames == run->frames
      && !batch_streams_is_finishing (task->streams)
      && MIN (silence, sign / 1e6) > UNET_READ_SILENCE;
}

/* Makes a decoder end that has stalled: its frames stay. Returns FALSE where it
 * gave none. */
static gboolean
check_stall (
    BatchTask *task, Run *run, const BatchStreamsState *state, GError **error)
{
  if (!is_stalled (task, run, state))
    return TRUE;
  if (run->frames == 0) {
    g_set_error (error, BATCH_ERROR, BATCH_ERROR_INPUT,
        "its decoder stalls before the first frame");
    return FALSE;
  }
  if (run->trouble == NULL)
    run->trouble = g_strdup ("its decoder stalls");
  run->failed = TRUE;
  batch_streams_end (task->streams);
  return TRUE;
}

static gboolean
check_life (BatchTask *task, Run *run, gint *stop, GError **error)
{
  gint64 now = g_get_monotonic_time ();
  gdouble patience = task->setup.options->patience, fraction;
  BatchStreamsState state;
  guint64 frames;

  batch_streams_get_state (task->streams, &state);
  batch_task_get_progress (task, &frames, &fraction);
  if (run->buffers != state.buffers || run->frames != frames)
    run->last_sign = now;
  run->buffers = state.buffers;
  run->frames = frames;
  if (g_atomic_int_get (stop) == BATCH_STOP_NOW) {
    g_set_error (error, BATCH_ERROR, BATCH_ERROR_STOPPED, "stopped");
    return FALSE;
  }
  if (g_atomic_int_get (stop) == BATCH_STOP_FINISH)
    batch_streams_finish (task->streams);
  if (batch_streams_is_finishing (task->streams))
    patience = MIN (patience, END_PATIENCE);
  if (now - run->last_sign < patience * G_USEC_PER_SEC)
    return check_stall (task, run, &state, error);
  g_set_error (error, BATCH_ERROR, BATCH_ERROR_INPUT,
      "no progress for %g seconds", patience);
  return FALSE;
}

static gboolean
run_loop (BatchTask *task, Run *run, gint *stop, GError **error)
{
  GstBus *bus = gst_element_get_bus (task->pipeline);
  gboolean ok;

  run->last_sign = g_get_monotonic_time ();
  gst_element_set_state (task->pipeline, GST_STATE_PLAYING);
  ok = batch_streams_feed (task->streams, error);
  while (ok && !run->ended) {
    GstMessage *message = gst_bus_timed_pop_filtered (bus, POLL,
        GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_APPLICATION);

    if (message != NULL) {
      ok = on_message (task, run, message, error);
      gst_message_unref (message);
    }
    ok = ok && check_life (task, run, stop, error)
        && batch_outputs_check (task->outputs, error);
  }
  gst_object_unref (bus);
  return ok;
}

/* ---- outcome ------------------------------------------------------------ */

/* The container promises more than there was. A rounded duration, or frames
 * that an encoder drops at the end, are within the tolerance. */
static gboolean
ended_early (const BatchSetup *setup, GstClockTime end)
{
  GstClockTime duration = setup->probe.duration, slack;

  if (!setup->probe.exact || setup->item->n_segments > 0
      || !GST_CLOCK_TIME_IS_VALID (end))
    return FALSE;
  slack = CLAMP (duration / 20, GST_SECOND / 2, 3 * GST_SECOND);
  return end + slack < duration;
}

/* Returns (transfer full) (nullable): why the input is not complete. */
static gchar *
describe_end (
    const BatchSetup *setup, const Run *run, const BatchStreamsState *state)
{
  const BatchProbe *probe = &setup->probe;
  gdouble end = GST_CLOCK_TIME_IS_VALID (state->end)
      ? state->end / (gdouble) GST_SECOND
      : 0;

  if (probe->truncated != NULL)
    return g_strdup (probe->truncated);
  if (run->trouble == NULL && !ended_early (setup, state->end))
    return NULL;
  if (run->trouble != NULL && !probe->exact)
    return g_strdup_printf ("ended after %.1f s: %s", end, run->trouble);
  return g_strdup_printf ("ended after %.1f of %.1f s%s%s", end,
      probe->duration / (gdouble) GST_SECOND, run->trouble ? ": " : "",
      run->trouble ? run->trouble : "");
}

static void
fill_outcome (BatchTask *task, const Run *run, const BatchStreamsState *state,
    gboolean stopped, BatchOutcome *outcome)
{
  const BatchSetup *setup = &task->setup;

  outcome->frames = task->frames;
  outcome->width = task->width;
  outcome->height = task->height;
  outcome->duration = setup->item->n_segments > 0 ? GST_CLOCK_TIME_NONE
                                                  : setup->probe.duration;
  outcome->first = state->first;
  outcome->next = state->next;
  outcome->status = BATCH_OPEN;
  if (stopped)
    return;
  outcome->reason = describe_end (setup, run, state);
  outcome->status = outcome->reason != NULL ? BATCH_SHORT : BATCH_DONE;
}

static gboolean
check_segment (
    const BatchSetup *setup, const BatchStreamsState *state, GError **error)
{
  if (!setup->seek || state->first == setup->item->begin)
    return TRUE;
  g_set_error (error, BATCH_ERROR, BATCH_ERROR_INPUT,
      "the seek to %" GST_TIME_FORMAT " led to %" GST_TIME_FORMAT,
      GST_TIME_ARGS (setup->item->begin), GST_TIME_ARGS (state->first));
  return FALSE;
}

static gboolean
finish (BatchTask *task, const Run *run, gboolean stopped,
    BatchOutcome *outcome, GError **error)
{
  BatchStreamsState state;

  batch_streams_get_state (task->streams, &state);
  if (!batch_outputs_check (task->outputs, error)
      || !check_segment (&task->setup, &state, error)
      || !batch_outputs_finish (task->outputs, error))
    return FALSE;
  fill_outcome (task, run, &state, stopped, outcome);
  if (task->frames > 0 || stopped)
    return TRUE;
  g_set_error (error, BATCH_ERROR, BATCH_ERROR_INPUT, "%s",
      run->trouble ? run->trouble : "no frame could be decoded");
  return FALSE;
}

/* Sets outcome->plan. Locks a plan that lacks the shape, so that other tasks
 * and processes wait until this one has added it. */
static gboolean
lock_plan (BatchTask *task, BatchPlan *plan, Run *run, BatchOutcome *outcome,
    GError **error)
{
  if (plan == NULL)
    return TRUE;
  outcome->plan = batch_plan_find (plan, task->shape);
  if (outcome->plan != NULL)
    return TRUE;
  if (!batch_plan_lock (plan, error))
    return FALSE;
  outcome->plan = batch_plan_find (plan, task->shape);
  if (outcome->plan != NULL) /* another one has added it meanwhile */
    batch_plan_unlock (plan);
  else
    run->plan = plan;
  return TRUE;
}

gboolean
batch_task_run (BatchTask *task, BatchPlan *plan, gint *stop,
    BatchOutcome *outcome, GError **error)
{
  gint64 start = g_get_monotonic_time ();
  Run run = { NULL };
  gboolean ok, stopped;

  if (!lock_plan (task, plan, &run, outcome, error))
    return FALSE;
  ok = run_loop (task, &run, stop, error);
  if (run.plan != NULL)
    batch_plan_unlock (plan);
  task->reusable = ok && task->setup.probe.decoder.lasting && !run.failed
      && !batch_streams_is_finishing (task->streams);
  /* Sinks close their files when they stop. */
  if (!task->reusable)
    gst_element_set_state (task->pipeline, GST_STATE_NULL);
  stopped = g_atomic_int_get (stop) != BATCH_STOP_NONE
      && batch_streams_is_finishing (task->streams) && !run.failed;
  ok = ok && finish (task, &run, stopped, outcome, error);
  task->reusable &= ok;
  if (plan != NULL && outcome->plan == NULL)
    outcome->plan = batch_plan_find (plan, task->shape);
  outcome->seconds = (g_get_monotonic_time () - start) / 1e6;
  g_free (run.trouble);
  return ok;
}
