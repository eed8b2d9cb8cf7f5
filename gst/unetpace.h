/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/video/video.h>

G_BEGIN_DECLS

/* How many threads share an inference where nobody has said it. Threads that
 * share a frame wait for each other, and to fall asleep and be woken between
 * layers costs a small network more than it gains: with a camera's frames one
 * thread does, as long as it is through in time. */
typedef struct {
  gboolean chooses;
  guint processors;
  GThread *stream; /* (nullable): whose frames come; under the lock */
  guint misfits;   /* frames since another number would suit */
  guint64 budget;  /* nanoseconds one thread may take; 0: nobody waits */
  guint64 alone;   /* that it took; 0: has not been tried */
} UnetPace;

void unet_pace_init (UnetPace *self, guint threads);
/* Frames of @info come, from a camera or from a file. */
void unet_pace_set_info (
    UnetPace *self, const GstVideoInfo *info, gboolean live);
/* The calling thread is the one that brings frames. */
void unet_pace_join (UnetPace *self);
void unet_pace_leave (UnetPace *self);
/* 0: one for each processor. */
guint unet_pace_get_threads (const UnetPace *self);
/* Called with every frame: whether it is time to change over from @threads,
 * which streams that come and go for a moment are not worth. */
gboolean unet_pace_should_change (UnetPace *self, guint threads);

G_END_DECLS
