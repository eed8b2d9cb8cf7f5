/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/export.h"
#include "frame/format/mask.h"

G_BEGIN_DECLS

/* A class map has one byte for each pixel. */
#define UNET_MASK_MAX_CLASSES 256

/* The area, box and centroid of a class in the frame. A pixel of the mask
 * counts with the part of its rectangle that lies within the frame. */
typedef struct {
  gdouble area;               /* share of the frame, 0..1; 0: no such pixel, and
                               * the other fields are 0, too */
  gdouble x, y, w, h;         /* smallest rectangle, pixels of the frame */
  gdouble center_x, center_y; /* centroid, pixels of the frame */
} UnetClassRegion;

/* A rectangle by its edges, in pixels of the frame. */
typedef struct {
  gdouble left, top, right, bottom;
} UnetRectangle;

/* A region is a sum until unet_class_region_finish() ends it: of all zeros,
 * rectangles and other sums. */
void unet_class_region_add (UnetClassRegion *self, const UnetRectangle *r);
void unet_class_region_join (
    UnetClassRegion *self, const UnetClassRegion *other);
void unet_class_region_finish (UnetClassRegion *self, gdouble frame_area);

/* Fills @regions, whose index is the class, for a frame of @width by @height
 * pixels, both above 0. */
UNET_INTERNAL_API void unet_mask_find_regions (const UnetMask *mask,
    guint width, guint height, UnetClassRegion regions[UNET_MASK_MAX_CLASSES]);

G_END_DECLS
