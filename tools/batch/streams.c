/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch/streams.h"

#include "batch/error.h"
#include "base/libav-end.h"
#include "base/picture-decoder.h"
#include "base/read-watch.h"

/* Until the seek to a segment, frames are dropped. */
typedef enum { SEEK_DONE, SEEK_WANTED, SEEK_ASKED_FOR } Seek;

struct _BatchStreams {
  const BatchSetup *setup;
  const BatchAudioTarget *targets;
  GstElement *pipeline; /* (transfer none) */
  UnetReadWatch *watch;
  gint finishing; /* atomic: gboolean */
  gint seek;      /* atomic: Seek */
  gboolean fed;   /* a picture has left the source and given no frame so far;
                   * for the source's thread */

  GMutex mutex;       /* of what follows */
  GPtrArray *entries; /* of GstPad: where streams enter, video first */
  BatchStreamsState state;
};

BatchStreams *
batch_streams_new (const BatchSetup *setup, const BatchAudioTarget *targets)
{
  BatchStreams *self = g_new0 (BatchStreams, 1);

  self->setup = setup;
  self->targets = targets;
  self->watch = unet_read_watch_new ();
  self->seek = setup->seek ? SEEK_WANTED : SEEK_DONE;
  self->entries = g_ptr_array_new_with_free_func (gst_object_unref);
  g_mutex_init (&self->mutex);
  batch_streams_reset (self);
  return self;
}

void
batch_streams_reset (BatchStreams *self)
{
  BatchStreamsState state = { .end = GST_CLOCK_TIME_NONE,
    .first = GST_CLOCK_TIME_NONE,
    .next = GST_CLOCK_TIME_NONE };

  g_mutex_lock (&self->mutex);
  self->state = state;
  g_mutex_unlock (&self->mutex);
}

void
batch_streams_free (BatchStreams *self)
{
  if (self == NULL)
    return;
  unet_read_watch_unref (self->watch);
  g_ptr_array_unref (self->entries);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

void
batch_streams_get_state (BatchStreams *self, BatchStreamsState *state)
{
  g_mutex_lock (&self->mutex);
  *state = self->state;
  g_mutex_unlock (&self->mutex);
}

/* ---- buffers ------------------------------------------------------------ */

static void
note_buffer (BatchStreams *self, GstBuffer *buffer)
{
  GstClockTime end = GST_BUFFER_PTS (buffer);

  g_mutex_lock (&self->mutex);
  self->state.buffers++;
  if (GST_CLOCK_TIME_IS_VALID (end)) {
    if (GST_BUFFER_DURATION_IS_VALID (buffer))
      end += GST_BUFFER_DURATION (buffer);
    if (!GST_CLOCK_TIME_IS_VALID (self->state.end) || end > self->state.end)
      self->state.end = end;
  }
  g_mutex_unlock (&self->mutex);
}

/* For a probe: the stream ends before this buffer. */
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
  BatchStreams *self = data;

  if (g_atomic_int_get (&self->finishing))
    return end_stream (pad, info);
  note_buffer (self, GST_PAD_PROBE_INFO_BUFFER (info));
  return GST_PAD_PROBE_OK;
}

/* Lets the frames of the segment through. Decoders put frames out in the order
 * of their times. */
static GstPadProbeReturn
trim (BatchStreams *self, GstPad *pad, GstPadProbeInfo *info)
{
  const BatchItem *item = self->setup->item;
  GstClockTime time = GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info));
  gboolean last;

  if (g_atomic_int_get (&self->seek) != SEEK_DONE) {
    GstStructure *ready = gst_structure_new_empty (BATCH_READY_TO_SEEK);

    if (g_atomic_int_compare_and_exchange (
            &self->seek, SEEK_WANTED, SEEK_ASKED_FOR))
      gst_element_post_message (self->pipeline,
          gst_message_new_application (GST_OBJECT (self->pipeline), ready));
    else
      gst_structure_free (ready);
    return GST_PAD_PROBE_DROP;
  }
  if (GST_CLOCK_TIME_IS_VALID (item->begin) && time < item->begin)
    return GST_PAD_PROBE_DROP;
  g_mutex_lock (&self->mutex);
  if (!GST_CLOCK_TIME_IS_VALID (self->state.first))
    self->state.first = time;
  if (GST_CLOCK_TIME_IS_VALID (item->end) && time >= item->end)
    self->state.next = time;
  last = GST_CLOCK_TIME_IS_VALID (self->state.next);
  g_mutex_unlock (&self->mutex);
  return last ? end_stream (pad, info) : GST_PAD_PROBE_OK;
}

