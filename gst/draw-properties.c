/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "draw-properties.h"

#include "refused-values.h"
#include "text.h"

#include "base/color.h"

#include <gst/base/gstbasetransform.h>

#define DEFAULT_OUTPUT        GST_UNET_SEG_OUTPUT_OVERLAY
#define DEFAULT_OPACITY       0.5
#define DEFAULT_THRESHOLD     0.5
#define DEFAULT_REFINE        GST_UNET_SEG_SWITCH_AUTO
#define DEFAULT_EDGE_LOW      0.3
#define DEFAULT_EDGE_HIGH     0.7
#define DEFAULT_GROW          0
#define DEFAULT_FEATHER       0
#define DEFAULT_OUTLINE       0
#define DEFAULT_BLUR_RADIUS   0.025
#define DEFAULT_BACKGROUND    "#00b140"
#define DEFAULT_TEMPORAL      GST_UNET_SEG_SWITCH_AUTO
#define DEFAULT_TIME_CONSTANT 150
#define MAX_PIXELS            100

#define PLAYING                                                                \
  (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING)
#define CONTROLLED (PLAYING | GST_PARAM_CONTROLLABLE)

enum {
  PROP_0,
  PROP_ENABLED,
  PROP_OUTPUT,
  PROP_OPACITY,
  PROP_THRESHOLD,
  PROP_COLORS,
  PROP_LEGEND,
  PROP_CLEAR_HIDDEN,
  PROP_REFINE,
  PROP_EDGE_LOW,
  PROP_EDGE_HIGH,
  PROP_GROW,
  PROP_FEATHER,
  PROP_OUTLINE,
  PROP_BLUR_RADIUS,
  PROP_BACKGROUND,
  PROP_BACKGROUND_LOCATION,
  PROP_TEMPORAL,
  PROP_TIME_CONSTANT,
};

void
gst_unet_draw_properties_copy (
    GstUnetDrawProperties *self, GObject *object, GstUnetDrawSettings *settings)
{
  GST_OBJECT_LOCK (object);
  *settings = self->settings;
  settings->output = self->effective;
  settings->pts = GST_CLOCK_TIME_NONE;
  settings->is_new_scene = FALSE;
  settings->guide = NULL;
  gst_unet_colors_ref (settings->colors);
  gst_unet_background_ref (settings->background);
  GST_OBJECT_UNLOCK (object);
}

void
gst_unet_draw_settings_clear (GstUnetDrawSettings *settings)
{
  g_clear_pointer (&settings->colors, gst_unet_colors_unref);
  g_clear_pointer (&settings->background, gst_unet_background_unref);
}

static void
set_colors (GstUnetDrawProperties *self, GObject *object, const gchar *text,
    GError **error)
{
  GstUnetColors *colors = gst_unet_colors_new (text, error), *old;

  if (colors == NULL)
    return;
  GST_OBJECT_LOCK (object);
  old = self->settings.colors;
  self->settings.colors = colors;
  GST_OBJECT_UNLOCK (object);
  gst_unet_colors_unref (old);
}

/* Either is another background, whose picture is to be read again. */
static void
set_background (GstUnetDrawProperties *self, GObject *object, guint id,
    const gchar *text, GError **error)
{
  GstUnetBackground *old;
  guint32 argb;

  if (id == PROP_BACKGROUND && !unet_color_read (text, &argb, error))
    return;
  GST_OBJECT_LOCK (object);
  old = self->settings.background;
  if (id == PROP_BACKGROUND) {
    g_free (self->background);
    self->background = g_strdup (text);
    self->settings.background =
        gst_unet_background_new (argb, gst_unet_background_get_location (old));
  } else {
    self->settings.background =
        gst_unet_background_new (gst_unet_background_get_color (old), text);
  }
  GST_OBJECT_UNLOCK (object);
  gst_unet_background_unref (old);
}

static gboolean
set_mask_property (GstUnetDrawSettings *settings, guint id, const GValue *value)
{
  switch (id) {
    case PROP_REFINE:
      settings->refine = g_value_get_enum (value);
      return TRUE;
    case PROP_EDGE_LOW:
      settings->edge_low = g_value_get_double (value);
      return TRUE;
    case PROP_EDGE_HIGH:
      settings->edge_high = g_value_get_double (value);
      return TRUE;
    case PROP_GROW:
      settings->grow = g_value_get_int (value);
      return TRUE;
    case PROP_FEATHER:
      settings->feather = g_value_get_uint (value);
      return TRUE;
    case PROP_TEMPORAL:
      settings->temporal = g_value_get_enum (value);
      return TRUE;
    case PROP_TIME_CONSTANT:
      settings->time_constant = g_value_get_uint (value);
      return TRUE;
    default:
      return FALSE;
  }
}

