/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/run/headroom.h"
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unetseg/unet-types.h>
#include <unistd.h>

/* Bytes that oneDNN's generated code, its tables and our own lists take for
 * the largest networks of the tests, and as many that malloc() reserves for
 * another thread meanwhile. Weights and the arena are checked where they are
 * allocated. */
#define RESERVE (G_GUINT64_CONSTANT (128) << 20)
/* Bytes that one primitive takes at most. */
#define PRIMITIVE_RESERVE (G_GUINT64_CONSTANT (16) << 20)

#define STACK (G_GUINT64_CONSTANT (10) << 20) /* of a thread, and its guard */

/* ---- memory -------------------------------------------------------------- */

/* Bytes of address space in use, 0 where the system does not tell. */
static guint64
used_address_space (void)
{
  FILE *f = fopen ("/proc/self/statm", "re");
  unsigned long pages = 0;

  if (!f)
    return 0;
  if (fscanf (f, "%lu", &pages) != 1)
    pages = 0;
  fclose (f);
  return (guint64) pages * (guint64) sysconf (_SC_PAGESIZE);
}

/* Returns the bytes that the limit of the address space leaves, G_MAXUINT64
 * where there is none. */
static guint64
free_address_space (void)
{
  struct rlimit limit;
  guint64 used;

  if (getrlimit (RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return G_MAXUINT64;
  used = used_address_space ();
  return limit.rlim_cur > used ? limit.rlim_cur - used : 0;
}

gboolean
unet_headroom_is_limited (void)
{
  return free_address_space () != G_MAXUINT64;
}

gboolean
unet_headroom_check_memory (GError **error)
{
  guint64 left = free_address_space ();

  if (left >= RESERVE)
    return TRUE;
  g_set_error (error, UNET_ERROR, UNET_ERROR_LIMIT,
      "the limit on the address space (ulimit -v) leaves too little to compile "
      "a network: %" G_GUINT64_FORMAT " MB, and %" G_GUINT64_FORMAT
      " MB are needed",
      left >> 20, RESERVE >> 20);
  return FALSE;
}

dnnl_status_t
unet_headroom_create_primitive (
    dnnl_primitive_t *primitive, const_dnnl_primitive_desc_t pd)
{
  if (free_address_space () < PRIMITIVE_RESERVE)
    return dnnl_out_of_memory;
  return dnnl_primitive_create (primitive, pd);
}

/* ---- threads ------------------------------------------------------------- */

/* As many threads as three teams and a parked one have on this machine, with
 * what else starts meanwhile. */
#define PROBED CLAMP (6 * g_get_num_processors () + 8, 64, 1024)

/* A small stack and no malloc() in these threads: they take no address space
 * that lasts. GLib's threads need both. */
#define PROBE_STACK (128 << 10)

static pthread_mutex_t probing = PTHREAD_MUTEX_INITIALIZER;

static void *
wait_for_end (void *data)
{
  pthread_mutex_lock (&probing);
  pthread_mutex_unlock (&probing);
  return NULL;
}

/* As many as have room for their stacks beside what compiling takes. */
static guint
count_stacks (void)
{
  guint64 left = free_address_space ();

  if (left == G_MAXUINT64)
    return G_MAXUINT;
  return left < RESERVE ? 1 : 1 + (guint) ((left - RESERVE) / STACK);
}

/* Starts @threads, waits until they have ended, and returns how many there
 * were. */
static guint
probe (guint threads)
{
  g_autofree pthread_t *started = g_new (pthread_t, threads);
  pthread_attr_t attributes;
  guint n = 0;

  pthread_attr_init (&attributes);
  pthread_attr_setstacksize (&attributes, PROBE_STACK);
  pthread_mutex_lock (&probing);
  while (n < threads
      && pthread_create (&started[n], &attributes, wait_for_end, NULL) == 0)
    n++;
  pthread_mutex_unlock (&probing);
  for (guint i = 0; i < n; i++)
    pthread_join (started[i], NULL);
  pthread_attr_destroy (&attributes);
  return n;
}

/* Returns the threads of this process, 0 where the system does not tell. */
static gint
count_own (void)
{
  GDir *tasks = g_dir_open ("/proc/self/task", 0, NULL);
  gint n = 0;

  if (!tasks)
    return 0;
  while (g_dir_read_name (tasks))
    n++;
  g_dir_close (tasks);
  return n;
}

guint
unet_headroom_count_threads (guint threads)
{
  static gsize once;
  static gint own, found; /* threads at the probe, and beside them */
  const guint stacks = count_stacks ();
  gint left;

  if (g_once_init_enter (&once)) {
    own = count_own ();
    found = (gint) probe (MIN (PROBED, stacks));
    g_once_init_leave (&once, 1);
  }
  left = found;
  if (found < (gint) PROBED)
    left -= count_own () - own;
  return CLAMP (1 + left, 1, (gint) MAX (MIN (threads, stacks), 1));
}
