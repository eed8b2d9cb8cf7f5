/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests that a file may list its nodes in any order. */

#include "lib/check-main.h"
#include "graph/ops/infer.h"
#include "lib/interpret.h"
#include "lib/onnx-writer.h"
#include "onnx/onnx.h"
#include <string.h>

static UnetGraph *
parse (Writer *w, GError **error)
{
  g_autoptr (GBytes) bytes = writer_end (w);

  return unet_onnx_parse (bytes, "graph", NULL, error);
}

/* Returns the names in order, such as `first second third`. */
static gchar *
names_of (const UnetGraph *graph)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < graph->nodes->len; i++) {
    const UnetNode *node = g_ptr_array_index (graph->nodes, i);
    g_string_append_printf (text, "%s%s", i ? " " : "", node->name);
  }
  return g_string_free (text, FALSE);
}

/* Adds one node of y = relu (x + one) * x. Its Cast before the Add is as the
 * float16 converter writes it. */
static void
add (Writer *w, const gchar *name)
{
  GByteArray *cast;

  if (!strcmp (name, "add"))
    writer_op (w, "Add", "add", "xf,one", "a");
  else if (!strcmp (name, "relu"))
    writer_op (w, "Relu", "relu", "a", "r");
  else if (!strcmp (name, "mul"))
    writer_op (w, "Mul", "mul", "r,xf", "y");
  else {
    cast = writer_node ("Cast", "cast", "x", "xf");
    node_int (cast, "to", W_FLOAT);
    writer_add (w, cast);
  }
}

static void
check_order (const gchar *order, const gchar *wanted)
{
  g_auto (GStrv) nodes = g_strsplit (order, " ", -1);
  Writer w = writer_new (13);
  gfloat one = 1, *data;
  g_autoptr (GError) error = NULL;
  g_autoptr (UnetGraph) graph = NULL;
  g_autoptr (GPtrArray) results = NULL;
  g_autofree gchar *text = NULL;
  UnetTensor *x;

  writer_input (&w, "x", W_FLOAT, "2");
  writer_floats (&w, "one", "", &one);
  for (guint i = 0; nodes[i]; i++)
    add (&w, nodes[i]);
  writer_output (&w, "y", W_FLOAT, NULL);
  graph = parse (&w, &error);
  ck_assert_msg (graph != NULL, "%s", error ? error->message : "");
  text = names_of (graph);
  ck_assert_str_eq (text, wanted);
  ck_assert (unet_graph_infer (graph, &error));
  x = unet_tensor_new (UNET_DTYPE_F32, 1, (gint64[]){ 2 });
  data = x->data;
  data[0] = 3;
  data[1] = -5;
  results = interpret (graph, &x, &error);
  ck_assert_msg (results != NULL, "%s", error ? error->message : "");
  data = ((UnetTensor *) g_ptr_array_index (results, 0))->data;
  ck_assert_float_eq (data[0], 12);
  ck_assert_float_eq (data[1], 0);
  unet_tensor_unref (x);
}

START_TEST (any_order)
{
  check_order ("cast add relu mul", "cast add relu mul");
  /* The float16 converter leaves the Cast at the end. */
  check_order ("add relu mul cast", "cast add relu mul");
  check_order ("mul relu add cast", "cast add relu mul");
  check_order ("relu cast mul add", "cast add relu mul");
}
END_TEST

/* A long chain begins with its last node. */
START_TEST (long_chain)
{
  const guint n = 60000;
  Writer w = writer_new (13);
  g_autoptr (GError) error = NULL;
  g_autoptr (UnetGraph) graph = NULL;
  const UnetNode *first;

  writer_input (&w, "v0", W_FLOAT, "1");
  for (guint i = n; i > 0; i--) {
    g_autofree gchar *in = g_strdup_printf ("v%u", i - 1);
    g_autofree gchar *out = g_strdup_printf ("v%u", i);
    writer_op (&w, "Relu", out, in, out);
  }
  writer_output (&w, "v60000", W_FLOAT, NULL);
  graph = parse (&w, &error);
  ck_assert_msg (graph != NULL, "%s", error ? error->message : "");
  ck_assert_uint_eq (graph->nodes->len, n);
  first = g_ptr_array_index (graph->nodes, 0);
  ck_assert_str_eq (first->name, "v1");
}
END_TEST

static void
expect_error (Writer *w, const gchar *const *words)
{
  g_autoptr (GError) error = NULL;

  ck_assert_ptr_null (parse (w, &error));
  ck_assert (g_error_matches (error, UNET_ERROR, UNET_ERROR_PARSE));
  for (guint i = 0; words[i]; i++)
    ck_assert_msg (strstr (error->message, words[i]) != NULL,
        "%s does not say %s", error->message, words[i]);
}

START_TEST (cycles)
{
  Writer three = writer_new (13), one = writer_new (13);

  writer_input (&three, "x", W_FLOAT, "2");
  writer_op (&three, "Relu", "before", "x", "p");
  writer_op (&three, "Add", "first", "p,c", "a");
  writer_op (&three, "Relu", "second", "a", "b");
  writer_op (&three, "Sigmoid", "third", "b", "c");
  writer_output (&three, "c", W_FLOAT, NULL);
  expect_error (&three,
      (const gchar *[]){
          "graph: node 'first' (Add)", "cycle", "'second'", "'third'", NULL });
  writer_input (&one, "x", W_FLOAT, "2");
  writer_op (&one, "Add", "alone", "x,y", "y");
  writer_output (&one, "y", W_FLOAT, NULL);
  expect_error (
      &one, (const gchar *[]){ "graph: node 'alone' (Add)", "cycle", NULL });
}
END_TEST

int
main (void)
{
  const TTest *const tests[] = { any_order, long_chain, cycles };

  return check_run_tests ("node-order", 120, tests, G_N_ELEMENTS (tests));
}
