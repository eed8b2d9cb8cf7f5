/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "segment/segmenter.h"

G_BEGIN_DECLS

/* A class in the frame, in whole pixels for the metadata. */
typedef struct {
  guint id;
  const gchar *label;         /* (nullable): of the stream's UnetSegClasses */
  gint x, y, width, height;   /* bounding box within the frame, pixels */
  gdouble area;               /* share of the frame, 0..1 */
  gdouble center_x, center_y; /* centroid, pixels */
} GstUnetMaskRegion;

/* Returns: (transfer full) (element-type GstUnetMaskRegion): the classes that
 * the mask shows in a frame of @info, but for the background, in order. It is
 * empty where the mask cannot be mapped. */
GArray *gst_unet_mask_find_regions (UnetSegmenter *segmenter,
    const UnetMaskBuffers *buffers, const GstVideoInfo *info);

G_END_DECLS
