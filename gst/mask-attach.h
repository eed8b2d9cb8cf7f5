/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "mask-regions.h"

G_BEGIN_DECLS

/* Attaches @mask, which has buffers, to a writable buffer as UnetSegMeta and as
 * GStreamer's analytics metadata. @boxes: (nullable)
 * (element-type GstUnetMaskRegion): and the box of each of them as
 * GstVideoRegionOfInterestMeta. @objects: the same, with its number and, where
 * the analytics library is there, as GstAnalyticsODMtd. Returns: (transfer
 * none): the meta. */
UnetSegMeta *gst_unet_mask_attach (UnetSegmenter *segmenter, GstBuffer *buffer,
    const UnetFrameMask *mask, const GArray *boxes, const GArray *objects);

G_END_DECLS
