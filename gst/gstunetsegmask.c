/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which mask a frame of unetseg gets: its own, or the newest. */
#include "gstunetseg.h"

#include "log.h"

#include "mask-attach.h"
#include "mask-message.h"
#include "tensor-meta.h"

/* A mask is not reused for lateness beyond this age: a sink that finds every
 * frame late would freeze it for good. */
#define MAX_LATE_AGE (2 * GST_SECOND)
/* With interval=0 at least one frame in so many gets a mask. */
#define MAX_AUTO_INTERVAL 10

void
gst_unet_seg_forget_scene (GstUnetSeg *self)
{
  if (self->segmenter)
    unet_segmenter_forget_scene (self->segmenter);
  if (self->tracker)
    unet_object_tracker_reset (self->tracker);
}

/* ---- who waits -------------------------------------------------------- */

gboolean
gst_unet_seg_is_paced (GstUnetSeg *self)
{
  gboolean automatic;

  GST_OBJECT_LOCK (self);
  automatic = self->async == GST_UNET_SEG_ASYNC_AUTO;
  GST_OBJECT_UNLOCK (self);
  return automatic && gst_unet_base_draw_is_live (GST_UNET_BASE_DRAW (self));
}

gboolean
gst_unet_seg_is_exact (GstUnetSeg *self)
{
  gboolean exact;

  GST_OBJECT_LOCK (self);
  exact = self->async == GST_UNET_SEG_ASYNC_FALSE;
  GST_OBJECT_UNLOCK (self);
  return exact || !gst_unet_base_draw_is_live (GST_UNET_BASE_DRAW (self));
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

/* Frames that pass while one with a mask of its own is computed. */
static guint
choose_interval (GstUnetSeg *self, GstClockTime duration)
{
  guint64 time = gst_unet_timing_percentile (&self->processing, 50);

  if (duration == 0)
    return 1;
  return CLAMP ((time + duration - 1) / duration, 1, MAX_AUTO_INTERVAL);
}

/* Returns whether the frame should get a mask of its own. */
static gboolean
gst_unet_seg_is_due (GstUnetSeg *self, GstBuffer *buffer)
{
  GstClockTime duration, age;
  guint interval, frames;
  GstUnetSegLate late;

  if (!unet_segmenter_get_age (
          self->segmenter, GST_BUFFER_PTS (buffer), &frames, &age))
    return TRUE;
  GST_OBJECT_LOCK (self);
  late = self->late;
  interval = self->interval;
  duration = self->frame_duration;
  GST_OBJECT_UNLOCK (self);
  if (gst_unet_seg_is_paced (self))
    return frames >= interval;
  if (self->is_late && late == GST_UNET_SEG_LATE_REUSE
      && (!GST_CLOCK_TIME_IS_VALID (age) || age <= MAX_LATE_AGE))
    return FALSE;
  if (interval == 0)
    interval = choose_interval (self, duration);
  return frames >= interval;
}

/* Returns whether masks move along, and this frame's may be used again. */
static gboolean
may_compensate (GstUnetSeg *self)
{
  gboolean paced = gst_unet_seg_is_paced (self), reuses;

  GST_OBJECT_LOCK (self);
  reuses = self->interval != 1 || self->async == GST_UNET_SEG_ASYNC_TRUE
      || self->reuse_threshold > 0
      || (self->late == GST_UNET_SEG_LATE_REUSE
          && GST_CLOCK_TIME_IS_VALID (self->earliest));
  reuses |= paced && (!self->pacing.waits || self->pacing.misses > 0);
  reuses &= self->carry;
  GST_OBJECT_UNLOCK (self);
  return reuses;
}

/* Nanoseconds between the time at which a live frame should come, by its
 * running time and the latency upstream, and now; 0: it is in time, or there is
 * no clock. */
static GstClockTime
find_lateness (GstUnetSeg *self, GstBuffer *buffer)
{
  g_autoptr (GstClock) clock = gst_element_get_clock (GST_ELEMENT (self));
  const GstSegment *segment = &GST_BASE_TRANSFORM (self)->segment;
  GstClockTime due, now;

  if (clock == NULL || segment->format != GST_FORMAT_TIME)
    return 0;
  due = gst_segment_to_running_time (
      segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
  if (!GST_CLOCK_TIME_IS_VALID (due))
    return 0;
  due += gst_element_get_base_time (GST_ELEMENT (self))
      + gst_unet_base_draw_get_upstream_latency (GST_UNET_BASE_DRAW (self));
  now = gst_clock_get_time (clock);
  return now > due ? now - due : 0;
}

/* Nanoseconds of the pipeline's latency that are downstream's: what neither
 * upstream nor this element asks for. */
static GstClockTime
find_downstream_latency (GstUnetSeg *self)
{
  GstClockTime own =
      gst_unet_base_draw_get_upstream_latency (GST_UNET_BASE_DRAW (self));
  GstClockTime all;

  GST_OBJECT_LOCK (self);
  all = self->pipeline_latency;
  own += self->latency;
  GST_OBJECT_UNLOCK (self);
  return GST_CLOCK_TIME_IS_VALID (all) && all > own ? all - own : 0;
}

static gint64
wait_until (GstUnetSeg *self, GstBuffer *buffer)
{
  GstUnetSegAsync async;

  if (gst_unet_seg_is_paced (self))
    return gst_unet_live_pacing_get_wait (&self->pacing,
        find_lateness (self, buffer), find_downstream_latency (self));
  GST_OBJECT_LOCK (self);
  async = self->async;
  GST_OBJECT_UNLOCK (self);
  return async == GST_UNET_SEG_ASYNC_TRUE ? 0 : G_MAXINT64;
}

static void
fill_job (
    GstUnetSeg *self, GstBuffer *buffer, const GstUnetDrawSettings *settings)
{
  UnetFrameJob *job = &self->job;

  job->pts = GST_BUFFER_PTS (buffer);
  job->infers = gst_unet_seg_is_due (self, buffer);
  job->wait_until = wait_until (self, buffer);
  job->threshold = settings->threshold;
  job->time_constant =
      gst_unet_draw_settings_hold (settings) ? settings->time_constant : 0;
  job->compensates = may_compensate (self);
  GST_OBJECT_LOCK (self);
  job->still_threshold = self->reuse_threshold;
  job->still_age = self->reuse_age * GST_MSECOND;
  job->keeps_outputs = self->tensors;
  GST_OBJECT_UNLOCK (self);
}

static void
gst_unet_seg_warn (GstUnetSeg *self, const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return; /* the element stops */
  if (!self->warned_inference)
    GST_ELEMENT_WARNING (self, STREAM, FAILED,
        ("Frames go on without a mask: %s", error->message),
        ("inference failed; said once"));
  self->warned_inference = TRUE;
}

/* Finds the parts of the frame that are segmented. Without any the frame is not
 * read. */
static void
follow_region (GstUnetSeg *self, GstBuffer *buffer)
{
  g_autoptr (GError) error = NULL;
  UnetRegions regions;
  GstUnetRoi roi;

  GST_OBJECT_LOCK (self);
  roi = self->roi;
  GST_OBJECT_UNLOCK (self);
  self->has_region = gst_unet_roi_find (&roi, buffer, &self->info, &regions);
  if (self->has_region
      && !unet_segmenter_set_regions (self->segmenter, &regions, &error)) {
    gst_unet_seg_warn (self, error);
    self->has_region = FALSE;
  }
  self->job.infers &= self->has_region;
  self->job.compensates &= self->has_region;
}

gboolean
gst_unet_seg_begin (GstUnetBaseDraw *base, GstBuffer *buffer,
    const GstUnetDrawSettings *settings)
{
  GstUnetSeg *self = (GstUnetSeg *) base;

  self->start = gst_util_get_timestamp ();
  self->marked = self->infers = FALSE;
  if (settings->is_new_scene)
    gst_unet_seg_forget_scene (self);
  self->is_late = gst_unet_seg_is_late (self, buffer);
  if (self->failed)
    return FALSE;
  fill_job (self, buffer, settings);
  follow_region (self, buffer);
  return unet_segmenter_needs_frame (self->segmenter, &self->job);
}

/* ---- masks ------------------------------------------------------------ */

static void
pace (GstUnetSeg *self, const UnetFrameMask *mask)
{
  if (!gst_unet_seg_is_paced (self) || (!mask->infers && self->pacing.waits))
    return;
  if (!gst_unet_live_pacing_add (&self->pacing,
          mask->buffers && mask->age_frames == 0, mask->run_time))
    return;
  GST_INFO_OBJECT (self, "frames %s for their masks",
      self->pacing.waits ? "wait" : "do not wait");
  GST_OBJECT_LOCK (self);
  self->frames_wait = self->pacing.waits;
  GST_OBJECT_UNLOCK (self);
}

/* The boxes of classes and objects that metadata and messages carry. */
typedef struct {
  gboolean boxes, messages;
  GArray *regions, *objects; /* (nullable): not asked for */
} Findings;

static void
find (GstUnetSeg *self, GstBuffer *buffer, const UnetMaskBuffers *mask,
    Findings *findings)
{
  gboolean objects;
  gdouble least;

  GST_OBJECT_LOCK (self);
  findings->boxes = self->boxes;
  findings->messages = self->messages;
  objects = self->objects;
  least = self->object_min_area;
  GST_OBJECT_UNLOCK (self);
  if (findings->boxes || findings->messages)
    findings->regions =
        gst_unet_mask_find_regions (self->segmenter, mask, &self->info);
  if (objects && self->tracker == NULL)
    self->tracker = unet_object_tracker_new ();
  if (objects)
    findings->objects = gst_unet_mask_find_objects (self->segmenter, mask,
        &self->info, least, GST_BUFFER_PTS (buffer), self->tracker);
}

static void
post_message (GstUnetSeg *self, GstBuffer *buffer, const UnetSegMeta *meta,
    const Findings *findings)
{
  GstElement *element = GST_ELEMENT (self);

  gst_element_post_message (element,
      gst_unet_mask_message_new (element, &GST_BASE_TRANSFORM (self)->segment,
          buffer, &self->info, meta, findings->regions, findings->objects));
}

static UnetSegMeta *
attach (GstUnetSeg *self, GstBuffer *buffer, const UnetFrameMask *mask)
{
  Findings findings = { 0 };
  UnetSegMeta *meta;

  GST_OBJECT_LOCK (self);
  if (mask->run_time > 0)
    gst_unet_timing_add (&self->stats.inference, mask->run_time);
  GST_OBJECT_UNLOCK (self);
  self->infers = mask->infers && mask->age_frames == 0;
  if (mask->buffers == NULL)
    return NULL;
  self->marked = TRUE;
  find (self, buffer, mask->buffers, &findings);
  meta = gst_unet_mask_attach (self->segmenter, buffer, mask,
      findings.boxes ? findings.regions : NULL, findings.objects);
  if (mask->outputs && mask->outputs->len > 0)
    gst_unet_tensors_attach (buffer, mask->outputs);
  if (findings.messages)
    post_message (self, buffer, meta, &findings);
  g_clear_pointer (&findings.regions, g_array_unref);
  g_clear_pointer (&findings.objects, g_array_unref);
  return meta;
}

const UnetSegMeta *
gst_unet_seg_find_mask (GstUnetBaseDraw *base, const GstVideoFrame *frame,
    GstBuffer *out, GstUnetDrawSettings *settings)
{
  GstUnetSeg *self = (GstUnetSeg *) base;
  g_autoptr (GError) error = NULL;
  UnetFrameMask mask;

  if (self->failed)
    return NULL;
  if (!unet_segmenter_process (
          self->segmenter, frame, &self->job, &mask, &error))
    gst_unet_seg_warn (self, error);
  pace (self, &mask);
  if (!self->has_region)
    mask.buffers = NULL;
  settings->guide = mask.guide;
  return attach (self, out, &mask);
}
