/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The last stage of refinement: grows, shrinks or feathers a plane of coverage,
 * and draws its outline. */

#include <glib.h>

G_BEGIN_DECLS

/* Planes are allocated when they are first needed. */
typedef struct {
  guint width, height;
  guint8 *plane, *outline, *inside; /* results, as large as the frame */
  guint8 *scratch;
  gsize scratch_size;
} UnetContour;

void unet_contour_init (UnetContour *self, guint width, guint height);
void unet_contour_clear (UnetContour *self);
/* Grows @coverage by @grow pixels, or shrinks it by -@grow, then feathers it by
 * @feather pixels. Returns the result, valid until the next call; @coverage
 * itself if both are 0 or without memory. */
const guint8 *unet_contour_finish (
    UnetContour *self, const guint8 *coverage, gint grow, guint feather);
/* Returns a line @width pixels wide along the edges of @coverage, valid until
 * the next call; NULL without memory. */
guint8 *unet_contour_get_outline (
    UnetContour *self, const guint8 *coverage, guint width);

G_END_DECLS
