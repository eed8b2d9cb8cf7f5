/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the element's masks come from: this frame, an earlier one, or a thread
 * beside the stream. */
#include "gstunetseg.h"

#include "analytics-meta.h"

GST_DEBUG_CATEGORY_EXTERN (gst_unet_seg_debug);
#define GST_CAT_DEFAULT gst_unet_seg_debug

/* A mask is not reused for lateness beyond this age: a sink that finds every
 * frame late, whatever we do, would freeze it for good. */
#define MAX_LATE_AGE (2 * GST_SECOND)
/* interval=0: never more than every so many frames. */
#define MAX_AUTO_INTERVAL 10

/* ---- forgetting ------------------------------------------------------- */

void
gst_unet_seg_forget_mask (GstUnetSeg *self)
{
  unet_mask_buffers_clear (&self->mask);
  self->mask_age = 0;
  self->mask_pts = GST_CLOCK_TIME_NONE;
}

/* What comes next has nothing to do with what was. */
void
gst_unet_seg_forget_scene (GstUnetSeg *self)
{
  if (self->worker)
    unet_worker_drain (self->worker);
  gst_unet_seg_forget_mask (self);
  self->held_pts = GST_CLOCK_TIME_NONE;
  if (self->segmenter)
    unet_segmenter_reset_state (self->segmenter);
}

void
gst_unet_seg_end_worker (GstUnetSeg *self)
{
  g_clear_pointer (&self->worker, unet_worker_free);
}

gboolean
gst_unet_seg_is_async (GstUnetSeg *self)
{
  gboolean async;

  GST_OBJECT_LOCK (self);
  async = self->async;
  GST_OBJECT_UNLOCK (self);
  return async;
}

/* ---- which mask ------------------------------------------------------- */

