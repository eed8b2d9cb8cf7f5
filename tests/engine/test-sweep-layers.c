/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compares single convolutions, transposed convolutions and poolings in the
 * engine with the operators' oracles. Convolutions run in f32, by rule and by
 * measuring, and in int8; poolings run in f32. Convolutions have kernels of 1
 * to 7, strides of 1 to 4, dilations, groups, padding and output padding.
 * `test-sweep-layers SEED N` runs N layers, starting from SEED. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "engine/compile.h"
#include "graphs/graph-builder.h"
#include "lib/check-main.h"

#define LAYERS 120 /* layers of each kind in the suite */

typedef struct {
  UnetGraph *graph;
  GRand *rng;
  guint n_names;
  gboolean pools;  /* make poolings */
  gchar text[256]; /* the layer, for messages */
} Maker;

static gint64
draw (Maker *m, gint64 low, gint64 high)
{
  return g_rand_int_range (m->rng, (gint32) low, (gint32) high + 1);
}

static UnetValue *
floats (Maker *m, guint n_dims, const gint64 *dims, gdouble size)
{
  UnetTensor *t = unet_tensor_new (UNET_DTYPE_F32, n_dims, dims);
  gchar name[16];

  for (gsize i = 0; i < t->n_elements; i++)
    ((gfloat *) t->data)[i] = g_rand_double_range (m->rng, -size, size);
  g_snprintf (name, sizeof name, "c%u", m->n_names++);
  return unet_graph_add_constant (m->graph, name, t);
}

static UnetNode *
add_node (Maker *m, UnetOp op, UnetValue *x, UnetValue *w, UnetValue *b)
{
  UnetValue *inputs[] = { x, w, b };
  gchar name[16];
  UnetNode *node;

  g_snprintf (name, sizeof name, "n%u", m->n_names++);
  node = unet_graph_add_node (m->graph, op, name);
  for (guint i = 0; i < 3 && inputs[i]; i++)
    unet_node_add_input (node, inputs[i]);
  name[0] = 'v';
  unet_node_add_output (node, unet_graph_add_value (m->graph, name));
  return node;
}

static UnetValue *
pointwise (Maker *m, UnetValue *x, gint64 ic, gint64 oc)
{
  gint64 dims[] = { oc, ic, 1, 1 };

  return unet_node_output (
      add_node (m, UNET_OP_Conv, x, floats (m, 4, dims, sqrt (3.0 / ic)),
          floats (m, 1, dims, 0.2)),
      0);
}

/* Adds a convolution or a transposed one. One kernel in three is at most 2
 * wide, and often smaller than its stride. */
static UnetValue *
layer (Maker *m, UnetValue *x, gint64 ic, gint64 *oc, gint64 height)
{
  gboolean deconv = draw (m, 0, 3) > 0;
  gint64 k[2], s[2], d[2], pads[4], more[2] = { 0, 0 };
  gint64 group = draw (m, 0, 2) ? 1 : draw (m, 0, 1) ? ic : 2, dims[4];
  UnetValue *w;
  UnetNode *node;

  for (guint i = 0; i < 2; i++) {
    gint64 span;

    k[i] = draw (m, 0, 2) ? draw (m, 1, 7) : draw (m, 1, 2);
    s[i] = draw (m, 1, 4);
    d[i] = k[i] > 1 && !draw (m, 0, 2) ? draw (m, 2, 3) : 1;
    span = (k[i] - 1) * d[i] + 1;
    pads[i] = draw (m, 0, MIN (2, (span - 1) / 2));
    pads[i + 2] = draw (m, 0, MIN (2, (span - 1) / 2));
    if (deconv)
      more[i] = draw (m, 0, MAX (s[i], d[i]) - 1);
    else if (span > height)
      k[i] = 1;
  }
  *oc = group == ic && draw (m, 0, 1) ? ic : group * draw (m, 1, 20);
  dims[0] = deconv ? ic : *oc;
  dims[1] = deconv ? *oc / group : ic / group;
  dims[2] = k[0];
  dims[3] = k[1];
  w = floats (m, 4, dims, sqrt (3.0 / (ic / group * k[0] * k[1])));
  node = add_node (m, deconv ? UNET_OP_ConvTranspose : UNET_OP_Conv, x, w,
      draw (m, 0, 3) ? floats (m, 1, oc, 0.3) : NULL);
  node->since = 11;
  unet_node_set_attr_ints (node, "kernel_shape", k, 2);
  unet_node_set_attr_ints (node, "strides", s, 2);
  unet_node_set_attr_ints (node, "dilations", d, 2);
  unet_node_set_attr_ints (node, "pads", pads, 4);
  unet_node_set_attr_int (node, "group", group);
  if (deconv)
    unet_node_set_attr_ints (node, "output_padding", more, 2);
  g_snprintf (m->text, sizeof m->text,
      "%s %d>%d g%d k%d,%d s%d,%d d%d,%d p%d,%d,%d,%d o%d,%d",
      deconv ? "ConvTranspose" : "Conv", (gint) ic, (gint) *oc, (gint) group,
      (gint) k[0], (gint) k[1], (gint) s[0], (gint) s[1], (gint) d[0],
      (gint) d[1], (gint) pads[0], (gint) pads[1], (gint) pads[2],
      (gint) pads[3], (gint) more[0], (gint) more[1]);
  return unet_node_output (node, 0);
}

