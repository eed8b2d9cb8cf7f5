/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compares recurrent layers in both directions with loops over their formulas,
 * by the oracles and by the engine. The conformance test has ONNX's examples,
 * all of which go forward. */

#include "lib/check-main.h"
#include "graph/ops/infer.h"
#include "lib/interpret.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH = 4, BATCH = 2, IN = 3, SIZE = 5, DIRECTIONS = 2 };

typedef struct {
  UnetOp op;
  guint gates;
  gboolean reset_after;
  UnetTensor *x, *w, *r, *b, *p; /* p: (nullable) */
} Layer;

static UnetTensor *
make_noise (GRand *rand, guint n_dims, const gint64 *dims)
{
  UnetTensor *tensor = unet_tensor_new (UNET_DTYPE_F32, n_dims, dims);

  for (gsize i = 0; i < tensor->n_elements; i++)
    ((gfloat *) tensor->data)[i] = (gfloat) g_rand_double_range (rand, -1, 1);
  return tensor;
}

static Layer
make_layer (UnetOp op, guint gates, gboolean reset_after)
{
  GRand *rand = g_rand_new_with_seed (7);
  const gint64 n = gates * SIZE;
  Layer l = { op, gates, reset_after,
    make_noise (rand, 3, (const gint64[]){ LENGTH, BATCH, IN }),
    make_noise (rand, 3, (const gint64[]){ DIRECTIONS, n, IN }),
    make_noise (rand, 3, (const gint64[]){ DIRECTIONS, n, SIZE }),
    make_noise (rand, 2, (const gint64[]){ DIRECTIONS, 2 * n }), NULL };

  if (op == UNET_OP_LSTM)
    l.p = make_noise (rand, 2, (const gint64[]){ DIRECTIONS, 3 * SIZE });
  g_rand_free (rand);
  return l;
}

static void
free_layer (Layer *l)
{
  UnetTensor *tensors[] = { l->x, l->w, l->r, l->b, l->p };

  for (guint i = 0; i < G_N_ELEMENTS (tensors); i++)
    unet_tensor_unref (tensors[i]);
}

/* ---- the formulas ----------------------------------------------------- */

static gdouble
sigmoid (gdouble x)
{
  return 1 / (1 + exp (-x));
}

/* Row @row of direction @d times @v, and bias @row of the W's or R's half. */
static gdouble
multiply (const Layer *l, const UnetTensor *m, guint d, guint row,
    const gfloat *v, guint half)
{
  const guint rows = l->gates * SIZE, n = (guint) m->dims[2];
  const gfloat *data = m->data;
  gdouble sum = ((gfloat *) l->b->data)[d * 2 * rows + half * rows + row];

  for (guint i = 0; i < n; i++)
    sum += (gdouble) data[(d * rows + row) * n + i] * v[i];
  return sum;
}

static void
step_lstm (const Layer *l, guint d, const gfloat *x, gfloat *h, gfloat *c)
{
  gfloat next[SIZE];

  for (guint k = 0; k < SIZE; k++) {
    const gfloat *p = (const gfloat *) l->p->data + d * 3 * SIZE + k;
    gdouble sum[4], in, forget, cell, out;
    for (guint g = 0; g < 4; g++)
      sum[g] = multiply (l, l->w, d, g * SIZE + k, x, 0)
          + multiply (l, l->r, d, g * SIZE + k, h, 1);
    in = sigmoid (sum[0] + p[0] * c[k]);
    forget = sigmoid (sum[2] + p[2 * SIZE] * c[k]);
    cell = forget * c[k] + in * tanh (sum[3]);
    out = sigmoid (sum[1] + p[SIZE] * cell);
    next[k] = (gfloat) (out * tanh (cell));
    c[k] = (gfloat) cell;
  }
  for (guint k = 0; k < SIZE; k++)
    h[k] = next[k];
}

static void
step_gru (const Layer *l, guint d, const gfloat *x, gfloat *h)
{
  gfloat next[SIZE], gated[SIZE];
  gdouble reset[SIZE];

  for (guint k = 0; k < SIZE; k++) {
    reset[k] = sigmoid (multiply (l, l->w, d, SIZE + k, x, 0)
        + multiply (l, l->r, d, SIZE + k, h, 1));
    gated[k] = (gfloat) (reset[k] * h[k]);
  }
  for (guint k = 0; k < SIZE; k++) {
    const guint row = 2 * SIZE + k;
    gdouble update = sigmoid (
        multiply (l, l->w, d, k, x, 0) + multiply (l, l->r, d, k, h, 1));
    gdouble past = l->reset_after ? reset[k] * multiply (l, l->r, d, row, h, 1)
                                  : multiply (l, l->r, d, row, gated, 1);
    gdouble candidate = tanh (multiply (l, l->w, d, row, x, 0) + past);
    next[k] = (gfloat) ((1 - update) * candidate + update * h[k]);
  }
  for (guint k = 0; k < SIZE; k++)
    h[k] = next[k];
}

static void
step_rnn (const Layer *l, guint d, const gfloat *x, gfloat *h)
{
  gfloat next[SIZE];

  for (guint k = 0; k < SIZE; k++)
    next[k] = (gfloat) tanh (
        multiply (l, l->w, d, k, x, 0) + multiply (l, l->r, d, k, h, 1));
  for (guint k = 0; k < SIZE; k++)
    h[k] = next[k];
}

