/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/mask/merge-masks.h"

#include <math.h>

/* Weights of samples are in 1/256. */
#define ONE 256

/* ---- shape ------------------------------------------------------------- */

static guint
count_pixels (gint size, gdouble density)
{
  return (guint) CLAMP (lrint (size * density), 1, size);
}

UnetMask
unet_merged_mask_shape (
    const UnetRegion *regions, const UnetMask *parts, guint n)
{
  gdouble across = 0, down = 0; /* mask pixels for each pixel of the frame */
  gint left = G_MAXINT, top = G_MAXINT, right = 0, bottom = 0;

  for (guint i = 0; i < n; i++) {
    const UnetRegion *region = &regions[i];

    left = MIN (left, region->x);
    top = MIN (top, region->y);
    right = MAX (right, region->x + region->width);
    bottom = MAX (bottom, region->y + region->height);
    across = MAX (across, parts[i].width / parts[i].w);
    down = MAX (down, parts[i].height / parts[i].h);
  }
  return (UnetMask){ .width = count_pixels (right - left, MIN (across, 1)),
    .height = count_pixels (bottom - top, MIN (down, 1)),
    .n_classes = parts[0].n_classes,
    .x = left,
    .y = top,
    .w = right - left,
    .h = bottom - top };
}

/* ---- pixels ------------------------------------------------------------ */

/* Two neighbouring pixels of a part, and the weight of the second one. */
typedef struct {
  guint first, second, weight;
} Sample;

/* One axis of both masks. */
typedef struct {
  gdouble to_start, to_scale;     /* of the merged mask, in the frame */
  gdouble part_start, part_scale; /* of the part */
  guint n_part;
} Axis;

static Sample
find_sample (const Axis *axis, guint i)
{
  const gdouble at = axis->to_start + (i + .5) * axis->to_scale;
  const gdouble x = CLAMP (
      (at - axis->part_start) / axis->part_scale - .5, 0, axis->n_part - 1.);
  const guint first = (guint) x;

  return (Sample){ first, MIN (first + 1, axis->n_part - 1),
    (guint) ((x - first) * ONE + .5) };
}

static guint
nearest (const Sample *sample)
{
  return sample->weight < ONE / 2 ? sample->first : sample->second;
}

static guint8
mix (const guint8 *upper, const guint8 *lower, const Sample *x, guint weight)
{
  const guint above =
      upper[x->first] * (ONE - x->weight) + upper[x->second] * x->weight;
  const guint below =
      lower[x->first] * (ONE - x->weight) + lower[x->second] * x->weight;

  return (guint8) ((above * (ONE - weight) + below * weight + ONE * ONE / 2)
      / (ONE * ONE));
}

/* Returns whether class @id of @probability wins in pixel @i of @to. */
static gboolean
wins (const UnetMask *to, gsize i, guint8 id, guint8 probability)
{
  if ((id != 0) != (to->class_map[i] != 0))
    return id != 0;
  return probability > to->probability[i];
}

/* The pixels from @from to @end - 1 of row @row. Several classes are not mixed:
 * their probabilities are of different classes. */
static void
merge_row (UnetMask *to, const UnetMask *part, guint row, guint from, guint end,
    const Sample *xs, const Sample *y, guint level)
{
  const gsize upper = (gsize) y->first * part->width;
  const gsize lower = (gsize) y->second * part->width;
  const gsize middle = (gsize) nearest (y) * part->width;

  for (guint x = from; x < end; x++) {
    const gsize i = (gsize) row * to->width + x, at = middle + nearest (&xs[x]);
    guint8 id = part->class_map[at], probability = part->probability[at];

    if (part->n_classes <= 2) {
      probability = mix (part->probability + upper, part->probability + lower,
          &xs[x], y->weight);
      id = probability >= level;
    }
    if (wins (to, i, id, probability)) {
      to->class_map[i] = id;
      to->probability[i] = probability;
    }
  }
}

/* A region that is narrower than a pixel has the pixel in which it begins. */
static void
find_range (
    const Axis *axis, gint start, gint size, guint n, guint *from, guint *end)
{
  unet_mask_find_pixels ((start - axis->to_start) / axis->to_scale,
      size / axis->to_scale, n, from, end);
  if (*from < *end)
    return;
  *from = MIN (*from, n - 1);
  *end = *from + 1;
}

void
unet_merge_mask (UnetMask *to, const UnetMask *part, const UnetRegion *region,
    gdouble threshold)
{
  const Axis across = { to->x, to->w / to->width, part->x,
    part->w / part->width, part->width };
  const Axis down = { to->y, to->h / to->height, part->y,
    part->h / part->height, part->height };
  const guint level = (guint) CLAMP (ceil (threshold * 255), 0, 255);
  g_autofree Sample *xs = g_new (Sample, to->width);
  guint left, right, top, bottom;

  find_range (&across, region->x, region->width, to->width, &left, &right);
  find_range (&down, region->y, region->height, to->height, &top, &bottom);
  for (guint x = left; x < right; x++)
    xs[x] = find_sample (&across, x);
  for (guint y = top; y < bottom; y++) {
    const Sample sample = find_sample (&down, y);

    merge_row (to, part, y, left, right, xs, &sample, level);
  }
}
