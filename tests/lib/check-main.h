/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The end of a test program that uses Check: it runs test cases as one suite
 * and makes the exit status. A file includes it as "lib/check-main.h" and
 * takes check_dep of tests/meson.build.
 *
 *   int
 *   main (void)
 *   {
 *     static const TTest *const tests[] = { one, another };
 *
 *     return check_run_tests ("name", 120, tests,
 *         sizeof tests / sizeof *tests);
 *   }
 */

#include <check.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

/* Runs the test cases of a list that ends with NULL, and frees them. Check's
 * environment variables (CK_VERBOSITY, CK_FORK, CK_RUN_CASE) apply. Returns
 * the exit status of the program. */
static inline int
check_run_cases (const char *name, TCase *first, ...)
{
  Suite *suite = suite_create (name);
  SRunner *runner;
  va_list more;
  int failed;

  va_start (more, first);
  for (TCase *tcase = first; tcase; tcase = va_arg (more, TCase *))
    suite_add_tcase (suite, tcase);
  va_end (more);
  runner = srunner_create (suite);
  srunner_run_all (runner, CK_ENV);
  failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Returns a test case with the tests of a list. @timeout: seconds for each
 * test. */
static inline TCase *
check_new_case (
    const char *name, double timeout, const TTest *const *tests, size_t n_tests)
{
  TCase *tcase = tcase_create (name);

  tcase_set_timeout (tcase, timeout);
  for (size_t i = 0; i < n_tests; i++)
    tcase_add_test (tcase, tests[i]);
  return tcase;
}

/* Runs tests that need no fixture and no loop. Arguments as above; returns
 * the exit status of the program. */
static inline int
check_run_tests (
    const char *name, double timeout, const TTest *const *tests, size_t n_tests)
{
  return check_run_cases (
      name, check_new_case (name, timeout, tests, n_tests), (TCase *) NULL);
}
