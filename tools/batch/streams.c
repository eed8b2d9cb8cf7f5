/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What comes out of the decoder, and where it goes. uridecodebin (not 3): it
 * shows every stream, all audio tracks included, before the first byte flows,
 * so that muxers know their tracks in time. */

#include "batch/task.h"

#include <string.h>

/* ---- audio as it is ----------------------------------------------------- */

/* Which containers take which audio without decoding it. */
static const struct {
  const gchar *caps, *parser, *containers;
} kept[] = {
  { "audio/mpeg,mpegversion=(int){2,4},framed=(boolean)true", "aacparse",
      "mp4 mov mkv" },
  { "audio/mpeg,mpegversion=(int)1,parsed=(boolean)true", "mpegaudioparse",
      "mp4 mov mkv" },
  { "audio/x-ac3,framed=(boolean)true", "ac3parse", "mp4 mov mkv" },
  { "audio/x-opus", NULL, "mp4 mkv webm" },
  { "audio/x-vorbis", NULL, "mkv webm" },
  { "audio/x-flac,framed=(boolean)true", "flacparse", "mkv" },
};

/* Else it is decoded and compressed again: without loss where that goes. */
static const struct {
  const gchar *container, *encoder;
} again[] = {
  { "mkv", "flacenc" },
  { "mp4", "avenc_aac" },
  { "mov", "avenc_aac" },
  { "webm", "opusenc" },
  { "webm", "vorbisenc" },
};

static gboolean
takes (const gchar *containers, const gchar *name)
{
  g_auto (GStrv) all = g_strsplit (containers, " ", -1);

  return name != NULL && g_strv_contains ((const gchar *const *) all, name);
}

/* Audio that goes nowhere, without container, need not be decoded either. */
GstCaps *
batch_streams_audio_caps (const gchar *container)
{
  GstCaps *caps = gst_caps_from_string ("audio/x-raw");

  for (guint i = 0; i < G_N_ELEMENTS (kept); i++)
    if (container == NULL || takes (kept[i].containers, container))
      gst_caps_append (caps, gst_caps_from_string (kept[i].caps));
  return caps;
}

static gchar *
describe_audio (const gchar *container, GstCaps *caps)
{
  const gchar *queue = "queue max-size-buffers=0 max-size-bytes=268435456 "
                       "max-size-time=0";

  for (guint i = 0; i < G_N_ELEMENTS (kept); i++) {
    g_autoptr (GstCaps) mine = gst_caps_from_string (kept[i].caps);

    if (gst_caps_can_intersect (caps, mine))
      return g_strdup_printf ("%s%s%s", queue, kept[i].parser ? " ! " : "",
          kept[i].parser ? kept[i].parser : "");
  }
  for (guint i = 0; i < G_N_ELEMENTS (again); i++) {
    GstElementFactory *factory;

    if (!g_str_equal (again[i].container, container))
      continue;
    factory = gst_element_factory_find (again[i].encoder);
    if (factory == NULL)
      continue;
    gst_object_unref (factory);
    return g_strdup_printf (
        "%s ! audioconvert ! audioresample ! %s", queue, again[i].encoder);
  }
  return NULL;
}

/* ---- streams in --------------------------------------------------------- */

static void
note_buffer (BatchTask *task, GstBuffer *buffer)
{
  GstClockTime end = GST_BUFFER_PTS (buffer);

  g_mutex_lock (&task->mutex);
  task->buffers++;
  if (GST_CLOCK_TIME_IS_VALID (end)) {
    if (GST_BUFFER_DURATION_IS_VALID (buffer))
      end += GST_BUFFER_DURATION (buffer);
    if (!GST_CLOCK_TIME_IS_VALID (task->end) || end > task->end)
      task->end = end;
  }
  g_mutex_unlock (&task->mutex);
}

