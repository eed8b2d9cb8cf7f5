/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The mask: what the network says of each pixel of a frame, at the network's
 * resolution. */

#include <glib.h>

G_BEGIN_DECLS

/* Covers the part of the network's output that holds picture. Rows have no
 * gaps: their stride is @width. The user of the struct owns the planes. */
typedef struct {
  guint width, height;
  guint n_classes;     /* the background included */
  guint8 *class_map;   /* class of each pixel, 0 = background */
  guint8 *probability; /* 0..255, 255 = 1. One foreground class: its
                        * probability. Several: that of the pixel's class, and
                        * on the background that of the best other class. */
  gdouble x, y, w, h;  /* rectangle of the frame that it covers, pixels */
} UnetMask;

/* Returns TRUE if both masks have the same size and cover the same rectangle.
 * Classes and planes are not compared. */
static inline gboolean
unet_mask_has_same_shape (const UnetMask *a, const UnetMask *b)
{
  return a->width == b->width && a->height == b->height && a->x == b->x
      && a->y == b->y && a->w == b->w && a->h == b->h;
}

G_END_DECLS
