/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The new background: the frame blurred without its foreground, or a picture.
 * Gives rows of samples in the layout of the stream's planes. */

#include "frame/format/mask.h"
#include "frame/format/pixel-layout.h"

G_BEGIN_DECLS

typedef struct _UnetBackgroundBlur UnetBackgroundBlur;

/* @info: of a format that unet_pixel_layout_init() knows. */
UnetBackgroundBlur *unet_background_blur_new (const GstVideoInfo *info);
void unet_background_blur_free (UnetBackgroundBlur *self);
/* @frame blurred, as if what @coverage (as large as the frame) covers were not
 * there. @radius: standard deviation in pixels. %FALSE where there is no memory
 * for it. */
gboolean unet_background_blur_run (UnetBackgroundBlur *self,
    const GstVideoFrame *frame, const UnetMask *coverage, gdouble radius);
/* @picture, of the same info, which stays mapped. */
void unet_background_blur_set_picture (
    UnetBackgroundBlur *self, const GstVideoFrame *picture);
/* Samples of a row of a plane, at the bits where the format has them; good
 * until the next call. */
const guint16 *unet_background_blur_get_row (
    UnetBackgroundBlur *self, guint plane, guint y);

G_END_DECLS
