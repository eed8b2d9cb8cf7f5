/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One mask of several regions of a frame. */

#include "frame/format/mask.h"
#include "frame/format/region.h"

G_BEGIN_DECLS

/* Returns the shape, without planes, of a mask over the smallest rectangle that
 * holds all @regions. Its pixels are as small as the smallest of @parts, but no
 * smaller than a pixel of the frame. @parts: the masks of the regions. @n: at
 * least 1. */
UnetMask unet_merged_mask_shape (
    const UnetRegion *regions, const UnetMask *parts, guint n);
/* Writes @part, whose pixels are resampled, into the pixels of @to that lie in
 * @region. In each pixel a class wins over the background, and otherwise the
 * higher probability; the first mask stays where they are equal. @threshold:
 * 0..1: as for unet_postprocess_run(). */
void unet_merge_mask (UnetMask *to, const UnetMask *part,
    const UnetRegion *region, gdouble threshold);

G_END_DECLS
