/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/newest-mask.h"

#include <string.h>

void
unet_newest_mask_init (UnetNewestMask *self)
{
  memset (self, 0, sizeof (*self));
  self->pts = GST_CLOCK_TIME_NONE;
}

void
unet_newest_mask_clear (UnetNewestMask *self)
{
  unet_mask_buffers_clear (&self->mask);
  unet_newest_mask_forget_frames (self);
  unet_newest_mask_init (self);
}

void
unet_newest_mask_forget_frames (UnetNewestMask *self)
{
  g_clear_pointer (&self->scene, unet_scene_free);
  g_clear_pointer (&self->motion, unet_mask_motion_free);
  self->looked = self->compared = FALSE;
}

void
unet_newest_mask_drop (UnetNewestMask *self)
{
  unet_mask_buffers_clear (&self->mask);
  self->age = 0;
  self->pts = GST_CLOCK_TIME_NONE;
}

void
unet_newest_mask_reset (UnetNewestMask *self)
{
  unet_newest_mask_drop (self);
  if (self->scene)
    unet_scene_reset (self->scene);
  if (self->motion)
    unet_mask_motion_reset (self->motion);
}

void
unet_newest_mask_set (
    UnetNewestMask *self, UnetMaskBuffers *mask, guint age, GstClockTime pts)
{
  unet_mask_buffers_clear (&self->mask);
  self->mask = *mask;
  memset (mask, 0, sizeof (*mask));
  self->age = age;
  self->pts = pts;
  if (self->motion)
    unet_mask_motion_use_kept (self->motion);
}

GstClockTime
unet_newest_mask_get_time (const UnetNewestMask *self, GstClockTime pts)
{
  if (self->age == 0)
    return 0;
  if (!GST_CLOCK_TIME_IS_VALID (pts) || !GST_CLOCK_TIME_IS_VALID (self->pts))
    return GST_CLOCK_TIME_NONE;
  return pts > self->pts ? pts - self->pts : self->pts - pts;
}

/* Without memory for it masks stay where they are. */
void
unet_newest_mask_look (UnetNewestMask *self, const GstVideoInfo *info,
    const UnetMask *shape, const GstVideoFrame *frame)
{
  if (self->motion == NULL && frame)
    self->motion = unet_mask_motion_new (info, shape, NULL);
  self->looked = self->motion && frame;
  if (self->looked)
    unet_mask_motion_read_frame (self->motion, frame);
}

gboolean
unet_newest_mask_is_still (UnetNewestMask *self, const GstVideoInfo *info,
    const UnetMask *shape, const GstVideoFrame *frame, gdouble threshold)
{
  if (self->scene == NULL)
    self->scene = unet_scene_new (info, shape, NULL);
  if (self->scene == NULL)
    return FALSE;
  self->compared = TRUE;
  return unet_scene_compare (self->scene, frame) < threshold;
}

void
unet_newest_mask_keep_frame (UnetNewestMask *self)
{
  if (self->compared)
    unet_scene_keep_frame (self->scene);
  if (self->looked)
    unet_mask_motion_keep_frame (self->motion);
  else if (self->motion)
    unet_mask_motion_reset (self->motion);
  self->compared = FALSE;
}

gboolean
unet_newest_mask_move (UnetNewestMask *self, UnetMaskPool *pool,
    gdouble threshold, UnetMaskBuffers *to)
{
  UnetMaskMap from_map, to_map;
  gboolean moved;

  if (self->age == 0 || !self->looked || !unet_mask_motion_search (self->motion)
      || !unet_mask_buffers_map (
          &self->mask, &pool->shape, GST_MAP_READ, &from_map))
    return FALSE;
  moved = unet_mask_pool_acquire (pool, to, &to_map, NULL);
  if (moved) {
    unet_mask_motion_apply (
        self->motion, &from_map.mask, threshold, &to_map.mask);
    unet_mask_buffers_unmap (to, &to_map);
  }
  unet_mask_buffers_unmap (&self->mask, &from_map);
  return moved;
}
