/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/mask/object-list.h"

/* Pixels of one class in a row; @end is not included. */
typedef struct {
  guint start, end;
  guint part;
  guint8 id;
} Run;

/* A part points to the part that it turned out to be connected to. */
typedef struct {
  guint parent;
  UnetMaskObject object;
} Part;

typedef struct {
  const UnetMask *mask;
  guint frame_width, frame_height;
  GArray *parts;  /* of Part */
  GArray *row[2]; /* of Run: the row above, and the row at work */
} Search;

/* Runs of rows are joined in one pass (He, Chao and Suzuki, "A Run-Based
 * Two-Scan Labeling Algorithm", IEEE Transactions on Image Processing 17(5),
 * 2008). */
static guint
find_root (Search *self, guint part)
{
  Part *parts = (Part *) self->parts->data;

  while (parts[part].parent != part) {
    parts[part].parent = parts[parts[part].parent].parent;
    part = parts[part].parent;
  }
  return part;
}

static void
join (Search *self, guint a, guint b)
{
  Part *parts = (Part *) self->parts->data;

  a = find_root (self, a);
  b = find_root (self, b);
  if (a == b)
    return;
  unet_class_region_join (&parts[a].object.region, &parts[b].object.region);
  parts[b].parent = a;
}

/* Connects a run with those above it that touch it. @next: the first of these
 * that may, for the next run as well. Returns FALSE where none does. */
static gboolean
connect_run (Search *self, Run *run, guint *next)
{
  const Run *above = (const Run *) self->row[0]->data;
  const guint n = self->row[0]->len;
  gboolean found = FALSE;

  while (*next < n && above[*next].end < run->start)
    (*next)++;
  for (guint i = *next; i < n && above[i].start <= run->end; i++) {
    if (above[i].id != run->id)
      continue;
    if (found)
      join (self, run->part, above[i].part);
    else
      run->part = find_root (self, above[i].part);
    found = TRUE;
  }
  return found;
}

static void
add_run (Search *self, Run *run, guint y, guint *next)
{
  const UnetMask *mask = self->mask;
  const gdouble sx = mask->w / mask->width, sy = mask->h / mask->height;
  const gdouble w = self->frame_width, h = self->frame_height;
  const UnetRectangle r = { CLAMP (mask->x + run->start * sx, 0, w),
    CLAMP (mask->y + y * sy, 0, h), CLAMP (mask->x + run->end * sx, 0, w),
    CLAMP (mask->y + (y + 1) * sy, 0, h) };
  Part *part;

  if (!connect_run (self, run, next)) {
    const Part new_part = { self->parts->len, { run->id, { 0 } } };

    if (self->parts->len == UNET_MASK_MAX_PARTS)
      return;
    run->part = new_part.parent;
    g_array_append_val (self->parts, new_part);
  }
  part = &g_array_index (self->parts, Part, find_root (self, run->part));
  unet_class_region_add (&part->object.region, &r);
  g_array_append_val (self->row[1], *run);
}

static void
search_row (Search *self, guint y)
{
  const UnetMask *mask = self->mask;
  const guint8 *classes = mask->class_map + (gsize) y * mask->width;
  GArray *above = self->row[1];
  guint next = 0;

  self->row[1] = self->row[0];
  self->row[0] = above;
  g_array_set_size (self->row[1], 0);
  for (guint x = 0, end; x < mask->width; x = end) {
    Run run = { x, 0, 0, classes[x] };

    for (end = x + 1; end < mask->width && classes[end] == classes[x];)
      end++;
    run.end = end;
    if (run.id > 0)
      add_run (self, &run, y, &next);
  }
}

static gint
compare_areas (gconstpointer a, gconstpointer b)
{
  const gdouble x = ((const UnetMaskObject *) a)->region.area;
  const gdouble y = ((const UnetMaskObject *) b)->region.area;

  return x < y ? 1 : x > y ? -1 : 0;
}

GArray *
unet_mask_find_objects (
    const UnetMask *mask, guint width, guint height, gdouble least)
{
  GArray *objects = g_array_new (FALSE, FALSE, sizeof (UnetMaskObject));
  Search self = { mask, width, height,
    g_array_new (FALSE, FALSE, sizeof (Part)),
    { g_array_new (FALSE, FALSE, sizeof (Run)),
        g_array_new (FALSE, FALSE, sizeof (Run)) } };

  for (guint y = 0; y < mask->height; y++)
    search_row (&self, y);
  for (guint i = 0; i < self.parts->len; i++) {
    Part *part = &g_array_index (self.parts, Part, i);

    if (part->parent != i || part->object.region.area <= 0)
      continue;
    unet_class_region_finish (&part->object.region, (gdouble) width * height);
    if (part->object.region.area >= least)
      g_array_append_val (objects, part->object);
  }
  g_array_sort (objects, compare_areas);
  if (objects->len > UNET_MASK_MAX_OBJECTS)
    g_array_set_size (objects, UNET_MASK_MAX_OBJECTS);
  g_array_unref (self.parts);
  g_array_unref (self.row[0]);
  g_array_unref (self.row[1]);
  return objects;
}
