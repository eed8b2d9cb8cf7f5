/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/edges/coverage-smoothing.h"
#include "base/simd.h"

#include <stdlib.h>

/* Difference of coverage, of 255, that noise of a camera makes at an edge. A
 * smaller one counts by its square. More of it makes still edges steadier and
 * slow ones lag; 160 is where `masks flicker` stops gaining and `masks lag`
 * still loses nothing. */
#define NOISE 160

/* Returns the share of the new value, 0..256. Values of 0 and 255 are certain
 * and only wait for the weight. */
static inline gint
find_share (gint fresh, gint difference, gint weight)
{
  const gint w = weight + (weight >> 7);
  const gint size = abs (difference);

  if (fresh == 0 || fresh == 255 || size >= NOISE)
    return w;
  return (w * (w + (256 - w) * size / NOISE)) >> 8;
}

/* Differences that round to 0 leave the old value: a still edge stays. */
void
unet_coverage_smooth_row (guint8 *restrict smoothed, const guint8 *fresh,
    const guint16 *column, const guint8 *weight, guint n)
{
  for (guint i = 0; i < n; i++) {
    const gint difference = fresh[i] - smoothed[i];
    const gint share = find_share (fresh[i], difference, weight[column[i]]);

    smoothed[i] = (guint8) (smoothed[i] + ((difference * share + 128) >> 8));
  }
}
