/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A run must not allocate, disturb another session, or depend on an earlier
 * run. */

#include <check.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unetseg/unetseg.h>
#include "engine/compile.h"
#include "engine/graphs/networks.h"
#include "base/memory.h"
#include "engine/run/arena.h"

/* ThreadSanitizer does not know libgomp's barriers, so the tests use one thread
 * with it. */
#ifdef __SANITIZE_THREAD__
#define TEAM 1
#else
#define TEAM 2
#endif

/* ---- the arena ---------------------------------------------------------- */

static UnetPlan *
make_plan (UnetGraph *graph, UnetTuning tuning, guint threads)
{
  UnetSessionOptions options = { threads, UNET_PRECISION_F32, tuning, FALSE };
  GError *error = NULL;
  UnetPlan *plan = NULL;

  if (unet_graph_infer (graph, &error)) {
    unet_graph_optimize (graph);
    plan = unet_plan_new (graph, &options, NULL, &error);
  }
  ck_assert_msg (plan != NULL, "%s", error ? error->message : "no plan");
  return plan;
}

static UnetGraph *
network (guint i)
{
  switch (i) {
    case 0:
      return unet_test_graph_unet (16, 4, 256, 256, TRUE);
    case 1:
      return unet_test_graph_unet (16, 4, 256, 256, FALSE);
    case 2:
      return unet_test_graph_unet (12, 3, 92, 140, FALSE);
    case 3:
      return unet_test_graph_unet (64, 4, 128, 128, TRUE);
    case 4:
      return unet_test_graph_residual (32, 4, 160, 224);
    default:
      return unet_test_graph_nested (16, 160, 160);
  }
}
#define N_NETWORKS 6

/* The arena is at most 15 % larger than the storages that live at the same
 * time. */
START_TEST (test_arena)
{
  for (guint threads = 1; threads <= TEAM; threads++) {
    UnetPlan *plan = make_plan (network (_i), UNET_TUNING_STATIC, threads);
    gsize live, size = unet_plan_get_arena_size (plan, &live);

    printf ("network %d, %u threads: arena %.1f MB, %.3f of what is alive\n",
        _i, threads, size / 1e6, (gdouble) size / live);
    fflush (stdout);
    ck_assert_uint_le (live, size);
    ck_assert_msg (size <= 1.15 * live,
        "%" G_GSIZE_FORMAT " for %" G_GSIZE_FORMAT " bytes alive", size, live);
    unet_plan_free (plan);
  }
}
END_TEST

/* ---- allocations -------------------------------------------------------- */

/* These allocator functions count calls by caller during a run and call
 * glibc's. Sanitizers have their own. */
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)                       \
    && !defined(__SANITIZE_THREAD__)
#define COUNTS 1

static _Thread_local guint counting;
static gint n_ours, n_library; /* atomic */
static gchar culprit[256];

static void
count (gconstpointer caller)
{
  Dl_info info;

  if (!counting)
    return;
  counting = 0; /* dladdr() may allocate */
  memset (&info, 0, sizeof info);
  if (dladdr (caller, &info) && info.dli_fname
      && (strstr (info.dli_fname, "libdnnl")
          || strstr (info.dli_fname, "libgomp")
          || strstr (info.dli_fname, "libomp")
          || strstr (info.dli_fname, "libstdc++"))) {
    g_atomic_int_inc (&n_library);
  } else {
    g_snprintf (culprit, sizeof culprit, "%s of %s",
        info.dli_sname ? info.dli_sname : "?",
        info.dli_fname ? info.dli_fname : "?");
    g_atomic_int_inc (&n_ours);
  }
  counting = 1;
}

#define EXPORT __attribute__ ((visibility ("default")))
extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t n, size_t size);
extern void *__libc_realloc (void *data, size_t size);
extern void *__libc_memalign (size_t align, size_t size);

EXPORT void *
malloc (size_t size)
{
  count (__builtin_return_address (0));
  return __libc_malloc (size);
}

EXPORT void *
calloc (size_t n, size_t size)
{
  count (__builtin_return_address (0));
  return __libc_calloc (n, size);
}

