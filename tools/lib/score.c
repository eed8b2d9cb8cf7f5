/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lib/score.h"

#include <math.h>

/* Boundary IoU (Cheng et al. 2021) with its width of the band. */
#define BAND 0.02

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

void
tool_score (const guint8 *found, const guint8 *truth, guint width, guint height,
    ToolScore *score)
{
  gsize n = (gsize) width * height, area = 0, wanted = 0;

  for (gsize i = 0; i < n; i++) {
    area += found[i];
    wanted += truth[i];
  }
  *score = (ToolScore){ .empty = wanted == 0, .false_area = ratio (area, n) };
  if (score->empty)
    return;
  score->foreground_iou = iou (found, truth, n, 1);
  score->miou = (score->foreground_iou + iou (found, truth, n, 0)) / 2;
  score->boundary_iou = boundary_iou (found, truth, width, height);
}
