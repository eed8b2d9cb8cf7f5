/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/format/row-reader.h"
#include "base/simd.h"

void
unet_row_reader_init (
    UnetRowReader *self, const GstVideoInfo *info, gfloat scale)
{
  const gsize width = (gsize) info->width;

  memset (self, 0, sizeof *self);
  unet_pixel_layout_init (&self->layout, info);
  self->cosited_h = unet_chroma_cosited_h (info);
  self->width = (guint) width;
  self->scale = scale;
  for (guint i = 0; i < 3; i++)
    self->component[i] = g_new0 (gfloat, width);
  self->chroma = g_new0 (gfloat, width + 4);
  self->pixels = g_new0 (gfloat, 4 * width + 4);
}

void
unet_row_reader_clear (UnetRowReader *self)
{
  for (guint i = 0; i < 3; i++)
    g_clear_pointer (&self->component[i], g_free);
  g_clear_pointer (&self->chroma, g_free);
  g_clear_pointer (&self->pixels, g_free);
}

#define READ(type)                                                             \
  do {                                                                         \
    const gsize step = component->step;                                        \
    const type *from = (const type *) row + component->offset + step * start;  \
                                                                               \
    if (step == 1)                                                             \
      for (gsize i = 0; i < n; i++)                                            \
        dst[i] = from[i] * scale - 0.5f;                                       \
    else                                                                       \
      for (gsize i = 0; i < n; i++)                                            \
        dst[i] = from[step * i] * scale - 0.5f;                                \
  } while (0)

UNET_SIMD static void
read_samples (gfloat *restrict dst, const guint8 *row,
    const UnetLayoutComponent *component, guint bytes, gfloat scale,
    guint start, guint n)
{
  if (bytes == 1)
    READ (guint8);
  else
    READ (UnetSample16);
}

/* Enlarges chroma to pairs of pixels; c[0] is the site before the first
 * pair. */
UNET_SIMD static void
enlarge_chroma (
    gfloat *restrict dst, const gfloat *c, guint n_pairs, gboolean cosited)
{
  const gfloat before = cosited ? 0 : 0.25f, after = cosited ? 0.5f : 0.25f;

  for (gsize i = 0; i < n_pairs; i++) {
    dst[2 * i] = c[i + 1] + (c[i] - c[i + 1]) * before;
    dst[2 * i + 1] = c[i + 1] + (c[i + 2] - c[i + 1]) * after;
  }
}

/* Reads one site more on either side. The outermost sites repeat. */
static void
read_subsampled (UnetRowReader *self, gfloat *dst, const guint8 *row,
    const UnetLayoutComponent *component, guint start, guint n)
{
  const guint last = GST_VIDEO_SUB_SCALE (component->w_sub, self->width) - 1;
  const guint site = start >> component->w_sub;
  const guint end = (start + n - 1) >> component->w_sub;
  const guint from = site > 0 ? site - 1 : 0, to = MIN (end + 1, last);
  gfloat *c = self->chroma + (site > 0 ? 0 : 1);

  read_samples (
      c, row, component, self->layout.bytes, self->scale, from, to - from + 1);
  if (site == 0)
    self->chroma[0] = self->chroma[1];
  if (end == last)
    c[to - from + 1] = c[to - from];
  if (component->w_sub == 1) {
    enlarge_chroma (
        self->pixels, self->chroma, end - site + 1, self->cosited_h);
    memcpy (dst, self->pixels + (start & 1), n * sizeof *dst);
  } else
    for (guint i = 0; i < n; i++)
      dst[i] = self->chroma[((start + i) >> component->w_sub) - site + 1];
}

UNET_SIMD static void
join_components (gfloat *restrict dst, const gfloat *a, const gfloat *b,
    const gfloat *c, guint n)
{
  for (gsize i = 0; i < n; i++) {
    dst[4 * i] = a[i];
    dst[4 * i + 1] = b[i];
    dst[4 * i + 2] = c[i];
    dst[4 * i + 3] = 1;
  }
}

const gfloat *
unet_row_reader_read (UnetRowReader *self, const GstVideoFrame *frame, guint y,
    guint start, guint n)
{
  for (guint i = 0; i < self->layout.n_components; i++) {
    const UnetLayoutComponent *component = &self->layout.component[i];
    const guint8 *row =
        (const guint8 *) GST_VIDEO_FRAME_PLANE_DATA (frame, component->plane)
        + (gssize) (y >> component->h_sub)
            * GST_VIDEO_FRAME_PLANE_STRIDE (frame, component->plane);

    if (component->w_sub)
      read_subsampled (self, self->component[i], row, component, start, n);
    else
      read_samples (self->component[i], row, component, self->layout.bytes,
          self->scale, start, n);
  }
  join_components (self->pixels, self->component[0], self->component[1],
      self->component[2], n);
  return self->pixels;
}
