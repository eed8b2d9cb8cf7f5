/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Percentiles over the last UNET_TIMING_WINDOW times, in nanoseconds. */
#define UNET_TIMING_WINDOW 128

typedef struct {
  guint64 ring[UNET_TIMING_WINDOW];
  guint64 sorted[UNET_TIMING_WINDOW];
  guint n, next;
} UnetTiming;

void unet_timing_reset (UnetTiming *self);
void unet_timing_add (UnetTiming *self, guint64 time);
/* By nearest rank; 0 before the first time. @percent: 1 to 100. */
guint64 unet_timing_percentile (const UnetTiming *self, guint percent);

G_END_DECLS