/* From a probe: this was the last buffer of the stream. */
static GstPadProbeReturn
end_stream (GstPad *pad, GstPadProbeInfo *info)
{
  gst_buffer_unref (GST_PAD_PROBE_INFO_BUFFER (info));
  gst_pad_send_event (pad, gst_event_new_eos ());
  GST_PAD_PROBE_INFO_FLOW_RETURN (info) = GST_FLOW_EOS;
  return GST_PAD_PROBE_HANDLED;
}

static GstPadProbeReturn
on_audio (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  BatchTask *task = data;

  if (g_atomic_int_get (&task->finishing))
    return end_stream (pad, info);
  note_buffer (task, GST_PAD_PROBE_INFO_BUFFER (info));
  return GST_PAD_PROBE_OK;
}

/* Only frames from begin to end; a decoder puts them out in this order. */
static GstPadProbeReturn
trim (BatchTask *task, GstPad *pad, GstPadProbeInfo *info)
{
  const BatchItem *item = task->item;
  GstClockTime time = GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info));
  gboolean first;

  if (g_atomic_int_get (&task->seeking)) {
    GstStructure *ready = gst_structure_new_empty ("ready-to-seek");

    if (g_atomic_int_compare_and_exchange (&task->seeking, 1, 2))
      gst_element_post_message (task->pipeline,
          gst_message_new_application (GST_OBJECT (task->pipeline), ready));
    else
      gst_structure_free (ready);
    return GST_PAD_PROBE_DROP;
  }
  if (GST_CLOCK_TIME_IS_VALID (item->begin) && time < item->begin)
    return GST_PAD_PROBE_DROP;
  g_mutex_lock (&task->mutex);
  first = !GST_CLOCK_TIME_IS_VALID (task->first);
  if (first)
    task->first = time;
  if (GST_CLOCK_TIME_IS_VALID (item->end) && time >= item->end)
    task->next = time;
  g_mutex_unlock (&task->mutex);
  if (GST_CLOCK_TIME_IS_VALID (task->next))
    return end_stream (pad, info);
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn
on_video (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  BatchTask *task = data;

  if (g_atomic_int_get (&task->finishing))
    return end_stream (pad, info);
  note_buffer (task, GST_PAD_PROBE_INFO_BUFFER (info));
  if (task->item->n_segments > 0)
    return trim (task, pad, info);
  return GST_PAD_PROBE_OK;
}

/* The seek to a segment's first frame happens before anything has flowed
 * beyond this pad; what is behind it need not know. */
static GstPadProbeReturn
on_flush (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  BatchTask *task = data;

  if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_FLUSH_STOP)
    g_atomic_int_set (&task->seeking, 0);
  return GST_PAD_PROBE_DROP;
}

static void
enter (BatchTask *task, GstPad *pad, GstPadProbeCallback callback)
{
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, callback, task, NULL);
  g_mutex_lock (&task->mutex);
  g_ptr_array_add (task->entries, gst_object_ref (pad));
  g_mutex_unlock (&task->mutex);
}

/* ---- pads --------------------------------------------------------------- */

static void
link_video (BatchTask *task, GstPad *pad)
{
  GstElement *entry = gst_bin_get_by_name (GST_BIN (task->pipeline), "entry");
  GstPad *sink = gst_element_get_static_pad (entry, "sink");

  if (!gst_pad_is_linked (sink)) { /* the first video, if there are more */
    enter (task, sink, on_video);
    if (task->item->n_segments > 0 && task->seek)
      gst_pad_add_probe (
          sink, GST_PAD_PROBE_TYPE_EVENT_FLUSH, on_flush, task, NULL);
    /* Timestamps of the whole recording. */
    if (task->item->n_segments > 0 && task->seek)
      gst_pad_set_offset (sink, batch_task_get_seek (task));
    gst_pad_link (pad, sink);
  }
  gst_object_unref (sink);
  gst_object_unref (entry);
}

