/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "background-decoder.h"

#include "base/libav-end.h"
#include "base/missing-plugin.h"
#include "base/picture-file.h"

#include <gst/app/gstappsink.h>

/* A decoder that gives nothing for so long has stalled. */
#define PATIENCE (UNET_READ_SILENCE * G_USEC_PER_SEC)

struct _GstUnetBackgroundDecoder {
  gchar *path;
  GstElement *pipeline;
  GstAppSink *sink;
  GstBus *bus;
  gchar *missing;   /* (nullable): a plugin */
  gint64 last_sign; /* of life: monotonic time */
  guint64 n_frames;
};

static GstElement *
parse_pipeline (GError **error)
{
  /* It is in another package than the rest. */
  g_autoptr (GstElementFactory) flip = gst_element_factory_find ("videoflip");
  g_autofree gchar *text =
      g_strdup_printf ("filesrc name=source ! decodebin name=decode  "
                       "videoconvert name=entry ! %s video/x-raw ! appsink "
                       "name=sink sync=false max-buffers=2",
          flip ? "videoflip video-direction=auto ! videoconvert !" : "");

  return unet_missing_plugin_parse (text, error);
}

/* The first video is shown. Other streams end in sinks, so that none of them
 * holds up the file. */
static void
on_pad (GstElement *decode, GstPad *pad, gpointer data)
{
  GstBin *pipeline = data;
  g_autoptr (GstElement) entry = gst_bin_get_by_name (pipeline, "entry");
  g_autoptr (GstPad) sink = gst_element_get_static_pad (entry, "sink");
  g_autoptr (GstCaps) caps = gst_pad_query_caps (pad, NULL);
  GstElement *end;
  GstPad *end_pad;

  if (!gst_pad_is_linked (sink) && gst_caps_get_size (caps) > 0
      && g_str_has_prefix (
          gst_structure_get_name (gst_caps_get_structure (caps, 0)), "video/")
      && gst_pad_link (pad, sink) == GST_PAD_LINK_OK)
    return;
  end = gst_element_factory_make ("fakesink", NULL);
  g_object_set (end, "sync", FALSE, "async", FALSE, NULL);
  gst_bin_add (pipeline, end);
  end_pad = gst_element_get_static_pad (end, "sink");
  gst_pad_link (pad, end_pad);
  gst_object_unref (end_pad);
  gst_element_sync_state_with_parent (end);
}

/* A file without a video that can be decoded ends at once. */
static void
on_no_more_pads (GstElement *decode, gpointer data)
{
  g_autoptr (GstElement) entry = gst_bin_get_by_name (data, "entry");
  g_autoptr (GstPad) sink = gst_element_get_static_pad (entry, "sink");

  if (!gst_pad_is_linked (sink))
    gst_pad_send_event (sink, gst_event_new_eos ());
}

GstUnetBackgroundDecoder *
gst_unet_background_decoder_new (const gchar *path, GError **error)
{
  GstElement *pipeline = parse_pipeline (error);
  GstUnetBackgroundDecoder *self;
  g_autoptr (GstElement) source = NULL, decode = NULL;

  if (pipeline == NULL)
    return NULL;
  self = g_new0 (GstUnetBackgroundDecoder, 1);
  self->path = g_strdup (path);
  self->pipeline = pipeline;
  self->bus = gst_element_get_bus (pipeline);
  self->sink = GST_APP_SINK (gst_bin_get_by_name (GST_BIN (pipeline), "sink"));
  source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  decode = gst_bin_get_by_name (GST_BIN (pipeline), "decode");
  g_object_set (source, "location", path, NULL);
  g_signal_connect (decode, "pad-added", G_CALLBACK (on_pad), pipeline);
  g_signal_connect (
      decode, "no-more-pads", G_CALLBACK (on_no_more_pads), pipeline);
  unet_libav_end_mend (GST_BIN (pipeline));
  self->last_sign = g_get_monotonic_time ();
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  return self;
}

void
gst_unet_background_decoder_free (GstUnetBackgroundDecoder *self)
{
  gst_element_set_state (self->pipeline, GST_STATE_NULL);
  gst_object_unref (self->sink);
  gst_object_unref (self->bus);
  gst_object_unref (self->pipeline);
  g_free (self->missing);
  g_free (self->path);
  g_free (self);
}

static GstUnetBackgroundResult
fail (GstUnetBackgroundDecoder *self, const GError *cause, const gchar *reason,
    GError **error)
{
  g_autofree gchar *text = reason
      ? g_strdup (reason)
      : unet_picture_describe_error (cause, self->missing);

  g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ, "%s: %s",
      self->path, text);
  return GST_UNET_BACKGROUND_ERROR;
}

static GstUnetBackgroundResult
check_bus (GstUnetBackgroundDecoder *self, GError **error)
{
  g_autofree gchar *missing = NULL;
  g_autoptr (GstMessage) message =
      unet_missing_plugin_pop (self->bus, 0, GST_MESSAGE_ERROR, &missing);
  g_autoptr (GError) local = NULL;

  if (missing && !self->missing)
    self->missing = g_steal_pointer (&missing);
  if (message == NULL)
    return GST_UNET_BACKGROUND_LATER;
  gst_message_parse_error (message, &local, NULL);
  return fail (self, local, NULL, error);
}

GstUnetBackgroundResult
gst_unet_background_decoder_next (GstUnetBackgroundDecoder *self,
    GstClockTime timeout, GstSample **sample, GError **error)
{
  GstUnetBackgroundResult result;

  *sample = gst_app_sink_try_pull_sample (self->sink, timeout);
  if (*sample != NULL) {
    self->last_sign = g_get_monotonic_time ();
    self->n_frames++;
    return GST_UNET_BACKGROUND_FRAME;
  }
  if (gst_app_sink_is_eos (self->sink) && self->n_frames > 0)
    return GST_UNET_BACKGROUND_END;
  result = check_bus (self, error);
  if (gst_app_sink_is_eos (self->sink) && result == GST_UNET_BACKGROUND_LATER)
    return fail (self, NULL, self->missing ? NULL : "it has no video", error);
  if (result == GST_UNET_BACKGROUND_LATER
      && g_get_monotonic_time () - self->last_sign > PATIENCE)
    return fail (self, NULL, "its decoder stalls", error);
  return result;
}
