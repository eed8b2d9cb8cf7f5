/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "segment/segmenter.h"

G_BEGIN_DECLS

/* Attaches @mask, which has buffers, to a writable buffer as UnetSegMeta and as
 * GStreamer's analytics metadata. @boxes: and the box of each class as
 * GstVideoRegionOfInterestMeta. Returns: (transfer none): the meta. */
UnetSegMeta *gst_unet_mask_attach (UnetSegmenter *segmenter, GstBuffer *buffer,
    const GstVideoInfo *info, const UnetFrameMask *mask, gboolean boxes);

G_END_DECLS
