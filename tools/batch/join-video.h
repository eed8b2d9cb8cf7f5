/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Segments of a video joined packet by packet. */

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct {
  gchar *path;
  GstClockTime first; /* time of its first frame in the recording */
} JoinPart;

/* Writes @path from @parts, which have the container that the extension of
 * @path names. @audio (nullable): URI of a recording whose sound is added.
 * Fails with %BATCH_ERROR_OUTPUT. */
gboolean batch_join_video (const gchar *path, const JoinPart *parts,
    guint n_parts, const gchar *audio, GError **error);

G_END_DECLS
