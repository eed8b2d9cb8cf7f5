/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unetpace.h"

void
unet_pace_init (UnetPace *self, guint threads)
{
  *self = (UnetPace) { threads == 0 && g_get_num_processors () > 1, 0, 0 };
}

/* Half of a frame's time leaves the other half to whoever draws, encodes and
 * shows. Cameras that do not say their rate mostly have 30 frames a second. */
void
unet_pace_set_info (UnetPace *self, const GstVideoInfo *info, gboolean live)
{
  self->budget = 0;
  if (live)
    self->budget = info->fps_n > 0
        ? gst_util_uint64_scale (GST_SECOND / 2, info->fps_d, info->fps_n)
        : GST_SECOND / 60;
}

guint
unet_pace_get_threads (const UnetPace *self)
{
  return self->budget > 0 && self->alone <= self->budget ? 1 : 0;
}
