/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The true masks of a folder's pictures: MASKS/NAME.png for IMAGES/NAME.jpg. */

#include <gst/video/video.h>

G_BEGIN_DECLS

/* Returns (transfer full): the path for a picture called @name. */
gchar *tool_true_mask_path (const gchar *masks, const gchar *name);

/* Returns (transfer full): a byte for each pixel of an RGBx frame, 1 where red
 * is above a half. */
guint8 *tool_mask_read_bright (const GstVideoFrame *frame);

/* Returns (transfer full): the true mask in bytes of 0 and 1, all zero for a
 * picture that has none. %NULL is an error: a file that cannot be read, or of
 * another size than @video. @masks: (nullable) */
guint8 *tool_true_mask_load (const gchar *masks, const gchar *name,
    const GstVideoInfo *video, GError **error);

/* Returns the same as numbers of classes; %TOOL_CLASS_UNKNOWN everywhere for a
 * picture that has none. */
guint8 *tool_true_mask_load_numbers (const gchar *masks, const gchar *name,
    const GstVideoInfo *video, GError **error);

G_END_DECLS
