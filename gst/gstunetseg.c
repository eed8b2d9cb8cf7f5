/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-unetseg
 * @title: unetseg
 *
 * Runs a U-Net-shaped ONNX network on every frame, draws what it finds over
 * the picture in the stream's own format and attaches it as #UnetSegMeta.
 *
 * The model is read when the element goes to PAUSED and compiled for the
 * stream's shape when its caps are known; what is wrong with it ends in one
 * error on the bus before any frame flows. Afterwards no frame is ever dropped
 * or held back: where an inference fails the frame goes on as it came, where
 * the sink says that frames are late they get the last mask.
 *
 * What the model expects comes from these properties, a `.modelinfo` file
 * beside it, its ONNX metadata and its graph, in this order; the contract in
 * use is logged at level INFO of the debug category `unetseg`.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! unetseg ! videoconvert ! autovideosink
 * ]| Finds people in a webcam's picture with the built-in model.
 * |[
 * gst-launch-1.0 filesrc location=in.mp4 ! decodebin ! videoconvert ! unetseg model=street.onnx colors="road=gray,car=#80ff0040" opacity=0.6 late=run ! videoconvert ! x264enc ! mp4mux ! filesink location=out.mp4
 * ]| Draws the classes of a model over a file, with a mask for every frame.
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=100 ! unetseg output=none interval=2 ! fakesink
 * ]| Attaches a mask to every frame, computes it for every second one and
 * leaves the pictures untouched.
 *
 * Since: 1.0
 */

#include "gstunetseg.h"

#include "unetanalytics.h"

GST_DEBUG_CATEGORY_EXTERN (gst_unet_seg_debug);
#define GST_CAT_DEFAULT gst_unet_seg_debug

/* A mask is not reused for lateness beyond this age: a sink that finds every
 * frame late, whatever we do, would freeze it for good. */
#define MAX_LATE_AGE (2 * GST_SECOND)
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
    GST_DEBUG_OBJECT (self, "latency is now %" GST_TIME_FORMAT,
        GST_TIME_ARGS (latency));
    gst_element_post_message (GST_ELEMENT (self),
        gst_message_new_latency (GST_OBJECT (self)));
  }
}

static void
gst_unet_seg_add_processing_time (GstUnetSeg *self, GstClockTime time)
{
  unet_timing_add (&self->processing, time);
  if (--self->until_latency_check > 0)
    return;
  self->until_latency_check = LATENCY_CHECK_FRAMES;
  gst_unet_seg_set_latency (self,
      unet_timing_percentile (&self->processing, 95));
}

/* The frame waits for its mask, so both bounds move. */
static gboolean
gst_unet_seg_query (GstBaseTransform *trans, GstPadDirection direction,
    GstQuery *query)
{
  GstUnetSeg *self = GST_UNET_SEG (trans);
  GstClockTime min, max, latency;
  gboolean live;

  if (!GST_BASE_TRANSFORM_CLASS (gst_unet_seg_parent_class)
           ->query (trans, direction, query))
    return FALSE;
  if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY
      || direction != GST_PAD_SRC)
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
  GST_DEBUG_OBJECT (self, "adding %" GST_TIME_FORMAT " of latency",
      GST_TIME_ARGS (latency));
  gst_query_set_latency (query, live, min, max);
  return TRUE;
}

/* ---- life cycle ------------------------------------------------------- */

static void
gst_unet_seg_forget_mask (GstUnetSeg *self)
{
  unet_mask_buffers_clear (&self->mask);
  self->mask_age = 0;
  self->mask_pts = GST_CLOCK_TIME_NONE;
}

/* What comes next has nothing to do with what was. */
static void
gst_unet_seg_forget_scene (GstUnetSeg *self)
{
  gst_unet_seg_forget_mask (self);
  if (self->segmenter)
    unet_segmenter_reset_state (self->segmenter);
}

