/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/video/video.h>

G_BEGIN_DECLS

/* What a background is replaced by: a colour and, perhaps, a picture file.
 * Immutable but for its picture, which is read once. */
typedef struct _UnetBackground UnetBackground;

UnetBackground *unet_background_new (guint32 argb, const gchar *location);
UnetBackground *unet_background_ref (UnetBackground *self);
void unet_background_unref (UnetBackground *self);

guint32 unet_background_get_color (const UnetBackground *self);
/* (nullable) */
const gchar *unet_background_get_location (const UnetBackground *self);

/* The picture as a frame of @info, as large as it must be to cover it and
 * no larger, its aspect kept. Returns: (transfer full): %NULL without an error
 * where there is no picture. */
GstBuffer *unet_background_make_frame (
    UnetBackground *self, const GstVideoInfo *info, GError **error);

G_END_DECLS
