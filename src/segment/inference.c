/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/inference.h"

#include "session/session.h"

#include <string.h>

/* ---- one run ------------------------------------------------------------- */

void
unet_inference_init (UnetInference *self, UnetFramePath *path,
    UnetSession *session, UnetCalibration *collecting,
    GCancellable *cancellable, gdouble threshold)
{
  *self = (UnetInference){ .path = unet_frame_path_ref (path),
    .session = unet_session_ref (session),
    .collecting = collecting,
    .cancellable = g_object_ref (cancellable),
    .threshold = threshold };
}

void
unet_inference_clear (UnetInference *self)
{
  unet_mask_buffers_clear (&self->mask);
  g_clear_pointer (&self->outputs, g_array_unref);
  g_clear_error (&self->error);
  g_clear_pointer (&self->collecting, unet_calibration_unref);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->session, unet_session_unref);
  g_clear_pointer (&self->path, unet_frame_path_unref);
}

void
unet_inference_run (UnetInference *self)
{
  GstClockTime start = gst_util_get_timestamp ();

  gboolean ok;

  unet_session_set_cancellable (self->session, self->cancellable);
  ok = unet_frame_path_run_all (
      self->path, self->session, self->threshold, &self->error);
  unet_session_set_cancellable (self->session, NULL);
  if (!ok)
    return;
  if (self->collecting) /* before the states in the inputs change */
    unet_calibration_add (self->collecting, self->session);
  unet_session_advance (self->session);
  self->run_time = gst_util_get_timestamp () - start;
  if (self->keeps_outputs) {
    self->outputs =
        unet_frame_path_copy_outputs (self->path, self->session, &self->error);
    if (self->outputs == NULL)
      return;
  }
  unet_frame_path_fill (
      self->path, self->session, self->threshold, &self->mask, &self->error);
}

/* ---- thread -------------------------------------------------------------- */

typedef enum {
  IDLE,
  BUSY,
  DONE,
  ENDS,
} State;

struct _UnetInferenceThread {
  GThread *thread;
  GMutex mutex;
  GCond cond;
  State state;             /* under the mutex */
  UnetInference inference; /* of the thread while it is busy */
};

static gpointer
work (gpointer data)
{
  UnetInferenceThread *self = data;

  g_mutex_lock (&self->mutex);
  for (;;) {
    while (self->state != BUSY && self->state != ENDS)
      g_cond_wait (&self->cond, &self->mutex);
    if (self->state == ENDS)
      break;
    g_mutex_unlock (&self->mutex);
    unet_inference_run (&self->inference);
    g_mutex_lock (&self->mutex);
    self->state = DONE;
    g_cond_broadcast (&self->cond);
  }
  g_mutex_unlock (&self->mutex);
  return NULL;
}

static void
set_state (UnetInferenceThread *self, State state)
{
  g_mutex_lock (&self->mutex);
  self->state = state;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->mutex);
}

UnetInferenceThread *
unet_inference_thread_new (GError **error)
{
  UnetInferenceThread *self = g_new0 (UnetInferenceThread, 1);

  g_mutex_init (&self->mutex);
  g_cond_init (&self->cond);
  self->thread = g_thread_try_new ("unetseg-infer", work, self, error);
  if (self->thread == NULL) {
    g_mutex_clear (&self->mutex);
    g_cond_clear (&self->cond);
    g_clear_pointer (&self, g_free);
  }
  return self;
}

void
unet_inference_thread_free (UnetInferenceThread *self)
{
  UnetInference rest;

  if (unet_inference_thread_take (self, G_MAXINT64, &rest))
    unet_inference_clear (&rest);
  set_state (self, ENDS);
  g_thread_join (self->thread);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->cond);
  g_free (self);
}

gboolean
unet_inference_thread_is_busy (UnetInferenceThread *self)
{
  gboolean busy;

  g_mutex_lock (&self->mutex);
  busy = self->state == BUSY;
  g_mutex_unlock (&self->mutex);
  return busy;
}

void
unet_inference_thread_start (
    UnetInferenceThread *self, UnetInference *inference)
{
  self->inference = *inference;
  memset (inference, 0, sizeof (*inference));
  set_state (self, BUSY);
}

gboolean
unet_inference_thread_take (
    UnetInferenceThread *self, gint64 wait_until, UnetInference *inference)
{
  gboolean waits = wait_until != 0, done;

  g_mutex_lock (&self->mutex);
  while (waits && self->state == BUSY)
    if (wait_until == G_MAXINT64)
      g_cond_wait (&self->cond, &self->mutex);
    else
      waits = g_cond_wait_until (&self->cond, &self->mutex, wait_until);
  done = self->state == DONE;
  if (done) {
    *inference = self->inference;
    memset (&self->inference, 0, sizeof (self->inference));
    self->state = IDLE;
  }
  g_mutex_unlock (&self->mutex);
  return done;
}
