/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From a frame to its mask. For the plugin and the program; not public.
 *
 *   UnetSegmenter *self = unet_segmenter_new (path, NULL, NULL, FALSE, &error);
 *
 *   unet_segmenter_set_info (self, &info);
 *   if (unet_segmenter_update (self, TRUE, NULL, &error) != UNET_READY)
 *     return FALSE;
 *   for each frame, mapped for reading:
 *     UnetFrameJob job = UNET_FRAME_JOB_INIT;
 *     UnetFrameMask mask;
 *
 *     job.pts = pts;
 *     if (unet_segmenter_process (self, frame, &job, &mask, &error))
 *       use mask.buffers, or unet_segmenter_map_mask ();
 *   unet_segmenter_free (self);
 */

#include "frame/format/region.h"
#include "frame/time/guide.h"
#include "segment/mask-pool.h"
#include "segment/run-options.h"
#include "segment/sessions.h"

#include <unetseg/unet-seg-meta.h>

G_BEGIN_DECLS

/* A model at work on one stream. Belongs to one thread at a time, but for
 * unet_segmenter_interrupt() and unet_segmenter_cancel(). */
typedef struct _UnetSegmenter UnetSegmenter;

/* The work on one frame. */
typedef struct {
  GstClockTime pts;        /* GST_CLOCK_TIME_NONE: not known */
  gboolean infers;         /* the frame gets a mask of its own, if possible */
  gint64 wait_until;       /* G_MAXINT64: computes the mask in this call; else
                            * monotonic time in microseconds up to which the
                            * call waits for a thread that computes it; 0: does
                            * not wait */
  gdouble threshold;       /* 0..1: least probability of a foreground pixel */
  gdouble time_constant;   /* milliseconds after which 1/e of an old mask is
                            * left where the picture is still; 0: masks are not
                            * smoothed in time */
  gboolean compensates;    /* older masks move with what they cover */
  gdouble still_threshold; /* 0..1: the newest mask is used again while no part
                            * of the picture differs by as much; 0: never */
  GstClockTime still_age;  /* up to this age of the mask */
  gboolean keeps_outputs;  /* the network's outputs come with their mask */
} UnetFrameJob;

#define UNET_FRAME_JOB_INIT                                                    \
  {                                                                            \
    GST_CLOCK_TIME_NONE, TRUE, G_MAXINT64, 0.5, 0, FALSE, 0, 0, FALSE          \
  }

/* Its result. */
typedef struct {
  const UnetMaskBuffers *buffers; /* (nullable) (transfer none): there is no
                                   * mask; good until the next frame */
  guint age_frames;               /* 0: the mask is of this frame */
  GstClockTime age;               /* nanoseconds; GST_CLOCK_TIME_NONE */
  gboolean is_moved;              /* along with what it covers */
  gboolean infers;                /* the network has read this frame */
  const GArray *outputs;          /* (nullable) (transfer none)
                                   * (element-type UnetOutputCopy): of this
                                   * frame, where the job keeps them; good
                                   * until the next one */
  const UnetGuide *guide; /* (nullable) (transfer none): the frame at the
                           * mask's resolution; good until the next one */
  guint64 run_time;       /* nanoseconds of the network's run that ended during
                           * the call, of whichever frame; 0: none did */
} UnetFrameMask;

/* @path: (nullable): the built-in model. @overrides: (nullable): as for
 * unet_model_get_contract(). @options: (nullable): defaults. @live: frames come
 * from a live source. Begins to compile in the background where the size of the
 * network's input does not depend on the frames. Returns %NULL with %UNET_ERROR
 * set. */
UNET_INTERNAL_API UnetSegmenter *unet_segmenter_new (const gchar *path,
    GHashTable *overrides, const UnetRunOptions *options, gboolean live,
    GError **error);
/* Cancels what is being compiled and waits for the run that is under way. */
UNET_INTERNAL_API void unet_segmenter_free (UnetSegmenter *self);
/* While @interrupted, unet_segmenter_update() does not wait. Any thread may
 * call it. */
UNET_INTERNAL_API void unet_segmenter_interrupt (
    UnetSegmenter *self, gboolean interrupted);

/* Ends the run under way, and every later one, early with
 * %G_IO_ERROR_CANCELLED, and interrupts. Only unet_segmenter_free() should
 * follow. Any thread may call it. */
UNET_INTERNAL_API void unet_segmenter_cancel (UnetSegmenter *self);

/* Counts from the next info on. */
UNET_INTERNAL_API void unet_segmenter_set_live (
    UnetSegmenter *self, gboolean live);
