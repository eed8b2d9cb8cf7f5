/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstunetbasedraw.h"

#include "unetmap.h"

GST_DEBUG_CATEGORY_EXTERN (gst_unet_seg_debug);
#define GST_CAT_DEFAULT gst_unet_seg_debug

#define DEFAULT_OUTPUT    GST_UNET_SEG_OUTPUT_OVERLAY
#define DEFAULT_OPACITY   0.5
#define DEFAULT_THRESHOLD 0.5
#define DEFAULT_REFINE    GST_UNET_SEG_SWITCH_AUTO
#define DEFAULT_EDGE_LOW  0.3
#define DEFAULT_EDGE_HIGH 0.7
#define DEFAULT_GROW      0
#define DEFAULT_FEATHER   0
#define DEFAULT_OUTLINE   0
#define DEFAULT_BLUR_RADIUS 0.025
#define DEFAULT_BACKGROUND "#00b140"
#define DEFAULT_TEMPORAL  GST_UNET_SEG_SWITCH_AUTO
#define DEFAULT_TIME_CONSTANT 150
#define MAX_PIXELS 100

#define PLAYING (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS                  \
      | GST_PARAM_MUTABLE_PLAYING)
#define CONTROLLED (PLAYING | GST_PARAM_CONTROLLABLE)