/* Compares [length, directions, batch, size] and [directions, batch, size]. */
static void
check_results (const Layer *l, GPtrArray *results)
{
  const UnetTensor *all = g_ptr_array_index (results, 0);
  const UnetTensor *last = g_ptr_array_index (results, 1);

  ck_assert_uint_eq (all->n_elements, LENGTH * DIRECTIONS * BATCH * SIZE);
  ck_assert_uint_eq (last->n_elements, DIRECTIONS * BATCH * SIZE);
  for (guint d = 0; d < DIRECTIONS; d++)
    for (guint b = 0; b < BATCH; b++) {
      const guint state = (d * BATCH + b) * SIZE;
      gfloat h[SIZE] = { 0 }, c[SIZE] = { 0 };
      for (guint i = 0; i < LENGTH; i++) {
        const guint t = d ? LENGTH - 1 - i : i;
        const gfloat *x = (const gfloat *) l->x->data + (t * BATCH + b) * IN;
        const guint at = t * DIRECTIONS * BATCH * SIZE + state;
        if (l->op == UNET_OP_LSTM)
          step_lstm (l, d, x, h, c);
        else if (l->op == UNET_OP_GRU)
          step_gru (l, d, x, h);
        else
          step_rnn (l, d, x, h);
        for (guint k = 0; k < SIZE; k++)
          ck_assert_double_eq_tol (
              ((const gfloat *) all->data)[at + k], h[k], 1e-5);
      }
      for (guint k = 0; k < SIZE; k++)
        ck_assert_double_eq_tol (
            ((const gfloat *) last->data)[state + k], h[k], 1e-5);
    }
}

/* ---- the graph -------------------------------------------------------- */

/* @lengths: (nullable): of the sequences */
static UnetGraph *
make_graph (const Layer *l, UnetTensor *lengths)
{
  UnetGraph *graph = unet_graph_new ("graph");
  UnetValue *x = unet_graph_add_value (graph, "x"), *y;
  UnetTensor *const weights[] = { l->w, l->r, l->b, lengths, NULL, NULL, l->p };
  UnetNode *node;

  graph->opset = 17;
  unet_value_set_shape (x, UNET_DTYPE_F32, 3, l->x->dims);
  g_ptr_array_add (graph->inputs, x);
  node = unet_graph_add_node (graph, l->op, "layer");
  node->since = 17;
  unet_node_add_input (node, x);
  for (guint i = 0; i < (l->p ? 7 : lengths ? 4 : 3); i++)
    unet_node_add_input (node,
        weights[i] ? unet_graph_add_constant (
            graph, "weight", unet_tensor_ref (weights[i]))
                   : NULL);
  for (guint i = 0; i < 2; i++) {
    y = unet_graph_add_value (graph, i ? "last" : "all");
    unet_node_add_output (node, y);
    g_ptr_array_add (graph->outputs, y);
  }
  unet_node_set_attr_int (node, "hidden_size", SIZE);
  unet_node_set_attr_string (node, "direction", "bidirectional");
  unet_node_set_attr_int (node, "linear_before_reset", l->reset_after);
  return graph;
}

static void
check_layer (UnetOp op, guint gates, gboolean reset_after)
{
  Layer l = make_layer (op, gates, reset_after);
  UnetGraph *graph = make_graph (&l, NULL);
  g_autoptr (GError) error = NULL;
  GPtrArray *results;

  ck_assert_msg (
      unet_graph_infer (graph, &error), "%s", error ? error->message : "");
  results = interpret (graph, &l.x, &error);
  ck_assert_msg (results != NULL, "%s", error ? error->message : "");
  check_results (&l, results);
  g_ptr_array_unref (results);
  results = run_plan (graph, &l.x, TRUE, &error);
  ck_assert_msg (results != NULL, "%s", error ? error->message : "");
  check_results (&l, results);
  g_ptr_array_unref (results);
  unet_graph_free (graph);
  free_layer (&l);
}

START_TEST (both_directions)
{
  check_layer (UNET_OP_RNN, 1, FALSE);
  check_layer (UNET_OP_GRU, 3, FALSE);
  check_layer (UNET_OP_GRU, 3, TRUE);
  check_layer (UNET_OP_LSTM, 4, FALSE);
}
END_TEST

/* Sequences that all have the full length run; others are refused. */
START_TEST (lengths)
{
  const gint64 n = BATCH;
  Layer l = make_layer (UNET_OP_GRU, 3, FALSE);

  for (gint shorter = 0; shorter < 2; shorter++) {
    UnetTensor *values = unet_tensor_new (UNET_DTYPE_I32, 1, &n);
    UnetGraph *graph = make_graph (&l, values);
    g_autoptr (GError) error = NULL;
    for (gint i = 0; i < BATCH; i++)
      ((gint32 *) values->data)[i] = LENGTH - (i ? shorter : 0);
    ck_assert_int_eq (unet_graph_infer (graph, &error), !shorter);
    if (shorter) {
      ck_assert_int_eq (error->code, UNET_ERROR_UNSUPPORTED);
      ck_assert (strstr (error->message, "sequence_lens") != NULL);
    }
    unet_tensor_unref (values);
    unet_graph_free (graph);
  }
  free_layer (&l);
}
END_TEST

gint
main (void)
{
  const TTest *const tests[] = { both_directions, lengths };

  return check_run_tests ("recurrent", 30, tests, G_N_ELEMENTS (tests));
}
