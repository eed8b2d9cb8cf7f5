/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "frame/frame.h"

G_BEGIN_DECLS

/* As unet_temporal_new(), comparing pictures of a @step-th of the mask's
 * resolution, 1 or 2. */
UnetTemporal *unet_temporal_new_with_step (const GstVideoInfo *info,
    const UnetMask *shape, GstVideoOrientationMethod orientation, guint step,
    GError **error);
/* The picture at the mask's resolution (by the step), four floats per pixel as
 * in UnetGuide: unet_temporal_look() without reading a frame. */
void unet_temporal_compare (UnetTemporal *self, const gfloat *pixels,
    gdouble elapsed, gdouble time_constant);
/* Of the last look: how much of each pixel is new, 0..1. */
const gfloat *unet_temporal_get_weights (UnetTemporal *self);
/* A row of probabilities, or of scores of a class, into what is held of
 * @plane; returns what is held now. */
const gfloat *unet_temporal_mix_row (UnetTemporal *self, guint plane, guint y,
    const gfloat *row, gboolean scores);

G_END_DECLS