enum {
  PROP_0,
  PROP_OUTPUT,
  PROP_OPACITY,
  PROP_THRESHOLD,
  PROP_COLORS,
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

typedef struct {
  /* Under the object lock. */
  UnetDrawSettings settings;
  GstUnetSegOutput target;    /* what upstream is to send frames for */
  GstUnetSegOutput effective; /* what becomes of those that come */
  gchar *background; /* as written */

  /* Of the streaming thread, or while there is none. */
  GstVideoInfo in, out;
  UnetDrawer *drawer; /* (nullable): no caps yet */
  gboolean live;
  gboolean warned_buffer;
} GstUnetBaseDrawPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (GstUnetBaseDraw, gst_unet_base_draw,
    GST_TYPE_BASE_TRANSFORM)

#define PRIVATE(self)                                                        \
  ((GstUnetBaseDrawPrivate *) gst_unet_base_draw_get_instance_private (      \
      GST_UNET_BASE_DRAW (self)))

/* ---- properties ------------------------------------------------------- */

void
gst_unet_base_draw_get_settings (GstUnetBaseDraw *self,
    UnetDrawSettings *settings)
{
  GST_OBJECT_LOCK (self);
  *settings = PRIVATE (self)->settings;
  settings->output = PRIVATE (self)->effective;
  settings->live = PRIVATE (self)->live;
  settings->pts = GST_CLOCK_TIME_NONE;
  unet_colors_ref (settings->colors);
  unet_background_ref (settings->background);
  GST_OBJECT_UNLOCK (self);
}

void
unet_draw_settings_clear (UnetDrawSettings *settings)
{
  g_clear_pointer (&settings->colors, unet_colors_unref);
  g_clear_pointer (&settings->background, unet_background_unref);
}

static void
set_colors (GstUnetBaseDraw *self, const gchar *text)
{
  g_autoptr (GError) error = NULL;
  UnetColors *colors = unet_colors_new (text, &error), *old;

  if (colors == NULL) {
    g_warning ("%s: property 'colors': %s", GST_OBJECT_NAME (self),
        error->message);
    return;
  }
  GST_OBJECT_LOCK (self);
  old = PRIVATE (self)->settings.colors;
  PRIVATE (self)->settings.colors = colors;
  GST_OBJECT_UNLOCK (self);
  unet_colors_unref (old);
}

/* Either is another background, whose picture is to be read again. */
static void
set_background (GstUnetBaseDraw *self, guint id, const gchar *text)
{
  GstUnetBaseDrawPrivate *priv = PRIVATE (self);
  UnetBackground *old;
  guint32 argb;

  if (id == PROP_BACKGROUND && !(text && unet_color_parse (text, &argb))) {
    g_warning ("%s: property 'background': '%s' is no colour",
        GST_OBJECT_NAME (self), text ? text : "");
    return;
  }
  GST_OBJECT_LOCK (self);
  old = priv->settings.background;
  if (id == PROP_BACKGROUND) {
    g_free (priv->background);
    priv->background = g_strdup (text);
    priv->settings.background = unet_background_new (argb,
        unet_background_get_location (old));
  } else {
    priv->settings.background = unet_background_new (
        unet_background_get_color (old), text);
  }
  GST_OBJECT_UNLOCK (self);
  unet_background_unref (old);
}

static gboolean
set_mask_property (UnetDrawSettings *settings, guint id, const GValue *value)
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
get_mask_property (const UnetDrawSettings *settings, guint id, GValue *value)
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
set_output (GstUnetBaseDraw *self, GstUnetSegOutput output)
{
  GstUnetBaseDrawPrivate *priv = PRIVATE (self);
  gboolean changed;

  GST_OBJECT_LOCK (self);
  changed = output != priv->settings.output;
  priv->settings.output = priv->target = priv->effective = output;
  GST_OBJECT_UNLOCK (self);
  if (changed)
    gst_base_transform_reconfigure_src (GST_BASE_TRANSFORM (self));
}

static void
gst_unet_base_draw_set_property (GObject *object, guint id,
    const GValue *value, GParamSpec *pspec)
{
  GstUnetBaseDraw *self = GST_UNET_BASE_DRAW (object);
  UnetDrawSettings *settings = &PRIVATE (self)->settings;

  if (id == PROP_COLORS) {
    set_colors (self, g_value_get_string (value));
    return;
  }
  if (id == PROP_OUTPUT) {
    set_output (self, g_value_get_enum (value));
    return;
  }
  if (id == PROP_BACKGROUND || id == PROP_BACKGROUND_LOCATION) {
    set_background (self, id, g_value_get_string (value));
    return;
  }
  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_OPACITY:
      settings->opacity = g_value_get_double (value);
      break;
    case PROP_THRESHOLD:
      settings->threshold = g_value_get_double (value);
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
  GST_OBJECT_UNLOCK (self);
}

static void
gst_unet_base_draw_get_property (GObject *object, guint id, GValue *value,
    GParamSpec *pspec)
{
  GstUnetBaseDraw *self = GST_UNET_BASE_DRAW (object);
  const UnetDrawSettings *settings = &PRIVATE (self)->settings;

  GST_OBJECT_LOCK (self);
  switch (id) {
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
      g_value_set_string (value, unet_colors_get_text (settings->colors));
      break;
    case PROP_OUTLINE:
      g_value_set_uint (value, settings->outline);
      break;
    case PROP_BLUR_RADIUS:
      g_value_set_double (value, settings->blur_radius);
      break;
    case PROP_BACKGROUND:
      g_value_set_string (value, PRIVATE (self)->background);
      break;
    case PROP_BACKGROUND_LOCATION:
      g_value_set_string (value,
          unet_background_get_location (settings->background));
      break;
    default:
      if (!get_mask_property (settings, id, value))
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
install_edges (GObjectClass *klass)
{
  g_object_class_install_property (klass, PROP_REFINE,
      g_param_spec_enum ("refine", "Refine",
          "Whether a mask's edges move to those of the picture; auto: in live "
          "streams and where the background is replaced",
          GST_TYPE_UNET_SEG_SWITCH, DEFAULT_REFINE, CONTROLLED));
  g_object_class_install_property (klass, PROP_EDGE_LOW,
      g_param_spec_double ("edge-low", "Edge low",
          "Probability up to which nothing is covered, at a threshold of 0.5 "
          "with which it moves (refined masks)",
          0, 1, DEFAULT_EDGE_LOW, CONTROLLED));
  g_object_class_install_property (klass, PROP_EDGE_HIGH,
      g_param_spec_double ("edge-high", "Edge high",
          "Probability from which all is covered, at a threshold of 0.5 with "
          "which it moves (refined masks)",
          0, 1, DEFAULT_EDGE_HIGH, CONTROLLED));
  g_object_class_install_property (klass, PROP_GROW,
      g_param_spec_int ("grow", "Grow",
          "Pixels by which a mask of one class grows, or shrinks below 0",
          -MAX_PIXELS, MAX_PIXELS, DEFAULT_GROW, CONTROLLED));
  g_object_class_install_property (klass, PROP_FEATHER,
      g_param_spec_uint ("feather", "Feather",
          "Pixels on either side over which edges of one class fade",
          0, MAX_PIXELS, DEFAULT_FEATHER, CONTROLLED));
  g_object_class_install_property (klass, PROP_TEMPORAL,
      g_param_spec_enum ("temporal", "Temporal",
          "Whether masks are held still where the picture is still; auto: in "
          "live streams",
          GST_TYPE_UNET_SEG_SWITCH, DEFAULT_TEMPORAL, CONTROLLED));
  g_object_class_install_property (klass, PROP_TIME_CONSTANT,
      g_param_spec_uint ("time-constant", "Time constant",
          "Milliseconds over which masks are averaged where the picture is "
          "still",
          0, 10000, DEFAULT_TIME_CONSTANT, CONTROLLED));
}

static void
install_backgrounds (GObjectClass *klass)
{
  g_object_class_install_property (klass, PROP_OUTLINE,
      g_param_spec_uint ("outline", "Outline",
          "Width in pixels of a line round one class (output=overlay); 0: "
          "none",
          0, MAX_PIXELS, DEFAULT_OUTLINE, CONTROLLED));
  g_object_class_install_property (klass, PROP_BLUR_RADIUS,
      g_param_spec_double ("blur-radius", "Blur radius",
          "Standard deviation of the blur as a part of the frame's height "
          "(output=blur)",
          0, 0.5, DEFAULT_BLUR_RADIUS, CONTROLLED));
  g_object_class_install_property (klass, PROP_BACKGROUND,
      g_param_spec_string ("background", "Background",
          "Colour that replaces the background (output=replace): #RRGGBB or a "
          "name",
          DEFAULT_BACKGROUND, PLAYING));
  g_object_class_install_property (klass, PROP_BACKGROUND_LOCATION,
      g_param_spec_string ("background-location", "Background location",
          "Picture file that replaces the background, its aspect kept "
          "(output=replace; unset = the colour)",
          NULL, PLAYING));
}

static void
install_properties (GObjectClass *klass)
{
  g_object_class_install_property (klass, PROP_OUTPUT,
      g_param_spec_enum ("output", "Output",
          "What becomes of the mask; a change while playing renegotiates caps",
          GST_TYPE_UNET_SEG_OUTPUT, DEFAULT_OUTPUT, CONTROLLED));
  g_object_class_install_property (klass, PROP_OPACITY,
      g_param_spec_double ("opacity", "Opacity",
          "Opacity of the class colours: 0 leaves the picture as it is, 1 "
          "hides what is under them",
          0, 1, DEFAULT_OPACITY, CONTROLLED));
  g_object_class_install_property (klass, PROP_THRESHOLD,
      g_param_spec_double ("threshold", "Threshold",
          "Least probability of a pixel that is not background",
          0, 1, DEFAULT_THRESHOLD, CONTROLLED));
  g_object_class_install_property (klass, PROP_COLORS,
      g_param_spec_string ("colors", "Colors",
          "Colours of classes, as in \"person=#80ff0000,car=red\": a label or "
          "number of a class, then #RRGGBB, #AARRGGBB or a name; without "
          "label for the classes 1, 2, ... in order (unset = distinct hues)",
          NULL, PLAYING));
}

/* ---- caps ------------------------------------------------------------- */

gboolean
gst_unet_base_draw_is_live (GstUnetBaseDraw *self)
{
  return PRIVATE (self)->live;
}

static gboolean
find_live (GstUnetBaseDraw *self)
{
  GstQuery *query = gst_query_new_latency ();
  gboolean live = FALSE;

  if (gst_pad_peer_query (GST_BASE_TRANSFORM_SINK_PAD (self), query))
    gst_query_parse_latency (query, &live, NULL, NULL);
  gst_query_unref (query);
  return live;
}

/* What frames become, or what upstream is asked for: different things only
 * while upstream has not yet sent what downstream takes. */
static GstUnetSegOutput
get_output (GstUnetBaseDraw *self, GstPadDirection direction)
{
  GstUnetSegOutput output;

  GST_OBJECT_LOCK (self);
  output = direction == GST_PAD_SINK ? PRIVATE (self)->effective
                                     : PRIVATE (self)->target;
  GST_OBJECT_UNLOCK (self);
  return output;
}

static GstCaps *
gst_unet_base_draw_transform_caps (GstBaseTransform *trans,
    GstPadDirection direction, GstCaps *caps, GstCaps *filter)
{
  GstUnetSegOutput output = get_output (GST_UNET_BASE_DRAW (trans), direction);
  GstCaps *result = unet_output_transform_caps (output, direction, caps);
  GstCaps *filtered;

  if (filter == NULL)
    return result;
  filtered = gst_caps_intersect_full (filter, result,
      GST_CAPS_INTERSECT_FIRST);
  gst_caps_unref (result);
  return filtered;
}

static gboolean
downstream_takes (GstUnetBaseDraw *self, GstUnetSegOutput output,
    GstCaps *caps)
{
  g_autoptr (GstCaps) out = unet_output_transform_caps (output, GST_PAD_SINK,
      caps);

  return gst_pad_peer_query_accept_caps (GST_BASE_TRANSFORM_SRC_PAD (self),
      out);
}

static gboolean
upstream_could_change (GstUnetBaseDraw *self)
{
  GstPad *pad = GST_BASE_TRANSFORM_SINK_PAD (self);
  g_autoptr (GstCaps) wanted = gst_pad_query_caps (pad, NULL);
  g_autoptr (GstCaps) possible = gst_pad_peer_query_caps (pad, wanted);

  return !gst_caps_is_empty (possible);
}

/* For frames of @caps: the output that is wanted or, where downstream does not
 * take what it makes of them, the one in use. */
static void
choose_output (GstUnetBaseDraw *self, GstCaps *caps)
{
  GstUnetBaseDrawPrivate *priv = PRIVATE (self);
  GstUnetSegOutput wanted = get_output (self, GST_PAD_SRC), old;
  gboolean keeps = FALSE;

  if (priv->drawer) {
    old = unet_drawer_get_output (priv->drawer);
    keeps = old != wanted && !downstream_takes (self, wanted, caps)
        && downstream_takes (self, old, caps);
  }
  GST_OBJECT_LOCK (self);
  if (priv->target == wanted)
    priv->effective = keeps ? old : wanted;
  GST_OBJECT_UNLOCK (self);
}

static void
give_up (GstUnetBaseDraw *self, GstUnetSegOutput wanted)
{
  GstUnetBaseDrawPrivate *priv = PRIVATE (self);

  GST_OBJECT_LOCK (self);
  if (priv->target == wanted)
    priv->target = priv->effective;
  GST_OBJECT_UNLOCK (self);
  GST_ELEMENT_WARNING (self, STREAM, FORMAT,
      ("Downstream takes nothing that this output makes; the one in use goes "
       "on."), ("output=%d", wanted));
}

/* A new output never ends a stream: frames on their way here are of the old
 * caps, and become what they became until upstream sends others. */
static void
follow_output (GstUnetBaseDraw *self)
{
  GstBaseTransform *trans = GST_BASE_TRANSFORM (self);
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (trans->sinkpad);
  GstUnetSegOutput wanted = get_output (self, GST_PAD_SRC);

  if (caps == NULL || !gst_pad_needs_reconfigure (trans->srcpad))
    return;
  choose_output (self, caps);
  if (get_output (self, GST_PAD_SINK) == wanted)
    return;
  if (upstream_could_change (self))
    gst_base_transform_reconfigure_sink (trans);
  else
    give_up (self, wanted);
}

/* Other frames: what was not possible may be now. */
static void
forget_compromise (GstUnetBaseDraw *self)
{
  GstUnetBaseDrawPrivate *priv = PRIVATE (self);

  GST_OBJECT_LOCK (self);
  priv->target = priv->effective = priv->settings.output;
  GST_OBJECT_UNLOCK (self);
}

static gboolean
gst_unet_base_draw_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  GstUnetBaseDraw *self = GST_UNET_BASE_DRAW (trans);
  GstCaps *caps;

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      forget_compromise (self);
      choose_output (self, caps);
      break;
    case GST_EVENT_FLUSH_STOP:
    case GST_EVENT_STREAM_START:
    case GST_EVENT_SEGMENT:
      if (PRIVATE (self)->drawer)
        unet_drawer_forget (PRIVATE (self)->drawer);
      break;
    default:
      break;
  }
  return GST_BASE_TRANSFORM_CLASS (gst_unet_base_draw_parent_class)
      ->sink_event (trans, event);
}

/* One buffer with several frames, or fields in buffers of their own. */
static gboolean
is_refused (const GstVideoInfo *info)
{
  return GST_VIDEO_INFO_INTERLACE_MODE (info)
      == GST_VIDEO_INTERLACE_MODE_FIELDS
      || GST_VIDEO_INFO_INTERLACE_MODE (info)
             == GST_VIDEO_INTERLACE_MODE_ALTERNATE;
}

static gboolean
open_drawer (GstUnetBaseDraw *self)
{
  GstUnetBaseDrawPrivate *priv = PRIVATE (self);
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&priv->drawer, unet_drawer_free);
  priv->drawer = unet_drawer_new (&priv->in, &priv->out);
  gst_base_transform_set_in_place (GST_BASE_TRANSFORM (self),
      unet_drawer_is_in_place (priv->drawer));
  if (unet_drawer_set_output (priv->drawer,
          get_output (self, GST_PAD_SINK), &error))
    return TRUE;
  GST_ELEMENT_ERROR (self, STREAM, FORMAT, ("%s", error->message), (NULL));
  return FALSE;
}

