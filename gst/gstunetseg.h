/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "gstunetbasedraw.h"
#include "live-pacing.h"
#include "model-swap.h"
#include "roi.h"
#include "timing.h"

#include "frame/time/object-tracker.h"
#include "segment/segmenter.h"

G_BEGIN_DECLS

#define GST_TYPE_UNET_SEG (gst_unet_seg_get_type ())
G_DECLARE_FINAL_TYPE (GstUnetSeg, gst_unet_seg, GST, UNET_SEG, GstUnetBaseDraw)

/**
 * GstUnetSegLate:
 * @GST_UNET_SEG_LATE_REUSE: a late frame gets the last mask
 * @GST_UNET_SEG_LATE_RUN: every frame that is due gets a mask of its own
 *
 * The mask of a frame that is late according to the sink.
 */
typedef enum {
  GST_UNET_SEG_LATE_REUSE,
  GST_UNET_SEG_LATE_RUN,
} GstUnetSegLate;

#define GST_TYPE_UNET_SEG_LATE (gst_unet_seg_late_get_type ())
GType gst_unet_seg_late_get_type (void);

/**
 * GstUnetSegAsync:
 * @GST_UNET_SEG_ASYNC_FALSE: every frame waits for its mask
 * @GST_UNET_SEG_ASYNC_TRUE: frames pass at once with the newest mask
 * @GST_UNET_SEG_ASYNC_AUTO: frames of a live stream wait for their masks as
 *   long as those come within a frame's time, and pass otherwise; other frames
 *   wait
 *
 * Selects whether frames wait for their masks. The first two have the values
 * of a boolean.
 */
typedef enum {
  GST_UNET_SEG_ASYNC_FALSE,
  GST_UNET_SEG_ASYNC_TRUE,
  GST_UNET_SEG_ASYNC_AUTO,
} GstUnetSegAsync;

#define GST_TYPE_UNET_SEG_ASYNC (gst_unet_seg_async_get_type ())
GType gst_unet_seg_async_get_type (void);

typedef struct {
  guint64 frames, segmented, reused, late;
  GstUnetTiming inference; /* the session's run */
} GstUnetSegStats;

struct _GstUnetSeg {
  GstUnetBaseDraw parent;

  /* Under the object lock. */
  gchar *model;          /* (nullable): built in */
  guint model_serial;    /* counts how often it was set */
  UnetContract *knobs;   /* values of contract properties */
  GHashTable *overrides; /* those that have been set: key -> text */
  UnetRunOptions run_options;
  guint interval; /* 0: as often as there is time for */
  GstUnetSegAsync async;
  gboolean boxes, objects, messages, tensors, carry;
  gdouble object_min_area; /* share of the frame */
  GstUnetRoi roi;
  gdouble reuse_threshold; /* 0: no mask is reused for stillness */
  guint reuse_age;         /* milliseconds */
  GstUnetSegLate late;
  GstUnetSegStats stats;
  GstStructure *session_info;    /* (nullable) */
  GstClockTime latency;          /* as reported */
  GstClockTime pipeline_latency; /* that sinks use; NONE: not told yet */
  GstClockTime earliest;         /* running time, from QoS events */
  GstClockTime frame_duration;   /* 0: not known */
  gboolean frames_wait;          /* as pacing says, for the statistics */
  UnetSegmenter *segmenter;      /* (nullable); set under the lock, used by the
                                  * streaming thread without it */
  gboolean interrupted; /* a flush or the end of the stream has begun */

  /* The streaming thread uses these, or any thread while there is none. */
  UnetJobGroup *jobs;
  gchar *used_model;      /* (nullable): its path */
  guint used_serial;      /* of the model that was last tried */
  GstUnetModelSwap *swap; /* (nullable): the next model */
  gchar *note;            /* (nullable): warned of, why it is not int8 */
  GstVideoInfo info;
  GstVideoOrientationMethod orientation; /* of the stream's tags */
  gboolean own_orientation; /* from a tag of the stream, not of all streams */
  gboolean ready;           /* there was a session for these frames */
  GstClockTime drawing;     /* nanoseconds of a frame of drawing_pixels */
  guint drawing_pixels;     /* 0: not measured yet */
  GstUnetLivePacing pacing;
  GstUnetTiming processing; /* whole frames with a mask of their own */
  guint until_latency_check;
  gboolean failed, warned_inference;
  /* The frame in process. */
  GstClockTime start;
  UnetFrameJob job;
  UnetObjectTracker *tracker; /* (nullable): no objects were asked for */
  gboolean is_late, marked;
  gboolean has_region; /* something of the frame is segmented */
  gboolean infers;     /* and has its own mask */
};

/* ---- gstunetsegmodel.c ------------------------------------------------ */

/* Posts an error, once. */
void gst_unet_seg_fail (GstUnetSeg *self, const GError *error);
/* Puts model and session into the statistics and the log. */
void gst_unet_seg_describe (GstUnetSeg *self);
/* Returns (transfer full): the statistics. Called with the object lock held. */
GstStructure *gst_unet_seg_make_stats (GstUnetSeg *self);
/* Takes what has been compiled, and waits for it in a stream that is exact.
 * Posts an error where it FAILED, and a warning where int8 was refused. */
UnetReadiness gst_unet_seg_update (GstUnetSeg *self);
/* Returns FALSE with an error posted. */
gboolean gst_unet_seg_open_model (GstUnetSeg *self);
void gst_unet_seg_close_model (GstUnetSeg *self);
/* Makes waiting for a session return, or not any more. Any thread may call
 * it. */
void gst_unet_seg_interrupt (GstUnetSeg *self, gboolean interrupted);
/* The same for good, and ends the network's run under way. */
void gst_unet_seg_cancel (GstUnetSeg *self);
/* Between two frames: loads another model where the property says so. Returns
 * whether another one is in use now. */
gboolean gst_unet_seg_swap_model (GstUnetSeg *self);

/* ---- gstunetsegmask.c ------------------------------------------------- */

/* Frames follow that have nothing to do with those before. */
void gst_unet_seg_forget_scene (GstUnetSeg *self);
gboolean gst_unet_seg_begin (GstUnetBaseDraw *base, GstBuffer *buffer,
    const GstUnetDrawSettings *settings);
const UnetSegMeta *gst_unet_seg_find_mask (GstUnetBaseDraw *base,
    const GstVideoFrame *frame, GstBuffer *out, GstUnetDrawSettings *settings);

/* Returns whether frames wait for a session: in streams that are not live, and
 * with async=false. */
gboolean gst_unet_seg_is_exact (GstUnetSeg *self);
/* Returns whether the pacing decides: async=auto in a live stream. */
gboolean gst_unet_seg_is_paced (GstUnetSeg *self);

/* ---- gstunetsegprops.c ------------------------------------------------ */

void gst_unet_seg_install_properties (GObjectClass *klass);
void gst_unet_seg_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec);
void gst_unet_seg_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec);
void gst_unet_seg_init_properties (GstUnetSeg *self);
void gst_unet_seg_clear_properties (GstUnetSeg *self);

G_END_DECLS
