/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The pipeline of a task from the decoder to the entries of video and audio:
 * it counts what comes in, cuts out a segment, and ends streams early. */

#include "batch/audio.h"
#include "batch/setup.h"

G_BEGIN_DECLS

typedef struct _BatchStreams BatchStreams;

/* What came in so far. */
typedef struct {
  guint64 buffers;
  guint64 frames;           /* of them, those of the video that went on */
  gboolean ended;           /* the video */
  GstClockTime end;         /* of the last buffer, on any stream */
  GstClockTime first, next; /* of a segment: its first frame, and the first
                             * frame behind it */
} BatchStreamsState;

/* The name of the application message that asks for
 * batch_streams_seek (): decoding has begun. */
#define BATCH_READY_TO_SEEK "ready-to-seek"

/* Likewise, of the message that a decoder has given no frame for a picture. */
#define BATCH_NO_FRAME "no-frame"

/* @setup and @targets, the muxers of the sound, must outlive the object. */
BatchStreams *batch_streams_new (
    const BatchSetup *setup, const BatchAudioTarget *targets);
/* The pipeline must have stopped. */
void batch_streams_free (BatchStreams *self);

/* Connects to the elements `source`, `entry` and `upright` of @pipeline, which
 * must outlive the object. */
void batch_streams_connect (BatchStreams *self, GstElement *pipeline);

/* Reads the picture of the setup and gives it to its decoder, if that takes
 * pictures as a whole; the pipeline must run. Fails with %BATCH_ERROR_INPUT. */
gboolean batch_streams_feed (BatchStreams *self, GError **error);
/* Forgets the picture before. No frame may be under way. */
void batch_streams_reset (BatchStreams *self);

/* Seeks to the segment of the setup. Returns FALSE when the source cannot. */
gboolean batch_streams_seek (BatchStreams *self);
/* Lets no more buffers in: each stream ends at its next buffer. Any thread. */
void batch_streams_finish (BatchStreams *self);
gboolean batch_streams_is_finishing (BatchStreams *self);
/* The same, and ends the streams now: for a decoder that has failed. */
void batch_streams_end (BatchStreams *self);

/* Returns the seconds for which nothing has been read from a local file, 0 for
 * other inputs (base/read-watch.h). One thread. */
gdouble batch_streams_measure_silence (BatchStreams *self);
/* Any thread. */
void batch_streams_get_state (BatchStreams *self, BatchStreamsState *state);

G_END_DECLS
