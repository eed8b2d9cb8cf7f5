/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compares the int8 plans of networks with QuantizeLinear and DequantizeLinear
 * with the operators' reference implementations, on the model's own scales.
 * `test-quantized SEED` runs one random graph without forking. */

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "engine/compile.h"
#include "engine/onednn/engine.h"
#include "graph/passes/quantization.h"
#include "engine/graphs/graph-builder.h"

typedef struct {
  UnetGraph *graph;
  GRand *rng;
  guint n_names;
  UnetDType dtype; /* of activations */
} Maker;

static gint64
draw (Maker *m, gint64 low, gint64 high)
{
  return g_rand_int_range (m->rng, (gint32) low, (gint32) high + 1);
}

static UnetValue *
constant (Maker *m, UnetDType dtype, guint n_dims, const gint64 *dims)
{
  gchar name[16];

  g_snprintf (name, sizeof name, "c%u", m->n_names++);
  return unet_graph_add_constant (
      m->graph, name, unet_tensor_new (dtype, n_dims, dims));
}

static UnetValue *
add (Maker *m, UnetOp op, UnetValue *x, UnetValue *y, UnetValue *z)
{
  UnetValue *inputs[] = { x, y, z }, *out;
  gchar name[16];
  UnetNode *node;

  g_snprintf (name, sizeof name, "n%u", m->n_names++);
  node = unet_graph_add_node (m->graph, op, name);
  node->since = 13;
  for (guint i = 0; i < 3 && inputs[i]; i++)
    unet_node_add_input (node, inputs[i]);
  name[0] = 'v';
  out = unet_graph_add_value (m->graph, name);
  unet_node_add_output (node, out);
  return out;
}

/* ---- rounding ------------------------------------------------------------ */

/* The kinds of zero points that exporters write. */
typedef enum { FROM_ZERO, SYMMETRIC, ASYMMETRIC } Kind;

static UnetValue *
zero_point (Maker *m, Kind kind)
{
  UnetValue *v = constant (m, m->dtype, 0, NULL);
  gint zero = kind == FROM_ZERO ? 0 : kind == SYMMETRIC ? 128 : 90;

  if (m->dtype == UNET_DTYPE_U8)
    *(guint8 *) v->constant->data = (guint8) zero;
  else
    *(gint8 *) v->constant->data = (gint8) (zero - 128);
  return v;
}

static UnetValue *
rounded (Maker *m, UnetValue *x, Kind kind, gfloat scale)
{
  UnetValue *s = constant (m, UNET_DTYPE_F32, 0, NULL);
  UnetValue *zero = zero_point (m, kind), *bytes;

  *(gfloat *) s->constant->data = scale;
  bytes = add (m, UNET_OP_QuantizeLinear, x, s, zero);
  return add (m, UNET_OP_DequantizeLinear, bytes, s, zero);
}

static UnetValue *
pooled (Maker *m, UnetValue *x)
{
  gint64 two[] = { 2, 2 };

  x = add (m, UNET_OP_MaxPool, x, NULL, NULL);
  x->producer->since = 12;
  unet_node_set_attr_ints (x->producer, "kernel_shape", two, 2);
  unet_node_set_attr_ints (x->producer, "strides", two, 2);
  return x;
}

/* Pools the int8 values between QuantizeLinear and DequantizeLinear. Returns
 * the f32 result. */
static UnetValue *
rounded_and_pooled (Maker *m, UnetValue *x, Kind kind, gfloat scale)
{
  UnetNode *dq;

  x = rounded (m, x, kind, scale);
  dq = x->producer;
  unet_node_set_input (dq, 0, pooled (m, unet_node_input (dq, 0)));
  /* Nodes must stay in order. */
  g_ptr_array_insert (m->graph->nodes, -1,
      g_ptr_array_steal_index (m->graph->nodes, m->graph->nodes->len - 2));
  return x;
}

/* Makes int8 weights with a scale for each row; some rows do not reach 127. */
static UnetValue *
weights (Maker *m, guint n_dims, const gint64 *dims, gdouble size)
{
  UnetValue *q = constant (m, UNET_DTYPE_I8, n_dims, dims);
  UnetValue *s = constant (m, UNET_DTYPE_F32, 1, dims), *out;
  gsize row = q->constant->n_elements / dims[0];

  for (gint64 o = 0; o < dims[0]; o++) {
    gint64 most = draw (m, 30, 127);

    for (gsize i = 0; i < row; i++)
      ((gint8 *) q->constant->data)[o * row + i] =
          (gint8) draw (m, -most, most);
    ((gfloat *) s->constant->data)[o] = (gfloat) (size / most);
  }
  out = add (m, UNET_OP_DequantizeLinear, q, s, NULL);
  unet_node_set_attr_int (out->producer, "axis", 0);
  return out;
}

