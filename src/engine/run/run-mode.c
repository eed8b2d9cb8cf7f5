/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/run/run-mode.h"

/* A team is late when a run takes half as long again as a quick one, and a
 * millisecond, which is what waking threads up may cost. */
#define SLACK_US 1000
/* Without a quick run to compare with: when the caller has waited for as long
 * as it computed, and for longer than threads take to start and to touch the
 * plan's memory for the first time. */
#define START_US (50 * 1000)
/* A late run counts as much as this many others. Two of the last few make the
 * team too slow. */
#define LATE      4
#define LATE_MOST 8
/* Runs of one try. */
#define TRIES 2
/* First and longest wait between tries, and the least number of runs. Two runs
 * of 40 leave the 95th percentile alone. */
#define WAIT_US   (1000 * 1000)
#define WAIT_MOST (8 * 1000 * 1000)
#define WAIT_RUNS 40
/* A longer pause between runs does not bring a try nearer. The first run after
 * it wakes threads and processors up, so a try would always meet that run. */
#define REST_US (100 * 1000)
/* What other kinds took longer ago than this says nothing of the machine now.
 */
#define AGE_US (2 * 1000 * 1000)

void
unet_run_mode_init (UnetRunMode *self)
{
  *self = (UnetRunMode){ .kind = UNET_RUN_TEAM, .wait = WAIT_US };
}

void
unet_run_mode_fix (UnetRunMode *self, UnetRunKind kind)
{
  *self = (UnetRunMode){ .kind = kind,
    .quickest = G_MAXINT64 / 4,
    .mean = { 1, 1, 1 },
    .try_at = G_MAXINT64,
    .wait = WAIT_US };
}

UnetRunKind
unet_run_mode_begin (UnetRunMode *self, gint64 now)
{
  gint64 rest = self->end > 0 ? now - self->end - REST_US : 0;
  gboolean tries;

  if (rest > 0)
    self->try_at += rest;
  tries = self->kind != UNET_RUN_TEAM && now >= self->try_at
      && self->mean[self->kind] > 0;
  self->begin = now;
  self->present = tries ? self->candidate : self->kind;
  return self->present;
}

gboolean
unet_run_mode_is_late (const UnetRunMode *self, gint64 now, gint64 busy)
{
  gint64 elapsed = now - self->begin;

  if (self->quickest > 0)
    return elapsed > self->quickest + self->quickest / 2 + SLACK_US;
  return elapsed > 2 * busy + START_US;
}

UnetRunKind
unet_run_mode_instead (const UnetRunMode *self)
{
  return self->kind == UNET_RUN_TEAM ? UNET_RUN_HELPED : self->kind;
}

static void
add_to_mean (gint64 *mean, gint64 elapsed)
{
  *mean = *mean > 0 ? (7 * *mean + elapsed) / 8 : MAX (elapsed, 1);
}

static UnetRunKind
quickest_kind (const UnetRunMode *self)
{
  UnetRunKind best = self->kind;

  for (guint i = 0; i < UNET_N_RUN_KINDS; i++)
    if (self->mean[i] > 0 && self->mean[i] < self->mean[best])
      best = i;
  return best;
}

/* Tries the other kinds at once: what they take beside what is busy now is not
 * known. */
static void
leave_team (UnetRunMode *self, gint64 now)
{
  self->kind = UNET_RUN_HELPED;
  self->mean[UNET_RUN_HELPED] = self->mean[UNET_RUN_ALONE] = 0;
  self->candidate = UNET_RUN_ALONE;
  self->tries = 0;
  self->tried = 0;
  self->try_at = now;
}

static void
end_team_run (UnetRunMode *self, gint64 now, gboolean late)
{
  add_to_mean (&self->mean[UNET_RUN_TEAM], now - self->begin);
  if (!late) {
    self->late -= self->late > 0;
    return;
  }
  self->late = MIN (self->late + LATE, LATE_MOST);
  if (self->quickest == 0
      || (self->late == LATE_MOST
          && (self->known_at == 0 || now - self->known_at > AGE_US
              || quickest_kind (self) != UNET_RUN_TEAM)))
    leave_team (self, now);
}

/* Chooses the quickest kind when a try has ended. The next try is of the other
 * kind that was not tried last. */
static void
end_try (UnetRunMode *self, gint64 now)
{
  UnetRunKind before = self->kind, tried = self->candidate;

  self->mean[tried] = self->tried / TRIES;
  self->kind = quickest_kind (self);
  if (self->kind == before)
    self->wait = MIN (2 * self->wait, WAIT_MOST);
  else
    self->wait = MAX (self->wait / 4, WAIT_US);
  self->try_at = now + MAX (self->wait, WAIT_RUNS * self->mean[self->kind]);
  self->candidate = tried == UNET_RUN_TEAM
      ? UNET_RUN_HELPED + UNET_RUN_ALONE - self->kind
      : UNET_RUN_TEAM;
  self->tries = 0;
  self->tried = 0;
  self->late = 0;
  self->known_at = now;
}

/* The quickest time is forgotten slowly, since processors change their
 * clocks. */
static void
note_quickest (UnetRunMode *self, gint64 elapsed)
{
  gint64 slower = self->quickest + self->quickest / 64;

  self->quickest =
      MAX (self->quickest > 0 ? MIN (slower, elapsed) : elapsed, 1);
}

void
unet_run_mode_end (UnetRunMode *self, gint64 now, gboolean late)
{
  gint64 elapsed = now - self->begin;

  self->end = now;
  if (self->present == UNET_RUN_TEAM && !late)
    note_quickest (self, elapsed);
  if (self->present != self->kind) {
    self->tried += elapsed;
    if (++self->tries == TRIES)
      end_try (self, now);
  } else if (self->kind == UNET_RUN_TEAM) {
    end_team_run (self, now, late);
  } else {
    add_to_mean (&self->mean[self->kind], elapsed);
  }
}
