/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "background-video.h"

#include "background-decoder.h"
#include "background-list.h"
#include "background-scale.h"
#include "base/picture-file.h"

/* Frames that are ready before they are shown. */
#define MAX_READY 4
/* A loop that takes up to so many bytes is kept. */
#define MAX_KEPT ((gsize) 64 * 1024 * 1024)
/* Between two looks at whether the thread is to stop. */
#define POLL (20 * GST_MSECOND)
/* The duration of a frame that does not tell it. */
#define DEFAULT_DURATION (GST_SECOND / 25)

typedef struct {
  GstClockTime start; /* from the start of the background */
  GstBuffer *buffer;
} Frame;

struct _GstUnetBackgroundVideo {
  gchar *path;
  GThread *thread;
  gint stop; /* atomic: gboolean */

  /* The decoding thread alone uses these. */
  GstUnetBackgroundScale *scale;
  GstClockTime end;      /* of the frames so far */
  GstClockTime offset;   /* start of the file at work */
  GstClockTime duration; /* of the last frame */
  guint64 n_frames;      /* of the pass through the list */

  GMutex mutex; /* of what follows */
  GCond cond;   /* a frame is ready or was taken */
  GQueue ready; /* of Frame */
  GArray *kept; /* (nullable): of Frame, all of the first pass */
  gsize kept_size;
  GstClockTime length; /* of the kept loop; 0: still being decoded */
  gboolean ended;      /* no more frames come */
  GstBuffer *current;  /* (nullable) */
  GstClockTime wanted; /* the time asked for last */
  GError *error;       /* (nullable): not told yet */
  gboolean failed;     /* an error has been set */
};

/* ---- frames ----------------------------------------------------------- */

static void
clear_frame (gpointer data)
{
  gst_clear_buffer (&((Frame *) data)->buffer);
}

static void
free_frame (gpointer data)
{
  clear_frame (data);
  g_free (data);
}

/* Keeps a frame of the first pass, unless the loop is too large. */
static void
keep (GstUnetBackgroundVideo *self, GstClockTime start, GstBuffer *buffer)
{
  const Frame frame = { start, buffer };

  if (self->kept == NULL)
    return;
  self->kept_size += gst_buffer_get_size (buffer);
  if (self->kept_size > MAX_KEPT) {
    g_clear_pointer (&self->kept, g_array_unref);
    return;
  }
  gst_buffer_ref (buffer);
  g_array_append_val (self->kept, frame);
}

static gboolean
is_stopping (GstUnetBackgroundVideo *self)
{
  return g_atomic_int_get (&self->stop);
}

/* Waits for room and appends a frame (transfer full). */
static void
append (GstUnetBackgroundVideo *self, GstClockTime start, GstBuffer *buffer)
{
  Frame *frame = g_new0 (Frame, 1);

  frame->start = start;
  frame->buffer = buffer;
  g_mutex_lock (&self->mutex);
  while (g_queue_get_length (&self->ready) >= MAX_READY && !is_stopping (self))
    g_cond_wait (&self->cond, &self->mutex);
  keep (self, start, buffer);
  g_queue_push_tail (&self->ready, frame);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->mutex);
}

/* Frames that are over when they come are not converted, so that the thread
 * catches up after a pause. */
static gboolean
is_over (GstUnetBackgroundVideo *self, GstClockTime end)
{
  gboolean over;

  g_mutex_lock (&self->mutex);
  over = self->kept == NULL && end <= self->wanted;
  g_mutex_unlock (&self->mutex);
  return over;
}

static void
take_error (GstUnetBackgroundVideo *self, GError *error)
{
  g_mutex_lock (&self->mutex);
  if (self->failed)
    g_clear_error (&error);
  else
    self->error = error;
  self->failed = TRUE;
  g_mutex_unlock (&self->mutex);
}

