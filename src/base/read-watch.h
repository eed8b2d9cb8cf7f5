/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tells for how long nothing has been read from a file. A demuxer that has
 * stalled, or an element that decodebin has dropped, reads no more. */

#include "base/export.h"

#include <gst/gst.h>

G_BEGIN_DECLS

/* After so many seconds of silence no picture or stream comes any more. */
#define UNET_READ_SILENCE 10

/* Reference-counted. */
typedef struct _UnetReadWatch UnetReadWatch;

/* Returns (transfer full). */
UNET_INTERNAL_API UnetReadWatch *unet_read_watch_new (void);
UNET_INTERNAL_API UnetReadWatch *unet_read_watch_ref (UnetReadWatch *self);
UNET_INTERNAL_API void unet_read_watch_unref (UnetReadWatch *self);

/* Watches what is read from @source, which is not running yet. A source that
 * only pushes is watched by its buffers. */
UNET_INTERNAL_API void unet_read_watch_add_source (
    UnetReadWatch *self, GstElement *source);

/* There is no silence between these two, which are for work that holds up the
 * reader. Any thread. */
UNET_INTERNAL_API void unet_read_watch_begin_work (UnetReadWatch *self);
UNET_INTERNAL_API void unet_read_watch_end_work (UnetReadWatch *self);

/* Returns whether a read has given data. */
UNET_INTERNAL_API gboolean unet_read_watch_has_begun (UnetReadWatch *self);
/* Returns the seconds since the last read that gave data or, before the first
 * one, since the first call. 0 while a read or work is under way. Reads at the
 * end of a file give no data. Meant to be called several times a second, by one
 * thread: a call adds half a second at most, so that a program that was stopped
 * sees no silence. While the process computes, its processor time counts. */
UNET_INTERNAL_API gdouble unet_read_watch_measure_silence (UnetReadWatch *self);

G_END_DECLS
