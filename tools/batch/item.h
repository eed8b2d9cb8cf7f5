/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One input of a batch, or one segment of an input. */

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct {
  gchar *uri;
  gchar *name;     /* of its outputs, below the folder of the batch, in the
                    * encoding of file names */
  gboolean listed; /* found in a folder, not named by the user */
  guint64 size;    /* bytes, 0: not known */
  gint64 mtime;    /* microseconds since 1970, 0: not known */
  guint segment, n_segments; /* n_segments 0: the whole file */
  GstClockTime begin, end;   /* first frame, and first frame of the next
                              * segment; GST_CLOCK_TIME_NONE: the start and the
                              * end of the recording */
} BatchItem;

/* Reads size and time of a local file. Returns (transfer full). */
BatchItem *batch_item_new (const gchar *uri, const gchar *name);
BatchItem *batch_item_copy (const BatchItem *item);
void batch_item_free (BatchItem *item);

/* `clips/a.mp4`, and `[2/5]` behind it for a segment. UTF-8 in one line.
 * Returns (transfer full). */
gchar *batch_item_get_label (const BatchItem *item);
/* Where its outputs are once they are complete, and where they are made: on
 * the same file system, so that a rename moves them. Return (transfer full). */
gchar *batch_item_get_folder (const BatchItem *item, const gchar *folder);
gchar *batch_item_get_work_folder (const BatchItem *item, const gchar *folder);
/* Bytes of the item, a segment counting as its part of the file; at least 1. */
guint64 batch_item_get_weight (const BatchItem *item);

G_END_DECLS
