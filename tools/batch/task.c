/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/task.h"

#include "frame/draw/palette.h"

#include <string.h>

#define POLL (100 * GST_MSECOND)
/* How long elements may take to end after the last frame has come. */
#define END_PATIENCE 120

/* ---- life --------------------------------------------------------------- */

BatchTask *
batch_task_new (const BatchOptions *options, const BatchItem *item,
    const gchar *folder, guint threads)
{
  BatchTask *task = g_new0 (BatchTask, 1);

  task->options = options;
  task->item = item;
  task->folder = g_strdup (folder);
  task->threads = threads;
  task->seek = GST_CLOCK_TIME_IS_VALID (item->begin);
  task->entries = g_ptr_array_new_with_free_func (gst_object_unref);
  task->position = task->end = GST_CLOCK_TIME_NONE;
  task->first = task->next = GST_CLOCK_TIME_NONE;
  g_mutex_init (&task->mutex);
  for (guint i = 1; i < G_N_ELEMENTS (task->palette); i++)
    task->palette[i] = unet_palette_default (i) & 0xffffff;
  return task;
}

static void
drop_pipeline (BatchTask *task)
{
  if (task->pipeline != NULL)
    gst_element_set_state (task->pipeline, GST_STATE_NULL);
  g_clear_object (&task->segmenter);
  g_ptr_array_set_size (task->entries, 0);
  g_clear_pointer (&task->pipeline, gst_object_unref);
  g_clear_pointer (&task->results, batch_results_free);
}

void
batch_task_free (BatchTask *task)
{
  if (task == NULL)
    return;
  drop_pipeline (task);
  g_ptr_array_unref (task->entries);
  batch_probe_clear (&task->probe);
  g_mutex_clear (&task->mutex);
  g_free (task->folder);
  g_free (task->shape);
  g_free (task->trouble);
  g_free (task);
}

/* ---- frames that have been through the network -------------------------- */

static void
note_frame (BatchTask *task, GstPad *pad, GstBuffer *buffer)
{
  const UnetSegMeta *mask = gst_buffer_get_unet_seg_meta (buffer);
  gboolean first;

  if (mask != NULL)
    g_atomic_int_set (&task->n_classes, mask->n_classes);
  g_mutex_lock (&task->mutex);
  first = task->frames++ == 0;
  if (GST_BUFFER_PTS_IS_VALID (buffer))
    task->position = GST_BUFFER_PTS (buffer);
  g_mutex_unlock (&task->mutex);
  if (first)
    gst_element_post_message (task->pipeline,
        gst_message_new_application (GST_OBJECT (task->pipeline),
            gst_structure_new_empty ("first-frame")));
}

static GstPadProbeReturn
on_frame (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  BatchTask *task = data;

  if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
    note_frame (task, pad, GST_PAD_PROBE_INFO_BUFFER (info));
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
  GstClockTime from = task->item->begin, to = task->item->end;

  if (!GST_CLOCK_TIME_IS_VALID (from))
    from = 0;
  if (!GST_CLOCK_TIME_IS_VALID (to))
    to = task->probe.duration;
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

/* What the network's input size can depend on. */
static gchar *
describe_shape (const BatchTask *task)
{
  const BatchProbe *p = &task->probe;

  return g_strdup_printf ("%ux%u par %u/%u%s%s threads %u", p->width, p->height,
      MAX (p->par_n, 1), MAX (p->par_d, 1), p->orientation ? " " : "",
      p->orientation ? p->orientation : "", task->threads);
}

gboolean
batch_task_prepare (BatchTask *task, GError **error)
{
  g_autofree gchar *text = NULL;
  g_autoptr (GError) local = NULL;
  GstElement *source;
  GstPad *pad;

  if (!batch_probe (task->item, &task->probe, error))
    return FALSE;
  task->shape = describe_shape (task);
  text = batch_outputs_describe (task, error);
  if (text == NULL)
    return FALSE;
  task->pipeline =
      gst_parse_launch_full (text, NULL, GST_PARSE_FLAG_FATAL_ERRORS, &local);
  if (task->pipeline == NULL) {
    g_set_error (error, BATCH_ERROR, BATCH_ERROR_MODEL, "%s", local->message);
    return FALSE;
  }
  task->segmenter = gst_bin_get_by_name (GST_BIN (task->pipeline), "unetseg");
  g_object_set (task->segmenter, "threads", task->threads, NULL);
  pad = gst_element_get_static_pad (task->segmenter, "src");
  gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_frame,
      task, NULL);
  gst_object_unref (pad);
  source = gst_bin_get_by_name (GST_BIN (task->pipeline), "source");
  batch_streams_connect (task, source);
  gst_object_unref (source);
  task->seeking = task->seek;
  return batch_outputs_connect (task, error);
}

