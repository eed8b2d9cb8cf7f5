/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The sessions of one model for one stream: the one in use, the next one, which
 * is compiled in the background, and the last ones, which are kept for frames
 * whose size comes back. All calls come from one thread at a time. */

#include "segment/background-job.h"
#include "segment/compile.h"
#include "segment/run-options.h"

G_BEGIN_DECLS

typedef struct _UnetSessions UnetSessions;

typedef enum {
  UNET_READY,   /* there is a session for the size asked for */
  UNET_PENDING, /* it is being compiled */
  UNET_FAILED,  /* it cannot be compiled */
} UnetReadiness;

/* @input: index of the picture's input. @jobs: outlives the sessions.
 * Returns %NULL with %UNET_ERROR set for a bad
 * calibration file. */
UnetSessions *unet_sessions_new (UnetModel *model, const UnetContract *contract,
    guint input, const UnetRunOptions *options, UnetJobGroup *jobs,
    GError **error);
/* Cancels what is being compiled. */
void unet_sessions_free (UnetSessions *self);

/* Takes the rate of the frames and counts the calling thread as a stream. */
void unet_sessions_set_info (
    UnetSessions *self, const GstVideoInfo *info, gboolean live);
/* Asks for a session for pictures of this size. Compiles in the background
 * unless there is one; never waits. Returns whether it is there. */
gboolean unet_sessions_request (UnetSessions *self, guint width, guint height);
/* Takes what has been compiled. Call it between two frames. The first session
 * is compiled by rule, within milliseconds. Another one follows that measures
 * its implementations, and a third one in int8 where that is calibrated from
 * the first frames. @waits: waits until there is a session and, in a stream
 * that is not live, for those that follow, so that a file gives the same masks
 * each time. @changed: (out) (optional): the session in use is another one.
 * Returns FAILED with @error set. */
UnetReadiness unet_sessions_update (
    UnetSessions *self, gboolean waits, gboolean *changed, GError **error);

/* (nullable) (transfer none): the session in use. */
UnetSession *unet_sessions_get (UnetSessions *self);
/* Nanoseconds of a run of the session in use. */
guint64 unet_sessions_get_run_time (UnetSessions *self);
/* As unet_auto_calibration_ref_collecting(). */
UnetCalibration *unet_sessions_ref_collecting (UnetSessions *self);
/* (nullable) (transfer none): the calibration that the session in use was
 * compiled with. */
UnetCalibration *unet_sessions_get_calibration (UnetSessions *self);

G_END_DECLS
