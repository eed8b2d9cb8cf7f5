/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests attributes that would overflow arithmetic. Every operator with a
 * window, a step or a block refuses them by name before it computes. The
 * sanitizers find overflows that remain. */

#include "lib/check-main.h"
#include "graph/ops/infer.h"
#include "lib/interpret.h"
#include "lib/onnx-writer.h"
#include "onnx/onnx.h"
#include <string.h>

#define MOST  "9223372036854775807"
#define LEAST "-9223372036854775808"
#define ABOVE "2147483649"

/* A node over x of 1x4x6x6 and weights w of 4x4x3x3. */
typedef struct {
  const gchar *op, *inputs;
  const gchar *attr;
  gboolean list;
  const gchar *rest; /* of a list, before and after `%s` */
} Case;

#define WINDOW(op, inputs)                                                     \
  { op, inputs, "kernel_shape", TRUE, "%s,3" },                                \
      { op, inputs, "strides", TRUE, "1,%s" },                                 \
      { op, inputs, "dilations", TRUE, "%s,1" },                               \
  {                                                                            \
    op, inputs, "pads", TRUE, "0,0,0,%s"                                       \
  }

static const Case cases[] = {
  WINDOW ("Conv", "x,w"),
  { "Conv", "x,w", "group", FALSE, NULL },
  WINDOW ("ConvTranspose", "x,w"),
  { "ConvTranspose", "x,w", "group", FALSE, NULL },
  { "ConvTranspose", "x,w", "output_padding", TRUE, "%s,0" },
  { "ConvTranspose", "x,w", "output_shape", TRUE, "%s,8" },
  WINDOW ("MaxPool", "x"),
  WINDOW ("AveragePool", "x"),
  { "LRN", "x", "size", FALSE, NULL },
};

static const gchar *const numbers[] = { MOST, LEAST, ABOVE, "-2" };

static GBytes *
write_case (const Case *c, const gchar *number)
{
  Writer w = writer_new (13);
  GByteArray *node = writer_node (c->op, "the-node", c->inputs, "y");
  GString *list = g_string_new (c->rest);

  writer_input (&w, "x", W_FLOAT, "1,4,6,6");
  writer_noise (&w, "w", "4,4,3,3", 1, 1);
  if (c->list) {
    g_string_replace (list, "%s", number, 1);
    node_ints (node, c->attr, list->str);
  } else {
    node_int (node, c->attr, g_ascii_strtoll (number, NULL, 10));
  }
  if (g_str_has_suffix (c->op, "Pool") && strcmp (c->attr, "kernel_shape"))
    node_ints (node, "kernel_shape", "3,3");
  writer_add (&w, node);
  writer_output (&w, "y", W_FLOAT, NULL);
  g_string_free (list, TRUE);
  return writer_end (&w);
}

static void
expect_refusal (
    GBytes *bytes, const gchar *op, const gchar *attr, const gchar *number)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (UnetGraph) graph = unet_onnx_parse (bytes, "graph", NULL, NULL);

  ck_assert_ptr_nonnull (graph);
  ck_assert_msg (
      !unet_graph_infer (graph, &error), "%s takes %s of %s", op, attr, number);
  ck_assert_msg (
      error->code == UNET_ERROR_SHAPE || error->code == UNET_ERROR_LIMIT,
      "code %d: %s", error->code, error->message);
  ck_assert_msg (
      strstr (error->message, attr) && strstr (error->message, number),
      "%s of %s: %s", attr, number, error->message);
  g_bytes_unref (bytes);
}

START_TEST (windows)
{
  const Case *c = &cases[_i];

  for (guint k = 0; k < G_N_ELEMENTS (numbers); k++)
    expect_refusal (write_case (c, numbers[k]), c->op, c->attr, numbers[k]);
}
END_TEST

/* Each size is allowed alone. Their sum, or the extents of the output, are too
 * large. */
START_TEST (sums)
{
  static const Case large[] = {
    { "Conv", "x,w", "pads", TRUE, "%s,0,%s,0" },
    { "ConvTranspose", "x,w", "strides", TRUE, "%s,%s" },
    { "ConvTranspose", "x,w", "dilations", TRUE, "%s,%s" },
    { "MaxPool", "x", "pads", TRUE, "%s,0,%s,0" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (large); i++) {
    Case c = large[i];
    g_autofree gchar *list = NULL;
    g_autoptr (GString) rest = g_string_new (c.rest);
    g_autoptr (GBytes) bytes = NULL;
    g_autoptr (GError) error = NULL;
    g_autoptr (UnetGraph) graph = NULL;

    g_string_replace (rest, "%s", "2147483648", 0);
    list = g_strdup (rest->str);
    c.rest = list;
    bytes = write_case (&c, "");
    graph = unet_onnx_parse (bytes, "graph", NULL, NULL);
    ck_assert_ptr_nonnull (graph);
    ck_assert_msg (!unet_graph_infer (graph, &error), "%s %s", c.op, list);
    ck_assert_int_eq (error->code, UNET_ERROR_LIMIT);
  }
}
END_TEST

/* A step beyond the extent takes the first element, however large the step is.
 */
START_TEST (steps)
{
  gint64 starts[2] = { 1, -1 }, ends[2] = { G_MAXINT64, G_MININT64 };
  gint64 axes[2] = { 2, 3 }, step[2] = { G_MAXINT64, G_MININT64 + 1 };
  Writer w = writer_new (13);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (UnetGraph) graph = NULL;
  g_autoptr (GPtrArray) results = NULL;
  gfloat expected = 2;
  const UnetTensor *y;
  UnetTensor *x;

  writer_input (&w, "x", W_FLOAT, "1,1,2,2");
  writer_ints (&w, "starts", 2, starts);
  writer_ints (&w, "ends", 2, ends);
  writer_ints (&w, "axes", 2, axes);
  writer_ints (&w, "steps", 2, step);
  writer_op (&w, "Slice", "slice", "x,starts,ends,axes,steps", "y");
  writer_output (&w, "y", W_FLOAT, NULL);
  bytes = writer_end (&w);
  graph = unet_onnx_parse (bytes, "graph", NULL, &error);
  ck_assert_msg (graph != NULL, "%s", error ? error->message : "");
  ck_assert (unet_graph_infer (graph, &error));
  x = unet_tensor_new (UNET_DTYPE_F32, 4, (gint64[]){ 1, 1, 2, 2 });
  ((gfloat *) x->data)[3] = expected;
  results = interpret (graph, &x, &error);
  ck_assert_msg (results != NULL, "%s", error ? error->message : "");
  y = g_ptr_array_index (results, 0);
  ck_assert_uint_eq (y->n_elements, 1);
  ck_assert_float_eq (*(const gfloat *) y->data, expected);
  unet_tensor_unref (x);
}
END_TEST

int
main (void)
{
  TCase *tcase = tcase_create ("windows");

  tcase_set_timeout (tcase, 120);
  tcase_add_loop_test (tcase, windows, 0, G_N_ELEMENTS (cases));
  tcase_add_test (tcase, sums);
  tcase_add_test (tcase, steps);
  return check_run_cases ("window", tcase, NULL);
}
