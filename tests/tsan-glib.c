/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* For ThreadSanitizer, preloaded: GLib takes its locks by futexes of its own,
 * which the sanitizer does not see. Here each lock and unlock of one tells it
 * what the other threads may rely on. */

#include <dlfcn.h>
#include <glib.h>

void __tsan_acquire (void *address);
void __tsan_release (void *address);

#define REAL(name)                                                             \
  static __typeof__ (&name) real;                                              \
  if (!real)                                                                   \
  real = (__typeof__ (&name)) dlsym (RTLD_NEXT, #name)

#define LOCK(name, Type)                                                       \
  void name (Type *lock)                                                       \
  {                                                                            \
    REAL (name);                                                               \
    real (lock);                                                               \
    __tsan_acquire (lock);                                                     \
  }
#define UNLOCK(name, Type)                                                     \
  void name (Type *lock)                                                       \
  {                                                                            \
    REAL (name);                                                               \
    __tsan_release (lock);                                                     \
    real (lock);                                                               \
  }
#define TRY(name, Type)                                                        \
  gboolean name (Type *lock)                                                   \
  {                                                                            \
    REAL (name);                                                               \
    if (!real (lock))                                                          \
      return FALSE;                                                            \
    __tsan_acquire (lock);                                                     \
    return TRUE;                                                               \
  }

LOCK (g_mutex_lock, GMutex)
UNLOCK (g_mutex_unlock, GMutex)
TRY (g_mutex_trylock, GMutex)
LOCK (g_rec_mutex_lock, GRecMutex)
UNLOCK (g_rec_mutex_unlock, GRecMutex)
TRY (g_rec_mutex_trylock, GRecMutex)
LOCK (g_rw_lock_writer_lock, GRWLock)
UNLOCK (g_rw_lock_writer_unlock, GRWLock)
LOCK (g_rw_lock_reader_lock, GRWLock)
UNLOCK (g_rw_lock_reader_unlock, GRWLock)

void
g_cond_wait (GCond *cond, GMutex *mutex)
{
  REAL (g_cond_wait);
  __tsan_release (mutex);
  real (cond, mutex);
  __tsan_acquire (mutex);
}

gboolean
g_cond_wait_until (GCond *cond, GMutex *mutex, gint64 end)
{
  gboolean woken;

  REAL (g_cond_wait_until);
  __tsan_release (mutex);
  woken = real (cond, mutex, end);
  __tsan_acquire (mutex);
  return woken;
}

/* What one thread has set up once all others find set up. */
gboolean (g_once_init_enter) (volatile void *location)
{
  gboolean first;

  REAL (g_once_init_enter);
  first = real (location);
  if (!first)
    __tsan_acquire ((void *) location);
  return first;
}

void (g_once_init_leave) (volatile void *location, gsize result)
{
  REAL (g_once_init_leave);
  __tsan_release ((void *) location);
  real (location, result);
}

/* A job goes to a thread of a pool through a queue under a lock inside GLib. */

typedef struct {
  GFunc func;
  gpointer user_data;
} Job;

static char pools;

static void
run_job (gpointer data, gpointer user_data)
{
  const Job *job = user_data;

  __tsan_acquire (&pools);
  job->func (data, job->user_data);
}

GThreadPool *
g_thread_pool_new (GFunc func, gpointer user_data, gint max_threads,
    gboolean exclusive, GError **error)
{
  Job *job = g_new (Job, 1); /* as long as the process */

  REAL (g_thread_pool_new);
  *job = (Job){ func, user_data };
  return real (run_job, job, max_threads, exclusive, error);
}

gboolean
g_thread_pool_push (GThreadPool *pool, gpointer data, GError **error)
{
  REAL (g_thread_pool_push);
  __tsan_release (&pools);
  return real (pool, data, error);
}

/* Whoever lets go of an object last may see what all others have done to it,
 * and frees it, perhaps from within GStreamer, which counts with the
 * processor's own instructions. */

void gst_mini_object_unref (gpointer object);
void gst_object_unref (gpointer object);

void
gst_mini_object_unref (gpointer object)
{
  REAL (gst_mini_object_unref);
  __tsan_release (object);
  __tsan_acquire (object);
  real (object);
}

void
gst_object_unref (gpointer object)
{
  REAL (gst_object_unref);
  __tsan_release (object);
  __tsan_acquire (object);
  real (object);
}

#undef g_free
#undef g_slice_free1

void
g_free (gpointer memory)
{
  REAL (g_free);
  if (memory)
    __tsan_acquire (memory);
  real (memory);
}

void
g_slice_free1 (gsize size, gpointer memory)
{
  REAL (g_slice_free1);
  if (memory)
    __tsan_acquire (memory);
  real (size, memory);
}
