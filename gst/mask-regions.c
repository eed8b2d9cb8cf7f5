/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mask-regions.h"

#include "frame/mask/class-region.h"

static GstUnetMaskRegion
make_region (guint id, const UnetClassRegion *found, UnetSegClasses *classes,
    const GstVideoInfo *info)
{
  gint width = GST_VIDEO_INFO_WIDTH (info);
  gint height = GST_VIDEO_INFO_HEIGHT (info);
  gint x = CLAMP ((gint) found->x, 0, width - 1);
  gint y = CLAMP ((gint) found->y, 0, height - 1);
  gint right = CLAMP ((gint) (found->x + found->w + .5), x + 1, width);
  gint bottom = CLAMP ((gint) (found->y + found->h + .5), y + 1, height);

  return (GstUnetMaskRegion){ .id = id,
    .label = unet_seg_classes_get_label (classes, id),
    .x = x,
    .y = y,
    .width = right - x,
    .height = bottom - y,
    .area = found->area,
    .center_x = found->center_x,
    .center_y = found->center_y };
}

GArray *
gst_unet_mask_find_regions (UnetSegmenter *segmenter,
    const UnetMaskBuffers *buffers, const GstVideoInfo *info)
{
  GArray *regions = g_array_new (FALSE, FALSE, sizeof (GstUnetMaskRegion));
  UnetSegClasses *classes = unet_segmenter_get_classes (segmenter);
  UnetClassRegion found[UNET_MASK_MAX_CLASSES];
  UnetMaskMap map;

  if (!unet_segmenter_map_mask (segmenter, buffers, &map))
    return regions;
  unet_mask_find_regions (&map.mask, GST_VIDEO_INFO_WIDTH (info),
      GST_VIDEO_INFO_HEIGHT (info), found);
  unet_mask_buffers_unmap (buffers, &map);
  for (guint id = 1; id < UNET_MASK_MAX_CLASSES; id++) {
    if (found[id].area > 0) {
      GstUnetMaskRegion region = make_region (id, &found[id], classes, info);

      g_array_append_val (regions, region);
    }
  }
  return regions;
}

GArray *
gst_unet_mask_find_objects (UnetSegmenter *segmenter,
    const UnetMaskBuffers *buffers, const GstVideoInfo *info, gdouble least,
    GstClockTime pts, UnetObjectTracker *tracker)
{
  GArray *regions = g_array_new (FALSE, FALSE, sizeof (GstUnetMaskRegion));
  UnetSegClasses *classes = unet_segmenter_get_classes (segmenter);
  UnetTrackedObject tracked[UNET_MASK_MAX_OBJECTS];
  g_autoptr (GArray) objects = NULL;
  UnetMaskMap map;

  if (!unet_segmenter_map_mask (segmenter, buffers, &map))
    return regions;
  objects = unet_mask_find_objects (&map.mask, GST_VIDEO_INFO_WIDTH (info),
      GST_VIDEO_INFO_HEIGHT (info), least);
  unet_mask_buffers_unmap (buffers, &map);
  unet_object_tracker_follow (tracker, objects, pts, tracked);
  for (guint i = 0; i < objects->len; i++) {
    const UnetMaskObject *object = &g_array_index (objects, UnetMaskObject, i);
    GstUnetMaskRegion region =
        make_region (object->id, &object->region, classes, info);

    region.tracked = tracked[i];
    g_array_append_val (regions, region);
  }
  return regions;
}
