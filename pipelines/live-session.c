/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "live-session.h"

#include "live-background.h"
#include "live-camera.h"

#include "base/libav-end.h"
#include "base/missing-plugin.h"

#include <gio/gio.h>

struct _LiveSession {
  GstElement *pipeline, *seg;
  LiveBackground *background; /* (nullable): no video */
};

/* Text of the elements between unetseg and the sink; owned by the caller. */
static gchar *
describe_mixer (const gchar *source, const LiveBackground *video,
    gboolean corner, GError **error)
{
  guint width, height;

  if (corner && video == NULL) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "--corner needs a video for the background");
    return NULL;
  }
  if (video == NULL)
    return g_strdup ("");
  if (!live_camera_find_size (source, &width, &height, error))
    return NULL;
  return live_background_describe_mixer (width, height, corner);
}

static GstElement *
make_pipeline (
    const LiveSetup *setup, const LiveBackground *video, GError **error)
{
  g_autofree gchar *source = live_camera_describe (
      setup->camera, setup->size, setup->rate, setup->frames, error);
  g_autofree gchar *mixer = NULL;
  g_autofree gchar *text = NULL;

  if (source == NULL)
    return NULL;
  mixer = describe_mixer (source, video, setup->corner, error);
  if (mixer == NULL)
    return NULL;
  text = g_strdup_printf ("%s ! videoconvert ! unetseg name=seg %s ! %s%s",
      source, setup->properties ? setup->properties : "", mixer, setup->sink);
  return unet_missing_plugin_parse (text, error);
}

/* PipeWire's sink offers a clock that jumps from 0 to the time since the
 * machine started when a reader comes. Every frame is then late, and a test
 * source or a file runs without a pause. */
static void
use_system_clock (GstElement *pipeline)
{
  g_autoptr (GstClock) clock = gst_system_clock_obtain ();

  gst_pipeline_use_clock (GST_PIPELINE (pipeline), clock);
}

LiveSession *
live_session_new (const LiveSetup *setup, GError **error)
{
  LiveSession *self = g_new0 (LiveSession, 1);

  if (live_background_is_video (setup->background)) {
    self->background = live_background_new (setup->background, error);
    if (self->background == NULL)
      goto fail;
  }
  self->pipeline = make_pipeline (setup, self->background, error);
  if (self->pipeline == NULL)
    goto fail;
  use_system_clock (self->pipeline);
  unet_libav_end_mend (GST_BIN (self->pipeline));
  self->seg = gst_bin_get_by_name (GST_BIN (self->pipeline), "seg");
  if (self->background)
    live_background_connect (self->background, self->pipeline, self->seg);
  else if (!live_background_set (self->seg, setup->background, error))
    goto fail;
  return self;

fail:
  live_session_free (self);
  return NULL;
}

void
live_session_free (LiveSession *self)
{
  if (self->pipeline) {
    gst_element_set_state (self->pipeline, GST_STATE_NULL);
    gst_object_unref (self->pipeline);
  }
  g_clear_pointer (&self->background, live_background_free);
  gst_clear_object (&self->seg);
  g_free (self);
}

GstElement *
live_session_get_pipeline (const LiveSession *self)
{
  return self->pipeline;
}

GstElement *
live_session_get_seg (const LiveSession *self)
{
  return self->seg;
}

gboolean
live_session_has_video (const LiveSession *self)
{
  return self->background != NULL;
}
