/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One input at work: a pipeline from the recording to its outputs. */

#include "batch/plan.h"
#include "batch/results.h"

G_BEGIN_DECLS

typedef struct _BatchTask BatchTask;

struct _BatchTask {
  const BatchOptions *options;
  const BatchItem *item;
  BatchProbe probe;
  gchar *folder;          /* of the outputs while they are made */
  gchar *shape;           /* of the frames: what the plan knows them by */
  const gchar *container; /* of the overlay */
  guint threads;
  gboolean rehearse; /* to see how fast it is: nothing is written */
  gboolean seek;     /* to the segment, instead of decoding up to it */

  GstElement *pipeline;
  GstElement *segmenter;
  GPtrArray *entries;    /* of GstPad: where streams enter */
  BatchResults *results; /* (nullable) */
  guint32 palette[256];  /* of mask pictures: 0xRRGGBB */

  GMutex mutex;          /* of what follows */
  guint64 frames;        /* out of the network */
  GstClockTime position; /* of the last one */
  GstClockTime end;      /* of what came in, on any stream */
  GstClockTime first, next;
  guint64 buffers; /* that came in: a sign of life */
  guint width, height;
  guint thumbnails;            /* chosen */
  guint n_thumbnails, n_masks; /* written, each by its thread */
  gint png_error; /* errno of a picture that could not be written */
  gchar *trouble; /* (nullable): what a decoder complained of */
  gint n_classes; /* atomic: of the masks, 0 before the first */
  gint finishing; /* atomic: no more frames, please */
  gint seeking;   /* atomic: until the seek, frames are dropped */
};

BatchTask *batch_task_new (const BatchOptions *options, const BatchItem *item,
    const gchar *folder, guint threads);
void batch_task_free (BatchTask *task);

/* Looks at the input and builds the pipeline. */
gboolean batch_task_prepare (BatchTask *task, GError **error);
/* Runs it to its end; what came of it is in @outcome if it ran at all. @stop:
 * atomic, 1: finish early, 2: at once; the outcome is then %BATCH_OPEN. With
 * a @plan that does not know the shape yet, it does afterwards. */
gboolean batch_task_run (BatchTask *task, BatchPlan *plan, gint *stop,
    BatchOutcome *outcome, GError **error);
/* Where decoding for a segment begins. */
GstClockTime batch_task_get_seek (const BatchTask *task);
/* Any thread. @fraction: 0 to 1, or less than 0 where nobody knows. */
void batch_task_get_progress (
    BatchTask *task, guint64 *frames, gdouble *fraction);

/* ---- batch-outputs.c ----------------------------------------------------- */

/* The pipeline as text, and what text cannot say about it. */
gchar *batch_outputs_describe (BatchTask *task, GError **error);
gboolean batch_outputs_connect (BatchTask *task, GError **error);
/* Times as exact as the container can have them, to the last frame. */
void batch_outputs_prepare_muxer (GstElement *mux);

/* ---- batch-streams.c ----------------------------------------------------- */

/* The caps at which decoding stops: audio that the container takes stays as it
 * is. */
GstCaps *batch_streams_audio_caps (const gchar *container);
/* From a decoder's pad to the element `overlay-mux`, compressed again if need
 * be; to nowhere without. Returns: (transfer full): where it enters */
GstPad *batch_streams_add_audio (
    GstBin *pipeline, GstPad *pad, const gchar *container);
/* Connects what comes out of the decoder. */
void batch_streams_connect (BatchTask *task, GstElement *source);

/* ---- batch-pictures.c ---------------------------------------------------- */

/* Signal handlers of fakesinks. */
void batch_pictures_mask (
    GstElement *sink, GstBuffer *buffer, GstPad *pad, BatchTask *task);
void batch_pictures_thumbnail (
    GstElement *sink, GstBuffer *buffer, GstPad *pad, BatchTask *task);

G_END_DECLS
