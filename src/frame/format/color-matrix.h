/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A stream's colour components and R'G'B' (ITU-R BT.601, BT.709, BT.2020 and
 * the others that GStreamer names), limited or full range. */

#include <gst/video/video.h>

G_BEGIN_DECLS

/* rgb[i] = sum over j of m[i][j] * component[j] + offset[i]; components as
 * sample values of the format's depth, rgb 0..255. One component means grey. */
typedef struct {
  guint n_components;
  gdouble m[3][3];
  gdouble offset[3];
  /* Grey, 0..255: a YUV stream's own luma, BT.601's of RGB as PIL and OpenCV
   * have it. */
  gdouble luma[3];
  gdouble luma_offset;
} UnetColorMatrix;

void unet_color_matrix_init (UnetColorMatrix *matrix, const GstVideoInfo *info);

/* @rgb: 0..1; @component: sample values of the format's depth, not rounded. */
void unet_color_from_rgb (
    const GstVideoInfo *info, const gdouble rgb[3], gdouble component[3]);

G_END_DECLS
