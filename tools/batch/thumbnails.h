/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Small pictures of a recording for the report. */

#include "batch/setup.h"

G_BEGIN_DECLS

#define BATCH_N_THUMBNAILS 6

typedef struct _BatchThumbnails BatchThumbnails;

BatchThumbnails *batch_thumbnails_new (const BatchSetup *setup);
void batch_thumbnails_free (BatchThumbnails *self);

/* Returns the branch of the pipeline that stands behind a tee. */
const gchar *batch_thumbnails_describe (void);
/* Chooses frames and writes them as FOLDER/.report/N.jpg. The pipeline must
 * stop before the object is freed. */
void batch_thumbnails_connect (BatchThumbnails *self, GstBin *pipeline);
/* Begins a new folder and probe of the setup. No frame may be under way. */
void batch_thumbnails_reset (BatchThumbnails *self);
/* Returns the errno of a file that could not be written, or 0. */
gint batch_thumbnails_get_error (BatchThumbnails *self);

G_END_DECLS
