/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/run/headroom.h"
#include <stdio.h>
#include <sys/resource.h>
#include <unetseg/unet-types.h>
#include <unistd.h>

/* Bytes that oneDNN's generated code, its tables and our own lists take for
 * the largest networks of the tests; weights and the arena are checked where
 * they are allocated. */
#define RESERVE (G_GUINT64_CONSTANT (64) << 20)

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
  guint64 used = used_address_space ();

  if (getrlimit (RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return G_MAXUINT64;
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

/* ---- threads ------------------------------------------------------------- */

/* The threads of the first probe: those of three teams of 16, and more than a
 * parked team asks for on most machines. A later probe would take threads from
 * a team that libgomp makes at that moment. */
#define FIRST_PROBE 48

typedef struct {
  GMutex lock;
  GCond changed;
  gboolean ends; /* under the lock */
} Probe;

static gpointer
wait_for_end (gpointer data)
{
  Probe *p = data;

  g_mutex_lock (&p->lock);
  while (!p->ends)
    g_cond_wait (&p->changed, &p->lock);
  g_mutex_unlock (&p->lock);
  return NULL;
}

/* As many as have room for their stacks beside twice what compiling takes. */
static guint
count_stacks (void)
{
  guint64 left = free_address_space ();

  if (left == G_MAXUINT64)
    return G_MAXUINT;
  return left < 2 * RESERVE ? 1 : 1 + (guint) ((left - 2 * RESERVE) / STACK);
}

/* Returns how many threads run at once, @threads at most, the caller's own
 * included. */
static guint
probe (guint threads)
{
  GPtrArray *started = g_ptr_array_new ();
  Probe p = { .ends = FALSE };
  guint n;

  g_mutex_init (&p.lock);
  g_cond_init (&p.changed);
  for (n = 1; n < threads; n++) {
    GThread *t = g_thread_try_new ("unetseg-probe", wait_for_end, &p, NULL);

    if (!t)
      break;
    g_ptr_array_add (started, t);
  }
  g_mutex_lock (&p.lock);
  p.ends = TRUE;
  g_cond_broadcast (&p.changed);
  g_mutex_unlock (&p.lock);
  for (guint i = 0; i < started->len; i++)
    g_thread_join (g_ptr_array_index (started, i));
  g_ptr_array_unref (started);
  g_cond_clear (&p.changed);
  g_mutex_clear (&p.lock);
  return MAX (n, 1);
}

guint
unet_headroom_count_threads (guint threads)
{
  static GMutex lock;
  static guint proven = 1;
  static gboolean limited;
  const guint stacks = count_stacks ();
  guint asked, n;

  threads = MIN (threads, stacks);
  g_mutex_lock (&lock);
  if (threads > proven && !limited) {
    asked = MIN (MAX (threads, FIRST_PROBE), stacks);
    n = probe (asked);
    limited = n < asked;
    proven = MAX (proven, n);
  }
  n = MIN (threads, proven);
  g_mutex_unlock (&lock);
  return n;
}
