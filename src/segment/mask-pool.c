/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/mask-pool.h"

#include <unetseg/unet-types.h>

void
unet_mask_buffers_clear (UnetMaskBuffers *mask)
{
  gst_clear_buffer (&mask->class_map);
  gst_clear_buffer (&mask->probability);
}

gboolean
unet_mask_pool_open (UnetMaskPool *self, const UnetMask *shape, GError **error)
{
  GstStructure *config;

  self->shape = *shape;
  /* A GstVideoBufferPool would pad rows, and readers of the metadata rely on a
   * stride of the width. */
  self->pool = gst_buffer_pool_new ();
  config = gst_buffer_pool_get_config (self->pool);
  gst_buffer_pool_config_set_params (
      config, NULL, shape->width * shape->height, 4, 0);
  if (gst_buffer_pool_set_config (self->pool, config)
      && gst_buffer_pool_set_active (self->pool, TRUE))
    return TRUE;
  g_set_error (error, UNET_ERROR, UNET_ERROR_ENGINE,
      "no buffers for masks of %ux%u", shape->width, shape->height);
  return FALSE;
}

void
unet_mask_pool_close (UnetMaskPool *self)
{
  if (self->pool == NULL)
    return;
  gst_buffer_pool_set_active (self->pool, FALSE);
  gst_clear_object (&self->pool);
}

static GstBuffer *
acquire_plane (UnetMaskPool *self)
{
  const guint width = self->shape.width, height = self->shape.height;
  GstBuffer *buffer;
  GstVideoMeta *meta;

  if (gst_buffer_pool_acquire_buffer (self->pool, &buffer, NULL) != GST_FLOW_OK)
    return NULL;
  if (gst_buffer_get_video_meta (buffer) == NULL) {
    gsize offset[GST_VIDEO_MAX_PLANES] = { 0 };
    gint stride[GST_VIDEO_MAX_PLANES] = { width };

    meta = gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_NONE,
        GST_VIDEO_FORMAT_GRAY8, width, height, 1, offset, stride);
    /* The meta stays on the buffer when that returns to the pool. */
    GST_META_FLAG_SET (meta, GST_META_FLAG_POOLED);
  }
  return buffer;
}

gboolean
unet_mask_buffers_map (const UnetMaskBuffers *mask, const UnetMask *shape,
    GstMapFlags flags, UnetMaskMap *map)
{
  if (!gst_buffer_map (mask->class_map, &map->maps[0], flags))
    return FALSE;
  if (!gst_buffer_map (mask->probability, &map->maps[1], flags)) {
    gst_buffer_unmap (mask->class_map, &map->maps[0]);
    return FALSE;
  }
  map->mask = *shape;
  map->mask.class_map = map->maps[0].data;
  map->mask.probability = map->maps[1].data;
  return TRUE;
}

void
unet_mask_buffers_unmap (const UnetMaskBuffers *mask, UnetMaskMap *map)
{
  gst_buffer_unmap (mask->class_map, &map->maps[0]);
  gst_buffer_unmap (mask->probability, &map->maps[1]);
}

gboolean
unet_mask_pool_acquire (
    UnetMaskPool *self, UnetMaskBuffers *mask, UnetMaskMap *map, GError **error)
{
  mask->class_map = acquire_plane (self);
  mask->probability = acquire_plane (self);
  if (mask->class_map && mask->probability
      && unet_mask_buffers_map (mask, &self->shape, GST_MAP_WRITE, map))
    return TRUE;
  unet_mask_buffers_clear (mask);
  g_set_error_literal (
      error, UNET_ERROR, UNET_ERROR_ENGINE, "no buffer for a mask");
  return FALSE;
}
