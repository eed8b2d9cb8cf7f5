/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pass-check.h"
#include "graph/ops/infer.h"
#include "graph/passes/optimize.h"
#include "lib/interpret.h"
#include "onnx/onnx.h"
#include <check.h>
#include <string.h>

static const gchar *const post_names[] = {
  "RELU",
  "CLIP",
  "LEAKY_RELU",
  "ELU",
  "SIGMOID",
  "TANH",
  "SOFTPLUS",
  "HARD_SIGMOID",
  "HARD_SWISH",
  "SWISH",
  "GELU_ERF",
  "LINEAR",
  "ADD",
  "MUL",
  "PRELU",
};

/* Returns the nodes with their post-ops, such as `Conv+RELU MaxPool Conv`. */
static gchar *
spell (const UnetGraph *graph)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < graph->nodes->len; i++) {
    const UnetNode *node = g_ptr_array_index (graph->nodes, i);
    g_string_append_printf (
        text, "%s%s", i ? " " : "", unet_op_name (node->op));
    for (guint k = 0; k < node->post_ops->len; k++)
      g_string_append_printf (text, "+%s",
          post_names[g_array_index (node->post_ops, UnetPostOp, k).kind]);
  }
  return g_string_free (text, FALSE);
}

static UnetGraph *
parse (Writer *w)
{
  g_autoptr (GBytes) bytes = writer_end (w);
  g_autoptr (GError) error = NULL;
  UnetGraph *graph = unet_onnx_parse (bytes, "graph", NULL, &error);

  ck_assert_msg (graph != NULL, "%s", error ? error->message : "");
  ck_assert_msg (
      unet_graph_infer (graph, &error), "%s", error ? error->message : "");
  return graph;
}

/* Checks that producers, consumers and the order of nodes are right after any
 * pass. */
void
check_links (const UnetGraph *graph)
{
  for (guint i = 0; i < graph->nodes->len; i++) {
    UnetNode *node = g_ptr_array_index (graph->nodes, i);
    for (guint k = 0; k < node->inputs->len; k++) {
      const UnetValue *value = unet_node_input (node, k);
      guint at;
      if (!value)
        continue;
      ck_assert (g_ptr_array_find (value->consumers, node, NULL));
      if (value->producer) {
        ck_assert (g_ptr_array_find (graph->nodes, value->producer, &at));
        ck_assert_uint_lt (at, i);
      }
    }
    for (guint k = 0; k < node->post_ops->len; k++) {
      const UnetPostOp *post = &g_array_index (node->post_ops, UnetPostOp, k);
      guint at;
      if (!post->value || !post->value->producer)
        continue;
      ck_assert (g_ptr_array_find (graph->nodes, post->value->producer, &at));
      ck_assert_uint_lt (at, i);
    }
    for (guint k = 0; k < node->outputs->len; k++)
      ck_assert (!unet_node_output (node, k)
          || unet_node_output (node, k)->producer == node);
  }
}

static UnetTensor **
random_inputs (const UnetGraph *graph, gdouble low, gdouble high)
{
  UnetTensor **inputs = g_new0 (UnetTensor *, graph->inputs->len);

  for (guint i = 0; i < graph->inputs->len; i++)
    inputs[i] = random_tensor (
        g_ptr_array_index (graph->inputs, i), 100 + i, low, high);
  return inputs;
}

static void
compare (GPtrArray *expected, GPtrArray *results, gdouble limit,
    const GError *failure)
{
  ck_assert_msg (results != NULL, "%s", failure ? failure->message : "");
  for (guint i = 0; i < expected->len; i++) {
    gdouble error = relative_error (
        g_ptr_array_index (expected, i), g_ptr_array_index (results, i));
    ck_assert_msg (error < limit, "output %u is off by %g", i, error);
  }
}

/* Compares the graphs before and after the passes by the oracles, and the
 * engine's results. */
void
check_same (UnetGraph *before, UnetGraph *after, gdouble low, gdouble high,
    gdouble limit)
{
  g_autofree UnetTensor **inputs = random_inputs (before, low, high);
  g_autoptr (GPtrArray) expected = NULL, results = NULL, planned = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < before->outputs->len; i++) {
    const UnetValue *a = g_ptr_array_index (before->outputs, i);
    const UnetValue *b = g_ptr_array_index (after->outputs, i);
    ck_assert_str_eq (a->name, b->name);
  }
  expected = interpret (before, inputs, &error);
  ck_assert_msg (expected != NULL, "%s", error ? error->message : "");
  results = interpret (after, inputs, &error);
  compare (expected, results, limit, error);
  planned = run_plan (before, inputs, TRUE, &error);
  compare (expected, planned, 1e-4, error);
  for (guint i = 0; i < before->inputs->len; i++)
    unet_tensor_unref (inputs[i]);
}

/* Optimises the graph of @w, which must then be spelled @wanted. */
void
expect (Writer *w, const gchar *wanted)
{
  UnetGraph *graph = parse (w), *copy = unet_graph_copy (graph);
  g_autofree gchar *text = NULL;

  unet_graph_optimize (copy);
  text = spell (copy);
  ck_assert_str_eq (text, wanted);
  check_links (copy);
  check_same (graph, copy, -3, 3, 2e-5);
  unet_graph_free (graph);
  unet_graph_free (copy);
}

/* ---- building --------------------------------------------------------- */

Writer
begin (const gchar *dims)
{
  Writer w = writer_new (13);

  writer_input (&w, "x", W_FLOAT, dims);
  return w;
}

void
add_conv (Writer *w, const gchar *in, const gchar *out, const gchar *weights)
{
  g_autofree gchar *name = g_strdup_printf ("%s_w", out);
  g_autofree gchar *inputs = g_strdup_printf ("%s,%s", in, name);
  GByteArray *node = writer_node ("Conv", out, inputs, out);
  g_auto (GStrv) dims = g_strsplit (weights, ",", -1);

  writer_noise (w, name, weights, g_str_hash (out), 0.3);
  if (!strcmp (dims[2], "3"))
    node_ints (node, "pads", "1,1,1,1");
  writer_add (w, node);
}

void
add_batch_norm (Writer *w, const gchar *in, const gchar *out, guint channels)
{
  static const gchar *const parts[] = { "scale", "bias", "mean", "var" };
  g_autofree gchar *dims = g_strdup_printf ("%u", channels);
  g_autoptr (GString) inputs = g_string_new (in);
  g_autofree gfloat *var = g_new (gfloat, channels);

  for (guint i = 0; i < channels; i++)
    var[i] = 0.5f + (gfloat) i;
  for (guint i = 0; i < 4; i++) {
    g_autofree gchar *name = g_strdup_printf ("%s_%s", out, parts[i]);
    if (i < 3)
      writer_noise (w, name, dims, i + 3, 1);
    else
      writer_floats (w, name, dims, var);
    g_string_append_printf (inputs, ",%s", name);
  }
  writer_op (w, "BatchNormalization", out, inputs->str, out);
}

void
add_number (Writer *w, const gchar *name, gfloat value)
{
  writer_initializer (w, name, W_FLOAT, "1", &value, sizeof value);
}

void
add_transpose (Writer *w, const gchar *in, const gchar *out, const gchar *perm)
{
  GByteArray *node = writer_node ("Transpose", out, in, out);

  node_ints (node, "perm", perm);
  writer_add (w, node);
}

void
finish (Writer *w, const gchar *out)
{
  writer_output (w, out, W_FLOAT, NULL);
}
