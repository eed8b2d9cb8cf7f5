/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The straight alpha that frames bring along, where something else becomes
 * their background: it takes part in the coverage, and the frame becomes
 * opaque. */

#include "frame/format/mask.h"

#include <gst/video/video.h>

G_BEGIN_DECLS

/* Belongs to one thread at a time. */
typedef struct _UnetFrameAlpha UnetFrameAlpha;

/* @info: of frames with alpha whose samples are bytes or native words. @stream:
 * of the frames that they were converted from, or the same. Returns NULL
 * without memory. */
UnetFrameAlpha *unet_frame_alpha_new (
    const GstVideoInfo *stream, const GstVideoInfo *info);
/* @self may be NULL. */
void unet_frame_alpha_free (UnetFrameAlpha *self);

/* Both return (transfer none) a mask as large as the frame, good until the next
 * call; @coverage is as large, or one pixel that stands for all. */

/* Returns the mask of the foreground as it is seen: coverage times alpha. */
const UnetMask *unet_frame_alpha_cover (
    UnetFrameAlpha *self, const GstVideoFrame *frame, const UnetMask *coverage);
/* Returns the mask of the pixels that show no background: the foreground, and
 * those with an alpha of 0. */
const UnetMask *unet_frame_alpha_hide (
    UnetFrameAlpha *self, const GstVideoFrame *frame, const UnetMask *coverage);

/* Makes every pixel of @frame opaque. */
void unet_frame_alpha_clear (UnetFrameAlpha *self, GstVideoFrame *frame);

G_END_DECLS
