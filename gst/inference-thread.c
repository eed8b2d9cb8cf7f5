/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inference-thread.h"

typedef enum {
  WORKER_IDLE,
  WORKER_AT_WORK,
  WORKER_DONE,
  WORKER_ENDS,
} WorkerState;

struct _UnetWorker {
  UnetSegmenter *segmenter;
  GThread *thread;
  GMutex mutex;
  GCond cond;
  WorkerState state; /* under the mutex */

  /* Whose the state says: the thread's while it is at work. */
  gdouble threshold;
  UnetMaskBuffers mask;
  guint64 run_time;
  GError *error;
};

static gpointer
work (gpointer data)
{
  UnetWorker *self = data;

  g_mutex_lock (&self->mutex);
  for (;;) {
    while (self->state != WORKER_AT_WORK && self->state != WORKER_ENDS)
      g_cond_wait (&self->cond, &self->mutex);
    if (self->state == WORKER_ENDS)
      break;
    g_mutex_unlock (&self->mutex);
    unet_segmenter_run (self->segmenter, self->threshold, &self->mask,
        &self->run_time, &self->error);
    g_mutex_lock (&self->mutex);
    self->state = WORKER_DONE;
    g_cond_broadcast (&self->cond);
  }
  g_mutex_unlock (&self->mutex);
  return NULL;
}

UnetWorker *
unet_worker_new (UnetSegmenter *segmenter)
{
  UnetWorker *self = g_new0 (UnetWorker, 1);

  self->segmenter = segmenter;
  g_mutex_init (&self->mutex);
  g_cond_init (&self->cond);
  self->thread = g_thread_new ("unetseg-worker", work, self);
  return self;
}

void
unet_worker_free (UnetWorker *self)
{
  unet_worker_drain (self);
  g_mutex_lock (&self->mutex);
  self->state = WORKER_ENDS;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->mutex);
  g_thread_join (self->thread);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->cond);
  g_free (self);
}

gboolean
unet_worker_is_idle (UnetWorker *self)
{
  gboolean idle;

  g_mutex_lock (&self->mutex);
  idle = self->state == WORKER_IDLE;
  g_mutex_unlock (&self->mutex);
  return idle;
}

void
unet_worker_start (UnetWorker *self, gdouble threshold)
{
  g_mutex_lock (&self->mutex);
  self->threshold = threshold;
  self->state = WORKER_AT_WORK;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->mutex);
}

gboolean
unet_worker_take (UnetWorker *self, gboolean wait, UnetMaskBuffers *mask,
    guint64 *run_time, GError **error)
{
  gboolean done;

  g_mutex_lock (&self->mutex);
  while (wait && self->state == WORKER_AT_WORK)
    g_cond_wait (&self->cond, &self->mutex);
  done = self->state == WORKER_DONE;
  if (done) {
    *mask = self->mask;
    *run_time = self->run_time;
    if (self->error)
      g_propagate_error (error, g_steal_pointer (&self->error));
    memset (&self->mask, 0, sizeof (self->mask));
    self->state = WORKER_IDLE;
  }
  g_mutex_unlock (&self->mutex);
  return done;
}

void
unet_worker_drain (UnetWorker *self)
{
  UnetMaskBuffers mask = { NULL, NULL };
  guint64 run_time;

  unet_worker_take (self, TRUE, &mask, &run_time, NULL);
  unet_mask_buffers_clear (&mask);
}
