/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/picture.h"
#include "lib/status.h"

#include "base/picture-file.h"

#include <gst/video/video.h>
#include <png.h>

#define CONVERT_TIMEOUT (30 * GST_SECOND)

/* ---- in ----------------------------------------------------------------- */

GstSample *
tool_picture_load (const gchar *path, GError **error)
{
  g_autoptr (GError) local = NULL;
  GstSample *sample = unet_picture_load (path, &local);

  if (sample == NULL)
    g_set_error (error, TOOL_ERROR, TOOL_ERROR_PICTURE, "%s", local->message);
  return sample;
}

GstSample *
tool_picture_load_rgb (const gchar *path, GError **error)
{
  GstSample *sample = tool_picture_load (path, error), *converted;
  g_autoptr (GError) local = NULL;
  g_autoptr (GstCaps) caps = NULL;

  if (sample == NULL)
    return NULL;
  caps = gst_caps_from_string ("video/x-raw,format=RGBx");
  converted = gst_video_convert_sample (sample, caps, CONVERT_TIMEOUT, &local);
  gst_sample_unref (sample);
  if (converted == NULL)
    g_set_error (
        error, TOOL_ERROR, TOOL_ERROR_PICTURE, "%s: %s", path, local->message);
  return converted;
}

/* ---- every second ------------------------------------------------------- */

typedef struct {
  gboolean (*take) (GstSample *sample, gpointer data);
  gpointer data;
  GstElement *pipeline;
  gboolean done;
  GstClockTime next;
} Each;

static void
see_frame (GstElement *sink, GstBuffer *buffer, GstPad *pad, Each *each)
{
  UnetReadWatch *watch = unet_picture_get_watch (each->pipeline);
  GstClockTime time = GST_BUFFER_PTS (buffer);
  g_autoptr (GstCaps) caps = NULL;
  GstSample *sample;

  if (each->done || (GST_CLOCK_TIME_IS_VALID (time) && time < each->next))
    return;
  caps = gst_pad_get_current_caps (pad);
  sample = gst_sample_new (buffer, caps, NULL, NULL);
  unet_read_watch_begin_work (watch);
  each->done = !each->take (sample, each->data);
  unet_read_watch_end_work (watch);
  gst_sample_unref (sample);
  each->next = GST_CLOCK_TIME_IS_VALID (time) ? time + GST_SECOND : 0;
  if (each->done)
    gst_element_post_message (each->pipeline,
        gst_message_new_application (
            GST_OBJECT (each->pipeline), gst_structure_new_empty ("enough")));
}

static gboolean
play (GstElement *pipeline, const gchar *path, GError **error)
{
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) local = NULL;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = unet_picture_wait (
      pipeline, path, GST_MESSAGE_APPLICATION | GST_MESSAGE_EOS, &local);
  if (message != NULL)
    return TRUE;
  g_set_error (error, TOOL_ERROR, TOOL_ERROR_PICTURE, "%s", local->message);
  return FALSE;
}

gboolean
tool_picture_each_second (const gchar *path,
    gboolean (*take) (GstSample *sample, gpointer data), gpointer data,
    GError **error)
{
  GstElement *pipeline = unet_picture_make_pipeline (path, error), *sink;
  Each each = { take, data, pipeline, FALSE, 0 };
  gboolean ok;

  if (pipeline == NULL)
    return FALSE;
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_object_set (sink, "signal-handoffs", TRUE, "sync", FALSE, NULL);
  g_signal_connect (sink, "handoff", G_CALLBACK (see_frame), &each);
  ok = play (pipeline, path, error);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (sink);
  gst_object_unref (pipeline);
  return ok;
}

/* ---- out ---------------------------------------------------------------- */

static gboolean
save (png_image *image, const gchar *path, const guint8 *data,
    const guint8 *colors, GError **error)
{
  if (png_image_write_to_file (image, path, 0, data, image->width, colors))
    return TRUE;
  g_set_error (
      error, TOOL_ERROR, TOOL_ERROR_FILE, "%s: %s", path, image->message);
  return FALSE;
}

gboolean
tool_picture_save_gray (const gchar *path, const guint8 *data, guint width,
    guint height, GError **error)
{
  png_image image = { .version = PNG_IMAGE_VERSION,
    .width = width,
    .height = height,
    .format = PNG_FORMAT_GRAY };

  return save (&image, path, data, NULL, error);
}

gboolean
tool_picture_save_indexed (const gchar *path, const guint8 *data, guint width,
    guint height, const guint32 *colors, guint n_colors, GError **error)
{
  guint8 map[256 * 3];
  png_image image = { .version = PNG_IMAGE_VERSION,
    .width = width,
    .height = height,
    .format = PNG_FORMAT_RGB_COLORMAP,
    .colormap_entries = MIN (n_colors, 256) };

  for (guint i = 0; i < image.colormap_entries; i++) {
    map[3 * i] = colors[i] >> 16;
    map[3 * i + 1] = colors[i] >> 8;
    map[3 * i + 2] = colors[i];
  }
  return save (&image, path, data, map, error);
}
