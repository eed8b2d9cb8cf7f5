/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/video/video.h>

G_BEGIN_DECLS

/* Decides in a live stream whether frames wait for their masks. They do as long
 * as masks come within a frame's time. Otherwise frames pass at once with the
 * newest mask. Depends on nothing that a sink or a queue says. */
typedef struct {
  GstClockTime latency; /* nanoseconds, constant for frames of one rate */
  GstClockTime budget;  /* nanoseconds of it that a frame may wait */
  gboolean waits;
  guint misses;  /* weighted: see live-pacing.c */
  guint in_time; /* runs in a row that would have been in time */
} GstUnetLivePacing;

/* Frames wait. */
void gst_unet_live_pacing_init (GstUnetLivePacing *self);
/* Frames of @info follow. @drawing: nanoseconds that drawing takes. Whether
 * frames wait stays as it is: what has been too slow mostly is for other frames
 * too. */
void gst_unet_live_pacing_set_info (
    GstUnetLivePacing *self, const GstVideoInfo *info, GstClockTime drawing);
/* Monotonic time in microseconds up to which the frame that comes now waits; 0:
 * not at all. @lateness: nanoseconds by which it comes too late, which are
 * taken off the budget, so that a stream that has fallen behind catches up.
 * @downstream: nanoseconds of latency of what follows. A sink that keeps the
 * clock holds each frame so long, and with it the thread that brings the next
 * one. */
gint64 gst_unet_live_pacing_get_wait (const GstUnetLivePacing *self,
    GstClockTime lateness, GstClockTime downstream);
/* A frame was read by the network. @own: it got its own mask in time.
 * @run_time: nanoseconds of a run that ended; 0: none did. Returns whether the
 * decision changes. */
gboolean gst_unet_live_pacing_add (
    GstUnetLivePacing *self, gboolean own, guint64 run_time);

G_END_DECLS
