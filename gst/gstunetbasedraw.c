/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstunetbasedraw.h"

#include "frame-buffers.h"
#include "memory-features.h"
#include "refused-values.h"
#include "timing.h"
#include "upstream-latency.h"

#include "frame/format/frame-map.h"

typedef struct {
  GstUnetDrawProperties properties; /* under the object lock */

  /* The streaming thread uses these, or any thread while there is none. */
  GstVideoInfo in, out;
  GstUnetDrawer *drawer;     /* (nullable): no caps yet */
  GstUnetSegOutput selected; /* of the drawer, if its caps are these */
  gboolean was_disabled;     /* the last frame passed untouched */
  GstUnetUpstreamLatency upstream;
  gboolean warned_buffer;
} GstUnetBaseDrawPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (
    GstUnetBaseDraw, gst_unet_base_draw, GST_TYPE_BASE_TRANSFORM)

#define PRIVATE(self)                                                          \
  ((GstUnetBaseDrawPrivate *) gst_unet_base_draw_get_instance_private (        \
      GST_UNET_BASE_DRAW (self)))

/* ---- caps ------------------------------------------------------------- */

gboolean
gst_unet_base_draw_is_live (GstUnetBaseDraw *self)
{
  return PRIVATE (self)->upstream.live;
}

GstClockTime
gst_unet_base_draw_get_upstream_latency (GstUnetBaseDraw *self)
{
  return PRIVATE (self)->upstream.latency;
}

static void
update_live (GstUnetBaseDraw *self)
{
  GstUnetBaseDrawClass *klass = GST_UNET_BASE_DRAW_GET_CLASS (self);
  GstUnetUpstreamLatency *upstream = &PRIVATE (self)->upstream;

  if (!gst_unet_upstream_latency_update (
          upstream, GST_BASE_TRANSFORM_SINK_PAD (self)))
    return;
  GST_INFO_OBJECT (
      self, "upstream is %slive now", upstream->live ? "" : "not ");
  if (klass->live_changed)
    klass->live_changed (self);
}

/* The pipeline distributes its latency once it knows of all its sources, and
 * again when one of them changes. */
static gboolean
gst_unet_base_draw_src_event (GstBaseTransform *trans, GstEvent *event)
{
  GstUnetBaseDraw *self = GST_UNET_BASE_DRAW (trans);

  if (GST_EVENT_TYPE (event) == GST_EVENT_LATENCY)
    gst_unet_upstream_latency_ask_again (&PRIVATE (self)->upstream);
  return GST_BASE_TRANSFORM_CLASS (gst_unet_base_draw_parent_class)
      ->src_event (trans, event);
}

/* Returns the output that frames get, or the one that upstream is asked for.
 * They differ only while upstream has not yet sent what downstream takes. */
static GstUnetSegOutput
get_output (GstUnetBaseDraw *self, GstPadDirection direction)
{
  GstUnetSegOutput output;

  GST_OBJECT_LOCK (self);
  output = direction == GST_PAD_SINK ? PRIVATE (self)->properties.effective
                                     : PRIVATE (self)->properties.target;
  GST_OBJECT_UNLOCK (self);
  return output;
}

static GstCaps *
gst_unet_base_draw_transform_caps (GstBaseTransform *trans,
    GstPadDirection direction, GstCaps *caps, GstCaps *filter)
{
  GstUnetSegOutput output = get_output (GST_UNET_BASE_DRAW (trans), direction);
  GstCaps *result = gst_unet_output_transform_caps (output, direction, caps);
  GstCaps *filtered;

  if (filter == NULL)
    return result;
  filtered = gst_caps_intersect_full (filter, result, GST_CAPS_INTERSECT_FIRST);
  gst_caps_unref (result);
  return filtered;
}

