/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* unetseg-live: a camera with another background, on the screen or as a camera
 * for other programs. `unetseg-live --help` lists the options. */

#include "live-background.h"
#include "live-camera.h"
#include "live-output.h"
#include "live-session.h"

#include "base/missing-plugin.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <gst/pbutils/pbutils.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  gchar *background, *output, *sink, *size, *properties;
  gint frames, rate;
  gboolean list, disabled, corner;
} Options;

typedef struct {
  GMainLoop *loop;
  LiveSession *session;
  GstElement *pipeline, *seg; /* (transfer none): of @session */
  guint signals;              /* that have come */
  gboolean drains;            /* before it ends: a file may be written */
  gint status;
  GString *input; /* the start of a line of the standard input */
} Live;

/* ---- messages ------------------------------------------------------------ */

static void
print_message (GstMessage *message, gboolean is_error)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *debug = NULL;

  if (is_error)
    gst_message_parse_error (message, &error, &debug);
  else
    gst_message_parse_warning (message, &error, &debug);
  g_printerr (
      "unetseg-live: %s: %s\n", is_error ? "error" : "warning", error->message);
  if (debug && is_error)
    g_printerr ("  (%s)\n", debug);
}

/* Comes before the error of the element that needs the plugin. */
static void
print_missing (GstMessage *message)
{
  g_autofree gchar *detail =
      gst_missing_plugin_message_get_installer_detail (message);
  g_autofree gchar *plugin = unet_missing_plugin_describe (detail);

  g_printerr ("unetseg-live: no plugin for it: %s\n", plugin);
}

static gboolean
take_message (GstBus *bus, GstMessage *message, gpointer data)
{
  Live *live = data;

  switch (GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_ERROR:
      print_message (message, TRUE);
      live->status = 1;
      g_main_loop_quit (live->loop);
      break;
    case GST_MESSAGE_WARNING:
      print_message (message, FALSE);
      break;
    case GST_MESSAGE_ELEMENT:
      if (gst_is_missing_plugin_message (message))
        print_missing (message);
      break;
    case GST_MESSAGE_EOS:
      g_main_loop_quit (live->loop);
      break;
    case GST_MESSAGE_LATENCY:
      gst_bin_recalculate_latency (GST_BIN (live->pipeline));
      break;
    default:
      break;
  }
  return G_SOURCE_CONTINUE;
}

/* Seconds for files and encoders to end. */
#define LONGEST_END 3

static gboolean
quit (gpointer data)
{
  g_main_loop_quit (data);
  return G_SOURCE_REMOVE;
}

/* The first signal lets files and encoders end, where there are any; the second
 * one stops. */
static gboolean
take_signal (gpointer data)
{
  Live *live = data;

  if (live->signals++ > 0 || !live->drains
      || !gst_element_send_event (live->pipeline, gst_event_new_eos ()))
    g_main_loop_quit (live->loop);
  else
    g_timeout_add_seconds (LONGEST_END, quit, live->loop);
  return G_SOURCE_CONTINUE;
}

/* ---- commands ------------------------------------------------------------ */

static void
set_background (Live *live, const gchar *text)
{
  g_autoptr (GError) error = NULL;

  if (!live_background_set (live->seg, text, &error))
    g_printerr ("unetseg-live: %s\n", error->message);
}

/* Lines of the standard input: "on", "off", "background WHAT", "quit". */
static void
obey (Live *live, const gchar *line)
{
  if (g_str_equal (line, "on") || g_str_equal (line, "off"))
    g_object_set (live->seg, "enabled", g_str_equal (line, "on"), NULL);
  else if (g_str_has_prefix (line, "background "))
    set_background (live, line + strlen ("background "));
  else if (g_str_equal (line, "quit"))
    take_signal (live);
  else if (*line)
    g_printerr ("unetseg-live: commands are on, off, background WHAT, quit\n");
}

/* Obeys each whole line of @text and keeps the rest. */
static void
obey_lines (Live *live, GString *text)
{
  const gchar *end;

  while ((end = memchr (text->str, '\n', text->len)) != NULL) {
    gsize length = end - text->str;
    g_autofree gchar *line = g_strndup (text->str, length);

    g_string_erase (text, 0, length + 1);
    obey (live, g_strstrip (line));
  }
}

/* Reads what is there, because waiting for the end of a line would stop
 * messages and signals. Names of files may be in any encoding. */
static gboolean
take_input (gint fd, GIOCondition condition, gpointer data)
{
  Live *live = data;
  gchar bytes[4096];
  gssize n = read (fd, bytes, sizeof bytes);

  if (n < 0)
    return errno == EINTR || errno == EAGAIN;
  if (n == 0)
    g_string_append_c (live->input, '\n');
  else
    g_string_append_len (live->input, bytes, n);
  obey_lines (live, live->input);
  return n > 0;
}

