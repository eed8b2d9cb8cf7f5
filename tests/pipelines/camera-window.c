/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests the window of unetseg-camera through its widgets and the pixels that
 * its picture draws. Needs a screen, plugins in $GST_PLUGIN_PATH, and in the
 * current folder white.png and white.webm. */

#include "camera-window.h"

#include <gst/gst.h>
#include "lib/check-main.h"

/* Seconds until a picture must be as expected; a session of its own may take
 * ten to start. */
#define PATIENCE 30
/* Of the test picture's bars: red is foreground to the network. */
#define RED    251
#define CYAN   114
#define CORNER 130 /* of the bar in cyan, 7 pixels from the green one */
#define ROW    60

static GtkWindow *window;

static GtkWidget *
find (GtkWidget *root, const gchar *name)
{
  GtkWidget *found = NULL;

  if (g_str_equal (gtk_widget_get_name (root), name))
    return root;
  for (GtkWidget *child = gtk_widget_get_first_child (root);
       child && found == NULL; child = gtk_widget_get_next_sibling (child))
    found = find (child, name);
  return found;
}

static GtkWidget *
widget (const gchar *name)
{
  GtkWidget *found = find (GTK_WIDGET (window), name);

  ck_assert_msg (found != NULL, "%s", name);
  return found;
}

/* ---- pixels -------------------------------------------------------------- */

/* Draws the picture as the window does. Returns a pixel of 0xAARRGGBB with the
 * alpha multiplied in, or 0 where there is no picture of 320x240 yet. */
static guint32
pixel (guint x)
{
  GdkPaintable *paintable =
      gtk_picture_get_paintable (GTK_PICTURE (widget ("picture")));
  GtkSnapshot *snapshot = gtk_snapshot_new ();
  g_autofree guint32 *pixels = g_new0 (guint32, 320 * 240);
  GskRenderNode *node = NULL;
  GdkTexture *texture;

  if (paintable && gdk_paintable_get_intrinsic_width (paintable) == 320) {
    gdk_paintable_snapshot (paintable, snapshot, 320, 240);
    node = gtk_snapshot_to_node (snapshot);
  }
  g_object_unref (snapshot);
  if (node == NULL)
    return 0;
  texture = gsk_renderer_render_texture (
      gtk_native_get_renderer (GTK_NATIVE (window)), node,
      &GRAPHENE_RECT_INIT (0, 0, 320, 240));
  gsk_render_node_unref (node);
  gdk_texture_download (texture, (guchar *) pixels, 320 * 4);
  g_object_unref (texture);
  return pixels[ROW * 320 + x];
}

static gboolean
is_near (guint32 got, guint32 wanted)
{
  for (guint shift = 0; shift < 32; shift += 8)
    if (ABS ((gint) (got >> shift & 255) - (gint) (wanted >> shift & 255)) > 24)
      return FALSE;
  return TRUE;
}

