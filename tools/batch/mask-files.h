/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The output `masks`: a PNG for each frame, with classes as a palette. */

#include "batch/setup.h"

#include <unetseg/unet-seg-meta.h>

G_BEGIN_DECLS

typedef struct _BatchMaskFiles BatchMaskFiles;

/* @segmenter: the element unetseg, for its threshold. */
BatchMaskFiles *batch_mask_files_new (
    const BatchSetup *setup, GstElement *segmenter);
void batch_mask_files_free (BatchMaskFiles *self);

/* The branch of the pipeline, behind a tee. */
const gchar *batch_mask_files_describe (void);
/* Writes FOLDER/masks/N.png. The pipeline must stop before the object is
 * freed. */
void batch_mask_files_connect (BatchMaskFiles *self, GstBin *pipeline);
/* Begins a new folder of the setup. No frame may be under way. */
void batch_mask_files_reset (BatchMaskFiles *self);
/* Classes of the next frames. They stay as they are. Any thread. */
void batch_mask_files_set_classes (
    BatchMaskFiles *self, const UnetSegClasses *classes);
/* Returns the errno of a file that could not be written, or 0. Any thread. */
gint batch_mask_files_get_error (BatchMaskFiles *self);

G_END_DECLS
