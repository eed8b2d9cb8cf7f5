/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Pictures in by GStreamer, masks out as PNG. */

#include <gst/gst.h>

G_BEGIN_DECLS

/* The first picture of a file, whatever GStreamer can decode, turned as its
 * orientation tag says, as RGBx. */
GstSample *tool_picture_load (const gchar *path, GError **error);

/* One frame of each second of a video, or the picture, as RGBx; until @take
 * returns %FALSE. It is called in another thread. */
gboolean tool_picture_each_second (const gchar *path,
    gboolean (*take) (GstSample *sample, gpointer data), gpointer data,
    GError **error);

/* 8-bit grey, stride = width. */
gboolean tool_picture_save_gray (const gchar *path, const guint8 *data,
    guint width, guint height, GError **error);
/* One byte per pixel, an index into 0xRRGGBB @colors; stride = width. */
gboolean tool_picture_save_indexed (const gchar *path, const guint8 *data,
    guint width, guint height, const guint32 *colors, guint n_colors,
    GError **error);

G_END_DECLS
