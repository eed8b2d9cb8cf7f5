/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compares networks in int8 and in bfloat16 with f32. `test-int8 SEED` runs one
 * random graph without forking. */

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "engine/compile.h"
#include "engine/emit/histogram.h"
#include "engine/onednn/engine.h"
#include "engine/graphs/networks.h"
#include "engine/graphs/random-graph.h"

/* ---- plans --------------------------------------------------------------- */

static UnetGraph *
prepare (const UnetGraph *graph)
{
  UnetGraph *copy = unet_graph_copy (graph);
  GError *error = NULL;

  ck_assert_msg (unet_graph_infer (copy, &error), "%s: %s", graph->name,
      error ? error->message : "");
  unet_graph_optimize (copy);
  return copy;
}

static void
fill_inputs (UnetPlan *plan)
{
  for (guint i = 0; i < plan->graph->inputs->len; i++) {
    UnetValue *v = g_ptr_array_index (plan->graph->inputs, i);
    unet_test_fill (
        unet_plan_get_input (plan, i), unet_dims_count (v->n_dims, v->dims), i);
  }
}

static void
run (UnetPlan *plan)
{
  GError *error = NULL;

  fill_inputs (plan);
  ck_assert_msg (
      unet_plan_run (plan, &error), "%s", error ? error->message : "");
}

static GHashTable *
ranges_of (GHashTable *histograms)
{
  GHashTable *ranges =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  GHashTableIter iter;
  gpointer name, histogram;

  g_hash_table_iter_init (&iter, histograms);
  while (g_hash_table_iter_next (&iter, &name, &histogram)) {
    UnetRange range = unet_histogram_range (histogram);
    g_hash_table_insert (
        ranges, g_strdup (name), g_memdup2 (&range, sizeof range));
  }
  return ranges;
}

typedef struct {
  UnetPlan *truth, *plan;
  GHashTable *histograms, *ranges;
} Pair;

static void
pair_init (Pair *p, const UnetGraph *graph, gboolean bf16, guint threads,
    UnetTuning tuning)
{
  UnetSessionOptions options = UNET_SESSION_OPTIONS_INIT;
  UnetLowPrecision low = { bf16, NULL, NULL };
  UnetCompileOptions watch = { NULL }, compile = { &low, NULL, NULL };
  GError *error = NULL;

  options.threads = threads;
  options.tuning = UNET_TUNING_STATIC;
  p->histograms = unet_histograms_new ();
  watch.histograms = p->histograms;
  p->truth = unet_plan_new (prepare (graph), &options, &watch, &error);
  ck_assert_msg (p->truth != NULL, "%s", error ? error->message : "");
  run (p->truth);
  low.ranges = p->ranges = ranges_of (p->histograms);
  options.tuning = tuning;
  p->plan = unet_plan_new (prepare (graph), &options, &compile, &error);
  ck_assert_msg (
      p->plan != NULL, "%s: %s", graph->name, error ? error->message : "");
}

static void
pair_clear (Pair *p)
{
  unet_plan_free (p->truth);
  unet_plan_free (p->plan);
  g_hash_table_unref (p->ranges);
  g_hash_table_unref (p->histograms);
}

static gsize
output_size (UnetPlan *plan, guint i)
{
  UnetValue *v = g_ptr_array_index (plan->graph->outputs, i);
  return v->dtype == UNET_DTYPE_F32 ? unet_dims_count (v->n_dims, v->dims) : 0;
}

/* Returns the root of the error's energy over the variance of @want. */
static gdouble
relative_error (const gfloat *got, const gfloat *want, gsize n)
{
  gdouble mean = 0, error = 0, energy = 0;

  for (gsize i = 0; i < n; i++)
    mean += want[i] / n;
  for (gsize i = 0; i < n; i++) {
    error += (got[i] - want[i]) * (got[i] - want[i]);
    energy += (want[i] - mean) * (want[i] - mean);
  }
  return sqrt (error / MAX (energy, n * 1e-4));
}

static guint
count_low (const UnetPlan *plan)
{
  guint n = 0;

  for (guint i = 0; i < plan->steps->len; i++)
    n += g_str_has_prefix (
        ((UnetStep *) plan->steps->pdata[i])->info.layout, "nhwc-");
  return n;
}

/* Checks that a run gives the same result after 0xff has filled the arena, with
 * a team or without. */
static void
check_again (UnetPlan *plan, UnetRunKind kind)
{
  unet_run_mode_fix (&plan->mode, kind);
  for (guint i = 0; i < plan->graph->outputs->len; i++) {
    gsize n = output_size (plan, i) * sizeof (gfloat);
    gpointer first = g_memdup2 (unet_plan_get_output (plan, i), n);

    memset (plan->arena, 0xff, plan->arena_size);
    run (plan);
    ck_assert_msg (memcmp (first, unet_plan_get_output (plan, i), n) == 0,
        "%s: a second run differs", plan->graph->name);
    g_free (first);
  }
}

