/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Times on disk, which outlive the process. */

#include "engine/run/plan.h"

G_BEGIN_DECLS

typedef struct _UnetTimingCache UnetTimingCache;

/* Reads what earlier processes measured for such a network and remembers it.
 * Collects the times of this thread until unet_timing_cache_close(). Returns
 * %NULL where UNETSEG_TUNING_CACHE turns the cache off. */
UnetTimingCache *unet_timing_cache_open (const UnetPlan *plan);

/* Frees @cache (nullable). @keep: writes the times that are not on disk yet. A
 * file that cannot be written is only logged. */
void unet_timing_cache_close (UnetTimingCache *cache, gboolean keep);

/* Returns a text (transfer full) that is equal for networks of equal operators
 * and shapes, whatever their weights. */
gchar *unet_timing_cache_describe (const UnetGraph *graph);

G_END_DECLS
