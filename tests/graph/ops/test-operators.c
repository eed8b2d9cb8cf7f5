/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compares the oracles with values worked out by hand: where the conformance
 * data of operator sets up to 17 have no test, and where definitions are easily
 * misread. */

#include "lib/check-main.h"
#include "graph/ops/infer.h"
#include "lib/interpret.h"
#include "onnx/onnx.h"
#include "lib/onnx-writer.h"
#include <stdlib.h>
#include <string.h>

static gsize
parse_floats (const gchar *text, gfloat *data, gsize max)
{
  g_auto (GStrv) parts = g_strsplit (text, ",", -1);
  gsize n = 0;

  for (; parts[n] && *text; n++) {
    ck_assert_uint_lt (n, max);
    data[n] = (gfloat) g_ascii_strtod (parts[n], NULL);
  }
  return n;
}

/* Runs the graph of @w on the input `x`, whose values are @data. Compares each
 * output with its shape and values in @expected, as in `1,2:0.5,0.25`; `|`
 * separates outputs. */
static void
expect (Writer *w, const gchar *data, const gchar *expected)
{
  g_autoptr (GBytes) bytes = writer_end (w);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) results = NULL;
  g_auto (GStrv) parts = g_strsplit (expected, "|", -1);
  UnetGraph *graph = unet_onnx_parse (bytes, "graph", NULL, &error);
  const UnetValue *input;
  UnetTensor *x;
  gfloat values[256];

  ck_assert_msg (graph != NULL, "%s", error ? error->message : "");
  ck_assert_msg (
      unet_graph_infer (graph, &error), "%s", error ? error->message : "");
  input = g_ptr_array_index (graph->inputs, 0);
  x = unet_tensor_new (input->dtype, input->n_dims, input->dims);
  ck_assert_uint_eq (
      parse_floats (data, x->data, x->n_elements + 1), x->n_elements);
  results = interpret (graph, &x, &error);
  ck_assert_msg (results != NULL, "%s", error ? error->message : "");
  for (guint i = 0; i < results->len; i++) {
    const UnetTensor *tensor = g_ptr_array_index (results, i);
    g_auto (GStrv) halves = g_strsplit (parts[i], ":", 2);
    g_autoptr (GString) dims = g_string_new (NULL);
    UnetTensorView view;
    for (guint k = 0; k < tensor->n_dims; k++)
      g_string_append_printf (
          dims, "%s%" G_GINT64_FORMAT, k ? "," : "", tensor->dims[k]);
    ck_assert_str_eq (dims->str, halves[0]);
    ck_assert_uint_eq (parse_floats (halves[1], values, G_N_ELEMENTS (values)),
        tensor->n_elements);
    unet_tensor_view ((UnetTensor *) tensor, &view);
    for (gsize k = 0; k < tensor->n_elements; k++)
      ck_assert_double_eq_tol (unet_view_float (&view, k), values[k], 1e-5);
  }
  unet_tensor_unref (x);
  unet_graph_free (graph);
}

static Writer
begin (gint opset, const gchar *dims)
{
  Writer w = writer_new (opset);

  writer_input (&w, "x", W_FLOAT, dims);
  return w;
}

static void
add_floats (Writer *w, const gchar *name, const gchar *dims, const gchar *data)
{
  gfloat values[64];

  parse_floats (data, values, G_N_ELEMENTS (values));
  writer_floats (w, name, dims, values);
}

static void
add_ints (Writer *w, const gchar *name, const gchar *data)
{
  g_auto (GStrv) parts = g_strsplit (data, ",", -1);
  gint64 values[16];
  guint n = 0;

  for (; parts[n]; n++)
    values[n] = g_ascii_strtoll (parts[n], NULL, 10);
  writer_ints (w, name, n, values);
}

/* Takes over @node, adds it and makes @outputs the graph's outputs. */
static void
finish (Writer *w, GByteArray *node, const gchar *outputs)
{
  g_auto (GStrv) names = g_strsplit (outputs, ",", -1);

  writer_add (w, node);
  for (guint i = 0; names[i]; i++)
    writer_output (w, names[i], W_FLOAT, NULL);
}

/* ---- windows ---------------------------------------------------------- */

START_TEST (conv_dilated)
{
  Writer w = begin (11, "1,1,4");
  GByteArray *node = writer_node ("Conv", "n", "x,w", "y");

  add_floats (&w, "w", "1,1,2", "1,10");
  node_ints (node, "dilations", "2");
  node_ints (node, "pads", "1,0");
  finish (&w, node, "y");
  expect (&w, "1,2,3,4", "1,1,3:20,31,42");
}
END_TEST

