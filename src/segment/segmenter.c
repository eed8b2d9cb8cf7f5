/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/segmenter.h"

#include "model/resolve-contract.h"
#include "model/tensors.h"
#include "segment/elapsed-time.h"
#include "segment/frame-parts.h"
#include "segment/inference.h"
#include "segment/log.h"
#include "segment/newest-mask.h"

#include <string.h>

struct _UnetSegmenter {
  UnetModel *model;
  UnetContract *contract;
  GPtrArray *notes;    /* (nullable): about the contract; taken */
  guint input, output; /* indices of the model's tensors */
  gboolean live;
  GCancellable *cancellable; /* ends runs */
  UnetJobGroup *jobs;
  UnetSessions *sessions;

  GstVideoInfo info; /* of the frames; no format: none yet */
  GstVideoOrientationMethod orientation;
  UnetRegions regions;
  UnetFramePath *path;      /* (nullable): no session for these frames yet */
  UnetFramePath *mask_path; /* (nullable): of the newest mask */

  UnetInferenceThread *thread; /* (nullable): no frame was passed on early */
  gboolean stale;              /* the scene of the run under way is over */
  gboolean misses_regions;     /* a run under way kept the last ones away */
  guint run_age;               /* frames since that run's */
  GstClockTime run_pts;
  guint64 run_time; /* of a run that ended, not told yet */
  GError *error;    /* (nullable): of a run, not told yet */

  UnetNewestMask newest;
  GArray *outputs; /* (nullable) (element-type UnetOutputCopy): of that mask */
  UnetMaskBuffers moved; /* what the last frame got, if it was moved */
  GstClockTime read_pts; /* of the frame that was read last */
};

/* ---- model --------------------------------------------------------------- */

static gboolean
find_tensors (UnetSegmenter *self, GError **error)
{
  const UnetContract *contract = self->contract;
  gint input = unet_model_find_input_index (self->model, contract->input);
  gint output = unet_model_find_output_index (self->model, contract->output);

  if (input < 0 || output < 0) {
    g_set_error (error, UNET_ERROR, UNET_ERROR_CONTRACT,
        "%s: no tensor is called '%s'", unet_model_get_name (self->model),
        input < 0 ? contract->input : contract->output);
    return FALSE;
  }
  self->input = input;
  self->output = output;
  return TRUE;
}

/* Sizes to ask for when there are no frames yet: if both give the same size of
 * the network's input, it does not depend on the frames. */
#define LONG_SIDE  1920
#define SHORT_SIDE 1080

/* Compiles before the first frame where that is possible. */
static void
request_early (UnetSegmenter *self)
{
  guint width, height, other_width, other_height;

  unet_model_choose_size (
      self->model, self->contract, LONG_SIDE, SHORT_SIDE, &width, &height);
  unet_model_choose_size (self->model, self->contract, SHORT_SIDE, LONG_SIDE,
      &other_width, &other_height);
  if (width != other_width || height != other_height)
    return;
  unet_sessions_request (self->sessions, width, height);
  unet_sessions_update (self->sessions, FALSE, NULL, NULL);
}

static gboolean
open_model (UnetSegmenter *self, const gchar *path, GHashTable *overrides,
    const UnetRunOptions *options, GError **error)
{
  UnetModel *model = self->model = unet_model_load (path, error);

  if (model == NULL)
    return FALSE;
  self->notes = unet_notes_new ();
  self->contract =
      unet_model_resolve_contract (model, overrides, self->notes, error);
  if (self->contract == NULL || !find_tensors (self, error))
    return FALSE;
  self->sessions = unet_sessions_new (
      model, self->contract, self->input, options, self->jobs, error);
  return self->sessions != NULL;
}

UnetSegmenter *
unet_segmenter_new (const gchar *path, GHashTable *overrides,
    const UnetRunOptions *options, gboolean live, GError **error)
{
  static const UnetRunOptions defaults = { 0, UNET_PRECISION_AUTO, NULL };
  UnetSegmenter *self = g_new0 (UnetSegmenter, 1);

  gst_video_info_init (&self->info);
  unet_newest_mask_init (&self->newest);
  self->read_pts = GST_CLOCK_TIME_NONE;
  self->live = live;
  self->jobs = unet_job_group_new ();
  self->cancellable = g_cancellable_new ();
  if (!open_model (
          self, path, overrides, options ? options : &defaults, error)) {
    unet_segmenter_free (self);
    return NULL;
  }
  unet_sessions_set_info (self->sessions, &self->info, live);
  request_early (self);
  return self;
}

