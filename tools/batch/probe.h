/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is known of an input before it is decoded. */

#include "batch/item.h"
#include "base/picture-decoder.h"

G_BEGIN_DECLS

typedef struct {
  guint width, height; /* as stored */
  guint par_n, par_d;
  gboolean picture; /* not a video */
  gboolean exact;   /* the duration is the container's, no estimate */
  GstClockTime duration;
  gchar *orientation;     /* (nullable): image-orientation, unless upright */
  const gchar *direction; /* of videoflip, when there is an orientation */
  gchar *container;       /* (nullable): mp4, mov, mkv, webm */
  gchar *truncated;       /* (nullable): why a picture is not complete */
  UnetPictureDecoder decoder; /* of a picture whose header tells it; otherwise
                               * its element is %NULL */
  const gchar *package;       /* (nullable): without which it fails */
  gsize size;                 /* bytes of the file for it */
} BatchProbe;

/* Finds the streams of an input; takes up to a minute. Fails with
 * %BATCH_ERROR_INPUT, or with %BATCH_ERROR_NO_MEDIA for a file that was found
 * in a folder and is not a recording. */
gboolean batch_probe (const BatchItem *item, BatchProbe *probe, GError **error);
void batch_probe_clear (BatchProbe *probe);

G_END_DECLS
