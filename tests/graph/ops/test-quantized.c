/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compares operators over quantised numbers with values worked out by hand and
 * with sums in integers, by the oracles and by the engine. The conformance test
 * has ONNX's own examples. */

#include "lib/check-main.h"
#include "graph/ops/infer.h"
#include "lib/interpret.h"
#include "onnx/onnx.h"
#include "lib/onnx-writer.h"
#include <stdlib.h>
#include <string.h>

/* ---- what they share -------------------------------------------------- */

static void
add_number (Writer *w, const gchar *name, gfloat scale)
{
  writer_floats (w, name, "", &scale);
}

static void
add_byte (Writer *w, const gchar *name, gint type, gint value)
{
  guint8 byte = (guint8) value;

  writer_initializer (w, name, type, "", &byte, 1);
}

/* Returns a network whose `q` is x in steps of 1/2 around 10. */
static Writer
begin (const gchar *dims)
{
  Writer w = writer_new (13);

  writer_input (&w, "x", W_FLOAT, dims);
  add_number (&w, "s", .5f);
  add_byte (&w, "z", W_UINT8, 10);
  writer_op (&w, "QuantizeLinear", "first", "x,s,z", "q");
  return w;
}

static UnetGraph *
read_graph (Writer *w)
{
  g_autoptr (GBytes) bytes = writer_end (w);
  g_autoptr (GError) error = NULL;
  UnetGraph *graph = unet_onnx_parse (bytes, "graph", NULL, &error);

  ck_assert_msg (graph && unet_graph_infer (graph, &error), "%s",
      error ? error->message : "");
  return graph;
}

static UnetTensor *
make_input (const UnetGraph *graph, const gfloat *data)
{
  const UnetValue *input = g_ptr_array_index (graph->inputs, 0);
  UnetTensor *x = unet_tensor_new (input->dtype, input->n_dims, input->dims);

  memcpy (x->data, data, x->n_elements * sizeof (gfloat));
  return x;
}

typedef enum { ORACLES, REFERENCE_PLAN, STATIC_PLAN, N_WAYS } Way;

static GPtrArray *
run (UnetGraph *graph, UnetTensor *x, Way way)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *results = way == ORACLES
      ? interpret (graph, &x, &error)
      : run_plan (graph, &x, way == STATIC_PLAN, &error);

  ck_assert_msg (results != NULL, "%s", error ? error->message : "");
  return results;
}

static void
expect (Writer *w, const gfloat *data, const gchar *expected)
{
  UnetGraph *graph = read_graph (w);
  UnetTensor *x = make_input (graph, data);
  g_auto (GStrv) numbers = g_strsplit (expected, ",", -1);

  for (Way way = 0; way < N_WAYS; way++) {
    g_autoptr (GPtrArray) results = run (graph, x, way);
    UnetTensorView view;
    unet_tensor_view (g_ptr_array_index (results, 0), &view);
    ck_assert_uint_eq (
        unet_dims_count (view.n_dims, view.dims), g_strv_length (numbers));
    for (guint i = 0; numbers[i]; i++)
      ck_assert_msg (
          ABS (unet_view_float (&view, i) - g_ascii_strtod (numbers[i], NULL))
              < 1e-6,
          "way %d: %g for %s at %u", way, unet_view_float (&view, i),
          numbers[i], i);
  }
  unet_tensor_unref (x);
  unet_graph_free (graph);
}

/* ---- com.microsoft ---------------------------------------------------- */

