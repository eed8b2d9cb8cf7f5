/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/format/mask.h"

#include <math.h>

gboolean
unet_mask_has_same_shape (const UnetMask *a, const UnetMask *b)
{
  return a->width == b->width && a->height == b->height && a->x == b->x
      && a->y == b->y && a->w == b->w && a->h == b->h;
}

guint
unet_mask_get_step (const UnetMask *mask)
{
  return MIN (mask->width, mask->height) >= UNET_MASK_LEAST_HALVED_SIDE ? 2 : 1;
}

UnetMask
unet_mask_reduce_shape (const UnetMask *mask, guint step)
{
  UnetMask reduced = *mask;

  reduced.width = (mask->width + step - 1) / step;
  reduced.height = (mask->height + step - 1) / step;
  reduced.w = mask->w * (reduced.width * step) / mask->width;
  reduced.h = mask->h * (reduced.height * step) / mask->height;
  reduced.class_map = NULL;
  reduced.probability = NULL;
  return reduced;
}

void
unet_mask_find_pixels (
    gdouble start, gdouble size, guint limit, guint *from, guint *to)
{
  *from = (guint) CLAMP (ceil (start - 0.5), 0, limit);
  *to = (guint) CLAMP (ceil (start + size - 0.5), *from, limit);
}
