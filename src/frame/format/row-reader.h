/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reads spans of a frame's rows as floats, four per pixel, at the frame's own
 * resolution. Subsampled chroma is interpolated along the row. */

#include "frame/format/pixel-layout.h"

G_BEGIN_DECLS

typedef struct {
  UnetPixelLayout layout;
  gboolean cosited_h;
  guint width;
  gfloat scale;                  /* from samples to 0..1 */
  gfloat *component[3], *chroma; /* scratch */
  gfloat *pixels;
} UnetRowReader;

/* @info is of a format that unet_pixel_layout_init () knows. @scale maps
 * samples to 0..1. */
void unet_row_reader_init (
    UnetRowReader *self, const GstVideoInfo *info, gfloat scale);
void unet_row_reader_clear (UnetRowReader *self);
/* Returns @n pixels of row @y from pixel @start on, valid until the next call:
 * three components less 0.5, and a 1. */
const gfloat *unet_row_reader_read (UnetRowReader *self,
    const GstVideoFrame *frame, guint y, guint start, guint n);

G_END_DECLS
