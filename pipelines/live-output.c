/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "live-output.h"

#include <gio/gio.h>
#include <string.h>

static gboolean
is_old_pipewire (void)
{
  GstElementFactory *factory = gst_element_factory_find ("pipewiresink");
  GstPlugin *plugin = factory
      ? gst_plugin_feature_get_plugin (GST_PLUGIN_FEATURE (factory))
      : NULL;
  gboolean old = plugin
      && g_str_has_prefix (gst_plugin_get_version (plugin), "0.");

  gst_clear_object (&plugin);
  gst_clear_object (&factory);
  return old;
}

/* Of a fixed format, since PipeWire takes no list of them from here. Before
 * version 1 its own buffers come back without memory; after it there is no link
 * without them. */
static gchar *
describe_pipewire (void)
{
  return g_strdup_printf (
      "videoconvert ! video/x-raw,format=YUY2 ! %spipewiresink mode=provide "
      "stream-properties=props,media.class=Video/Source,media.role=Camera,"
      "node.name=unetseg,node.description=unetseg",
      is_old_pipewire () ? "identity drop-allocation=true ! " : "");
}

static gchar *
describe_rtp (const gchar *where, GError **error)
{
  const gchar *host = where + strlen ("rtp://"), *port = strrchr (host, ':');

  if (port == NULL || port == host) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "'%s' is no rtp://HOST:PORT", where);
    return NULL;
  }
  return g_strdup_printf (
      "queue ! videoconvert ! vp8enc deadline=1 cpu-used=8 "
      "keyframe-max-dist=60 target-bitrate=2000000 ! rtpvp8pay ! "
      "udpsink host=%.*s port=%s",
      (gint) (port - host), host, port + 1);
}

gchar *
live_output_describe (const gchar *where, GError **error)
{
  if (where == NULL || g_str_equal (where, "screen"))
    return g_strdup ("videoconvert ! autovideosink");
  if (g_str_equal (where, "pipewire"))
    return describe_pipewire ();
  if (g_str_has_prefix (where, "rtp://"))
    return describe_rtp (where, error);
  if (g_str_has_prefix (where, "/dev/"))
    return g_strdup_printf (
        "videoconvert ! video/x-raw,format=YUY2 ! v4l2sink device=\"%s\"",
        where);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
      "'%s' is no output: screen, /dev/videoN, pipewire or rtp://HOST:PORT",
      where);
  return NULL;
}
