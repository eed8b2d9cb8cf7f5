/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The pipeline of a task from the network to its outputs. */

#include "batch/audio.h"
#include "batch/setup.h"

#include <unetseg/unet-seg-meta.h>

G_BEGIN_DECLS

typedef struct _BatchOutputs BatchOutputs;

/* @setup must outlive the object. */
BatchOutputs *batch_outputs_new (const BatchSetup *setup);
/* The pipeline must have stopped. */
void batch_outputs_free (BatchOutputs *self);

/* The whole pipeline as a text, from `source` over `entry` and `unetseg` to the
 * outputs. Returns (transfer full), or %NULL when an element is missing. */
gchar *batch_outputs_describe (BatchOutputs *self, GError **error);
/* Sets the properties of the elements, opens files and connects handlers. */
gboolean batch_outputs_connect (
    BatchOutputs *self, GstBin *pipeline, GError **error);
/* Begins the next picture of the setup in the same pipeline: opens its files.
 * No frame may be under way. */
gboolean batch_outputs_reset (BatchOutputs *self, GError **error);
/* The muxers that take the sound of the input: of overlay and cut-out. After
 * describe. Returns (transfer none). */
const BatchAudioTarget *batch_outputs_get_audio_targets (
    const BatchOutputs *self);

/* The classes of a mask. Any thread. */
void batch_outputs_note_classes (
    BatchOutputs *self, const UnetSegClasses *classes);
/* Fails with %BATCH_ERROR_OUTPUT once a file could not be written. Any
 * thread. */
gboolean batch_outputs_check (BatchOutputs *self, GError **error);
/* Closes the files that are not the pipeline's. The pipeline has stopped, or a
 * picture has ended. */
gboolean batch_outputs_finish (BatchOutputs *self, GError **error);

G_END_DECLS
