/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "background.h"

#include "background-scale.h"
#include "base/picture-file.h"

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

GstBuffer *
gst_unet_background_make_frame (
    GstUnetBackground *self, const GstVideoInfo *info, GError **error)
{
  GstSample *sample;
  GstUnetBackgroundScale *scale;
  GstBuffer *buffer;

  if (self->location == NULL)
    return NULL;
  sample = unet_picture_load (self->location, error);
  if (sample == NULL)
    return NULL;
  scale = gst_unet_background_scale_new (info);
  buffer = gst_unet_background_scale_run (scale, sample);
  if (buffer == NULL)
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
        "%s: the picture cannot be converted", self->location);
  gst_unet_background_scale_free (scale);
  gst_sample_unref (sample);
  return buffer;
}
