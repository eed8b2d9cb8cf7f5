/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Parameters of Resize and Upsample. */

#include "graph/ops/args.h"

G_BEGIN_DECLS

typedef enum {
  UNET_RESIZE_NEAREST,
  UNET_RESIZE_LINEAR,
  UNET_RESIZE_CUBIC
} UnetResizeMode;

typedef enum {
  UNET_COORD_HALF_PIXEL,
  UNET_COORD_PYTORCH_HALF_PIXEL,
  UNET_COORD_ALIGN_CORNERS,
  UNET_COORD_ASYMMETRIC,
  UNET_COORD_TF_HALF_PIXEL_FOR_NN,
  UNET_COORD_TF_CROP_AND_RESIZE,
  UNET_COORD_HALF_PIXEL_SYMMETRIC,
} UnetResizeCoord;

/* Attributes and inputs resolved for known shapes. */
typedef struct {
  UnetResizeMode mode;
  UnetResizeCoord coord;
  gint nearest; /* 0 round_prefer_floor, 1 round_prefer_ceil, 2 floor, 3 ceil */
  gfloat cubic_a;
  gboolean exclude_outside;
  gboolean antialias; /* the filter widens where a scale is below 1 */
  gfloat extrapolation;
  gdouble scale[UNET_MAX_DIMS]; /* output pixels per input pixel, by axis */
  gdouble roi[2 * UNET_MAX_DIMS];
} UnetResize;

/* Sets the output's dims as well, -1 where they are open. Returns %FALSE with
 * @error set when the numbers make no sense. */
gboolean unet_resize_resolve (
    const UnetArgs *args, UnetResize *resize, gint64 *out_dims, GError **error);
/* The same for a node of a graph. @graph: (nullable): for errors. */
gboolean unet_node_resize (const UnetGraph *graph, const UnetNode *node,
    UnetResize *resize, GError **error);
/* Returns where output position @position of @axis lies in the input. It
 * computes in floats, as other runtimes do, so that rounding agrees. @rank: of
 * the input; @in, @out: extents of the axis. */
gfloat unet_resize_coord (const UnetResize *resize, guint rank, guint axis,
    gint64 position, gint64 in, gint64 out);

G_END_DECLS
