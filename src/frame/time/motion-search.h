/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Motion search: the vector by which each block of a picture has moved since an
 * earlier one. */

#include <glib.h>

G_BEGIN_DECLS

/* A grey picture with its outermost pixels repeated round it. */
#define UNET_LUMA_BORDER 32

typedef struct {
  gint width, height;
  gsize stride;
  guint8 *memory;
  guint8 *pixels; /* the first one inside the border */
} UnetLuma;

/* Each level is half as large as the one before. */
#define UNET_LUMA_LEVELS 3

typedef struct {
  guint n_levels;
  UnetLuma level[UNET_LUMA_LEVELS];
} UnetPyramid;

/* FALSE where there is no memory. */
gboolean unet_pyramid_init (UnetPyramid *self, guint width, guint height);
void unet_pyramid_clear (UnetPyramid *self);
/* After the pixels of level 0 have been written. */
void unet_pyramid_update (UnetPyramid *self);

/* From where something is to where it was; in whole pixels, or in
 * 1 / UNET_VECTOR_ONE of them. */
#define UNET_VECTOR_ONE 16

typedef struct {
  gint16 x, y;
} UnetVector;

/* Side of the cells that have a vector each, in pixels. */
#define UNET_MOTION_CELL 4

typedef struct {
  gint width, height;
  UnetVector *vectors;
} UnetVectors;

typedef struct {
  UnetVectors cells;                    /* fractions of pixels */
  guint16 *costs;                       /* of cells; 0: not searched */
  UnetVector *gone;                     /* scratch */
  UnetVectors blocks[UNET_LUMA_LEVELS]; /* whole pixels of that level */
} UnetMotion;

/* FALSE where there is no memory. */
gboolean unet_motion_init (UnetMotion *self, guint width, guint height);
void unet_motion_clear (UnetMotion *self);
/* Finds the cells' vectors from @now to @then, both of the size given. What is
 * still but for noise has 0. FALSE where nothing has moved, or so little of
 * @now is found in @then that it is another scene: then all are 0. */
gboolean unet_motion_find (
    UnetMotion *self, const UnetPyramid *now, const UnetPyramid *then);

/* Sum of absolute differences over 8x8 pixels; the latter in plain C. */
guint unet_block_difference (
    const guint8 *a, gsize a_stride, const guint8 *b, gsize b_stride);
guint unet_block_difference_plain (
    const guint8 *a, gsize a_stride, const guint8 *b, gsize b_stride);

G_END_DECLS