static gboolean
gst_unet_seg_is_late (GstUnetSeg *self, GstBuffer *buffer)
{
  const GstSegment *segment = &GST_BASE_TRANSFORM (self)->segment;
  GstClockTime time, earliest;

  if (segment->format != GST_FORMAT_TIME)
    return FALSE;
  time = gst_segment_to_running_time (
      segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
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

/* As many frames as a frame with a mask of its own takes, waited for. */
static guint
choose_interval (GstUnetSeg *self, GstClockTime duration)
{
  guint64 time = unet_timing_percentile (&self->processing, 50);

  if (duration == 0)
    return 1;
  return CLAMP ((time + duration - 1) / duration, 1, MAX_AUTO_INTERVAL);
}

/* Whether the frame gets a mask of its own. */
static gboolean
gst_unet_seg_is_due (GstUnetSeg *self, GstBuffer *buffer)
{
  GstClockTime duration;
  GstUnetSegLate late;
  guint interval;

  if (self->mask.class_map == NULL)
    return TRUE;
  GST_OBJECT_LOCK (self);
  late = self->late;
  interval = self->interval;
  duration = self->frame_duration;
  GST_OBJECT_UNLOCK (self);
  if (self->is_late && late == GST_UNET_SEG_LATE_REUSE) {
    GstClockTime age = gst_unet_seg_mask_time (self, buffer);

    if (!GST_CLOCK_TIME_IS_VALID (age) || age <= MAX_LATE_AGE)
      return FALSE;
  }
  if (interval == 0)
    interval = choose_interval (self, duration);
  return self->mask_age >= interval;
}

/* Whether the scene is so still that the last mask will do. */
static gboolean
gst_unet_seg_is_still (
    GstUnetSeg *self, const GstVideoFrame *frame, GstBuffer *buffer)
{
  GstClockTime age, max_age;
  gdouble threshold;
  gboolean still;

  GST_OBJECT_LOCK (self);
  threshold = self->reuse_threshold;
  max_age = self->reuse_age * GST_MSECOND;
  GST_OBJECT_UNLOCK (self);
  if (threshold <= 0)
    return FALSE;
  /* Compared in any case: the frame may be the next one's measure. */
  still = unet_segmenter_is_still (self->segmenter, frame, threshold);
  age = gst_unet_seg_mask_time (self, buffer);
  return still && self->mask.class_map && GST_CLOCK_TIME_IS_VALID (age)
      && age < max_age;
}

/* Whether masks move along, and any that is made now may be shown again. */
static gboolean
gst_unet_seg_may_carry (GstUnetSeg *self)
{
  gboolean may;

  GST_OBJECT_LOCK (self);
  may = self->carry
      && (self->interval != 1 || self->async || self->reuse_threshold > 0
          || (self->late == GST_UNET_SEG_LATE_REUSE
              && GST_CLOCK_TIME_IS_VALID (self->earliest)));
  GST_OBJECT_UNLOCK (self);
  return may && !self->failed;
}

gboolean
gst_unet_seg_begin (
    GstUnetBaseDraw *base, GstBuffer *buffer, const UnetDrawSettings *settings)
{
  GstUnetSeg *self = GST_UNET_SEG (base);

  self->start = gst_util_get_timestamp ();
  self->marked = FALSE;
  if (GST_BUFFER_IS_DISCONT (buffer))
    gst_unet_seg_forget_scene (self);
  if (self->mask.class_map)
    self->mask_age++;
  self->job_age++;
  self->is_late = gst_unet_seg_is_late (self, buffer);
  self->infers = !self->failed && gst_unet_seg_is_due (self, buffer);
  if (self->worker && !unet_worker_is_idle (self->worker))
    self->infers = FALSE;
  self->carries = gst_unet_seg_may_carry (self);
  return self->infers || (self->carries && self->mask.class_map);
}

/* ---- masks ------------------------------------------------------------ */

/* What is far in time has nothing in common with it. */
static void
gst_unet_seg_hold (
    GstUnetSeg *self, GstBuffer *buffer, const UnetDrawSettings *settings)
{
  GstClockTime pts = GST_BUFFER_PTS (buffer);
  GstClockTimeDiff elapsed = -1;

  if (GST_CLOCK_TIME_IS_VALID (pts) && GST_CLOCK_TIME_IS_VALID (self->held_pts))
    elapsed = GST_CLOCK_DIFF (self->held_pts, pts);
  self->held_pts = pts;
  if (!unet_draw_settings_hold (settings))
    return;
  unet_segmenter_hold (self->segmenter,
      elapsed > 0 && elapsed < (GstClockTimeDiff) GST_SECOND
          ? (gdouble) elapsed / GST_MSECOND
          : G_MAXINT,
      settings->time_constant);
}

static void
gst_unet_seg_warn (GstUnetSeg *self, const GError *error)
{
  if (!self->warned_inference)
    GST_ELEMENT_WARNING (self, STREAM, FAILED,
        ("Frames go on without a mask: %s", error->message),
        ("inference failed; said once"));
  self->warned_inference = TRUE;
}

static void
gst_unet_seg_count_inference (GstUnetSeg *self, guint64 time)
{
  GST_OBJECT_LOCK (self);
  unet_timing_add (&self->stats.inference, time);
  GST_OBJECT_UNLOCK (self);
}

static gboolean
gst_unet_seg_infer (GstUnetSeg *self, const GstVideoFrame *frame,
    GstBuffer *buffer, const UnetDrawSettings *settings)
{
  g_autoptr (GError) error = NULL;
  guint64 time;

  gst_unet_seg_forget_mask (self);
  gst_unet_seg_hold (self, buffer, settings);
  unet_segmenter_read (self->segmenter, frame);
  if (!unet_segmenter_run (
          self->segmenter, settings->threshold, &self->mask, &time, &error)) {
    gst_unet_seg_warn (self, error);
    return FALSE;
  }
  unet_segmenter_take_up (self->segmenter);
  self->mask_pts = GST_BUFFER_PTS (buffer);
  gst_unet_seg_count_inference (self, time);
  return TRUE;
}

/* The frame's mask will be there some frames later. */
static void
gst_unet_seg_submit (GstUnetSeg *self, const GstVideoFrame *frame,
    GstBuffer *buffer, const UnetDrawSettings *settings)
{
  if (self->worker == NULL)
    self->worker = unet_worker_new (self->segmenter);
  gst_unet_seg_hold (self, buffer, settings);
  unet_segmenter_read (self->segmenter, frame);
  self->job_pts = GST_BUFFER_PTS (buffer);
  self->job_age = 0;
  unet_worker_start (self->worker, settings->threshold);
}

gboolean
gst_unet_seg_collect (GstUnetSeg *self)
{
  UnetMaskBuffers mask = { NULL, NULL };
  g_autoptr (GError) error = NULL;
  guint64 time;

  if (self->worker == NULL)
    return TRUE;
  if (unet_worker_take (self->worker, FALSE, &mask, &time, &error)) {
    gst_unet_seg_forget_mask (self);
    if (error) {
      gst_unet_seg_warn (self, error);
    } else {
      self->mask = mask;
      unet_segmenter_take_up (self->segmenter);
      self->mask_pts = self->job_pts;
      self->mask_age = self->job_age;
      gst_unet_seg_count_inference (self, time);
    }
  }
  if (!unet_worker_is_idle (self->worker))
    return FALSE;
  if (!gst_unet_seg_is_async (self))
    gst_unet_seg_end_worker (self);
  return TRUE;
}

static UnetSegMeta *
gst_unet_seg_attach (
    GstUnetSeg *self, GstBuffer *buffer, const UnetMaskBuffers *mask)
{
  UnetSegMeta *meta = unet_segmenter_attach (self->segmenter, buffer, mask);
  gboolean boxes;

  meta->age_frames = self->mask_age;
  meta->age = gst_unet_seg_mask_time (self, buffer);
  meta->carried = mask != &self->mask;
  unet_analytics_attach (buffer, meta);
  GST_OBJECT_LOCK (self);
  boxes = self->boxes;
  GST_OBJECT_UNLOCK (self);
  if (boxes)
    unet_segmenter_attach_boxes (self->segmenter, buffer, mask);
  self->marked = TRUE;
  return meta;
}

/* An older mask goes along with what it covers. */
static UnetSegMeta *
gst_unet_seg_attach_moved (
    GstUnetSeg *self, GstBuffer *buffer, const UnetDrawSettings *settings)
{
  UnetMaskBuffers moved = { NULL, NULL };
  UnetSegMeta *meta;

  if (self->mask_age == 0 || !self->carries
      || !unet_segmenter_carry (
          self->segmenter, &self->mask, settings->threshold, &moved))
    return gst_unet_seg_attach (self, buffer, &self->mask);
  meta = gst_unet_seg_attach (self, buffer, &moved);
  unet_mask_buffers_clear (&moved);
  return meta;
}

const UnetSegMeta *
gst_unet_seg_find_mask (GstUnetBaseDraw *base, const GstVideoFrame *frame,
    GstBuffer *out, UnetDrawSettings *settings)
{
  GstUnetSeg *self = GST_UNET_SEG (base);

  if (self->failed)
    return NULL;
  self->carries = self->carries && frame;
  unet_segmenter_watch (self->segmenter, self->carries ? frame : NULL);
  if (self->infers && gst_unet_seg_is_still (self, frame, out))
    self->infers = FALSE;
  if (self->infers && gst_unet_seg_is_async (self))
    gst_unet_seg_submit (self, frame, out, settings);
  else if (self->infers && !gst_unet_seg_infer (self, frame, out, settings))
    return NULL;
  settings->guide = self->infers ? unet_segmenter_get_guide (self->segmenter)
                                 : NULL;
  return self->mask.class_map ? gst_unet_seg_attach_moved (self, out, settings)
                              : NULL;
}
