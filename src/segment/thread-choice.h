/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/video/video.h>

G_BEGIN_DECLS

/* Chooses the number of threads of an inference where the user has not set it.
 * Threads that share a frame wait for each other between layers, and a small
 * network loses more by falling asleep and waking than it gains. A camera's
 * frames therefore get one thread, as long as it ends in time. */
typedef struct {
  gboolean chooses; /* FALSE: the user has set the number */
  guint processors;
  GThread *stream; /* (nullable): the thread that brings frames; under the
                    * lock of all choices */
  guint misfits;   /* frames in a row for which another number would suit */
  guint64 budget;  /* nanoseconds that one thread may take; 0: no limit */
  guint64 alone;   /* nanoseconds that one thread took; 0: not tried */
} UnetThreadChoice;

/* @threads: set by the user; 0: choose. */
void unet_thread_choice_init (UnetThreadChoice *self, guint threads);
/* Takes the frame rate of @info. @live: frames come from a camera. */
void unet_thread_choice_set_info (
    UnetThreadChoice *self, const GstVideoInfo *info, gboolean live);
/* Counts the calling thread as a stream until unet_thread_choice_leave(). */
void unet_thread_choice_join (UnetThreadChoice *self);
void unet_thread_choice_leave (UnetThreadChoice *self);
/* Threads for the next session; 0: one for each processor. */
guint unet_thread_choice_get (const UnetThreadChoice *self);
/* Call it with every frame. Returns TRUE when a number other than @threads has
 * suited for about a second, so that streams which come and go for a moment do
 * not cost a compilation. */
gboolean unet_thread_choice_should_change (
    UnetThreadChoice *self, guint threads);

G_END_DECLS
