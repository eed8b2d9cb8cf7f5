/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A decoded picture as the input of a network. */

#include "frame/format/placement.h"

#include <gst/video/video.h>
#include <unetseg/unetseg.h>

G_BEGIN_DECLS

/* Maps the buffer of a sample. On failure sets an error of
 * %TOOL_ERROR_PICTURE. */
gboolean tool_picture_map (GstVideoFrame *frame, const GstVideoInfo *info,
    GstBuffer *buffer, GstMapFlags flags, GError **error);

/* Fits, orders and normalises a picture as @contract says, to @width x @height
 * pixels, and writes the floats to @tensor. @placement: from
 * unet_placement_init (). */
gboolean tool_picture_to_tensor (GstSample *sample, const GstVideoInfo *info,
    const UnetContract *contract, const UnetPlacement *placement, guint width,
    guint height, gfloat *tensor, GError **error);

/* The same for the whole input of a session, as eval and calibrate need it.
 * @input: index of the contract's input. */
gboolean tool_picture_to_session (GstSample *sample,
    const UnetContract *contract, UnetSession *session, guint input,
    guint width, guint height, GError **error);

G_END_DECLS
