/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/libav-end.h"

#include "base/pull-wrap.h"

#include <stdio.h>

/* Returns whether the plugin of @factory is as old as Debian 12's, 1.22.0. Its
 * protocol returns 0 at the end, where FFmpeg 5 wants AVERROR_EOF. */
static gboolean
is_old (GstElementFactory *factory)
{
  g_autoptr (GstPlugin)
      plugin = gst_plugin_feature_get_plugin (GST_PLUGIN_FEATURE (factory));
  guint major, minor;

  return plugin != NULL
      && sscanf (gst_plugin_get_version (plugin), "%u.%u", &major, &minor) == 2
      && major == 1 && minor <= 22;
}

/* The demuxer ends its streams after an error if it has put out a frame. */
static GstFlowReturn
read_range (GstPad *pad, GstObject *parent, guint64 offset, guint length,
    GstBuffer **buffer, gpointer data)
{
  GstFlowReturn ret = unet_pull_pass (pad, parent, offset, length, buffer);

  return ret == GST_FLOW_EOS ? GST_FLOW_ERROR : ret;
}

/* In decodebin the peer serves this demuxer only. */
static void
on_linked (GstPad *pad, GstPad *peer, gpointer data)
{
  unet_pull_wrap (peer, read_range, NULL, NULL);
}

static void
on_element (GstBin *bin, GstBin *sub_bin, GstElement *element, gpointer data)
{
  GstElementFactory *factory = gst_element_get_factory (element);
  GstPad *pad;

  if (factory == NULL
      || !g_str_has_prefix (GST_OBJECT_NAME (factory), "avdemux_")
      || !is_old (factory))
    return;
  pad = gst_element_get_static_pad (element, "sink");
  if (pad != NULL)
    g_signal_connect (pad, "linked", G_CALLBACK (on_linked), NULL);
  g_clear_object (&pad);
}

void
unet_libav_end_mend (GstBin *bin)
{
  g_signal_connect (bin, "deep-element-added", G_CALLBACK (on_element), NULL);
}

GstElement *
unet_libav_end_mend_around (GstElement *source)
{
  GstObject *top = gst_object_ref (GST_OBJECT (source)), *parent;

  while ((parent = gst_object_get_parent (top)) != NULL) {
    gst_object_unref (top);
    top = parent;
  }
  if (GST_IS_BIN (top))
    unet_libav_end_mend (GST_BIN (top));
  return GST_ELEMENT (top);
}