static UnetValue *
conv (Maker *m, UnetValue *x, gint64 ic, gint64 oc, gint64 kernel,
    gboolean depthwise)
{
  gint64 dims[] = { oc, depthwise ? 1 : ic, kernel, kernel };
  gint64 pads[] = { kernel / 2, kernel / 2, kernel / 2, kernel / 2 };
  UnetValue *w =
      weights (m, 4, dims, 2 / sqrt ((gdouble) (dims[1] * kernel * kernel)));
  UnetValue *b = constant (m, UNET_DTYPE_F32, 1, dims), *out;

  for (gint64 o = 0; o < oc; o++)
    ((gfloat *) b->constant->data)[o] = (gfloat) (draw (m, -50, 50) / 400.0);
  out = add (m, UNET_OP_Conv, x, w, b);
  unet_node_set_attr_int (out->producer, "group", depthwise ? ic : 1);
  unet_node_set_attr_ints (out->producer, "pads", pads, 4);
  return out;
}

/* ---- networks ------------------------------------------------------------ */

#define STEP_OUT (1.0f / 64)

/* Makes two convolutions and random operators between them. A Relu, or the type
 * uint8 alone, clips at zero. */
static UnetGraph *
two_layers (guint seed, Kind kind)
{
  Maker m = { unet_graph_new ("quantised"), g_rand_new_with_seed (seed), 0,
    seed % 2 ? UNET_DTYPE_U8 : UNET_DTYPE_I8 };
  gint64 ic = draw (&m, 1, 24), oc = draw (&m, 1, 5) * 8;
  gint64 dims[] = { 1, ic, draw (&m, 4, 20), draw (&m, 4, 20) };
  gboolean depthwise = draw (&m, 0, 3) == 0, pool = draw (&m, 0, 2) == 0;
  UnetValue *in = unet_graph_add_value (m.graph, "in"), *x;
  gboolean bytes = draw (&m, 0, 1);

  m.graph->opset = 13;
  unet_value_set_shape (in, UNET_DTYPE_F32, 4, dims);
  g_ptr_array_add (m.graph->inputs, in);
  x = rounded (&m, in, kind, kind == ASYMMETRIC ? 1.0f / 90 : 1.0f / 127);
  x = conv (&m, x, ic, depthwise ? ic : oc, 3, depthwise);
  if (kind == FROM_ZERO && draw (&m, 0, 1))
    x = add (&m, UNET_OP_Relu, x, NULL, NULL);
  if (pool && bytes)
    x = rounded_and_pooled (&m, x, kind, 3.0f / 127);
  else
    x = rounded (&m, x, kind, 3.0f / 127);
  if (pool && !bytes)
    x = rounded (&m, pooled (&m, x), kind, 3.0f / 127);
  x = conv (&m, x, depthwise ? ic : oc, 16, 1, FALSE);
  x = rounded (&m, x, kind, STEP_OUT);
  g_ptr_array_add (m.graph->outputs, x);
  g_rand_free (m.rng);
  return m.graph;
}

/* ---- comparison ---------------------------------------------------------- */

static UnetPlan *
run (const UnetGraph *graph, gboolean bytes)
{
  UnetSessionOptions options = UNET_SESSION_OPTIONS_INIT;
  UnetLowPrecision low = { FALSE, NULL, NULL };
  UnetCompileOptions compile = { bytes ? &low : NULL, NULL, NULL };
  UnetGraph *copy = unet_graph_copy (graph);
  GError *error = NULL;
  UnetPlan *plan;
  UnetValue *in;

  options.threads = 1;
  options.tuning = bytes ? UNET_TUNING_STATIC : UNET_TUNING_REFERENCE;
  ck_assert (unet_graph_infer (copy, &error));
  if (bytes) {
    ck_assert (unet_graph_is_quantized (graph));
    unet_graph_take_ranges (copy);
    unet_graph_optimize (copy);
  }
  plan = unet_plan_new (copy, &options, &compile, &error);
  ck_assert_msg (plan != NULL, "%s", error ? error->message : "");
  in = g_ptr_array_index (copy->inputs, 0);
  unet_test_fill (
      unet_plan_get_input (plan, 0), unet_dims_count (in->n_dims, in->dims), 1);
  ck_assert (unet_plan_run (plan, &error));
  return plan;
}

