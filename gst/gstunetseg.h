/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/base/gstbasetransform.h>
#include <gst/video/video.h>

#include "unetcolors.h"
#include "unetsegmenter.h"
#include "unettiming.h"

G_BEGIN_DECLS

#define GST_TYPE_UNET_SEG (gst_unet_seg_get_type ())
G_DECLARE_FINAL_TYPE (GstUnetSeg, gst_unet_seg, GST, UNET_SEG,
    GstBaseTransform)

/**
 * GstUnetSegOutput:
 * @GST_UNET_SEG_OUTPUT_OVERLAY: class colours over the frame, and metadata
 * @GST_UNET_SEG_OUTPUT_NONE: metadata only, the frame stays as it is
 *
 * What becomes of the mask.
 */
typedef enum {
  GST_UNET_SEG_OUTPUT_OVERLAY,
  GST_UNET_SEG_OUTPUT_NONE,
} GstUnetSegOutput;

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

#define GST_TYPE_UNET_SEG_OUTPUT (gst_unet_seg_output_get_type ())
GType gst_unet_seg_output_get_type (void);
#define GST_TYPE_UNET_SEG_LATE (gst_unet_seg_late_get_type ())
GType gst_unet_seg_late_get_type (void);

/* What may change while frames flow. */
typedef struct {
  GstUnetSegOutput output;
  gdouble opacity;
  gdouble threshold;
  guint interval;
  GstUnetSegLate late;
  UnetColors *colors;
} GstUnetSegSettings;

typedef struct {
  guint64 frames, segmented, reused, late;
  UnetTiming inference; /* the session's run */
} GstUnetSegStats;

struct _GstUnetSeg {
  GstBaseTransform parent;

  /* Under the object lock. */
  gchar *model;           /* (nullable): built in */
  UnetContract *knobs;    /* values of contract properties */
  GHashTable *overrides;  /* those that have been set: key -> text */
  guint threads;
  GstUnetSegSettings settings;
  GstUnetSegStats stats;
  GstStructure *session_info; /* (nullable) */
  GstClockTime latency;       /* as reported */
  GstClockTime earliest;      /* running time, from QoS events */
  GstClockTime frame_duration; /* 0: not known */

  /* Of the streaming thread, or while there is none. */
  UnetSegmenter *segmenter; /* (nullable) */
  GstVideoInfo info;
  UnetColors *colors; /* (nullable): in use by the segmenter */
  UnetMaskBuffers mask;
  guint mask_age; /* frames */
  GstClockTime mask_pts;
  UnetTiming processing; /* whole frames with a mask of their own */
  guint until_latency_check;
  gboolean failed, warned_buffer, warned_inference;
};

/* ---- gstunetsegprops.c ------------------------------------------------ */

void gst_unet_seg_install_properties (GObjectClass *klass);
void gst_unet_seg_set_property (GObject *object, guint id,
    const GValue *value, GParamSpec *pspec);
void gst_unet_seg_get_property (GObject *object, guint id, GValue *value,
    GParamSpec *pspec);
void gst_unet_seg_init_properties (GstUnetSeg *self);
void gst_unet_seg_clear_properties (GstUnetSeg *self);

/* A copy to be given to gst_unet_seg_settings_clear(). */
void gst_unet_seg_get_settings (GstUnetSeg *self,
    GstUnetSegSettings *settings);
void gst_unet_seg_settings_clear (GstUnetSegSettings *settings);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GstUnetSegSettings,
    gst_unet_seg_settings_clear)

G_END_DECLS
