/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-unetseg
 * @title: unetseg
 *
 * Runs a U-Net-shaped ONNX network on every frame, draws what it finds over
 * the picture in the stream's own format and attaches it as #UnetSegMeta.
 *
 * The model is read when the element goes to PAUSED and compiled for the
 * stream's shape when its caps are known. An error ends the stream with one
 * message on the bus. No frame is ever dropped: where an inference fails, the
 * frame goes on as it came.
 *
 * In a live stream frames do not wait for the network. While it is being
 * compiled they pass as they are. Afterwards each frame waits for its mask as
 * long as masks come within a frame's time; otherwise frames pass at once with
 * the newest mask, moved along with what it covers.
 *
 * The model's contract comes from these properties, a `.modelinfo` file
 * beside it, its ONNX metadata and its graph, in this order; the contract in
 * use is logged at level INFO of the debug category `unetseg`.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! unetseg ! videoconvert !
 * autovideosink
 * ]| Finds people in a webcam's picture with the built-in model.
 * |[
 * gst-launch-1.0 filesrc location=in.mp4 ! decodebin ! videoconvert ! unetseg
 * model=street.onnx colors="road=gray,car=#80ff0040" opacity=0.6 late=run !
 * videoconvert ! x264enc ! mp4mux ! filesink location=out.mp4
 * ]| Draws the classes of a model over a file, with a mask for every frame.
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=100 ! unetseg output=none interval=2
 * ! fakesink
 * ]| Attaches a mask to every frame, computes it for every second one and
 * leaves the pictures untouched.
 *
 * Since: 1.0
 */

#include "gstunetseg.h"

#include "log.h"

/* Frames with a mask of their own before the first look at the latency, where
 * the 95th percentile is no longer the slowest of all, and between looks. */
#define FIRST_LATENCY_CHECK  20
#define LATENCY_CHECK_FRAMES 8
/* Less is nothing to any sink, and jitter on small models. */
#define LATENCY_STEP (GST_MSECOND / 2)

G_DEFINE_TYPE (GstUnetSeg, gst_unet_seg, GST_TYPE_UNET_BASE_DRAW)

/* ---- latency ---------------------------------------------------------- */

static void
gst_unet_seg_set_latency (GstUnetSeg *self, GstClockTime latency)
{
  GstClockTime change;
  gboolean post;

  GST_OBJECT_LOCK (self);
  change = latency > self->latency ? latency - self->latency
                                   : self->latency - latency;
  post = change > self->latency / 4 && change > LATENCY_STEP;
  if (post)
    self->latency = latency;
  GST_OBJECT_UNLOCK (self);

  if (post) {
    GST_DEBUG_OBJECT (
        self, "latency is now %" GST_TIME_FORMAT, GST_TIME_ARGS (latency));
    gst_element_post_message (
        GST_ELEMENT (self), gst_message_new_latency (GST_OBJECT (self)));
  }
}

static void
gst_unet_seg_add_processing_time (GstUnetSeg *self, GstClockTime time)
{
  gst_unet_timing_add (&self->processing, time);
  if (--self->until_latency_check > 0)
    return;
  self->until_latency_check = LATENCY_CHECK_FRAMES;
  gst_unet_seg_set_latency (
      self, gst_unet_timing_percentile (&self->processing, 95));
}

/* A frame may wait for its mask, so both bounds move. */
static gboolean
gst_unet_seg_query (
    GstBaseTransform *trans, GstPadDirection direction, GstQuery *query)
{
  GstUnetSeg *self = GST_UNET_SEG (trans);
  GstClockTime min, max, latency;
  gboolean live;

  if (!GST_BASE_TRANSFORM_CLASS (gst_unet_seg_parent_class)
           ->query (trans, direction, query))
    return FALSE;
  if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY || direction != GST_PAD_SRC)
    return TRUE;

  gst_query_parse_latency (query, &live, &min, &max);
  if (!live)
    return TRUE;
  GST_OBJECT_LOCK (self);
  latency = self->latency;
  GST_OBJECT_UNLOCK (self);
  min += latency;
  if (GST_CLOCK_TIME_IS_VALID (max))
    max += latency;
  GST_DEBUG_OBJECT (
      self, "adding %" GST_TIME_FORMAT " of latency", GST_TIME_ARGS (latency));
  gst_query_set_latency (query, live, min, max);
  return TRUE;
}

/* ---- life cycle ------------------------------------------------------- */

