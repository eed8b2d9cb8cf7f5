/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Percentiles over the last GST_UNET_TIMING_WINDOW times, in nanoseconds. */
#define GST_UNET_TIMING_WINDOW 128

typedef struct {
  guint64 ring[GST_UNET_TIMING_WINDOW];
  guint64 sorted[GST_UNET_TIMING_WINDOW];
  guint n, next;
} GstUnetTiming;

void gst_unet_timing_reset (GstUnetTiming *self);
void gst_unet_timing_add (GstUnetTiming *self, guint64 time);
/* By nearest rank; 0 before the first time. @percent: 1 to 100. */
guint64 gst_unet_timing_percentile (const GstUnetTiming *self, guint percent);

/* Returns the running time of @pts, @pts itself where the segment is none of
 * time, and 0 for a frame without a time or outside the segment. */
GstClockTime gst_unet_running_time (
    const GstSegment *segment, GstClockTime pts);

G_END_DECLS