static gboolean
get_mask_property (const GstUnetDrawSettings *settings, guint id, GValue *value)
{
  switch (id) {
    case PROP_REFINE:
      g_value_set_enum (value, settings->refine);
      return TRUE;
    case PROP_EDGE_LOW:
      g_value_set_double (value, settings->edge_low);
      return TRUE;
    case PROP_EDGE_HIGH:
      g_value_set_double (value, settings->edge_high);
      return TRUE;
    case PROP_GROW:
      g_value_set_int (value, settings->grow);
      return TRUE;
    case PROP_FEATHER:
      g_value_set_uint (value, settings->feather);
      return TRUE;
    case PROP_TEMPORAL:
      g_value_set_enum (value, settings->temporal);
      return TRUE;
    case PROP_TIME_CONSTANT:
      g_value_set_uint (value, settings->time_constant);
      return TRUE;
    default:
      return FALSE;
  }
}

static void
set_output (
    GstUnetDrawProperties *self, GObject *object, GstUnetSegOutput output)
{
  gboolean changed;

  GST_OBJECT_LOCK (object);
  changed = output != self->settings.output;
  self->settings.output = self->target = self->effective = output;
  GST_OBJECT_UNLOCK (object);
  if (changed)
    gst_base_transform_reconfigure_src (GST_BASE_TRANSFORM (object));
}

static gboolean
is_text (guint id)
{
  return id == PROP_COLORS || id == PROP_BACKGROUND
      || id == PROP_BACKGROUND_LOCATION;
}

/* Text may be refused. */
static void
set_text (GstUnetDrawProperties *self, GObject *object, const GValue *value,
    guint id, GParamSpec *pspec)
{
  const gchar *text = g_value_get_string (value);
  g_autoptr (GError) error = NULL;

  if (id == PROP_COLORS)
    set_colors (self, object, text, &error);
  else
    set_background (self, object, id, text, &error);
  gst_unet_refused_values_note (GST_ELEMENT (object), pspec->name, error);
}

static void
set_legend (GstUnetDrawProperties *self, GObject *object, gboolean legend,
    GParamSpec *pspec)
{
  g_autoptr (GError) error = NULL;

  if (legend && !gst_unet_text_is_available ())
    g_set_error (&error, UNET_ERROR, UNET_ERROR_UNSUPPORTED,
        "'true' is refused, only 'false' is allowed: this build has no "
        "pangocairo to write names with");
  gst_unet_refused_values_note (GST_ELEMENT (object), pspec->name, error);
  if (error)
    return;
  GST_OBJECT_LOCK (object);
  self->settings.legend = legend;
  GST_OBJECT_UNLOCK (object);
}