static gboolean
gst_unet_base_draw_set_caps (GstBaseTransform *trans, GstCaps *incaps,
    GstCaps *outcaps)
{
  GstUnetBaseDraw *self = GST_UNET_BASE_DRAW (trans);
  GstUnetBaseDrawPrivate *priv = PRIVATE (self);
  GstUnetBaseDrawClass *klass = GST_UNET_BASE_DRAW_GET_CLASS (self);

  if (!gst_video_info_from_caps (&priv->in, incaps)
      || !gst_video_info_from_caps (&priv->out, outcaps)
      || is_refused (&priv->in))
    return FALSE;
  priv->live = find_live (self);
  if (!open_drawer (self))
    return FALSE;
  return klass->set_info == NULL || klass->set_info (self, &priv->in);
}

static gboolean
gst_unet_base_draw_get_unit_size (GstBaseTransform *trans, GstCaps *caps,
    gsize *size)
{
  GstVideoInfo info;

  if (!gst_video_info_from_caps (&info, caps))
    return FALSE;
  *size = GST_VIDEO_INFO_SIZE (&info);
  return TRUE;
}

/* ---- buffers ---------------------------------------------------------- */

/* Any strides may come; in place what downstream says goes upstream. */
static gboolean
gst_unet_base_draw_propose_allocation (GstBaseTransform *trans,
    GstQuery *decide, GstQuery *query)
{
  if (decide)
    gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  return GST_BASE_TRANSFORM_CLASS (gst_unet_base_draw_parent_class)
      ->propose_allocation (trans, decide, query);
}

