/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/kernels/worker-pool.h"

struct _UnetWorkerPool {
  GMutex lock;
  GCond work; /* there is a loop, or the pool closes */
  GCond done; /* the last helper has left the loop */
  /* All under the lock. */
  UnetWorkerFunc func;
  gpointer loop; /* (nullable): %NULL while helpers must not join */
  guint64 round; /* of the loop, so that no helper joins one twice */
  guint inside;  /* helpers in the loop */
  gboolean closing;
  guint n_helpers;
  GThread **helpers;
};

typedef struct {
  UnetWorkerPool *pool;
  guint thread;
} Helper;

/* Waits for a loop that this helper has not been in. Returns %FALSE when the
 * pool closes. Call it with the lock held. */
static gboolean
wait_for_loop (UnetWorkerPool *pool, guint64 last)
{
  while (!pool->closing && (!pool->loop || pool->round == last))
    g_cond_wait (&pool->work, &pool->lock);
  return !pool->closing;
}

static gpointer
help (gpointer data)
{
  g_autofree Helper *helper = data;
  UnetWorkerPool *pool = helper->pool;
  guint64 last = 0;

  g_mutex_lock (&pool->lock);
  while (wait_for_loop (pool, last)) {
    UnetWorkerFunc func = pool->func;
    gpointer loop = pool->loop;

    last = pool->round;
    pool->inside++;
    g_mutex_unlock (&pool->lock);
    func (loop, helper->thread);
    g_mutex_lock (&pool->lock);
    if (--pool->inside == 0)
      g_cond_signal (&pool->done);
  }
  g_mutex_unlock (&pool->lock);
  return NULL;
}

static gboolean
start_helper (UnetWorkerPool *pool)
{
  Helper *helper = g_new (Helper, 1);
  GThread *thread;

  *helper = (Helper){ pool, pool->n_helpers + 1 };
  thread = g_thread_try_new ("unetseg-pool", help, helper, NULL);
  if (!thread) {
    g_free (helper);
    return FALSE;
  }
  pool->helpers[pool->n_helpers++] = thread;
  return TRUE;
}

UnetWorkerPool *
unet_worker_pool_new (guint threads)
{
  UnetWorkerPool *pool = g_new0 (UnetWorkerPool, 1);

  g_mutex_init (&pool->lock);
  g_cond_init (&pool->work);
  g_cond_init (&pool->done);
  pool->helpers = g_new0 (GThread *, MAX (threads, 1));
  for (guint i = 1; i < threads && start_helper (pool);)
    i++;
  return pool;
}

void
unet_worker_pool_free (UnetWorkerPool *pool)
{
  if (!pool)
    return;
  g_mutex_lock (&pool->lock);
  pool->closing = TRUE;
  g_cond_broadcast (&pool->work);
  g_mutex_unlock (&pool->lock);
  for (guint i = 0; i < pool->n_helpers; i++)
    g_thread_join (pool->helpers[i]);
  g_mutex_clear (&pool->lock);
  g_cond_clear (&pool->work);
  g_cond_clear (&pool->done);
  g_free (pool->helpers);
  g_free (pool);
}

void
unet_worker_pool_run (UnetWorkerPool *pool, UnetWorkerFunc func, gpointer loop)
{
  g_mutex_lock (&pool->lock);
  pool->func = func;
  pool->loop = loop;
  pool->round++;
  g_cond_broadcast (&pool->work);
  g_mutex_unlock (&pool->lock);
  func (loop, 0);
  g_mutex_lock (&pool->lock);
  pool->loop = NULL;
  while (pool->inside > 0)
    g_cond_wait (&pool->done, &pool->lock);
  g_mutex_unlock (&pool->lock);
}
