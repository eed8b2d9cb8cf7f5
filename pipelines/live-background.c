/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "live-background.h"

#include "base/missing-plugin.h"
#include "base/picture-file.h"

#include <gio/gio.h>
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/pbutils/pbutils.h>

#include "base/libav-end.h"

/* ---- what it is ---------------------------------------------------------- */

/* Seconds for reading the headers of a file. */
#define PATIENCE (10 * GST_SECOND)

static gboolean
is_moving (GstDiscovererInfo *info)
{
  GList *streams = gst_discoverer_info_get_video_streams (info);
  gboolean moves = streams != NULL
      && !gst_discoverer_video_info_is_image (streams->data);

  gst_discoverer_stream_info_list_free (streams);
  return moves;
}

static void
on_source (GstDiscoverer *discoverer, GstElement *source, gpointer data)
{
  gst_object_unref (unet_libav_end_mend_around (source));
}

gboolean
live_background_is_video (const gchar *text)
{
  g_autoptr (GstDiscoverer) discoverer = NULL;
  g_autoptr (GstDiscovererInfo) info = NULL;
  g_autoptr (GFile) file = NULL;
  g_autofree gchar *uri = NULL;

  if (text == NULL || !g_file_test (text, G_FILE_TEST_IS_REGULAR))
    return FALSE;
  file = g_file_new_for_path (text);
  uri = g_file_get_uri (file);
  discoverer = gst_discoverer_new (PATIENCE, NULL);
  if (discoverer == NULL)
    return FALSE;
  g_signal_connect (discoverer, "source-setup", G_CALLBACK (on_source), NULL);
  info = gst_discoverer_discover_uri (discoverer, uri, NULL);
  return info && is_moving (info);
}

/* The element takes a colour that it knows, and keeps the old one otherwise.
 * Setting that one again makes the element forget that it refused a value. */
static gboolean
set_color (GstElement *seg, const gchar *text)
{
  g_autofree gchar *taken = NULL;

  g_object_set (seg, "background", text, NULL);
  g_object_get (seg, "background", &taken, NULL);
  if (g_strcmp0 (taken, text) == 0)
    return TRUE;
  g_object_set (seg, "background", taken, NULL);
  return FALSE;
}

gboolean
live_background_set (GstElement *seg, const gchar *text, GError **error)
{
  if (text == NULL || g_str_equal (text, "blur")) {
    gst_util_set_object_arg (G_OBJECT (seg), "output", "blur");
  } else if (g_str_equal (text, "none")) {
    gst_util_set_object_arg (G_OBJECT (seg), "output", "overlay");
  } else if (g_file_test (text, G_FILE_TEST_EXISTS)) {
    g_object_set (seg, "background-location", text, NULL);
    gst_util_set_object_arg (G_OBJECT (seg), "output", "replace");
  } else if (set_color (seg, text)) {
    g_object_set (seg, "background-location", NULL, NULL);
    gst_util_set_object_arg (G_OBJECT (seg), "output", "replace");
  } else {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
        "background '%s': no such file, and no colour", text);
    return FALSE;
  }
  return TRUE;
}

/* ---- a video ------------------------------------------------------------- */

struct _LiveBackground {
  GstElement *pipeline;
  GstElement *source; /* (nullable): in the pipeline that shows it */
  guint watch;
};

/* Both pictures fill the frame: the video is cut to the camera's aspect. The
 * size is fixed from the start, since a mixer without frames would begin with
 * one of 1x1, and a window would stay so small. */
gchar *
live_background_describe_mixer (guint width, guint height, gboolean corner)
{
  guint w = corner ? width / 3 : width, h = corner ? height / 3 : height;

  return g_strdup_printf (
      "queue ! mix.sink_1 "
      "appsrc name=background is-live=true format=time do-timestamp=true ! "
      "queue leaky=downstream max-size-buffers=2 ! "
      "videoconvert ! aspectratiocrop aspect-ratio=%u/%u ! mix.sink_0 "
      "compositor name=mix background=black "
      "sink_0::width=%u sink_0::height=%u sink_0::zorder=0 "
      "sink_0::repeat-after-eos=true "
      "sink_1::width=%u sink_1::height=%u sink_1::zorder=1 "
      "sink_1::xpos=%u sink_1::ypos=%u ! "
      "video/x-raw,width=%u,height=%u ! ",
      width, height, width, height, w, h, width - w, height - h, width, height);
}

