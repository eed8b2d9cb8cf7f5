/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Masks as numbers: JSON Lines of areas, boxes, centroids and RLE, and the
 * areas over time for the report. */

#include "batch/types.h"

G_BEGIN_DECLS

typedef struct _BatchResults BatchResults;

/* @path: (nullable): of the JSON Lines; @number: of the first frame. */
BatchResults *batch_results_new (const gchar *path, GError **error);
/* One frame; @time: stream time. Called by one thread. */
void batch_results_add (BatchResults *results, const UnetSegMeta *mask,
    guint width, guint height, GstClockTime time);
/* Ends the file and writes the timeline, unless that is %NULL. */
gboolean batch_results_finish (
    BatchResults *results, const gchar *timeline, GError **error);
void batch_results_free (BatchResults *results);

/* Run lengths of the pixels of @class_id, column by column, beginning with
 * those that are not of it: COCO's. Returns: (transfer full) */
GArray *batch_rle_count (
    const guint8 *map, guint width, guint height, guint8 class_id);
/* The same in COCO's compressed form. */
gchar *batch_rle_to_string (const GArray *counts);

G_END_DECLS
