/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Is @text (nullable) a file that moves: a video, or a GIF? */
gboolean live_background_is_video (const gchar *text);
/* Sets what replaces the background. @text: (nullable): blur; "blur", "none", a
 * colour or a picture file. Returns FALSE with @error set where it is none of
 * these; then nothing changes. */
gboolean live_background_set (
    GstElement *seg, const gchar *text, GError **error);

/* A video that plays in a loop behind the camera's frames, in a pipeline of its
 * own. */
typedef struct _LiveBackground LiveBackground;

/* Decodes the first frame of @path. %NULL with @error set. */
LiveBackground *live_background_new (const gchar *path, GError **error);
void live_background_free (LiveBackground *self);
/* Text of the elements that follow unetseg, for frames of that size; owned by
 * the caller. @corner: the camera has the lower right ninth of the video. */
gchar *live_background_describe_mixer (
    guint width, guint height, gboolean corner);
/* Plays into @pipeline, which has the mixer. */
void live_background_connect (
    LiveBackground *self, GstElement *pipeline, GstElement *seg);

G_END_DECLS