/* Returns the number of steps in low precision. */
static guint
check_graph (
    const UnetGraph *graph, gboolean bf16, guint threads, gdouble tolerance)
{
  guint low_steps;
  Pair p;

  pair_init (&p, graph, bf16, threads, UNET_TUNING_STATIC);
  run (p.plan);
  for (guint i = 0; i < p.plan->graph->outputs->len; i++) {
    gdouble e = relative_error (unet_plan_get_output (p.plan, i),
        unet_plan_get_output (p.truth, i), output_size (p.plan, i));

    if (getenv ("UNET_TEST_VERBOSE"))
      printf ("%s %s: %g\n", graph->name, bf16 ? "bf16" : "int8", e);
    ck_assert_msg (e < tolerance, "%s (%s): output %u is off by %g",
        graph->name, bf16 ? "bf16" : "int8", i, e);
  }
  for (guint kind = 0; kind < UNET_N_RUN_KINDS; kind++)
    check_again (p.plan, kind);
  low_steps = count_low (p.plan);
  pair_clear (&p);
  return low_steps;
}

/* ---- tests --------------------------------------------------------------- */

/* Rounding errors of random networks grow from layer to layer, because weights
 * without structure enlarge a difference. */
#define TOLERANCE_INT8 0.12
#define TOLERANCE_BF16 0.05

#define GRAPHS_PER_TEST 10
#define N_TESTS         8

static guint
check_seed (guint seed)
{
  UnetGraph *graph = unet_test_graph_random (seed, FALSE);
  guint low_steps = check_graph (graph, FALSE, 1 + seed % 3, TOLERANCE_INT8);

  if (unet_engine_has_bf16 ())
    low_steps += check_graph (graph, TRUE, 1 + seed % 2, TOLERANCE_BF16);
  unet_graph_free (graph);
  return low_steps;
}

static guint
rounds (void)
{
  const gchar *text = g_getenv ("UNET_TEST_ROUNDS");

  return text ? atoi (text) : GRAPHS_PER_TEST;
}

static gint only = -1; /* seed of the one graph to check */

START_TEST (test_random)
{
  if (only >= 0)
    printf ("%u steps in low precision\n", check_seed (only));
  else
    for (guint i = 0; i < rounds (); i++)
      check_seed (1000 + _i * 1000 + i);
}
END_TEST

/* Seeds of graphs with pictures one pixel wide, one channel, or taps beyond the
 * picture. With AMX, oneDNN 3.7 computes them wrongly or writes beyond its
 * memory. */
static const guint columns[] = { 2070, 2266, 3009, 3102, 5099, 6231, 7250, 8034,
  8128, 8198, 8235 };

START_TEST (test_columns)
{
  check_seed (columns[_i]);
}
END_TEST

static void
check_network (UnetGraph *graph, gdouble tolerance)
{
  ck_assert_uint_gt (check_graph (graph, FALSE, 2, tolerance), 10);
  if (unet_engine_has_bf16 ())
    ck_assert_uint_gt (check_graph (graph, TRUE, 2, tolerance / 2), 10);
  unet_graph_free (graph);
}

START_TEST (test_networks)
{
  check_network (unet_test_graph_unet (16, 3, 64, 96, TRUE), 0.1);
  check_network (unet_test_graph_unet (8, 3, 48, 80, FALSE), 0.1);
  check_network (unet_test_graph_unet (20, 2, 36, 52, TRUE), 0.1);
  check_network (unet_test_graph_residual (16, 3, 64, 64), 0.1);
  check_network (unet_test_graph_nested (16, 64, 64), 0.12);
}
END_TEST

/* ---- saturation ---------------------------------------------------------- */

static UnetValue *
constant (
    UnetGraph *graph, const gchar *name, gint64 a, gint64 b, gint64 k, gfloat x)
{
  gint64 dims[] = { a, b, k, k };
  UnetTensor *t = unet_tensor_new (UNET_DTYPE_F32, 4, dims);

  for (gsize i = 0; i < t->n_elements; i++)
    ((gfloat *) t->data)[i] = x;
  return unet_graph_add_constant (graph, name, t);
}

static UnetValue *
convolve (UnetGraph *graph, UnetValue *x, UnetValue *w, const gchar *name)
{
  const gint64 pads[] = { 1, 1, 1, 1 };
  UnetNode *node = unet_graph_add_node (graph, UNET_OP_Conv, name);
  UnetValue *out = unet_graph_add_value (graph, name);

  unet_node_add_input (node, x);
  unet_node_add_input (node, w);
  unet_node_add_output (node, out);
  unet_node_set_attr_ints (node, "pads", pads, 4);
  return out;
}

/* Multiplies the largest pixels by the largest weights, all of one sign.
 * Without VNNI two products are added in 16 bits, which must not saturate. */
