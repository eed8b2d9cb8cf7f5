/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A rectangle of a frame resampled to rows of floats, one per colour
 * component, in the stream's own sample values. */

#include "frame/format/placement.h"
#include "frame/format/pixel-layout.h"
#include "frame/input/scale.h"

G_BEGIN_DECLS

/* Components that lie alike in a plane: same step, same subsampling. */
typedef struct {
  UnetColumnAxis columns;
  guint step;
  guint start, n; /* samples of a row, the first and how many */
  guint n_components;
  guint component[3], offset[3];
} UnetScan;

/* Components whose rows are summed in one go. */
typedef struct {
  guint plane;
  UnetRowAxis rows;
  guint start, n;
  guint n_scans;
  UnetScan scan[3];
} UnetPlanePass;

typedef struct {
  guint bytes;
  guint n_passes;
  UnetPlanePass pass[3];
  guint32 *sum, *running, *scratch;
  guint16 *sum16;
} UnetResampler;

/* Only the first @n_components are made. */
void unet_resampler_init (UnetResampler *self, const GstVideoInfo *info,
    const UnetPixelLayout *layout, guint n_components,
    const UnetPlacement *placement);
void unet_resampler_clear (UnetResampler *self);
/* Row @y of the result; components[i] holds placement->dst_w floats. */
void unet_resampler_row (UnetResampler *self, const GstVideoFrame *frame,
    guint y, gfloat *const components[3]);

G_END_DECLS
