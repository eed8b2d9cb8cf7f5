/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The outputs of pictures that come one after the other through one pipeline:
 * overlay, cut-out and mask are files of their own, and a picture has ended
 * once every sink has had it. */

#include "batch/setup.h"

G_BEGIN_DECLS

/* Of the message on the bus, once every sink has had the picture. */
#define BATCH_PICTURE_ENDED "picture-ended"

typedef struct _BatchPictureFiles BatchPictureFiles;

/* @setup must outlive the object. */
BatchPictureFiles *batch_picture_files_new (const BatchSetup *setup);
void batch_picture_files_free (BatchPictureFiles *self);

/* Returns (transfer full): the sink of an output, for a pipeline's text. */
gchar *batch_picture_files_describe (const gchar *kind);
/* Connects the sinks. The last one to do so: a sink counts when the handlers
 * before have returned. */
void batch_picture_files_connect (BatchPictureFiles *self, GstBin *pipeline);

/* Forgets the picture before. */
void batch_picture_files_reset (BatchPictureFiles *self);
/* Returns errno of a file that could not be written, or 0. Any thread. */
gint batch_picture_files_get_error (BatchPictureFiles *self);

G_END_DECLS
