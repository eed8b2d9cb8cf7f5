/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compares compiled random graphs with the operators' reference
 * implementations, because fusing, aliasing, reordering and choosing must not
 * change the numbers. `test-compile SEED` runs one graph without forking. */

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "engine/compile.h"
#include "engine/kernels/parallel.h"
#include "graph/ops/table.h"
#include "engine/graphs/random-graph.h"
#include "engine/graphs/winograd-level.h"

/* The largest error allowed, as a fraction of an output's largest value or of
 * FLOOR. FLOOR is there because small differences of large numbers have few
 * exact digits. */
#define TOLERANCE 2e-5
#define FLOOR     0.1

#define GRAPHS_PER_TEST 10
#define N_TESTS         20

/* ---- random times ------------------------------------------------------- */

/* Times decide which implementation runs. Random times let every candidate
 * run, not only the fastest on this machine. */
typedef struct {
  UnetTimeSource source;
  GRand *rng;
} RandomTimes;

static guint64
get_time (const UnetTimeSource *source, const gchar *key)
{
  return g_rand_int_range (((const RandomTimes *) source)->rng, 1, 1000);
}

static gint64
get_block (const UnetTimeSource *source, gint64 block)
{
  const gint64 blocks[] = { 128, 48, 8, 3, 0 };
  GRand *rng = ((const RandomTimes *) source)->rng;

  return blocks[g_rand_int_range (rng, 0, G_N_ELEMENTS (blocks))];
}

static RandomTimes *times; /* (nullable): the plan measures if %NULL */

/* ---- one plan ----------------------------------------------------------- */

static UnetPlan *
make_plan (
    const UnetGraph *graph, UnetTuning tuning, guint threads, gboolean optimize)
{
  UnetSessionOptions options = UNET_SESSION_OPTIONS_INIT;
  UnetCompileOptions compile = { NULL, NULL, times ? &times->source : NULL };
  UnetGraph *copy = unet_graph_copy (graph);
  GError *error = NULL;
  UnetPlan *plan = NULL;

  options.threads = threads;
  options.precision = UNET_PRECISION_F32;
  options.tuning = tuning;
  if (unet_graph_infer (copy, &error)) {
    if (optimize)
      unet_graph_optimize (copy);
    plan = unet_plan_new (copy, &options, &compile, &error);
  }
  ck_assert_msg (
      plan != NULL, "%s: %s", graph->name, error ? error->message : "no plan");
  return plan;
}

static gsize
input_size (const UnetPlan *plan, guint i)
{
  UnetValue *v = g_ptr_array_index (plan->graph->inputs, i);
  return unet_dims_count (v->n_dims, v->dims);
}

static void
fill_inputs (UnetPlan *plan)
{
  for (guint i = 0; i < plan->graph->inputs->len; i++)
    unet_test_fill (unet_plan_get_input (plan, i), input_size (plan, i), i);
}

static void
check_inputs (UnetPlan *plan)
{
  for (guint i = 0; i < plan->graph->inputs->len; i++) {
    gsize n = input_size (plan, i);
    gfloat *want = g_new (gfloat, n);

    unet_test_fill (want, n, i);
    ck_assert_msg (
        memcmp (want, unet_plan_get_input (plan, i), n * sizeof *want) == 0,
        "%s: input %u was written to", plan->graph->name, i);
    g_free (want);
  }
}

/* Fills the arena with NaN, so that reads before the first write show. */
static void
poison (UnetPlan *plan)
{
  memset (plan->arena, 0xff, plan->arena_size);
  fill_inputs (plan);
}

/* ---- one step at a time ------------------------------------------------- */

static void
check_lanes_of (const UnetPlan *plan, const UnetValue *value,
    const UnetStep *step, const gfloat *data)
{
  UnetVec v = unet_plan_vec (plan, value, UNET_MEM_BLOCKED);

  for (gint64 i = 0; i < v.n * v.h * v.w; i++) {
    gint64 image = i / (v.h * v.w), pixel = i % (v.h * v.w);
    const gfloat *lanes =
        data + ((image * v.blocks + v.blocks - 1) * v.h * v.w + pixel) * v.vec;

    for (gint64 k = v.c % v.vec; k < v.vec; k++)
      ck_assert_msg (lanes[k] == 0.0f,
          "%s: '%s' (%s %s) reads %g beyond the last channel of '%s'",
          plan->graph->name, step->info.name, step->info.op, step->info.impl,
          lanes[k], value->name);
  }
}

