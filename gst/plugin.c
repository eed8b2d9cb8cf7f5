/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstunetseg.h"
#include "gstunetsegdraw.h"

#include "log.h"

static gboolean
plugin_init (GstPlugin *plugin)
{
  gst_unet_log_init ();
  return gst_element_register (
             plugin, "unetseg", GST_RANK_NONE, GST_TYPE_UNET_SEG)
      && gst_element_register (
          plugin, "unetsegdraw", GST_RANK_NONE, GST_TYPE_UNET_SEG_DRAW);
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, unetseg,
    "Runs U-Net-shaped networks on video", plugin_init, UNETSEG_VERSION, "LGPL",
    "unetseg", "Unknown package origin")
