/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Growing, shrinking and blurring of planes of bytes. Rows have no gaps. */

#include <glib.h>

G_BEGIN_DECLS

/* Sets each byte to the largest (or smallest) within @radius along rows and
 * columns, in place, in log2 (radius) passes. @scratch: 2 * (width + 2 *
 * radius) + (radius + 1) * width bytes. */
void unet_plane_grow (guint8 *plane, guint8 *scratch, guint width, guint height,
    guint radius, gboolean largest);
/* Applies the mean over (2 radius + 1) x (2 radius + 1) twice, in place. The
 * cost does not depend on the radius. @scratch: as large as the plane, and 4 *
 * width bytes more. */
void unet_plane_feather (
    guint8 *plane, guint8 *scratch, guint width, guint height, guint radius);
/* Sets @dst to 1 where any flag of @src is 1 within @radius, as a square, else
 * to 0. @scratch: as large. */
void unet_flags_dilate (guint8 *dst, const guint8 *src, guint8 *scratch,
    guint width, guint height, guint radius);

G_END_DECLS