static void
gst_unet_seg_reset (GstUnetSeg *self)
{
  GST_OBJECT_LOCK (self);
  memset (&self->stats, 0, sizeof (self->stats));
  g_clear_pointer (&self->session_info, gst_structure_free);
  self->latency = 0;
  self->earliest = GST_CLOCK_TIME_NONE;
  self->frame_duration = 0;
  GST_OBJECT_UNLOCK (self);

  gst_unet_seg_forget_mask (self);
  unet_timing_reset (&self->processing);
  self->until_latency_check = FIRST_LATENCY_CHECK;
  self->failed = self->warned_inference = FALSE;
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
  if (!gst_unet_seg_open_model (self))
    return FALSE;
  gst_unet_seg_set_latency (self, unet_segmenter_estimate (self->segmenter));
  return TRUE;
}

/* The statistics stay readable until the next start. */
static gboolean
gst_unet_seg_stop (GstBaseTransform *trans)
{
  GstUnetSeg *self = GST_UNET_SEG (trans);

  gst_unet_seg_forget_mask (self);
  gst_unet_seg_close_model (self);
  gst_video_info_init (&self->info);
  return GST_BASE_TRANSFORM_CLASS (gst_unet_seg_parent_class)->stop (trans);
}

/* Until frames have been timed. */
static void
gst_unet_seg_estimate_latency (GstUnetSeg *self)
{
  unet_timing_reset (&self->processing);
  self->until_latency_check = FIRST_LATENCY_CHECK;
  gst_unet_seg_set_latency (self, unet_segmenter_estimate (self->segmenter)
          + gst_unet_base_draw_estimate (GST_UNET_BASE_DRAW (self)));
}

static gboolean
gst_unet_seg_is_live (GstUnetSeg *self)
{
  GstQuery *query = gst_query_new_latency ();
  gboolean live = FALSE;

  if (gst_pad_peer_query (GST_BASE_TRANSFORM_SINK_PAD (self), query))
    gst_query_parse_latency (query, &live, NULL, NULL);
  gst_query_unref (query);
  return live;
}

static gboolean
gst_unet_seg_set_info (GstUnetBaseDraw *base, const GstVideoInfo *info)
{
  GstUnetSeg *self = GST_UNET_SEG (base);
  g_autoptr (GError) error = NULL;

  if (self->failed)
    return FALSE;
  /* Another output of the same frames. */
  if (gst_video_info_is_equal (&self->info, info))
    return TRUE;
  gst_unet_seg_forget_scene (self);
  gst_video_info_init (&self->info);
  unet_segmenter_set_live (self->segmenter, gst_unet_seg_is_live (self));
  unet_segmenter_set_orientation (self->segmenter, self->orientation);
  if (!unet_segmenter_set_info (self->segmenter, info, &error)) {
    gst_unet_seg_fail (self, error);
    return FALSE;
  }
  self->info = *info;
  GST_OBJECT_LOCK (self);
  self->frame_duration = info->fps_n > 0
      ? gst_util_uint64_scale (GST_SECOND, info->fps_d, info->fps_n) : 0;
  GST_OBJECT_UNLOCK (self);
  gst_unet_seg_describe (self);
  gst_unet_seg_estimate_latency (self);
  return TRUE;
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
  GstVideoInfo info = self->info;

  if (self->failed || !unet_segmenter_set_orientation (self->segmenter,
          self->orientation))
    return;
  GST_INFO_OBJECT (self, "frames are made upright by method %d",
      self->orientation);
  gst_video_info_init (&self->info);
  gst_unet_seg_set_info (GST_UNET_BASE_DRAW (self), &info);
}

static gboolean
gst_unet_seg_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  GstUnetSeg *self = GST_UNET_SEG (trans);

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_FLUSH_STOP:
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
    default:
      break;
  }
  return GST_BASE_TRANSFORM_CLASS (gst_unet_seg_parent_class)
      ->sink_event (trans, event);
}