/* ---- what elements say -------------------------------------------------- */

/* Words for people; GStreamer's own where they say something. */
static gchar *
reason_of (const GError *error, const gchar *debug)
{
  const gchar *colon;

  if (!g_error_matches (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED)
      || debug == NULL)
    return g_strdup (error->message);
  /* The last line of the debug text is the cause. */
  colon = strrchr (debug, '\n');
  return g_strdup_printf ("%s (%s)", error->message,
      colon != NULL && colon[1] != '\0' ? colon + 1 : debug);
}

static gboolean
is_output (GstObject *source)
{
  return source != NULL && GST_IS_ELEMENT (source)
      && GST_OBJECT_FLAG_IS_SET (source, GST_ELEMENT_FLAG_SINK);
}

static gboolean
is_full (const GError *error)
{
  return error->domain == GST_RESOURCE_ERROR
      && (error->code == GST_RESOURCE_ERROR_NO_SPACE_LEFT
          || error->code == GST_RESOURCE_ERROR_WRITE
          || error->code == GST_RESOURCE_ERROR_OPEN_WRITE
          || error->code == GST_RESOURCE_ERROR_CLOSE);
}

static gpointer
ref_pad (gconstpointer pad, gpointer data)
{
  return gst_object_ref ((gpointer) pad);
}

/* Ends every stream where it enters. Nothing flows there any more: what came
 * from a decoder has failed. */
static void
end_entries (BatchTask *task)
{
  g_autoptr (GPtrArray) entries = NULL;

  g_atomic_int_set (&task->finishing, TRUE);
  g_mutex_lock (&task->mutex);
  entries = g_ptr_array_copy (task->entries, ref_pad, NULL);
  g_ptr_array_set_free_func (entries, gst_object_unref);
  g_mutex_unlock (&task->mutex);
  for (guint i = 0; i < entries->len; i++)
    gst_pad_send_event (g_ptr_array_index (entries, i), gst_event_new_eos ());
}

typedef struct {
  BatchPlan *plan;  /* (nullable): locked until the first frame */
  gint64 last_sign; /* of life: monotonic time */
  guint64 buffers, frames;
  gboolean ended, failed;
} Run;

/* TRUE: go on. */
static gboolean
on_error (BatchTask *task, Run *run, GstMessage *message, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autofree gchar *debug = NULL;
  g_autofree gchar *reason = NULL;
  guint64 frames;

  gst_message_parse_error (message, &local, &debug);
  reason = reason_of (local, debug);
  if (task->options->verbosity == BATCH_VERBOSE)
    g_printerr ("%s: %s\n%s\n", task->item->name, local->message, debug);
  if (is_output (GST_MESSAGE_SRC (message)) && is_full (local)) {
    g_set_error (error, BATCH_ERROR, BATCH_ERROR_OUTPUT, "%s", reason);
    return FALSE;
  }
  g_mutex_lock (&task->mutex);
  frames = task->frames;
  g_mutex_unlock (&task->mutex);
  if (task->trouble == NULL)
    task->trouble = g_steal_pointer (&reason);
  if (frames == 0 || run->failed) {
    g_set_error (error, BATCH_ERROR, BATCH_ERROR_INPUT, "%s", task->trouble);
    return FALSE;
  }
  run->failed = TRUE;
  end_entries (task);
  return TRUE;
}

