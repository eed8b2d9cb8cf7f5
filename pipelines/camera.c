/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* unetseg-camera: a window that shows a camera with another background.
 * `unetseg-camera --help` lists the options. */

#include "camera-window.h"

#include <glib-unix.h>
#include <gst/gst.h>

static const gchar summary[] =
    "CAMERA is a number or name of unetseg-live --list, a device such as\n"
    "/dev/video0, a file that takes the camera's place, or \"test\"; the "
    "first\n"
    "camera if left out.";

typedef struct {
  gchar *background, *size, *properties;
} Options;

static GOptionContext *
new_context (Options *o)
{
  const GOptionEntry entries[] = {
    { "background", 'b', 0, G_OPTION_ARG_FILENAME, &o->background,
        "start with this picture or video behind the person", "FILE" },
    { "size", 0, 0, G_OPTION_ARG_STRING, &o->size, "size of the camera",
        "WIDTHxHEIGHT" },
    { "properties", 'u', 0, G_OPTION_ARG_STRING, &o->properties,
        "properties of unetseg, such as \"threads=1 feather=2\"", "TEXT" },
    { NULL },
  };
  GOptionContext *context = g_option_context_new ("[CAMERA]");

  g_option_context_set_summary (context, summary);
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  return context;
}

static void
on_activate (GtkApplication *application, gpointer data)
{
  GtkWindow *window = gtk_application_get_active_window (application);

  if (window == NULL)
    window = camera_window_new (application, data);
  gtk_window_present (window);
}

/* The window's pipeline stops with it. */
static gboolean
on_signal (gpointer data)
{
  GtkApplication *application = data;
  GtkWindow *window = gtk_application_get_active_window (application);

  if (window)
    gtk_window_destroy (window);
  g_application_quit (G_APPLICATION (application));
  return G_SOURCE_REMOVE;
}

/* Another instance is another window, with a camera of its own. */
static gint
run (const CameraOptions *options)
{
  GtkApplication *application =
      gtk_application_new ("org.unetseg.Camera", G_APPLICATION_NON_UNIQUE);
  gint status;

  g_signal_connect (
      application, "activate", G_CALLBACK (on_activate), (gpointer) options);
  g_unix_signal_add (SIGINT, on_signal, application);
  g_unix_signal_add (SIGTERM, on_signal, application);
  status = g_application_run (G_APPLICATION (application), 0, NULL);
  g_object_unref (application);
  return status;
}

int
main (int argc, char **argv)
{
  Options options = { NULL };
  GOptionContext *context = new_context (&options);
  g_autoptr (GError) error = NULL;
  gint status = 2;

  if (!g_option_context_parse (context, &argc, &argv, &error) || argc > 2) {
    g_printerr ("unetseg-camera: %s; see --help\n",
        error ? error->message : "more than one camera");
  } else if (!gtk_init_check ()) {
    g_printerr ("unetseg-camera: there is no screen to open a window on\n");
    status = 1;
  } else {
    const CameraOptions all = { argc > 1 ? argv[1] : NULL, options.background,
      options.size, options.properties };

    status = run (&all);
  }
  g_option_context_free (context);
  g_free (options.background);
  g_free (options.size);
  g_free (options.properties);
  return status;
}