static gboolean
downstream_takes (GstUnetBaseDraw *self, GstUnetSegOutput output, GstCaps *caps)
{
  g_autoptr (GstCaps)
      out = gst_unet_output_transform_caps (output, GST_PAD_SINK, caps);

  return gst_pad_peer_query_accept_caps (
      GST_BASE_TRANSFORM_SRC_PAD (self), out);
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
    old = gst_unet_drawer_get_output (priv->drawer);
    keeps = old != wanted && !downstream_takes (self, wanted, caps)
        && downstream_takes (self, old, caps);
  }
  GST_OBJECT_LOCK (self);
  if (priv->properties.target == wanted)
    priv->properties.effective = keeps ? old : wanted;
  GST_OBJECT_UNLOCK (self);
}

static void
give_up (GstUnetBaseDraw *self, GstUnetSegOutput wanted)
{
  GstUnetBaseDrawPrivate *priv = PRIVATE (self);

  GST_OBJECT_LOCK (self);
  if (priv->properties.target == wanted)
    priv->properties.target = priv->properties.effective;
  GST_OBJECT_UNLOCK (self);
  GST_ELEMENT_WARNING (self, STREAM, FORMAT,
      ("Downstream takes nothing that this output makes; the one in use goes "
       "on."),
      ("output=%d", wanted));
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
  priv->properties.target = priv->properties.effective =
      priv->properties.settings.output;
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
        gst_unet_drawer_forget (PRIVATE (self)->drawer);
      break;
    default:
      break;
  }
  return GST_BASE_TRANSFORM_CLASS (gst_unet_base_draw_parent_class)
      ->sink_event (trans, event);
}

static gboolean
open_drawer (GstUnetBaseDraw *self)
{
  GstUnetBaseDrawPrivate *priv = PRIVATE (self);
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&priv->drawer, gst_unet_drawer_free);
  priv->drawer = gst_unet_drawer_new (&priv->in, &priv->out);
  gst_base_transform_set_in_place (
      GST_BASE_TRANSFORM (self), gst_unet_drawer_is_in_place (priv->drawer));
  gst_base_transform_set_passthrough (GST_BASE_TRANSFORM (self), FALSE);
  priv->selected = get_output (self, GST_PAD_SINK);
  if (gst_unet_drawer_set_output (priv->drawer, priv->selected, &error))
    return TRUE;
  GST_ELEMENT_ERROR (self, STREAM, FORMAT, ("%s", error->message), (NULL));
  return FALSE;
}

static gboolean
gst_unet_base_draw_set_caps (
    GstBaseTransform *trans, GstCaps *incaps, GstCaps *outcaps)
{
  GstUnetBaseDraw *self = GST_UNET_BASE_DRAW (trans);
  GstUnetBaseDrawPrivate *priv = PRIVATE (self);
  GstUnetBaseDrawClass *klass = GST_UNET_BASE_DRAW_GET_CLASS (self);

  if (!gst_video_info_from_caps (&priv->in, incaps)
      || !gst_video_info_from_caps (&priv->out, outcaps)
      || gst_unet_output_refuses (&priv->in))
    return FALSE;
  gst_unet_upstream_latency_query (
      &priv->upstream, GST_BASE_TRANSFORM_SINK_PAD (self));
  if (!open_drawer (self))
    return FALSE;
  return klass->set_info == NULL || klass->set_info (self, &priv->in);
}

/* ---- buffers ---------------------------------------------------------- */

/* Any strides may come; in place what downstream says goes upstream, but for
 * metadata that the element does not understand. */
static gboolean
gst_unet_base_draw_propose_allocation (
    GstBaseTransform *trans, GstQuery *decide, GstQuery *query)
{
  if (decide)
    gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  return GST_BASE_TRANSFORM_CLASS (gst_unet_base_draw_parent_class)
             ->propose_allocation (trans, decide, query)
      && gst_unet_keep_back_metas (query);
}

