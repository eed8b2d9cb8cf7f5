/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Detects that the picture differs from one that was kept. */

#include "frame/format/mask.h"

#include <gst/video/video.h>
#include <unetseg/unetseg.h>

G_BEGIN_DECLS

/* Belongs to one thread at a time. */
typedef struct _UnetScene UnetScene;

/* @info is that of the frames; @shape gives the resolution at which they are
 * compared. Returns NULL with UNET_ERROR_LIMIT without memory. */
UNET_API UnetScene *unet_scene_new (
    const GstVideoInfo *info, const UnetMask *shape, GError **error);
/* @self may be NULL. */
UNET_API void unet_scene_free (UnetScene *self);
/* Returns the largest difference between a block of 8x8 mask pixels of @frame
 * and of the kept frame: the mean over the block, components 0..1. Returns 1 if
 * no frame is kept. */
UNET_API gdouble unet_scene_compare (
    UnetScene *self, const GstVideoFrame *frame);
/* Keeps the frame that was compared last. */
UNET_API void unet_scene_keep_frame (UnetScene *self);
/* Drops the kept frame. */
UNET_API void unet_scene_reset (UnetScene *self);

G_END_DECLS
