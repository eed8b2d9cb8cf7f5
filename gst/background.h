/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/video/video.h>

G_BEGIN_DECLS

/* A colour that replaces the background, and a file where one is set.
 * Immutable. */
typedef struct _GstUnetBackground GstUnetBackground;

GstUnetBackground *gst_unet_background_new (
    guint32 argb, const gchar *location);
GstUnetBackground *gst_unet_background_ref (GstUnetBackground *self);
void gst_unet_background_unref (GstUnetBackground *self);

guint32 gst_unet_background_get_color (const GstUnetBackground *self);
/* (nullable) */
const gchar *gst_unet_background_get_location (const GstUnetBackground *self);

/* The picture, which stands still, as a frame of @info, as large as it must be
 * to cover it and no larger, its aspect kept. Returns: (transfer full): %NULL
 * without an error where there is no picture. */
GstBuffer *gst_unet_background_make_frame (
    GstUnetBackground *self, const GstVideoInfo *info, GError **error);

G_END_DECLS
