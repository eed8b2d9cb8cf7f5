/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Temporal smoothing of coverage, so that edges of still pictures do not
 * flicker. */

#include <glib.h>

G_BEGIN_DECLS

/* Averages @n pixels of @smoothed with their new coverage @fresh, in place.
 * weight[column[i]] is the weight of the new value, 0..255, from
 * UnetTemporal. */
void unet_coverage_smooth_row (guint8 *smoothed, const guint8 *fresh,
    const guint16 *column, const guint8 *weight, guint n);

G_END_DECLS
