/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Keeps coverage close to the mean around it: specks of up to 4 pixels vanish,
 * and strands as thin as a pixel become half transparent. Straight edges stay
 * as they are. */

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  guint width, height;
  guint8 *plane;      /* the result */
  guint *start, *end; /* of each row: pixels that are neither 0 nor 255, or lie
                       * beside them; the rest is copied */
  guint16 *sums;      /* scratch */
} UnetSpeckleFilter;

/* @width, @height in pixels. The plane is allocated by the first run. */
void unet_speckle_filter_init (
    UnetSpeckleFilter *self, guint width, guint height);
void unet_speckle_filter_clear (UnetSpeckleFilter *self);
/* Sets all rows to be copied. */
void unet_speckle_filter_reset (UnetSpeckleFilter *self);
/* Filters @coverage between @start and @end of each row, which the caller has
 * set. Returns @self->plane; @coverage itself without memory. */
const guint8 *unet_speckle_filter_run (
    UnetSpeckleFilter *self, const guint8 *coverage);

G_END_DECLS
