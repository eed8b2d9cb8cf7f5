/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/time/guide.h"
#include "base/simd.h"

gboolean
unet_guide_init (UnetGuide *self, const GstVideoInfo *info,
    const UnetMask *shape, GError **error)
{
  const UnetPlacement placement = { shape->x, shape->y, shape->w, shape->h, 0,
    0, (gint) shape->width, (gint) shape->height, FALSE };
  UnetPixelLayout layout;

  memset (self, 0, sizeof *self);
  self->shape = *shape;
  self->width = shape->width;
  self->height = shape->height;
  if (!unet_pixel_layout_init (&layout, info)) {
    self->converter = unet_converter_new (info, FALSE, error);
    if (!self->converter)
      return FALSE;
    info = &self->converter->info;
    unet_pixel_layout_init (&layout, info);
  }
  self->n_components = layout.n_components;
  self->scale = 1.0f / (gfloat) (((1u << layout.depth) - 1) << layout.shift);
  unet_resampler_init (
      &self->resampler, info, &layout, layout.n_components, &placement);
  for (guint i = 0; i < 3; i++)
    self->row[i] = g_new0 (gfloat, shape->width);
  self->pixels = g_try_new0 (gfloat, 4 * (gsize) shape->width * shape->height);
  if (self->pixels)
    return TRUE;
  g_set_error (error, UNET_ERROR, UNET_ERROR_LIMIT,
      "no memory for pictures of %ux%u", shape->width, shape->height);
  return FALSE;
}

void
unet_guide_clear (UnetGuide *self)
{
  unet_resampler_clear (&self->resampler);
  g_clear_pointer (&self->converter, unet_converter_free);
  for (guint i = 0; i < 3; i++)
    g_clear_pointer (&self->row[i], g_free);
  g_clear_pointer (&self->pixels, g_free);
}

gboolean
unet_guide_equals (const UnetGuide *a, const UnetGuide *b)
{
  return a->width == b->width && a->height == b->height
      && a->shape.x == b->shape.x && a->shape.y == b->shape.y
      && a->shape.w == b->shape.w && a->shape.h == b->shape.h
      && a->n_components == b->n_components && a->scale == b->scale
      && !a->converter && !b->converter;
}

UNET_SIMD static void
interleave (gfloat *restrict dst, const gfloat *a, const gfloat *b,
    const gfloat *c, gfloat scale, gfloat offset, gfloat chroma_offset, guint n)
{
  for (gsize i = 0; i < n; i++) {
    dst[4 * i] = a[i] * scale - offset;
    dst[4 * i + 1] = b[i] * scale - chroma_offset;
    dst[4 * i + 2] = c[i] * scale - chroma_offset;
    dst[4 * i + 3] = 0;
  }
}

const GstVideoFrame *
unet_guide_read (UnetGuide *self, const GstVideoFrame *frame)
{
  const gfloat chroma_offset = self->n_components == 3 ? 0.5f : 0;

  if (self->converter) {
    unet_converter_read (self->converter, frame);
    frame = &self->converter->frame;
  }
  for (guint y = 0; y < self->height; y++) {
    unet_resampler_row (&self->resampler, frame, y, self->row);
    interleave (self->pixels + 4 * (gsize) y * self->width, self->row[0],
        self->row[1], self->row[2], self->scale, 0.5f, chroma_offset,
        self->width);
  }
  return frame;
}