static gboolean
show_sample (GstUnetBackgroundVideo *self, GstSample *sample,
    GstClockTime start, GstClockTime duration)
{
  GstBuffer *buffer;

  self->n_frames++;
  self->duration = duration;
  self->end = start + duration;
  if (is_over (self, self->end))
    return TRUE;
  buffer = gst_unet_background_scale_run (self->scale, sample);
  if (buffer == NULL)
    return FALSE;
  append (self, start, buffer);
  return TRUE;
}

/* ---- the thread ------------------------------------------------------- */

static gboolean
show_picture (GstUnetBackgroundVideo *self, const GstUnetBackgroundEntry *entry,
    GError **error)
{
  GstSample *sample = unet_picture_load (entry->path, error);
  gboolean ok;

  if (sample == NULL)
    return FALSE;
  ok = show_sample (self, sample, self->end, entry->duration);
  gst_sample_unref (sample);
  return ok;
}

/* Times of a file begin where the one before it ended. A frame whose time is
 * not after the last one's, as of some GIFs, follows the last one. */
static gboolean
show_frame (GstUnetBackgroundVideo *self, GstSample *sample)
{
  GstBuffer *buffer = gst_sample_get_buffer (sample);
  GstClockTime time =
      gst_segment_to_stream_time (gst_sample_get_segment (sample),
          GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
  const gboolean first = self->end == self->offset;
  GstClockTime last = self->end - MIN (self->end, self->duration);
  GstClockTime start = self->end, duration = self->duration;

  if (GST_CLOCK_TIME_IS_VALID (time) && (first || self->offset + time > last))
    start = self->offset + time;
  if (GST_BUFFER_DURATION_IS_VALID (buffer) && GST_BUFFER_DURATION (buffer) > 0)
    duration = GST_BUFFER_DURATION (buffer);
  else if (!first && start > last)
    duration = start - last;
  return show_sample (self, sample, start, duration);
}

static gboolean
show_video (GstUnetBackgroundVideo *self, const gchar *path, GError **error)
{
  GstUnetBackgroundDecoder *decoder =
      gst_unet_background_decoder_new (path, error);
  GstUnetBackgroundResult result = GST_UNET_BACKGROUND_LATER;

  if (decoder == NULL)
    return FALSE;
  self->offset = self->end;
  self->duration = DEFAULT_DURATION;
  while (!is_stopping (self)
      && (result == GST_UNET_BACKGROUND_LATER
          || result == GST_UNET_BACKGROUND_FRAME)) {
    GstSample *sample;

    result = gst_unet_background_decoder_next (decoder, POLL, &sample, error);
    if (sample != NULL && !show_frame (self, sample)) {
      g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
          "%s: its frames cannot be converted", path);
      result = GST_UNET_BACKGROUND_ERROR;
    }
    g_clear_pointer (&sample, gst_sample_unref);
  }
  gst_unet_background_decoder_free (decoder);
  return result != GST_UNET_BACKGROUND_ERROR;
}

/* A file that fails is left out: the frames before its error stay. */
static void
show_list (GstUnetBackgroundVideo *self, GPtrArray *list)
{
  for (guint i = 0; i < list->len && !is_stopping (self); i++) {
    const GstUnetBackgroundEntry *entry = g_ptr_array_index (list, i);
    GError *error = NULL;
    gboolean ok = gst_unet_background_is_picture (entry->path)
        ? show_picture (self, entry, &error)
        : show_video (self, entry->path, &error);

    if (!ok && error != NULL)
      take_error (self, error);
  }
}

/* Returns whether the list is to be decoded again. */
static gboolean
end_pass (GstUnetBackgroundVideo *self)
{
  gboolean again;

  g_mutex_lock (&self->mutex);
  if (self->kept != NULL && self->kept->len > 1)
    self->length = self->end;
  again = self->kept == NULL && self->n_frames > 1;
  self->ended = !again;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->mutex);
  self->n_frames = 0;
  return again;
}

