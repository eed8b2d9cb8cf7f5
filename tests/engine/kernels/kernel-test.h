/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The tests of kernels share this file. Each test program compares its kernel
 * with a reference in plain C on random sizes and strides, with guard bytes
 * around the output. Started with --bench it prints the kernel's time instead:
 *
 *   build/tests/engine/kernels/test-f32-conv-winograd --bench
 *
 * Kernels that have a list of variants are tested in every variant that the
 * processor runs. UNETSEG_MAX_ISA caps the list, and the kernels under
 * target_clones. UNET_TEST_ROUNDS sets how many random cases run. */

#include <check.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/cpu.h"
#include "lib/check-main.h"

#define GUARD 64

static GRand *rng;

/* Returns the number of random cases. */
static inline guint
rounds (void)
{
  const gchar *text = g_getenv ("UNET_TEST_ROUNDS");

  return text ? atoi (text) : 60;
}

static inline gint64
range (gint64 low, gint64 high)
{
  return g_rand_int_range (rng, low, high + 1);
}

static inline guint
threads (void)
{
  return range (1, 3);
}

/* ---- time ---------------------------------------------------------------- */

/* Prints the least time of one call of @run, from calls that take a quarter of
 * a second in all. @variant: (nullable): an instruction set. */
static inline void
bench (const gchar *what, const gchar *variant, GFunc run, gpointer data)
{
  gint64 end = g_get_monotonic_time () + G_USEC_PER_SEC / 4;
  gdouble least = G_MAXDOUBLE;

  run (data, NULL);
  while (g_get_monotonic_time () < end) {
    gint64 begin = g_get_monotonic_time ();
    guint calls = 0;

    do {
      run (data, NULL);
      calls++;
    } while (g_get_monotonic_time () < begin + 2000);
    least = MIN (least, (gdouble) (g_get_monotonic_time () - begin) / calls);
  }
  printf ("%-34s %-8s %9.2f us\n", what, variant ? variant : "", least);
}

/* ---- main ---------------------------------------------------------------- */

/* A test and how often it loops. */
typedef struct {
  const TTest *test;
  gint loops;
} KernelTest;

static void (*print_times) (void);

/* Prints the times inside a test, because some helpers assert and Check allows
 * that only there. */
START_TEST (test_times)
{
  print_times ();
  fflush (stdout);
}
END_TEST

/* Runs the tests of one kernel, or @time with --bench. Returns the exit
 * status. */
static inline int
kernel_test_main (int argc, char **argv, const gchar *name,
    const KernelTest *tests, guint n_tests, void (*time) (void))
{
  TCase *all = tcase_create ("against the reference");
  gboolean times = argc > 1 && strcmp (argv[1], "--bench") == 0;
  int status;

  rng = g_rand_new_with_seed (20150518);
  print_times = time;
  tcase_set_timeout (all, 300);
  if (times)
    tcase_add_test (all, test_times);
  for (guint i = 0; !times && i < n_tests; i++)
    tcase_add_loop_test (all, tests[i].test, 0, tests[i].loops);
  status = check_run_cases (name, all, (TCase *) NULL);
  g_rand_free (rng);
  return status;
}

/* Returns how many variants a list has. */
static inline gint
count_variants (const UnetIsaVariant *variants)
{
  gint n = 0;

  while (variants[n].table)
    n++;
  return n;
}

/* Returns whether the processor runs a variant. */
static inline gboolean
runs_here (const UnetIsaVariant *variant)
{
  return (variant->needs & ~unet_cpu_isa ()) == 0;
}