static gboolean
wake (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

/* Lets the window work until the pixels are as wanted. */
static void
expect (const gchar *what, guint32 at_red, guint32 at_cyan)
{
  gint64 end = g_get_monotonic_time () + PATIENCE * G_USEC_PER_SEC;
  guint timer = g_timeout_add (20, wake, NULL);
  guint32 red = 0, cyan = 0;

  do {
    g_main_context_iteration (NULL, TRUE);
    red = pixel (RED);
    cyan = pixel (CYAN);
  } while ((!is_near (red, at_red) || !is_near (cyan, at_cyan))
      && g_get_monotonic_time () < end);
  g_source_remove (timer);
  ck_assert_msg (is_near (red, at_red) && is_near (cyan, at_cyan),
      "%s: %08x and %08x", what, red, cyan);
}

/* ---- the window ---------------------------------------------------------- */

static void
on_activate (GtkApplication *application, gpointer data)
{
  g_autofree gchar *properties =
      g_strdup_printf ("model=%s/red.onnx refine=off async=false",
          g_getenv ("UNETSEG_TEST_MODELS"));
  const CameraOptions options = { data, NULL, "320x240", properties };

  window = camera_window_new (application, &options);
  gtk_window_present (window);
}

static GtkApplication *
open_window (const gchar *camera)
{
  GtkApplication *application =
      gtk_application_new ("org.unetseg.Test", G_APPLICATION_NON_UNIQUE);

  g_signal_connect (
      application, "activate", G_CALLBACK (on_activate), (gpointer) camera);
  ck_assert (g_application_register (G_APPLICATION (application), NULL, NULL));
  g_application_activate (G_APPLICATION (application));
  return application;
}

static void
note_end (gpointer data, GObject *object)
{
  *(gboolean *) data = TRUE;
}

/* The window is freed, and its pipeline with it. */
static void
close_window (GtkApplication *application)
{
  gboolean ended = FALSE;

  g_object_weak_ref (G_OBJECT (window), note_end, &ended);
  gtk_window_close (window);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  ck_assert (ended);
  g_object_unref (application);
}

static void
choose (const gchar *list, guint row)
{
  gtk_drop_down_set_selected (GTK_DROP_DOWN (widget (list)), row);
}

#define RED_BAR  0xfffd0000
#define CYAN_BAR 0xff00fdfd

START_TEST (test_effects)
{
  GtkApplication *application = open_window ("test");

  choose ("effect", CAMERA_NONE);
  expect ("none", RED_BAR, CYAN_BAR);
  choose ("effect", CAMERA_COLOR);
  expect ("colour", RED_BAR, 0xff00b140);
  choose ("effect", CAMERA_MASK);
  expect ("mask", 0xffffffff, 0xff000000);
  choose ("effect", CAMERA_ALPHA);
  expect ("alone", RED_BAR, 0);
  gtk_switch_set_active (GTK_SWITCH (widget ("switch")), FALSE);
  expect ("off", RED_BAR, CYAN_BAR);
  gtk_switch_set_active (GTK_SWITCH (widget ("switch")), TRUE);
  expect ("on", RED_BAR, 0);
  close_window (application);
}
END_TEST

START_TEST (test_files)
{
  GtkApplication *application = open_window ("test");

  camera_window_set_file (window, "white.png");
  expect ("picture", RED_BAR, 0xffffffff);
  choose ("effect", CAMERA_COLOR);
  expect ("colour after a picture", RED_BAR, 0xff00b140);
  camera_window_set_file (window, "white.webm");
  expect ("video", RED_BAR, 0xffffffff);
  choose ("effect", CAMERA_COLOR);
  expect ("colour after a video", RED_BAR, 0xff00b140);
  close_window (application);
}
END_TEST

/* Waits until the pixel near the edge of the bar is of its colour, or not. */
static void
expect_corner (gboolean wanted)
{
  gint64 end = g_get_monotonic_time () + PATIENCE * G_USEC_PER_SEC;
  guint32 got;

  do {
    g_main_context_iteration (NULL, TRUE);
    got = pixel (CORNER);
  } while (is_near (got, CYAN_BAR) != wanted && g_get_monotonic_time () < end);
  ck_assert_msg (is_near (got, CYAN_BAR) == wanted, "%08x", got);
}

/* A wide blur brings other bars to a pixel near an edge. */
START_TEST (test_strength)
{
  GtkApplication *application = open_window ("test");
  GtkRange *strength = GTK_RANGE (widget ("strength"));

  gtk_range_set_value (strength, 0.5);
  expect ("narrow blur", RED_BAR, CYAN_BAR);
  expect_corner (TRUE);
  gtk_range_set_value (strength, 10);
  expect_corner (FALSE);
  gtk_range_set_value (strength, 0.5);
  expect_corner (TRUE);
  close_window (application);
}
END_TEST

/* A camera that is not there is named; another one can be chosen. */
START_TEST (test_no_camera)
{
  GtkApplication *application = open_window ("nonesuch.webm");
  GtkWidget *status = widget ("status");
  GListModel *rows =
      gtk_drop_down_get_model (GTK_DROP_DOWN (widget ("camera")));

  ck_assert (gtk_widget_get_visible (status));
  ck_assert (strstr (gtk_label_get_text (GTK_LABEL (status)), "nonesuch.webm"));
  choose ("camera", g_list_model_get_n_items (rows) - 1);
  choose ("effect", CAMERA_NONE);
  expect ("test picture", RED_BAR, CYAN_BAR);
  ck_assert (!gtk_widget_get_visible (status));
  close_window (application);
}
END_TEST

int
main (int argc, char **argv)
{
  const TTest *const tests[] = { test_effects, test_files, test_strength,
    test_no_camera };

  gst_init (&argc, &argv);
  if (!gtk_init_check ()) {
    g_print ("there is no screen\n");
    return 77;
  }
  /* GTK's connection to the screen does not survive a fork. */
  g_setenv ("CK_FORK", "no", TRUE);
  return check_run_tests (
      "camera-window", 300, tests, sizeof tests / sizeof *tests);
}