static gboolean
gst_unet_base_draw_decide_allocation (GstBaseTransform *trans, GstQuery *query)
{
  gst_unet_choose_buffer_pool (
      query, GST_VIDEO_INFO_SIZE (&PRIVATE (trans)->out));
  return GST_BASE_TRANSFORM_CLASS (gst_unet_base_draw_parent_class)
      ->decide_allocation (trans, query);
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
draw (GstUnetBaseDraw *self, const GstUnetDrawSettings *settings,
    const UnetSegMeta *mask, const GstVideoFrame *in, GstVideoFrame *out)
{
  g_autoptr (GError) error = NULL;
  const gchar *unknown;

  if (!gst_unet_drawer_set_background (
          PRIVATE (self)->drawer, settings, &error))
    GST_ELEMENT_WARNING (self, RESOURCE, READ,
        ("Property 'background-location': %s", error->message),
        ("the colour takes its place"));
  gst_unet_drawer_draw (
      PRIVATE (self)->drawer, settings, mask, in, out, &unknown);
  warn_of_color (self, unknown);
}

/* Returns whether the frame could be read, if it had to be. */
static gboolean
process_in_place (GstUnetBaseDraw *self, GstBuffer *buffer,
    GstUnetDrawSettings *settings, gboolean look)
{
  GstUnetBaseDrawPrivate *priv = PRIVATE (self);
  GstUnetBaseDrawClass *klass = GST_UNET_BASE_DRAW_GET_CLASS (self);
  gboolean draws = gst_unet_drawer_draws (priv->drawer, settings);
  const UnetSegMeta *mask;
  UnetMap map;

  if (!look && !draws) {
    klass->find_mask (self, NULL, buffer, settings);
    return TRUE;
  }
  if (!unet_map_frame (
          &map, &priv->in, buffer, draws ? GST_MAP_READWRITE : GST_MAP_READ)) {
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
get_settings (GstUnetBaseDraw *self, GstUnetDrawSettings *settings)
{
  gst_unet_draw_properties_copy (
      &PRIVATE (self)->properties, G_OBJECT (self), settings);
  settings->live = PRIVATE (self)->upstream.live;
}

static GstFlowReturn
select_output (GstUnetBaseDraw *self, GstUnetSegOutput output)
{
  GstUnetBaseDrawPrivate *priv = PRIVATE (self);
  g_autoptr (GError) error = NULL;

  if (output == priv->selected)
    return GST_FLOW_OK;
  priv->selected = output;
  if (gst_unet_drawer_set_output (priv->drawer, output, &error))
    return GST_FLOW_OK;
  GST_ELEMENT_ERROR (self, STREAM, FORMAT, ("%s", error->message), (NULL));
  return GST_FLOW_ERROR;
}

static GstFlowReturn
begin_frame (
    GstUnetBaseDraw *self, GstBuffer *buffer, GstUnetDrawSettings *settings)
{
  GstUnetBaseDrawPrivate *priv = PRIVATE (self);
  GstUnetBaseDrawClass *klass = GST_UNET_BASE_DRAW_GET_CLASS (self);
  GstFlowReturn flow = GST_FLOW_OK;

  update_live (self);
  get_settings (self, settings);
  settings->pts = GST_BUFFER_PTS (buffer);
  settings->running_time = gst_unet_running_time (
      &GST_BASE_TRANSFORM (self)->segment, settings->pts);
  settings->is_new_scene = GST_BUFFER_IS_DISCONT (buffer) || priv->was_disabled;
  if (settings->is_new_scene)
    gst_unet_drawer_forget (priv->drawer);
  priv->was_disabled = !settings->enabled;
  flow = select_output (self, settings->output);
  if (flow == GST_FLOW_OK && settings->enabled && klass->prepare)
    flow = klass->prepare (self);
  return flow;
}

static GstFlowReturn
gst_unet_base_draw_transform_ip (GstBaseTransform *trans, GstBuffer *buffer)
{
  GstUnetBaseDraw *self = GST_UNET_BASE_DRAW (trans);
  GstUnetBaseDrawClass *klass = GST_UNET_BASE_DRAW_GET_CLASS (self);
  g_auto (GstUnetDrawSettings) settings = { 0 };
  GstFlowReturn flow = begin_frame (self, buffer, &settings);
  gboolean look, ok;

  if (flow != GST_FLOW_OK || !settings.enabled)
    return flow;
  look = klass->begin && klass->begin (self, buffer, &settings);
  ok = process_in_place (self, buffer, &settings, look);
  if (klass->end)
    klass->end (self, ok);
  return GST_FLOW_OK;
}

static gboolean
process (GstUnetBaseDraw *self, GstBuffer *in, GstBuffer *out,
    GstUnetDrawSettings *settings, GstVideoFrame *frame)
{
  GstUnetBaseDrawClass *klass = GST_UNET_BASE_DRAW_GET_CLASS (self);
  const UnetSegMeta *mask;
  UnetMap map;

  if (!unet_map_frame (&map, &PRIVATE (self)->in, in, GST_MAP_READ)) {
    warn_of_buffer (self, in);
    draw (self, settings, NULL, NULL, frame);
    return FALSE;
  }
  if (settings->enabled) {
    mask = klass->find_mask (self, &map.frame, out, settings);
    draw (self, settings, mask, &map.frame, frame);
  } else {
    gst_unet_drawer_pass (PRIVATE (self)->drawer, &map.frame, frame);
  }
  unet_unmap_frame (&map);
  return TRUE;
}

static GstFlowReturn
gst_unet_base_draw_transform (
    GstBaseTransform *trans, GstBuffer *in, GstBuffer *out)
{
  GstUnetBaseDraw *self = GST_UNET_BASE_DRAW (trans);
  GstUnetBaseDrawClass *klass = GST_UNET_BASE_DRAW_GET_CLASS (self);
  g_auto (GstUnetDrawSettings) settings = { 0 };
  GstFlowReturn flow = begin_frame (self, in, &settings);
  gboolean ok;
  UnetMap map;

  if (flow != GST_FLOW_OK)
    return flow;
  if (!unet_map_frame (&map, &PRIVATE (self)->out, out, GST_MAP_READWRITE)) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("Downstream's buffers do not fit their caps."),
        ("%" GST_PTR_FORMAT, out));
    return GST_FLOW_ERROR;
  }
  if (settings.enabled && klass->begin)
    klass->begin (self, in, &settings);
  ok = process (self, in, out, &settings, &map.frame);
  unet_unmap_frame (&map);
  GST_BUFFER_FLAG_UNSET (out, GST_BUFFER_FLAG_GAP);
  if (settings.enabled && klass->end)
    klass->end (self, ok);
  return GST_FLOW_OK;
}

/* A frame that is neither read nor drawn on is not copied either, however many
 * hold its buffer. */
static void
follow_switch (GstUnetBaseDraw *self)
{
  GstUnetBaseDrawPrivate *priv = PRIVATE (self);
  gboolean passes;

  GST_OBJECT_LOCK (self);
  passes = !priv->properties.settings.enabled;
  GST_OBJECT_UNLOCK (self);
  passes = passes && priv->drawer && gst_unet_drawer_is_in_place (priv->drawer);
  priv->was_disabled |= passes;
  if (passes != gst_base_transform_is_passthrough (GST_BASE_TRANSFORM (self)))
    gst_base_transform_set_passthrough (GST_BASE_TRANSFORM (self), passes);
}

static void
gst_unet_base_draw_before_transform (GstBaseTransform *trans, GstBuffer *buffer)
{
  GstClockTime time = GST_CLOCK_TIME_NONE;

  if (trans->segment.format == GST_FORMAT_TIME)
    time = gst_segment_to_stream_time (
        &trans->segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
  if (GST_CLOCK_TIME_IS_VALID (time))
    gst_object_sync_values (GST_OBJECT (trans), time);
  follow_output (GST_UNET_BASE_DRAW (trans));
  follow_switch (GST_UNET_BASE_DRAW (trans));
}

guint64
gst_unet_base_draw_estimate (GstUnetBaseDraw *self)
{
  g_auto (GstUnetDrawSettings) settings = { 0 };

  if (PRIVATE (self)->drawer == NULL)
    return 0;
  get_settings (self, &settings);
  return gst_unet_drawer_estimate (PRIVATE (self)->drawer, &settings);
}

/* ---- class ------------------------------------------------------------ */

static gboolean
gst_unet_base_draw_start (GstBaseTransform *trans)
{
  if (!gst_unet_refused_values_start (GST_ELEMENT (trans)))
    return FALSE;
  PRIVATE (trans)->warned_buffer = FALSE;
  /* Sources mostly know it before there are caps. */
  gst_unet_upstream_latency_init (
      &PRIVATE (trans)->upstream, GST_BASE_TRANSFORM_SINK_PAD (trans));
  forget_compromise (GST_UNET_BASE_DRAW (trans));
  return TRUE;
}

static gboolean
gst_unet_base_draw_stop (GstBaseTransform *trans)
{
  g_clear_pointer (&PRIVATE (trans)->drawer, gst_unet_drawer_free);
  gst_unet_refused_values_stop (GST_ELEMENT (trans));
  return TRUE;
}

static void
gst_unet_base_draw_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  gst_unet_draw_properties_set (
      &PRIVATE (object)->properties, object, id, value, pspec);
}

static void
gst_unet_base_draw_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  gst_unet_draw_properties_get (
      &PRIVATE (object)->properties, object, id, value, pspec);
}

