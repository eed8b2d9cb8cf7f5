/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "frame/format/mask.h"

#include <unetseg/unetseg.h>

G_BEGIN_DECLS

/* Fills @box with the smallest rectangle of the frame that holds every pixel of
 * class @id: x, y, width, height in pixels. Returns FALSE, and leaves @box, if
 * the mask has no such pixel. */
UNET_API gboolean unet_mask_find_box (
    const UnetMask *mask, guint id, gdouble box[4]);

G_END_DECLS
