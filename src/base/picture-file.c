/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/picture-file.h"

#include "base/libav-end.h"
#include "base/missing-plugin.h"
#include "base/picture-decoder.h"

/* Between two looks at what is read. */
#define POLL (100 * GST_MSECOND)

#define WATCH   "unet-read-watch"
#define PACKAGE "unet-package"

/* Most decoders do not tell the orientation that EXIF has, so that the file is
 * asked; videoflip reads the tags of those that do. */
static void
set_orientation (GstElement *pipeline, const UnetPictureHeader *header)
{
  GstElement *flip = gst_bin_get_by_name (GST_BIN (pipeline), "flip");

  if (flip == NULL)
    return;
  if (header->orientation > 1)
    gst_util_set_object_arg (G_OBJECT (flip), "video-direction",
        unet_picture_header_get_direction (header));
  gst_object_unref (flip);
}

static void
open_source (GstElement *pipeline, const gchar *path)
{
  GstElement *source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  UnetReadWatch *watch = unet_read_watch_new ();

  if (g_object_class_find_property (G_OBJECT_GET_CLASS (source), "location")) {
    g_object_set (source, "location", path, NULL);
    unet_read_watch_add_source (watch, source);
  }
  g_object_set_data_full (G_OBJECT (pipeline), WATCH, watch,
      (GDestroyNotify) unet_read_watch_unref);
  unet_libav_end_mend (GST_BIN (pipeline));
  gst_object_unref (source);
}

static GstElement *
make_pipeline (const gchar *decode, GError **error)
{
  /* videoflip is in another package than the rest; without it a picture
   * stays as it is stored. */
  g_autoptr (GstElementFactory) flip = gst_element_factory_find ("videoflip");
  g_autofree gchar *text = g_strdup_printf ("%s ! videoconvert ! %s"
                                            "video/x-raw ! fakesink name=sink "
                                            "enable-last-sample=true",
      decode,
      flip != NULL
          ? "videoflip name=flip video-direction=auto ! videoconvert ! "
          : "");

  return unet_missing_plugin_parse (text, error);
}

/* A picture that goes into its decoder as a whole. */
static gboolean
fill_source (
    GstElement *pipeline, const gchar *path, gsize size, GError **error)
{
  GstBuffer *buffer = unet_picture_decoder_read (path, size, error);
  GstElement *source;

  if (buffer == NULL)
    return FALSE;
  source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  unet_picture_decoder_play (source, buffer);
  gst_object_unref (source);
  return TRUE;
}

GstElement *
unet_picture_make_pipeline (const gchar *path, GError **error)
{
  UnetPictureHeader header = { .orientation = 1 };
  UnetPictureDecoder decoder = { NULL };
  gboolean known = unet_picture_header_read (path, &header);
  const gchar *refusal = known ? unet_picture_decoder_refuse (&header) : NULL;
  g_autofree gchar *decode = NULL;
  GstElement *pipeline;

  if (refusal != NULL) {
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ, "%s: %s",
        path, refusal);
    return NULL;
  }
  decode = known && unet_picture_decoder_find (&header, &decoder)
      ? unet_picture_decoder_describe (&decoder)
      : g_strdup ("filesrc name=source ! decodebin");
  pipeline = make_pipeline (decode, error);
  if (pipeline == NULL)
    return NULL;
  if (decoder.media != NULL
      && !fill_source (pipeline, path, header.size, error)) {
    gst_object_unref (pipeline);
    return NULL;
  }
  open_source (pipeline, path);
  set_orientation (pipeline, &header);
  if (known)
    g_object_set_data (G_OBJECT (pipeline), PACKAGE,
        (gpointer) unet_picture_decoder_get_package (&header));
  return pipeline;
}

gchar *
unet_picture_add_package (const gchar *reason, const gchar *package)
{
  return package != NULL
      ? g_strdup_printf ("%s (apt install %s)", reason, package)
      : g_strdup (reason);
}

gchar *
unet_picture_describe_error (const GError *error, const gchar *missing)
{
  if (missing)
    return g_strdup_printf ("no plugin for it: %s", missing);
  /* A decoder that has no message of its own leaves this to the source. */
  if (g_error_matches (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED))
    return g_strdup_printf ("it cannot be decoded: %s", error->message);
  return g_strdup (error ? error->message : "no picture could be decoded");
}

UnetReadWatch *
unet_picture_get_watch (GstElement *pipeline)
{
  return g_object_get_data (G_OBJECT (pipeline), WATCH);
}

GstMessage *
unet_picture_wait (GstElement *pipeline, const gchar *path,
    GstMessageType types, GError **error)
{
  UnetReadWatch *watch = unet_picture_get_watch (pipeline);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;
  g_autofree gchar *missing = NULL, *reason = NULL, *text = NULL;
  g_autoptr (GError) local = NULL;

  while (message == NULL
      && unet_read_watch_measure_silence (watch) < UNET_READ_SILENCE) {
    g_autofree gchar *found = NULL;

    message =
        unet_missing_plugin_pop (bus, POLL, types | GST_MESSAGE_ERROR, &found);
    if (missing == NULL)
      missing = g_steal_pointer (&found);
  }
  if (message != NULL && GST_MESSAGE_TYPE (message) != GST_MESSAGE_ERROR)
    return g_steal_pointer (&message);
  if (message != NULL)
    gst_message_parse_error (message, &local, NULL);
  reason = message == NULL && missing == NULL
      ? g_strdup ("its decoder stalls")
      : unet_picture_describe_error (local, missing);
  text = unet_picture_add_package (
      reason, g_object_get_data (G_OBJECT (pipeline), PACKAGE));
  g_set_error (
      error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ, "%s: %s", path, text);
  return NULL;
}

/* Until the sink holds the first picture. */
static gboolean
preroll (GstElement *pipeline, const gchar *path, GError **error)
{
  g_autoptr (GstMessage) message = NULL;

  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  message = unet_picture_wait (
      pipeline, path, GST_MESSAGE_ASYNC_DONE | GST_MESSAGE_EOS, error);
  if (message != NULL && GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS)
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
        "%s: no picture could be decoded", path);
  return message != NULL && GST_MESSAGE_TYPE (message) != GST_MESSAGE_EOS;
}

GstSample *
unet_picture_load (const gchar *path, GError **error)
{
  GstElement *pipeline = unet_picture_make_pipeline (path, error);
  GstSample *sample = NULL;
  GstElement *sink;

  if (pipeline == NULL)
    return NULL;
  if (preroll (pipeline, path, error)) {
    sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
    g_object_get (sink, "last-sample", &sample, NULL);
    gst_object_unref (sink);
    if (sample == NULL)
      g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
          "%s: no picture in it", path);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  return sample;
}