/* Adds a pooling, which is dilated half of the time. */
static UnetValue *
pooling (Maker *m, UnetValue *x, gint64 height)
{
  gint64 k[2], s[2], d[2], pads[4];
  gboolean average = draw (m, 0, 1);
  UnetNode *node = add_node (
      m, average ? UNET_OP_AveragePool : UNET_OP_MaxPool, x, NULL, NULL);

  for (guint i = 0; i < 2; i++) {
    gint64 room = i || height > 4 ? 5 : 1, span;

    d[i] = draw (m, 0, 1) ? draw (m, 2, 3) : 1;
    k[i] = draw (m, 1, MIN (4, (room - 1) / d[i] + 1));
    s[i] = draw (m, 1, 3);
    span = (k[i] - 1) * d[i] + 1;
    pads[i] = draw (m, 0, span / 2);
    pads[i + 2] = draw (m, 0, span / 2);
  }
  node->since = average ? 19 : 12;
  unet_node_set_attr_ints (node, "kernel_shape", k, 2);
  unet_node_set_attr_ints (node, "strides", s, 2);
  unet_node_set_attr_ints (node, "dilations", d, 2);
  unet_node_set_attr_ints (node, "pads", pads, 4);
  unet_node_set_attr_int (node, "ceil_mode", draw (m, 0, 1));
  if (average)
    unet_node_set_attr_int (node, "count_include_pad", draw (m, 0, 1));
  g_snprintf (m->text, sizeof m->text, "%s k%d,%d s%d,%d d%d,%d p%d,%d,%d,%d",
      average ? "AveragePool" : "MaxPool", (gint) k[0], (gint) k[1],
      (gint) s[0], (gint) s[1], (gint) d[0], (gint) d[1], (gint) pads[0],
      (gint) pads[1], (gint) pads[2], (gint) pads[3]);
  return unet_node_output (node, 0);
}

static UnetGraph *
make_graph (Maker *m, guint seed, gboolean wrapped)
{
  gint64 dims[4], oc;
  UnetValue *x;

  m->graph = unet_graph_new ("layer");
  m->graph->opset = 13;
  m->rng = g_rand_new_with_seed (seed);
  m->n_names = 0;
  dims[0] = draw (m, 0, 4) ? 1 : 2;
  dims[1] = draw (m, 0, 1) ? 8 * draw (m, 1, 4) : 2 * draw (m, 1, 12);
  dims[2] = draw (m, 0, 4) ? draw (m, 5, 12) : 1;
  dims[3] = draw (m, 5, 12);
  x = unet_graph_add_value (m->graph, "in");
  unet_value_set_shape (x, UNET_DTYPE_F32, 4, dims);
  g_ptr_array_add (m->graph->inputs, x);
  if (wrapped || (m->pools && draw (m, 0, 1)))
    x = pointwise (m, x, dims[1], dims[1]);
  if (m->pools)
    x = pooling (m, x, dims[2]);
  else
    x = layer (m, x, dims[1], &oc, dims[2]);
  if (draw (m, 0, 1))
    x = unet_node_output (add_node (m, UNET_OP_Relu, x, NULL, NULL), 0);
  if (wrapped)
    x = pointwise (m, x, oc, 16);
  g_ptr_array_add (m->graph->outputs, x);
  g_rand_free (m->rng);
  return m->graph;
}

static UnetPlan *
make_plan (const UnetGraph *graph, UnetTuning tuning, GHashTable *ranges)
{
  UnetSessionOptions options = { 2, UNET_PRECISION_F32, tuning, FALSE };
  UnetLowPrecision low = { FALSE, ranges, NULL };
  UnetCompileOptions compile = { ranges ? &low : NULL, NULL, NULL };
  UnetGraph *copy = unet_graph_copy (graph);
  GError *error = NULL;
  UnetPlan *plan = NULL;

  if (!unet_graph_infer (copy, &error)) {
    unet_graph_free (copy); /* the picture is too small for its kernel */
    g_error_free (error);
    return NULL;
  }
  if (tuning != UNET_TUNING_REFERENCE)
    unet_graph_optimize (copy);
  plan = unet_plan_new (copy, &options, &compile, &error);
  ck_assert_msg (plan != NULL, "%s", error ? error->message : "no plan");
  return plan;
}

static gsize
count (const GPtrArray *values)
{
  const UnetValue *v = g_ptr_array_index (values, 0);

  return unet_dims_count (v->n_dims, v->dims);
}

static gfloat *
run (UnetPlan *plan, gsize *n)
{
  const UnetGraph *g = unet_plan_get_graph (plan);
  GError *error = NULL;

  unet_test_fill (unet_plan_get_input (plan, 0), count (g->inputs), 5);
  ck_assert_msg (unet_plan_run (plan, &error), "%s", error->message);
  *n = count (g->outputs);
  return g_memdup2 (unet_plan_get_output (plan, 0), *n * sizeof (gfloat));
}

