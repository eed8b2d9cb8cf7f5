/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How large the values of a network get: histograms of magnitudes, filled by
 * steps of a plan that watches. */

#include "engine/engine.h"

G_BEGIN_DECLS

#define UNET_BINS 2048

typedef struct {
  gboolean negative;
  gfloat width; /* magnitude where the last bin ends; 0: nothing yet */
  guint64 bins[UNET_BINS];
} UnetHistogram;

/* The name of a value -> its UnetHistogram. */
GHashTable *unet_histograms_new (void);
void unet_histogram_add (
    UnetHistogram *self, const gfloat *data, gsize n, guint threads);
/* The range that costs bytes the least squared error: what lies beyond is
 * clipped, and what lies within is rounded the finer for it. */
UnetRange unet_histogram_range (const UnetHistogram *self);

/* A plan in f32 whose runs add to @histograms, which must outlive it. */
UnetPlan *unet_plan_new_watching (UnetGraph *graph,
    const UnetSessionOptions *options, GHashTable *histograms, GError **error);

G_END_DECLS