static gpointer
run (gpointer data)
{
  GstUnetBackgroundVideo *self = data;
  GError *error = NULL;
  g_autoptr (GPtrArray)
      list = gst_unet_background_list_read (self->path, &error);

  if (list == NULL)
    take_error (self, error);
  do {
    if (list != NULL)
      show_list (self, list);
  } while (end_pass (self) && !is_stopping (self));
  return NULL;
}

/* ---- life ------------------------------------------------------------- */

GstUnetBackgroundVideo *
gst_unet_background_video_new (
    const gchar *path, const GstVideoInfo *info, GError **error)
{
  GstUnetBackgroundVideo *self = g_new0 (GstUnetBackgroundVideo, 1);
  g_autoptr (GError) local = NULL;

  self->path = g_strdup (path);
  self->scale = gst_unet_background_scale_new (info);
  self->duration = DEFAULT_DURATION;
  g_mutex_init (&self->mutex);
  g_cond_init (&self->cond);
  g_queue_init (&self->ready);
  self->kept = g_array_new (FALSE, FALSE, sizeof (Frame));
  g_array_set_clear_func (self->kept, clear_frame);
  self->thread = g_thread_try_new ("unetseg-back", run, self, &local);
  if (self->thread != NULL)
    return self;
  g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_FAILED,
      "%s: the system has no thread for the video: %s", path, local->message);
  gst_unet_background_video_free (self);
  return NULL;
}

void
gst_unet_background_video_free (GstUnetBackgroundVideo *self)
{
  g_mutex_lock (&self->mutex);
  g_atomic_int_set (&self->stop, TRUE);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->mutex);
  if (self->thread != NULL)
    g_thread_join (self->thread);
  g_queue_clear_full (&self->ready, free_frame);
  g_clear_pointer (&self->kept, g_array_unref);
  gst_clear_buffer (&self->current);
  g_clear_error (&self->error);
  gst_unet_background_scale_free (self->scale);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->cond);
  g_free (self->path);
  g_free (self);
}

/* ---- showing ---------------------------------------------------------- */

/* The kept loop: the last frame that has begun. */
static void
show_kept (GstUnetBackgroundVideo *self, GstClockTime time)
{
  GstBuffer *buffer = NULL;

  time %= self->length;
  for (guint i = 0; i < self->kept->len; i++) {
    const Frame *frame = &g_array_index (self->kept, Frame, i);

    if (i == 0 || frame->start <= time)
      buffer = frame->buffer;
  }
  gst_buffer_replace (&self->current, buffer);
}

/* Takes the frames that have begun. Returns whether the current one is right:
 * the next one is ready and begins later, or none comes. */
static gboolean
advance (GstUnetBackgroundVideo *self, GstClockTime time)
{
  Frame *next;

  if (self->length > 0) {
    show_kept (self, time);
    return TRUE;
  }
  while ((next = g_queue_peek_head (&self->ready)) != NULL
      && (next->start <= time || self->current == NULL)) {
    gst_buffer_replace (&self->current, next->buffer);
    free_frame (g_queue_pop_head (&self->ready));
    g_cond_broadcast (&self->cond);
  }
  return next != NULL || self->ended;
}

GstBuffer *
gst_unet_background_video_get_frame (GstUnetBackgroundVideo *self,
    GstClockTime time, gint64 patience, GError **error)
{
  const gint64 deadline = g_get_monotonic_time () + patience;
  GstBuffer *buffer;

  g_mutex_lock (&self->mutex);
  self->wanted = time;
  while (!advance (self, time))
    if (!g_cond_wait_until (&self->cond, &self->mutex, deadline))
      break;
  buffer = self->current ? gst_buffer_ref (self->current) : NULL;
  if (self->error != NULL)
    g_propagate_error (error, g_steal_pointer (&self->error));
  g_mutex_unlock (&self->mutex);
  return buffer;
}
