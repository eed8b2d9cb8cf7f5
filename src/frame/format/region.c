/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/format/region.h"
#include "frame/format/orientation.h"

#include <math.h>

gboolean
unet_region_is_equal (const UnetRegion *a, const UnetRegion *b)
{
  if (a->width == 0 || b->width == 0)
    return a->width == b->width;
  return a->x == b->x && a->y == b->y && a->width == b->width
      && a->height == b->height;
}

gboolean
unet_regions_are_equal (const UnetRegions *a, const UnetRegions *b)
{
  if (a->n != b->n)
    return FALSE;
  for (guint i = 0; i < a->n; i++)
    if (!unet_region_is_equal (&a->items[i], &b->items[i]))
      return FALSE;
  return TRUE;
}

static void
clip_axis (gint *start, gint *size, gint limit)
{
  const gint64 end = MIN ((gint64) *start + *size, limit);

  *start = CLAMP (*start, 0, limit);
  *size = (gint) MAX (end - *start, 0);
}

gboolean
unet_region_clip (UnetRegion *self, guint frame_width, guint frame_height)
{
  clip_axis (&self->x, &self->width, (gint) frame_width);
  clip_axis (&self->y, &self->height, (gint) frame_height);
  return self->width > 0 && self->height > 0;
}

UnetRegion
unet_region_turn_upright (const UnetRegion *self,
    GstVideoOrientationMethod orientation, guint frame_width,
    guint frame_height)
{
  const gboolean transposed = unet_orientation_is_transposed (orientation);
  gdouble x = self->x, y = self->y, w = self->width, h = self->height;

  unet_orientation_map_rectangle (unet_orientation_invert (orientation),
      transposed ? frame_height : frame_width,
      transposed ? frame_width : frame_height, &x, &y, &w, &h);
  return (UnetRegion){ (gint) x, (gint) y, (gint) w, (gint) h };
}

static void
grow_axis (gint *start, gint *size, gint limit, gdouble share)
{
  const gint grown = MIN ((gint) ceil (limit * share - 1e-9), limit);

  *start = CLAMP (*start + (*size - grown) / 2, 0, limit - grown);
  *size = grown;
}

UnetRegion
unet_region_grow (const UnetRegion *self, guint frame_width, guint frame_height)
{
  const gdouble share = MAX ((gdouble) self->width / frame_width,
      (gdouble) self->height / frame_height);
  UnetRegion grown = *self;

  grow_axis (&grown.x, &grown.width, (gint) frame_width, share);
  grow_axis (&grown.y, &grown.height, (gint) frame_height, share);
  return grown;
}

static void
cut_axis (gdouble start, gdouble size, gdouble *src, gdouble *src_size,
    gint *dst, gint *dst_size)
{
  const gdouble scale = *src_size / *dst_size;
  gdouble from = floor ((start - *src) / scale + 0.5);
  gdouble to = floor ((start + size - *src) / scale + 0.5);
  gint first, last;

  if (to <= from) {
    from = floor ((start + size / 2 - *src) / scale);
    to = from + 1;
  }
  first = (gint) CLAMP (from, 0, *dst_size - 1);
  last = (gint) CLAMP (to, first + 1, *dst_size);
  *src += first * scale;
  *src_size = (last - first) * scale;
  *dst += first;
  *dst_size = last - first;
}

void
unet_region_cut_placement (const UnetRegion *self, UnetPlacement *placement)
{
  cut_axis (self->x, self->width, &placement->src_x, &placement->src_w,
      &placement->dst_x, &placement->dst_w);
  cut_axis (self->y, self->height, &placement->src_y, &placement->src_h,
      &placement->dst_y, &placement->dst_h);
}
