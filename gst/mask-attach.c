/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mask-attach.h"

#include "analytics-meta.h"

#include "frame/mask/bounding-box.h"

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
attach_box (GstBuffer *buffer, const GstVideoInfo *info,
    UnetSegClasses *classes, const UnetMask *mask, guint id)
{
  const gchar *label = unet_seg_classes_get_label (classes, id);
  gint width = GST_VIDEO_INFO_WIDTH (info);
  gint height = GST_VIDEO_INFO_HEIGHT (info);
  gdouble box[4];
  gint x, y, right, bottom;

  if (!unet_mask_find_box (mask, id, box))
    return;
  x = CLAMP ((gint) box[0], 0, width - 1);
  y = CLAMP ((gint) box[1], 0, height - 1);
  right = CLAMP ((gint) (box[0] + box[2] + .5), x + 1, width);
  bottom = CLAMP ((gint) (box[1] + box[3] + .5), y + 1, height);
  gst_buffer_add_video_region_of_interest_meta (
      buffer, label ? label : "foreground", x, y, right - x, bottom - y);
}

static void
attach_boxes (UnetSegmenter *segmenter, GstBuffer *buffer,
    const GstVideoInfo *info, const UnetFrameMask *mask)
{
  UnetMaskMap map;

  if (!unet_segmenter_map_mask (segmenter, mask->buffers, &map))
    return;
  for (guint i = 1; i < map.mask.n_classes; i++)
    attach_box (
        buffer, info, unet_segmenter_get_classes (segmenter), &map.mask, i);
  unet_mask_buffers_unmap (mask->buffers, &map);
}

UnetSegMeta *
gst_unet_mask_attach (UnetSegmenter *segmenter, GstBuffer *buffer,
    const GstVideoInfo *info, const UnetFrameMask *mask, gboolean boxes)
{
  UnetSegMeta *meta = attach_mask (segmenter, buffer, mask);

  gst_unet_analytics_attach (buffer, meta);
  if (boxes)
    attach_boxes (segmenter, buffer, info, mask);
  return meta;
}
