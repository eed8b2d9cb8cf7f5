/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/time/scene-change.h"
#include "frame/time/guide.h"
#include "base/simd.h"

#include <math.h>

#define BLOCK 8

struct _UnetScene {
  UnetGuide guide;
  gboolean empty;
  gfloat *kept;
};

UnetScene *
unet_scene_new (const GstVideoInfo *info, const UnetMask *shape, GError **error)
{
  UnetScene *self = g_new0 (UnetScene, 1);

  if (!unet_guide_init (&self->guide, info, shape, error)) {
    unet_scene_free (self);
    return NULL;
  }
  self->kept = g_try_new0 (gfloat, 4 * (gsize) shape->width * shape->height);
  self->empty = TRUE;
  if (self->kept)
    return self;
  g_set_error (error, UNET_ERROR, UNET_ERROR_LIMIT,
      "no memory for pictures of %ux%u", shape->width, shape->height);
  unet_scene_free (self);
  return NULL;
}

void
unet_scene_free (UnetScene *self)
{
  if (!self)
    return;
  unet_guide_clear (&self->guide);
  g_free (self->kept);
  g_free (self);
}

/* Noise has no sign: over a block it comes to nothing. */
static gfloat
compare_block (const UnetScene *self, guint x, guint y)
{
  const guint w = self->guide.width;
  const guint right = MIN (x + BLOCK, w);
  const guint bottom = MIN (y + BLOCK, self->guide.height);
  gfloat sum[4] = { 0 };

  for (guint j = y; j < bottom; j++) {
    const gfloat *a = self->guide.pixels + 4 * (gsize) j * w;
    const gfloat *b = self->kept + 4 * (gsize) j * w;

    for (guint i = 4 * x; i < 4 * right; i += 4)
      for (guint c = 0; c < 4; c++)
        sum[c] += a[i + c] - b[i + c];
  }
  return (fabsf (sum[0]) + fabsf (sum[1]) + fabsf (sum[2]))
      / (gfloat) ((right - x) * (bottom - y));
}

gdouble
unet_scene_compare (UnetScene *self, const GstVideoFrame *frame)
{
  gfloat largest = 0;

  unet_guide_read (&self->guide, frame);
  if (self->empty)
    return 1;
  for (guint y = 0; y < self->guide.height; y += BLOCK)
    for (guint x = 0; x < self->guide.width; x += BLOCK)
      largest = MAX (largest, compare_block (self, x, y));
  return MIN (largest, 1);
}

void
unet_scene_keep_frame (UnetScene *self)
{
  memcpy (self->kept, self->guide.pixels,
      4 * (gsize) self->guide.width * self->guide.height * sizeof (gfloat));
  self->empty = FALSE;
}

void
unet_scene_reset (UnetScene *self)
{
  self->empty = TRUE;
}
