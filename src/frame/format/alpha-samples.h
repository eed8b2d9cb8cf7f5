/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The place of a format's alpha, which GStreamer never subsamples. */

#include <gst/video/video.h>

G_BEGIN_DECLS

typedef struct {
  guint plane;
  guint offset, step; /* in samples from the plane's and pixel's start */
  guint bytes;        /* of a sample: 1 or 2 */
  guint depth, shift; /* significant bits, and how far up they sit */
} UnetAlphaSamples;

/* @info: of a format with alpha in which every sample is a byte or a native
 * word. */
void unet_alpha_samples_init (UnetAlphaSamples *self, const GstVideoInfo *info);
/* Returns the first sample of row @y of @frame, one or two bytes. */
guint8 *unet_alpha_samples_get_row (
    const UnetAlphaSamples *self, const GstVideoFrame *frame, guint y);

G_END_DECLS
