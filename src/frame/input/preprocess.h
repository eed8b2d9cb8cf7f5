/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Frames to tensors: scales, converts colours and normalises. */

#include "frame/format/placement.h"

G_BEGIN_DECLS

/* Belongs to one thread at a time. */
typedef struct _UnetPreprocess UnetPreprocess;

/* Creates a reader of frames of @info. Pixels are averaged when the picture
 * shrinks and bilinear when it grows. Formats whose samples are bytes or native
 * words (4:2:0, 4:2:2, 4:4:4 YUV, RGB and grey, 8 to 16 bits) are read
 * directly. GstVideoConverter unpacks the others (packed bits, tiles, foreign
 * byte order). @contract must be resolved. Returns NULL with UNET_ERROR_LIMIT
 * if the input is too large, with UNET_ERROR_UNSUPPORTED if no converter takes
 * the format. */
UNET_API UnetPreprocess *unet_preprocess_new (const GstVideoInfo *info,
    const UnetContract *contract, guint input_width, guint input_height,
    const UnetPlacement *placement, GError **error);
/* @self may be NULL. */
UNET_API void unet_preprocess_free (UnetPreprocess *self);
/* Fills @tensor: input_width * input_height * channels floats in the contract's
 * layout. @frame is mapped for reading and has the info given above. Allocates
 * nothing. */
UNET_API void unet_preprocess_run (
    UnetPreprocess *self, const GstVideoFrame *frame, gfloat *tensor);

G_END_DECLS
