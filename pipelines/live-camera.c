/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "live-camera.h"

#include "base/missing-plugin.h"

#include <gio/gio.h>
#include <gst/video/video.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/libav-end.h"

static GList *
find_devices (void)
{
  GstDeviceMonitor *monitor = gst_device_monitor_new ();
  GList *devices;

  gst_device_monitor_add_filter (monitor, "Video/Source", NULL);
  gst_device_monitor_start (monitor);
  devices = gst_device_monitor_get_devices (monitor);
  gst_device_monitor_stop (monitor);
  gst_object_unref (monitor);
  return devices;
}

static void
free_devices (GList *devices)
{
  g_list_free_full (devices, gst_object_unref);
}

/* Why @wanted, (nullable): any, is not there, and what to do; owned by the
 * caller. */
static gchar *
describe_none (const gchar *wanted)
{
  g_autoptr (GstElementFactory) v4l2 = gst_element_factory_find ("v4l2src");

  if (v4l2 == NULL)
    return g_strdup_printf ("GStreamer finds no cameras without v4l2src: apt "
                            "install %s",
        unet_missing_plugin_find_package ("v4l2src"));
  if (wanted)
    return g_strdup_printf (
        "there is no camera '%s', and no such file; see --list", wanted);
  return g_strdup (
      "there is no camera; connect one, or name a file or \"test\" to take "
      "its place");
}

/* Returns FALSE with @error set where the device cannot be opened. */
static gboolean
check_device (const gchar *path, GError **error)
{
  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
        "there is no device %s; see --list", path);
  else if (access (path, R_OK | W_OK) != 0)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
        "%s must not be opened: sudo adduser %s video, and log in again", path,
        g_get_user_name ());
  else
    return TRUE;
  return FALSE;
}

GStrv
live_camera_get_names (void)
{
  GList *devices = find_devices ();
  GPtrArray *names = g_ptr_array_new ();

  for (GList *at = devices; at; at = at->next)
    g_ptr_array_add (names, gst_device_get_display_name (at->data));
  g_ptr_array_add (names, NULL);
  free_devices (devices);
  return (GStrv) g_ptr_array_free (names, FALSE);
}

gint
live_camera_list (void)
{
  g_auto (GStrv) names = live_camera_get_names ();

  for (guint i = 0; names[i]; i++)
    g_print ("%u  %s\n", i, names[i]);
  if (names[0] == NULL) {
    g_autofree gchar *text = describe_none (NULL);

    g_printerr ("unetseg-live: %s\n", text);
  }
  return names[0] ? 0 : 1;
}

/* ---- one ----------------------------------------------------------------- */

static gboolean
matches (GstDevice *device, guint index, const gchar *wanted)
{
  g_autofree gchar *name = gst_device_get_display_name (device);
  g_autofree gchar *number = g_strdup_printf ("%u", index);

  return wanted == NULL || g_str_equal (wanted, name)
      || g_str_equal (wanted, number);
}

/* As text: the factory and the properties that make this device. */
static gchar *
describe_device (GstDevice *device)
{
  GstElement *element = gst_device_create_element (device, NULL);
  g_autofree gchar *path = NULL;
  gchar *text;
  const gchar *factory, *key;

  if (element == NULL)
    return NULL;
  factory = GST_OBJECT_NAME (gst_element_get_factory (element));
  key = g_str_equal (factory, "v4l2src") ? "device" : "target-object";
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (element), key))
    g_object_get (element, key, &path, NULL);
  text = path ? g_strdup_printf ("%s %s=\"%s\"", factory, key, path)
              : g_strdup (factory);
  gst_object_unref (element);
  return text;
}

static gchar *
describe_listed (const gchar *camera, GError **error)
{
  GList *devices = find_devices ();
  gchar *text = NULL;
  guint n = 0;

  for (GList *at = devices; at && text == NULL; at = at->next, n++)
    if (matches (at->data, n, camera))
      text = describe_device (at->data);
  free_devices (devices);
  if (text == NULL) {
    g_autofree gchar *reason = describe_none (camera);

    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, reason);
  }
  return text;
}