/* A decoder moves the start of a frame that reaches over the position to that
 * position: somewhat earlier, where frames are dropped anyhow. */
GstClockTime
batch_task_get_seek (const BatchTask *task)
{
  return task->item->begin - MIN (task->item->begin, GST_SECOND / 2);
}

/* From where video enters: nothing behind it has begun. */
static gboolean
seek_to_segment (BatchTask *task)
{
  GstPad *pad;
  gboolean ok;

  g_mutex_lock (&task->mutex);
  pad = gst_object_ref (g_ptr_array_index (task->entries, 0));
  g_mutex_unlock (&task->mutex);
  ok = gst_pad_push_event (pad,
      gst_event_new_seek (1, GST_FORMAT_TIME,
          GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE, GST_SEEK_TYPE_SET,
          batch_task_get_seek (task), GST_SEEK_TYPE_NONE, 0));
  gst_object_unref (pad);
  return ok;
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
      if (gst_message_has_name (message, "first-frame"))
        return on_first_frame (task, run, error);
      if (seek_to_segment (task))
        return TRUE;
      g_set_error (error, BATCH_ERROR, BATCH_ERROR_INPUT,
          "cannot go to %" GST_TIME_FORMAT, GST_TIME_ARGS (task->item->begin));
      return FALSE;
    default:
      return TRUE;
  }
}

/* ---- running ------------------------------------------------------------ */

static gboolean
check_life (BatchTask *task, Run *run, gint *stop, GError **error)
{
  gint64 now = g_get_monotonic_time ();
  gdouble patience = task->options->patience;

  g_mutex_lock (&task->mutex);
  if (run->buffers != task->buffers || run->frames != task->frames)
    run->last_sign = now;
  run->buffers = task->buffers;
  run->frames = task->frames;
  g_mutex_unlock (&task->mutex);
  if (g_atomic_int_get (stop) > 1) {
    g_set_error (error, BATCH_ERROR, BATCH_ERROR_STOPPED, "stopped");
    return FALSE;
  }
  if (g_atomic_int_get (stop) == 1)
    g_atomic_int_set (&task->finishing, TRUE);
  if (task->finishing)
    patience = MIN (patience, END_PATIENCE);
  if (now - run->last_sign < patience * G_USEC_PER_SEC)
    return TRUE;
  g_set_error (error, BATCH_ERROR, BATCH_ERROR_INPUT,
      "no progress for %g seconds", patience);
  return FALSE;
}

static gboolean
check_pictures (BatchTask *task, GError **error)
{
  gint code;

  g_mutex_lock (&task->mutex);
  code = task->png_error;
  g_mutex_unlock (&task->mutex);
  if (code != 0)
    g_set_error (
        error, BATCH_ERROR, BATCH_ERROR_OUTPUT, "%s", g_strerror (code));
  return code == 0;
}

static gboolean
run_loop (BatchTask *task, Run *run, gint *stop, GError **error)
{
  GstBus *bus = gst_element_get_bus (task->pipeline);
  gboolean ok = TRUE;

  run->last_sign = g_get_monotonic_time ();
  gst_element_set_state (task->pipeline, GST_STATE_PLAYING);
  while (ok && !run->ended) {
    GstMessage *message = gst_bus_timed_pop_filtered (bus, POLL,
        GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_APPLICATION);

    if (message != NULL) {
      ok = on_message (task, run, message, error);
      gst_message_unref (message);
    }
    ok = ok && check_life (task, run, stop, error)
        && check_pictures (task, error);
  }
  gst_object_unref (bus);
  return ok;
}

/* ---- what came of it ---------------------------------------------------- */

/* A container that promises more than there was. What an encoder cuts off at
 * the end, or a duration rounded up, is not meant. */
