/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/mask/bounding-box.h"
#include "frame/format/mask.h"

gboolean
unet_mask_find_box (const UnetMask *mask, guint id, gdouble box[4])
{
  guint left = mask->width, right = 0, top = mask->height, bottom = 0;
  const gdouble scale_x = mask->w / mask->width;
  const gdouble scale_y = mask->h / mask->height;

  for (guint y = 0; y < mask->height; y++) {
    const guint8 *row = mask->class_map + (gsize) y * mask->width;
    guint first = 0, end = mask->width;

    while (first < end && row[first] != id)
      first++;
    if (first == end)
      continue;
    while (row[end - 1] != id)
      end--;
    left = MIN (left, first);
    right = MAX (right, end);
    top = MIN (top, y);
    bottom = y + 1;
  }
  if (bottom == 0)
    return FALSE;
  box[0] = mask->x + left * scale_x;
  box[1] = mask->y + top * scale_y;
  box[2] = (right - left) * scale_x;
  box[3] = (bottom - top) * scale_y;
  return TRUE;
}
