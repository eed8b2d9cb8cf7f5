/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "background.h"

#include "base/picture-file.h"
#include "frame/format/picture-converter.h"

struct _GstUnetBackground {
  gint ref_count; /* atomic */
  guint32 argb;
  gchar *location; /* (nullable) */
};

GstUnetBackground *
gst_unet_background_new (guint32 argb, const gchar *location)
{
  GstUnetBackground *self = g_new0 (GstUnetBackground, 1);

  self->ref_count = 1;
  self->argb = argb;
  self->location = location && *location ? g_strdup (location) : NULL;
  return self;
}

GstUnetBackground *
gst_unet_background_ref (GstUnetBackground *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

void
gst_unet_background_unref (GstUnetBackground *self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;
  g_free (self->location);
  g_free (self);
}

guint32
gst_unet_background_get_color (const GstUnetBackground *self)
{
  return self->argb;
}

const gchar *
gst_unet_background_get_location (const GstUnetBackground *self)
{
  return self->location;
}

/* ---- the picture ------------------------------------------------------ */

/* The largest part in the middle that has the frame's shape. */
static GstStructure *
crop (const GstVideoInfo *from, const GstVideoInfo *to)
{
  guint64 width = gst_util_uint64_scale (to->width, to->par_n, to->par_d);
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
convert (const GstVideoInfo *from, GstBuffer *picture, const GstVideoInfo *to,
    GstBuffer *buffer)
{
  UnetPictureConverter *converter =
      unet_picture_converter_new (from, to, crop (from, to));
  GstVideoFrame in, out;
  gboolean ok = FALSE;

  if (converter == NULL)
    return FALSE;
  if (gst_video_frame_map (&in, from, picture, GST_MAP_READ)) {
    if (gst_video_frame_map (&out, to, buffer, GST_MAP_WRITE)) {
      unet_picture_converter_run (converter, &in, &out);
      gst_video_frame_unmap (&out);
      ok = TRUE;
    }
    gst_video_frame_unmap (&in);
  }
  unet_picture_converter_free (converter);
  return ok;
}

GstBuffer *
gst_unet_background_make_frame (
    GstUnetBackground *self, const GstVideoInfo *info, GError **error)
{
  GstSample *sample;
  GstBuffer *buffer;
  GstVideoInfo from, to = *info;
  gboolean ok;

  if (self->location == NULL)
    return NULL;
  sample = unet_picture_load (self->location, error);
  if (sample == NULL)
    return NULL;
  /* A still picture is progressive in interlaced streams too. */
  to.interlace_mode = GST_VIDEO_INTERLACE_MODE_PROGRESSIVE;
  buffer = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (info), NULL);
  ok = gst_video_info_from_caps (&from, gst_sample_get_caps (sample));
  /* The converter asks for equal ones. */
  from.fps_n = to.fps_n;
  from.fps_d = to.fps_d;
  if (!ok || !convert (&from, gst_sample_get_buffer (sample), &to, buffer)) {
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
        "%s: the picture cannot be converted", self->location);
    gst_clear_buffer (&buffer);
  }
  gst_sample_unref (sample);
  return buffer;
}
