/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The region of interest of a frame: what its properties and its metadata
 * say. */

#include "frame/format/region.h"

G_BEGIN_DECLS

/**
 * GstUnetSegRoiMode:
 * @GST_UNET_SEG_ROI_MODE_FIXED: the rectangle of the property `roi`
 * @GST_UNET_SEG_ROI_MODE_FIRST_META: the first rectangle in the metadata of the
 *   frame
 * @GST_UNET_SEG_ROI_MODE_EVERY: every rectangle in the metadata of the frame,
 *   each by itself
 *
 * The part of a frame that is segmented.
 */
typedef enum {
  GST_UNET_SEG_ROI_MODE_FIXED,
  GST_UNET_SEG_ROI_MODE_FIRST_META,
  GST_UNET_SEG_ROI_MODE_EVERY,
} GstUnetSegRoiMode;

#define GST_TYPE_UNET_SEG_ROI_MODE (gst_unet_seg_roi_mode_get_type ())
GType gst_unet_seg_roi_mode_get_type (void);

typedef struct {
  GstUnetSegRoiMode mode;
  UnetRegion fixed;
  guint limit; /* of EVERY: the most regions, 1..UNET_MAX_REGIONS */
} GstUnetRoi;

/* A frame with so many costs eight times as much as one without. */
#define GST_UNET_ROI_DEFAULT_LIMIT 8

/* Installs the properties under these numbers. */
void gst_unet_roi_install (
    GObjectClass *klass, guint roi, guint mode, guint limit);
/* Reads `x,y,width,height` in pixels; %NULL and "" are the whole frame. Returns
 * FALSE for anything else. */
gboolean gst_unet_roi_parse (const gchar *text, UnetRegion *region);
/* Returns (transfer full) (nullable): the text of it; %NULL: the whole frame.
 */
gchar *gst_unet_roi_to_string (const UnetRegion *region);
/* The regions of a frame of @info; none: the whole frame. Returns FALSE where
 * nothing of it is segmented: without metadata, or with rectangles outside of
 * the frame. */
gboolean gst_unet_roi_find (const GstUnetRoi *self, GstBuffer *frame,
    const GstVideoInfo *info, UnetRegions *regions);

G_END_DECLS
