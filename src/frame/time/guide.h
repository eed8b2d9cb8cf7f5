/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The frame at the mask's resolution: what tells where the mask's edges belong
 * and whether anything has changed. Averages of the stream's own components,
 * straight from its format. */

#include "frame/format/converter.h"
#include "frame/frame.h"
#include "frame/input/resample.h"

G_BEGIN_DECLS

struct _UnetGuide {
  UnetMask shape; /* size and rectangle */
  guint width, height;
  UnetConverter *converter; /* where @resampler cannot read the stream */
  UnetResampler resampler;
  guint n_components;
  gfloat scale;   /* of samples, to 0..1 */
  gfloat *row[3]; /* scratch */
  gfloat *pixels; /* four per pixel: components less 0.5, and a zero */
};

/* @shape: size and rectangle count, data are not looked at. */
gboolean unet_guide_init (UnetGuide *self, const GstVideoInfo *info,
    const UnetMask *shape, GError **error);
void unet_guide_clear (UnetGuide *self);
/* Would both read the same of the same frame, and nothing else of it be needed?
 */
gboolean unet_guide_equals (const UnetGuide *a, const UnetGuide *b);
/* Returns @frame in a format whose samples lie apart: itself, or a copy that
 * stays until the next call. */
const GstVideoFrame *unet_guide_read (
    UnetGuide *self, const GstVideoFrame *frame);

G_END_DECLS
