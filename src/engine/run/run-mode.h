/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Chooses how a plan of several threads runs, from the times of its runs.
 *
 * A team waits at the end of every step for its slowest thread. That is
 * quickest on an idle machine. Beside other busy threads the last thread of a
 * team may get a processor only after tens of milliseconds, at every step. So a
 * run that is late goes on without a team: primitives on one thread, kernels
 * with a pool whose helpers nobody waits for. Later runs try a team again at
 * growing intervals. All times are in microseconds. */

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  UNET_RUN_TEAM,
  UNET_RUN_POOL,
} UnetRunKind;

typedef struct {
  UnetRunKind kind;  /* of runs that try nothing */
  UnetRunKind first; /* of the present run, when it began */
  gint64 begin;      /* of the present run */
  gint64 quickest;   /* a quick run by the team; 0: none yet */
  gint64 team, pool; /* mean of recent runs; 0: not known */
  gint64 pool_end;   /* of the last run by the pool */
  guint pool_runs;   /* since the team was late */
  guint late;        /* rises with each late run, falls with others */
  gint64 last_try;   /* time of the last run that tried the team; 0: none */
  gint64 try_at;     /* time of the next try */
  gint64 wait;       /* before the try after the next */
} UnetRunMode;

void unet_run_mode_init (UnetRunMode *self);

/* Begins a run at the time @now and returns how. */
UnetRunKind unet_run_mode_begin (UnetRunMode *self, gint64 now);

/* Returns whether a run by the team should go on without it. @busy: the time
 * that the calling thread has had a processor since the run began. */
gboolean unet_run_mode_is_late (
    const UnetRunMode *self, gint64 now, gint64 busy);

/* Ends a run. @late: it went on without the team. */
void unet_run_mode_end (UnetRunMode *self, gint64 now, gboolean late);

G_END_DECLS
