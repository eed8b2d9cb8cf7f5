/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What tests of kernels of bytes have in common: random shapes and samples,
 * and a suite of one test per instruction set. */

#include <check.h>
#include <glib.h>
#include <stdlib.h>

#define GUARD 64

static GRand *rng;

static inline guint
rounds (void)
{
  const gchar *text = g_getenv ("UNET_TEST_ROUNDS");

  return text ? 2 * atoi (text) : 120;
}

static inline gint64
range (gint64 low, gint64 high)
{
  return g_rand_int_range (rng, low, high + 1);
}

static inline guint8 *
noise (gsize size)
{
  guint8 *data = g_malloc (size);

  for (gsize i = 0; i < size; i++)
    data[i] = g_rand_int (rng);
  return data;
}

static inline int
run_suite (
    const char *name, guint32 seed, const TTest *const *tests, guint n_tests)
{
  Suite *suite = suite_create (name);
  TCase *all = tcase_create ("all");
  SRunner *runner;
  int failed;

  rng = g_rand_new_with_seed (seed);
  tcase_set_timeout (all, 120);
  for (guint i = 0; i < n_tests; i++)
    tcase_add_test (all, tests[i]);
  suite_add_tcase (suite, all);
  runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  g_rand_free (rng);
  return failed != 0;
}