/* A file plays at its own rate, as a camera does. */
static gchar *
describe_file (const gchar *path)
{
  g_autofree gchar *escaped = g_strescape (path, NULL);

  return g_strdup_printf (
      "filesrc location=\"%s\" ! decodebin ! queue ! identity sync=true",
      escaped);
}

static gchar *
describe_source (const gchar *camera, GError **error)
{
  if (camera && g_str_equal (camera, "test"))
    return g_strdup ("videotestsrc is-live=true");
  if (camera && g_str_has_prefix (camera, "/dev/"))
    return check_device (camera, error)
        ? g_strdup_printf ("v4l2src device=\"%s\"", camera)
        : NULL;
  if (camera && g_file_test (camera, G_FILE_TEST_IS_REGULAR))
    return describe_file (camera);
  return describe_listed (camera, error);
}

/* Of 8 bits a sample: what a test picture or a camera gives otherwise may be
 * anything. A camera may send JPEG of that size. */
static gchar *
describe_caps (const gchar *size, gint rate, GError **error)
{
  GString *text = g_string_new (NULL);
  guint width, height;
  gchar rest;

  if (size && sscanf (size, "%ux%u%c", &width, &height, &rest) != 2) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "'%s' is no WIDTHxHEIGHT", size);
    g_string_free (text, TRUE);
    return NULL;
  }
  if (size)
    g_string_append_printf (text, ",width=%u,height=%u", width, height);
  if (rate > 0)
    g_string_append_printf (text, ",framerate=%d/1", rate);
  return g_string_free (text, FALSE);
}

/* A queue that drops frames of a camera, and none of a file. */
#define NEWEST "queue leaky=downstream max-size-buffers=2"

gchar *
live_camera_describe (const gchar *camera, const gchar *size, gint rate,
    gint frames, GError **error)
{
  g_autofree gchar *caps = describe_caps (size, rate, error);
  g_autofree gchar *source = NULL;

  if (caps == NULL)
    return NULL;
  source = describe_source (camera, error);
  if (source == NULL)
    return NULL;
  if (g_str_has_prefix (source, "filesrc"))
    return g_strdup_printf (
        "%s ! videoconvert ! videoscale ! videorate ! video/x-raw%s ! "
        "identity eos-after=%d ! queue",
        source, caps, frames);
  if (g_str_has_prefix (source, "videotestsrc"))
    return g_strdup_printf (
        "%s num-buffers=%d ! video/x-raw,format=I420%s ! " NEWEST, source,
        frames, caps);
  return g_strdup_printf (
      "%s num-buffers=%d ! capsfilter caps=\"video/x-raw%s;image/jpeg%s\" ! "
      "decodebin ! " NEWEST,
      source, frames, caps, caps);
}

/* ---- its size ------------------------------------------------------------ */

/* For a camera to start. */
#define PATIENCE (10 * GST_SECOND)

static gboolean
read_size (GstElement *sink, guint *width, guint *height)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (sink, "sink");
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  GstVideoInfo info;

  if (caps == NULL || !gst_video_info_from_caps (&info, caps))
    return FALSE;
  *width = GST_VIDEO_INFO_WIDTH (&info);
  *height = GST_VIDEO_INFO_HEIGHT (&info);
  return TRUE;
}

/* A live source shows its first frame in PLAYING. */
static gboolean
play_until_size (
    GstElement *pipeline, guint *width, guint *height, GError **error)
{
  g_autoptr (GstElement)
      sink = gst_bin_get_by_name (GST_BIN (pipeline), "size");
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, PATIENCE, GST_MESSAGE_ASYNC_DONE | GST_MESSAGE_ERROR);
  if (message && GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error (message, error, NULL);
    return FALSE;
  }
  if (read_size (sink, width, height))
    return TRUE;
  g_set_error (
      error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "the camera gave no frame");
  return FALSE;
}

gboolean
live_camera_find_size (
    const gchar *description, guint *width, guint *height, GError **error)
{
  g_autofree gchar *text =
      g_strdup_printf ("%s ! fakesink name=size", description);
  GstElement *pipeline = unet_missing_plugin_parse (text, error);
  gboolean found;

  if (pipeline == NULL)
    return FALSE;
  unet_libav_end_mend (GST_BIN (pipeline));
  found = play_until_size (pipeline, width, height, error);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  return found;
}
