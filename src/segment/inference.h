/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "segment/frame-path.h"

G_BEGIN_DECLS

/* One run of the network on a frame that was read, and its mask. */
typedef struct {
  UnetFramePath *path;
  UnetSession *session;
  UnetCalibration *collecting; /* (nullable): takes the inputs of the run */
  GCancellable *cancellable;   /* ends the run early */
  gdouble threshold;
  gboolean keeps_outputs;

  UnetMaskBuffers mask;
  GArray *outputs;  /* (nullable) (element-type UnetOutputCopy) */
  guint64 run_time; /* nanoseconds, of the network alone */
  GError *error;    /* (nullable): then there is no mask */
} UnetInference;

/* Fills @self in; takes references. @collecting: (nullable) (transfer full).
 * The run keeps no outputs unless the caller sets keeps_outputs. */
void unet_inference_init (UnetInference *self, UnetFramePath *path,
    UnetSession *session, UnetCalibration *collecting,
    GCancellable *cancellable, gdouble threshold);
void unet_inference_clear (UnetInference *self);
/* Runs the network and fills the mask in, or the error. */
void unet_inference_run (UnetInference *self);

/* A thread that runs one inference at a time while frames go on. All calls come
 * from one thread at a time. */
typedef struct _UnetInferenceThread UnetInferenceThread;

/* Returns %NULL with %G_THREAD_ERROR set where no thread can be had. */
UnetInferenceThread *unet_inference_thread_new (GError **error);
/* Waits for the run that is under way. */
void unet_inference_thread_free (UnetInferenceThread *self);
/* Is a run under way? */
gboolean unet_inference_thread_is_busy (UnetInferenceThread *self);
/* Starts a run; nothing may be under way or done. Takes what @inference
 * holds. */
void unet_inference_thread_start (
    UnetInferenceThread *self, UnetInference *inference);
/* Takes a run that is done. @wait_until: monotonic time in microseconds up to
 * which the call waits for it; 0: not at all; G_MAXINT64: as long as it takes.
 * @inference: (out): to be cleared. Returns FALSE where there is none. */
gboolean unet_inference_thread_take (
    UnetInferenceThread *self, gint64 wait_until, UnetInference *inference);

G_END_DECLS
