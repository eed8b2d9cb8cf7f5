/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The mask as a grey picture. */

#include "frame/format/mask.h"

#include <gst/video/video.h>
#include <unetseg/unetseg.h>

G_BEGIN_DECLS

/* Belongs to one thread at a time. */
typedef struct _UnetMaskPicture UnetMaskPicture;

/* @width, @height: of the frames, in pixels. */
UNET_API UnetMaskPicture *unet_mask_picture_new (guint width, guint height);
/* @self may be NULL. */
UNET_API void unet_mask_picture_free (UnetMaskPicture *self);
/* Fills @frame, GRAY8 and mapped for writing. With one class beside the
 * background it holds that class's probability, bilinear, 255 = 1. With several
 * it holds class numbers, whose borders follow @threshold as the overlay's do.
 * @mask: (nullable): NULL is background everywhere, as is what the mask does
 * not cover. */
UNET_API void unet_mask_picture_draw (UnetMaskPicture *self,
    GstVideoFrame *frame, const UnetMask *mask, gdouble threshold);

G_END_DECLS