EXPORT void *
realloc (void *data, size_t size)
{
  count (__builtin_return_address (0));
  return __libc_realloc (data, size);
}

EXPORT int
posix_memalign (void **data, size_t align, size_t size)
{
  count (__builtin_return_address (0));
  *data = __libc_memalign (align, size);
  return *data ? 0 : 12; /* ENOMEM */
}
#endif

START_TEST (test_allocations)
{
#ifdef COUNTS
  UnetPlan *plan = make_plan (network (_i), UNET_TUNING_STATIC, 1 + _i % TEAM);
  gboolean ok = TRUE;
  gchar *probe;

  /* The first run may allocate, and so may the first without a team. */
  ck_assert (unet_plan_run (plan, NULL));
  if (plan->team) {
    unet_run_mode_fix (&plan->mode, UNET_RUN_HELPED);
    ck_assert (unet_plan_run (plan, NULL));
    unet_run_mode_init (&plan->mode);
  }
  n_ours = n_library = 0;
  counting = 1;
  probe = g_malloc (10); /* Checks that calls are counted. */
  counting = 0;
  ck_assert_int_eq (n_ours, 1);
  g_free (probe);
  n_ours = 0;
  counting = 1; /* Assertions allocate as well. */
  for (guint i = 0; i < 3; i++)
    ok &= unet_plan_run (plan, NULL);
  counting = 0;
  ck_assert (ok);
  printf (
      "network %d: %d allocations of the library's in 3 runs\n", _i, n_library);
  fflush (stdout);
  ck_assert_msg (
      n_ours == 0, "%d allocations, the last by %s", n_ours, culprit);
  unet_plan_free (plan);
#else
  printf ("allocations are not counted here\n");
#endif
}
END_TEST

/* ---- without a team ------------------------------------------------------ */

/* Every primitive of these networks has a twin for one thread, so that no step
 * waits for a team, but products of matrices, whose last digits depend on the
 * number of threads. */
START_TEST (test_serial)
{
  UnetPlan *plan = make_plan (network (_i), UNET_TUNING_STATIC, 2);

  unet_run_mode_fix (&plan->mode, UNET_RUN_HELPED);
  ck_assert (unet_plan_run (plan, NULL));
  for (guint i = 0; i < plan->steps->len; i++) {
    const UnetStep *step = g_ptr_array_index (plan->steps, i);

    ck_assert_msg (
        !step->primitive || step->serial || strstr (step->info.impl, "gemm:"),
        "%s (%s, %s) has none", step->info.name, step->info.op,
        step->info.impl);
  }
  unet_plan_free (plan);
}
END_TEST

/* ---- sessions at the same time ------------------------------------------ */

/* Each thread fills, runs and compares its own session of the built-in model,
 * all at the same time. */
#define WIDTH  96
#define HEIGHT 64
#define RUNS   12

typedef struct {
  UnetModel *model;
  guint seed, threads;
  UnetTuning tuning;
  GBytes *want; /* (nullable): not computed yet */
  gboolean same;
} Worker;

static UnetSession *
new_session (Worker *w)
{
  UnetSessionOptions options = UNET_SESSION_OPTIONS_INIT;
  UnetTensorInfo shape = *unet_model_get_input (w->model, 0);
  GError *error = NULL;
  UnetSession *session;

  options.threads = w->threads;
  options.tuning = w->tuning;
  shape.dims[0] = 1;
  if (shape.dims[2] < 0)
    shape.dims[2] = HEIGHT;
  if (shape.dims[3] < 0)
    shape.dims[3] = WIDTH;
  session = unet_session_new (w->model, &shape, 1, &options, &error);
  if (!session)
    g_error ("%s", error->message);
  return session;
}

static gsize
count_floats (const UnetTensorInfo *info)
{
  gsize n = 1;

  for (guint i = 0; i < info->n_dims; i++)
    n *= info->dims[i];
  return n;
}