static void
gst_unet_seg_reset (GstUnetSeg *self)
{
  GST_OBJECT_LOCK (self);
  memset (&self->stats, 0, sizeof (self->stats));
  g_clear_pointer (&self->session_info, gst_structure_free);
  self->latency = 0;
  self->pipeline_latency = GST_CLOCK_TIME_NONE;
  self->earliest = GST_CLOCK_TIME_NONE;
  self->frame_duration = 0;
  self->frames_wait = TRUE;
  self->interrupted = FALSE;
  GST_OBJECT_UNLOCK (self);

  g_clear_pointer (&self->note, g_free);
  gst_unet_timing_reset (&self->processing);
  gst_unet_live_pacing_init (&self->pacing);
  self->drawing_pixels = 0;
  self->until_latency_check = FIRST_LATENCY_CHECK;
  self->failed = self->warned_inference = self->ready = FALSE;
  self->orientation = GST_VIDEO_ORIENTATION_IDENTITY;
  self->own_orientation = FALSE;
}

static gboolean
gst_unet_seg_start (GstBaseTransform *trans)
{
  GstUnetSeg *self = GST_UNET_SEG (trans);

  if (!GST_BASE_TRANSFORM_CLASS (gst_unet_seg_parent_class)->start (trans))
    return FALSE;
  gst_unet_seg_reset (self);
  return gst_unet_seg_open_model (self);
}

/* The statistics stay readable until the next start. */
static gboolean
gst_unet_seg_stop (GstBaseTransform *trans)
{
  GstUnetSeg *self = GST_UNET_SEG (trans);

  gst_unet_seg_close_model (self);
  gst_video_info_init (&self->info);
  return GST_BASE_TRANSFORM_CLASS (gst_unet_seg_parent_class)->stop (trans);
}

/* Ends waits for a session and a run under way, so that READY and NULL do not
 * wait for them. */
static GstStateChangeReturn
gst_unet_seg_change_state (GstElement *element, GstStateChange transition)
{
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    gst_unet_seg_cancel (GST_UNET_SEG (element));
  return GST_ELEMENT_CLASS (gst_unet_seg_parent_class)
      ->change_state (element, transition);
}

/* Measured once in a stream that keeps the time: that takes as long as a frame
 * or two, which would be late. The time goes with the number of pixels. */
static GstClockTime
gst_unet_seg_estimate_drawing (GstUnetSeg *self)
{
  guint pixels =
      GST_VIDEO_INFO_WIDTH (&self->info) * GST_VIDEO_INFO_HEIGHT (&self->info);

  if (gst_unet_seg_is_paced (self) && self->drawing_pixels > 0)
    return gst_util_uint64_scale (self->drawing, pixels, self->drawing_pixels);
  self->drawing = gst_unet_base_draw_estimate (GST_UNET_BASE_DRAW (self));
  self->drawing_pixels = pixels;
  return self->drawing;
}

/* Until frames have been timed. */
static void
gst_unet_seg_estimate_latency (GstUnetSeg *self)
{
  GstClockTime drawing = gst_unet_seg_estimate_drawing (self);
  GstClockTime latency = drawing;

  gst_unet_timing_reset (&self->processing);
  self->until_latency_check = FIRST_LATENCY_CHECK;
  if (gst_unet_seg_is_paced (self)) {
    gst_unet_live_pacing_set_info (&self->pacing, &self->info, drawing);
    latency = self->pacing.latency;
  } else if (gst_unet_seg_is_exact (self) && self->ready) {
    latency += unet_segmenter_measure (self->segmenter);
  }
  gst_unet_seg_set_latency (self, latency);
}

static void
gst_unet_seg_take_info (GstUnetSeg *self, const GstVideoInfo *info)
{
  self->info = *info;
  GST_OBJECT_LOCK (self);
  self->frame_duration = info->fps_n > 0
      ? gst_util_uint64_scale (GST_SECOND, info->fps_d, info->fps_n)
      : 0;
  GST_OBJECT_UNLOCK (self);
  self->ready = FALSE;
  unet_segmenter_set_live (
      self->segmenter, gst_unet_base_draw_is_live (GST_UNET_BASE_DRAW (self)));
  unet_segmenter_set_orientation (self->segmenter, self->orientation);
  unet_segmenter_set_info (self->segmenter, info);
}

static gboolean
gst_unet_seg_set_info (GstUnetBaseDraw *base, const GstVideoInfo *info)
{
  GstUnetSeg *self = GST_UNET_SEG (base);

  if (self->failed)
    return FALSE;
  /* Another output of the same frames. */
  if (gst_video_info_is_equal (&self->info, info))
    return TRUE;
  gst_unet_seg_forget_scene (self);
  gst_unet_seg_take_info (self, info);
  if (gst_unet_seg_update (self) == UNET_FAILED) {
    gst_video_info_init (&self->info);
    return FALSE;
  }
  gst_unet_seg_estimate_latency (self);
  return TRUE;
}