/* ---- pipeline ------------------------------------------------------------ */

static gboolean
open_live (
    Live *live, const Options *options, const gchar *camera, GError **error)
{
  g_autofree gchar *sink = options->sink
      ? g_strdup (options->sink)
      : live_output_describe (options->output, error);
  const LiveSetup setup = { camera, options->background, sink, options->size,
    options->properties, options->rate, options->frames, options->corner };
  GstBus *bus;

  if (sink == NULL)
    return FALSE;
  live->session = live_session_new (&setup, error);
  if (live->session == NULL)
    return FALSE;
  live->pipeline = live_session_get_pipeline (live->session);
  live->seg = live_session_get_seg (live->session);
  g_object_set (live->seg, "enabled", !options->disabled, NULL);
  bus = gst_element_get_bus (live->pipeline);
  gst_bus_add_watch (bus, take_message, live);
  gst_object_unref (bus);
  return TRUE;
}

static gint
run (const Options *options, const gchar *camera)
{
  Live live = { .loop = g_main_loop_new (NULL, FALSE),
    .drains = options->sink != NULL,
    .input = g_string_new (NULL) };
  g_autoptr (GError) error = NULL;

  if (open_live (&live, options, camera, &error)) {
    g_unix_signal_add (SIGINT, take_signal, &live);
    g_unix_signal_add (SIGTERM, take_signal, &live);
    g_unix_signal_add (SIGHUP, take_signal, &live);
    g_unix_fd_add (STDIN_FILENO, G_IO_IN | G_IO_HUP, take_input, &live);
    gst_element_set_state (live.pipeline, GST_STATE_PLAYING);
    g_main_loop_run (live.loop);
  } else {
    g_printerr ("unetseg-live: %s\n", error->message);
    live.status = 1;
  }
  g_clear_pointer (&live.session, live_session_free);
  g_string_free (live.input, TRUE);
  g_main_loop_unref (live.loop);
  return live.status;
}

/* ---- options ------------------------------------------------------------- */

static const gchar summary[] =
    "CAMERA is a name or number of --list, a device such as /dev/video0, a "
    "file that\ntakes the camera's place, or \"test\"; the first camera if "
    "left out.\n\nWhile it runs, lines of the standard input change it: on, "
    "off, background WHAT,\nquit.";

static GOptionContext *
new_context (Options *o)
{
  const GOptionEntry entries[] = {
    { "background", 'b', 0, G_OPTION_ARG_STRING, &o->background,
        "blur (default), a colour such as green or #203040, a picture, a "
        "video, or none to draw the mask",
        "WHAT" },
    { "output", 'o', 0, G_OPTION_ARG_STRING, &o->output,
        "screen (default), /dev/videoN of v4l2loopback, pipewire, or "
        "rtp://HOST:PORT",
        "WHERE" },
    { "sink", 's', 0, G_OPTION_ARG_STRING, &o->sink,
        "elements in place of --output", "ELEMENTS" },
    { "size", 0, 0, G_OPTION_ARG_STRING, &o->size, "size of the camera",
        "WIDTHxHEIGHT" },
    { "rate", 0, 0, G_OPTION_ARG_INT, &o->rate, "frames a second", "N" },
    { "frames", 'n', 0, G_OPTION_ARG_INT, &o->frames,
        "stop after so many frames of the camera", "N" },
    { "properties", 'u', 0, G_OPTION_ARG_STRING, &o->properties,
        "properties of unetseg, such as \"threads=1 feather=2\"", "TEXT" },
    { "corner", 0, 0, G_OPTION_ARG_NONE, &o->corner,
        "the camera in the lower right corner of a video", NULL },
    { "off", 0, 0, G_OPTION_ARG_NONE, &o->disabled,
        "start with the background as it is", NULL },
    { "list", 'l', 0, G_OPTION_ARG_NONE, &o->list, "list cameras and end",
        NULL },
    { NULL },
  };
  GOptionContext *context = g_option_context_new ("[CAMERA]");

  g_option_context_set_summary (context, summary);
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  return context;
}

int
main (int argc, char **argv)
{
  Options options = { .frames = -1 };
  GOptionContext *context = new_context (&options);
  g_autoptr (GError) error = NULL;
  gint status;

  if (!g_option_context_parse (context, &argc, &argv, &error) || argc > 2) {
    g_printerr ("unetseg-live: %s; see --help\n",
        error ? error->message : "more than one camera");
    status = 2;
  } else if (options.list) {
    status = live_camera_list ();
  } else {
    status = run (&options, argc > 1 ? argv[1] : NULL);
  }
  g_option_context_free (context);
  g_free (options.background);
  g_free (options.output);
  g_free (options.sink);
  g_free (options.size);
  g_free (options.properties);
  return status;
}