static GstPadProbeReturn
on_video (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  BatchStreams *self = data;
  GstPadProbeReturn ret = GST_PAD_PROBE_OK;

  if (g_atomic_int_get (&self->finishing))
    return end_stream (pad, info);
  note_buffer (self, GST_PAD_PROBE_INFO_BUFFER (info));
  if (self->setup->item->n_segments > 0)
    ret = trim (self, pad, info);
  self->fed = FALSE;
  g_mutex_lock (&self->mutex);
  self->state.frames += ret == GST_PAD_PROBE_OK;
  self->state.ended |= self->setup->probe.decoder.lasting;
  g_mutex_unlock (&self->mutex);
  return ret;
}

static GstPadProbeReturn
on_event (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  BatchStreams *self = data;

  if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_EOS) {
    g_mutex_lock (&self->mutex);
    self->state.ended = TRUE;
    g_mutex_unlock (&self->mutex);
  }
  return GST_PAD_PROBE_OK;
}

/* The seek to the segment happens before any buffer has passed this pad: the
 * elements behind it need no flush. */
static GstPadProbeReturn
on_flush (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  BatchStreams *self = data;

  if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_FLUSH_STOP)
    g_atomic_int_set (&self->seek, SEEK_DONE);
  return GST_PAD_PROBE_DROP;
}

/* Half a second before the segment: a decoder moves the start of a frame that
 * is shown at the position to that position. trim () drops the frames before
 * the segment. */
static GstClockTime
get_position (BatchStreams *self)
{
  GstClockTime begin = self->setup->item->begin;

  return begin - MIN (begin, GST_SECOND / 2);
}

static void
enter (BatchStreams *self, GstPad *pad, GstPadProbeCallback callback)
{
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, callback, self, NULL);
  g_mutex_lock (&self->mutex);
  g_ptr_array_add (self->entries, gst_object_ref (pad));
  g_mutex_unlock (&self->mutex);
}

/* ---- pads --------------------------------------------------------------- */

static void
enter_video (BatchStreams *self, GstPad *sink)
{
  enter (self, sink, on_video);
  gst_pad_add_probe (
      sink, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_event, self, NULL);
  if (self->setup->item->n_segments > 0 && self->setup->seek)
    gst_pad_add_probe (
        sink, GST_PAD_PROBE_TYPE_EVENT_FLUSH, on_flush, self, NULL);
  /* Times stay those of the whole recording. */
  if (self->setup->item->n_segments > 0 && self->setup->seek)
    gst_pad_set_offset (sink, get_position (self));
}

/* Without an element to convert frames they enter the network's. */
static GstPad *
get_entry (BatchStreams *self)
{
  GstBin *pipeline = GST_BIN (self->pipeline);
  GstElement *entry = gst_bin_get_by_name (pipeline, "entry");
  GstPad *sink;

  if (entry == NULL)
    entry = gst_bin_get_by_name (pipeline, "unetseg");
  sink = gst_element_get_static_pad (entry, "sink");

  gst_object_unref (entry);
  return sink;
}

static void
link_video (BatchStreams *self, GstPad *pad)
{
  GstPad *sink = get_entry (self);

  if (!gst_pad_is_linked (sink)) { /* the first video, if there are more */
    enter_video (self, sink);
    gst_pad_link (pad, sink);
  }
  gst_object_unref (sink);
}

static void
link_audio (BatchStreams *self, GstPad *pad)
{
  GstPad *sink = batch_audio_add (GST_BIN (self->pipeline), pad, self->targets);

  enter (self, sink, on_audio);
  gst_object_unref (sink);
}

static void
on_pad (GstElement *source, GstPad *pad, gpointer data)
{
  BatchStreams *self = data;
  g_autoptr (GstCaps) caps = gst_pad_query_caps (pad, NULL);
  const gchar *name = gst_caps_get_size (caps) > 0
      ? gst_structure_get_name (gst_caps_get_structure (caps, 0))
      : "";

  if (g_str_has_prefix (name, "video/"))
    link_video (self, pad);
  else if (g_str_has_prefix (name, "audio/")
      && self->setup->item->n_segments == 0)
    link_audio (self, pad);
  /* Segments have no audio: join takes it from the recording. */
}

/* Frames are upright here: elements behind must not rotate them again. */
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

static void
on_source (GstElement *bin, GstElement *source, gpointer data)
{
  BatchStreams *self = data;

  unet_read_watch_add_source (self->watch, source);
}

static GstPadProbeReturn
on_picture (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  BatchStreams *self = data;

  self->fed = TRUE;
  return GST_PAD_PROBE_OK;
}

/* The source asks for the next picture when its thread has come back from the
 * decoder, which gives a frame before it returns, or none. */
static void
on_need_data (GstElement *source, guint length, gpointer data)
{
  BatchStreams *self = data;
  GstStructure *none;

  if (self->fed && self->setup->probe.decoder.lasting) {
    none = gst_structure_new_empty (BATCH_NO_FRAME);
    gst_element_post_message (self->pipeline,
        gst_message_new_application (GST_OBJECT (self->pipeline), none));
  }
  self->fed = FALSE;
}

