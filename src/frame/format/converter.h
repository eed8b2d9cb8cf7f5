/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* GstVideoConverter with a frame of our own at one end: the way in and out for
 * formats that the kernels of this folder do not know. */

#include <gst/video/video.h>

G_BEGIN_DECLS

typedef struct {
  GstVideoConverter *in, *out; /* @out only where asked for */
  GstVideoInfo info;
  GstBuffer *buffer;
  GstVideoFrame frame; /* mapped as long as this lives */
} UnetConverter;

/* A format with one sample per byte or word, of the same colours. For reading
 * alone 8 bits and the subsampling of @info; both ways as deep as @info. */
UnetConverter *unet_converter_new (
    const GstVideoInfo *info, gboolean both_ways, GError **error);
void unet_converter_free (UnetConverter *self);
void unet_converter_read (UnetConverter *self, const GstVideoFrame *frame);
void unet_converter_write (UnetConverter *self, GstVideoFrame *frame);

G_END_DECLS
