/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The eight ways in which a picture may lie in its buffer. A method is what is
 * done to the buffer's picture to make it upright, as GStreamer's
 * image-orientation tag says it. */

#include <gst/video/video.h>

G_BEGIN_DECLS

gboolean unet_orientation_is_transposed (GstVideoOrientationMethod method);
/* Returns the method that lays an upright picture into the buffer. */
GstVideoOrientationMethod unet_orientation_invert (
    GstVideoOrientationMethod method);

/* From the upright picture of @width by @height to the buffer's. */
void unet_orientation_map_rectangle (GstVideoOrientationMethod method,
    gdouble width, gdouble height, gdouble *x, gdouble *y, gdouble *w,
    gdouble *h);

/* Does @method to a picture of @width by @height pixels of @cell floats, or of
 * bytes. Neither has gaps; they must not overlap. */
void unet_orient_f32 (gfloat *restrict dst, const gfloat *restrict src,
    guint width, guint height, guint cell, GstVideoOrientationMethod method);
void unet_orient_u8 (guint8 *restrict dst, const guint8 *restrict src,
    guint width, guint height, GstVideoOrientationMethod method);

G_END_DECLS
