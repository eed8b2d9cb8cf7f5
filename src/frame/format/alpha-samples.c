/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/format/alpha-samples.h"

void
unet_alpha_samples_init (UnetAlphaSamples *self, const GstVideoInfo *info)
{
  const GstVideoFormatInfo *finfo = info->finfo;

  self->depth = finfo->depth[3];
  self->shift = finfo->shift[3];
  self->bytes = self->depth + self->shift > 8 ? 2 : 1;
  self->plane = finfo->plane[3];
  self->offset = finfo->poffset[3] / self->bytes;
  self->step = finfo->pixel_stride[3] / self->bytes;
}

guint8 *
unet_alpha_samples_get_row (
    const UnetAlphaSamples *self, const GstVideoFrame *frame, guint y)
{
  return (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (frame, self->plane)
      + (gssize) y * GST_VIDEO_FRAME_PLANE_STRIDE (frame, self->plane)
      + self->offset * self->bytes;
}
