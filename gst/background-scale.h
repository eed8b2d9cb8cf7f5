/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Pictures as frames of a stream: as large as they must be to cover a frame and
 * no larger, their aspect kept. */

#include <gst/video/video.h>

G_BEGIN_DECLS

/* Belongs to one thread at a time. */
typedef struct _GstUnetBackgroundScale GstUnetBackgroundScale;

/* @info: of the stream. */
GstUnetBackgroundScale *gst_unet_background_scale_new (
    const GstVideoInfo *info);
void gst_unet_background_scale_free (GstUnetBackgroundScale *self);
/* Returns: (transfer full) (nullable): %NULL where @sample cannot be
 * converted. */
GstBuffer *gst_unet_background_scale_run (
    GstUnetBackgroundScale *self, GstSample *sample);

G_END_DECLS
