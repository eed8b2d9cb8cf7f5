/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Pictures in sRGB to frames of a stream. In PQ, HLG and linear light their
 * colours are converted, and their white becomes graphics white; elsewhere this
 * is a GstVideoConverter. Belongs to one thread at a time. */

#include <gst/video/video.h>

#include "base/export.h"

G_BEGIN_DECLS

typedef struct _UnetPictureConverter UnetPictureConverter;

/* @config: (transfer full) (nullable): of the GstVideoConverter that reads the
 * picture. Returns NULL where GStreamer has no conversion, or there is no
 * memory. */
UNET_INTERNAL_API UnetPictureConverter *unet_picture_converter_new (
    const GstVideoInfo *from, const GstVideoInfo *to, GstStructure *config);
/* @self may be NULL. */
UNET_INTERNAL_API void unet_picture_converter_free (UnetPictureConverter *self);
/* @from: mapped for reading; @to: mapped for writing. */
UNET_INTERNAL_API void unet_picture_converter_run (
    UnetPictureConverter *self, const GstVideoFrame *from, GstVideoFrame *to);

G_END_DECLS