/* As GstVideoFilter does it: downstream's pool or one of our own, with other
 * strides only where downstream can read them. */
static gboolean
gst_unet_base_draw_decide_allocation (GstBaseTransform *trans,
    GstQuery *query)
{
  guint size = 0, min = 0, max = 0;
  gboolean exists = gst_query_get_n_allocation_pools (query) > 0;
  GstBufferPool *pool = NULL;
  GstStructure *config;
  GstCaps *caps;

  gst_query_parse_allocation (query, &caps, NULL);
  if (exists)
    gst_query_parse_nth_allocation_pool (query, 0, &pool, &size, &min, &max);
  if (pool == NULL)
    pool = gst_video_buffer_pool_new ();
  size = MAX (size, GST_VIDEO_INFO_SIZE (&PRIVATE (trans)->out));
  config = gst_buffer_pool_get_config (pool);
  gst_buffer_pool_config_set_params (config, caps, size, min, max);
  if (gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL))
    gst_buffer_pool_config_add_option (config,
        GST_BUFFER_POOL_OPTION_VIDEO_META);
  gst_buffer_pool_set_config (pool, config);
  if (exists)
    gst_query_set_nth_allocation_pool (query, 0, pool, size, min, max);
  else
    gst_query_add_allocation_pool (query, pool, size, min, max);
  gst_object_unref (pool);
  return GST_BASE_TRANSFORM_CLASS (gst_unet_base_draw_parent_class)
      ->decide_allocation (trans, query);
}