static gboolean
ended_early (const BatchTask *task)
{
  GstClockTime duration = task->probe.duration, slack;

  if (!task->probe.exact || task->item->n_segments > 0
      || !GST_CLOCK_TIME_IS_VALID (task->end))
    return FALSE;
  slack = CLAMP (duration / 20, GST_SECOND / 2, 3 * GST_SECOND);
  return task->end + slack < duration;
}

static void
fill_outcome (BatchTask *task, gboolean stopped, BatchOutcome *outcome)
{
  outcome->frames = task->frames;
  outcome->width = task->width;
  outcome->height = task->height;
  outcome->duration = task->item->n_segments > 0 ? GST_CLOCK_TIME_NONE
                                                 : task->probe.duration;
  outcome->first = task->first;
  outcome->next = task->next;
  outcome->status = stopped ? BATCH_OPEN : BATCH_DONE;
  if (stopped || (task->trouble == NULL && !ended_early (task)))
    return;
  outcome->status = BATCH_SHORT;
  outcome->reason = task->trouble && !task->probe.exact
      ? g_strdup_printf ("ended after %.1f s: %s",
          task->end / (gdouble) GST_SECOND, task->trouble)
      : g_strdup_printf ("ended after %.1f of %.1f s%s%s",
          task->end / (gdouble) GST_SECOND,
          task->probe.duration / (gdouble) GST_SECOND,
          task->trouble ? ": " : "", task->trouble ? task->trouble : "");
}

static gboolean
check_segment (const BatchTask *task, GError **error)
{
  if (!task->seek || task->first == task->item->begin)
    return TRUE;
  g_set_error (error, BATCH_ERROR, BATCH_ERROR_INPUT,
      "the seek to %" GST_TIME_FORMAT " led to %" GST_TIME_FORMAT,
      GST_TIME_ARGS (task->item->begin), GST_TIME_ARGS (task->first));
  return FALSE;
}

static gboolean
finish (
    BatchTask *task, gboolean stopped, BatchOutcome *outcome, GError **error)
{
  g_autofree gchar *timeline =
      g_build_filename (task->folder, ".report", "timeline.json", NULL);
  gboolean report = task->options->outputs[BATCH_REPORT].wanted;

  if (!check_pictures (task, error) || !check_segment (task, error))
    return FALSE;
  if (task->results != NULL
      && !batch_results_finish (
          task->results, report && !task->rehearse ? timeline : NULL, error))
    return FALSE;
  fill_outcome (task, stopped, outcome);
  if (task->frames > 0 || stopped)
    return TRUE;
  g_set_error (error, BATCH_ERROR, BATCH_ERROR_INPUT, "%s",
      task->trouble ? task->trouble : "no frame could be decoded");
  return FALSE;
}

gboolean
batch_task_run (BatchTask *task, BatchPlan *plan, gint *stop,
    BatchOutcome *outcome, GError **error)
{
  gint64 start = g_get_monotonic_time ();
  Run run = { NULL };
  gboolean ok;

  if (plan != NULL)
    outcome->plan = batch_plan_find (plan, task->shape);
  if (plan != NULL && outcome->plan == NULL) {
    if (!batch_plan_lock (plan, error))
      return FALSE;
    run.plan = plan;
    outcome->plan = batch_plan_find (plan, task->shape);
    if (outcome->plan != NULL) { /* somebody was quicker */
      batch_plan_unlock (plan);
      run.plan = NULL;
    }
  }
  ok = run_loop (task, &run, stop, error);
  if (run.plan != NULL)
    batch_plan_unlock (plan);
  /* Files are closed when their sinks stop. */
  gst_element_set_state (task->pipeline, GST_STATE_NULL);
  ok = ok
      && finish (task,
          g_atomic_int_get (stop) > 0 && g_atomic_int_get (&task->finishing)
              && !run.failed,
          outcome, error);
  if (plan != NULL && outcome->plan == NULL)
    outcome->plan = batch_plan_find (plan, task->shape);
  outcome->seconds = (g_get_monotonic_time () - start) / 1e6;
  return ok;
}
