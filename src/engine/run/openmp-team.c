/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/run/openmp-team.h"
#include "base/clock.h"
#include "engine/run/headroom.h"
#include "engine/kernels/parallel.h"
#include <unistd.h>

/* Running time after which spinning is judged, in microseconds. Threads that
 * wake each other share a processor until the kernel moves them apart, which
 * looks like contention for some 20 ms; a shorter window would judge that. */
#define WINDOW_US (80 * 1000)
/* A time slice lost for each SLICE_US of running is contention: next to other
 * busy threads the kernel takes a slice away sooner. */
#define SLICE_US (8 * 1000)
/* Runs in a row with a pause before each, after which the input is slower than
 * the network. */
#define LIVE_PAUSES 3
/* First and longest wait after contention before spinning is tried again. */
#define BACKOFF_US  (250 * 1000)
#define BACKOFF_MAX (16 * 1000 * 1000)

struct _UnetOpenmpTeam {
  gint64 begin, end; /* of the last run, monotonic microseconds */
  guint pauses;      /* runs with a pause before each */
  gint64 running;    /* microseconds of runs in the present window */
  glong lost;        /* involuntary switches when the window began */
  gint64 not_before; /* time before which it does not spin */
  gint64 backoff;
  gboolean spins; /* it wants long waits */
};

/* ---- the parked thread --------------------------------------------------- */

static GMutex lock;
static GCond changed;
static gboolean wanted, is_parked, closing; /* under the lock */
static guint teams, spinners;               /* likewise */
static GThread *manager;
static pid_t manager_process;

/* Makes a team, which libgomp counts until this thread ends. */
static gpointer
park (gpointer data)
{
  unet_parallel_make_team (g_get_num_processors () + 2);
  g_mutex_lock (&lock);
  while (wanted)
    g_cond_wait (&changed, &lock);
  g_mutex_unlock (&lock);
  return NULL;
}

/* Threads beyond the parked team's that must be to be had: sessions may make
 * teams of their own at the same moment, and libgomp ends the process where it
 * gets no thread. */
#define SPARE_THREADS 32

static gboolean
can_park (void)
{
  guint n = g_get_num_processors () + SPARE_THREADS;

  return !unet_headroom_is_limited () && unet_headroom_count_threads (n) == n;
}

static void
give_up (void)
{
  g_mutex_lock (&lock);
  wanted = FALSE;
  g_mutex_unlock (&lock);
}

/* Starts and ends the parked thread, which takes memory and time, so that the
 * threads that run sessions do not have to. This thread stays asleep once there
 * has been a session. */
static gpointer
manage (gpointer data)
{
  for (;;) {
    GThread *thread;

    g_mutex_lock (&lock);
    while (!wanted && !closing)
      g_cond_wait (&changed, &lock);
    is_parked = !closing;
    g_mutex_unlock (&lock);
    if (!is_parked)
      return NULL;
    thread = can_park () ? g_thread_try_new ("unetseg-park", park, NULL, NULL)
                         : NULL;
    if (thread)
      g_thread_join (thread);
    else /* All waits stay long until a session asks again. */
      give_up ();
    g_mutex_lock (&lock);
    is_parked = FALSE;
    g_mutex_unlock (&lock);
  }
  return NULL;
}

static void
start_manager (void)
{
  static gsize once;

  if (g_once_init_enter (&once)) {
    manager_process = getpid ();
    manager = g_thread_try_new ("unetseg-team", manage, NULL, NULL);
    g_once_init_leave (&once, 1);
  }
}

/* Ends the threads before LLVM's runtime frees its teams at the end of the
 * process: it frees them even while a thread makes or leaves one. Destructors
 * of the libraries that this one needs run after it. A forked child has no such
 * threads. */
__attribute__ ((destructor)) static void
stop_manager (void)
{
  if (!manager || manager_process != getpid ())
    return;
  g_mutex_lock (&lock);
  closing = TRUE;
  wanted = FALSE;
  g_cond_broadcast (&changed);
  g_mutex_unlock (&lock);
  g_thread_join (manager);
  manager = NULL;
}

/* Call it with the lock held. */
static void
update (void)
{
  wanted = teams > spinners && !closing;
  g_cond_broadcast (&changed);
}

static void
set_spins (UnetOpenmpTeam *team, gboolean spins)
{
  if (team->spins == spins)
    return;
  team->spins = spins;
  g_mutex_lock (&lock);
  spinners += spins ? 1 : -1;
  update ();
  g_mutex_unlock (&lock);
}

/* ---- one session --------------------------------------------------------- */

static void
open_window (UnetOpenmpTeam *team)
{
  team->running = 0;
  team->lost = unet_clock_lost_slices ();
}

UnetOpenmpTeam *
unet_openmp_team_new (void)
{
  UnetOpenmpTeam *team = g_new0 (UnetOpenmpTeam, 1);

  team->backoff = BACKOFF_US;
  team->end = g_get_monotonic_time ();
  open_window (team);
  start_manager ();
  g_mutex_lock (&lock);
  teams++;
  update ();
  g_mutex_unlock (&lock);
  return team;
}

void
unet_openmp_team_free (UnetOpenmpTeam *team)
{
  if (!team)
    return;
  set_spins (team, FALSE);
  g_mutex_lock (&lock);
  teams--;
  update ();
  g_mutex_unlock (&lock);
  g_free (team);
}

/* Worker threads spin only while runs follow each other without a gap. After
 * LIVE_PAUSES runs that each began late by more than a third of the previous
 * run's time, the input is slower than the network and spinning stops. */
void
unet_openmp_team_begin (UnetOpenmpTeam *team)
{
  gint64 now = g_get_monotonic_time ();

  if (3 * (now - team->end) > team->end - team->begin) {
    if (++team->pauses >= LIVE_PAUSES)
      set_spins (team, FALSE);
  } else {
    team->pauses = 0;
    if (!team->spins && now >= team->not_before) {
      set_spins (team, TRUE);
      open_window (team);
    }
  }
  team->begin = now;
}

/* Spinning stops where the process loses time slices to other ones. Each time
 * that this happens the next try waits longer. */
void
unet_openmp_team_end (UnetOpenmpTeam *team)
{
  glong lost;

  team->end = g_get_monotonic_time ();
  team->running += team->end - team->begin;
  if (!team->spins || team->running < WINDOW_US)
    return;
  lost = unet_clock_lost_slices () - team->lost;
  if (lost * SLICE_US > team->running) {
    set_spins (team, FALSE);
    team->not_before = team->end + team->backoff;
    team->backoff = MIN (2 * team->backoff, BACKOFF_MAX);
  } else {
    team->backoff = MAX (team->backoff / 2, BACKOFF_US);
  }
  open_window (team);
}
