/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstunetseg.h"
#include "gstunetsegdraw.h"

GST_DEBUG_CATEGORY (gst_unet_seg_debug);

static gboolean
plugin_init (GstPlugin *plugin)
{
  GST_DEBUG_CATEGORY_INIT (
      gst_unet_seg_debug, "unetseg", 0, "U-Net segmentation");
  return gst_element_register (
             plugin, "unetseg", GST_RANK_NONE, GST_TYPE_UNET_SEG)
      && gst_element_register (
          plugin, "unetsegdraw", GST_RANK_NONE, GST_TYPE_UNET_SEG_DRAW);
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, unetseg,
    "Runs U-Net-shaped networks on video", plugin_init, UNETSEG_VERSION, "LGPL",
    "unetseg", "Unknown package origin")