/* Checks that no step quantises or dequantises alone, and that at least two
 * layers run in int8. */
static void
check_bytes (UnetPlan *plan, guint seed)
{
  guint n, in_int8 = 0;
  const UnetLayerInfo *layers = unet_plan_get_layers (plan, &n);

  for (guint i = 0; i < n; i++) {
    ck_assert_msg (
        strstr (layers[i].op, "Linear") == NULL, "%u: %s", seed, layers[i].op);
    in_int8 += g_str_equal (layers[i].layout, "nhwc-int8");
  }
  ck_assert_msg (in_int8 >= 2, "%u: %u layers in int8", seed, in_int8);
}

/* Compares two plans, without the numbers that the reference implementation
 * clipped. @mean and @most: limits of the difference, in steps of the result.
 */
static void
check_close (UnetPlan *a, UnetPlan *b, guint seed, gdouble mean, gdouble most)
{
  const UnetGraph *graph = unet_plan_get_graph (b);
  const UnetValue *out = g_ptr_array_index (graph->outputs, 0);
  gsize n = unet_dims_count (out->n_dims, out->dims), used = 0;
  const gfloat *x = unet_plan_get_output (a, 0);
  const gfloat *y = unet_plan_get_output (b, 0);
  gdouble sum = 0, worst = 0;
  gfloat low = INFINITY, high = -INFINITY;

  for (gsize i = 0; i < n; i++) {
    low = MIN (low, y[i]);
    high = MAX (high, y[i]);
  }
  for (gsize i = 0; i < n; i++) {
    gdouble d = fabs (x[i] - y[i]) / STEP_OUT;

    if (y[i] >= 255 * STEP_OUT || (low < 0 && (y[i] == low || y[i] == high)))
      continue;
    used++;
    sum += d;
    worst = MAX (worst, d);
  }
  ck_assert_msg (used > n / 4, "%u: nothing to compare", seed);
  ck_assert_msg (
      sum / used <= mean, "%u: %g steps on average", seed, sum / used);
  ck_assert_msg (worst <= most, "%u: %g steps", seed, worst);
}

static void
check_seed (guint seed, Kind kind, gdouble mean, gdouble most)
{
  UnetGraph *graph = two_layers (seed, kind);
  UnetPlan *bytes = run (graph, TRUE), *truth = run (graph, FALSE);

  check_bytes (bytes, seed);
  check_close (bytes, truth, seed, mean, most);
  unet_plan_free (bytes);
  unet_plan_free (truth);
  unet_graph_free (graph);
}

/* Without VNNI weights have 7 bits, whose rounding is the largest error. */
static gdouble
slack (void)
{
  return unet_engine_has_fast_int8 () ? 1 : 4;
}

/* The int8 plan does not round its result, which differs by a quarter of a step
 * on average. The int8 values before it differ only where a sum lies midway
 * between two. */
START_TEST (test_from_zero)
{
  for (guint seed = 0; seed < 40; seed++)
    check_seed (seed, FROM_ZERO, 0.27 * slack (), 2 * slack ());
}
END_TEST

START_TEST (test_symmetric)
{
  for (guint seed = 0; seed < 40; seed++)
    check_seed (seed, SYMMETRIC, 0.27 * slack (), 2 * slack ());
}
END_TEST

/* int8 is symmetric: its steps are up to twice as wide as those of uint8. */
START_TEST (test_asymmetric)
{
  for (guint seed = 0; seed < 40; seed++)
    check_seed (seed, ASYMMETRIC, 1.0 * slack (), 20 * slack ());
}
END_TEST

int
main (int argc, char **argv)
{
  Suite *suite = suite_create ("quantised networks");
  TCase *tc = tcase_create ("all");
  SRunner *runner;
  int failed;

  if (argc > 1) {
    check_seed (strtoul (argv[1], NULL, 10), FROM_ZERO, 0.27, 2);
    return EXIT_SUCCESS;
  }
  tcase_set_timeout (tc, 120);
  tcase_add_test (tc, test_from_zero);
  tcase_add_test (tc, test_symmetric);
  tcase_add_test (tc, test_asymmetric);
  suite_add_tcase (suite, tc);
  runner = srunner_create (suite);
  srunner_run_all (runner, CK_ENV);
  failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
