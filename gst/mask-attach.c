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

UnetSegMeta *
gst_unet_mask_attach (UnetSegmenter *segmenter, GstBuffer *buffer,
    const UnetFrameMask *mask, const GArray *boxes)
{
  UnetSegMeta *meta = attach_mask (segmenter, buffer, mask);

  gst_unet_analytics_attach (buffer, meta);
  if (boxes)
    attach_boxes (buffer, boxes);
  return meta;
}
