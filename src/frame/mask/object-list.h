/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The objects of a mask: connected parts of a class, such as each person that
 * stands apart from the others. */

#include "frame/mask/class-region.h"

G_BEGIN_DECLS

/* The largest objects are kept, and the upper parts of a mask: a mask of noise
 * takes no more memory than others. */
#define UNET_MASK_MAX_OBJECTS 64
#define UNET_MASK_MAX_PARTS   65536

typedef struct {
  guint8 id; /* the class */
  UnetClassRegion region;
} UnetMaskObject;

/* Finds parts of @mask that are connected by edges or corners, but for the
 * background, in a frame of @width by @height pixels. Those that cover less
 * than
 * @least of it (0..1) are left out. Returns (transfer full)
 * (element-type UnetMaskObject): the largest first. */
UNET_INTERNAL_API GArray *unet_mask_find_objects (
    const UnetMask *mask, guint width, guint height, gdouble least);

G_END_DECLS
