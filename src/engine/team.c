/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "team.h"
#include <omp.h>
#include <sys/resource.h>

#define WINDOW_US    (60 * 1000)       /* of running, before a decision */
#define QUIET_US     (30 * 1000)       /* running time per lost time slice */
#define BACKOFF_US   (2 * 1000 * 1000) /* first wait after contention */
#define BACKOFF_MAX  (64 * 1000 * 1000)

struct _UnetTeam {
  gint64 begin, end;  /* of the last run, monotonic microseconds */
  gint64 window;      /* when the window began */
  gint64 running;     /* time inside of runs since then */
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
open_window (UnetTeam *team, gint64 now)
{
  team->window = now;
  team->running = 0;
  team->lost = lost_slices ();
}

UnetTeam *
unet_team_new (void)
{
  UnetTeam *team = g_new0 (UnetTeam, 1);

  team->backoff = BACKOFF_US;
  team->end = g_get_monotonic_time ();
  open_window (team, team->end);
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

void
unet_team_begin (UnetTeam *team)
{
  team->begin = g_get_monotonic_time ();
}

/* Back to back is three quarters of the time inside of runs; alone is hardly a
 * time slice lost. */
void
unet_team_end (UnetTeam *team)
{
  gint64 now = g_get_monotonic_time ();
  gboolean busy, alone;

  team->end = now;
  team->running += now - team->begin;
  if (team->running < WINDOW_US)
    return;
  busy = team->running * 4 > (now - team->window) * 3;
  alone = (lost_slices () - team->lost) * QUIET_US <= team->running;
  if (!alone && team->spins) {
    team->not_before = now + team->backoff;
    team->backoff = MIN (2 * team->backoff, BACKOFF_MAX);
  } else if (alone && team->spins && now > team->not_before + BACKOFF_MAX) {
    team->backoff = BACKOFF_US;
  }
  set_spins (team, busy && alone && now >= team->not_before);
  open_window (team, now);
}
