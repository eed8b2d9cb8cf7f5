/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "roi.h"

#include "analytics-meta.h"

GType
gst_unet_seg_roi_mode_get_type (void)
{
  static GType type;

  if (g_once_init_enter (&type)) {
    static const GEnumValue values[] = {
      { GST_UNET_SEG_ROI_MODE_FIXED, "The rectangle of the property 'roi'",
          "fixed" },
      { GST_UNET_SEG_ROI_MODE_FIRST_META,
          "The first GstVideoRegionOfInterestMeta or object detection of each "
          "frame",
          "first-meta" },
      { 0, NULL, NULL },
    };
    GType new_type = g_enum_register_static ("GstUnetSegRoiMode", values);

    g_once_init_leave (&type, new_type);
  }
  return type;
}

void
gst_unet_roi_install (GObjectClass *klass, guint roi, guint mode)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
      | GST_PARAM_MUTABLE_PLAYING | GST_PARAM_CONTROLLABLE;

  g_object_class_install_property (klass, roi,
      g_param_spec_string ("roi", "Region of interest",
          "The part of each frame that is segmented, x,y,width,height in "
          "pixels; the rest is background (unset = the whole frame)",
          NULL, flags));
  g_object_class_install_property (klass, mode,
      g_param_spec_enum ("roi-mode", "Region of interest mode",
          "What says which part of a frame is segmented",
          GST_TYPE_UNET_SEG_ROI_MODE, GST_UNET_SEG_ROI_MODE_FIXED, flags));
}

gboolean
gst_unet_roi_parse (const gchar *text, UnetRegion *region)
{
  g_auto (GStrv) parts = NULL;
  gint64 numbers[4] = { 0 };

  if (text && *text) {
    parts = g_strsplit (text, ",", -1);
    if (g_strv_length (parts) != 4)
      return FALSE;
    for (guint i = 0; i < 4; i++)
      if (!g_ascii_string_to_signed (g_strstrip (parts[i]), 10,
              i < 2 ? -UNET_MAX_PICTURE_SIZE : 1, UNET_MAX_PICTURE_SIZE,
              &numbers[i], NULL))
        return FALSE;
  }
  *region = (UnetRegion){ (gint) numbers[0], (gint) numbers[1],
    (gint) numbers[2], (gint) numbers[3] };
  return TRUE;
}

gchar *
gst_unet_roi_to_string (const UnetRegion *region)
{
  if (region->width == 0)
    return NULL;
  return g_strdup_printf (
      "%d,%d,%d,%d", region->x, region->y, region->width, region->height);
}

static gboolean
find_meta (GstBuffer *frame, UnetRegion *region)
{
  gpointer state = NULL;
  const GstVideoRegionOfInterestMeta *roi =
      (const GstVideoRegionOfInterestMeta *) gst_buffer_iterate_meta_filtered (
          frame, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE);

  if (roi == NULL)
    return gst_unet_analytics_find_object (
        frame, &region->x, &region->y, &region->width, &region->height);
  /* Other programs may write any number. */
  region->x = (gint) MIN (roi->x, UNET_MAX_PICTURE_SIZE);
  region->y = (gint) MIN (roi->y, UNET_MAX_PICTURE_SIZE);
  region->width = (gint) MIN (roi->w, UNET_MAX_PICTURE_SIZE);
  region->height = (gint) MIN (roi->h, UNET_MAX_PICTURE_SIZE);
  return TRUE;
}

gboolean
gst_unet_roi_find (const GstUnetRoi *self, GstBuffer *frame,
    const GstVideoInfo *info, UnetRegion *region)
{
  *region = self->fixed;
  if (self->mode == GST_UNET_SEG_ROI_MODE_FIRST_META) {
    if (!find_meta (frame, region))
      return FALSE;
  } else if (region->width == 0) {
    return TRUE;
  }
  return unet_region_clip (
      region, GST_VIDEO_INFO_WIDTH (info), GST_VIDEO_INFO_HEIGHT (info));
}
