/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The plan of a plane: how its samples take alpha and colours from rows of
 * pixels. */

#include "frame/format/pixel-layout.h"

G_BEGIN_DECLS

typedef struct {
  gboolean used;
  gboolean chroma;  /* every component is subsampled */
  gboolean mixed;   /* luma and chroma by turns, 4:2:2 */
  guint step;       /* samples of a pixel, or of a chroma site */
  guint width;      /* pixels or chroma sites of a row */
  guint luma_first; /* of two samples, where @mixed */
  guint8 owned[4];  /* which of a pixel's samples are colour */
  guint n_components;
  guint component[3], offset[3];
  guint16 *flat; /* a row of samples in one colour */
} UnetPlanePlan;

/* Returns whether the planes of frames of @layout have plans: chroma is as
 * large as luma, or half as large. */
gboolean unet_plane_plan_is_possible (const UnetPixelLayout *layout);
/* Adds component @index of a frame @width pixels wide, which lies in the plane.
 * The plan starts as zeros. */
void unet_plane_plan_add (UnetPlanePlan *plan,
    const UnetLayoutComponent *component, guint index, guint width);

G_END_DECLS
