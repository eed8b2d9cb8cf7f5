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
      { GST_UNET_SEG_ROI_MODE_EVERY,
          "Every GstVideoRegionOfInterestMeta and object detection of each "
          "frame, each by itself",
          "every" },
      { 0, NULL, NULL },
    };
    GType new_type = g_enum_register_static ("GstUnetSegRoiMode", values);

    g_once_init_leave (&type, new_type);
  }
  return type;
}

void
gst_unet_roi_install (GObjectClass *klass, guint roi, guint mode, guint limit)
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
  g_object_class_install_property (klass, limit,
      g_param_spec_uint ("roi-limit", "Region of interest limit",
          "With roi-mode=every, the most regions of a frame that are "
          "segmented, each by a run of the network; those that come first "
          "count",
          1, UNET_MAX_REGIONS, GST_UNET_ROI_DEFAULT_LIMIT, flags));
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

/* ---- of one frame ------------------------------------------------------ */

/* The rectangles in the metadata of a frame. */
typedef struct {
  GstBuffer *frame;
  gpointer boxes, objects; /* state of the iterations */
} Rectangles;

/* Other programs may write any number. */
static UnetRegion
limit (const GstVideoRegionOfInterestMeta *roi)
{
  return (UnetRegion){ (gint) MIN (roi->x, UNET_MAX_PICTURE_SIZE),
    (gint) MIN (roi->y, UNET_MAX_PICTURE_SIZE),
    (gint) MIN (roi->w, UNET_MAX_PICTURE_SIZE),
    (gint) MIN (roi->h, UNET_MAX_PICTURE_SIZE) };
}

/* Regions of interest come first, then object detections. */
static gboolean
next (Rectangles *self, UnetRegion *region)
{
  const GstVideoRegionOfInterestMeta *roi =
      (const GstVideoRegionOfInterestMeta *) gst_buffer_iterate_meta_filtered (
          self->frame, &self->boxes,
          GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE);

  if (roi) {
    *region = limit (roi);
    return TRUE;
  }
  return gst_unet_analytics_next_object (self->frame, &self->objects,
      &region->x, &region->y, &region->width, &region->height);
}

/* A detector may write the same box as both kinds of metadata. */
static gboolean
holds (const UnetRegions *regions, const UnetRegion *region)
{
  for (guint i = 0; i < regions->n; i++)
    if (unet_region_is_equal (&regions->items[i], region))
      return TRUE;
  return FALSE;
}

static gboolean
add (UnetRegions *regions, UnetRegion *region, const GstVideoInfo *info)
{
  if (!unet_region_clip (
          region, GST_VIDEO_INFO_WIDTH (info), GST_VIDEO_INFO_HEIGHT (info)))
    return FALSE;
  if (!holds (regions, region))
    regions->items[regions->n++] = *region;
  return TRUE;
}

gboolean
gst_unet_roi_find (const GstUnetRoi *self, GstBuffer *frame,
    const GstVideoInfo *info, UnetRegions *regions)
{
  Rectangles rectangles = { frame, NULL, NULL };
  UnetRegion region = self->fixed;

  regions->n = 0;
  switch (self->mode) {
    case GST_UNET_SEG_ROI_MODE_FIRST_META:
      return next (&rectangles, &region) && add (regions, &region, info);
    case GST_UNET_SEG_ROI_MODE_EVERY:
      while (regions->n < self->limit && next (&rectangles, &region))
        add (regions, &region, info);
      return regions->n > 0;
    case GST_UNET_SEG_ROI_MODE_FIXED:
    default:
      return region.width == 0 || add (regions, &region, info);
  }
}
