/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/edges/contour.h"
#include "base/simd.h"
#include "frame/edges/morphology.h"

#include <stdlib.h>

void
unet_contour_init (UnetContour *self, guint width, guint height)
{
  memset (self, 0, sizeof *self);
  self->width = width;
  self->height = height;
}

void
unet_contour_clear (UnetContour *self)
{
  g_clear_pointer (&self->plane, g_free);
  g_clear_pointer (&self->outline, g_free);
  g_clear_pointer (&self->inside, g_free);
  g_clear_pointer (&self->scratch, g_free);
  self->scratch_size = 0;
}

/* unet_plane_grow () and unet_plane_feather () say how much they need. */
static gboolean
need_scratch (UnetContour *self, guint radius)
{
  const gsize w = self->width, h = self->height;
  const gsize grow = 2 * (w + 2 * radius) + (radius + 1) * w;
  const gsize size = MAX (grow, w * h + 4 * w);

  if (size <= self->scratch_size)
    return TRUE;
  g_free (self->scratch);
  self->scratch = g_try_malloc (size);
  self->scratch_size = self->scratch ? size : 0;
  return self->scratch != NULL;
}

static gboolean
copy_plane (const UnetContour *self, guint8 **to, const guint8 *from)
{
  const gsize size = (gsize) self->width * self->height;

  if (!*to)
    *to = g_try_malloc (size);
  if (*to)
    memcpy (*to, from, size);
  return *to != NULL;
}

const guint8 *
unet_contour_finish (
    UnetContour *self, const guint8 *coverage, gint grow, guint feather)
{
  const guint w = self->width, h = self->height;
  const guint radius = (guint) abs (grow);

  if (grow == 0 && feather == 0)
    return coverage;
  if (!need_scratch (self, radius)
      || !copy_plane (self, &self->plane, coverage))
    return coverage;
  unet_plane_grow (self->plane, self->scratch, w, h, radius, grow > 0);
  unet_plane_feather (self->plane, self->scratch, w, h, feather);
  return self->plane;
}

UNET_SIMD static void
subtract_bytes (guint8 *restrict a, const guint8 *b, gsize n)
{
  for (gsize i = 0; i < n; i++)
    a[i] = (guint8) (a[i] - b[i]);
}

guint8 *
unet_contour_get_outline (
    UnetContour *self, const guint8 *coverage, guint width)
{
  const guint w = self->width, h = self->height;
  const guint outer = width / 2, inner = width - outer;

  if (!need_scratch (self, inner)
      || !copy_plane (self, &self->outline, coverage)
      || !copy_plane (self, &self->inside, coverage))
    return NULL;
  unet_plane_grow (self->outline, self->scratch, w, h, outer, TRUE);
  unet_plane_grow (self->inside, self->scratch, w, h, inner, FALSE);
  subtract_bytes (self->outline, self->inside, (gsize) w * h);
  return self->outline;
}
