/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "frame/time/object-tracker.h"
#include "segment/segmenter.h"

G_BEGIN_DECLS

/* A class or an object in the frame, in whole pixels for the metadata. */
typedef struct {
  guint id;
  const gchar *label;         /* (nullable): of the stream's UnetSegClasses */
  gint x, y, width, height;   /* bounding box within the frame, pixels */
  gdouble area;               /* share of the frame, 0..1 */
  gdouble center_x, center_y; /* centroid, pixels */
  UnetTrackedObject tracked;  /* id 0: a class */
} GstUnetMaskRegion;

/* Returns: (transfer full) (element-type GstUnetMaskRegion): the classes that
 * the mask shows in a frame of @info, but for the background, in order. It is
 * empty where the mask cannot be mapped. */
GArray *gst_unet_mask_find_regions (UnetSegmenter *segmenter,
    const UnetMaskBuffers *buffers, const GstVideoInfo *info);

/* Returns: (transfer full) (element-type GstUnetMaskRegion): the connected
 * parts of the classes, the largest first, with numbers that @tracker gives.
 * Those that cover less than @least of the frame (0..1) are left out. @pts: of
 * the frame. */
GArray *gst_unet_mask_find_objects (UnetSegmenter *segmenter,
    const UnetMaskBuffers *buffers, const GstVideoInfo *info, gdouble least,
    GstClockTime pts, UnetObjectTracker *tracker);

G_END_DECLS
