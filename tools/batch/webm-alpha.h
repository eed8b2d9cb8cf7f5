/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Alpha in WebM: each frame of the video has a frame of a second stream, which
 * has alpha as its luma, in its BlockAdditions ("WebM Container Guidelines",
 * section Alpha Channel). GStreamer's muxer does not write them: the muxer
 * writes the colours, a store keeps the frames of alpha, and both become one
 * file once the muxer has ended. */

#include <gst/gst.h>

G_BEGIN_DECLS

/* Encoded frames of alpha, in a file beside the video. */
typedef struct _BatchAlphaStore BatchAlphaStore;

/* @webm: the file that the muxer writes. Fails with %BATCH_ERROR_OUTPUT. */
BatchAlphaStore *batch_alpha_store_new (const gchar *webm, GError **error);
/* Removes what is left of the store. @self may be NULL. */
void batch_alpha_store_free (BatchAlphaStore *self);
/* Appends a frame. An error is kept for batch_alpha_store_finish (). One
 * thread at a time. */
void batch_alpha_store_add (BatchAlphaStore *self, GstBuffer *frame);
/* The errno of the first frame that could not be written, or 0. Any thread. */
gint batch_alpha_store_get_error (BatchAlphaStore *self);
/* Puts the frames into the file of the muxer, which has ended. A store without
 * frames leaves the file as it is. Fails with %BATCH_ERROR_OUTPUT, also where
 * the numbers of frames differ. */
gboolean batch_alpha_store_finish (BatchAlphaStore *self, GError **error);

G_END_DECLS