/* Checks that a step reads zeros in the lanes behind the last channel. */
static void
check_lanes (const UnetPlan *plan, const UnetStep *step)
{
  for (guint k = 0; k < step->n_operands; k++) {
    const UnetOperand *o = &step->operands[k];

    if (o->write || !o->md)
      continue;
    for (guint i = 0; i < plan->graph->values->len; i++) {
      const UnetLoc *loc = plan->locs[i][UNET_MEM_BLOCKED];
      const UnetValue *value = g_ptr_array_index (plan->graph->values, i);

      if (loc && loc->storage == o->storage && loc->offset == o->offset
          && unet_md_equal (loc->md, o->md)
          && value->dims[1] % plan->block != 0)
        check_lanes_of (plan, value, step, o->ptr);
    }
  }
}

static void
run_step (UnetPlan *plan, UnetStep *step)
{
  gpointer ptr[UNET_MAX_OPERANDS];
  GError *error = NULL;

  for (guint i = 0; i < step->n_operands; i++)
    ptr[i] = step->operands[i].ptr;
  if (step->primitive)
    ck_assert_int_eq (dnnl_primitive_execute (step->primitive, plan->stream,
                          step->n_operands, step->args),
        dnnl_success);
  else if (step->kernel)
    step->kernel (step->params, ptr, plan->options.threads);
  else
    ck_assert_msg (unet_op_def (step->node->op)
                       ->eval (step->node, step->views, step->n_in,
                           step->views + step->n_in, step->n_out, &error),
        "%s", error->message);
}

static void
run_stepwise (UnetPlan *plan)
{
  unet_parallel_set_threads (plan->options.threads);
  for (guint i = 0; i < plan->steps->len; i++) {
    UnetStep *step = g_ptr_array_index (plan->steps, i);

    check_lanes (plan, step);
    run_step (plan, step);
  }
}

/* ---- memory ------------------------------------------------------------- */

/* Checks that storages lie in the arena and that those alive at the same time
 * do not overlap. */
static void
check_arena (UnetPlan *plan)
{
  gsize live, size = unet_plan_get_arena_size (plan, &live);

  ck_assert_uint_le (live, size);
  for (guint i = 0; i < plan->storages->len; i++) {
    const UnetStorage *a = g_ptr_array_index (plan->storages, i);

    if (a->constant || a->last < a->first)
      continue;
    ck_assert_uint_le (a->offset + a->size, size);
    for (guint k = 0; k < i; k++) {
      const UnetStorage *b = g_ptr_array_index (plan->storages, k);

      if (b->constant || b->last < b->first || b->first > a->last
          || a->first > b->last)
        continue;
      ck_assert_msg (
          a->offset + a->size <= b->offset || b->offset + b->size <= a->offset,
          "%s: two storages share memory", plan->graph->name);
    }
  }
}

/* ---- comparison --------------------------------------------------------- */

static void
compare_output (UnetPlan *plan, UnetPlan *reference, guint i, const gchar *what)
{
  UnetValue *v = g_ptr_array_index (plan->graph->outputs, i);
  UnetValue *r = g_ptr_array_index (reference->graph->outputs, i);
  const gfloat *got = unet_plan_get_output (plan, i);
  const gfloat *want = unet_plan_get_output (reference, i);
  gsize n = unet_dims_count (r->n_dims, r->dims), at = 0;
  gdouble largest = 0, error = 0;

  ck_assert_uint_eq (n, unet_dims_count (v->n_dims, v->dims));
  for (gsize k = 0; k < n; k++) {
    gdouble e = fabs ((gdouble) got[k] - want[k]);

    largest = MAX (largest, fabs (want[k]));
    if (!(e <= error)) { /* NaN counts as an error */
      error = e;
      at = k;
    }
    if (isnan (error))
      break;
  }
  ck_assert_msg (error <= TOLERANCE * MAX (largest, FLOOR),
      "%s, %s: output '%s' (%s): %g for %g at %" G_GSIZE_FORMAT
      " of %" G_GSIZE_FORMAT ", largest %g",
      plan->graph->name, what, r->name,
      r->producer ? unet_op_name (r->producer->op) : "constant", got[at],
      want[at], at, n, largest);
}