/* The running time up to which frames are too late to be worth an inference,
 * as GstVideoDecoder has it: a late frame will not have been the last one, and
 * what the next ones save is time to catch up in. */
static void
gst_unet_seg_update_qos (GstUnetSeg *self, GstClockTimeDiff diff,
    GstClockTime timestamp)
{
  GST_OBJECT_LOCK (self);
  if (diff > 0)
    self->earliest = timestamp + 2 * diff + self->frame_duration;
  else
    self->earliest = timestamp - MIN (timestamp, (GstClockTime) -diff);
  GST_OBJECT_UNLOCK (self);
}

/* Keeps QoS from the base class, which would drop frames with its `qos`
 * property on. */
static gboolean
gst_unet_seg_src_event (GstBaseTransform *trans, GstEvent *event)
{
  GstClockTimeDiff diff;
  GstClockTime timestamp;

  if (GST_EVENT_TYPE (event) != GST_EVENT_QOS)
    return GST_BASE_TRANSFORM_CLASS (gst_unet_seg_parent_class)
        ->src_event (trans, event);

  gst_event_parse_qos (event, NULL, NULL, &diff, &timestamp);
  if (GST_CLOCK_TIME_IS_VALID (timestamp))
    gst_unet_seg_update_qos (GST_UNET_SEG (trans), diff, timestamp);
  return gst_pad_push_event (trans->sinkpad, event);
}

/* ---- frames ----------------------------------------------------------- */

static gboolean
gst_unet_seg_is_late (GstUnetSeg *self, GstBuffer *buffer)
{
  const GstSegment *segment = &GST_BASE_TRANSFORM (self)->segment;
  GstClockTime time, earliest;

  if (segment->format != GST_FORMAT_TIME)
    return FALSE;
  time = gst_segment_to_running_time (segment, GST_FORMAT_TIME,
      GST_BUFFER_PTS (buffer));
  GST_OBJECT_LOCK (self);
  earliest = self->earliest;
  GST_OBJECT_UNLOCK (self);
  return GST_CLOCK_TIME_IS_VALID (time) && GST_CLOCK_TIME_IS_VALID (earliest)
      && time <= earliest;
}

/* Nanoseconds between the mask's frame and this one, either way round: streams
 * also play backwards. */
static GstClockTime
gst_unet_seg_mask_time (GstUnetSeg *self, GstBuffer *buffer)
{
  GstClockTime pts = GST_BUFFER_PTS (buffer);

  if (self->mask_age == 0)
    return 0;
  if (!GST_CLOCK_TIME_IS_VALID (pts)
      || !GST_CLOCK_TIME_IS_VALID (self->mask_pts))
    return GST_CLOCK_TIME_NONE;
  return pts > self->mask_pts ? pts - self->mask_pts : self->mask_pts - pts;
}

/* Whether the frame gets a mask of its own. */
static gboolean
gst_unet_seg_is_due (GstUnetSeg *self, GstBuffer *buffer)
{
  GstUnetSegLate late;
  guint interval;

  if (self->mask.class_map == NULL)
    return TRUE;
  GST_OBJECT_LOCK (self);
  late = self->late;
  interval = self->interval;
  GST_OBJECT_UNLOCK (self);
  if (self->is_late && late == GST_UNET_SEG_LATE_REUSE) {
    GstClockTime age = gst_unet_seg_mask_time (self, buffer);

    if (!GST_CLOCK_TIME_IS_VALID (age) || age <= MAX_LATE_AGE)
      return FALSE;
  }
  return self->mask_age >= interval;
}

static gboolean
gst_unet_seg_begin (GstUnetBaseDraw *base, GstBuffer *buffer,
    const UnetDrawSettings *settings)
{
  GstUnetSeg *self = GST_UNET_SEG (base);

  self->start = gst_util_get_timestamp ();
  self->marked = FALSE;
  if (GST_BUFFER_IS_DISCONT (buffer))
    gst_unet_seg_forget_scene (self);
  if (self->mask.class_map)
    self->mask_age++;
  self->is_late = gst_unet_seg_is_late (self, buffer);
  self->infers = !self->failed && gst_unet_seg_is_due (self, buffer);
  return self->infers;
}

