/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/log.h"

GstDebugCategory *
unet_segment_debug_category (void)
{
  static GstDebugCategory *category;

  /* GStreamer returns the category that exists where the plugin made it. */
  if (g_once_init_enter (&category))
    g_once_init_leave (&category,
        _gst_debug_category_new ("unetseg", 0, "U-Net segmentation"));
  return category;
}