/* Decoder, encoder or neither between @pad and the muxer. */
static GstElement *
audio_bin (
    GstBin *pipeline, GstElement *mux, GstPad *pad, const gchar *container)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  g_autofree gchar *text = NULL;
  GstElement *bin;

  if (caps == NULL)
    caps = gst_pad_query_caps (pad, NULL);
  text = describe_audio (container, caps);
  if (text == NULL)
    return NULL;
  bin = gst_parse_bin_from_description (text, TRUE, NULL);
  if (bin == NULL)
    return NULL;
  gst_bin_add (pipeline, bin);
  /* By name: a bare queue would be taken for anything. */
  if (gst_element_link_pads (bin, "src", mux, "audio_%u"))
    return bin;
  gst_bin_remove (pipeline, bin);
  return NULL;
}

GstPad *
batch_streams_add_audio (GstBin *pipeline, GstPad *pad, const gchar *container)
{
  GstElement *mux = gst_bin_get_by_name (pipeline, "overlay-mux");
  GstElement *bin = mux != NULL && container != NULL
      ? audio_bin (pipeline, mux, pad, container)
      : NULL;
  GstPad *sink;

  g_clear_object (&mux);
  if (bin == NULL) { /* still a sign of how far the recording goes */
    bin = gst_element_factory_make ("fakesink", NULL);
    g_object_set (bin, "async", FALSE, "sync", FALSE, NULL);
    gst_bin_add (pipeline, bin);
  }
  sink = gst_element_get_static_pad (bin, "sink");
  gst_element_sync_state_with_parent (bin);
  gst_pad_link (pad, sink);
  return sink;
}

static void
link_audio (BatchTask *task, GstPad *pad)
{
  GstPad *sink =
      batch_streams_add_audio (GST_BIN (task->pipeline), pad, task->container);

  enter (task, sink, on_audio);
  gst_object_unref (sink);
}

static void
on_pad (GstElement *source, GstPad *pad, gpointer data)
{
  BatchTask *task = data;
  g_autoptr (GstCaps) caps = gst_pad_query_caps (pad, NULL);
  const gchar *name = gst_caps_get_size (caps) > 0
      ? gst_structure_get_name (gst_caps_get_structure (caps, 0))
      : "";

  if (g_str_has_prefix (name, "video/"))
    link_video (task, pad);
  else if (g_str_has_prefix (name, "audio/") && task->item->n_segments == 0)
    link_audio (task, pad);
  /* A segment's audio comes from the recording when segments are joined. */
}

/* Frames have been turned: nobody shall turn them again. */
static GstPadProbeReturn
drop_orientation (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  GstTagList *tags;

  if (GST_EVENT_TYPE (event) != GST_EVENT_TAG)
    return GST_PAD_PROBE_OK;
  gst_event_parse_tag (event, &tags);
  if (gst_tag_list_get_value_index (tags, GST_TAG_IMAGE_ORIENTATION, 0) == NULL)
    return GST_PAD_PROBE_OK;
  tags = gst_tag_list_copy (tags);
  gst_tag_list_remove_tag (tags, GST_TAG_IMAGE_ORIENTATION);
  GST_PAD_PROBE_INFO_DATA (info) = gst_event_new_tag (tags);
  gst_event_unref (event);
  return GST_PAD_PROBE_OK;
}

void
batch_streams_connect (BatchTask *task, GstElement *source)
{
  GstElement *upright =
      gst_bin_get_by_name (GST_BIN (task->pipeline), "upright");
  GstCaps *caps = batch_streams_audio_caps (task->container);

  caps = gst_caps_make_writable (caps);
  gst_caps_append (caps, gst_caps_from_string ("video/x-raw"));
  g_object_set (source, "uri", task->item->uri, "caps", caps, NULL);
  gst_caps_unref (caps);
  g_signal_connect (source, "pad-added", G_CALLBACK (on_pad), task);
  if (upright != NULL) {
    GstPad *pad = gst_element_get_static_pad (upright, "src");

    gst_pad_add_probe (
        pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, drop_orientation, task, NULL);
    gst_object_unref (pad);
    gst_object_unref (upright);
  }
}