static GBytes *
run_once (UnetSession *session, guint seed)
{
  const UnetTensorInfo *in = unet_session_get_input_info (session, 0);
  const UnetTensorInfo *out = unet_session_get_output_info (session, 0);
  GError *error = NULL;

  unet_test_fill (
      unet_session_get_input_data (session, 0), count_floats (in), seed);
  if (!unet_session_run (session, &error))
    g_error ("%s", error->message);
  return g_bytes_new (unet_session_get_output_data (session, 0),
      count_floats (out) * sizeof (gfloat));
}

static gpointer
work (gpointer data)
{
  Worker *w = data;
  UnetSession *session = new_session (w);

  w->same = TRUE;
  for (guint i = 0; i < RUNS; i++) {
    GBytes *got = run_once (session, w->seed);

    w->same &= g_bytes_equal (got, w->want);
    g_bytes_unref (got);
  }
  unet_session_unref (session);
  return NULL;
}

static void
run_together (guint threads, UnetTuning tuning)
{
  Worker workers[3];
  GThread *handles[G_N_ELEMENTS (workers)];
  GError *error = NULL;
  UnetModel *model = unet_model_load (NULL, &error);

  ck_assert_msg (model != NULL, "%s", error ? error->message : "");
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++) {
    Worker *w = &workers[i];
    UnetSession *session;

    *w = (Worker){ model, i % 2, threads, tuning, NULL, FALSE };
    session = new_session (w);
    w->want = run_once (session, w->seed);
    unet_session_unref (session);
  }
  ck_assert (!g_bytes_equal (workers[0].want, workers[1].want));
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    handles[i] = g_thread_new ("worker", work, &workers[i]);
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++) {
    g_thread_join (handles[i]);
    ck_assert_msg (workers[i].same, "session %u gives other bytes", i);
    g_bytes_unref (workers[i].want);
  }
  unet_model_unref (model);
}

START_TEST (test_together)
{
  run_together (1, UNET_TUNING_STATIC);
}
END_TEST

START_TEST (test_together_teams)
{
  run_together (TEAM, UNET_TUNING_STATIC);
}
END_TEST

/* Runs a session that another thread has created. */
static gpointer
run_elsewhere (gpointer session)
{
  return run_once (session, 7);
}

START_TEST (test_moves)
{
  Worker w = { unet_model_load (NULL, NULL), 7, TEAM, UNET_TUNING_STATIC, NULL,
    FALSE };
  UnetSession *session = new_session (&w);
  GBytes *here = run_once (session, 7);
  GBytes *there =
      g_thread_join (g_thread_new ("elsewhere", run_elsewhere, session));

  ck_assert (g_bytes_equal (here, there));
  g_bytes_unref (here);
  g_bytes_unref (there);
  unet_session_unref (session);
  unet_model_unref (w.model);
}
END_TEST

/* New memory is zero, even where it was used before. After a cancellation
 * unet_memory_new () returns %NULL. */
START_TEST (test_memory)
{
  static const gsize sizes[] = { 1, 5000, (gsize) 20 << 20 };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    guint8 *data = unet_memory_new (sizes[i], cancellable);

    ck_assert_ptr_nonnull (data);
    for (gsize at = 0; at < sizes[i]; at++)
      if (data[at])
        ck_abort_msg ("byte %zu of %zu", at, sizes[i]);
    memset (data, 1, sizes[i]);
    unet_memory_release (data, sizes[i]);
  }
  g_cancellable_cancel (cancellable);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    ck_assert_ptr_null (unet_memory_new (sizes[i], cancellable));
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("run");
  TCase *tc = tcase_create ("runs");
  SRunner *runner;
  int failed;

  tcase_set_timeout (tc, 300);
  tcase_add_loop_test (tc, test_arena, 0, N_NETWORKS);
  tcase_add_loop_test (tc, test_allocations, 0, N_NETWORKS);
  tcase_add_loop_test (tc, test_serial, 0, N_NETWORKS);
  tcase_add_test (tc, test_together);
  tcase_add_test (tc, test_together_teams);
  tcase_add_test (tc, test_moves);
  tcase_add_test (tc, test_memory);
  suite_add_tcase (suite, tc);
  runner = srunner_create (suite);
  srunner_run_all (runner, CK_ENV);
  failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
