/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Masks as numbers: results.jsonl with areas, boxes, centroids and RLE, and
 * the areas over time for the report. */

#include <gst/gst.h>
#include <unetseg/unet-seg-meta.h>

G_BEGIN_DECLS

typedef struct _BatchResults BatchResults;

/* @path (nullable): of the JSON Lines. Returns %NULL with %BATCH_ERROR_OUTPUT
 * when it cannot be written. */
BatchResults *batch_results_new (const gchar *path, GError **error);
void batch_results_free (BatchResults *results);

/* Adds a frame of @width x @height pixels. @mask: (nullable); @time: stream
 * time. One thread. */
void batch_results_add (BatchResults *results, const UnetSegMeta *mask,
    guint width, guint height, GstClockTime time);

/* Closes the file and writes the timeline to @timeline (nullable). */
gboolean batch_results_finish (
    BatchResults *results, const gchar *timeline, GError **error);

G_END_DECLS