static const struct {
  const gchar *op, *inputs;
  gfloat scale; /* of the result */
  guint8 zero;
  const gchar *axis, *kernel; /* attributes */
  const gchar *expected;
} contributed[] = {
  { "QLinearAdd", "q,s,z,q,s,z,t,u", 1, 0, NULL, NULL, "2,0,1,6" },
  { "QLinearMul", "q,s,z,q,s,z,t,u", 1, 0, NULL, NULL, "1,4,0,9" },
  { "QLinearLeakyRelu", "q,s,z,t,u", .25f, 10, NULL, NULL, "1,-0.25,0.5,3" },
  { "QLinearSigmoid", "q,s,z,t,u", 1 / 256.f, 0, NULL, NULL,
      "0.73046875,0.12109375,0.62109375,0.953125" },
  { "QLinearSigmoid", "q,s,z,t", 1 / 256.f, 0, NULL, NULL,
      "0.73046875,0.12109375,0.62109375,0.953125" },
  { "QLinearSoftmax", "q,s,z,t,u", 1 / 256.f, 0, "-1", NULL,
      "0.953125,0.046875,0.07421875,0.92578125" },
  { "QLinearGlobalAveragePool", "q,s,z,t,u", .125f, 0, NULL, NULL, "0.625" },
  { "QLinearAveragePool", "q,s,z,t,u", .25f, 10, NULL, "1,2", "-0.5,1.75" },
  { "QLinearConcat", "t,u,q,s,z,q,s,z", .5f, 10, "1", NULL,
      "1,-2,0.5,3,1,-2,0.5,3" },
  { "QLinearConcat", "t,u,q,s,z", 1, 2, "1", NULL, "1,-2,0,3" },
};

START_TEST (of_another_domain)
{
  static const gfloat x[] = { 1, -2, .5f, 3 };
  Writer w = begin ("1,1,2,2");
  GByteArray *node =
      writer_node (contributed[_i].op, "n", contributed[_i].inputs, "r");

  pb_string (node, 7, "com.microsoft");
  if (contributed[_i].axis) {
    node_int (node, "axis", atoi (contributed[_i].axis));
    node_int (node, "opset", 13);
  }
  if (contributed[_i].kernel)
    node_ints (node, "kernel_shape", contributed[_i].kernel);
  if (!strcmp (contributed[_i].op, "QLinearLeakyRelu"))
    node_float (node, "alpha", .125f);
  add_number (&w, "t", contributed[_i].scale);
  add_byte (&w, "u", W_UINT8, contributed[_i].zero);
  writer_add (&w, node);
  writer_op (&w, "DequantizeLinear", "last", "r,t,u", "y");
  writer_output (&w, "y", W_FLOAT, NULL);
  expect (&w, x, contributed[_i].expected);
}
END_TEST

static void
gemm (const gchar *inputs, gfloat alpha, const gchar *expected)
{
  static const gfloat x[] = { 1, -2, .5f, 3 };
  static const gint8 b[] = { 1, 2, 3, 4 };
  static const gint32 c = 8;
  Writer w = begin ("1,4");
  GByteArray *node = writer_node ("QGemm", "n", inputs, "r");
  gboolean quantised = g_str_has_suffix (inputs, ",t,u");

  pb_string (node, 7, "com.microsoft");
  node_int (node, "transB", 1);
  node_float (node, "alpha", alpha);
  writer_initializer (&w, "b", W_INT8, "1,4", b, sizeof b);
  writer_initializer (&w, "c", W_INT32, "1", &c, sizeof c);
  add_byte (&w, "bz", W_INT8, 0);
  add_number (&w, "t", .25f);
  add_byte (&w, "u", W_UINT8, 10);
  writer_add (&w, node);
  if (quantised)
    writer_op (&w, "DequantizeLinear", "last", "r,t,u", "y");
  writer_output (&w, quantised ? "y" : "r", W_FLOAT, NULL);
  expect (&w, x, expected);
}

/* The result is .5 * (1 - 4 + 1.5 + 12) + .25 * 8 = 7.25. */
START_TEST (gemm_of_bytes)
{
  gemm ("q,s,z,b,s,bz,c,t,u", 1, "7.25");
  gemm ("q,s,z,b,s,bz,c", 1, "7.25");
  gemm ("q,s,z,b,s,bz,,t,u", 1, "5.25");
  gemm ("q,s,z,b,s,bz,c,t,u", 2, "14.5");
  gemm ("q,s,z,b,s,bz,c", 2, "14.5");
}
END_TEST