static void
compare (UnetPlan *plan, UnetPlan *reference, const gchar *what)
{
  ck_assert_uint_eq (plan->graph->outputs->len, reference->graph->outputs->len);
  for (guint i = 0; i < plan->graph->outputs->len; i++)
    compare_output (plan, reference, i, what);
  check_inputs (plan);
}

/* Returns the bytes of all outputs. */
static GByteArray *
snapshot (UnetPlan *plan)
{
  GByteArray *bytes = g_byte_array_new ();

  for (guint i = 0; i < plan->graph->outputs->len; i++) {
    UnetValue *v = g_ptr_array_index (plan->graph->outputs, i);

    g_byte_array_append (bytes, unet_plan_get_output (plan, i),
        unet_dims_count (v->n_dims, v->dims) * sizeof (gfloat));
  }
  return bytes;
}

/* Checks that a run does not depend on the run before it. */
static void
check_repeats (UnetPlan *plan, const gchar *what)
{
  GByteArray *first = snapshot (plan);

  for (guint i = 0; i < 2; i++) {
    GError *error = NULL;
    GByteArray *again;

    if (i == 1)
      poison (plan);
    ck_assert_msg (unet_plan_run (plan, &error), "%s", error->message);
    again = snapshot (plan);
    ck_assert_msg (memcmp (first->data, again->data, first->len) == 0,
        "%s, %s: a second run gives other bytes", plan->graph->name, what);
    g_byte_array_unref (again);
  }
  g_byte_array_unref (first);
}

/* Checks that runs without a team, as beside other busy threads, give the same
 * bytes. */
static void
check_without_team (UnetPlan *plan, const gchar *what)
{
  GByteArray *team = snapshot (plan);

  for (guint kind = UNET_RUN_HELPED; kind < UNET_N_RUN_KINDS; kind++) {
    GByteArray *other;
    GError *error = NULL;

    unet_run_mode_fix (&plan->mode, kind);
    ck_assert_msg (unet_plan_run (plan, &error), "%s", error->message);
    other = snapshot (plan);
    ck_assert_msg (memcmp (team->data, other->data, team->len) == 0,
        "%s, %s: without a team it gives other bytes", plan->graph->name, what);
    g_byte_array_unref (other);
  }
  g_byte_array_unref (team);
  unet_run_mode_init (&plan->mode);
}

/* Checks that writing the next input does not change results. */
static void
check_outputs_stay (UnetPlan *plan, const gchar *what)
{
  GByteArray *first = snapshot (plan), *then;

  for (guint i = 0; i < plan->graph->inputs->len; i++)
    memset (unet_plan_get_input (plan, i), 0,
        input_size (plan, i) * sizeof (gfloat));
  then = snapshot (plan);
  ck_assert_msg (memcmp (first->data, then->data, first->len) == 0,
      "%s, %s: an output changes with an input", plan->graph->name, what);
  g_byte_array_unref (first);
  g_byte_array_unref (then);
}

static void
check_plan (const UnetGraph *graph, UnetPlan *reference, UnetTuning tuning,
    guint threads, gboolean optimize, const gchar *what)
{
  UnetPlan *plan = make_plan (graph, tuning, threads, optimize);

  check_arena (plan);
  poison (plan);
  run_stepwise (plan);
  compare (plan, reference, what);
  check_repeats (plan, what);
  check_without_team (plan, what);
  compare (plan, reference, what);
  check_outputs_stay (plan, what);
  unet_plan_free (plan);
}

