/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The files that a background is made of. */

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct {
  gchar *path;
  GstClockTime duration; /* for how long a still picture is shown */
} GstUnetBackgroundEntry;

/* Returns whether @path is shown by a thread of its own: a video, a GIF or a
 * playlist. Reads the first bytes of the file. */
gboolean gst_unet_background_is_moving (const gchar *path);
/* Returns whether @path begins as a picture that stands still does. */
gboolean gst_unet_background_is_picture (const gchar *path);
/* Returns: (transfer full) (element-type GstUnetBackgroundEntry): @path itself,
 * or the files that a playlist in M3U names: paths from its own folder, and
 * URIs of files. `#EXTINF:SECONDS` before a picture is its duration, else it
 * is 5 s. %NULL with @error of %GST_RESOURCE_ERROR set where the list cannot be
 * read or names nothing. */
GPtrArray *gst_unet_background_list_read (const gchar *path, GError **error);

G_END_DECLS