/* ---- ONNX's ----------------------------------------------------------- */

/* Dynamic quantisation writes such nodes. The weights are 3 and 4, less the
 * zero points 1 and -1. */
START_TEST (dynamic)
{
  static const gfloat x[] = { 1, -2, 2, 3.1f };
  static const gint8 weights[] = { 3, 4 }, zeros[] = { 1, -1 };
  Writer w = writer_new (13);
  GByteArray *cast = writer_node ("Cast", "c", "i", "f");

  writer_input (&w, "x", W_FLOAT, "1,1,2,2");
  writer_initializer (&w, "w", W_INT8, "2,1,1,1", weights, 2);
  writer_initializer (&w, "wz", W_INT8, "2", zeros, 2);
  writer_op (&w, "DynamicQuantizeLinear", "d", "x", "q,s,z");
  writer_op (&w, "ConvInteger", "n", "q,w,z,wz", "i");
  node_int (cast, "to", W_FLOAT);
  writer_add (&w, cast);
  writer_op (&w, "Mul", "m", "f,s", "y");
  writer_output (&w, "y", W_FLOAT, NULL);
  expect (&w, x, "2,-4,4,6.2,5,-10,10,15.5");
}
END_TEST

/* The scale of zeros alone is 1. */
START_TEST (dynamic_range_of_nothing)
{
  static const gfloat x[] = { 0, 0 };
  Writer w = writer_new (13);

  writer_input (&w, "x", W_FLOAT, "2");
  writer_op (&w, "DynamicQuantizeLinear", "d", "x", "q,s,z");
  writer_op (&w, "Identity", "i", "s", "y");
  writer_output (&w, "y", W_FLOAT, NULL);
  expect (&w, x, "1");
}
END_TEST

#define CHANNELS 48
#define SIDE     12

/* Computes sums in integers over a border of zeros. */
static void
convolve (const guint8 *x, gint zero, const gint8 *weights, gint32 *y)
{
  for (gint o = 0; o < CHANNELS; o++)
    for (gint at = 0; at < SIDE * SIDE; at++) {
      gint32 sum = 0;
      for (gint i = 0; i < CHANNELS * 9; i++) {
        gint row = at / SIDE + i % 9 / 3 - 1, column = at % SIDE + i % 3 - 1;
        if (row >= 0 && row < SIDE && column >= 0 && column < SIDE)
          sum += (x[i / 9 * SIDE * SIDE + row * SIDE + column] - zero)
              * weights[o * CHANNELS * 9 + i];
      }
      y[o * SIDE * SIDE + at] = sum;
    }
}

/* In f32 the engine may compute 3x3 with stride 1 by Winograd, which is not
 * exact. Sums of integers must be exact. */
START_TEST (integers_are_exact)
{
  static gint8 weights[CHANNELS * CHANNELS * 9];
  static guint8 bytes[CHANNELS * SIDE * SIDE];
  static gfloat x[CHANNELS * SIDE * SIDE];
  static gint32 y[CHANNELS * SIDE * SIDE];
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  Writer w = writer_new (13);
  GByteArray *conv = writer_node ("ConvInteger", "n", "q,w,z", "y");
  UnetTensor *input;
  UnetGraph *graph;

  for (gsize i = 0; i < sizeof weights; i++)
    weights[i] = (gint8) g_rand_int_range (rand, -128, 128);
  for (gsize i = 0; i < sizeof bytes; i++)
    x[i] = (gfloat) ((bytes[i] = (guint8) g_rand_int_range (rand, 0, 256)));
  convolve (bytes, 100, weights, y);
  writer_input (&w, "x", W_FLOAT, "1,48,12,12");
  writer_initializer (&w, "w", W_INT8, "48,48,3,3", weights, sizeof weights);
  add_number (&w, "one", 1);
  add_byte (&w, "none", W_UINT8, 0);
  add_byte (&w, "z", W_UINT8, 100);
  writer_op (&w, "QuantizeLinear", "first", "x,one,none", "q");
  node_ints (conv, "pads", "1,1,1,1");
  writer_add (&w, conv);
  writer_output (&w, "y", W_INT32, NULL);
  graph = read_graph (&w);
  input = make_input (graph, x);
  for (Way way = 0; way < N_WAYS; way++) {
    g_autoptr (GPtrArray) results = run (graph, input, way);
    UnetTensor *tensor = g_ptr_array_index (results, 0);
    ck_assert_int_eq (tensor->dtype, UNET_DTYPE_I32);
    ck_assert_mem_eq (tensor->data, y, sizeof y);
  }
  unet_tensor_unref (input);
  unet_graph_free (graph);
}
END_TEST

