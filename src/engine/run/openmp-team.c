/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/run/openmp-team.h"
#include "engine/kernels/parallel.h"
#include <sys/resource.h>
#include <unistd.h>

/* Threads that slept and woke each other share a processor until the kernel's
 * balancing takes them apart: that looks like contention for some 20 ms. */
#define WINDOW_US   (80 * 1000) /* of spinning, before it is judged */
#define SLICE_US    (8 * 1000)  /* beside others a slice goes sooner */
#define LIVE_PAUSES 3
#define BACKOFF_US  (250 * 1000) /* first wait after contention */
#define BACKOFF_MAX (16 * 1000 * 1000)

struct _UnetTeam {
  gint64 begin, end; /* of the last run, monotonic microseconds */
  guint pauses;      /* runs with a pause before each */
  gint64 running;    /* time inside of them, in the present window */
  glong lost;        /* involuntary switches when the window began */
  gint64 not_before; /* no spinning until then */
  gint64 backoff;
  gboolean spins; /* its wish */
};

/* ---- the parked thread --------------------------------------------------- */

static GMutex lock;
static GCond changed;
static gboolean wanted, is_parked, closing; /* under the lock */
static guint teams, spinners;               /* likewise */
static GThread *manager;
static pid_t manager_process;

/* A region makes the team, which libgomp counts until its thread ends. */
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

/* Starts and ends the parked thread, so that nobody who runs a session has to:
 * that takes memory and time. Stays, asleep, once there has been a session. */
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
    manager_process = getpid ();
    manager = g_thread_new ("unetseg-team", manage, NULL);
    g_once_init_leave (&once, 1);
  }
}

/* LLVM's runtime takes its teams away when the process ends, even from under
 * a thread that is about to make or leave one; those of the libraries that we
 * need come after us. A forked child has no such threads. */
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

/* With the lock held. */
static void
update (void)
{
  wanted = teams > spinners && !closing;
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

/* Spinning pays for runs one upon the other. A pause of a third of a run before
 * each of them means that frames come slower than we are: then nobody should
 * spin. One pause alone says nothing. */
void
unet_team_begin (UnetTeam *team)
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

/* Where time slices are lost to others it does not pay; each time that this
 * turns out, the next try waits longer. */
void
unet_team_end (UnetTeam *team)
{
  glong lost;

  team->end = g_get_monotonic_time ();
  team->running += team->end - team->begin;
  if (!team->spins || team->running < WINDOW_US)
    return;
  lost = lost_slices () - team->lost;
  if (lost * SLICE_US > team->running) {
    set_spins (team, FALSE);
    team->not_before = team->end + team->backoff;
    team->backoff = MIN (2 * team->backoff, BACKOFF_MAX);
  } else {
    team->backoff = MAX (team->backoff / 2, BACKOFF_US);
  }
  open_window (team);
}
