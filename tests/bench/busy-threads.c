/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "busy-threads.h"

struct _BusyThreads {
  GThread **threads;
  guint n;
  gint over; /* atomic */
};

static gpointer
spin (gpointer data)
{
  BusyThreads *self = data;

  while (!g_atomic_int_get (&self->over))
    continue;
  return NULL;
}

BusyThreads *
busy_threads_start (guint n)
{
  BusyThreads *self = g_new0 (BusyThreads, 1);

  self->threads = g_new0 (GThread *, n);
  self->n = n;
  for (guint i = 0; i < n; i++)
    self->threads[i] = g_thread_new ("busy", spin, self);
  return self;
}

void
busy_threads_stop (BusyThreads *self)
{
  g_atomic_int_set (&self->over, TRUE);
  for (guint i = 0; i < self->n; i++)
    g_thread_join (self->threads[i]);
  g_free (self->threads);
  g_free (self);
}
