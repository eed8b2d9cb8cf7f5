/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/score.h"

#include "lib/parts.h"

#include <math.h>

/* Boundary IoU (Cheng et al. 2021) with its width of the band. */
#define BAND 0.02
/* Probabilities that say neither. */
#define UNSURE_FROM 0.2
#define UNSURE_TO   0.8

static gdouble
ratio (gsize part, gsize whole)
{
  return whole > 0 ? (gdouble) part / whole : 1;
}

/* Intersection over union of the pixels that are @value. */
static gdouble
iou (const guint8 *a, const guint8 *b, gsize n, guint8 value)
{
  gsize both = 0, any = 0;

  for (gsize i = 0; i < n; i++) {
    both += a[i] == value && b[i] == value;
    any += a[i] == value || b[i] == value;
  }
  return ratio (both, any);
}

/* One row or column of @n samples: 1 where all within @reach are; beyond the
 * ends is nothing. */
static void
erode_line (const guint8 *src, guint8 *dst, guint n, gsize step, guint reach)
{
  guint run = 0; /* ones that end at i */

  for (guint i = 0; i < n + reach; i++) {
    run = i < n && src[i * step] ? run + 1 : 0;
    if (i >= reach)
      dst[(i - reach) * step] = run > 2 * reach;
  }
}

/* The pixels of @mask at most @reach from its outline; the picture's border
 * is one too. */
static guint8 *
make_band (const guint8 *mask, guint width, guint height, guint reach)
{
  gsize n = (gsize) width * height;
  guint8 *across = g_malloc (n), *band = g_malloc (n);

  for (guint y = 0; y < height; y++)
    erode_line (
        mask + (gsize) y * width, across + (gsize) y * width, width, 1, reach);
  for (guint x = 0; x < width; x++)
    erode_line (across + x, band + x, height, width, reach);
  for (gsize i = 0; i < n; i++)
    band[i] = mask[i] && !band[i];
  g_free (across);
  return band;
}

static gdouble
boundary_iou (
    const guint8 *found, const guint8 *truth, guint width, guint height)
{
  guint reach = MAX (1, (gint) rint (BAND * hypot (width, height)));
  g_autofree guint8 *a = make_band (found, width, height, reach);
  g_autofree guint8 *b = make_band (truth, width, height, reach);

  return iou (a, b, (gsize) width * height, 1);
}

/* Returns the share of probabilities that say neither. */
static gdouble
measure_unsure (const guint8 *probability, gsize n)
{
  gsize unsure = 0;

  if (!probability)
    return NAN;
  for (gsize i = 0; i < n; i++)
    unsure += probability[i] > UNSURE_FROM * 255
        && probability[i] < UNSURE_TO * 255;
  return ratio (unsure, n);
}

void
tool_score (const ToolMaskPair *pair, ToolScore *score)
{
  const guint width = pair->width, height = pair->height;
  const guint8 *found = pair->found, *truth = pair->truth;
  gsize n = (gsize) width * height, area = 0, wanted = 0;

  for (gsize i = 0; i < n; i++) {
    area += found[i];
    wanted += truth[i];
  }
  *score = (ToolScore){ .empty = wanted == 0,
    .false_area = ratio (area, n),
    .unsure = measure_unsure (pair->probability, n),
    .islands = tool_count_wrong_parts (found, truth, width, height, 1) };
  if (score->empty)
    return;
  score->foreground_iou = iou (found, truth, n, 1);
  score->miou = (score->foreground_iou + iou (found, truth, n, 0)) / 2;
  score->boundary_iou = boundary_iou (found, truth, width, height);
  score->holes = tool_count_wrong_parts (found, truth, width, height, 0);
}