START_TEST (test_saturation)
{
  UnetGraph *graph = unet_graph_new ("saturation");
  const gint64 dims[] = { 1, 32, 16, 24 };
  UnetValue *x = unet_graph_add_value (graph, "x"), *y;
  const gfloat *got, *want;
  Pair p;

  graph->opset = 13;
  unet_value_set_shape (x, UNET_DTYPE_F32, 4, dims);
  g_ptr_array_add (graph->inputs, x);
  y = convolve (graph, x, constant (graph, "w", 32, 32, 3, 0.5f), "a");
  y = convolve (
      graph, y, constant (graph, "v", 16, 32, 3, _i ? 0.5f : -0.5f), "b");
  g_ptr_array_add (graph->outputs, y);
  pair_init (&p, graph, FALSE, 1, UNET_TUNING_STATIC);
  for (guint i = 0; i < 32 * 16 * 24; i++) {
    ((gfloat *) unet_plan_get_input (p.truth, 0))[i] = 1.0f;
    ((gfloat *) unet_plan_get_input (p.plan, 0))[i] = 1.0f;
  }
  ck_assert (unet_plan_run (p.truth, NULL));
  g_hash_table_unref (p.ranges);
  unet_plan_free (p.plan);
  {
    UnetSessionOptions options = UNET_SESSION_OPTIONS_INIT;
    UnetRange one = { 0, 1 }, all = { 0, 144 };
    UnetLowPrecision low = { FALSE, NULL, NULL };
    UnetCompileOptions compile = { &low, NULL, NULL };

    p.ranges = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
    g_hash_table_insert (
        p.ranges, g_strdup ("x"), g_memdup2 (&one, sizeof one));
    g_hash_table_insert (
        p.ranges, g_strdup ("a"), g_memdup2 (&all, sizeof all));
    g_hash_table_insert (
        p.ranges, g_strdup ("b"), g_memdup2 (&all, sizeof all));
    low.ranges = p.ranges;
    options.tuning = UNET_TUNING_STATIC;
    p.plan = unet_plan_new (prepare (graph), &options, &compile, NULL);
  }
  for (guint i = 0; i < 32 * 16 * 24; i++)
    ((gfloat *) unet_plan_get_input (p.plan, 0))[i] = 1.0f;
  ck_assert (unet_plan_run (p.plan, NULL));
  got = unet_plan_get_output (p.plan, 0);
  want = unet_plan_get_output (p.truth, 0);
  for (guint i = 0; i < 16 * 16 * 24; i++)
    ck_assert_msg (fabsf (got[i] - want[i]) <= 0.01f * fabsf (want[i]),
        "%u: %g for %g", i, got[i], want[i]);
  ck_assert_uint_ge (count_low (p.plan), 2);
  pair_clear (&p);
  unet_graph_free (graph);
}
END_TEST

/* ---- ranges -------------------------------------------------------------- */

START_TEST (test_histogram)
{
  UnetHistogram *h = g_new0 (UnetHistogram, 1);
  gsize n = 300000;
  gfloat *data = g_new (gfloat, n);
  UnetRange range;

  /* Clipping gains nothing for numbers spread evenly over [0, 1]. */
  for (gsize i = 0; i < n; i++)
    data[i] = (gfloat) i / n;
  unet_histogram_add (h, data, n, 2);
  range = unet_histogram_range (h);
  ck_assert (range.low == 0);
  ck_assert_float_eq_tol (range.high, 1, 0.02);
  /* One large number among so many is clipped. */
  data[0] = -20;
  unet_histogram_add (h, data, n, 3);
  range = unet_histogram_range (h);
  ck_assert_float_eq_tol (range.high, 1, 0.3);
  ck_assert (range.low == -range.high);
  /* Zeros alone give an empty range. */
  memset (h, 0, sizeof *h);
  memset (data, 0, n * sizeof *data);
  unet_histogram_add (h, data, n, 1);
  range = unet_histogram_range (h);
  ck_assert (range.low == 0 && range.high == 0);
  g_free (data);
  g_free (h);
}
END_TEST

int
main (int argc, char **argv)
{
  Suite *suite = suite_create ("int8");
  TCase *random = tcase_create ("random");
  TCase *known = tcase_create ("known");
  SRunner *runner;
  int failed;

  if (argc > 1)
    only = atoi (argv[1]);
  tcase_set_timeout (random, 300);
  tcase_add_loop_test (random, test_random, 0, only < 0 ? N_TESTS : 1);
  suite_add_tcase (suite, random);
  tcase_set_timeout (known, 300);
  if (only < 0) {
    tcase_add_loop_test (known, test_columns, 0, G_N_ELEMENTS (columns));
    tcase_add_test (known, test_networks);
    tcase_add_loop_test (known, test_saturation, 0, 2);
    tcase_add_test (known, test_histogram);
  }
  suite_add_tcase (suite, known);
  runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed != 0;
}