/* The picture stays where it is, its colours may not. */
static gboolean
gst_unet_base_draw_transform_meta (GstBaseTransform *trans, GstBuffer *out,
    GstMeta *meta, GstBuffer *in)
{
  static const gchar *const kept[] = { GST_META_TAG_VIDEO_STR,
    GST_META_TAG_VIDEO_SIZE_STR, GST_META_TAG_VIDEO_ORIENTATION_STR, NULL };
  const gchar *const *tags = gst_meta_api_type_get_tags (meta->info->api);

  for (guint i = 0; tags && tags[i]; i++)
    if (!g_strv_contains (kept, tags[i]))
      return FALSE;
  return TRUE;
}

/* ---- frames ----------------------------------------------------------- */

static void
warn_of_buffer (GstUnetBaseDraw *self, GstBuffer *buffer)
{
  if (!PRIVATE (self)->warned_buffer)
    GST_ELEMENT_WARNING (self, STREAM, FORMAT,
        ("Frames that do not fit their caps go on without a mask."),
        ("%" GST_PTR_FORMAT "; said once", buffer));
  PRIVATE (self)->warned_buffer = TRUE;
}

static void
warn_of_color (GstUnetBaseDraw *self, const gchar *unknown)
{
  if (unknown)
    GST_ELEMENT_WARNING (self, RESOURCE, SETTINGS,
        ("Property 'colors': the model has no class '%s'", unknown), (NULL));
}

