/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "segment/background-job.h"
#include "session/session.h"

/* The caller's thread, the job's, and those that GStreamer and GLib start for
 * a pipeline: a stream, a main loop, and two for calls from elsewhere. They
 * wait for ever where they get none. */
#define LEAST_THREADS 6

struct _UnetJobGroup {
  GMutex mutex;
  GCond cond; /* a job is done, or waits are interrupted */
  gboolean interrupted;
  GSList *dropped; /* of UnetJob; of the calling thread alone */
};

struct _UnetJob {
  UnetJobGroup *group;
  GThread *thread;
  GCancellable *cancellable;
  UnetJobWork work;
  gpointer data;
  GDestroyNotify free_data, free_result;
  gboolean done; /* under the group's mutex */

  /* The job's thread uses these until it is done. */
  gpointer result; /* (nullable) */
  GError *error;
};

/* ---- groups ------------------------------------------------------------- */

UnetJobGroup *
unet_job_group_new (void)
{
  UnetJobGroup *self = g_new0 (UnetJobGroup, 1);

  g_mutex_init (&self->mutex);
  g_cond_init (&self->cond);
  return self;
}

void
unet_job_group_interrupt (UnetJobGroup *self, gboolean interrupted)
{
  g_mutex_lock (&self->mutex);
  self->interrupted = interrupted;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->mutex);
}

/* Frees the dropped jobs that have ended. @all: waits for the others. */
static void
reap (UnetJobGroup *self, gboolean all)
{
  GSList *next;

  for (GSList *at = self->dropped; at; at = next) {
    UnetJob *job = at->data;
    GDestroyNotify free_result = job->free_result;
    gpointer result;

    next = at->next;
    if (!all && !unet_job_is_done (job))
      continue;
    self->dropped = g_slist_delete_link (self->dropped, at);
    result = unet_job_finish (job, NULL);
    if (result && free_result)
      free_result (result);
  }
}

void
unet_job_group_free (UnetJobGroup *self)
{
  reap (self, TRUE);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->cond);
  g_free (self);
}

/* ---- jobs --------------------------------------------------------------- */

static gpointer
run (gpointer data)
{
  UnetJob *self = data;

  self->result = self->work (self->data, self->cancellable, &self->error);
  g_mutex_lock (&self->group->mutex);
  self->done = TRUE;
  g_cond_broadcast (&self->group->cond);
  g_mutex_unlock (&self->group->mutex);
  return NULL;
}

UnetJob *
unet_job_start (UnetJobGroup *group, const gchar *name, UnetJobWork work,
    gpointer data, GDestroyNotify free_data, GDestroyNotify free_result,
    GError **error)
{
  UnetJob *self;

  reap (group, FALSE);
  if (unet_session_count_threads (LEAST_THREADS) < LEAST_THREADS) {
    g_set_error_literal (error, G_THREAD_ERROR, G_THREAD_ERROR_AGAIN,
        "the limit on threads leaves too few for another one");
    return NULL;
  }
  self = g_new0 (UnetJob, 1);
  self->group = group;
  self->cancellable = g_cancellable_new ();
  self->work = work;
  self->data = data;
  self->free_data = free_data;
  self->free_result = free_result;
  self->thread = g_thread_try_new (name, run, self, error);
  if (self->thread == NULL) {
    g_object_unref (self->cancellable);
    g_clear_pointer (&self, g_free);
  }
  return self;
}

gboolean
unet_job_is_done (UnetJob *self)
{
  gboolean done;

  g_mutex_lock (&self->group->mutex);
  done = self->done;
  g_mutex_unlock (&self->group->mutex);
  return done;
}

gboolean
unet_job_wait (UnetJob *self)
{
  UnetJobGroup *group = self->group;
  gboolean done;

  g_mutex_lock (&group->mutex);
  while (!self->done && !group->interrupted)
    g_cond_wait (&group->cond, &group->mutex);
  done = self->done;
  g_mutex_unlock (&group->mutex);
  return done;
}

gpointer
unet_job_finish (UnetJob *self, GError **error)
{
  gpointer result;

  g_thread_join (self->thread);
  result = self->result;
  if (self->error)
    g_propagate_error (error, self->error);
  if (self->free_data)
    self->free_data (self->data);
  g_object_unref (self->cancellable);
  g_free (self);
  return result;
}

void
unet_job_drop (UnetJob *self)
{
  UnetJobGroup *group = self->group;

  g_cancellable_cancel (self->cancellable);
  group->dropped = g_slist_prepend (group->dropped, self);
  reap (group, FALSE);
}