/* ---- what is refused -------------------------------------------------- */

static const struct {
  const gchar *op, *domain, *inputs, *message;
} refused[] = {
  { "QLinearAdd", NULL, "q,s,z,q,s,z,s,z", "is not supported" },
  { "QLinearConv", "com.microsoft", "q,s,z,q,s,z,s,z", "is not supported" },
  { "QLinearConv", NULL, "x,s,z,q,s,z,s,z", "of another type" },
  { "QLinearConv", NULL, "q,s,z,q,s,z,s,bz", NULL },
  { "QLinearConv", NULL, "q,q,z,q,s,z,s,z", "8-bit integers" },
  { "QLinearMatMul", NULL, "q,s,z,q,s,bz,s,z", "of another type" },
  { "QLinearMatMul", NULL, "q,s,z,q,v,z,s,z", "scales" },
  { "ConvInteger", NULL, "x,q", "8-bit integers" },
  { "MatMulInteger", NULL, "q,q,z2", "8-bit integers" },
  { "DynamicQuantizeLinear", NULL, "q", "float32" },
  { "QLinearSigmoid", "com.microsoft", "q,s,z,z", "8-bit integers" },
};

START_TEST (refuses)
{
  Writer w = begin ("1,1,2,2");
  GByteArray *node = writer_node (refused[_i].op, "n", refused[_i].inputs, "y");
  static const gfloat many[] = { 1, 2, 3 };
  static const guint8 zeros[4];
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  UnetGraph *graph;
  gboolean ok;

  if (refused[_i].domain)
    pb_string (node, 7, refused[_i].domain);
  add_byte (&w, "bz", W_INT8, 0);
  writer_floats (&w, "v", "3", many);
  writer_initializer (&w, "z2", W_UINT8, "2,2", zeros, 4);
  writer_add (&w, node);
  writer_output (&w, "y", W_FLOAT, NULL);
  bytes = writer_end (&w);
  graph = unet_onnx_parse (bytes, "graph", NULL, &error);
  ok = graph && unet_graph_infer (graph, &error);
  ck_assert_msg (ok == !refused[_i].message, "%s: %s", refused[_i].op,
      error ? error->message : "accepted");
  if (refused[_i].message)
    ck_assert_msg (strstr (error->message, "node 'n' (")
            && strstr (error->message, refused[_i].message),
        "%s", error->message);
  g_clear_pointer (&graph, unet_graph_free);
}
END_TEST

gint
main (void)
{
  TCase *tcase = tcase_create ("quantized");

  tcase_add_loop_test (tcase, of_another_domain, 0, G_N_ELEMENTS (contributed));
  tcase_add_test (tcase, gemm_of_bytes);
  tcase_add_test (tcase, dynamic);
  tcase_add_test (tcase, dynamic_range_of_nothing);
  tcase_add_test (tcase, integers_are_exact);
  tcase_add_loop_test (tcase, refuses, 0, G_N_ELEMENTS (refused));
  return check_run_cases ("quantized", tcase, NULL);
}
