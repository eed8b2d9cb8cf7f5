/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "camera-window.h"

#include "camera-view.h"
#include "live-background.h"
#include "live-camera.h"
#include "live-session.h"

#define DATA "camera-window"

typedef struct {
  gchar *background, *size, *properties; /* (nullable) */
  GPtrArray *cameras;                    /* of text: what each row opens */
  LiveSession *session;                  /* (nullable): nothing plays */
  guint watch;                           /* of its bus */
  GtkWidget *window, *picture, *camera, *effect, *strength, *file, *color,
      *enabled, *status;
} Camera;

static void
set_status (Camera *self, const gchar *text)
{
  gtk_label_set_text (GTK_LABEL (self->status), text);
  gtk_widget_set_visible (self->status, *text != '\0');
}

/* ---- the session --------------------------------------------------------- */

static void
close_session (Camera *self)
{
  if (self->watch > 0)
    g_source_remove (self->watch);
  self->watch = 0;
  g_clear_pointer (&self->session, live_session_free);
}

static CameraEffect
get_effect (Camera *self)
{
  return gtk_drop_down_get_selected (GTK_DROP_DOWN (self->effect));
}

/* Returns (transfer full) the text by which live_background_set () knows the
 * effect. */
static gchar *
describe_background (Camera *self)
{
  GdkRGBA color;

  switch (get_effect (self)) {
    case CAMERA_FILE:
      return g_strdup (self->background ? self->background : "blur");
    case CAMERA_COLOR:
      gtk_color_chooser_get_rgba (GTK_COLOR_CHOOSER (self->color), &color);
      return g_strdup_printf ("#%02x%02x%02x", (guint) (255 * color.red + 0.5),
          (guint) (255 * color.green + 0.5), (guint) (255 * color.blue + 0.5));
    case CAMERA_OVERLAY:
      return g_strdup ("none");
    default:
      return g_strdup ("blur");
  }
}

static void
apply_effect (Camera *self)
{
  GstElement *seg = live_session_get_seg (self->session);
  g_autofree gchar *background = describe_background (self);
  g_autoptr (GError) error = NULL;

  set_status (self, "");
  g_object_set (seg, "enabled",
      gtk_switch_get_active (GTK_SWITCH (self->enabled)), "blur-radius",
      gtk_range_get_value (GTK_RANGE (self->strength)) / 100, NULL);
  if (live_session_has_video (self->session))
    return;
  if (get_effect (self) == CAMERA_ALPHA)
    gst_util_set_object_arg (G_OBJECT (seg), "output", "alpha");
  else if (get_effect (self) == CAMERA_MASK)
    gst_util_set_object_arg (G_OBJECT (seg), "output", "mask");
  else if (get_effect (self) == CAMERA_NONE)
    gst_util_set_object_arg (G_OBJECT (seg), "output", "none");
  else if (!live_background_set (seg, background, &error))
    set_status (self, error->message);
}

/* A recording in the camera's place begins again. */
static void
begin_again (Camera *self)
{
  if (!gst_element_seek_simple (live_session_get_pipeline (self->session),
          GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_KEY_UNIT, 0))
    set_status (self, "The recording has ended.");
}

static void
show_error (Camera *self, GstMessage *message)
{
  g_autoptr (GError) error = NULL;

  gst_message_parse_error (message, &error, NULL);
  set_status (self, error->message);
}

static void
show_warning (Camera *self, GstMessage *message)
{
  g_autoptr (GError) error = NULL;

  gst_message_parse_warning (message, &error, NULL);
  set_status (self, error->message);
}

static gboolean
take_message (GstBus *bus, GstMessage *message, gpointer data)
{
  Camera *self = data;

  switch (GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_ERROR:
      show_error (self, message);
      self->watch = 0; /* the return value removes it */
      close_session (self);
      return G_SOURCE_REMOVE;
    case GST_MESSAGE_WARNING:
      show_warning (self, message);
      break;
    case GST_MESSAGE_EOS:
      begin_again (self);
      break;
    case GST_MESSAGE_LATENCY:
      gst_bin_recalculate_latency (
          GST_BIN (live_session_get_pipeline (self->session)));
      break;
    default:
      break;
  }
  return G_SOURCE_CONTINUE;
}

/* A video as the background is a part of the pipeline. */
static gchar *
get_video (Camera *self)
{
  return get_effect (self) == CAMERA_FILE
          && live_background_is_video (self->background)
      ? self->background
      : NULL;
}

