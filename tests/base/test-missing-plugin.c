/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Debian packages of plugins that are missing. */
#include "lib/check-main.h"

#include <base/missing-plugin.h>
#include <gst/pbutils/pbutils.h>
#include <string.h>

static void
assert_description (const gchar *detail, const gchar *expected)
{
  g_autofree gchar *text = unet_missing_plugin_describe (detail);

  ck_assert_str_eq (text, expected);
}

START_TEST (test_describe)
{
  assert_description ("gstreamer|1.0|app|PNG decoder|decoder-image/png",
      "PNG decoder (apt install gstreamer1.0-plugins-good)");
  assert_description (
      "gstreamer|1.0|app|AV1 decoder|decoder-video/x-av1, width=(int)8",
      "AV1 decoder (apt install gstreamer1.0-plugins-bad)");
  assert_description ("gstreamer|1.0|app|H.264 decoder|decoder-video/x-h264",
      "H.264 decoder (apt install gstreamer1.0-libav)");
  assert_description ("gstreamer|1.0|app|GStreamer element x264enc|"
                      "element-x264enc",
      "GStreamer element x264enc (apt install gstreamer1.0-plugins-ugly)");
  assert_description ("gstreamer|1.0|app|GStreamer element nonesuch|"
                      "element-nonesuch",
      "GStreamer element nonesuch");
  assert_description ("gstreamer|1.0|app|x source|urisource-x", "x source");
  assert_description ("garbage", "a plugin");
  assert_description ("", "a plugin");
}
END_TEST

/* The message is the one that decodebin posts. */
START_TEST (test_pop)
{
  GstElement *element = gst_pipeline_new (NULL);
  GstCaps *caps = gst_caps_from_string ("image/webp, width=8");
  GstBus *bus = gst_bus_new ();
  gchar *missing = NULL;
  GstMessage *message;

  gst_bus_post (bus, gst_missing_decoder_message_new (element, caps));
  gst_bus_post (bus, gst_message_new_eos (GST_OBJECT (element)));
  message = unet_missing_plugin_pop (bus, 0, GST_MESSAGE_EOS, &missing);
  ck_assert_ptr_nonnull (message);
  ck_assert (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS);
  ck_assert (
      g_str_has_suffix (missing, "(apt install gstreamer1.0-plugins-bad)"));
  g_free (missing);
  gst_message_unref (message);
  ck_assert_ptr_null (
      unet_missing_plugin_pop (bus, 0, GST_MESSAGE_EOS, &missing));
  ck_assert_ptr_null (missing);
  gst_object_unref (bus);
  gst_caps_unref (caps);
  gst_object_unref (element);
}
END_TEST

START_TEST (test_parse)
{
  GError *error = NULL;
  GstElement *pipeline =
      unet_missing_plugin_parse ("fakesrc ! nonesuch ! fakesink", &error);

  ck_assert_ptr_null (pipeline);
  ck_assert (g_error_matches (
      error, GST_PARSE_ERROR, GST_PARSE_ERROR_NO_SUCH_ELEMENT));
  ck_assert_str_eq (error->message, "no element \"nonesuch\"");
  g_clear_error (&error);
  pipeline = unet_missing_plugin_parse ("fakesrc ! fakesink", &error);
  ck_assert_ptr_nonnull (pipeline);
  gst_object_unref (pipeline);
}
END_TEST

/* Where a machine lacks an element of the table, its package is named. */
START_TEST (test_packages)
{
  static const gchar *const names[] = { "x265enc", "webrtcbin", "av1enc",
    "pipewiresink", "ximagesink", "vp8enc" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    const gchar *package = unet_missing_plugin_find_package (names[i]);
    GstElementFactory *factory = gst_element_factory_find (names[i]);
    GError *error = NULL;

    ck_assert (package && g_str_has_prefix (package, "gstreamer1.0-"));
    if (factory == NULL) {
      ck_assert_ptr_null (unet_missing_plugin_parse (names[i], &error));
      ck_assert_msg (
          strstr (error->message, package) != NULL, "%s", error->message);
      g_clear_error (&error);
    }
    gst_clear_object (&factory);
  }
  ck_assert_ptr_null (unet_missing_plugin_find_package ("nonesuch"));
}
END_TEST

int
main (int argc, char **argv)
{
  const TTest *const tests[] = {
    test_describe,
    test_pop,
    test_parse,
    test_packages,
  };

  gst_init (&argc, &argv);
  return check_run_tests ("missing-plugin", 30, tests, G_N_ELEMENTS (tests));
}
