/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backdrop.h"

#include "background-list.h"
#include "background-video.h"

/* Waits for a frame of a video in microseconds. */
#define LIVE_PATIENCE (2 * G_USEC_PER_SEC)
#define FILE_PATIENCE (5 * G_USEC_PER_SEC)
/* After a longer pause a video goes on where it was. */
#define MAX_STEP (60 * GST_SECOND)

struct _GstUnetBackdrop {
  GstVideoInfo info;
  GstUnetBackground *background; /* (nullable): what the picture is of */
  GstBuffer *picture;            /* (nullable) */
  GstUnetBackgroundVideo *video; /* (nullable): where it moves */
  GstClockTime video_time;       /* of the video, from its start */
  GstClockTime running_time;     /* of the frame before */
  gboolean waited;               /* for the video's first frame */
};

GstUnetBackdrop *
gst_unet_backdrop_new (const GstVideoInfo *info)
{
  GstUnetBackdrop *self = g_new0 (GstUnetBackdrop, 1);

  self->info = *info;
  return self;
}

void
gst_unet_backdrop_free (GstUnetBackdrop *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->video, gst_unet_background_video_free);
  g_clear_pointer (&self->background, gst_unet_background_unref);
  gst_clear_buffer (&self->picture);
  g_free (self);
}

GstBuffer *
gst_unet_backdrop_get (const GstUnetBackdrop *self)
{
  return self->picture;
}

static void
open (GstUnetBackdrop *self, GstUnetBackground *background, gboolean live,
    GError **error)
{
  const gchar *path = gst_unet_background_get_location (background);
  gboolean moves = path && gst_unet_background_is_moving (path);

  g_clear_pointer (&self->video, gst_unet_background_video_free);
  g_clear_pointer (&self->background, gst_unet_background_unref);
  self->background = gst_unet_background_ref (background);
  if (!moves || !live)
    gst_clear_buffer (&self->picture);
  self->video_time = 0;
  self->running_time = GST_CLOCK_TIME_NONE;
  self->waited = self->picture != NULL;
  if (moves)
    self->video = gst_unet_background_video_new (path, &self->info, error);
  else
    self->picture =
        gst_unet_background_make_frame (background, &self->info, error);
}

/* The running time begins again with a seek that flushes. */
static void
advance (GstUnetBackdrop *self, GstClockTime running_time)
{
  if (GST_CLOCK_TIME_IS_VALID (running_time)
      && GST_CLOCK_TIME_IS_VALID (self->running_time)
      && running_time > self->running_time
      && running_time - self->running_time <= MAX_STEP)
    self->video_time += running_time - self->running_time;
  self->running_time = running_time;
}

static void
show_video (GstUnetBackdrop *self, GstClockTime running_time, gboolean live,
    GError **error)
{
  gint64 patience = !live ? FILE_PATIENCE : self->waited ? 0 : LIVE_PATIENCE;
  GError *local = NULL;
  GstBuffer *frame;

  advance (self, running_time);
  frame = gst_unet_background_video_get_frame (
      self->video, self->video_time, patience, &local);
  self->waited = TRUE;
  if (frame != NULL || local != NULL)
    gst_buffer_replace (&self->picture, frame);
  gst_clear_buffer (&frame);
  if (local != NULL)
    g_propagate_error (error, local);
}

void
gst_unet_backdrop_update (GstUnetBackdrop *self, GstUnetBackground *background,
    GstClockTime running_time, gboolean live, GError **error)
{
  GError *local = NULL;

  if (self->background != background)
    open (self, background, live, &local);
  if (self->video && local == NULL)
    show_video (self, running_time, live, &local);
  if (local != NULL)
    g_propagate_error (error, local);
}
