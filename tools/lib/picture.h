/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Pictures decoded by GStreamer, and PNG files. */

#include <gst/gst.h>

G_BEGIN_DECLS

/* Decodes the first picture of a file, in any format that GStreamer decodes,
 * upright by EXIF or its tags, in the decoder's pixel format: what the element
 * would get. Returns (transfer full), or %NULL with an error of
 * %TOOL_ERROR_PICTURE that names the file. */
GstSample *tool_picture_load (const gchar *path, GError **error);
/* The same as RGBx. */
GstSample *tool_picture_load_rgb (const gchar *path, GError **error);

/* Passes one frame of each second of a video, or the picture, to @take, in the
 * decoder's pixel format, until it returns %FALSE. @take runs in another
 * thread. */
gboolean tool_picture_each_second (const gchar *path,
    gboolean (*take) (GstSample *sample, gpointer data), gpointer data,
    GError **error);

/* Writes 8-bit grey; stride = width. */
gboolean tool_picture_save_gray (const gchar *path, const guint8 *data,
    guint width, guint height, GError **error);
/* Writes one byte per pixel, an index into @colors (0xRRGGBB); stride =
 * width. */
gboolean tool_picture_save_indexed (const gchar *path, const guint8 *data,
    guint width, guint height, const guint32 *colors, guint n_colors,
    GError **error);

G_END_DECLS
