/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log.h"

GST_DEBUG_CATEGORY (gst_unet_seg_debug);

void
gst_unet_log_init (void)
{
  GST_DEBUG_CATEGORY_INIT (
      gst_unet_seg_debug, "unetseg", 0, "U-Net segmentation");
}
