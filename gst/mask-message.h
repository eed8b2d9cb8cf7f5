/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "mask-regions.h"

G_BEGIN_DECLS

/* Returns: (transfer full): the element message of a frame, as docs/element.md
 * lists its fields. @segment: of the stream. @meta: the mask of @buffer.
 * @regions: (element-type GstUnetMaskRegion): the classes that it shows.
 * @objects: (nullable) (element-type GstUnetMaskRegion): and its objects. */
GstMessage *gst_unet_mask_message_new (GstElement *element,
    const GstSegment *segment, GstBuffer *buffer, const GstVideoInfo *info,
    const UnetSegMeta *meta, const GArray *regions, const GArray *objects);

G_END_DECLS