static const gchar *
impls (UnetPlan *plan)
{
  static gchar text[256];
  guint n;
  const UnetLayerInfo *layers = unet_plan_get_layers (plan, &n);

  text[0] = '\0';
  for (guint i = 0; i < n; i++) {
    g_strlcat (text, layers[i].impl, sizeof text);
    g_strlcat (text, " ", sizeof text);
  }
  return text;
}

static void
compare (Maker *m, guint seed, UnetPlan *reference, UnetPlan *plan,
    gdouble tolerance)
{
  gsize n, k;
  gfloat *want = run (reference, &n), *got = run (plan, &k);
  gfloat *again = run (plan, &k);

  ck_assert_uint_eq (n, k);
  ck_assert_msg (memcmp (got, again, n * sizeof *got) == 0,
      "seed %u: %s (%s): two runs differ", seed, m->text, impls (plan));
  for (gsize i = 0; i < n; i++)
    ck_assert_msg (fabs (got[i] - want[i]) <= tolerance,
        "seed %u: %s (%s): %g for %g at %" G_GSIZE_FORMAT, seed, m->text,
        impls (plan), got[i], want[i], i);
  g_free (want);
  g_free (got);
  g_free (again);
}

/* oneDNN's reference implementations take a hundred times as long as ours. */
static void
check_not_reference (Maker *m, guint seed, UnetPlan *plan)
{
  guint n;
  const UnetLayerInfo *layers = unet_plan_get_layers (plan, &n);

  for (guint i = 0; i < n; i++)
    ck_assert_msg (!g_str_has_prefix (layers[i].impl, "ref"),
        "seed %u: %s runs by %s", seed, m->text, layers[i].impl);
}

static void
check_floats (guint seed, UnetTuning tuning, gboolean pools)
{
  Maker m = { .pools = pools };
  UnetGraph *graph = make_graph (&m, seed, FALSE);
  UnetPlan *reference = make_plan (graph, UNET_TUNING_REFERENCE, NULL), *plan;

  if (reference) {
    plan = make_plan (graph, tuning, NULL);
    check_not_reference (&m, seed, plan);
    compare (&m, seed, reference, plan, 2e-4);
    unet_plan_free (plan);
    unet_plan_free (reference);
  }
  unet_graph_free (graph);
}

static void
check_int8 (guint seed)
{
  const UnetRange range = { -6, 6 };
  GHashTable *ranges =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  Maker m = { .pools = FALSE };
  UnetGraph *graph = make_graph (&m, seed, TRUE);
  UnetPlan *reference = make_plan (graph, UNET_TUNING_REFERENCE, NULL), *plan;

  for (guint i = 0; i < graph->values->len; i++) {
    const UnetValue *v = g_ptr_array_index (graph->values, i);

    g_hash_table_insert (
        ranges, g_strdup (v->name), g_memdup2 (&range, sizeof range));
  }
  if (reference) {
    plan = make_plan (graph, UNET_TUNING_STATIC, ranges);
    compare (&m, seed, reference, plan, 0.6); /* 5 % of the range of 12 */
    unet_plan_free (plan);
    unet_plan_free (reference);
  }
  g_hash_table_unref (ranges);
  unet_graph_free (graph);
}

START_TEST (test_floats)
{
  for (guint i = 0; i < LAYERS; i++)
    check_floats (1000 + i, UNET_TUNING_STATIC, FALSE);
}
END_TEST

START_TEST (test_measured)
{
  for (guint i = 0; i < LAYERS / 4; i++)
    check_floats (5000 + i, UNET_TUNING_MEASURE, FALSE);
}
END_TEST

START_TEST (test_pools)
{
  for (guint i = 0; i < LAYERS; i++)
    check_floats (7000 + i, UNET_TUNING_STATIC, TRUE);
}
END_TEST

START_TEST (test_int8)
{
  for (guint i = 0; i < LAYERS; i++)
    check_int8 (9000 + i);
}
END_TEST

static guint first, n_layers;

START_TEST (test_given)
{
  for (guint seed = first; seed < first + n_layers; seed++) {
    check_floats (seed, UNET_TUNING_STATIC, FALSE);
    check_floats (seed, UNET_TUNING_MEASURE, FALSE);
    check_floats (seed, UNET_TUNING_STATIC, TRUE);
    check_int8 (seed);
  }
}
END_TEST

int
main (int argc, char **argv)
{
  const TTest *const tests[] = { test_floats, test_measured, test_pools,
    test_int8 };
  const TTest *const given[] = { test_given };

  if (argc < 3)
    return check_run_tests ("sweep layers", 300, tests, G_N_ELEMENTS (tests));
  first = strtoul (argv[1], NULL, 10);
  n_layers = strtoul (argv[2], NULL, 10);
  return check_run_tests ("sweep layers", 600, given, 1);
}