static void
gst_unet_seg_live_changed (GstUnetBaseDraw *base)
{
  GstUnetSeg *self = GST_UNET_SEG (base);

  if (self->failed
      || GST_VIDEO_INFO_FORMAT (&self->info) == GST_VIDEO_FORMAT_UNKNOWN)
    return;
  unet_segmenter_drain (self->segmenter); /* it is measured below */
  unet_segmenter_set_live (self->segmenter, gst_unet_base_draw_is_live (base));
  unet_segmenter_set_info (self->segmenter, &self->info);
  gst_unet_seg_estimate_latency (self);
}

/* ---- events ----------------------------------------------------------- */

/* A phone's video lies on its side, and a tag says so. As videoflip has it, a
 * stream's own tag goes before one of the whole file. */
static void
gst_unet_seg_take_tags (GstUnetSeg *self, GstEvent *event)
{
  GstVideoOrientationMethod method;
  GstTagList *tags;
  gboolean own;

  gst_event_parse_tag (event, &tags);
  own = gst_tag_list_get_scope (tags) == GST_TAG_SCOPE_STREAM;
  if (!gst_video_orientation_from_tag (tags, &method)
      || (self->own_orientation && !own))
    return;
  self->own_orientation = own;
  self->orientation = method;
}

/* Tags come after caps: what they change is seen with the next frame. */
static void
gst_unet_seg_update_orientation (GstUnetSeg *self)
{
  if (unet_segmenter_set_orientation (self->segmenter, self->orientation))
    GST_INFO_OBJECT (
        self, "frames are made upright by method %d", self->orientation);
}

static gboolean
gst_unet_seg_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  GstUnetSeg *self = GST_UNET_SEG (trans);

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_FLUSH_START:
      gst_unet_seg_interrupt (self, TRUE);
      break;
    case GST_EVENT_FLUSH_STOP:
      gst_unet_seg_interrupt (self, FALSE);
      GST_OBJECT_LOCK (self);
      self->earliest = GST_CLOCK_TIME_NONE;
      GST_OBJECT_UNLOCK (self);
      gst_unet_seg_forget_scene (self);
      break;
    case GST_EVENT_TAG:
      gst_unet_seg_take_tags (self, event);
      break;
    case GST_EVENT_STREAM_START:
      self->orientation = GST_VIDEO_ORIENTATION_IDENTITY;
      self->own_orientation = FALSE;
      gst_unet_seg_forget_scene (self);
      break;
    case GST_EVENT_SEGMENT:
      gst_unet_seg_forget_scene (self);
      break;
    case GST_EVENT_EOS:
      if (self->segmenter)
        unet_segmenter_drain (self->segmenter);
      break;
    default:
      break;
  }
  return GST_BASE_TRANSFORM_CLASS (gst_unet_seg_parent_class)
      ->sink_event (trans, event);
}

/* Sets the running time up to which frames are too late for a mask of their
 * own, as GstVideoDecoder does: more frames will be late after the first one,
 * and the time that they save lets the stream catch up. */
static void
gst_unet_seg_update_qos (
    GstUnetSeg *self, GstClockTimeDiff diff, GstClockTime timestamp)
{
  /* Clamp to 2^31 ms (24 days), so that the additions cannot overflow. */
  diff = CLAMP (diff, -G_MAXINT32 * (GstClockTimeDiff) GST_MSECOND,
      G_MAXINT32 * (GstClockTimeDiff) GST_MSECOND);
  GST_OBJECT_LOCK (self);
  if (diff > 0)
    self->earliest = timestamp + 2 * diff + self->frame_duration;
  else
    self->earliest = timestamp - MIN (timestamp, (GstClockTime) -diff);
  GST_OBJECT_UNLOCK (self);
}

static void
gst_unet_seg_take_latency (GstUnetSeg *self, GstEvent *event)
{
  GST_OBJECT_LOCK (self);
  gst_event_parse_latency (event, &self->pipeline_latency);
  GST_OBJECT_UNLOCK (self);
}

/* Keeps QoS from the base class, which would drop frames with its `qos`
 * property on. */
