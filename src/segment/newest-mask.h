/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "frame/time/mask-motion.h"
#include "frame/time/scene-change.h"
#include "segment/mask-pool.h"

G_BEGIN_DECLS

/* The newest mask of a stream, for frames that get no mask of their own. Of the
 * streaming thread alone. */
typedef struct {
  UnetMaskBuffers mask;
  guint age;         /* frames since the mask's own; 0: it is this frame's */
  GstClockTime pts;  /* of the mask's frame */
  UnetScene *scene;  /* (nullable): no frame was compared yet */
  gboolean compared; /* the frame at hand was */
  UnetMaskMotion *motion; /* (nullable): no mask was moved yet */
  gboolean looked;        /* at the frame at hand, for motion */
} UnetNewestMask;

void unet_newest_mask_init (UnetNewestMask *self);
/* Frames of another kind follow. */
void unet_newest_mask_clear (UnetNewestMask *self);
/* Forgets the mask alone. */
void unet_newest_mask_drop (UnetNewestMask *self);
/* Forgets the frames alone: those that follow are looked at in another
 * geometry. */
void unet_newest_mask_forget_frames (UnetNewestMask *self);
/* Forgets the frames that were compared or looked at as well. */
void unet_newest_mask_reset (UnetNewestMask *self);

/* Takes over the buffers of @mask. @age: in frames, since the frame that was
 * kept last. */
void unet_newest_mask_set (
    UnetNewestMask *self, UnetMaskBuffers *mask, guint age, GstClockTime pts);
/* Nanoseconds between the mask's frame and the one at @pts, in streams that
 * play backwards as well. GST_CLOCK_TIME_NONE where a time is unknown. */
GstClockTime unet_newest_mask_get_time (
    const UnetNewestMask *self, GstClockTime pts);

/* The calls below are about one frame, in this order. @info, @shape: of the
 * frames and their masks. */

/* Looks at the frame for motion. @frame: (nullable): masks do not move. */
void unet_newest_mask_look (UnetNewestMask *self, const GstVideoInfo *info,
    const UnetMask *shape, const GstVideoFrame *frame);
/* Returns whether no block of the picture differs by @threshold (0..1) or more
 * from the frame that was kept last. */
gboolean unet_newest_mask_is_still (UnetNewestMask *self,
    const GstVideoInfo *info, const UnetMask *shape, const GstVideoFrame *frame,
    gdouble threshold);
/* Keeps the frame: the next mask is of it. */
void unet_newest_mask_keep_frame (UnetNewestMask *self);
/* Makes @to, the mask as it lies on the frame that was looked at. @threshold:
 * least probability of a foreground pixel. Returns FALSE where nothing has
 * moved, or motion cannot be found. */
gboolean unet_newest_mask_move (UnetNewestMask *self, UnetMaskPool *pool,
    gdouble threshold, UnetMaskBuffers *to);

G_END_DECLS