START_TEST (conv_auto_pad)
{
  static const gchar *const cases[][2] = {
    { "SAME_LOWER", "1,1,4:10,21,32,43" },
    { "SAME_UPPER", "1,1,4:21,32,43,4" },
    { "VALID", "1,1,3:21,32,43" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Writer w = begin (11, "1,1,4");
    GByteArray *node = writer_node ("Conv", "n", "x,w", "y");
    add_floats (&w, "w", "1,1,2", "1,10");
    node_string (node, "auto_pad", cases[i][0]);
    finish (&w, node, "y");
    expect (&w, "1,2,3,4", cases[i][1]);
  }
}
END_TEST

START_TEST (conv_groups)
{
  Writer w = begin (11, "1,2,1,2");
  GByteArray *node = writer_node ("Conv", "n", "x,w,b", "y");

  add_floats (&w, "w", "4,1,1,1", "1,2,3,4");
  add_floats (&w, "b", "4", "0,0.5,0,-0.5");
  node_int (node, "group", 2);
  finish (&w, node, "y");
  expect (&w, "1,2,3,4", "1,4,1,2:1,2,2.5,4.5,9,12,11.5,15.5");
}
END_TEST

START_TEST (conv_transpose)
{
  Writer w = begin (11, "1,1,2");
  GByteArray *node = writer_node ("ConvTranspose", "n", "x,w", "y");

  add_floats (&w, "w", "1,1,3", "1,10,100");
  node_ints (node, "strides", "2");
  node_ints (node, "pads", "1,1");
  node_ints (node, "output_padding", "1");
  finish (&w, node, "y");
  expect (&w, "1,2", "1,1,4:10,102,20,200");
}
END_TEST

/* A window may reach beyond the end, but may not begin in the padding there. */
START_TEST (pools_that_round_up)
{
  static const struct {
    const gchar *op, *kernel, *strides, *pads, *wanted;
    gint64 include;
  } cases[] = {
    { "AveragePool", "2", "2", "0,0", "1,1,3:1.5,3.5,5", 0 },
    { "AveragePool", "2", "2", "0,0", "1,1,3:1.5,3.5,2.5", 1 },
    { "AveragePool", "3", "3", "1,1", "1,1,2:1,4", 1 },
    { "AveragePool", "3", "3", "1,1", "1,1,2:1.5,4", 0 },
    { "AveragePool", "3", "2", "1,0", "1,1,3:1,3,3", 1 },
    { "MaxPool", "2", "2", "0,0", "1,1,3:2,4,5", 0 },
    { "MaxPool", "3", "3", "1,1", "1,1,2:2,5", 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Writer w = begin (19, "1,1,5");
    GByteArray *node = writer_node (cases[i].op, "n", "x", "y");
    node_ints (node, "kernel_shape", cases[i].kernel);
    node_ints (node, "strides", cases[i].strides);
    node_ints (node, "pads", cases[i].pads);
    node_int (node, "ceil_mode", 1);
    if (cases[i].include)
      node_int (node, "count_include_pad", 1);
    finish (&w, node, "y");
    expect (&w, "1,2,3,4,5", cases[i].wanted);
  }
}
END_TEST

START_TEST (pool_indices)
{
  for (gint64 order = 0; order < 2; order++) {
    Writer w = begin (12, "1,2,2,2");
    GByteArray *node = writer_node ("MaxPool", "n", "x", "y,i");
    node_ints (node, "kernel_shape", "2,2");
    node_int (node, "storage_order", order);
    finish (&w, node, "y,i");
    expect (&w, "1,2,3,0,5,9,7,8",
        order ? "1,2,1,1:3,9|1,2,1,1:1,6" : "1,2,1,1:3,9|1,2,1,1:2,5");
  }
}
END_TEST

START_TEST (dilated_average)
{
  Writer w = begin (19, "1,1,5");
  GByteArray *node = writer_node ("AveragePool", "n", "x", "y");

  node_ints (node, "kernel_shape", "2");
  node_ints (node, "dilations", "3");
  finish (&w, node, "y");
  expect (&w, "1,2,3,4,9", "1,1,2:2.5,5.5");
}
END_TEST

/* ---- resizing --------------------------------------------------------- */

#define ONE_TO_SIXTEEN "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16"

/* onnx.backend.test's generator gives these values for operator sets 18 and 19.
 */
START_TEST (resize_antialiased)
{
  static const gchar *const cases[][2] = {
    { "linear", "1,1,2,2:2.875,4.5,9.375,11" },
    { "cubic", "1,1,2,2:2.5180721,4.2858863,9.589329,11.357142" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Writer w = begin (18, "1,1,4,4");
    GByteArray *node = writer_node ("Resize", "n", "x,,s", "y");
    add_floats (&w, "s", "4", "1,1,0.6,0.6");
    node_string (node, "mode", cases[i][0]);
    node_int (node, "antialias", 1);
    finish (&w, node, "y");
    expect (&w, ONE_TO_SIXTEEN, cases[i][1]);
  }
}
END_TEST

START_TEST (resize_symmetric)
{
  Writer w = begin (19, "1,1,1,4");
  GByteArray *node = writer_node ("Resize", "n", "x,,s", "y");

  add_floats (&w, "s", "4", "1,1,1,0.6");
  node_string (node, "mode", "linear");
  node_string (node, "coordinate_transformation_mode", "half_pixel_symmetric");
  finish (&w, node, "y");
  expect (&w, "1,2,3,4", "1,1,1,2:1.6666667,3.3333333");
}
END_TEST

/* 2x4 stays 2x4 within 2x9, and becomes 3x6 to cover 3x5. */
START_TEST (resize_keeps_aspect)
{
  static const gchar *const cases[][3] = {
    { "not_larger", "2,9", "1,1,2,4:1,1,2,2,3,3,4,4" },
    { "not_smaller", "3,5", "1,1,3,6:1,1,1,2,2,2,1,1,1,2,2,2,3,3,3,4,4,4" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Writer w = begin (18, "1,1,2,4");
    GByteArray *node = writer_node ("Resize", "n", "x,,,s", "y");
    add_ints (&w, "s", cases[i][1]);
    node_ints (node, "axes", "2,3");
    node_string (node, "keep_aspect_ratio_policy", cases[i][0]);
    finish (&w, node, "y");
    expect (&w, "1,1,2,2,3,3,4,4", cases[i][2]);
  }
}
END_TEST

START_TEST (resize_axes_in_any_order)
{
  Writer w = begin (18, "1,1,1,2");
  GByteArray *node = writer_node ("Resize", "n", "x,,s", "y");

  add_floats (&w, "s", "2", "2,1");
  node_ints (node, "axes", "3,-2");
  node_string (node, "mode", "linear");
  finish (&w, node, "y");
  expect (&w, "0,4", "1,1,1,4:0,1,3,4");
}
END_TEST

START_TEST (upsample_by_attribute)
{
  Writer w = begin (7, "1,1,1,2");
  GByteArray *node = writer_node ("Upsample", "n", "x", "y");
  gfloat scales[4] = { 1, 1, 1, 2 };
  GByteArray *attr = g_byte_array_new ();

  pb_string (attr, 1, "scales");
  pb_bytes (attr, 7, scales, sizeof scales);
  pb_int (attr, 20, 6);
  pb_message (node, 5, attr);
  node_string (node, "mode", "linear");
  finish (&w, node, "y");
  expect (&w, "0,4", "1,1,1,4:0,2,4,4");
}
END_TEST

/* ---- moving ----------------------------------------------------------- */

START_TEST (pad_wraps)
{
  Writer w = begin (19, "1,3");
  GByteArray *node = writer_node ("Pad", "n", "x,p,,a", "y");

  add_ints (&w, "p", "2,4");
  add_ints (&w, "a", "-1");
  node_string (node, "mode", "wrap");
  finish (&w, node, "y");
  expect (&w, "1,2,3", "1,9:2,3,1,2,3,1,2,3,1");
}
END_TEST

START_TEST (pad_crops_and_reflects)
{
  Writer w = begin (13, "5");
  GByteArray *node = writer_node ("Pad", "n", "x,p", "y");

  add_ints (&w, "p", "2,-1");
  node_string (node, "mode", "reflect");
  finish (&w, node, "y");
  expect (&w, "1,2,3,4,5", "6:3,2,1,2,3,4");
}
END_TEST

START_TEST (split_unevenly)
{
  Writer w = begin (18, "7");
  GByteArray *node = writer_node ("Split", "n", "x", "a,b,c,d");

  node_int (node, "num_outputs", 4);
  finish (&w, node, "a,b,c,d");
  expect (&w, "1,2,3,4,5,6,7", "2:1,2|2:3,4|2:5,6|1:7");
}
END_TEST

START_TEST (slice_backwards)
{
  Writer w = begin (13, "5");
  GByteArray *node = writer_node ("Slice", "n", "x,s,e,a,t", "y");

  add_ints (&w, "s", "-2");
  add_ints (&w, "e", "-9223372036854775807");
  add_ints (&w, "a", "0");
  add_ints (&w, "t", "-2");
  finish (&w, node, "y");
  expect (&w, "1,2,3,4,5", "2:4,2");
}
END_TEST

/* ---- old definitions -------------------------------------------------- */

START_TEST (broadcast_at_axis)
{
  Writer w = begin (6, "2,3");
  GByteArray *node = writer_node ("Add", "n", "x,b", "y");

  add_floats (&w, "b", "2", "10,20");
  node_int (node, "broadcast", 1);
  node_int (node, "axis", 0);
  finish (&w, node, "y");
  expect (&w, "1,2,3,4,5,6", "2,3:11,12,13,24,25,26");
}
END_TEST

START_TEST (softmax_over_the_rest)
{
  Writer w = begin (11, "2,2,2");
  GByteArray *node = writer_node ("Softmax", "n", "x", "y");

  finish (&w, node, "y");
  expect (&w, "0,0,0,0,0,0,1,1",
      "2,2,2:0.25,0.25,0.25,0.25,0.13447071,0.13447071,0.36552929,"
      "0.36552929");
}
END_TEST

START_TEST (slopes_by_channel)
{
  Writer w = begin (6, "1,2,2");
  GByteArray *node = writer_node ("PRelu", "n", "x,s", "y");

  add_floats (&w, "s", "2", "0.5,0.25");
  finish (&w, node, "y");
  expect (&w, "-2,1,-4,8", "1,2,2:-1,1,-1,8");
}
END_TEST

/* ---- numbers ---------------------------------------------------------- */

START_TEST (dequantize_in_blocks)
{
  Writer w = begin (21, "1,4");
  guint8 q[4] = { 3, 4, 5, 6 }, z[2] = { 2, 2 };
  GByteArray *node = writer_node ("DequantizeLinear", "n", "q,s,z", "d");

  writer_initializer (&w, "q", W_UINT8, "1,4", q, sizeof q);
  writer_initializer (&w, "z", W_UINT8, "1,2", z, sizeof z);
  add_floats (&w, "s", "1,2", "0.5,2");
  node_int (node, "block_size", 2);
  writer_add (&w, node);
  finish (&w, writer_node ("Add", "a", "x,d", "y"), "y");
  expect (&w, "0,0,0,0", "1,4:0.5,1,6,8");
}
END_TEST

START_TEST (quantize_rounds_and_saturates)
{
  Writer w = begin (13, "6");
  guint8 zero = 1;
  GByteArray *node = writer_node ("QuantizeLinear", "n", "x,s,z", "y");

  add_floats (&w, "s", "1", "2");
  writer_initializer (&w, "z", W_UINT8, "1", &zero, 1);
  finish (&w, node, "y");
  expect (&w, "-9,1,3,5,508,9999", "6:0,1,3,3,255,255");
}
END_TEST

START_TEST (cast_truncates)
{
  Writer w = begin (13, "4");
  GByteArray *node = writer_node ("Cast", "n", "x", "y");

  node_int (node, "to", W_INT32);
  finish (&w, node, "y");
  expect (&w, "1.9,-1.9,0.5,-7", "4:1,-1,0,-7");
}
END_TEST

START_TEST (reduce_by_input)
{
  Writer w = begin (18, "2,2");
  GByteArray *mean = writer_node ("ReduceMean", "m", "x,a", "y");
  GByteArray *none = writer_node ("ReduceMean", "n", "x", "z");

  add_ints (&w, "a", "-1");
  node_int (mean, "keepdims", 0);
  writer_add (&w, mean);
  node_int (none, "noop_with_empty_axes", 1);
  finish (&w, none, "y,z");
  expect (&w, "1,2,3,5", "2:1.5,4|2,2:1,2,3,5");
}
END_TEST

START_TEST (round_to_even)
{
  Writer w = begin (13, "6");

  finish (&w, writer_node ("Round", "n", "x", "y"), "y");
  expect (&w, "0.5,1.5,2.5,-0.5,-1.5,2.4", "6:0,2,2,0,-2,2");
}
END_TEST

/* Each of three channels of one pixel is divided by a root of the squares of
 * itself and its neighbours. An even size has one more neighbour after than
 * before. */
START_TEST (lrn_across_channels)
{
  Writer odd = begin (13, "1,3,1,1"), even = begin (13, "1,3,1,1");
  GByteArray *node = writer_node ("LRN", "lrn", "x", "y");

  node_int (node, "size", 3);
  node_float (node, "alpha", 3);
  node_float (node, "beta", .5f);
  finish (&odd, node, "y");
  /* 1 / sqrt (1 + 1 + 4), 2 / sqrt (1 + 1 + 4 + 9), 3 / sqrt (1 + 4 + 9) */
  expect (&odd, "1,2,3", "1,3,1,1:0.40824829,0.51639778,0.80178373");
  node = writer_node ("LRN", "lrn", "x", "y");
  node_int (node, "size", 2);
  node_float (node, "alpha", 2);
  node_float (node, "beta", .5f);
  finish (&even, node, "y");
  /* 1 / sqrt (1 + 1 + 4), 2 / sqrt (1 + 4 + 9), 3 / sqrt (1 + 9) */
  expect (&even, "1,2,3", "1,3,1,1:0.40824829,0.53452248,0.9486833");
}
END_TEST

/* Compares batch normalisation of two pictures with two channels of two
 * pixels. */
static void
expect_batch_statistics (
    gint opset, guint n_outputs, gboolean attribute, const gchar *expected)
{
  static const gchar *const outputs[] = { "y", "m", "v", "sm", "sv" };
  static const gfloat scale[] = { 2, 8 }, bias[] = { 1, 2 };
  static const gfloat mean[] = { 10, 20 }, variance[] = { 30, 40 };
  g_autoptr (GString) names = g_string_new ("y");
  Writer w = begin (opset, "2,2,1,2");
  GByteArray *node;

  for (guint i = 1; i < n_outputs; i++)
    g_string_append_printf (names, ",%s", outputs[i]);
  node = writer_node ("BatchNormalization", "bn", "x,s,b,me,va", names->str);
  node_float (node, "epsilon", 4);
  node_float (node, "momentum", .5f);
  if (attribute)
    node_int (node, "training_mode", 1);
  writer_floats (&w, "s", "2", scale);
  writer_floats (&w, "b", "2", bias);
  writer_floats (&w, "me", "2", mean);
  writer_floats (&w, "va", "2", variance);
  writer_add (&w, node);
  for (guint i = 0; i < n_outputs; i++)
    writer_output (&w, outputs[i], W_FLOAT, NULL);
  expect (&w, "0,2,0,5,4,6,5,10", expected);
}

/* Means of the batch are 3 and 5, variances 5 and 12.5. With an epsilon of 4
 * the factors are 2 / 3 and 8 / sqrt (16.5). Running statistics go half of the
 * way. */
START_TEST (batch_norm_in_training_mode)
{
  const gchar *y = "2,2,1,2:-1,0.33333333,-7.8473193,2,1.6666667,3,2,"
                   "11.847319";
  const gchar *running = "|2:6.5,12.5|2:17.5,26.25";
  g_autofree gchar *three = g_strconcat (y, running, NULL);
  g_autofree gchar *five = g_strconcat (three, "|2:3,5|2:5,12.5", NULL);

  expect_batch_statistics (9, 5, FALSE, five);
  expect_batch_statistics (13, 5, FALSE, five);
  expect_batch_statistics (14, 3, TRUE, three);
  expect_batch_statistics (15, 1, TRUE, y);
}
END_TEST

/* The same node with one output and no attribute has the file's statistics. */
START_TEST (batch_norm_at_inference)
{
  const gchar *y = "2,2,1,2:-2.4299717,-1.7439774,-22.120908,-16.090681,"
                   "-1.0579830,-0.37198868,-16.090681,-10.060454";

  expect_batch_statistics (9, 1, FALSE, y);
  expect_batch_statistics (15, 1, FALSE, y);
}
END_TEST

gint
main (void)
{
  const TTest *const tests[] = {
    conv_dilated,
    conv_auto_pad,
    conv_groups,
    conv_transpose,
    pools_that_round_up,
    pool_indices,
    dilated_average,
    resize_antialiased,
    resize_symmetric,
    resize_keeps_aspect,
    resize_axes_in_any_order,
    upsample_by_attribute,
    pad_wraps,
    pad_crops_and_reflects,
    split_unevenly,
    slice_backwards,
    broadcast_at_axis,
    softmax_over_the_rest,
    slopes_by_channel,
    dequantize_in_blocks,
    quantize_rounds_and_saturates,
    cast_truncates,
    reduce_by_input,
    round_to_even,
    lrn_across_channels,
    batch_norm_in_training_mode,
    batch_norm_at_inference,
  };

  return check_run_tests ("ops", 30, tests, G_N_ELEMENTS (tests));
}