static void
draw (GstUnetBaseDraw *self, const UnetDrawSettings *settings,
    const UnetSegMeta *mask, const GstVideoFrame *in, GstVideoFrame *out)
{
  g_autoptr (GError) error = NULL;
  const gchar *unknown;

  if (!unet_drawer_set_background (PRIVATE (self)->drawer, settings, &error))
    GST_ELEMENT_WARNING (self, RESOURCE, READ,
        ("Property 'background-location': %s", error->message),
        ("the colour takes its place"));
  unet_drawer_draw (PRIVATE (self)->drawer, settings, mask, in, out,
      &unknown);
  warn_of_color (self, unknown);
}

/* Returns whether the frame could be read, if that was wanted. */
static gboolean
process_in_place (GstUnetBaseDraw *self, GstBuffer *buffer,
    const UnetDrawSettings *settings, gboolean look)
{
  GstUnetBaseDrawPrivate *priv = PRIVATE (self);
  GstUnetBaseDrawClass *klass = GST_UNET_BASE_DRAW_GET_CLASS (self);
  gboolean draws = unet_drawer_draws (priv->drawer, settings);
  const UnetSegMeta *mask;
  UnetMap map;

  if (!look && !draws) {
    klass->find_mask (self, NULL, buffer, settings);
    return TRUE;
  }
  if (!unet_map_frame (&map, &priv->in, buffer,
          draws ? GST_MAP_READWRITE : GST_MAP_READ)) {
    warn_of_buffer (self, buffer);
    return FALSE;
  }
  mask = klass->find_mask (self, &map.frame, buffer, settings);
  if (draws)
    draw (self, settings, mask, &map.frame, &map.frame);
  unet_unmap_frame (&map);
  if (draws && mask)
    GST_BUFFER_FLAG_UNSET (buffer, GST_BUFFER_FLAG_GAP);
  return TRUE;
}

static void
begin_frame (GstUnetBaseDraw *self, GstBuffer *buffer,
    UnetDrawSettings *settings)
{
  gst_unet_base_draw_get_settings (self, settings);
  settings->pts = GST_BUFFER_PTS (buffer);
  if (GST_BUFFER_IS_DISCONT (buffer))
    unet_drawer_forget (PRIVATE (self)->drawer);
}

