/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/missing-plugin.h"

#include <gst/pbutils/pbutils.h>
#include <string.h>

#define BASE "gstreamer1.0-plugins-base"
#define GOOD "gstreamer1.0-plugins-good"
#define BAD  "gstreamer1.0-plugins-bad"
#define UGLY "gstreamer1.0-plugins-ugly"

typedef struct {
  const gchar *name, *package;
} Entry;

/* The elements that the programs and their documents use. */
static const Entry elements[] = {
  { "appsink", BASE },
  { "appsrc", BASE },
  { "compositor", BASE },
  { "decodebin", BASE },
  { "uridecodebin", BASE },
  { "videoconvert", BASE },
  { "videorate", BASE },
  { "videoscale", BASE },
  { "videotestsrc", BASE },
  { "aspectratiocrop", GOOD },
  { "autovideosink", GOOD },
  { "gdkpixbufdec", GOOD },
  { "jpegdec", GOOD },
  { "jpegenc", GOOD },
  { "matroskademux", GOOD },
  { "matroskamux", GOOD },
  { "mp4mux", GOOD },
  { "multifilesink", GOOD },
  { "pngdec", GOOD },
  { "pngenc", GOOD },
  { "qtdemux", GOOD },
  { "qtmux", GOOD },
  { "rtpvp8pay", GOOD },
  { "udpsink", GOOD },
  { "v4l2sink", GOOD },
  { "v4l2src", GOOD },
  { "videocrop", GOOD },
  { "videoflip", GOOD },
  { "vp8enc", GOOD },
  { "vp9enc", GOOD },
  { "webmmux", GOOD },
  { "av1enc", BAD },
  { "openh264enc", BAD },
  { "webrtcbin", BAD },
  { "x265enc", BAD },
  { "x264enc", UGLY },
  { "avdec_h264", "gstreamer1.0-libav" },
  { "avenc_ffv1", "gstreamer1.0-libav" },
  { "avenc_prores_ks", "gstreamer1.0-libav" },
  { "pipewiresink", "gstreamer1.0-pipewire" },
  { "pipewiresrc", "gstreamer1.0-pipewire" },
  { "unetseg", "gstreamer1.0-unetseg" },
  { "unetsegdraw", "gstreamer1.0-unetseg" },
  { "ximagesink", "gstreamer1.0-x" },
  { "xvimagesink", "gstreamer1.0-x" },
};

/* Media types as the field Gstreamer-Decoders of Debian's packages has them.
 * libav has a decoder for nearly every other one. */
static const Entry decoders[] = {
  { "application/ogg", BASE },
  { "video/ogg", BASE },
  { "video/x-theora", BASE },
  { "image/bmp", GOOD },
  { "image/gif", GOOD },
  { "image/jpeg", GOOD },
  { "image/png", GOOD },
  { "image/tiff", GOOD },
  { "video/quicktime", GOOD },
  { "video/webm", GOOD },
  { "video/x-dv", GOOD },
  { "video/x-flv", GOOD },
  { "video/x-matroska", GOOD },
  { "video/x-msvideo", GOOD },
  { "video/x-vp8", GOOD },
  { "video/x-vp9", GOOD },
  { "image/jp2", BAD },
  { "image/svg", BAD },
  { "image/svg+xml", BAD },
  { "image/webp", BAD },
  { "image/x-exr", BAD },
  { "image/x-portable-anymap", BAD },
  { "image/x-portable-graymap", BAD },
  { "image/x-portable-pixmap", BAD },
  { "video/mpegts", BAD },
  { "video/x-av1", BAD },
  { "video/x-ms-asf", UGLY },
};

static const gchar *
find (const Entry *entries, guint n, const gchar *name)
{
  for (guint i = 0; i < n; i++)
    if (g_str_equal (entries[i].name, name))
      return entries[i].package;
  return NULL;
}

const gchar *
unet_missing_plugin_find_package (const gchar *element)
{
  return find (elements, G_N_ELEMENTS (elements), element);
}

/* @what: "element-NAME", or "decoder-CAPS" and its kin. */
static const gchar *
find_package (const gchar *what)
{
  const gchar *name = strchr (what, '-');
  g_autofree gchar *media = NULL;
  const gchar *package;

  if (name == NULL)
    return NULL;
  if (g_str_has_prefix (what, "element-"))
    return unet_missing_plugin_find_package (name + 1);
  if (!g_str_has_prefix (what, "decoder-"))
    return NULL;
  media = g_strndup (name + 1, strcspn (name + 1, ",("));
  package = find (decoders, G_N_ELEMENTS (decoders), g_strstrip (media));
  return package ? package : "gstreamer1.0-libav";
}

gchar *
unet_missing_plugin_describe (const gchar *detail)
{
  /* gstreamer|1.0|PROGRAM|DESCRIPTION|WHAT */
  g_auto (GStrv) parts = g_strsplit (detail, "|", -1);
  guint n = g_strv_length (parts);
  const gchar *package = n > 4 ? find_package (parts[4]) : NULL;

  if (n < 4)
    return g_strdup ("a plugin");
  if (package == NULL)
    return g_strdup (parts[3]);
  return g_strdup_printf ("%s (apt install %s)", parts[3], package);
}

GstMessage *
unet_missing_plugin_pop (
    GstBus *bus, GstClockTime timeout, GstMessageType types, gchar **missing)
{
  GstMessage *message;

  gst_pb_utils_init ();
  *missing = NULL;
  while ((message = gst_bus_timed_pop_filtered (
              bus, timeout, types | GST_MESSAGE_ELEMENT))) {
    g_autofree gchar *detail = NULL;

    if (GST_MESSAGE_TYPE (message) & types)
      return message;
    if (*missing == NULL && gst_is_missing_plugin_message (message)) {
      detail = gst_missing_plugin_message_get_installer_detail (message);
      *missing = unet_missing_plugin_describe (detail ? detail : "");
    }
    gst_message_unref (message);
  }
  return NULL;
}

GstElement *
unet_missing_plugin_parse (const gchar *description, GError **error)
{
  GstParseContext *context = gst_parse_context_new ();
  g_autoptr (GError) local = NULL;
  GstElement *pipeline = gst_parse_launch_full (
      description, context, GST_PARSE_FLAG_FATAL_ERRORS, &local);
  g_auto (GStrv) names = gst_parse_context_get_missing_elements (context);
  const gchar *package =
      names && names[0] ? unet_missing_plugin_find_package (names[0]) : NULL;

  if (pipeline == NULL && package)
    g_set_error (error, local->domain, local->code, "%s (apt install %s)",
        local->message, package);
  else if (pipeline == NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  gst_parse_context_free (context);
  return pipeline;
}