static void
push (LiveBackground *self, GstSample *sample)
{
  GstBuffer *buffer;

  if (sample == NULL)
    return;
  /* The mixer's clock stamps it anew, in each turn of the loop. */
  buffer = gst_buffer_copy (gst_sample_get_buffer (sample));
  GST_BUFFER_PTS (buffer) = GST_BUFFER_DTS (buffer) = GST_CLOCK_TIME_NONE;
  gst_app_src_set_caps (
      GST_APP_SRC (self->source), gst_sample_get_caps (sample));
  gst_app_src_push_buffer (GST_APP_SRC (self->source), buffer);
  gst_sample_unref (sample);
}

static GstFlowReturn
pass_on (GstAppSink *sink, gpointer data)
{
  push (data, gst_app_sink_pull_sample (sink));
  return GST_FLOW_OK;
}

static gboolean
take_message (GstBus *bus, GstMessage *message, gpointer data)
{
  LiveBackground *self = data;
  g_autoptr (GError) error = NULL;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS)
    gst_element_seek_simple (self->pipeline, GST_FORMAT_TIME,
        GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_KEY_UNIT, 0);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error (message, &error, NULL);
    g_printerr (
        "unetseg-live: background: %s; its last frame stays\n", error->message);
    gst_element_set_state (self->pipeline, GST_STATE_PAUSED);
  }
  return G_SOURCE_CONTINUE;
}

static gboolean
preroll (LiveBackground *self, const gchar *path, GError **error)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (self->pipeline);
  g_autoptr (GstMessage) message = NULL;
  g_autofree gchar *missing = NULL, *text = NULL;
  g_autoptr (GError) local = NULL;

  gst_element_set_state (self->pipeline, GST_STATE_PAUSED);
  message = unet_missing_plugin_pop (
      bus, PATIENCE, GST_MESSAGE_ASYNC_DONE | GST_MESSAGE_ERROR, &missing);
  if (message && GST_MESSAGE_TYPE (message) == GST_MESSAGE_ASYNC_DONE)
    return TRUE;
  if (message)
    gst_message_parse_error (message, &local, NULL);
  text = unet_picture_describe_error (local, missing);
  g_set_error (
      error, G_IO_ERROR, G_IO_ERROR_FAILED, "background '%s': %s", path, text);
  return FALSE;
}

LiveBackground *
live_background_new (const gchar *path, GError **error)
{
  LiveBackground *self = g_new0 (LiveBackground, 1);
  GstElement *source;

  self->pipeline = unet_missing_plugin_parse (
      "filesrc name=file ! decodebin ! videoconvert ! "
      "video/x-raw,format=I420 ! appsink name=frames sync=true max-buffers=2",
      error);
  if (self->pipeline == NULL) {
    g_free (self);
    return NULL;
  }
  source = gst_bin_get_by_name (GST_BIN (self->pipeline), "file");
  g_object_set (source, "location", path, NULL);
  gst_object_unref (source);
  unet_libav_end_mend (GST_BIN (self->pipeline));
  if (!preroll (self, path, error))
    g_clear_pointer (&self, live_background_free);
  return self;
}

void
live_background_free (LiveBackground *self)
{
  gst_element_set_state (self->pipeline, GST_STATE_NULL);
  if (self->watch > 0)
    g_source_remove (self->watch);
  gst_object_unref (self->pipeline);
  gst_clear_object (&self->source);
  g_free (self);
}

/* ---- beside the camera --------------------------------------------------- */

/* The video ends with the camera's frames. */
static GstPadProbeReturn
take_event (GstPad *pad, GstPadProbeInfo *probe, gpointer data)
{
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (probe);
  LiveBackground *self = data;

  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS)
    gst_app_src_end_of_stream (GST_APP_SRC (self->source));
  return GST_PAD_PROBE_OK;
}

void
live_background_connect (
    LiveBackground *self, GstElement *pipeline, GstElement *seg)
{
  GstAppSinkCallbacks callbacks = { .new_sample = pass_on };
  GstElement *frames = gst_bin_get_by_name (GST_BIN (self->pipeline), "frames");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (seg, "src");
  g_autoptr (GstBus) bus = gst_element_get_bus (self->pipeline);

  gst_util_set_object_arg (G_OBJECT (seg), "output", "alpha");
  self->source = gst_bin_get_by_name (GST_BIN (pipeline), "background");
  gst_pad_add_probe (
      pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, take_event, self, NULL);
  push (self, gst_app_sink_pull_preroll (GST_APP_SINK (frames)));
  gst_app_sink_set_callbacks (GST_APP_SINK (frames), &callbacks, self, NULL);
  self->watch = gst_bus_add_watch (bus, take_message, self);
  gst_element_set_state (self->pipeline, GST_STATE_PLAYING);
  gst_object_unref (frames);
}
