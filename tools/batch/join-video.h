/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Segments of a video one after the other, packet by packet. */

#include "batch/types.h"

G_BEGIN_DECLS

typedef struct {
  gchar *path;
  GstClockTime first; /* time of its first frame in the recording */
} JoinPart;

/* Writes @path from @parts, all of the container that @path's extension
 * names. @audio: (nullable): a recording whose sound goes with it. */
gboolean join_video (const gchar *path, const JoinPart *parts, guint n_parts,
    const gchar *audio, GError **error);

G_END_DECLS
