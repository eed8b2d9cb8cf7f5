/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reader.h"

#include <math.h>
#include <string.h>

gboolean
reader_init (Reader *self, const gchar *path, const gchar *caps)
{
  g_autofree gchar *text =
      g_strdup_printf ("filesrc name=src ! decodebin ! "
                       "videoconvert ! %s ! appsink name=sink sync=false",
          caps);
  GstElement *src;

  memset (self, 0, sizeof *self);
  self->pipeline = gst_parse_launch (text, NULL);
  src = gst_bin_get_by_name (GST_BIN (self->pipeline), "src");
  g_object_set (src, "location", path, NULL);
  gst_object_unref (src);
  self->sink =
      (GstAppSink *) gst_bin_get_by_name (GST_BIN (self->pipeline), "sink");
  gst_element_set_state (self->pipeline, GST_STATE_PLAYING);
  return TRUE;
}

static void
reader_drop (Reader *self)
{
  if (!self->sample)
    return;
  gst_video_frame_unmap (&self->frame);
  g_clear_pointer (&self->sample, gst_sample_unref);
}

gboolean
reader_next (Reader *self)
{
  reader_drop (self);
  self->sample = gst_app_sink_pull_sample (self->sink);
  if (!self->sample)
    return FALSE;
  gst_video_info_from_caps (&self->info, gst_sample_get_caps (self->sample));
  return gst_video_frame_map (&self->frame, &self->info,
      gst_sample_get_buffer (self->sample), GST_MAP_READ);
}

void
reader_clear (Reader *self)
{
  reader_drop (self);
  gst_element_set_state (self->pipeline, GST_STATE_NULL);
  gst_object_unref (self->sink);
  gst_object_unref (self->pipeline);
}

guint8 *
load_mask (const gchar *path, guint *width, guint *height)
{
  Reader reader;
  guint8 *mask = NULL;

  reader_init (&reader, path, "video/x-raw,format=GRAY8");
  if (reader_next (&reader)) {
    *width = reader.info.width;
    *height = reader.info.height;
    mask = g_malloc ((gsize) *width * *height);
    for (guint y = 0; y < *height; y++)
      for (guint x = 0; x < *width; x++)
        mask[(gsize) y * *width + x] =
            ((guint8 *) GST_VIDEO_FRAME_PLANE_DATA (&reader.frame,
                0))[y * GST_VIDEO_FRAME_PLANE_STRIDE (&reader.frame, 0) + x]
            > 127;
  }
  reader_clear (&reader);
  return mask;
}

GstBuffer *
copy_frame (
    const GstVideoInfo *info, const GstVideoFrame *from, GstVideoFrame *to)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, info->size, NULL);

  gst_video_frame_map (to, info, buffer, GST_MAP_READWRITE);
  gst_video_frame_copy (to, from);
  return buffer;
}

/* Returns one of 65536 normal numbers that are drawn once. */
static gdouble
normal (void)
{
  static gfloat table[65536];
  static guint32 state = 1;

  for (guint i = 0; table[65535] == 0 && i < G_N_ELEMENTS (table); i++)
    table[i] = (gfloat) (sqrt (-2 * log (1 - g_random_double ()))
            * cos (2 * G_PI * g_random_double ())
        + 1e-9);
  state = state * 1664525 + 1013904223;
  return table[state >> 16];
}

void
add_noise (GstVideoFrame *frame, gdouble sigma)
{
  for (guint p = 0; p < GST_VIDEO_FRAME_N_PLANES (frame); p++) {
    const guint n = GST_VIDEO_FRAME_COMP_WIDTH (frame, p);

    for (gint y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT (frame, p); y++) {
      guint8 *row = (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (frame, p)
          + y * GST_VIDEO_FRAME_PLANE_STRIDE (frame, p);

      for (guint x = 0; x < n; x++)
        row[x] = (guint8) CLAMP (
            row[x] + floor ((p ? sigma / 2 : sigma) * normal () + 0.5), 0, 255);
    }
  }
}
