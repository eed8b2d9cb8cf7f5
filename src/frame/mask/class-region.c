/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/mask/class-region.h"

#include <string.h>

/* A rectangle by its edges, in pixels of the frame. */
typedef struct {
  gdouble left, top, right, bottom;
} Rectangle;

/* Until unet_mask_find_regions() ends, a region has the right and lower edge
 * for a size, pixels for an area, and a sum for a centroid. */
static void
add_rectangle (UnetClassRegion *region, const Rectangle *r)
{
  gdouble area = (r->right - r->left) * (r->bottom - r->top);

  if (area <= 0)
    return;
  if (region->area == 0) {
    region->x = r->left;
    region->y = r->top;
  }
  region->x = MIN (region->x, r->left);
  region->y = MIN (region->y, r->top);
  region->w = MAX (region->w, r->right);
  region->h = MAX (region->h, r->bottom);
  region->area += area;
  region->center_x += area * (r->left + r->right) / 2;
  region->center_y += area * (r->top + r->bottom) / 2;
}

static void
finish_region (UnetClassRegion *region, gdouble frame_area)
{
  if (region->area == 0)
    return;
  region->w -= region->x;
  region->h -= region->y;
  region->center_x /= region->area;
  region->center_y /= region->area;
  region->area /= frame_area;
}

/* Adds each run of pixels of the same class in row @y. */
static void
add_row (const UnetMask *mask, guint y, gdouble width, UnetClassRegion *regions,
    Rectangle *row)
{
  const guint8 *classes = mask->class_map + (gsize) y * mask->width;
  const gdouble scale = mask->w / mask->width;

  for (guint x = 0, end; x < mask->width; x = end) {
    for (end = x + 1; end < mask->width && classes[end] == classes[x];)
      end++;
    row->left = CLAMP (mask->x + x * scale, 0, width);
    row->right = CLAMP (mask->x + end * scale, 0, width);
    add_rectangle (&regions[classes[x]], row);
  }
}

void
unet_mask_find_regions (const UnetMask *mask, guint width, guint height,
    UnetClassRegion regions[UNET_MASK_MAX_CLASSES])
{
  const gdouble scale = mask->h / mask->height;

  memset (regions, 0, UNET_MASK_MAX_CLASSES * sizeof (*regions));
  for (guint y = 0; y < mask->height; y++) {
    Rectangle row = { 0, CLAMP (mask->y + y * scale, 0, height), 0,
      CLAMP (mask->y + (y + 1) * scale, 0, height) };

    add_row (mask, y, width, regions, &row);
  }
  for (guint i = 0; i < UNET_MASK_MAX_CLASSES; i++)
    finish_region (&regions[i], (gdouble) width * height);
}