static void
open_session (Camera *self)
{
  guint row = gtk_drop_down_get_selected (GTK_DROP_DOWN (self->camera));
  g_autoptr (GError) error = NULL;
  LiveSetup setup = { .background = get_video (self),
    .sink = camera_view_describe_sink (),
    .size = self->size,
    .properties = self->properties,
    .frames = -1 };
  GstElement *pipeline;
  GstBus *bus;

  close_session (self);
  if (row >= self->cameras->len)
    return;
  setup.camera = g_ptr_array_index (self->cameras, row);
  self->session = live_session_new (&setup, &error);
  if (self->session == NULL) {
    set_status (self, error->message);
    return;
  }
  pipeline = live_session_get_pipeline (self->session);
  camera_view_connect (GTK_PICTURE (self->picture), pipeline);
  bus = gst_element_get_bus (pipeline);
  self->watch = gst_bus_add_watch (bus, take_message, self);
  gst_object_unref (bus);
  apply_effect (self);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
}

/* ---- controls ------------------------------------------------------------ */

static void
on_camera (GObject *object, GParamSpec *spec, gpointer data)
{
  open_session (data);
}

static void
update (Camera *self)
{
  CameraEffect effect = get_effect (self);

  gtk_widget_set_visible (self->strength, effect == CAMERA_BLUR);
  gtk_widget_set_visible (self->file, effect == CAMERA_FILE);
  gtk_widget_set_visible (self->color, effect == CAMERA_COLOR);
  if (self->session == NULL || live_session_has_video (self->session)
      || get_video (self) != NULL)
    open_session (self);
  else
    apply_effect (self);
}

static void
on_effect (GObject *object, GParamSpec *spec, gpointer data)
{
  update (data);
}

static void
on_setting (GObject *object, GParamSpec *spec, gpointer data)
{
  Camera *self = data;

  if (self->session)
    apply_effect (self);
}

static void
on_strength (GtkRange *range, gpointer data)
{
  on_setting (NULL, NULL, data);
}

static void
set_file (Camera *self, const gchar *path)
{
  g_autofree gchar *name = g_filename_display_basename (path);

  g_free (self->background);
  self->background = g_strdup (path);
  gtk_button_set_label (GTK_BUTTON (self->file), name);
  if (get_effect (self) == CAMERA_FILE)
    update (self);
  else
    gtk_drop_down_set_selected (GTK_DROP_DOWN (self->effect), CAMERA_FILE);
}

static void
on_response (GtkNativeDialog *dialog, gint response, gpointer data)
{
  g_autoptr (GFile) file = NULL;
  g_autofree gchar *path = NULL;

  if (response == GTK_RESPONSE_ACCEPT) {
    file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));
    path = file ? g_file_get_path (file) : NULL;
  }
  if (path)
    set_file (data, path);
  g_object_unref (dialog);
}

static void
on_file (GtkButton *button, gpointer data)
{
  Camera *self = data;
  GtkFileChooserNative *dialog =
      gtk_file_chooser_native_new ("Picture or video for the background",
          GTK_WINDOW (self->window), GTK_FILE_CHOOSER_ACTION_OPEN, NULL, NULL);

  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);
  g_signal_connect (dialog, "response", G_CALLBACK (on_response), self);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}

void
camera_window_set_file (GtkWindow *window, const gchar *path)
{
  set_file (g_object_get_data (G_OBJECT (window), DATA), path);
}

/* ---- layout -------------------------------------------------------------- */

