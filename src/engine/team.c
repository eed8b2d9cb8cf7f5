/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "team.h"
#include <omp.h>
#include <sys/resource.h>

#define WINDOW_US    (8 * 1000)        /* of running, before a decision */
#define QUIET_US     (30 * 1000)       /* running time per lost time slice */
#define BACKOFF_US   (2 * 1000 * 1000) /* first wait after contention */
#define BACKOFF_MAX  (64 * 1000 * 1000)

struct _UnetTeam {
  gint64 begin, end;  /* of the last run, monotonic microseconds */
  guint streak;       /* runs one upon the other */
  gint64 running;     /* time inside of them, in the present window */
  glong lost;         /* involuntary switches when the window began */
  gint64 not_before;  /* no spinning until then */
  gint64 backoff;
  gboolean spins;     /* its wish */
};

/* ---- the parked thread --------------------------------------------------- */

static GMutex lock;
static GCond changed;
static gboolean wanted, is_parked; /* under the lock */
static guint teams, spinners;      /* likewise */

/* A region makes the team, which libgomp counts until its thread ends. */
static gpointer
park (gpointer data)
{
#pragma omp parallel num_threads(omp_get_num_procs () + 2)
  {
    __asm__ volatile ("" ::: "memory"); /* a region that is not dropped */
  }
  g_mutex_lock (&lock);
  while (wanted)
    g_cond_wait (&changed, &lock);
  g_mutex_unlock (&lock);
  return NULL;
}

/* Starts and ends the parked thread, so that nobody who runs a session has to:
 * that takes memory and time. Stays, asleep, once there has been a session. */
static gpointer
manage (gpointer data)
{
  for (;;) {
    GThread *thread;

    g_mutex_lock (&lock);
    while (!wanted)
      g_cond_wait (&changed, &lock);
    is_parked = TRUE;
    g_mutex_unlock (&lock);
    thread = g_thread_new ("unetseg-park", park, NULL);
    g_thread_join (thread);
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
    g_thread_unref (g_thread_new ("unetseg-team", manage, NULL));
    g_once_init_leave (&once, 1);
  }
}

/* With the lock held. */
static void
update (void)
{
  wanted = teams > spinners;
  g_cond_broadcast (&changed);
}

gboolean
unet_team_spins (void)
{
  gboolean spins;

  g_mutex_lock (&lock);
  spins = !is_parked;
  g_mutex_unlock (&lock);
  return spins;
}

static void
set_spins (UnetTeam *team, gboolean spins)
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

/* Time slices that the process lost to somebody else. */
static glong
lost_slices (void)
{
  struct rusage usage;

  return getrusage (RUSAGE_SELF, &usage) == 0 ? usage.ru_nivcsw : 0;
}

static void
open_window (UnetTeam *team)
{
  team->running = 0;
  team->lost = lost_slices ();
}

UnetTeam *
unet_team_new (void)
{
  UnetTeam *team = g_new0 (UnetTeam, 1);

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
unet_team_free (UnetTeam *team)
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

/* A pause of a third of a run is one in which nobody should spin: the frames
 * come slower than we are. */
void
unet_team_begin (UnetTeam *team)
{
  gint64 now = g_get_monotonic_time ();

  if (3 * (now - team->end) > team->end - team->begin) {
    team->streak = 0;
    set_spins (team, FALSE);
    open_window (team);
  }
  team->begin = now;
}

/* Spinning pays for runs one upon the other while hardly a time slice is lost
 * to others; each time that it turns out not to, the next try waits longer. */
void
unet_team_end (UnetTeam *team)
{
  gboolean alone;

  team->end = g_get_monotonic_time ();
  team->running += team->end - team->begin;
  if (++team->streak < 3 || team->running < WINDOW_US)
    return;
  alone = (lost_slices () - team->lost) * QUIET_US <= team->running;
  if (!alone && team->spins) {
    team->not_before = team->end + team->backoff;
    team->backoff = MIN (2 * team->backoff, BACKOFF_MAX);
  } else if (alone && team->spins
      && team->end > team->not_before + BACKOFF_MAX) {
    team->backoff = BACKOFF_US;
  }
  set_spins (team, alone && team->end >= team->not_before);
  open_window (team);
}
