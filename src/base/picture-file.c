/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/picture-file.h"

#include "base/missing-plugin.h"
#include "base/picture-header.h"

#define DECODE_TIMEOUT (30 * GST_SECOND)

/* Most decoders do not tell the orientation that EXIF has, so that the file is
 * asked; videoflip reads the tags of those that do. */
static void
set_orientation (GstElement *pipeline, const gchar *path)
{
  GstElement *flip = gst_bin_get_by_name (GST_BIN (pipeline), "flip");
  UnetPictureHeader header;

  if (flip == NULL)
    return;
  if (unet_picture_header_read (path, &header) && header.orientation > 1)
    gst_util_set_object_arg (G_OBJECT (flip), "video-direction",
        unet_picture_header_get_direction (&header));
  gst_object_unref (flip);
}

GstElement *
unet_picture_make_pipeline (const gchar *path, GError **error)
{
  GstElement *pipeline, *source;
  /* videoflip is in another package than the rest; without it a picture
   * stays as it is stored. */
  g_autoptr (GstElementFactory) flip = gst_element_factory_find ("videoflip");
  g_autofree gchar *text = g_strdup_printf ("filesrc name=source ! decodebin ! "
                                            "videoconvert ! %s"
                                            "video/x-raw ! fakesink name=sink "
                                            "enable-last-sample=true",
      flip != NULL
          ? "videoflip name=flip video-direction=auto ! videoconvert ! "
          : "");

  pipeline = unet_missing_plugin_parse (text, error);
  if (pipeline == NULL)
    return NULL;
  source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  g_object_set (source, "location", path, NULL);
  gst_object_unref (source);
  set_orientation (pipeline, path);
  return pipeline;
}

gchar *
unet_picture_describe_error (const GError *error, const gchar *missing)
{
  if (missing)
    return g_strdup_printf ("no plugin for it: %s", missing);
  return g_strdup (error ? error->message : "no picture could be decoded");
}

/* Until the sink holds the first picture. */
static gboolean
preroll (GstElement *pipeline, const gchar *path, GError **error)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;
  g_autofree gchar *missing = NULL, *text = NULL;
  g_autoptr (GError) local = NULL;

  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  message = unet_missing_plugin_pop (bus, DECODE_TIMEOUT,
      GST_MESSAGE_ASYNC_DONE | GST_MESSAGE_ERROR | GST_MESSAGE_EOS, &missing);
  if (message != NULL && GST_MESSAGE_TYPE (message) == GST_MESSAGE_ASYNC_DONE)
    return TRUE;
  if (message != NULL && GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &local, NULL);
  text = unet_picture_describe_error (local, missing);
  g_set_error (
      error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ, "%s: %s", path, text);
  return FALSE;
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
