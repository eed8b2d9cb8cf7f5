/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "background-scale.h"

#include "frame/format/picture-converter.h"

/* Rows below which a converter is not used twice: with a frame of 4x3 pixels it
 * gives the lines of the frame before (GStreamer 1.22). */
#define LEAST_HEIGHT 16

struct _GstUnetBackgroundScale {
  GstVideoInfo from, to;
  UnetPictureConverter *converter; /* (nullable): for @from */
};

GstUnetBackgroundScale *
gst_unet_background_scale_new (const GstVideoInfo *info)
{
  GstUnetBackgroundScale *self = g_new0 (GstUnetBackgroundScale, 1);

  gst_video_info_init (&self->from);
  self->to = *info;
  /* A picture is progressive in interlaced streams too. */
  self->to.interlace_mode = GST_VIDEO_INTERLACE_MODE_PROGRESSIVE;
  return self;
}

void
gst_unet_background_scale_free (GstUnetBackgroundScale *self)
{
  g_clear_pointer (&self->converter, unet_picture_converter_free);
  g_free (self);
}

/* The width that a frame has with the pixels of the other one. */
static guint64
true_width (const GstVideoInfo *info)
{
  guint64 width = gst_util_uint64_scale (
      GST_VIDEO_INFO_WIDTH (info), info->par_n, MAX (info->par_d, 1));

  return MAX (width, 1);
}

/* The largest part in the middle that has the frame's shape. */
static GstStructure *
crop (const GstVideoInfo *from, const GstVideoInfo *to)
{
  guint64 width = gst_util_uint64_scale (
      true_width (to), MAX (from->par_d, 1), MAX (from->par_n, 1));
  gint w = from->width, h = from->height;

  width = MAX (width, 1);
  if ((guint64) w * to->height > (guint64) h * width)
    w = MAX ((gint) gst_util_uint64_scale_round (h, width, to->height), 1);
  else
    h = MAX ((gint) gst_util_uint64_scale_round (w, to->height, width), 1);
  return gst_structure_new ("converter", GST_VIDEO_CONVERTER_OPT_SRC_X,
      G_TYPE_INT, (from->width - w) / 2, GST_VIDEO_CONVERTER_OPT_SRC_Y,
      G_TYPE_INT, (from->height - h) / 2, GST_VIDEO_CONVERTER_OPT_SRC_WIDTH,
      G_TYPE_INT, w, GST_VIDEO_CONVERTER_OPT_SRC_HEIGHT, G_TYPE_INT, h, NULL);
}

static gboolean
open_converter (GstUnetBackgroundScale *self, GstSample *sample)
{
  GstVideoInfo from;

  if (!gst_video_info_from_caps (&from, gst_sample_get_caps (sample)))
    return FALSE;
  /* The converter asks for equal ones. */
  from.fps_n = self->to.fps_n;
  from.fps_d = self->to.fps_d;
  if (self->converter && from.height >= LEAST_HEIGHT
      && gst_video_info_is_equal (&from, &self->from))
    return TRUE;
  g_clear_pointer (&self->converter, unet_picture_converter_free);
  self->from = from;
  /* Fields of an interlaced video are shown together. */
  from.interlace_mode = GST_VIDEO_INTERLACE_MODE_PROGRESSIVE;
  self->converter = unet_picture_converter_new (
      &from, &self->to, crop (&self->from, &self->to));
  return self->converter != NULL;
}

GstBuffer *
gst_unet_background_scale_run (GstUnetBackgroundScale *self, GstSample *sample)
{
  GstVideoFrame in, out;
  GstBuffer *buffer;

  if (!open_converter (self, sample)
      || !gst_video_frame_map (
          &in, &self->from, gst_sample_get_buffer (sample), GST_MAP_READ))
    return NULL;
  buffer =
      gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&self->to), NULL);
  if (buffer && gst_video_frame_map (&out, &self->to, buffer, GST_MAP_WRITE)) {
    unet_picture_converter_run (self->converter, &in, &out);
    gst_video_frame_unmap (&out);
  } else {
    gst_clear_buffer (&buffer);
  }
  gst_video_frame_unmap (&in);
  return buffer;
}
