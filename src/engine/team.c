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
static GCond wake;
static GThread *parked;
static gboolean leave;
static guint teams, spinners;

static gpointer
park (gpointer data)
{
#pragma omp parallel num_threads(omp_get_num_procs () + 2)
  {
    __asm__ volatile ("" ::: "memory"); /* a region that is not dropped */
  }
  g_mutex_lock (&lock);
  while (!leave)
    g_cond_wait (&wake, &lock);
  g_mutex_unlock (&lock);
  return NULL;
}

/* With the lock held, which it may let go. */
static void
update (void)
{
  gboolean wanted = teams > spinners;

  if (wanted && !parked) {
    leave = FALSE;
    parked = g_thread_try_new ("unetseg-park", park, NULL, NULL);
  } else if (!wanted && parked) {
    GThread *thread = parked;

    parked = NULL;
    leave = TRUE;
    g_cond_signal (&wake);
    g_mutex_unlock (&lock);
    g_thread_join (thread);
    g_mutex_lock (&lock);
  }
}

gboolean
unet_team_spins (void)
{
  gboolean spins;

  g_mutex_lock (&lock);
  spins = parked == NULL;
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