/* A file whose decoder is known is read by it. */
static void
connect_file (BatchStreams *self, GstElement *source)
{
  g_autofree gchar *path =
      g_filename_from_uri (self->setup->item->uri, NULL, NULL);
  g_autoptr (GstPad) entry = get_entry (self);
  g_autoptr (GstPad) pad = gst_element_get_static_pad (source, "src");

  if (self->setup->probe.decoder.media != NULL) {
    gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_picture, self, NULL);
    g_signal_connect (source, "need-data", G_CALLBACK (on_need_data), self);
  } else {
    g_object_set (source, "location", path, NULL);
    unet_read_watch_add_source (self->watch, source);
  }
  enter_video (self, entry);
}

static void
connect_address (BatchStreams *self, GstElement *source)
{
  GstCaps *caps = batch_audio_get_caps (self->targets);

  caps = gst_caps_make_writable (caps);
  gst_caps_append (caps, gst_caps_from_string ("video/x-raw"));
  g_object_set (source, "uri", self->setup->item->uri, "caps", caps, NULL);
  gst_caps_unref (caps);
  g_signal_connect (source, "pad-added", G_CALLBACK (on_pad), self);
  g_signal_connect (source, "source-setup", G_CALLBACK (on_source), self);
  unet_libav_end_mend (GST_BIN (source));
}

void
batch_streams_connect (BatchStreams *self, GstElement *pipeline)
{
  g_autoptr (GstElement)
      source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  g_autoptr (GstElement)
      upright = gst_bin_get_by_name (GST_BIN (pipeline), "upright");

  self->pipeline = pipeline;
  if (self->setup->probe.decoder.element != NULL)
    connect_file (self, source);
  else
    connect_address (self, source);
  if (upright != NULL) {
    g_autoptr (GstPad) pad = gst_element_get_static_pad (upright, "src");

    gst_pad_add_probe (
        pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, drop_orientation, self, NULL);
  }
}

gboolean
batch_streams_feed (BatchStreams *self, GError **error)
{
  const BatchProbe *probe = &self->setup->probe;
  g_autofree gchar *path =
      g_filename_from_uri (self->setup->item->uri, NULL, NULL);
  g_autoptr (GError) local = NULL;
  g_autoptr (GstElement) source = NULL;
  g_autoptr (GstBuffer) buffer = NULL;

  if (probe->decoder.media == NULL)
    return TRUE;
  buffer = unet_picture_decoder_read (path, probe->size, &local);
  if (buffer == NULL) {
    g_set_error_literal (error, BATCH_ERROR, BATCH_ERROR_INPUT, local->message);
    return FALSE;
  }
  source = gst_bin_get_by_name (GST_BIN (self->pipeline), "source");
  unet_picture_decoder_push (source, buffer);
  if (!probe->decoder.lasting)
    unet_picture_decoder_end (source);
  return TRUE;
}

gdouble
batch_streams_measure_silence (BatchStreams *self)
{
  gdouble silence = unet_read_watch_measure_silence (self->watch);

  return g_str_has_prefix (self->setup->item->uri, "file:") ? silence : 0;
}

/* ---- control ------------------------------------------------------------ */

gboolean
batch_streams_seek (BatchStreams *self)
{
  GstPad *pad;
  gboolean ok;

  g_mutex_lock (&self->mutex);
  pad = gst_object_ref (g_ptr_array_index (self->entries, 0));
  g_mutex_unlock (&self->mutex);
  ok = gst_pad_push_event (pad,
      gst_event_new_seek (1, GST_FORMAT_TIME,
          GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE, GST_SEEK_TYPE_SET,
          get_position (self), GST_SEEK_TYPE_NONE, 0));
  gst_object_unref (pad);
  return ok;
}

static gpointer
ref_pad (gconstpointer pad, gpointer data)
{
  return gst_object_ref ((gpointer) pad);
}

void
batch_streams_finish (BatchStreams *self)
{
  g_atomic_int_set (&self->finishing, TRUE);
}

gboolean
batch_streams_is_finishing (BatchStreams *self)
{
  return g_atomic_int_get (&self->finishing);
}

void
batch_streams_end (BatchStreams *self)
{
  g_autoptr (GPtrArray) entries = NULL;

  batch_streams_finish (self);
  g_mutex_lock (&self->mutex);
  entries = g_ptr_array_copy (self->entries, ref_pad, NULL);
  g_ptr_array_set_free_func (entries, gst_object_unref);
  g_mutex_unlock (&self->mutex);
  for (guint i = 0; i < entries->len; i++)
    gst_pad_send_event (g_ptr_array_index (entries, i), gst_event_new_eos ());
}
