/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Compiles a graph into a plan. */

#include "engine/cost/timing.h"

G_BEGIN_DECLS

/* How a graph is compiled, besides the session's options. All pointers are
 * (nullable). */
typedef struct {
  const UnetLowPrecision *low_precision; /* read during the call only */
  GHashTable *histograms; /* of unet_histograms_new(): every run of the plan
                           * adds to them; they must outlive it */
  const UnetTimeSource *times; /* instead of measurements and the cache on
                                * disk; read during the call only */
  gboolean times_run;          /* where the tuning measures: whole runs, too */
} UnetCompileOptions;

/* Compiles @graph, which is inferred, without open dimensions, and optimized
 * unless the tuning is UNET_TUNING_REFERENCE. The plan takes over @graph, also
 * when compiling fails. @compile: (nullable). Returns %NULL with @error set:
 * UNET_ERROR_SHAPE, UNET_ERROR_LIMIT, UNET_ERROR_ENGINE or what a node's window
 * is refused with. */
UnetPlan *unet_plan_new (UnetGraph *graph, const UnetSessionOptions *options,
    const UnetCompileOptions *compile, GError **error);

G_END_DECLS
