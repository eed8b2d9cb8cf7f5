/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/video/video.h>

G_BEGIN_DECLS

/* A mapped frame of a buffer that came from anywhere. */
typedef struct {
  GstVideoFrame frame;
  GstBuffer *view; /* (nullable): stands in for the buffer */
} UnetMap;

/* As gst_video_frame_map() with caps' @info, but
 * - a buffer that is too small or whose GstVideoMeta contradicts the caps is
 *   refused, not read beyond its end;
 * - mapping for reading leaves the buffer's memories as they are, however many
 *   there are, where gst_buffer_map() would merge them in the buffer. */
gboolean unet_map_frame (UnetMap *self, const GstVideoInfo *info,
    GstBuffer *buffer, GstMapFlags flags);
void unet_unmap_frame (UnetMap *self);

G_END_DECLS