static void
gst_unet_base_draw_finalize (GObject *object)
{
  gst_unet_draw_properties_clear (&PRIVATE (object)->properties);
  G_OBJECT_CLASS (gst_unet_base_draw_parent_class)->finalize (object);
}

/* Passthrough is not to be preferred: a mask in grey is no reason to ask for
 * pictures in grey. */
static void
gst_unet_base_draw_init (GstUnetBaseDraw *self)
{
  GstBaseTransform *trans = GST_BASE_TRANSFORM (self);

  gst_unet_refused_values_init (GST_ELEMENT (self));
  gst_unet_draw_properties_init (&PRIVATE (self)->properties);
  gst_base_transform_set_in_place (trans, TRUE);
  gst_base_transform_set_prefer_passthrough (trans, FALSE);
  gst_unet_memory_watch (GST_ELEMENT (self), trans->sinkpad, trans->srcpad);
}

static void
install_transform (GstBaseTransformClass *klass)
{
  klass->passthrough_on_same_caps = FALSE;
  klass->transform_ip_on_passthrough = FALSE;
  klass->start = GST_DEBUG_FUNCPTR (gst_unet_base_draw_start);
  klass->stop = GST_DEBUG_FUNCPTR (gst_unet_base_draw_stop);
  klass->transform_caps = GST_DEBUG_FUNCPTR (gst_unet_base_draw_transform_caps);
  klass->sink_event = GST_DEBUG_FUNCPTR (gst_unet_base_draw_sink_event);
  klass->src_event = GST_DEBUG_FUNCPTR (gst_unet_base_draw_src_event);
  klass->set_caps = GST_DEBUG_FUNCPTR (gst_unet_base_draw_set_caps);
  klass->get_unit_size = GST_DEBUG_FUNCPTR (gst_unet_get_unit_size);
  klass->propose_allocation =
      GST_DEBUG_FUNCPTR (gst_unet_base_draw_propose_allocation);
  klass->decide_allocation =
      GST_DEBUG_FUNCPTR (gst_unet_base_draw_decide_allocation);
  klass->transform_meta = GST_DEBUG_FUNCPTR (gst_unet_transform_meta);
  klass->before_transform =
      GST_DEBUG_FUNCPTR (gst_unet_base_draw_before_transform);
  klass->transform_ip = GST_DEBUG_FUNCPTR (gst_unet_base_draw_transform_ip);
  klass->transform = GST_DEBUG_FUNCPTR (gst_unet_base_draw_transform);
}

static void
gst_unet_base_draw_class_init (GstUnetBaseDrawClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstCaps *caps = gst_unet_output_template_caps ();

  object_class->set_property = gst_unet_base_draw_set_property;
  object_class->get_property = gst_unet_base_draw_get_property;
  object_class->finalize = gst_unet_base_draw_finalize;
  gst_unet_draw_properties_install (object_class);
  gst_element_class_add_pad_template (element_class,
      gst_pad_template_new ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, caps));
  gst_element_class_add_pad_template (element_class,
      gst_pad_template_new ("src", GST_PAD_SRC, GST_PAD_ALWAYS, caps));
  gst_caps_unref (caps);
  install_transform (GST_BASE_TRANSFORM_CLASS (klass));
  gst_type_mark_as_plugin_api (GST_TYPE_UNET_BASE_DRAW, 0);
}
