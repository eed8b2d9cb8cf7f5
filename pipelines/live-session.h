/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The pipeline from a camera over unetseg to a sink. */

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct {
  const gchar *camera;     /* (nullable): as for live_camera_describe () */
  const gchar *background; /* (nullable): as for live_background_set (), or a
                            * video */
  const gchar *sink;       /* elements that take raw video */
  const gchar *size;       /* (nullable): WIDTHxHEIGHT */
  const gchar *properties; /* (nullable): of unetseg */
  gint rate;               /* frames a second; 0: any */
  gint frames;             /* -1: no end */
  gboolean corner;         /* the camera in a corner of a video */
} LiveSetup;

typedef struct _LiveSession LiveSession;

/* Builds the pipeline, which does not play yet. Returns (transfer full), or
 * %NULL with @error set. */
LiveSession *live_session_new (const LiveSetup *setup, GError **error);
/* Stops the pipeline. */
void live_session_free (LiveSession *self);

/* Return (transfer none). */
GstElement *live_session_get_pipeline (const LiveSession *self);
GstElement *live_session_get_seg (const LiveSession *self);
/* Returns whether the background is a video, which needs a session of its own.
 */
gboolean live_session_has_video (const LiveSession *self);

G_END_DECLS
