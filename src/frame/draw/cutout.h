/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The foreground alone: frames with an alpha channel. */

#include "frame/format/mask.h"

#include <gst/video/video.h>
#include <unetseg/unetseg.h>

G_BEGIN_DECLS

/* Belongs to one thread at a time. */
typedef struct _UnetCutout UnetCutout;

/* Returns the format closest to @format that has alpha; @format itself if it
 * has. */
UNET_API GstVideoFormat unet_cutout_get_format (GstVideoFormat format);
/* @out is @in in the format of unet_cutout_get_format (). Kernels copy colours
 * unchanged if only their place changes; GstVideoConverter converts the rest.
 * Returns NULL with UNET_ERROR_UNSUPPORTED if it cannot. */
UNET_API UnetCutout *unet_cutout_new (
    const GstVideoInfo *in, const GstVideoInfo *out, GError **error);
/* @self may be NULL. */
UNET_API void unet_cutout_free (UnetCutout *self);
/* As unet_overlay_set_palette (); the alpha of a colour becomes the alpha of
 * the class's pixels. */
UNET_API void unet_cutout_set_palette (
    UnetCutout *self, const guint32 *argb, guint n_colors);
/* Sets whether colours under an alpha of 0 are removed, as
 * frame/draw/clear-hidden.h does it. By default they stay. */
UNET_API void unet_cutout_set_clears_hidden (UnetCutout *self, gboolean clears);
/* Writes straight (not premultiplied) alpha, multiplied with the frame's own.
 * @in: (nullable): NULL if the formats are equal; @out then holds the frame and
 * is mapped read-write. @mask: (nullable): NULL is background everywhere. */
UNET_API void unet_cutout_run (UnetCutout *self, const GstVideoFrame *in,
    GstVideoFrame *out, const UnetMask *mask, gdouble threshold);

G_END_DECLS
