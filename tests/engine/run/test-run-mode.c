/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a plan chooses between a team and a pool, with made-up times. */

#include <check.h>
#include "engine/run/run-mode.h"

#define MS 1000 /* microseconds */

typedef struct {
  UnetRunMode mode;
  gint64 now;
} Clock;

static Clock
start (void)
{
  Clock c = { .now = 1000 * MS };

  unet_run_mode_init (&c.mode);
  return c;
}

/* Runs once. The team takes @team; once it is late, the rest takes @pool, as a
 * run by the pool does. @busy: part of the time with a processor. Returns how
 * it began. */
static UnetRunKind
run (Clock *c, gint64 team, gint64 pool, gdouble busy)
{
  UnetRunKind kind = unet_run_mode_begin (&c->mode, c->now);
  gint64 end = c->now + (kind == UNET_RUN_TEAM ? team : pool);
  gboolean late = FALSE;

  for (gint64 t = c->now; kind == UNET_RUN_TEAM && !late && t <= end; t += MS)
    if (unet_run_mode_is_late (&c->mode, t, (t - c->now) * busy)) {
      late = TRUE;
      end = t + pool;
    }
  c->now = end;
  unet_run_mode_end (&c->mode, c->now, late);
  return kind;
}

static guint
count_team (Clock *c, guint runs, gint64 team, gint64 pool)
{
  guint n = 0;

  for (guint i = 0; i < runs; i++)
    n += run (c, team, pool, 0.9) == UNET_RUN_TEAM;
  return n;
}

START_TEST (test_idle)
{
  Clock c = start ();

  ck_assert_uint_eq (count_team (&c, 1000, 10 * MS, 18 * MS), 1000);
}
END_TEST

/* The first run does not know how long a quick one takes. */
START_TEST (test_busy_from_the_start)
{
  Clock c = start ();

  ck_assert_int_eq (run (&c, 1000 * MS, 40 * MS, 0.1), UNET_RUN_TEAM);
  ck_assert_int_le (c.now, 1050 * MS);
  ck_assert_int_eq (run (&c, 1000 * MS, 40 * MS, 0.1), UNET_RUN_POOL);
}
END_TEST

/* A busy time costs little, and the team is back after it. */
START_TEST (test_busy_for_a_time)
{
  Clock c = start ();
  guint tries;
  gint64 before;

  count_team (&c, 100, 10 * MS, 18 * MS);
  before = c.now;
  tries = count_team (&c, 1000, 400 * MS, 20 * MS);
  ck_assert_uint_le (tries, 20);
  ck_assert_int_le (c.now - before, 1.05 * 1000 * 20 * MS);
  count_team (&c, 1000, 10 * MS, 18 * MS);
  ck_assert_uint_eq (count_team (&c, 100, 10 * MS, 18 * MS), 100);
}
END_TEST

/* One late run in fifty is no reason to leave the team for long. */
START_TEST (test_jitter)
{
  Clock c = start ();
  guint n = 0;

  for (guint i = 0; i < 40; i++) {
    n += count_team (&c, 49, 10 * MS, 18 * MS);
    n += run (&c, 60 * MS, 18 * MS, 0.9) == UNET_RUN_TEAM;
  }
  ck_assert_uint_ge (n, 1980);
}
END_TEST

/* Where half of the runs are late, but the team is quicker nevertheless. */
START_TEST (test_quicker_though_late)
{
  Clock c = start ();
  guint n = 0;

  count_team (&c, 100, 10 * MS, 60 * MS);
  for (guint i = 0; i < 500; i++)
    n += count_team (&c, 1, i % 2 ? 18 * MS : 10 * MS, 60 * MS);
  ck_assert_uint_ge (n, 350);
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("run-mode");
  TCase *tc = tcase_create ("run-mode");
  SRunner *runner = srunner_create (suite);
  gint failed;

  tcase_add_test (tc, test_idle);
  tcase_add_test (tc, test_busy_from_the_start);
  tcase_add_test (tc, test_busy_for_a_time);
  tcase_add_test (tc, test_jitter);
  tcase_add_test (tc, test_quicker_though_late);
  suite_add_tcase (suite, tc);
  srunner_run_all (runner, CK_ENV);
  failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed ? 1 : 0;
}
