/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Numbers for the objects of a stream that stay over time: an object is the one
 * of its class whose box in an earlier frame overlaps its own the most
 * (Bochinski, Eiselein and Sikora, "High-Speed Tracking-by-Detection Without
 * Using Image Information", AVSS 2017). */

#include "frame/mask/object-list.h"

G_BEGIN_DECLS

/* Least intersection over union of the boxes of one object in two frames. */
#define UNET_TRACKER_LEAST_IOU 0.3
/* Frames after which an object that is not seen is forgotten. */
#define UNET_TRACKER_PATIENCE 30

typedef struct {
  guint id;      /* above 0 */
  guint64 since; /* time of the frame in which it was seen first */
} UnetTrackedObject;

/* Belongs to one thread at a time. */
typedef struct _UnetObjectTracker UnetObjectTracker;

UNET_INTERNAL_API UnetObjectTracker *unet_object_tracker_new (void);
/* @self may be NULL. */
UNET_INTERNAL_API void unet_object_tracker_free (UnetObjectTracker *self);
/* The next frame has nothing to do with those before. Numbers are not used
 * again. */
UNET_INTERNAL_API void unet_object_tracker_reset (UnetObjectTracker *self);
/* Fills @tracked, one for each of @objects (element-type UnetMaskObject) of the
 * next frame. @time: of the frame, in any unit. */
UNET_INTERNAL_API void unet_object_tracker_follow (UnetObjectTracker *self,
    const GArray *objects, guint64 time, UnetTrackedObject *tracked);

G_END_DECLS
