/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Maps frames of buffers from any source. */

#include "base/export.h"

#include <gst/video/video.h>

G_BEGIN_DECLS

typedef struct {
  GstVideoFrame frame;
  GstBuffer *view; /* (nullable): mapped in place of the caller's buffer */
} UnetMap;

/* Maps @buffer, whose caps have @info, as gst_video_frame_map() does, with two
 * differences:
 * - A buffer that is too small, or whose GstVideoMeta contradicts @info, is
 *   refused. GStreamer reads beyond its end.
 * - Mapping for reading never changes the buffer. gst_buffer_map() merges its
 *   memories.
 * Returns FALSE where the buffer does not fit. Call unet_unmap_frame() after
 * TRUE only. */
UNET_INTERNAL_API gboolean unet_map_frame (UnetMap *self,
    const GstVideoInfo *info, GstBuffer *buffer, GstMapFlags flags);
UNET_INTERNAL_API void unet_unmap_frame (UnetMap *self);

G_END_DECLS
