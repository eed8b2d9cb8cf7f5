/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is seen where the background was: rows of samples in the layout of the
 * stream's planes. */

#include "frame/frame.h"
#include "frame/format/pixel-layout.h"

G_BEGIN_DECLS

typedef struct _UnetBackdrop UnetBackdrop;

/* @info: of a format that unet_pixel_layout_init() knows. */
UnetBackdrop *unet_backdrop_new (const GstVideoInfo *info);
void unet_backdrop_free (UnetBackdrop *self);
/* @frame blurred, as if what @coverage (as large as the frame) covers were not
 * there. @radius: standard deviation in pixels. %FALSE where there is no memory
 * for it. */
gboolean unet_backdrop_blur (UnetBackdrop *self, const GstVideoFrame *frame,
    const UnetMask *coverage, gdouble radius);
/* @picture, of the same info, which stays mapped. */
void unet_backdrop_show (UnetBackdrop *self, const GstVideoFrame *picture);
/* Samples of a row of a plane, at the bits where the format has them; good
 * until the next call. */
const guint16 *unet_backdrop_get_row (UnetBackdrop *self, guint plane, guint y);

G_END_DECLS