static void
check_graph (UnetGraph *graph, guint seed)
{
  UnetPlan *reference = make_plan (graph, UNET_TUNING_REFERENCE, 1, FALSE);
  RandomTimes random = { { get_time, get_block }, g_rand_new_with_seed (seed) };
  GError *error = NULL;

  fill_inputs (reference);
  ck_assert_msg (unet_plan_run (reference, &error), "%s", error->message);
  check_plan (
      graph, reference, UNET_TUNING_STATIC, 1 + seed % 2, TRUE, "static");
  check_plan (graph, reference, UNET_TUNING_STATIC, 2 - seed % 2, FALSE,
      "static, as it is");
  if (seed % 10 == 0) /* some graphs use times that are really measured */
    check_plan (graph, reference, UNET_TUNING_MEASURE, 2, TRUE, "measured");
  times = &random;
  for (guint i = 0; i < 2; i++)
    check_plan (
        graph, reference, UNET_TUNING_MEASURE, 1 + i, TRUE, "random times");
  times = NULL;
  g_rand_free (random.rng);
  unet_plan_free (reference);
  unet_graph_free (graph);
}

/* Returns whether a Winograd step of @plan computes @what as well. */
static gboolean
does (UnetPlan *plan, const gchar *what)
{
  guint n;
  const UnetLayerInfo *layers = unet_plan_get_layers (plan, &n);

  for (guint i = 0; i < n; i++)
    if (g_str_has_prefix (layers[i].impl, "unet:winograd")
        && strstr (layers[i].op, what))
      return TRUE;
  return FALSE;
}

/* ---- tests -------------------------------------------------------------- */

static gint only = -1; /* seed of the one graph to check */

START_TEST (test_random)
{
  if (only >= 0)
    check_graph (unet_test_graph_random (only, only % 2), only);
  else
    for (guint i = 0; i < GRAPHS_PER_TEST; i++)
      check_graph (unet_test_graph_random (_i * GRAPHS_PER_TEST + i, i % 2),
          _i * GRAPHS_PER_TEST + i);
}
END_TEST

/* Fuses tensors as wide as those of networks. */
START_TEST (test_inverted)
{
  for (guint seed = 1; only < 0 && seed < 4; seed++)
    check_graph (unet_test_graph_inverted (seed), seed);
}
END_TEST

/* Checks the operators that Winograd convolutions also compute, and that each
 * kind occurs. Below AVX2 the rules choose other convolutions. */
START_TEST (test_level)
{
  const gchar *const within[] = { "+MaxPool", "+AveragePool", "+Conv",
    "Concat+", "DepthToSpace+" };
  guint found[G_N_ELEMENTS (within)] = { 0 };
  gboolean avx2 = FALSE;

  for (guint i = 0; i < GRAPHS_PER_TEST; i++) {
    UnetGraph *graph = unet_test_graph_level (_i * GRAPHS_PER_TEST + i);
    UnetPlan *plan = make_plan (graph, UNET_TUNING_STATIC, 1, TRUE);

    for (guint k = 0; k < G_N_ELEMENTS (within); k++)
      found[k] += does (plan, within[k]);
    avx2 = plan->avx2;
    unet_plan_free (plan);
    check_graph (graph, _i * GRAPHS_PER_TEST + i);
  }
  for (guint k = 0; k < G_N_ELEMENTS (within); k++)
    ck_assert_msg (!avx2 || found[k] > 0, "%s never happened", within[k]);
}
END_TEST

int
main (int argc, char **argv)
{
  Suite *suite = suite_create ("plan");
  TCase *tc = tcase_create ("random graphs");
  SRunner *runner;
  const char *rounds = argc > 1 ? "1" : getenv ("UNET_TEST_ROUNDS");
  int failed;

  if (argc > 1)
    only = atoi (argv[1]);
  tcase_set_timeout (tc, 600);
  tcase_add_loop_test (tc, test_random, 0, rounds ? atoi (rounds) : N_TESTS);
  tcase_add_test (tc, test_inverted);
  suite_add_tcase (suite, tc);
  tc = tcase_create ("levels");
  tcase_set_timeout (tc, 600);
  if (argc < 2)
    tcase_add_loop_test (tc, test_level, 0, rounds ? 1 : 3);
  suite_add_tcase (suite, tc);
  runner = srunner_create (suite);
  if (argc > 1)
    srunner_set_fork_status (runner, CK_NOFORK);
  srunner_run_all (runner, CK_ENV);
  failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
