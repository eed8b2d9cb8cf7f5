/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "gstunetbasedraw.h"
#include "unetsegmenter.h"
#include "model-swap.h"
#include "timing.h"
#include "inference-thread.h"

G_BEGIN_DECLS

#define GST_TYPE_UNET_SEG (gst_unet_seg_get_type ())
G_DECLARE_FINAL_TYPE (GstUnetSeg, gst_unet_seg, GST, UNET_SEG, GstUnetBaseDraw)

/**
 * GstUnetSegLate:
 * @GST_UNET_SEG_LATE_REUSE: a late frame gets the last mask
 * @GST_UNET_SEG_LATE_RUN: every frame that is due gets a mask of its own
 *
 * What happens to a frame that the sink says is late.
 */
typedef enum {
  GST_UNET_SEG_LATE_REUSE,
  GST_UNET_SEG_LATE_RUN,
} GstUnetSegLate;

#define GST_TYPE_UNET_SEG_LATE (gst_unet_seg_late_get_type ())
GType gst_unet_seg_late_get_type (void);

typedef struct {
  guint64 frames, segmented, reused, late;
  UnetTiming inference; /* the session's run */
} GstUnetSegStats;

struct _GstUnetSeg {
  GstUnetBaseDraw parent;

  /* Under the object lock. */
  gchar *model;          /* (nullable): built in */
  guint model_serial;    /* of the last time that somebody set it */
  UnetContract *knobs;   /* values of contract properties */
  GHashTable *overrides; /* those that have been set: key -> text */
  UnetArithmetic arithmetic;
  guint interval; /* 0: as many as there is time for */
  gboolean async, boxes, carry;
  gdouble reuse_threshold; /* 0: no mask is reused for stillness */
  guint reuse_age;         /* milliseconds */
  GstUnetSegLate late;
  GstUnetSegStats stats;
  GstStructure *session_info;  /* (nullable) */
  GstClockTime latency;        /* as reported */
  GstClockTime earliest;       /* running time, from QoS events */
  GstClockTime frame_duration; /* 0: not known */

  /* Of the streaming thread, or while there is none. */
  UnetSegmenter *segmenter; /* (nullable) */
  gchar *used_model;        /* (nullable): its path */
  guint used_serial;        /* of what was last tried */
  UnetSwap *swap;           /* (nullable): the next one on its way */
  GSList *retiring;         /* former ones on their way out */
  GstVideoInfo info;
  GstVideoOrientationMethod orientation; /* of the stream's tags */
  gboolean own_orientation; /* from a tag of the stream, not of all streams */
  UnetMaskBuffers mask;
  guint mask_age; /* frames */
  GstClockTime mask_pts;
  GstClockTime held_pts; /* of the last frame that was read */
  UnetWorker *worker;    /* (nullable): none until frames pass at once */
  guint job_age;         /* of the frame that it has */
  GstClockTime job_pts;
  UnetTiming processing; /* whole frames with a mask of their own */
  guint until_latency_check;
  gboolean failed, warned_inference;
  /* Of the frame at work. */
  GstClockTime start;
  gboolean is_late, infers, carries, marked;
};

/* ---- gstunetsegmodel.c ------------------------------------------------ */

/* Posts an error, once. */
void gst_unet_seg_fail (GstUnetSeg *self, const GError *error);
/* Puts model and session into the statistics and the log. */
void gst_unet_seg_describe (GstUnetSeg *self);
/* Takes over a session that was made beside the one at work. */
void gst_unet_seg_settle (GstUnetSeg *self);
gboolean gst_unet_seg_open_model (GstUnetSeg *self);
void gst_unet_seg_close_model (GstUnetSeg *self);
/* Between two frames: has another model loaded where the property says so, and
 * returns whether one has taken over. */
gboolean gst_unet_seg_swap_model (GstUnetSeg *self);

/* ---- gstunetsegmask.c ------------------------------------------------- */

void gst_unet_seg_forget_mask (GstUnetSeg *self);
void gst_unet_seg_forget_scene (GstUnetSeg *self);
gboolean gst_unet_seg_is_async (GstUnetSeg *self);
/* Takes what a worker has made; returns whether none is at work. */
gboolean gst_unet_seg_collect (GstUnetSeg *self);
void gst_unet_seg_end_worker (GstUnetSeg *self);
gboolean gst_unet_seg_begin (
    GstUnetBaseDraw *base, GstBuffer *buffer, const UnetDrawSettings *settings);
const UnetSegMeta *gst_unet_seg_find_mask (GstUnetBaseDraw *base,
    const GstVideoFrame *frame, GstBuffer *out, UnetDrawSettings *settings);

/* ---- gstunetsegprops.c ------------------------------------------------ */

void gst_unet_seg_install_properties (GObjectClass *klass);
void gst_unet_seg_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec);
void gst_unet_seg_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec);
void gst_unet_seg_init_properties (GstUnetSeg *self);
void gst_unet_seg_clear_properties (GstUnetSeg *self);

G_END_DECLS