void
unet_segmenter_free (UnetSegmenter *self)
{
  g_cancellable_cancel (self->cancellable);
  g_clear_pointer (&self->thread, unet_inference_thread_free);
  unet_newest_mask_clear (&self->newest);
  g_clear_pointer (&self->mask_path, unet_frame_path_unref);
  g_clear_pointer (&self->path, unet_frame_path_unref);
  g_clear_pointer (&self->outputs, g_array_unref);
  unet_mask_buffers_clear (&self->moved);
  g_clear_error (&self->error);
  g_clear_pointer (&self->sessions, unet_sessions_free);
  unet_job_group_free (self->jobs);
  g_object_unref (self->cancellable);
  g_clear_pointer (&self->notes, g_ptr_array_unref);
  g_clear_pointer (&self->contract, unet_contract_free);
  g_clear_pointer (&self->model, unet_model_unref);
  g_free (self);
}

void
unet_segmenter_interrupt (UnetSegmenter *self, gboolean interrupted)
{
  unet_job_group_interrupt (self->jobs, interrupted);
}

void
unet_segmenter_cancel (UnetSegmenter *self)
{
  unet_segmenter_interrupt (self, TRUE);
  g_cancellable_cancel (self->cancellable);
}

/* ---- the run beside the stream ------------------------------------------- */

static void
reset (UnetSegmenter *self)
{
  UnetSession *session = unet_sessions_get (self->sessions);

  if (session)
    unet_session_reset_state (session);
  if (self->path)
    unet_frame_path_reset (self->path);
}

/* Takes the mask of a run. */
static void
take_mask (UnetSegmenter *self, UnetInference *run)
{
  g_clear_pointer (&self->mask_path, unet_frame_path_unref);
  unet_newest_mask_drop (&self->newest);
  g_clear_pointer (&self->outputs, g_array_unref);
  if (self->stale) {
    reset (self);
  } else if (run->error) {
    g_clear_error (&self->error);
    self->error = g_steal_pointer (&run->error);
  } else {
    unet_newest_mask_set (
        &self->newest, &run->mask, self->run_age, self->run_pts);
    self->mask_path = unet_frame_path_ref (run->path);
    self->outputs = g_steal_pointer (&run->outputs);
    self->run_time = run->run_time;
  }
  self->stale = FALSE;
  unet_inference_clear (run);
}

/* Takes the mask of a run that is done. Returns FALSE where one is under way:
 * its session must not be touched then. */
static gboolean
collect (UnetSegmenter *self, gint64 wait_until)
{
  UnetInference run;

  if (self->thread == NULL)
    return TRUE;
  if (unet_inference_thread_take (self->thread, wait_until, &run))
    take_mask (self, &run);
  return !unet_inference_thread_is_busy (self->thread);
}

void
unet_segmenter_drain (UnetSegmenter *self)
{
  if (self->thread && unet_inference_thread_is_busy (self->thread))
    self->stale = TRUE;
  collect (self, G_MAXINT64);
}

void
unet_segmenter_forget_scene (UnetSegmenter *self)
{
  self->stale = !collect (self, 0);
  if (!self->stale)
    reset (self);
  unet_newest_mask_reset (&self->newest);
  self->read_pts = GST_CLOCK_TIME_NONE;
}

/* ---- frames of one kind -------------------------------------------------- */

static void
close_path (UnetSegmenter *self)
{
  self->stale = !collect (self, 0);
  g_clear_pointer (&self->path, unet_frame_path_unref);
  unet_mask_buffers_clear (&self->moved);
  unet_newest_mask_clear (&self->newest);
  g_clear_pointer (&self->mask_path, unet_frame_path_unref);
}

static UnetFrameKind
frame_kind (UnetSegmenter *self)
{
  return (UnetFrameKind){ &self->info, self->orientation, self->contract,
    self->input, self->output, self->regions.items[0] };
}

static gboolean
has_info (const UnetSegmenter *self)
{
  return GST_VIDEO_INFO_WIDTH (&self->info) > 0;
}

/* Asks for the session for these frames. */
static void
request (UnetSegmenter *self)
{
  UnetFrameKind kind = frame_kind (self);
  guint width, height;

  unet_frame_kind_choose_size (&kind, self->model, &width, &height);
  if (!unet_sessions_request (self->sessions, width, height))
    close_path (self);
}

void
unet_segmenter_set_live (UnetSegmenter *self, gboolean live)
{
  self->live = live;
}

gboolean
unet_segmenter_set_orientation (
    UnetSegmenter *self, GstVideoOrientationMethod orientation)
{
  if (orientation == self->orientation)
    return FALSE;
  self->orientation = orientation;
  close_path (self);
  if (has_info (self))
    request (self);
  return TRUE;
}

