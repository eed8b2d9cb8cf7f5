/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Computes the results of the kernels of src/frame from the definitions, sample
 * by sample in double precision. */

#include "picture.h"
#include <frame/format/placement.h>
#include <frame/input/preprocess.h>
#include <frame/format/mask.h>
#include <frame/draw/overlay.h>

/* Sets Kr and Kb of the matrix as the ITU's recommendations print them. */
void oracle_luma_weights (GstVideoColorMatrix matrix, gdouble *kr, gdouble *kb);
/* Converts sample values of the format's depth to R'G'B', 0..255, not clamped.
 */
void oracle_to_rgb (
    const GstVideoInfo *info, const gdouble component[3], gdouble rgb[3]);
/* Converts R'G'B', 0..1, to sample values. */
void oracle_from_rgb (
    const GstVideoInfo *info, const gdouble rgb[3], gdouble component[3]);

/* Computes the tensor that unet_preprocess_run() should make. */
void oracle_preprocess (const GstVideoFrame *frame,
    const UnetContract *contract, guint width, guint height,
    const UnetPlacement *placement, gdouble *tensor);

/* Computes the frame that unet_overlay_draw() should make. Samples of @before
 * at their own resolution become those of @after; @alpha[c] says how much of
 * each was drawn, 0..1. All arrays are as large as the planes. */
void oracle_overlay (const GstVideoInfo *info, const UnetMask *mask,
    const guint32 *argb, gdouble opacity, gdouble threshold,
    const TestPlane *before, guint n_planes, gdouble *after[3],
    gdouble *alpha[3]);

/* Returns the alpha of a pixel, 0..1, from its classes where they cover it and
 * from the background elsewhere. */
gdouble oracle_alpha (const UnetMask *mask, const guint32 *argb,
    gdouble threshold, guint x, guint y);
/* Returns the probability of the only class at a pixel, 0..1. */
gdouble oracle_probability (const UnetMask *mask, guint x, guint y);
/* Returns the class of a pixel, or -1 if it depends on rounding. */
gint oracle_class (const UnetMask *mask, gdouble threshold, guint x, guint y);
