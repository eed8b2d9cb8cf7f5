/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Motion compensation of masks: moves a mask along with what it covers to a
 * later frame, while the network still works on a newer mask.
 *
 * The order of calls: read_frame () for each frame; keep_frame () when the
 * network starts on it; use_kept () when that mask is there; then search () and
 * apply () for each later frame. */

#include "frame/format/mask.h"
#include "frame/time/motion-search.h"

#include <gst/video/video.h>
#include <unetseg/unetseg.h>

G_BEGIN_DECLS

/* Belongs to one thread at a time. */
typedef struct _UnetMaskMotion UnetMaskMotion;

/* @shape gives size and rectangle of the masks; its planes are not read.
 * Returns NULL with UNET_ERROR_LIMIT without memory. */
UNET_API UnetMaskMotion *unet_mask_motion_new (
    const GstVideoInfo *info, const UnetMask *shape, GError **error);
/* @self may be NULL. */
UNET_API void unet_mask_motion_free (UnetMaskMotion *self);
/* Reads the frame that the next calls refer to. */
UNET_API void unet_mask_motion_read_frame (
    UnetMaskMotion *self, const GstVideoFrame *frame);
/* Keeps the frame read last: a mask of it is being made. */
UNET_API void unet_mask_motion_keep_frame (UnetMaskMotion *self);
/* Makes the kept frame the one that motion starts from: its mask is there. */
UNET_API void unet_mask_motion_use_kept (UnetMaskMotion *self);
/* Drops both frames. */
UNET_API void unet_mask_motion_reset (UnetMaskMotion *self);
/* Searches the motion from the frame in use to the one read last. Returns FALSE
 * if nothing moved or no frame is in use. */
UNET_API gboolean unet_mask_motion_search (UnetMaskMotion *self);
/* Fills @to with @from, the mask of the frame in use, moved as the last search
 * found. @threshold, 0..1, is the least probability of a foreground pixel. With
 * several classes each class moves together with its probability. */
UNET_API void unet_mask_motion_apply (UnetMaskMotion *self,
    const UnetMask *from, gdouble threshold, UnetMask *to);

/* Fills @dst with @src moved along @vectors. Vectors of neighbouring cells are
 * interpolated, so that no edge of a cell shows. Values between pixels are
 * bilinear, or those of the nearest pixel if @whole. */
void unet_plane_move (guint8 *dst, const guint8 *src, gint width, gint height,
    const UnetVectors *vectors, gboolean whole);

G_END_DECLS
