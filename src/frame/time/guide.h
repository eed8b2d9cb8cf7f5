/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The guide: a frame at the mask's resolution. Edge refinement takes the
 * picture's edges from it, temporal smoothing its changes. Each pixel is the
 * mean of the stream's own components, read straight from its format. */

#include "frame/format/converter.h"
#include "frame/format/mask.h"
#include "frame/input/resample.h"

G_BEGIN_DECLS

typedef struct _UnetGuide {
  UnetMask shape; /* size and rectangle */
  guint width, height;
  UnetConverter *converter; /* NULL if @resampler reads the stream itself */
  UnetResampler resampler;
  guint n_components;
  gfloat scale;   /* from samples to 0..1 */
  gfloat *row[3]; /* scratch */
  gfloat *pixels; /* four per pixel: components less 0.5, and a zero */
} UnetGuide;

/* @shape gives size and rectangle; its planes are not read. Returns FALSE with
 * UNET_ERROR_LIMIT without memory, or UNET_ERROR_UNSUPPORTED if no converter
 * takes the format. Clear @self in either case. */
gboolean unet_guide_init (UnetGuide *self, const GstVideoInfo *info,
    const UnetMask *shape, GError **error);
void unet_guide_clear (UnetGuide *self);
/* Returns TRUE if both guides read the same pixels from the same frame and
 * neither needs a converter. */
gboolean unet_guide_equals (const UnetGuide *a, const UnetGuide *b);
/* Fills @self->pixels. Returns @frame in a format that has a word or byte per
 * sample: @frame itself, or a copy that is valid until the next call. */
const GstVideoFrame *unet_guide_read (
    UnetGuide *self, const GstVideoFrame *frame);

G_END_DECLS