static GstFlowReturn
gst_unet_base_draw_transform_ip (GstBaseTransform *trans, GstBuffer *buffer)
{
  GstUnetBaseDraw *self = GST_UNET_BASE_DRAW (trans);
  GstUnetBaseDrawClass *klass = GST_UNET_BASE_DRAW_GET_CLASS (self);
  g_auto (UnetDrawSettings) settings = { 0 };
  g_autoptr (GError) error = NULL;
  gboolean look, ok;

  begin_frame (self, buffer, &settings);
  if (!unet_drawer_set_output (PRIVATE (self)->drawer, settings.output,
          &error))
    goto no_output;
  look = klass->begin && klass->begin (self, buffer, &settings);
  ok = process_in_place (self, buffer, &settings, look);
  if (klass->end)
    klass->end (self, ok);
  return GST_FLOW_OK;

no_output:
  GST_ELEMENT_ERROR (self, STREAM, FORMAT, ("%s", error->message), (NULL));
  return GST_FLOW_ERROR;
}

static gboolean
process (GstUnetBaseDraw *self, GstBuffer *in, GstBuffer *out,
    const UnetDrawSettings *settings, GstVideoFrame *frame)
{
  GstUnetBaseDrawClass *klass = GST_UNET_BASE_DRAW_GET_CLASS (self);
  const UnetSegMeta *mask;
  UnetMap map;

  if (!unet_map_frame (&map, &PRIVATE (self)->in, in, GST_MAP_READ)) {
    warn_of_buffer (self, in);
    draw (self, settings, NULL, NULL, frame);
    return FALSE;
  }
  mask = klass->find_mask (self, &map.frame, out, settings);
  draw (self, settings, mask, &map.frame, frame);
  unet_unmap_frame (&map);
  return TRUE;
}

static GstFlowReturn
gst_unet_base_draw_transform (GstBaseTransform *trans, GstBuffer *in,
    GstBuffer *out)
{
  GstUnetBaseDraw *self = GST_UNET_BASE_DRAW (trans);
  GstUnetBaseDrawClass *klass = GST_UNET_BASE_DRAW_GET_CLASS (self);
  g_auto (UnetDrawSettings) settings = { 0 };
  g_autoptr (GError) error = NULL;
  gboolean ok;
  UnetMap map;

  begin_frame (self, in, &settings);
  if (!unet_drawer_set_output (PRIVATE (self)->drawer, settings.output,
          &error))
    goto no_output;
  if (!unet_map_frame (&map, &PRIVATE (self)->out, out, GST_MAP_READWRITE))
    goto bad_output;
  if (klass->begin)
    klass->begin (self, in, &settings);
  ok = process (self, in, out, &settings, &map.frame);
  unet_unmap_frame (&map);
  GST_BUFFER_FLAG_UNSET (out, GST_BUFFER_FLAG_GAP);
  if (klass->end)
    klass->end (self, ok);
  return GST_FLOW_OK;

no_output:
  GST_ELEMENT_ERROR (self, STREAM, FORMAT, ("%s", error->message), (NULL));
  return GST_FLOW_ERROR;
bad_output:
  GST_ELEMENT_ERROR (self, STREAM, FORMAT,
      ("Downstream's buffers do not fit their caps."),
      ("%" GST_PTR_FORMAT, out));
  return GST_FLOW_ERROR;
}

static void
gst_unet_base_draw_before_transform (GstBaseTransform *trans,
    GstBuffer *buffer)
{
  GstClockTime time = GST_CLOCK_TIME_NONE;

  if (trans->segment.format == GST_FORMAT_TIME)
    time = gst_segment_to_stream_time (&trans->segment, GST_FORMAT_TIME,
        GST_BUFFER_PTS (buffer));
  if (GST_CLOCK_TIME_IS_VALID (time))
    gst_object_sync_values (GST_OBJECT (trans), time);
  follow_output (GST_UNET_BASE_DRAW (trans));
}

guint64
gst_unet_base_draw_estimate (GstUnetBaseDraw *self)
{
  g_auto (UnetDrawSettings) settings = { 0 };

  if (PRIVATE (self)->drawer == NULL)
    return 0;
  gst_unet_base_draw_get_settings (self, &settings);
  return unet_drawer_estimate (PRIVATE (self)->drawer, &settings);
}

/* ---- class ------------------------------------------------------------ */

static gboolean
gst_unet_base_draw_start (GstBaseTransform *trans)
{
  PRIVATE (trans)->warned_buffer = FALSE;
  forget_compromise (GST_UNET_BASE_DRAW (trans));
  return TRUE;
}

