/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The places of a format's colour samples, for formats in which each sample is
 * a byte or a native 16-bit word. */

#include <gst/video/video.h>

G_BEGIN_DECLS

typedef struct {
  guint plane;
  guint offset, step; /* in samples from the plane's and pixel's start */
  guint w_sub, h_sub; /* log2 of the subsampling */
} UnetLayoutComponent;

typedef struct {
  guint n_components; /* 1 or 3; alpha is left out */
  guint n_planes;     /* planes with colour */
  guint bytes;        /* of a sample: 1 or 2 */
  guint depth, shift; /* significant bits, and how far up they sit */
  UnetLayoutComponent component[3];
} UnetPixelLayout;

/* FALSE for packed bit fields, tiles, palettes and foreign byte order. */
gboolean unet_pixel_layout_init (
    UnetPixelLayout *layout, const GstVideoInfo *info);

/* Coordinate of frame position @x on the sample grid of a component that is
 * subsampled 1 << @sub times: sample i covers i .. i + 1. */
gdouble unet_chroma_position (gdouble x, guint sub, gboolean cosited);
gboolean unet_chroma_cosited_h (const GstVideoInfo *info);
gboolean unet_chroma_cosited_v (const GstVideoInfo *info);

G_END_DECLS
