/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Temporal smoothing of masks: where the picture is still, each new mask is
 * averaged with the previous ones; where it changes, the new mask is taken. */

#include "frame/format/mask.h"
#include "frame/time/guide.h"

#include <unetseg/unetseg.h>

G_BEGIN_DECLS

/* Belongs to one thread at a time. */
typedef struct _UnetTemporal UnetTemporal;

/* @info is that of the frames. @shape gives size and rectangle of the masks as
 * they lie on frames; its planes are not read. @orientation makes both upright,
 * as values are when they come. Returns NULL with UNET_ERROR_LIMIT without
 * memory. */
UNET_API UnetTemporal *unet_temporal_new (const GstVideoInfo *info,
    const UnetMask *shape, GstVideoOrientationMethod orientation,
    GError **error);
/* As unet_temporal_new (), but compares pictures at 1 / @step of the mask's
 * resolution; @step is 1 or 2. */
UnetTemporal *unet_temporal_new_with_step (const GstVideoInfo *info,
    const UnetMask *shape, GstVideoOrientationMethod orientation, guint step,
    GError **error);
/* @self may be NULL. */
UNET_API void unet_temporal_free (UnetTemporal *self);
/* Forgets everything: the next mask is taken unchanged. */
UNET_API void unet_temporal_reset (UnetTemporal *self);
/* Compares @frame with what is remembered and so sets the weights of the mask
 * that comes next. @elapsed is the time since the last frame. After
 * @time_constant, in the same unit, 1 / e of the old mask is left; 0 turns
 * smoothing off. */
UNET_API void unet_temporal_read_frame (UnetTemporal *self,
    const GstVideoFrame *frame, gdouble elapsed, gdouble time_constant);
/* As unet_temporal_read_frame (), from pixels that were read already: four
 * floats each as in UnetGuide, at the resolution that is compared. Never lowers
 * the weights because something else in the picture moves. */
void unet_temporal_read_pixels (UnetTemporal *self, const gfloat *pixels,
    gdouble elapsed, gdouble time_constant);
/* The frame that was read last; valid until the next one is read. */
UNET_API const UnetGuide *unet_temporal_get_guide (UnetTemporal *self);
/* The share of the picture that the last frame changed, 0..1; 1 at a cut. */
UNET_API gdouble unet_temporal_get_changed (UnetTemporal *self);
/* Weights of the new mask, 0..1, for each pixel that is compared; valid until
 * the next frame is read. */
const gfloat *unet_temporal_get_weights (UnetTemporal *self);
/* Averages row @y of probabilities, or of class scores, with the previous ones
 * of @plane. Returns the result, valid until the next call for that row; @row
 * itself without memory. */
const gfloat *unet_temporal_smooth_row (UnetTemporal *self, guint plane,
    guint y, const gfloat *row, gboolean scores);

G_END_DECLS