static gboolean
gst_unet_base_draw_stop (GstBaseTransform *trans)
{
  g_clear_pointer (&PRIVATE (trans)->drawer, unet_drawer_free);
  return TRUE;
}

static void
gst_unet_base_draw_finalize (GObject *object)
{
  unet_draw_settings_clear (&PRIVATE (object)->settings);
  g_free (PRIVATE (object)->background);
  G_OBJECT_CLASS (gst_unet_base_draw_parent_class)->finalize (object);
}

/* Passthrough is not to be preferred: a mask in grey is no reason to ask for
 * pictures in grey. */
static void
gst_unet_base_draw_init (GstUnetBaseDraw *self)
{
  GstBaseTransform *trans = GST_BASE_TRANSFORM (self);
  guint32 argb = 0;

  PRIVATE (self)->settings = (UnetDrawSettings) {
    .output = DEFAULT_OUTPUT,
    .opacity = DEFAULT_OPACITY,
    .threshold = DEFAULT_THRESHOLD,
    .colors = unet_colors_new (NULL, NULL),
    .refine = DEFAULT_REFINE,
    .edge_low = DEFAULT_EDGE_LOW,
    .edge_high = DEFAULT_EDGE_HIGH,
    .blur_radius = DEFAULT_BLUR_RADIUS,
    .temporal = DEFAULT_TEMPORAL,
    .time_constant = DEFAULT_TIME_CONSTANT,
  };
  PRIVATE (self)->target = PRIVATE (self)->effective = DEFAULT_OUTPUT;
  PRIVATE (self)->background = g_strdup (DEFAULT_BACKGROUND);
  unet_color_parse (DEFAULT_BACKGROUND, &argb);
  PRIVATE (self)->settings.background = unet_background_new (argb, NULL);
  gst_base_transform_set_in_place (trans, TRUE);
  gst_base_transform_set_prefer_passthrough (trans, FALSE);
}

static void
install_transform (GstBaseTransformClass *klass)
{
  klass->passthrough_on_same_caps = FALSE;
  klass->start = GST_DEBUG_FUNCPTR (gst_unet_base_draw_start);
  klass->stop = GST_DEBUG_FUNCPTR (gst_unet_base_draw_stop);
  klass->transform_caps
      = GST_DEBUG_FUNCPTR (gst_unet_base_draw_transform_caps);
  klass->sink_event = GST_DEBUG_FUNCPTR (gst_unet_base_draw_sink_event);
  klass->set_caps = GST_DEBUG_FUNCPTR (gst_unet_base_draw_set_caps);
  klass->get_unit_size = GST_DEBUG_FUNCPTR (gst_unet_base_draw_get_unit_size);
  klass->propose_allocation
      = GST_DEBUG_FUNCPTR (gst_unet_base_draw_propose_allocation);
  klass->decide_allocation
      = GST_DEBUG_FUNCPTR (gst_unet_base_draw_decide_allocation);
  klass->transform_meta
      = GST_DEBUG_FUNCPTR (gst_unet_base_draw_transform_meta);
  klass->before_transform
      = GST_DEBUG_FUNCPTR (gst_unet_base_draw_before_transform);
  klass->transform_ip = GST_DEBUG_FUNCPTR (gst_unet_base_draw_transform_ip);
  klass->transform = GST_DEBUG_FUNCPTR (gst_unet_base_draw_transform);
}

static void
gst_unet_base_draw_class_init (GstUnetBaseDrawClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstCaps *caps = unet_output_template_caps ();

  object_class->set_property = gst_unet_base_draw_set_property;
  object_class->get_property = gst_unet_base_draw_get_property;
  object_class->finalize = gst_unet_base_draw_finalize;
  install_properties (object_class);
  install_edges (object_class);
  install_backgrounds (object_class);
  gst_element_class_add_pad_template (element_class,
      gst_pad_template_new ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, caps));
  gst_element_class_add_pad_template (element_class,
      gst_pad_template_new ("src", GST_PAD_SRC, GST_PAD_ALWAYS, caps));
  gst_caps_unref (caps);
  install_transform (GST_BASE_TRANSFORM_CLASS (klass));
  gst_type_mark_as_plugin_api (GST_TYPE_UNET_BASE_DRAW, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_UNET_SEG_OUTPUT, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_UNET_SEG_SWITCH, 0);
}
