/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Histograms of the magnitudes of a network's values, which steps of a plan
 * fill during calibration. */

#include "engine/run/plan.h"

G_BEGIN_DECLS

#define UNET_BINS 2048

typedef struct {
  gboolean negative; /* some value was below zero */
  gfloat width;      /* magnitude where the last bin ends; 0: still empty */
  guint64 bins[UNET_BINS];
} UnetHistogram;

/* Returns a table (transfer full): the name of a value -> its UnetHistogram. */
GHashTable *unet_histograms_new (void);

/* Counts @n numbers on up to @threads threads. Of more than a million numbers
 * it counts a sample. */
void unet_histogram_add (
    UnetHistogram *self, const gfloat *data, gsize n, guint threads);

/* Returns the range that gives int8 the least squared error: larger numbers
 * are clipped, and smaller ones are rounded more finely for it. */
UnetRange unet_histogram_range (const UnetHistogram *self);

/* Adds a step that adds @value to its histogram in plan->histograms, if it is
 * a computed 4-D f32 tensor. */
void unet_emit_watch (UnetPlan *plan, UnetValue *value);

G_END_DECLS
