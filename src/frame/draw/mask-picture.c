/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/draw/mask-picture.h"
#include "frame/format/mask.h"
#include "frame/draw/alpha.h"

struct _UnetMaskPicture {
  guint width, height;
  UnetAlpha alpha;
  UnetAlphaRow row;
  UnetClassStyle ids[256]; /* the colour of a class is its number */
};

UnetMaskPicture *
unet_mask_picture_new (guint width, guint height)
{
  UnetMaskPicture *self = g_new0 (UnetMaskPicture, 1);

  self->width = width;
  self->height = height;
  unet_alpha_init (&self->alpha, width, height);
  unet_alpha_row_init (&self->row, width);
  for (guint i = 1; i < G_N_ELEMENTS (self->ids); i++) {
    self->ids[i].sample[0] = (guint16) i;
    self->ids[i].gain = 255;
  }
  return self;
}

void
unet_mask_picture_free (UnetMaskPicture *self)
{
  if (!self)
    return;
  unet_alpha_clear (&self->alpha);
  unet_alpha_row_clear (&self->row);
  g_free (self);
}

static void
write_ids (guint8 *restrict dst, const UnetAlphaRow *row, UnetSpan span)
{
  for (guint x = span.start; x < span.end; x++)
    dst[x] = row->alpha[x] ? (guint8) row->color[0][x] : 0;
}

void
unet_mask_picture_draw (UnetMaskPicture *self, GstVideoFrame *frame,
    const UnetMask *mask, gdouble threshold)
{
  const gboolean several = mask && mask->n_classes > 2;
  const UnetAlphaStyle style = { threshold, 1, FALSE,
    several ? self->ids : NULL, several ? UNET_EDGE_HARD : UNET_EDGE_LINEAR };
  const gboolean drawn = mask && unet_alpha_begin (&self->alpha, mask, &style);
  UnetAlphaRow *row = &self->row;

  for (guint y = 0; y < self->height; y++) {
    guint8 *dst = (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (frame, 0)
        + (gssize) y * GST_VIDEO_FRAME_PLANE_STRIDE (frame, 0);

    memset (dst, 0, self->width);
    if (!drawn || y < self->alpha.top || y >= self->alpha.bottom)
      continue;
    unet_alpha_get_row (&self->alpha, y, row);
    for (guint i = 0; i < row->n_spans; i++) {
      const UnetSpan span = row->spans[i];

      if (several)
        write_ids (dst, row, span);
      else
        memcpy (
            dst + span.start, row->alpha + span.start, span.end - span.start);
    }
  }
}
