/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mask-attach.h"

#include "analytics-meta.h"

static UnetSegMeta *
attach_mask (
    UnetSegmenter *segmenter, GstBuffer *buffer, const UnetFrameMask *mask)
{
  const UnetMask *shape = unet_segmenter_get_shape (segmenter);
  UnetSegMeta *meta = gst_buffer_add_unet_seg_meta (buffer,
      unet_segmenter_get_classes (segmenter), mask->buffers->class_map,
      mask->buffers->probability, shape->width, shape->height);

  meta->x = shape->x;
  meta->y = shape->y;
  meta->w = shape->w;
  meta->h = shape->h;
  meta->age_frames = mask->age_frames;
  meta->age = mask->age;
  meta->carried = mask->is_moved;
  return meta;
}

static void
attach_boxes (GstBuffer *buffer, const GArray *regions)
{
  for (guint i = 0; i < regions->len; i++) {
    const GstUnetMaskRegion *region =
        &g_array_index (regions, GstUnetMaskRegion, i);

    gst_buffer_add_video_region_of_interest_meta (buffer,
        region->label ? region->label : "foreground", region->x, region->y,
        region->width, region->height);
  }
}

static void
attach_objects (GstBuffer *buffer, const GArray *objects)
{
  for (guint i = 0; i < objects->len; i++) {
    const GstUnetMaskRegion *object =
        &g_array_index (objects, GstUnetMaskRegion, i);
    const gchar *label = object->label ? object->label : "foreground";
    GstVideoRegionOfInterestMeta *meta =
        gst_buffer_add_video_region_of_interest_meta (
            buffer, label, object->x, object->y, object->width, object->height);

    meta->id = (gint) object->tracked.id;
    gst_video_region_of_interest_meta_add_param (meta,
        gst_structure_new ("unetseg-object", "class", G_TYPE_INT, object->id,
            "area", G_TYPE_DOUBLE, object->area, "centroid-x", G_TYPE_DOUBLE,
            object->center_x, "centroid-y", G_TYPE_DOUBLE, object->center_y,
            "first-seen", GST_TYPE_CLOCK_TIME, object->tracked.since, NULL));
    gst_unet_analytics_attach_object (buffer, label, object->x, object->y,
        object->width, object->height, object->tracked.id,
        object->tracked.since);
  }
}

UnetSegMeta *
gst_unet_mask_attach (UnetSegmenter *segmenter, GstBuffer *buffer,
    const UnetFrameMask *mask, const GArray *boxes, const GArray *objects)
{
  UnetSegMeta *meta = attach_mask (segmenter, buffer, mask);

  gst_unet_analytics_attach (buffer, meta);
  if (boxes)
    attach_boxes (buffer, boxes);
  if (objects)
    attach_objects (buffer, objects);
  return meta;
}
