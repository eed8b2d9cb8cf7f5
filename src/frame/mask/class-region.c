/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/mask/class-region.h"

#include <string.h>

/* A sum has the right and lower edge for a size, pixels for an area, and a sum
 * for a centroid. */
void
unet_class_region_join (UnetClassRegion *self, const UnetClassRegion *other)
{
  if (other->area <= 0)
    return;
  if (self->area == 0) {
    *self = *other;
    return;
  }
  self->x = MIN (self->x, other->x);
  self->y = MIN (self->y, other->y);
  self->w = MAX (self->w, other->w);
  self->h = MAX (self->h, other->h);
  self->area += other->area;
  self->center_x += other->center_x;
  self->center_y += other->center_y;
}

void
unet_class_region_add (UnetClassRegion *self, const UnetRectangle *r)
{
  const gdouble area = (r->right - r->left) * (r->bottom - r->top);

  unet_class_region_join (self,
      &(UnetClassRegion){ .area = area,
          .x = r->left,
          .y = r->top,
          .w = r->right,
          .h = r->bottom,
          .center_x = area * (r->left + r->right) / 2,
          .center_y = area * (r->top + r->bottom) / 2 });
}

void
unet_class_region_finish (UnetClassRegion *self, gdouble frame_area)
{
  if (self->area == 0)
    return;
  self->w -= self->x;
  self->h -= self->y;
  self->center_x /= self->area;
  self->center_y /= self->area;
  self->area /= frame_area;
}

/* Adds each run of pixels of the same class in row @y. */
static void
add_row (const UnetMask *mask, guint y, gdouble width, UnetClassRegion *regions,
    UnetRectangle *row)
{
  const guint8 *classes = mask->class_map + (gsize) y * mask->width;
  const gdouble scale = mask->w / mask->width;

  for (guint x = 0, end; x < mask->width; x = end) {
    for (end = x + 1; end < mask->width && classes[end] == classes[x];)
      end++;
    row->left = CLAMP (mask->x + x * scale, 0, width);
    row->right = CLAMP (mask->x + end * scale, 0, width);
    unet_class_region_add (&regions[classes[x]], row);
  }
}

void
unet_mask_find_regions (const UnetMask *mask, guint width, guint height,
    UnetClassRegion regions[UNET_MASK_MAX_CLASSES])
{
  const gdouble scale = mask->h / mask->height;

  memset (regions, 0, UNET_MASK_MAX_CLASSES * sizeof (*regions));
  for (guint y = 0; y < mask->height; y++) {
    UnetRectangle row = { 0, CLAMP (mask->y + y * scale, 0, height), 0,
      CLAMP (mask->y + (y + 1) * scale, 0, height) };

    add_row (mask, y, width, regions, &row);
  }
  for (guint i = 0; i < UNET_MASK_MAX_CLASSES; i++)
    unet_class_region_finish (&regions[i], (gdouble) width * height);
}