static gboolean
gst_unet_seg_src_event (GstBaseTransform *trans, GstEvent *event)
{
  GstClockTimeDiff diff;
  GstClockTime timestamp;

  if (GST_EVENT_TYPE (event) == GST_EVENT_LATENCY)
    gst_unet_seg_take_latency (GST_UNET_SEG (trans), event);
  if (GST_EVENT_TYPE (event) != GST_EVENT_QOS)
    return GST_BASE_TRANSFORM_CLASS (gst_unet_seg_parent_class)
        ->src_event (trans, event);

  gst_event_parse_qos (event, NULL, NULL, &diff, &timestamp);
  if (GST_CLOCK_TIME_IS_VALID (timestamp))
    gst_unet_seg_update_qos (GST_UNET_SEG (trans), diff, timestamp);
  return gst_pad_push_event (trans->sinkpad, event);
}

/* ---- frames ----------------------------------------------------------- */

static void
gst_unet_seg_end (GstUnetBaseDraw *base, gboolean ok)
{
  GstUnetSeg *self = GST_UNET_SEG (base);

  GST_OBJECT_LOCK (self);
  self->stats.frames++;
  if (self->marked && self->infers)
    self->stats.segmented++;
  else if (self->marked)
    self->stats.reused++;
  if (self->is_late)
    self->stats.late++;
  GST_OBJECT_UNLOCK (self);
  if (self->marked && (self->infers || !gst_unet_seg_is_exact (self))
      && !gst_unet_seg_is_paced (self))
    gst_unet_seg_add_processing_time (
        self, gst_util_get_timestamp () - self->start);
}

/* Another model is there, ready for these frames. */
static void
gst_unet_seg_take_over (GstUnetSeg *self)
{
  self->warned_inference = FALSE;
  gst_unet_seg_describe (self);
  gst_unet_seg_estimate_latency (self);
}

static GstFlowReturn
gst_unet_seg_prepare (GstUnetBaseDraw *base)
{
  GstUnetSeg *self = GST_UNET_SEG (base);
  UnetReadiness readiness;

  if (self->failed)
    return GST_FLOW_OK;
  if (gst_unet_seg_swap_model (self))
    gst_unet_seg_take_over (self);
  gst_unet_seg_update_orientation (self);
  readiness = gst_unet_seg_update (self);
  if (readiness == UNET_FAILED)
    return GST_FLOW_ERROR;
  /* Only an interruption ends the wait early. */
  return readiness == UNET_PENDING && gst_unet_seg_is_exact (self)
      ? GST_FLOW_FLUSHING
      : GST_FLOW_OK;
}

/* ---- class ------------------------------------------------------------ */

static void
gst_unet_seg_finalize (GObject *object)
{
  gst_unet_seg_clear_properties (GST_UNET_SEG (object));
  G_OBJECT_CLASS (gst_unet_seg_parent_class)->finalize (object);
}

static void
gst_unet_seg_init (GstUnetSeg *self)
{
  gst_unet_seg_init_properties (self);
  gst_video_info_init (&self->info);
  gst_unet_seg_reset (self);
}

static void
gst_unet_seg_class_init (GstUnetSegClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);
  GstUnetBaseDrawClass *draw_class = GST_UNET_BASE_DRAW_CLASS (klass);

  object_class->set_property = gst_unet_seg_set_property;
  object_class->get_property = gst_unet_seg_get_property;
  object_class->finalize = gst_unet_seg_finalize;
  gst_unet_seg_install_properties (object_class);
  element_class->change_state = GST_DEBUG_FUNCPTR (gst_unet_seg_change_state);

  gst_element_class_set_static_metadata (element_class, "U-Net segmentation",
      "Filter/Analyzer/Video",
      "Segments video with a U-Net-shaped ONNX network", "The unetseg authors");

  trans_class->start = GST_DEBUG_FUNCPTR (gst_unet_seg_start);
  trans_class->stop = GST_DEBUG_FUNCPTR (gst_unet_seg_stop);
  trans_class->query = GST_DEBUG_FUNCPTR (gst_unet_seg_query);
  trans_class->sink_event = GST_DEBUG_FUNCPTR (gst_unet_seg_sink_event);
  trans_class->src_event = GST_DEBUG_FUNCPTR (gst_unet_seg_src_event);
  draw_class->set_info = gst_unet_seg_set_info;
  draw_class->live_changed = gst_unet_seg_live_changed;
  draw_class->prepare = gst_unet_seg_prepare;
  draw_class->begin = gst_unet_seg_begin;
  draw_class->find_mask = gst_unet_seg_find_mask;
  draw_class->end = gst_unet_seg_end;
}