/* The label is read aloud, and controls show it under the pointer. */
static GtkWidget *
named (GtkWidget *widget, const gchar *name, const gchar *label)
{
  gtk_widget_set_name (widget, name);
  if (!GTK_IS_PICTURE (widget))
    gtk_widget_set_tooltip_text (widget, label);
  gtk_accessible_update_property (
      GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
  return widget;
}

/* Fills @self->cameras. Returns the rows of the list. */
static GtkWidget *
new_camera_list (Camera *self, const gchar *first)
{
  g_auto (GStrv) names = live_camera_get_names ();
  GtkStringList *rows = gtk_string_list_new (NULL);

  if (first && !g_str_equal (first, "test")) {
    gtk_string_list_append (rows, first);
    g_ptr_array_add (self->cameras, g_strdup (first));
  }
  for (guint i = 0; names[i]; i++) {
    gtk_string_list_append (rows, names[i]);
    g_ptr_array_add (self->cameras, g_strdup_printf ("%u", i));
  }
  gtk_string_list_append (rows, "Test picture");
  g_ptr_array_add (self->cameras, g_strdup ("test"));
  return gtk_drop_down_new (G_LIST_MODEL (rows), NULL);
}

static GtkWidget *
new_controls (Camera *self, const gchar *camera)
{
  static const gchar *const effects[] = { "Blur", "Picture or video", "Colour",
    "Person alone", "Mask in grey", "Mask drawn in", "None", NULL };
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  const GdkRGBA green = { 0, 0xb1 / 255.f, 0x40 / 255.f, 1 };

  self->camera = named (new_camera_list (self, camera), "camera", "Camera");
  self->effect =
      named (gtk_drop_down_new_from_strings (effects), "effect", "Effect");
  self->strength = named (
      gtk_scale_new_with_range (GTK_ORIENTATION_HORIZONTAL, 0.5, 10, 0.5),
      "strength", "Strength of the blur in % of the height");
  gtk_range_set_value (GTK_RANGE (self->strength), 2.5);
  gtk_widget_set_size_request (self->strength, 160, -1);
  self->file = named (gtk_button_new_with_label ("Choose a file…"), "file",
      "Picture or video for the background");
  self->color =
      named (gtk_color_button_new_with_rgba (&green), "color", "Colour");
  gtk_box_append (GTK_BOX (box), self->camera);
  gtk_box_append (GTK_BOX (box), self->effect);
  gtk_box_append (GTK_BOX (box), self->strength);
  gtk_box_append (GTK_BOX (box), self->file);
  gtk_box_append (GTK_BOX (box), self->color);
  gtk_widget_set_margin_start (box, 12);
  gtk_widget_set_margin_end (box, 12);
  gtk_widget_set_margin_top (box, 12);
  gtk_widget_set_margin_bottom (box, 12);
  return box;
}

static void
fill_window (Camera *self, const gchar *camera)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *header = gtk_header_bar_new ();

  self->picture =
      named (gtk_picture_new (), "picture", "What the camera shows");
  gtk_widget_set_vexpand (self->picture, TRUE);
  self->status = gtk_label_new (NULL);
  gtk_widget_set_name (self->status, "status");
  gtk_label_set_wrap (GTK_LABEL (self->status), TRUE);
  self->enabled = named (gtk_switch_new (), "switch", "Effect on or off");
  gtk_switch_set_active (GTK_SWITCH (self->enabled), TRUE);
  gtk_widget_set_valign (self->enabled, GTK_ALIGN_CENTER);
  gtk_header_bar_pack_start (GTK_HEADER_BAR (header), self->enabled);
  gtk_window_set_titlebar (GTK_WINDOW (self->window), header);
  gtk_box_append (GTK_BOX (box), self->picture);
  gtk_box_append (GTK_BOX (box), self->status);
  gtk_box_append (GTK_BOX (box), new_controls (self, camera));
  gtk_window_set_child (GTK_WINDOW (self->window), box);
}

static void
connect_controls (Camera *self)
{
  g_signal_connect (
      self->camera, "notify::selected", G_CALLBACK (on_camera), self);
  g_signal_connect (
      self->effect, "notify::selected", G_CALLBACK (on_effect), self);
  g_signal_connect (
      self->enabled, "notify::active", G_CALLBACK (on_setting), self);
  g_signal_connect (self->color, "notify::rgba", G_CALLBACK (on_setting), self);
  g_signal_connect (
      self->strength, "value-changed", G_CALLBACK (on_strength), self);
  g_signal_connect (self->file, "clicked", G_CALLBACK (on_file), self);
}

static void
camera_free (gpointer data)
{
  Camera *self = data;

  close_session (self);
  g_ptr_array_unref (self->cameras);
  g_free (self->background);
  g_free (self->size);
  g_free (self->properties);
  g_free (self);
}

GtkWindow *
camera_window_new (GtkApplication *application, const CameraOptions *options)
{
  Camera *self = g_new0 (Camera, 1);

  self->size = g_strdup (options->size);
  self->properties = g_strdup (options->properties);
  self->cameras = g_ptr_array_new_with_free_func (g_free);
  self->window = gtk_application_window_new (application);
  g_object_set_data_full (G_OBJECT (self->window), DATA, self, camera_free);
  gtk_window_set_title (GTK_WINDOW (self->window), "unetseg");
  gtk_window_set_icon_name (GTK_WINDOW (self->window), "camera-web");
  gtk_window_set_default_size (GTK_WINDOW (self->window), 800, 680);
  fill_window (self, options->camera);
  set_status (self, "");
  if (options->background) {
    set_file (self, options->background);
    gtk_drop_down_set_selected (GTK_DROP_DOWN (self->effect), CAMERA_FILE);
  }
  connect_controls (self);
  update (self);
  return GTK_WINDOW (self->window);
}
