/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The mask: what the network says of each pixel of a frame, at the network's
 * resolution; and the geometry of enlarging it to the frame. */

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

/* Masks whose shorter side has at least so many pixels are compared, and
 * refined, at half their resolution. Below it, half the resolution loses
 * fingers and ears; far above it, the full one costs four times as much. The
 * built-in network has 144 to 288 pixels. */
#define UNET_MASK_LEAST_HALVED_SIDE 96

/* A cell lies between the centres of four mask pixels. No pixel of a full or
 * empty cell is computed. */
typedef enum {
  UNET_CELL_EMPTY,
  UNET_CELL_FULL,
  UNET_CELL_EDGE,
} UnetCellKind;

/* Returns TRUE if both masks have the same size and cover the same rectangle.
 * Classes and planes are not compared. */
gboolean unet_mask_has_same_shape (const UnetMask *a, const UnetMask *b);
/* Returns 2 for masks that are halved as UNET_MASK_LEAST_HALVED_SIDE says, else
 * 1. */
guint unet_mask_get_step (const UnetMask *mask);
/* Returns the shape of @mask with a pixel for each @step by @step of its own,
 * without planes. Pixels at the far borders may reach beyond the rectangle, so
 * that all have the same size. */
UnetMask unet_mask_reduce_shape (const UnetMask *mask, guint step);
/* Finds the frame's pixels from @from to @to - 1, of @limit, whose centres lie
 * within @size pixels from @start. */
void unet_mask_find_pixels (
    gdouble start, gdouble size, guint limit, guint *from, guint *to);

G_END_DECLS
