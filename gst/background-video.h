/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A background that moves: a video, a GIF or a playlist, decoded by a thread of
 * its own and looped without end at its own rate. A short loop is decoded once
 * and kept. */

#include <gst/video/video.h>

G_BEGIN_DECLS

typedef struct _GstUnetBackgroundVideo GstUnetBackgroundVideo;

/* Starts decoding @path into frames of @info. %NULL with @error of
 * %GST_RESOURCE_ERROR set. */
GstUnetBackgroundVideo *gst_unet_background_video_new (
    const gchar *path, const GstVideoInfo *info, GError **error);
/* Waits for the thread, which ends within some 20 ms. */
void gst_unet_background_video_free (GstUnetBackgroundVideo *self);
/* The frame that is shown at @time, which counts from the first call and never
 * decreases. Waits up to @patience microseconds for it; after that, or where
 * the file can be decoded no further, the last frame stays. Returns: (transfer
 * full): %NULL where there is no frame yet. @error: set once, by the first file
 * that fails, whatever is returned. */
GstBuffer *gst_unet_background_video_get_frame (GstUnetBackgroundVideo *self,
    GstClockTime time, gint64 patience, GError **error);

G_END_DECLS
