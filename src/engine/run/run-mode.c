/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/run/run-mode.h"

/* A team is late when a run takes half as long again as a quick one, and a
 * millisecond, which is what waking threads up may cost. */
#define SLACK_US 1000
/* Without a quick run to compare with: when the caller has waited for as long
 * as it computed, and for longer than a team takes to start. */
#define START_US 4000
/* Two late runs of the last few make the team too slow. */
#define LATE      4
#define LATE_MOST 8
/* First and longest wait before the team is tried again. */
#define WAIT_US     (250 * 1000)
#define WAIT_MOST   (8 * 1000 * 1000)
#define POOL_AGE_US (2 * 1000 * 1000)
#define POOL_RUNS   3 /* after which its mean is compared with the team's */

void
unet_run_mode_init (UnetRunMode *self)
{
  *self = (UnetRunMode){ .kind = UNET_RUN_TEAM, .wait = WAIT_US };
}

UnetRunKind
unet_run_mode_begin (UnetRunMode *self, gint64 now)
{
  self->begin = now;
  self->first = self->kind == UNET_RUN_POOL && now < self->try_at
      ? UNET_RUN_POOL
      : UNET_RUN_TEAM;
  return self->first;
}

gboolean
unet_run_mode_is_late (const UnetRunMode *self, gint64 now, gint64 busy)
{
  gint64 elapsed = now - self->begin;

  if (self->quickest > 0)
    return elapsed > self->quickest + self->quickest / 2 + SLACK_US;
  return elapsed > 2 * busy + START_US;
}

static void
add_to_mean (gint64 *mean, gint64 elapsed)
{
  *mean = *mean > 0 ? (7 * *mean + elapsed) / 8 : MAX (elapsed, 1);
}

static void
wait_longer (UnetRunMode *self, gint64 now)
{
  self->try_at = now + self->wait;
  self->wait = MIN (2 * self->wait, WAIT_MOST);
}

/* A mean of the pool that is not recent says nothing of the machine now. */
static gboolean
pool_is_quicker (const UnetRunMode *self, gint64 now)
{
  return self->pool == 0 || now - self->pool_end > POOL_AGE_US
      || self->pool < self->team;
}

static void
end_team_run (UnetRunMode *self, gint64 now, gboolean late)
{
  add_to_mean (&self->team, now - self->begin);
  if (!late) {
    self->late -= self->late > 0;
    return;
  }
  self->late = MIN (self->late + LATE, LATE_MOST);
  if (self->quickest > 0
      && (self->late < LATE_MOST || !pool_is_quicker (self, now)))
    return;
  self->kind = UNET_RUN_POOL;
  self->pool = self->last_try = 0;
  self->pool_runs = 0;
  wait_longer (self, now);
}

static void
go_back (UnetRunMode *self, gint64 team)
{
  self->kind = UNET_RUN_TEAM;
  self->team = team;
  self->late = 0;
  self->wait = MAX (self->wait / 4, WAIT_US);
}

/* The team is back when its last two tries were quicker on average than the
 * pool is. */
static void
end_try (UnetRunMode *self, gint64 now, gboolean late)
{
  gint64 elapsed = now - self->begin, last = self->last_try;

  self->last_try = elapsed;
  if (last > 0 && (last + elapsed) / 2 < self->pool)
    go_back (self, (last + elapsed) / 2);
  else if (late || elapsed >= self->pool)
    wait_longer (self, now);
}

/* It is back at once when the pool turns out to be slower than the late team
 * was. */
static void
end_pool_run (UnetRunMode *self, gint64 now)
{
  add_to_mean (&self->pool, now - self->begin);
  self->pool_end = now;
  if (++self->pool_runs == POOL_RUNS && self->team < self->pool)
    go_back (self, self->team);
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
  if (self->first == UNET_RUN_POOL) {
    end_pool_run (self, now);
    return;
  }
  if (self->kind == UNET_RUN_TEAM)
    end_team_run (self, now, late);
  else
    end_try (self, now, late);
  if (!late)
    note_quickest (self, now - self->begin);
}
