/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <unetseg/unet-session.h>
#include "base/export.h"
#include "engine/run/plan.h"
#include "graph/analysis/receptive-field.h"

G_BEGIN_DECLS

/* How an output lies over the picture input, and what of it each of its pixels
 * depends on. */
typedef struct {
  UnetGeometry geometry;
  UnetReach reach;
  gint64 grid[2]; /* rows, columns: see unet_graph_grid() */
} UnetView;

/* @index: below unet_model_get_n_outputs() */
const UnetView *unet_session_get_view (const UnetSession *session, guint index);

/* Internal options of a session. All pointers may be %NULL. */
typedef struct {
  const UnetLowPrecision *narrowing;
  GHashTable *histograms; /* filled by runs, must outlive the session */
  gboolean times_run;     /* for unet_session_get_run_time() */
} UnetSessionPurpose;

/* A session in f32 or, with a narrowing, in that, whatever options say.
 * @contract: (nullable): knows the picture input and the other ones */
UnetSession *unet_session_compile (UnetModel *model,
    const UnetContract *contract, const UnetTensorInfo *shapes, guint n_shapes,
    const UnetSessionOptions *options, const UnetSessionPurpose *purpose,
    GError **error);
/* Copies @note (nullable) for unet_session_get_precision_note(). */
void unet_session_set_precision_note (UnetSession *self, const gchar *note);
/* Returns the graph as it was compiled. */
const UnetGraph *unet_session_get_graph (UnetSession *self);

/* Returns the nanoseconds of a run, 0 where they were not measured. */
guint64 unet_session_get_run_time (const UnetSession *self);

/* Returns whether there is a reference besides the caller's. */
gboolean unet_session_is_shared (UnetSession *self);
/* As unet_headroom_count_threads(). */
guint unet_session_count_threads (guint threads);

/* Fills every input with zeros. */
void unet_session_clear_inputs (UnetSession *self);

/* Runs from now on end early, with %G_IO_ERROR_CANCELLED, once @cancellable
 * (nullable) is cancelled. It must outlive the runs. */
UNET_INTERNAL_API void unet_session_set_cancellable (
    UnetSession *self, GCancellable *cancellable);

G_END_DECLS
