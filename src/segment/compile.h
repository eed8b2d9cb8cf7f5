/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Makes a session for a stream: in the calling thread, or as the work of a
 * background job. */

#include "segment/thread-choice.h"

#include <unetseg/unetseg.h>

G_BEGIN_DECLS

/* A session to compile. */
typedef struct {
  UnetModel *model;
  UnetContract *contract;
  guint input; /* index of the picture's input */
  guint width, height;
  gboolean measures; /* implementations are measured, else chosen by rule */
  UnetSessionOptions options;
  UnetThreadChoice choice;      /* a copy: chooses the threads by rule */
  UnetCalibration *calibration; /* (nullable): with frames, it is finished
                                 * first */
  gchar *calibration_path;      /* (nullable): where it is saved then */
} UnetCompilation;

/* A session and what is known of it. Without a session there is none. */
typedef struct {
  UnetSession *session; /* (nullable) */
  guint width, height;
  guint threads;                /* as asked for: 0 is one per processor */
  guint64 run_time;             /* nanoseconds; 0: not measured */
  guint64 alone;                /* nanoseconds with one thread; 0: not tried */
  gboolean by_rule;             /* not measured */
  UnetCalibration *calibration; /* (nullable): that it was given */
} UnetCompiled;

/* Copies what the arguments point to. */
UnetCompilation *unet_compilation_new (UnetModel *model,
    const UnetContract *contract, guint input,
    const UnetSessionOptions *options);
void unet_compilation_free (UnetCompilation *self);

/* Takes milliseconds by rule; measuring and calibrating take seconds, and end
 * within a layer's time once @cancellable (nullable) is cancelled. Returns:
 * (transfer full): to be freed with unet_compiled_free(), or %NULL with
 * %UNET_ERROR or %G_IO_ERROR_CANCELLED set. */
UnetCompiled *unet_compile (
    UnetCompilation *self, GCancellable *cancellable, GError **error);
void unet_compiled_clear (UnetCompiled *self);
void unet_compiled_free (UnetCompiled *self);

G_END_DECLS