static UnetFramePath *
open_path (UnetSegmenter *self, GError **error)
{
  UnetFrameKind kind = frame_kind (self);
  UnetSession *session = unet_sessions_get (self->sessions);

  if (self->regions.n > 1)
    return unet_frame_path_new_for_regions (
        &kind, &self->regions, session, error);
  return unet_frame_path_new (&kind, session, error);
}

/* The newest mask stays, with the path that it came from. */
static gboolean
replace_path (UnetSegmenter *self, GError **error)
{
  UnetFramePath *path = open_path (self, error);

  if (path == NULL)
    return FALSE;
  unet_mask_buffers_clear (&self->moved);
  unet_newest_mask_forget_frames (&self->newest);
  unet_frame_path_unref (self->path);
  self->path = path;
  reset (self);
  return TRUE;
}

/* Without regions the first one is the whole frame. */
static void
set_regions (UnetSegmenter *self, const UnetRegions *regions)
{
  memset (&self->regions, 0, sizeof (self->regions));
  self->regions.n = regions->n;
  memcpy (self->regions.items, regions->items,
      regions->n * sizeof (regions->items[0]));
}

gboolean
unet_segmenter_set_regions (
    UnetSegmenter *self, const UnetRegions *regions, GError **error)
{
  const UnetRegions old = self->regions;

  self->misses_regions = FALSE;
  if (unet_regions_are_equal (&old, regions))
    return TRUE;
  self->misses_regions = !collect (self, 0);
  if (self->misses_regions)
    return TRUE;
  set_regions (self, regions);
  if (self->path == NULL || replace_path (self, error))
    return TRUE;
  self->regions = old;
  return FALSE;
}

void
unet_segmenter_set_info (UnetSegmenter *self, const GstVideoInfo *info)
{
  if (self->path == NULL || !unet_frame_path_takes (self->path, info))
    close_path (self);
  if (self->path == NULL)
    memset (&self->regions, 0, sizeof (self->regions));
  self->misses_regions = FALSE;
  self->info = *info;
  unet_sessions_set_info (self->sessions, info, self->live);
  request (self);
}

UnetReadiness
unet_segmenter_update (
    UnetSegmenter *self, gboolean waits, gboolean *changed, GError **error)
{
  UnetReadiness readiness;

  if (changed)
    *changed = FALSE;
  if (!collect (self, waits && self->path == NULL ? G_MAXINT64 : 0))
    return self->path ? UNET_READY : UNET_PENDING;
  readiness = unet_sessions_update (self->sessions, waits, changed, error);
  if (readiness != UNET_READY || self->path || !has_info (self))
    return readiness;
  self->path = open_path (self, error);
  if (self->path == NULL)
    return UNET_FAILED;
  reset (self);
  if (changed)
    *changed = TRUE;
  return UNET_READY;
}

/* ---- one frame ----------------------------------------------------------- */

static gboolean
is_still (
    UnetSegmenter *self, const GstVideoFrame *frame, const UnetFrameJob *job)
{
  GstClockTime age;
  gboolean still;

  if (job->still_threshold <= 0)
    return FALSE;
  /* Compared in any case: the next frame may be compared with this one. */
  still = unet_newest_mask_is_still (&self->newest, &self->info,
      &self->path->shape, frame, job->still_threshold);
  age = unet_newest_mask_get_time (&self->newest, job->pts);
  return still && self->newest.mask.class_map && GST_CLOCK_TIME_IS_VALID (age)
      && age < job->still_age;
}

static void
read_frame (UnetSegmenter *self, const GstVideoFrame *frame,
    const UnetFrameJob *job, UnetInference *run)
{
  UnetSession *session = unet_sessions_get (self->sessions);

  unet_frame_path_read (self->path, session, frame,
      unet_elapsed_time (self->read_pts, job->pts), job->time_constant);
  unet_newest_mask_keep_frame (&self->newest);
  unet_inference_init (run, self->path, session,
      unet_sessions_ref_collecting (self->sessions), self->cancellable,
      job->threshold);
  run->keeps_outputs = job->keeps_outputs;
  self->read_pts = self->run_pts = job->pts;
  self->run_age = 0;
}

static gboolean
has_thread (UnetSegmenter *self)
{
  g_autoptr (GError) error = NULL;

  if (self->thread == NULL)
    self->thread = unet_inference_thread_new (&error);
  if (self->thread == NULL)
    GST_WARNING ("frames wait for their masks: %s", error->message);
  return self->thread != NULL;
}

