/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A decoded picture on its way through a network. */

#include "segment/frame-path.h"

#include <gst/video/video.h>
#include <unetseg/unetseg.h>

G_BEGIN_DECLS

/* Maps the buffer of a sample. On failure sets an error of
 * %TOOL_ERROR_PICTURE. */
gboolean tool_picture_map (GstVideoFrame *frame, const GstVideoInfo *info,
    GstBuffer *buffer, GstMapFlags flags, GError **error);

/* Reads a picture into @session, or into the tiles of @path. */
gboolean tool_picture_read (GstSample *sample, UnetFramePath *path,
    UnetSession *session, GError **error);

/* Reads a picture into the whole input of a session, tiles or not, as a
 * calibration needs it. @input: index of the contract's input. */
gboolean tool_picture_to_session (GstSample *sample,
    const UnetContract *contract, UnetSession *session, guint input,
    GError **error);

/* Maps a mask of unet_frame_path_fill() for reading. On failure sets an error
 * of %TOOL_ERROR_PICTURE. */
gboolean tool_mask_map (const UnetFramePath *path,
    const UnetMaskBuffers *buffers, UnetMaskMap *map, GError **error);

G_END_DECLS
