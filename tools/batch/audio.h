/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Audio tracks on their way from a decoder to the muxers. */

#include <gst/gst.h>

G_BEGIN_DECLS

/* A muxer that gets the sound. */
typedef struct {
  const gchar *mux;       /* name of the element */
  const gchar *container; /* mp4, mov, mkv or webm */
} BatchAudioTarget;

/* At most so many muxers get sound. */
#define BATCH_MAX_AUDIO_TARGETS 2

/* Targets are lists that end with a `mux` of %NULL.
 *
 * The caps of audio at which a decoder stops: raw, and what one of the
 * containers takes without decoding. No target: nothing needs decoding. Returns
 * (transfer full). */
GstCaps *batch_audio_get_caps (const BatchAudioTarget *targets);

/* Links a decoder's pad to the muxers of @pipeline, each with a parser or an
 * encoder of its own, as its container needs it. Returns (transfer full): the
 * pad that was linked. */
GstPad *batch_audio_add (
    GstBin *pipeline, GstPad *pad, const BatchAudioTarget *targets);

G_END_DECLS