static void
infer (UnetSegmenter *self, const GstVideoFrame *frame, const UnetFrameJob *job)
{
  UnetInference run;

  read_frame (self, frame, job, &run);
  if (job->wait_until == G_MAXINT64 || !has_thread (self)) {
    unet_inference_run (&run);
    take_mask (self, &run);
  } else {
    unet_inference_thread_start (self->thread, &run);
    if (job->wait_until != 0)
      collect (self, job->wait_until);
  }
}

static void
describe (UnetSegmenter *self, const UnetFrameJob *job, UnetFrameMask *mask)
{
  UnetNewestMask *newest = &self->newest;
  const gboolean fits = self->mask_path == self->path;

  if (mask->infers && fits)
    mask->guide = unet_frame_path_get_guide (self->path);
  mask->run_time = self->run_time;
  self->run_time = 0;
  if (newest->mask.class_map == NULL)
    return;
  mask->outputs = newest->age == 0 ? self->outputs : NULL;
  mask->age_frames = newest->age;
  mask->age = unet_newest_mask_get_time (newest, job->pts);
  mask->is_moved = fits
      && unet_newest_mask_move (
          newest, &self->path->pool, job->threshold, &self->moved);
  mask->buffers = mask->is_moved ? &self->moved : &newest->mask;
}

gboolean
unet_segmenter_process (UnetSegmenter *self, const GstVideoFrame *frame,
    const UnetFrameJob *job, UnetFrameMask *mask, GError **error)
{
  /* A run that ends after the regions were set came too late for them. */
  gboolean idle = collect (self, 0) && !self->misses_regions;

  memset (mask, 0, sizeof (*mask));
  unet_mask_buffers_clear (&self->moved);
  self->newest.age += self->newest.mask.class_map != NULL;
  self->run_age++;
  if (self->path == NULL)
    return TRUE;
  unet_newest_mask_look (&self->newest, &self->info, &self->path->shape,
      job->compensates ? frame : NULL);
  mask->infers = job->infers && idle && frame && !is_still (self, frame, job);
  if (mask->infers)
    infer (self, frame, job);
  describe (self, job, mask);
  if (self->error == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&self->error));
  return FALSE;
}

gboolean
unet_segmenter_needs_frame (UnetSegmenter *self, const UnetFrameJob *job)
{
  if (self->path == NULL)
    return FALSE;
  return (job->infers
             && (self->thread == NULL
                 || !unet_inference_thread_is_busy (self->thread)))
      || (job->compensates && self->newest.mask.class_map);
}

gboolean
unet_segmenter_map_mask (
    UnetSegmenter *self, const UnetMaskBuffers *buffers, UnetMaskMap *map)
{
  return unet_mask_buffers_map (
      buffers, unet_segmenter_get_shape (self), GST_MAP_READ, map);
}

/* ---- what there is ------------------------------------------------------- */

gboolean
unet_segmenter_get_age (
    UnetSegmenter *self, GstClockTime pts, guint *frames, GstClockTime *age)
{
  UnetNewestMask next = self->newest;

  next.age++;
  *frames = next.age;
  *age = unet_newest_mask_get_time (&next, pts);
  return next.mask.class_map != NULL;
}

guint64
unet_segmenter_measure (UnetSegmenter *self)
{
  guint64 time = unet_sessions_get_run_time (self->sessions);

  if (self->path == NULL)
    return time;
  time *= unet_frame_path_get_n_runs (self->path);
  return time
      + unet_frame_path_measure (
          self->path, unet_sessions_get (self->sessions));
}

UnetModel *
unet_segmenter_get_model (UnetSegmenter *self)
{
  return self->model;
}

const UnetContract *
unet_segmenter_get_contract (UnetSegmenter *self)
{
  return self->contract;
}

GPtrArray *
unet_segmenter_take_notes (UnetSegmenter *self)
{
  return g_steal_pointer (&self->notes);
}

UnetSession *
unet_segmenter_get_session (UnetSegmenter *self)
{
  return unet_sessions_get (self->sessions);
}

UnetCalibration *
unet_segmenter_get_calibration (UnetSegmenter *self)
{
  return unet_sessions_get_calibration (self->sessions);
}

const UnetMask *
unet_segmenter_get_shape (UnetSegmenter *self)
{
  UnetFramePath *path = self->mask_path ? self->mask_path : self->path;

  return path ? &path->shape : NULL;
}

UnetSegClasses *
unet_segmenter_get_classes (UnetSegmenter *self)
{
  return self->path ? self->path->classes : NULL;
}
