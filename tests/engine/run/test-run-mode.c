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

/* What runs of each kind take. @busy: part of the team's time in which the
 * caller has a processor. */
typedef struct {
  gint64 team, helped, alone;
  gdouble busy;
} Times;

static const Times idle = { 10 * MS, 15 * MS, 18 * MS, 0.9 };
static const Times busy = { 1000 * MS, 40 * MS, 50 * MS, 0.1 };
static const Times full = { 1000 * MS, 80 * MS, 50 * MS, 0.1 };

/* Runs once. The rest of a late run by the team takes as long as a run of the
 * other kind. Returns how it began. */
static UnetRunKind
run (Clock *c, const Times *times)
{
  UnetRunKind kind = unet_run_mode_begin (&c->mode, c->now);
  const gint64 takes[] = { times->team, times->helped, times->alone };
  gint64 end = c->now + takes[kind];
  gboolean late = FALSE;

  for (gint64 t = c->now; kind == UNET_RUN_TEAM && !late && t < end; t += MS)
    if (unet_run_mode_is_late (&c->mode, t, (t - c->now) * times->busy)) {
      late = TRUE;
      end = t + takes[unet_run_mode_instead (&c->mode)];
    }
  c->now = end;
  unet_run_mode_end (&c->mode, c->now, late);
  return kind;
}

static guint
count (Clock *c, guint runs, const Times *times, UnetRunKind kind)
{
  guint n = 0;

  for (guint i = 0; i < runs; i++)
    n += run (c, times) == kind;
  return n;
}

START_TEST (test_idle)
{
  Clock c = start ();

  ck_assert_uint_eq (count (&c, 1000, &idle, UNET_RUN_TEAM), 1000);
}
END_TEST

/* In the first run the other threads may touch most of the memory. */
START_TEST (test_slow_first_run)
{
  const Times first = { 45 * MS, 15 * MS, 18 * MS, 0.2 };
  Clock c = start ();

  ck_assert_uint_eq (count (&c, 1, &first, UNET_RUN_TEAM), 1);
  ck_assert_uint_eq (count (&c, 1000, &idle, UNET_RUN_TEAM), 1000);
}
END_TEST

/* After each pause the first run is slow. Tries between the pauses find the
 * team again. */
START_TEST (test_pauses)
{
  const Times slow = { 60 * MS, 30 * MS, 30 * MS, 0.9 };
  Clock c = start ();
  guint n = 0;

  count (&c, 10, &idle, UNET_RUN_TEAM);
  count (&c, 100, &full, UNET_RUN_TEAM);
  for (guint i = 0; i < 200; i++) {
    c.now += 3000 * MS;
    n = count (&c, 1, &slow, UNET_RUN_TEAM);
    n += count (&c, 29, &idle, UNET_RUN_TEAM);
  }
  ck_assert_uint_eq (n, 30);
}
END_TEST

/* The first run does not know how long a quick one takes. */
START_TEST (test_busy_from_the_start)
{
  Clock c = start ();
  gint64 before = c.now;

  ck_assert_int_eq (run (&c, &busy), UNET_RUN_TEAM);
  ck_assert_int_le (c.now - before, 110 * MS);
  ck_assert_int_ne (run (&c, &busy), UNET_RUN_TEAM);
}
END_TEST

/* A busy time costs little, whichever kind is quickest in it, and the team is
 * back after it. */
START_TEST (test_busy_for_a_time)
{
  const Times *times = _i ? &full : &busy;
  gint64 least = MIN (times->helped, times->alone), before;
  Clock c = start ();

  count (&c, 100, &idle, UNET_RUN_TEAM);
  before = c.now;
  ck_assert_uint_ge (
      count (&c, 1000, times, _i ? UNET_RUN_ALONE : UNET_RUN_HELPED), 950);
  ck_assert_int_le (c.now - before, 1.05 * 1000 * least);
  count (&c, 1000, &idle, UNET_RUN_TEAM);
  ck_assert_uint_eq (count (&c, 100, &idle, UNET_RUN_TEAM), 100);
}
END_TEST

/* One late run in fifty is no reason to leave the team for long. */
START_TEST (test_jitter)
{
  const Times late = { 60 * MS, 15 * MS, 18 * MS, 0.9 };
  Clock c = start ();
  guint n = 0;

  for (guint i = 0; i < 40; i++) {
    n += count (&c, 49, &idle, UNET_RUN_TEAM);
    n += count (&c, 1, &late, UNET_RUN_TEAM);
  }
  ck_assert_uint_ge (n, 1980);
}
END_TEST

/* Half of the team's runs are late, and it is the quickest nevertheless. */
START_TEST (test_quicker_though_late)
{
  const Times quick = { 10 * MS, 60 * MS, 60 * MS, 0.9 };
  const Times slow = { 18 * MS, 60 * MS, 60 * MS, 0.9 };
  Clock c = start ();
  guint n = 0;

  count (&c, 100, &quick, UNET_RUN_TEAM);
  for (guint i = 0; i < 1000; i++)
    n += count (&c, 1, i % 2 ? &slow : &quick, UNET_RUN_TEAM);
  ck_assert_uint_ge (n, 700);
}
END_TEST

/* Tries of the other kinds leave the 95th percentile alone, of long runs,
 * too. */
START_TEST (test_tries_are_few)
{
  const Times slow = { 20000 * MS, 1000 * MS, 1100 * MS, 0.1 };
  Clock c = start ();

  count (&c, 10, &slow, UNET_RUN_HELPED);
  ck_assert_uint_ge (count (&c, 1000, &slow, UNET_RUN_HELPED), 950);
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
  tcase_add_test (tc, test_slow_first_run);
  tcase_add_test (tc, test_pauses);
  tcase_add_test (tc, test_busy_from_the_start);
  tcase_add_loop_test (tc, test_busy_for_a_time, 0, 2);
  tcase_add_test (tc, test_jitter);
  tcase_add_test (tc, test_quicker_though_late);
  tcase_add_test (tc, test_tries_are_few);
  suite_add_tcase (suite, tc);
  srunner_run_all (runner, CK_ENV);
  failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed ? 1 : 0;
}
