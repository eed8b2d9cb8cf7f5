/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Loops on a pool of threads: each job runs once, before the loop returns. */

#include <check.h>
#include "engine/kernels/parallel.h"

#define THREADS 4
#define MOST    300

typedef struct {
  guint8 *done; /* by job */
  gint inside[THREADS];
  gboolean wrong;
} Jobs;

static void
do_job (gconstpointer params, gpointer const *ptr, gint64 job, guint thread)
{
  Jobs *jobs = ptr[0];

  if (thread >= THREADS) {
    jobs->wrong = TRUE;
    return;
  }
  if (g_atomic_int_add (&jobs->inside[thread], 1) != 0)
    jobs->wrong = TRUE;
  if (job % 7 == 0) /* gives helpers time to join */
    g_usleep (20);
  jobs->done[job]++;
  g_atomic_int_add (&jobs->inside[thread], -1);
}

static void
check_loops (guint rounds, GRand *rng)
{
  for (guint round = 0; round < rounds; round++) {
    guint8 done[MOST] = { 0 };
    Jobs jobs = { done, { 0 }, FALSE };
    gpointer ptr[] = { &jobs };
    gint n = g_rand_int_range (rng, 0, MOST);

    unet_parallel (do_job, NULL, ptr, n, THREADS);
    for (gint i = 0; i < MOST; i++)
      ck_assert_uint_eq (done[i], i < n);
    ck_assert (!jobs.wrong);
  }
}

static gpointer
loop_in_thread (gpointer seed)
{
  UnetWorkerPool *pool = unet_worker_pool_new (THREADS);
  GRand *rng = g_rand_new_with_seed (GPOINTER_TO_UINT (seed));

  unet_parallel_set_pool (pool);
  check_loops (200, rng);
  unet_parallel_set_pool (NULL);
  g_rand_free (rng);
  unet_worker_pool_free (pool);
  return NULL;
}

START_TEST (test_loops)
{
  loop_in_thread (GUINT_TO_POINTER (1));
}
END_TEST

/* Several threads have pools of their own. */
START_TEST (test_pools)
{
  GThread *threads[3];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("loops", loop_in_thread, GUINT_TO_POINTER (i));
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}
END_TEST

/* A pool that has nothing to do ends at once. */
START_TEST (test_unused)
{
  for (guint threads = 0; threads < 5; threads++)
    unet_worker_pool_free (unet_worker_pool_new (threads));
  unet_worker_pool_free (NULL);
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("worker-pool");
  TCase *tc = tcase_create ("worker-pool");
  SRunner *runner = srunner_create (suite);
  gint failed;

  tcase_set_timeout (tc, 120);
  tcase_add_test (tc, test_loops);
  tcase_add_test (tc, test_pools);
  tcase_add_test (tc, test_unused);
  suite_add_tcase (suite, tc);
  srunner_run_all (runner, CK_ENV);
  failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed ? 1 : 0;
}
