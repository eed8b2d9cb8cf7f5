/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "frame/frame.h"

G_BEGIN_DECLS

/* Planes of bytes, rows apart by @width. */

/* Largest (or smallest) value within @radius along rows and columns, in place:
 * log2 (radius) passes. @scratch: a row. */
void unet_plane_grow (guint8 *plane, guint8 *scratch, guint width, guint height,
    guint radius, gboolean largest);
/* Twice the mean over (2 radius + 1)², in place; cost does not depend on the
 * radius. @scratch: as large as the plane and 4 * width bytes. */
void unet_plane_feather (
    guint8 *plane, guint8 *scratch, guint width, guint height, guint radius);

G_END_DECLS