/* Sets what makes the frames upright. The network sees upright pictures; masks
 * lie as the frames do. Returns whether it changes: then the mask in use is
 * dropped. */
UNET_INTERNAL_API gboolean unet_segmenter_set_orientation (
    UnetSegmenter *self, GstVideoOrientationMethod orientation);
/* Frames of @info follow. Begins to compile where the size of the network's
 * input changes. Does not wait, not even for the run that is under way. */
UNET_INTERNAL_API void unet_segmenter_set_info (
    UnetSegmenter *self, const GstVideoInfo *info);
/* Sets the parts of the frames that are segmented, within them and as they lie;
 * the mask covers the smallest rectangle that holds them. Each is a run of the
 * network. They count from the next run on, need no other session, and new info
 * ends them. Masks of other regions are neither smoothed in time nor moved, and
 * masks of several are not smoothed. Several regions have no outputs to keep.
 * Returns FALSE with %UNET_ERROR set, and leaves the regions as they were,
 * where there is no memory. */
UNET_INTERNAL_API gboolean unet_segmenter_set_regions (
    UnetSegmenter *self, const UnetRegions *regions, GError **error);
/* Takes what has been compiled; call it before each frame. @waits: as for
 * unet_sessions_update(). @changed: (out) (optional): the session in use is
 * another one. Frames that are processed before it is READY get no mask. FAILED
 * comes with @error set. */
UNET_INTERNAL_API UnetReadiness unet_segmenter_update (
    UnetSegmenter *self, gboolean waits, gboolean *changed, GError **error);

/* The mask of one frame: its own, or the newest. @frame: (nullable): mapped for
 * reading; %NULL where unet_segmenter_needs_frame() says so. Returns FALSE with
 * @error set where a run of the network failed; @mask is filled in all the
 * same. */
UNET_INTERNAL_API gboolean unet_segmenter_process (UnetSegmenter *self,
    const GstVideoFrame *frame, const UnetFrameJob *job, UnetFrameMask *mask,
    GError **error);
/* Returns whether unet_segmenter_process() would read the pixels. */
UNET_INTERNAL_API gboolean unet_segmenter_needs_frame (
    UnetSegmenter *self, const UnetFrameJob *job);
/* Maps a mask of unet_segmenter_process(), to be unmapped with
 * unet_mask_buffers_unmap(). */
UNET_INTERNAL_API gboolean unet_segmenter_map_mask (
    UnetSegmenter *self, const UnetMaskBuffers *buffers, UnetMaskMap *map);
/* The next frame is the first of another scene: no older mask, and nothing of
 * a recurrent network's memory, is used for it. */
UNET_INTERNAL_API void unet_segmenter_forget_scene (UnetSegmenter *self);
/* Waits for the run that is under way and drops its mask. */
UNET_INTERNAL_API void unet_segmenter_drain (UnetSegmenter *self);

/* Returns whether there is a mask, and its age at the frame at @pts, which
 * comes next. */
UNET_INTERNAL_API gboolean unet_segmenter_get_age (
    UnetSegmenter *self, GstClockTime pts, guint *frames, GstClockTime *age);
/* Measures what finding the mask of a frame takes, in nanoseconds; only the
 * network's run before there are frames, 0 before there is a session. Nothing
 * may be under way. */
UNET_INTERNAL_API guint64 unet_segmenter_measure (UnetSegmenter *self);

UNET_INTERNAL_API UnetModel *unet_segmenter_get_model (UnetSegmenter *self);
UNET_INTERNAL_API const UnetContract *unet_segmenter_get_contract (
    UnetSegmenter *self);
/* (nullable) (transfer full): of UnetNote, about model and contract; %NULL
 * after the first call. */
UNET_INTERNAL_API GPtrArray *unet_segmenter_take_notes (UnetSegmenter *self);
/* (nullable) (transfer none): %NULL while it is being compiled. */
UNET_INTERNAL_API UnetSession *unet_segmenter_get_session (UnetSegmenter *self);
/* (nullable) (transfer none): what the session in use was calibrated with. */
UNET_INTERNAL_API UnetCalibration *unet_segmenter_get_calibration (
    UnetSegmenter *self);
/* (nullable) (transfer none): of the newest mask, without data; %NULL before
 * READY. */
UNET_INTERNAL_API const UnetMask *unet_segmenter_get_shape (
    UnetSegmenter *self);
/* (nullable) (transfer none): %NULL before READY. */
UNET_INTERNAL_API UnetSegClasses *unet_segmenter_get_classes (
    UnetSegmenter *self);

G_END_DECLS
