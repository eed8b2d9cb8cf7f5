/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame-buffers.h"

#include <gst/video/gstvideoaffinetransformationmeta.h>

void
gst_unet_choose_buffer_pool (GstQuery *query, gsize least)
{
  guint size = 0, min = 0, max = 0;
  gboolean exists = gst_query_get_n_allocation_pools (query) > 0;
  GstBufferPool *pool = NULL;
  GstStructure *config;
  GstCaps *caps;

  gst_query_parse_allocation (query, &caps, NULL);
  if (exists)
    gst_query_parse_nth_allocation_pool (query, 0, &pool, &size, &min, &max);
  if (pool == NULL)
    pool = gst_video_buffer_pool_new ();
  size = MAX (size, least);
  config = gst_buffer_pool_get_config (pool);
  gst_buffer_pool_config_set_params (config, caps, size, min, max);
  if (gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL))
    gst_buffer_pool_config_add_option (
        config, GST_BUFFER_POOL_OPTION_VIDEO_META);
  gst_buffer_pool_set_config (pool, config);
  if (exists)
    gst_query_set_nth_allocation_pool (query, 0, pool, size, min, max);
  else
    gst_query_add_allocation_pool (query, pool, size, min, max);
  gst_object_unref (pool);
}

/* A videocrop upstream of one that understands GstVideoCropMeta leaves the
 * cropping to it; the network would see the whole picture. */
gboolean
gst_unet_keep_back_metas (GstQuery *query)
{
  const GType apis[] = { GST_VIDEO_CROP_META_API_TYPE,
    GST_VIDEO_AFFINE_TRANSFORMATION_META_API_TYPE,
    GST_VIDEO_GL_TEXTURE_UPLOAD_META_API_TYPE };
  guint index;

  for (guint i = 0; i < G_N_ELEMENTS (apis); i++)
    while (gst_query_find_allocation_meta (query, apis[i], &index))
      gst_query_remove_nth_allocation_meta (query, index);
  return TRUE;
}

gboolean
gst_unet_get_unit_size (GstBaseTransform *trans, GstCaps *caps, gsize *size)
{
  GstVideoInfo info;

  if (!gst_video_info_from_caps (&info, caps))
    return FALSE;
  *size = GST_VIDEO_INFO_SIZE (&info);
  return TRUE;
}

gboolean
gst_unet_transform_meta (
    GstBaseTransform *trans, GstBuffer *out, GstMeta *meta, GstBuffer *in)
{
  static const gchar *const kept[] = { GST_META_TAG_VIDEO_STR,
    GST_META_TAG_VIDEO_SIZE_STR, GST_META_TAG_VIDEO_ORIENTATION_STR, NULL };
  const gchar *const *tags = gst_meta_api_type_get_tags (meta->info->api);

  for (guint i = 0; tags && tags[i]; i++)
    if (!g_strv_contains (kept, tags[i]))
      return FALSE;
  return TRUE;
}
