/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A part of a frame that is segmented alone: the rest is background. */

#include "base/export.h"
#include "frame/format/placement.h"

G_BEGIN_DECLS

/* In pixels of the frame. Without a width it is the whole frame. */
typedef struct {
  gint x, y, width, height;
} UnetRegion;

/* Each region is a run of the network and, until it ends, an input of it. */
#define UNET_MAX_REGIONS 32

/* Regions of one frame, each segmented by itself. Without any it is the whole
 * frame. */
typedef struct {
  guint n;
  UnetRegion items[UNET_MAX_REGIONS];
} UnetRegions;

UNET_INTERNAL_API gboolean unet_region_is_equal (
    const UnetRegion *a, const UnetRegion *b);
/* Returns whether both are the same regions in the same order. */
gboolean unet_regions_are_equal (const UnetRegions *a, const UnetRegions *b);
/* Cuts off what lies outside of a frame. Returns FALSE where nothing is
 * left. */
UNET_INTERNAL_API gboolean unet_region_clip (
    UnetRegion *self, guint frame_width, guint frame_height);

/* The region of the upright frame that lies there as @self lies in the
 * buffer. @frame_*: of the upright frame. */
UnetRegion unet_region_turn_upright (const UnetRegion *self,
    GstVideoOrientationMethod orientation, guint frame_width,
    guint frame_height);
/* The smallest part of the frame that has the frame's shape and holds the
 * region: networks see it as they see the frame, with something round the
 * region. */
UnetRegion unet_region_grow (
    const UnetRegion *self, guint frame_width, guint frame_height);
/* Cuts a placement to the region, to whole pixels of the input. */
void unet_region_cut_placement (
    const UnetRegion *self, UnetPlacement *placement);

G_END_DECLS