void
gst_unet_draw_properties_set (GstUnetDrawProperties *self, GObject *object,
    guint id, const GValue *value, GParamSpec *pspec)
{
  GstUnetDrawSettings *settings = &self->settings;

  if (is_text (id)) {
    set_text (self, object, value, id, pspec);
    return;
  }
  if (id == PROP_OUTPUT) {
    set_output (self, object, g_value_get_enum (value));
    return;
  }
  if (id == PROP_LEGEND) {
    set_legend (self, object, g_value_get_boolean (value), pspec);
    return;
  }
  GST_OBJECT_LOCK (object);
  switch (id) {
    case PROP_ENABLED:
      settings->enabled = g_value_get_boolean (value);
      break;
    case PROP_OPACITY:
      settings->opacity = g_value_get_double (value);
      break;
    case PROP_THRESHOLD:
      settings->threshold = g_value_get_double (value);
      break;
    case PROP_CLEAR_HIDDEN:
      settings->clear_hidden = g_value_get_boolean (value);
      break;
    case PROP_OUTLINE:
      settings->outline = g_value_get_uint (value);
      break;
    case PROP_BLUR_RADIUS:
      settings->blur_radius = g_value_get_double (value);
      break;
    default:
      if (!set_mask_property (settings, id, value))
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (object);
}

void
gst_unet_draw_properties_get (GstUnetDrawProperties *self, GObject *object,
    guint id, GValue *value, GParamSpec *pspec)
{
  const GstUnetDrawSettings *settings = &self->settings;

  GST_OBJECT_LOCK (object);
  switch (id) {
    case PROP_ENABLED:
      g_value_set_boolean (value, settings->enabled);
      break;
    case PROP_OUTPUT:
      g_value_set_enum (value, settings->output);
      break;
    case PROP_OPACITY:
      g_value_set_double (value, settings->opacity);
      break;
    case PROP_THRESHOLD:
      g_value_set_double (value, settings->threshold);
      break;
    case PROP_COLORS:
      g_value_set_string (value, gst_unet_colors_get_text (settings->colors));
      break;
    case PROP_LEGEND:
      g_value_set_boolean (value, settings->legend);
      break;
    case PROP_CLEAR_HIDDEN:
      g_value_set_boolean (value, settings->clear_hidden);
      break;
    case PROP_OUTLINE:
      g_value_set_uint (value, settings->outline);
      break;
    case PROP_BLUR_RADIUS:
      g_value_set_double (value, settings->blur_radius);
      break;
    case PROP_BACKGROUND:
      g_value_set_string (value, self->background);
      break;
    case PROP_BACKGROUND_LOCATION:
      g_value_set_string (
          value, gst_unet_background_get_location (settings->background));
      break;
    default:
      if (!get_mask_property (settings, id, value))
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (object);
}

static void
install_edges (GObjectClass *klass)
{
  g_object_class_install_property (klass, PROP_REFINE,
      g_param_spec_enum ("refine", "Refine",
          "Whether the edges of a mask move to those of the picture; auto: in "
          "live streams, and with output=blur and replace",
          GST_TYPE_UNET_SEG_SWITCH, DEFAULT_REFINE, CONTROLLED));
  g_object_class_install_property (klass, PROP_EDGE_LOW,
      g_param_spec_double ("edge-low", "Edge low",
          "Probability up to which a pixel of a refined mask is not covered at "
          "all, for threshold=0.5; it moves with the threshold",
          0, 1, DEFAULT_EDGE_LOW, CONTROLLED));
  g_object_class_install_property (klass, PROP_EDGE_HIGH,
      g_param_spec_double ("edge-high", "Edge high",
          "Probability from which a pixel of a refined mask is wholly covered, "
          "for threshold=0.5; it moves with the threshold",
          0, 1, DEFAULT_EDGE_HIGH, CONTROLLED));
  g_object_class_install_property (klass, PROP_GROW,
      g_param_spec_int ("grow", "Grow",
          "Number of pixels by which a mask of one class grows; below 0 it "
          "shrinks",
          -MAX_PIXELS, MAX_PIXELS, DEFAULT_GROW, CONTROLLED));
  g_object_class_install_property (klass, PROP_FEATHER,
      g_param_spec_uint ("feather", "Feather",
          "Number of pixels on either side over which the edges of a mask of "
          "one class fade",
          0, MAX_PIXELS, DEFAULT_FEATHER, CONTROLLED));
  g_object_class_install_property (klass, PROP_TEMPORAL,
      g_param_spec_enum ("temporal", "Temporal",
          "Whether masks are smoothed over time where the picture is still; "
          "auto: in live streams",
          GST_TYPE_UNET_SEG_SWITCH, DEFAULT_TEMPORAL, CONTROLLED));
  g_object_class_install_property (klass, PROP_TIME_CONSTANT,
      g_param_spec_uint ("time-constant", "Time constant",
          "Time constant in milliseconds of the smoothing that temporal "
          "switches "
          "on",
          0, 10000, DEFAULT_TIME_CONSTANT, CONTROLLED));
}

static void
install_backgrounds (GObjectClass *klass)
{
  g_object_class_install_property (klass, PROP_OUTLINE,
      g_param_spec_uint ("outline", "Outline",
          "Width in pixels of a line round a mask of one class "
          "(output=overlay, 0 = no line)",
          0, MAX_PIXELS, DEFAULT_OUTLINE, CONTROLLED));
  g_object_class_install_property (klass, PROP_CLEAR_HIDDEN,
      g_param_spec_boolean ("clear-hidden", "Clear hidden",
          "Whether colours under an alpha of 0 are removed, so that the "
          "background cannot be got back (output=alpha)",
          FALSE, CONTROLLED));
  g_object_class_install_property (klass, PROP_BLUR_RADIUS,
      g_param_spec_double ("blur-radius", "Blur radius",
          "Standard deviation of the blur as a fraction of the frame's height "
          "(output=blur)",
          0, 0.5, DEFAULT_BLUR_RADIUS, CONTROLLED));
  g_object_class_install_property (klass, PROP_BACKGROUND,
      g_param_spec_string ("background", "Background",
          "Colour that replaces the background (output=replace): #RRGGBB, "
          "#AARRGGBB or a name such as red",
          DEFAULT_BACKGROUND, PLAYING));
  g_object_class_install_property (klass, PROP_BACKGROUND_LOCATION,
      g_param_spec_string ("background-location", "Background location",
          "Picture, video or playlist that replaces the background, its aspect "
          "kept (output=replace; unset = the colour)",
          NULL, PLAYING));
}

static void
install_properties (GObjectClass *klass)
{
  g_object_class_install_property (klass, PROP_ENABLED,
      g_param_spec_boolean ("enabled", "Enabled",
          "Whether the element works on frames; if not, they pass untouched, "
          "or wholly opaque with output=alpha",
          TRUE, CONTROLLED));
  g_object_class_install_property (klass, PROP_OUTPUT,
      g_param_spec_enum ("output", "Output",
          "What the element makes of the mask; a change while playing "
          "negotiates caps anew",
          GST_TYPE_UNET_SEG_OUTPUT, DEFAULT_OUTPUT, CONTROLLED));
  g_object_class_install_property (klass, PROP_OPACITY,
      g_param_spec_double ("opacity", "Opacity",
          "Opacity of the class colours: 0 leaves the picture as it is, 1 "
          "hides what is under them",
          0, 1, DEFAULT_OPACITY, CONTROLLED));
  g_object_class_install_property (klass, PROP_THRESHOLD,
      g_param_spec_double ("threshold", "Threshold",
          "Least probability of a pixel that counts as foreground", 0, 1,
          DEFAULT_THRESHOLD, CONTROLLED));
  g_object_class_install_property (klass, PROP_COLORS,
      g_param_spec_string ("colors", "Colors",
          "Colours of classes, such as \"person=#80ff0000,car=red\": the label "
          "or number of a class, then #RRGGBB, #AARRGGBB or a name; entries "
          "without a class colour the classes 1, 2, ... in order (unset = "
          "the model's, else distinct hues)",
          NULL, PLAYING));
  g_object_class_install_property (klass, PROP_LEGEND,
      g_param_spec_boolean ("legend", "Legend",
          "Whether names and colours of the classes in the frame are drawn in "
          "its upper left corner (output=overlay)",
          FALSE, CONTROLLED));
}

void
gst_unet_draw_properties_install (GObjectClass *klass)
{
  install_properties (klass);
  install_edges (klass);
  install_backgrounds (klass);
  gst_type_mark_as_plugin_api (GST_TYPE_UNET_SEG_OUTPUT, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_UNET_SEG_SWITCH, 0);
}

void
gst_unet_draw_properties_init (GstUnetDrawProperties *self)
{
  guint32 argb = 0;

  self->settings = (GstUnetDrawSettings){
    .enabled = TRUE,
    .output = DEFAULT_OUTPUT,
    .opacity = DEFAULT_OPACITY,
    .threshold = DEFAULT_THRESHOLD,
    .colors = gst_unet_colors_new (NULL, NULL),
    .refine = DEFAULT_REFINE,
    .edge_low = DEFAULT_EDGE_LOW,
    .edge_high = DEFAULT_EDGE_HIGH,
    .blur_radius = DEFAULT_BLUR_RADIUS,
    .temporal = DEFAULT_TEMPORAL,
    .time_constant = DEFAULT_TIME_CONSTANT,
  };
  self->target = self->effective = DEFAULT_OUTPUT;
  self->background = g_strdup (DEFAULT_BACKGROUND);
  unet_color_parse (DEFAULT_BACKGROUND, &argb);
  self->settings.background = gst_unet_background_new (argb, NULL);
}

void
gst_unet_draw_properties_clear (GstUnetDrawProperties *self)
{
  gst_unet_draw_settings_clear (&self->settings);
  g_free (self->background);
}
