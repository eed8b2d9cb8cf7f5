/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "frame/time/guide.h"
#include "frame/time/temporal-filter.h"
#include "unetarithmetic.h"
#include "unetmaskpool.h"

#include <unetseg/unet-seg-meta.h>

G_BEGIN_DECLS

/* A model at work on one stream: what lies between a mapped frame and its
 * mask. Belongs to one thread at a time. */
typedef struct _UnetSegmenter UnetSegmenter;

/* @path: (nullable): the built-in model. @overrides: as for
 * unet_model_get_contract(). @live: does somebody wait for each frame? Compiles
 * at once where the input size does not depend on the frames. */
UnetSegmenter *unet_segmenter_new (const gchar *path, GHashTable *overrides,
    const UnetArithmetic *arithmetic, gboolean live, GError **error);
void unet_segmenter_free (UnetSegmenter *self);

/* Counts from the next info on. */
void unet_segmenter_set_live (UnetSegmenter *self, gboolean live);
/* Between two frames: takes over the session whose implementations are
 * measured, which is made beside one that chooses them by rule. Where nobody
 * waits for a clock it is waited for, so that the same file gives the same
 * masks from its first frame on; a live stream goes on with the other one
 * until it is there. With int8 and no file of a calibration this happens once
 * more after the first frames, which it is learnt from. Returns whether the
 * session is another one. */
gboolean unet_segmenter_settle (UnetSegmenter *self);
/* (nullable): the one that the session in use went by */
UnetCalibration *unet_segmenter_get_calibration (UnetSegmenter *self);

/* The next frame is the first of another scene. */
void unet_segmenter_reset_state (UnetSegmenter *self);

/* What makes the frames' pictures upright, which the network sees; the masks
 * lie as the frames do. Returns whether it changes: then an info is needed
 * again. */
gboolean unet_segmenter_set_orientation (
    UnetSegmenter *self, GstVideoOrientationMethod orientation);
/* Prepares for frames of @info; compiles only where the input size changes. */
gboolean unet_segmenter_set_info (
    UnetSegmenter *self, const GstVideoInfo *info, GError **error);

/* The next mask is averaged with those before where the picture is still, as
 * unet_temporal_read_frame() has it; milliseconds. Without this call it is not.
 */
void unet_segmenter_hold (
    UnetSegmenter *self, gdouble elapsed, gdouble time_constant);
/* Whether no part of the picture differs by @threshold (0..1) or more from the
 * one that was read last. */
gboolean unet_segmenter_is_still (
    UnetSegmenter *self, const GstVideoFrame *frame, gdouble threshold);
/* @frame: mapped for reading. */
void unet_segmenter_read (UnetSegmenter *self, const GstVideoFrame *frame);
/* (nullable) (transfer none): the frame that was read last at the mask's
 * resolution, where it has been made; good until the next one. */
const UnetGuide *unet_segmenter_get_guide (UnetSegmenter *self);
/* The mask of what has been read; may be called from another thread, one at a
 * time. @run_time: (out): of the session's run alone, nanoseconds. Takes the
 * buffers of @mask from a pool. */
gboolean unet_segmenter_run (UnetSegmenter *self, gdouble threshold,
    UnetMaskBuffers *mask, guint64 *run_time, GError **error);
/* Marks @buffer with the box of each class of @mask. */
void unet_segmenter_attach_boxes (
    UnetSegmenter *self, GstBuffer *buffer, const UnetMaskBuffers *mask);

/* The calls about older masks all come from the streaming thread, whoever runs
 * the network. @frame: (nullable): the next one to be read, or to get an older
 * mask. */
void unet_segmenter_watch (UnetSegmenter *self, const GstVideoFrame *frame);
/* The mask of the frame that was read last is in use from now on. */
void unet_segmenter_take_up (UnetSegmenter *self);
/* @to: the mask in use, @from, as it is on the frame that is watched. FALSE
 * where it has not moved, or nobody can tell. */
gboolean unet_segmenter_carry (UnetSegmenter *self, const UnetMaskBuffers *from,
    gdouble threshold, UnetMaskBuffers *to);

/* Attaches @mask to a writable buffer, as of this frame. */
UnetSegMeta *unet_segmenter_attach (
    UnetSegmenter *self, GstBuffer *buffer, const UnetMaskBuffers *mask);

/* What finding the mask of a frame takes, measured on a black one; only the
 * session's run before there is an info, 0 before there is a session. */
guint64 unet_segmenter_estimate (UnetSegmenter *self);

UnetModel *unet_segmenter_get_model (UnetSegmenter *self);
const UnetContract *unet_segmenter_get_contract (UnetSegmenter *self);
/* (nullable): before the first frame size of a model of open size */
UnetSession *unet_segmenter_get_session (
    UnetSegmenter *self, guint *width, guint *height);

G_END_DECLS