static gboolean
gst_unet_seg_infer (GstUnetSeg *self, const GstVideoFrame *frame,
    GstBuffer *buffer, gdouble threshold)
{
  g_autoptr (GError) error = NULL;
  guint64 time;

  gst_unet_seg_forget_mask (self);
  if (!unet_segmenter_run (self->segmenter, frame, threshold, &self->mask,
          &time, &error))
    goto failed;
  self->mask_pts = GST_BUFFER_PTS (buffer);

  GST_OBJECT_LOCK (self);
  unet_timing_add (&self->stats.inference, time);
  GST_OBJECT_UNLOCK (self);
  return TRUE;

failed:
  if (!self->warned_inference)
    GST_ELEMENT_WARNING (self, STREAM, FAILED,
        ("Frames go on without a mask: %s", error->message),
        ("inference failed; said once"));
  self->warned_inference = TRUE;
  return FALSE;
}

static const UnetSegMeta *
gst_unet_seg_find_mask (GstUnetBaseDraw *base, const GstVideoFrame *frame,
    GstBuffer *out, const UnetDrawSettings *settings)
{
  GstUnetSeg *self = GST_UNET_SEG (base);
  UnetSegMeta *meta;

  if (self->failed)
    return NULL;
  if (self->infers
      && !gst_unet_seg_infer (self, frame, out, settings->threshold))
    return NULL;
  meta = unet_segmenter_attach (self->segmenter, out, &self->mask);
  meta->age_frames = self->mask_age;
  meta->age = gst_unet_seg_mask_time (self, out);
  unet_analytics_attach (out, meta);
  self->marked = TRUE;
  return meta;
}

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
  if (self->marked && self->infers)
    gst_unet_seg_add_processing_time (self,
        gst_util_get_timestamp () - self->start);
}

/* Another model is there, ready for these frames. */
static void
gst_unet_seg_take_over (GstUnetSeg *self)
{
  GstVideoInfo info = self->info;

  gst_video_info_init (&self->info);
  self->warned_inference = FALSE;
  gst_unet_seg_set_info (GST_UNET_BASE_DRAW (self), &info);
}

static void
gst_unet_seg_before_transform (GstBaseTransform *trans, GstBuffer *buffer)
{
  GstUnetSeg *self = GST_UNET_SEG (trans);

  if (gst_unet_seg_swap_model (self))
    gst_unet_seg_take_over (self);
  unet_segmenter_settle (self->segmenter);
  gst_unet_seg_update_orientation (self);
  GST_BASE_TRANSFORM_CLASS (gst_unet_seg_parent_class)
      ->before_transform (trans, buffer);
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

  gst_element_class_set_static_metadata (element_class, "U-Net segmentation",
      "Filter/Analyzer/Effect/Video",
      "Segments video with a U-Net-shaped ONNX network",
      "The unetseg authors");

  trans_class->start = GST_DEBUG_FUNCPTR (gst_unet_seg_start);
  trans_class->stop = GST_DEBUG_FUNCPTR (gst_unet_seg_stop);
  trans_class->query = GST_DEBUG_FUNCPTR (gst_unet_seg_query);
  trans_class->sink_event = GST_DEBUG_FUNCPTR (gst_unet_seg_sink_event);
  trans_class->src_event = GST_DEBUG_FUNCPTR (gst_unet_seg_src_event);
  trans_class->before_transform
      = GST_DEBUG_FUNCPTR (gst_unet_seg_before_transform);
  draw_class->set_info = gst_unet_seg_set_info;
  draw_class->begin = gst_unet_seg_begin;
  draw_class->find_mask = gst_unet_seg_find_mask;
  draw_class->end = gst_unet_seg_end;
}
