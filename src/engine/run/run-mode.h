/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Chooses how a plan of several threads runs, from the times of its runs.
 *
 * A team waits at the end of every step for its slowest thread. That is
 * quickest on an idle machine. Beside other busy threads the last thread of a
 * team may get a processor only after tens of milliseconds, at every step. So a
 * run that is late goes on without a team: primitives on one thread, and
 * kernels with helpers that nobody waits for before they have begun. Where
 * there are more busy threads still, one thread alone is quickest. Later runs
 * try the other kinds at growing intervals. All times are in microseconds. */

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  UNET_RUN_TEAM,
  UNET_RUN_HELPED,
  UNET_RUN_ALONE,
  UNET_N_RUN_KINDS
} UnetRunKind;

typedef struct {
  UnetRunKind kind;              /* of runs that try nothing */
  UnetRunKind present;           /* of the present run, when it began */
  gint64 begin;                  /* of the present run */
  gint64 end;                    /* of the last run; 0: none yet */
  gint64 quickest;               /* a quick run by the team; 0: none yet */
  gint64 mean[UNET_N_RUN_KINDS]; /* of recent runs; 0: not known */
  gint64 known_at;       /* time of the last comparison of kinds; 0: none */
  guint late;            /* rises with each late run, falls with others */
  UnetRunKind candidate; /* the kind to try next */
  guint tries;           /* runs that have tried it so far */
  gint64 tried;          /* their time */
  gint64 try_at;         /* time of the next try */
  gint64 wait;           /* before the try after the next */
} UnetRunMode;

void unet_run_mode_init (UnetRunMode *self);

/* Makes all runs from now on of one kind, for tests and benchmarks. */
void unet_run_mode_fix (UnetRunMode *self, UnetRunKind kind);

/* Begins a run at the time @now and returns how. */
UnetRunKind unet_run_mode_begin (UnetRunMode *self, gint64 now);

/* Returns whether a run by the team should go on without it. @busy: the time
 * that the calling thread has had a processor since the run began. */
gboolean unet_run_mode_is_late (
    const UnetRunMode *self, gint64 now, gint64 busy);

/* Returns how a late run goes on. */
UnetRunKind unet_run_mode_instead (const UnetRunMode *self);

/* Ends a run. @late: it went on without the team. */
void unet_run_mode_end (UnetRunMode *self, gint64 now, gboolean late);

G_END_DECLS
