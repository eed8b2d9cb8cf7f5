/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Each pass on a graph that shows it: the graph that comes out is spelled,
 * and both give the same results under the oracles. */

#include "lib/check-main.h"
#include "graph/ops/infer.h"
#include "graph/passes/optimize.h"
#include "interpret.h"
#include "onnx/onnx.h"
#include "writer.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- from file to text ------------------------------------------------ */

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

/* `Conv+RELU MaxPool Conv` */
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

/* Producers, consumers and order must be right, whatever passes did. */
static void
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

/* Before and after the passes by the oracles, and by the engine. */
static void
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

/* Optimises what @w holds, which must then be spelled @wanted. */
static void
expect (Writer *w, const gchar *wanted)
{
  UnetGraph *graph = parse (w), *copy = unet_graph_copy (graph);
  g_autofree gchar *text = NULL;

  ck_assert (unet_graph_optimize (copy, NULL));
  text = spell (copy);
  ck_assert_str_eq (text, wanted);
  check_links (copy);
  check_same (graph, copy, -3, 3, 2e-5);
  unet_graph_free (graph);
  unet_graph_free (copy);
}

/* ---- building --------------------------------------------------------- */

static Writer
begin (const gchar *dims)
{
  Writer w = writer_new (13);

  writer_input (&w, "x", W_FLOAT, dims);
  return w;
}

static void
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

static void
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

static void
add_number (Writer *w, const gchar *name, gfloat value)
{
  writer_initializer (w, name, W_FLOAT, "1", &value, sizeof value);
}

static void
add_transpose (Writer *w, const gchar *in, const gchar *out, const gchar *perm)
{
  GByteArray *node = writer_node ("Transpose", out, in, out);

  node_ints (node, "perm", perm);
  writer_add (w, node);
}

static void
finish (Writer *w, const gchar *out)
{
  writer_output (w, out, W_FLOAT, NULL);
}

/* ---- dead code, no-ops ------------------------------------------------ */

START_TEST (dead_code)
{
  Writer w = begin ("1,3,8,8");

  writer_op (&w, "Abs", "a", "x", "a");
  writer_op (&w, "Exp", "b", "a", "b");
  writer_op (&w, "Floor", "c", "x", "y");
  finish (&w, "y");
  expect (&w, "Floor");
}
END_TEST

START_TEST (no_ops)
{
  Writer w = begin ("1,3,8,8");
  gint64 shape[4] = { 1, 3, -1, 8 }, zeros[8] = { 0 };
  gint64 starts[1] = { 0 }, ends[1] = { G_MAXINT64 }, axes[1] = { 2 };
  GByteArray *cast = writer_node ("Cast", "cast", "d", "e");

  writer_ints (&w, "shape", 4, shape);
  writer_ints (&w, "pads", 8, zeros);
  writer_ints (&w, "starts", 1, starts);
  writer_ints (&w, "ends", 1, ends);
  writer_ints (&w, "axes", 1, axes);
  writer_op (&w, "Identity", "i", "x", "a");
  writer_op (&w, "Dropout", "dropout", "a", "b");
  writer_op (&w, "Reshape", "reshape", "b,shape", "c");
  writer_op (&w, "Pad", "pad", "c,pads", "d");
  node_int (cast, "to", W_FLOAT);
  writer_add (&w, cast);
  writer_op (&w, "Slice", "slice", "e,starts,ends,axes", "f");
  add_transpose (&w, "f", "g", "0,1,2,3");
  writer_op (&w, "Abs", "abs", "g", "h");
  writer_op (&w, "Identity", "last", "h", "y");
  finish (&w, "y");
  expect (&w, "Abs");
}
END_TEST

/* A graph that only hands its input on keeps a node to do it. */
START_TEST (identity_alone)
{
  Writer w = begin ("1,3,8,8");

  writer_op (&w, "Identity", "i", "x", "y");
  finish (&w, "y");
  expect (&w, "Identity");
}
END_TEST

/* The crop of a skip connection, rows then columns, and a third. */
START_TEST (crops_merge)
{
  Writer w = begin ("1,3,8,8");
  gint64 two[1] = { 2 }, seven[1] = { 7 }, minus[1] = { -1 };
  gint64 rows[1] = { 2 }, columns[1] = { 3 };

  writer_ints (&w, "two", 1, two);
  writer_ints (&w, "seven", 1, seven);
  writer_ints (&w, "minus", 1, minus);
  writer_ints (&w, "rows", 1, rows);
  writer_ints (&w, "columns", 1, columns);
  writer_op (&w, "Slice", "top", "x,two,seven,rows", "a");
  writer_op (&w, "Slice", "left", "a,two,seven,columns", "b");
  writer_op (&w, "Slice", "again", "b,two,minus,rows", "c");
  writer_op (&w, "Abs", "abs", "c", "y");
  finish (&w, "y");
  expect (&w, "Slice Abs");
}
END_TEST

/* Somebody else still reads what the first one takes. */
START_TEST (shared_crop_stays)
{
  Writer w = begin ("1,3,8,8");
  gint64 two[1] = { 2 }, seven[1] = { 7 }, rows[1] = { 2 }, columns[1] = { 3 };

  writer_ints (&w, "two", 1, two);
  writer_ints (&w, "seven", 1, seven);
  writer_ints (&w, "rows", 1, rows);
  writer_ints (&w, "columns", 1, columns);
  writer_op (&w, "Slice", "top", "x,two,seven,rows", "a");
  writer_op (&w, "Slice", "left", "a,two,seven,columns", "b");
  writer_op (&w, "Abs", "abs", "a", "c");
  writer_op (&w, "GlobalMaxPool", "most", "c", "d");
  writer_op (&w, "Add", "add", "b,d", "y");
  finish (&w, "y");
  expect (&w, "Slice Slice Abs GlobalMaxPool Add");
}
END_TEST

START_TEST (reversed_slice_stays)
{
  Writer w = begin ("1,3,8,8");
  gint64 start[1] = { -1 }, end[1] = { G_MININT64 }, axis[1] = { 3 };

  writer_ints (&w, "s", 1, start);
  writer_ints (&w, "e", 1, end);
  writer_ints (&w, "a", 1, axis);
  writer_ints (&w, "t", 1, start);
  writer_op (&w, "Slice", "slice", "x,s,e,a,t", "y");
  finish (&w, "y");
  expect (&w, "Slice");
}
END_TEST

START_TEST (shape_arithmetic)
{
  Writer w = begin ("1,3,8,12");
  gint64 two[1] = { 2 }, index[1] = { 2 }, last[1] = { 3 }, row[2] = { 1, 3 };

  writer_ints (&w, "two", 1, two);
  writer_ints (&w, "i2", 1, index);
  writer_ints (&w, "i3", 1, last);
  writer_ints (&w, "nc", 2, row);
  writer_op (&w, "Shape", "shape", "x", "s");
  writer_op (&w, "Gather", "h", "s,i2", "h");
  writer_op (&w, "Gather", "w", "s,i3", "w");
  writer_op (&w, "Mul", "h2", "h,two", "h2");
  writer_op (&w, "Mul", "w2", "w,two", "w2");
  {
    GByteArray *concat = writer_node ("Concat", "cat", "nc,h2,w2", "sizes");
    node_int (concat, "axis", 0);
    writer_add (&w, concat);
  }
  writer_op (&w, "Resize", "resize", "x,,,sizes", "y");
  finish (&w, "y");
  expect (&w, "Resize");
}
END_TEST

/* ---- affine maps into convolutions ------------------------------------ */

START_TEST (batch_norm)
{
  Writer w = begin ("1,3,8,8");

  add_conv (&w, "x", "a", "5,3,3,3");
  add_batch_norm (&w, "a", "b", 5);
  writer_op (&w, "Relu", "r", "b", "y");
  finish (&w, "y");
  expect (&w, "Conv+RELU");
}
END_TEST

START_TEST (batch_norm_into_groups)
{
  Writer w = begin ("1,4,8,8");
  GByteArray *conv = writer_node ("Conv", "conv", "x,w", "a");
  GByteArray *deconv = writer_node ("ConvTranspose", "up", "b,v", "c");

  writer_noise (&w, "w", "6,2,3,3", 1, 0.3);
  writer_noise (&w, "v", "6,4,2,2", 2, 0.3);
  node_int (conv, "group", 2);
  writer_add (&w, conv);
  add_batch_norm (&w, "a", "b", 6);
  node_int (deconv, "group", 3);
  node_ints (deconv, "strides", "2,2");
  writer_add (&w, deconv);
  add_batch_norm (&w, "c", "y", 12);
  finish (&w, "y");
  expect (&w, "Conv ConvTranspose");
}
END_TEST

/* Behind an activation, as Keras has it, and behind a concatenation. */
START_TEST (batch_norm_alone)
{
  Writer w = begin ("1,3,8,8");
  GByteArray *concat = writer_node ("Concat", "cat", "c,x", "d");

  add_conv (&w, "x", "a", "5,3,3,3");
  writer_op (&w, "Relu", "r", "a", "b");
  add_batch_norm (&w, "b", "c", 5);
  node_int (concat, "axis", 1);
  writer_add (&w, concat);
  add_batch_norm (&w, "d", "e", 8);
  writer_op (&w, "Relu", "s", "e", "y");
  finish (&w, "y");
  expect (&w, "Conv+RELU Mul+ADD Concat Mul+ADD+RELU");
}
END_TEST

START_TEST (arithmetic)
{
  Writer w = begin ("1,3,8,8");

  add_conv (&w, "x", "a", "4,3,1,1");
  writer_noise (&w, "m", "1,4,1,1", 3, 1);
  writer_noise (&w, "p", "4,1,1", 4, 1);
  add_number (&w, "two", 2);
  add_number (&w, "three", 3);
  writer_op (&w, "Mul", "mul", "m,a", "b");
  writer_op (&w, "Add", "add", "b,p", "c");
  writer_op (&w, "Div", "div", "c,two", "d");
  writer_op (&w, "Sub", "sub", "three,d", "e");
  writer_op (&w, "Sub", "sub2", "e,p", "y");
  finish (&w, "y");
  expect (&w, "Conv");
}
END_TEST

/* Along rows or columns, or over a convolution that somebody else reads. */
START_TEST (arithmetic_that_stays)
{
  Writer w = begin ("1,3,4,4");

  add_conv (&w, "x", "a", "4,3,1,1");
  writer_noise (&w, "row", "4", 3, 1);
  writer_op (&w, "Add", "add", "a,row", "y");
  finish (&w, "y");
  expect (&w, "Conv Add");

  w = begin ("1,3,4,4");
  add_conv (&w, "x", "a", "4,3,1,1");
  add_batch_norm (&w, "a", "y", 4);
  finish (&w, "y");
  finish (&w, "a");
  expect (&w, "Conv Mul+ADD");
}
END_TEST

/* ---- pads ------------------------------------------------------------- */

static Writer
padded (const gchar *mode, gfloat value)
{
  Writer w = begin ("1,3,8,8");
  gint64 pads[8] = { 0, 0, 1, 0, 0, 0, 0, 2 };
  GByteArray *pad = writer_node ("Pad", "pad", "x,pads,value", "a");

  writer_ints (&w, "pads", 8, pads);
  add_number (&w, "value", value);
  node_string (pad, "mode", mode);
  writer_add (&w, pad);
  writer_noise (&w, "w", "4,3,3,3", 1, 0.3);
  writer_op (&w, "Conv", "conv", "a,w", "y");
  finish (&w, "y");
  return w;
}

START_TEST (pads)
{
  Writer zero = padded ("constant", 0), one = padded ("constant", 1);
  Writer edge = padded ("edge", 0);

  expect (&zero, "Conv");
  expect (&one, "Pad Conv");
  expect (&edge, "Pad Conv");
}
END_TEST

START_TEST (pad_before_average)
{
  Writer w = begin ("1,3,8,8");
  gint64 pads[8] = { 0, 0, 1, 1, 0, 0, 1, 1 };
  GByteArray *pool = writer_node ("AveragePool", "pool", "a", "y");

  writer_ints (&w, "pads", 8, pads);
  writer_op (&w, "Pad", "pad", "x,pads", "a");
  node_ints (pool, "kernel_shape", "3,3");
  writer_add (&w, pool);
  finish (&w, "y");
  expect (&w, "AveragePool");
}
END_TEST

/* ---- spelled-out activations ------------------------------------------ */

static Writer
after_conv (void)
{
  Writer w = begin ("1,3,8,8");

  add_conv (&w, "x", "a", "4,3,3,3");
  add_number (&w, "zero", 0);
  add_number (&w, "three", 3);
  add_number (&w, "six", 6);
  add_number (&w, "sixth", 1.0f / 6);
  add_number (&w, "half", 0.5f);
  add_number (&w, "one", 1);
  add_number (&w, "root", 1.41421356f);
  return w;
}

START_TEST (clips)
{
  Writer w = after_conv ();

  writer_op (&w, "Max", "max", "a,zero", "b");
  writer_op (&w, "Min", "min", "six,b", "y");
  finish (&w, "y");
  expect (&w, "Conv+CLIP");

  w = after_conv ();
  writer_op (&w, "Clip", "relu", "a,zero", "y");
  finish (&w, "y");
  expect (&w, "Conv+RELU");
}
END_TEST

START_TEST (hard_swish)
{
  /* what is between a and y */
  static const gchar *const spellings[][4] = {
    { "Add:a,three:b", "Clip:b,zero,six:c", "Div:c,six:d", "Mul:a,d:y" },
    { "Add:three,a:b", "Clip:b,zero,six:c", "Mul:c,sixth:d", "Mul:d,a:y" },
    { "Add:a,three:b", "Clip:b,zero,six:c", "Mul:a,c:d", "Div:d,six:y" },
    { "Add:a,three:b", "Clip:b,zero,six:c", "Mul:a,sixth:d", "Mul:d,c:y" },
    { "Mul:a,sixth:b", "Add:b,half:c", "Clip:c,zero,one:d", "Mul:a,d:y" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (spellings); i++) {
    Writer w = after_conv ();
    for (guint k = 0; k < 4; k++) {
      g_auto (GStrv) parts = g_strsplit (spellings[i][k], ":", 3);
      writer_op (&w, parts[0], parts[2], parts[1], parts[2]);
    }
    finish (&w, "y");
    expect (&w, "Conv+HARD_SWISH");
  }
}
END_TEST

START_TEST (hard_swish_by_operator)
{
  Writer w = after_conv ();
  GByteArray *gate = writer_node ("HardSigmoid", "gate", "a", "b");

  node_float (gate, "alpha", 1.0f / 6);
  writer_add (&w, gate);
  writer_op (&w, "Mul", "mul", "a,b", "y");
  finish (&w, "y");
  expect (&w, "Conv+HARD_SWISH");
}
END_TEST

/* With other numbers it is something else. */
START_TEST (not_hard_swish)
{
  Writer w = after_conv ();

  writer_op (&w, "Add", "b", "a,one", "b");
  writer_op (&w, "Clip", "c", "b,zero,six", "c");
  writer_op (&w, "Mul", "d", "a,c", "d");
  writer_op (&w, "Div", "y", "d,six", "y");
  finish (&w, "y");
  expect (&w, "Conv Add+CLIP Mul+LINEAR");
}
END_TEST

START_TEST (swish)
{
  Writer w = after_conv ();

  writer_op (&w, "Sigmoid", "s", "a", "s");
  writer_op (&w, "Mul", "m", "s,a", "y");
  finish (&w, "y");
  expect (&w, "Conv+SWISH");

  /* a gate from elsewhere is none of its own */
  w = after_conv ();
  add_conv (&w, "x", "g", "4,3,3,3");
  writer_op (&w, "Sigmoid", "s", "g", "s");
  writer_op (&w, "Mul", "m", "s,a", "y");
  finish (&w, "y");
  expect (&w, "Conv Conv+SIGMOID Mul");
}
END_TEST

START_TEST (gelu)
{
  static const gchar *const spellings[][5] = {
    { "Div:a,root:b", "Erf:b:c", "Add:c,one:d", "Mul:a,d:e", "Mul:e,half:y" },
    { "Div:a,root:b", "Erf:b:c", "Add:one,c:d", "Mul:d,half:e", "Mul:e,a:y" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (spellings); i++) {
    Writer w = after_conv ();
    for (guint k = 0; k < 5; k++) {
      g_auto (GStrv) parts = g_strsplit (spellings[i][k], ":", 3);
      writer_op (&w, parts[0], parts[2], parts[1], parts[2]);
    }
    finish (&w, "y");
    expect (&w, "Conv+GELU_ERF");
  }
}
END_TEST

START_TEST (gelu_by_operator)
{
  Writer w = after_conv ();

  w.opset = 20;
  writer_op (&w, "Gelu", "g", "a", "y");
  finish (&w, "y");
  expect (&w, "Conv+GELU_ERF");
}
END_TEST

/* ---- post-ops --------------------------------------------------------- */

START_TEST (activations)
{
  static const gchar *const names[][2] = {
    { "Relu", "RELU" },
    { "LeakyRelu", "LEAKY_RELU" },
    { "Sigmoid", "SIGMOID" },
    { "Tanh", "TANH" },
    { "Elu", "ELU" },
    { "Softplus", "SOFTPLUS" },
    { "HardSwish", "HARD_SWISH" },
    { "HardSigmoid", "HARD_SIGMOID" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    Writer w = after_conv ();
    g_autofree gchar *wanted = g_strconcat ("Conv+", names[i][1], NULL);
    w.opset = 14;
    writer_op (&w, names[i][0], "act", "a", "y");
    finish (&w, "y");
    expect (&w, wanted);
  }
}
END_TEST

START_TEST (chain_of_activations)
{
  Writer w = after_conv ();

  writer_op (&w, "Sigmoid", "b", "a", "b");
  writer_op (&w, "Mul", "c", "b,three", "c");
  writer_op (&w, "Sub", "d", "one,c", "d");
  writer_op (&w, "Relu", "e", "d", "y");
  finish (&w, "y");
  expect (&w, "Conv+SIGMOID+LINEAR+RELU");
}
END_TEST

START_TEST (shared_value_keeps_activation)
{
  Writer w = after_conv ();

  writer_op (&w, "Relu", "r", "a", "b");
  writer_op (&w, "Abs", "s", "a", "c");
  writer_op (&w, "Add", "add", "b,c", "y");
  finish (&w, "y");
  expect (&w, "Conv Relu Abs Add");
}
END_TEST

START_TEST (slopes)
{
  Writer w = after_conv ();
  gfloat slope[1] = { 0.25f };

  writer_floats (&w, "slope", "1,1,1", slope);
  writer_op (&w, "PRelu", "p", "a,slope", "y");
  finish (&w, "y");
  expect (&w, "Conv+LEAKY_RELU");

  w = after_conv ();
  writer_noise (&w, "slopes", "4,1,1", 1, 0.2);
  writer_op (&w, "PRelu", "p", "a,slopes", "y");
  finish (&w, "y");
  expect (&w, "Conv PRelu");
}
END_TEST

/* ---- residuals -------------------------------------------------------- */

START_TEST (residual)
{
  Writer w = begin ("1,4,8,8");

  add_conv (&w, "x", "a", "4,4,3,3");
  writer_op (&w, "Relu", "r", "a", "b");
  add_conv (&w, "b", "c", "4,4,3,3");
  writer_op (&w, "Add", "sum", "c,x", "d");
  writer_op (&w, "Relu", "s", "d", "y");
  finish (&w, "y");
  expect (&w, "Conv+RELU Conv+ADD+RELU");
}
END_TEST

/* The later of two convolutions adds the other. */
START_TEST (residual_with_projection)
{
  Writer w = begin ("1,3,8,8");

  add_conv (&w, "x", "a", "4,3,3,3");
  add_batch_norm (&w, "a", "b", 4);
  add_conv (&w, "x", "c", "4,3,1,1");
  add_batch_norm (&w, "c", "d", 4);
  writer_op (&w, "Add", "sum", "b,d", "e");
  writer_op (&w, "Relu", "r", "e", "y");
  finish (&w, "y");
  expect (&w, "Conv Conv+ADD+RELU");
}
END_TEST

/* What is added comes after the convolution: the convolution waits. */
START_TEST (residual_that_waits)
{
  Writer w = begin ("1,4,8,8");

  add_conv (&w, "x", "a", "4,4,3,3");
  writer_op (&w, "Floor", "f", "x", "b");
  writer_op (&w, "Exp", "e", "b", "c");
  writer_op (&w, "Add", "sum", "a,c", "y");
  finish (&w, "y");
  expect (&w, "Floor Exp Conv+ADD");
}
END_TEST

/* A sum of three is two additions. */
START_TEST (sum_of_three)
{
  Writer w = begin ("1,4,8,8");

  add_conv (&w, "x", "a", "4,4,3,3");
  add_conv (&w, "x", "b", "4,4,1,1");
  writer_op (&w, "Sum", "sum", "a,b,x", "c");
  writer_op (&w, "Relu", "r", "c", "y");
  finish (&w, "y");
  expect (&w, "Conv Conv+ADD+ADD+RELU");
}
END_TEST

START_TEST (additions_that_stay)
{
  Writer w = begin ("1,4,8,8");

  /* broadcast */
  add_conv (&w, "x", "a", "4,4,3,3");
  writer_op (&w, "GlobalAveragePool", "g", "x", "b");
  writer_op (&w, "Add", "sum", "a,b", "y");
  finish (&w, "y");
  expect (&w, "Conv GlobalAveragePool Add");

  /* with itself */
  w = begin ("1,4,8,8");
  add_conv (&w, "x", "a", "4,4,3,3");
  writer_op (&w, "Add", "sum", "a,a", "y");
  finish (&w, "y");
  expect (&w, "Conv Add");
}
END_TEST

START_TEST (squeeze_and_excitation)
{
  Writer w = begin ("1,4,8,8");

  add_conv (&w, "x", "a", "4,4,3,3");
  writer_op (&w, "GlobalAveragePool", "g", "a", "b");
  add_conv (&w, "b", "c", "2,4,1,1");
  writer_op (&w, "Relu", "r", "c", "d");
  add_conv (&w, "d", "e", "4,2,1,1");
  writer_op (&w, "Sigmoid", "s", "e", "f");
  writer_op (&w, "Mul", "gate", "a,f", "h");
  add_conv (&w, "h", "y", "4,4,1,1");
  finish (&w, "y");
  expect (&w, "Conv GlobalAveragePool Conv+RELU Conv+SIGMOID Mul Conv");
}
END_TEST

/* ---- transposes ------------------------------------------------------- */

#define TO_NCHW "0,3,1,2"
#define TO_NHWC "0,2,3,1"

START_TEST (transposes_through_elementwise)
{
  Writer w = begin ("1,8,8,3");

  add_transpose (&w, "x", "a", TO_NCHW);
  add_conv (&w, "a", "b", "4,3,3,3");
  add_transpose (&w, "b", "c", TO_NHWC);
  writer_noise (&w, "bias", "4", 1, 1);
  writer_op (&w, "Add", "add", "c,bias", "d");
  writer_op (&w, "Relu", "relu", "d", "e");
  add_transpose (&w, "e", "f", TO_NCHW);
  add_conv (&w, "f", "g", "4,4,3,3");
  add_transpose (&w, "g", "y", TO_NHWC);
  finish (&w, "y");
  expect (&w, "Transpose Conv+RELU Conv Transpose");
}
END_TEST

START_TEST (transposes_through_joints)
{
  Writer w = begin ("1,8,8,3");
  gint64 pads[8] = { 0, 1, 1, 0, 0, 1, 1, 0 };
  gfloat scales[4] = { 1, 2, 2, 1 };
  GByteArray *concat = writer_node ("Concat", "cat", "g,e", "h");
  GByteArray *mean = writer_node ("ReduceMean", "mean", "c", "d");

  add_transpose (&w, "x", "a", TO_NCHW);
  add_conv (&w, "a", "b", "4,3,3,3");
  add_transpose (&w, "b", "c", TO_NHWC);
  node_ints (mean, "axes", "1,2");
  writer_add (&w, mean);
  writer_op (&w, "Mul", "gate", "c,d", "e");
  add_conv (&w, "a", "f", "2,3,1,1");
  add_transpose (&w, "f", "g", TO_NHWC);
  node_int (concat, "axis", 3);
  writer_add (&w, concat);
  writer_ints (&w, "pads", 8, pads);
  writer_op (&w, "Pad", "pad", "h,pads", "i");
  writer_floats (&w, "scales", "4", scales);
  writer_op (&w, "Resize", "up", "i,,scales", "j");
  add_transpose (&w, "j", "k", TO_NCHW);
  add_conv (&w, "k", "l", "1,6,3,3");
  add_transpose (&w, "l", "m", TO_NHWC);
  writer_op (&w, "Sigmoid", "s", "m", "y");
  finish (&w, "y");
  expect (&w,
      "Transpose Conv ReduceMean Mul Conv Concat Pad Resize "
      "Conv+SIGMOID Reshape");
}
END_TEST

START_TEST (transposes_through_splits)
{
  Writer w = begin ("1,4,4,6");
  gint64 starts[1] = { 1 }, ends[1] = { 3 }, axes[1] = { 1 };
  GByteArray *split = writer_node ("Split", "split", "c", "d,e");
  GByteArray *softmax = writer_node ("Softmax", "soft", "g", "h");
  GByteArray *concat = writer_node ("Concat", "cat", "f,e", "g");

  add_transpose (&w, "x", "a", TO_NCHW);
  add_conv (&w, "a", "b", "4,6,1,1");
  add_transpose (&w, "b", "c", TO_NHWC);
  node_int (split, "axis", 3);
  writer_add (&w, split);
  writer_op (&w, "Exp", "exp", "d", "f");
  node_int (concat, "axis", -1);
  writer_add (&w, concat);
  node_int (softmax, "axis", 3);
  writer_add (&w, softmax);
  writer_ints (&w, "starts", 1, starts);
  writer_ints (&w, "ends", 1, ends);
  writer_ints (&w, "axes", 1, axes);
  writer_op (&w, "Slice", "slice", "h,starts,ends,axes", "i");
  add_transpose (&w, "i", "j", TO_NCHW);
  add_conv (&w, "j", "y", "2,4,1,1");
  finish (&w, "y");
  expect (&w, "Transpose Conv Split Exp Concat Softmax Slice Conv");
}
END_TEST

/* A gate that was never transposed, of one pixel, only changes its name. */
START_TEST (transposes_and_a_gate)
{
  Writer w = begin ("1,8,8,3");
  gint64 shape[4] = { 1, 1, 1, 4 };

  add_transpose (&w, "x", "a", TO_NCHW);
  add_conv (&w, "a", "b", "4,3,3,3");
  writer_op (&w, "GlobalAveragePool", "pool", "b", "p");
  writer_ints (&w, "shape", 4, shape);
  writer_op (&w, "Reshape", "flat", "p,shape", "q");
  add_transpose (&w, "b", "c", TO_NHWC);
  writer_op (&w, "Mul", "gate", "c,q", "d");
  add_transpose (&w, "d", "e", TO_NCHW);
  add_conv (&w, "e", "y", "2,4,1,1");
  finish (&w, "y");
  expect (&w, "Transpose Conv GlobalAveragePool Mul Conv");
}
END_TEST

START_TEST (reduction_without_axes)
{
  Writer w = begin ("1,4,6,3");
  GByteArray *argmax = writer_node ("ReduceMax", "best", "c", "y");

  add_transpose (&w, "x", "a", TO_NCHW);
  add_conv (&w, "a", "b", "4,3,1,1");
  add_transpose (&w, "b", "c", TO_NHWC);
  node_ints (argmax, "axes", "3");
  node_int (argmax, "keepdims", 0);
  writer_add (&w, argmax);
  finish (&w, "y");
  expect (&w, "Transpose Conv ReduceMax");
}
END_TEST

START_TEST (transposes_merge)
{
  Writer w = begin ("2,3,4,5");

  add_transpose (&w, "x", "a", "1,2,3,0");
  add_transpose (&w, "a", "b", "3,1,0,2");
  add_transpose (&w, "b", "y", "2,0,1,3");
  finish (&w, "y");
  expect (&w, "Transpose");
}
END_TEST

/* Nothing to gain: things stay where they are. */
START_TEST (transposes_that_stay)
{
  Writer w = begin ("1,6,4,4");
  gint64 split[5] = { 1, 2, 3, 4, 4 }, join[4] = { 1, 6, 4, 4 };

  writer_ints (&w, "split", 5, split);
  writer_ints (&w, "join", 4, join);
  writer_op (&w, "Reshape", "r", "x,split", "a");
  add_transpose (&w, "a", "b", "0,2,1,3,4");
  writer_op (&w, "Reshape", "s", "b,join", "y");
  finish (&w, "y");
  expect (&w, "Reshape Transpose Reshape");
}
END_TEST

/* ---- whole networks --------------------------------------------------- */

static void
check_file (const gchar *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;
  UnetGraph *graph, *copy;
  UnetValue *input;
  gchar *data;
  gsize size;

  ck_assert (g_file_get_contents (path, &data, &size, NULL));
  bytes = g_bytes_new_take (data, size);
  graph = unet_onnx_parse (bytes, path, NULL, &error);
  ck_assert_msg (graph != NULL, "%s", error ? error->message : "");
  input = g_ptr_array_index (graph->inputs, 0);
  for (guint d = 0; d < input->n_dims; d++)
    if (input->dims[d] < 0)
      input->dims[d] = 256; /* what the file leaves open */
  ck_assert_msg (
      unet_graph_infer (graph, &error), "%s", error ? error->message : "");
  copy = unet_graph_copy (graph);
  ck_assert (unet_graph_optimize (copy, NULL));
  check_links (copy);
  /* Such numbers as the networks were trained with. Seventy layers carry
   * rounding errors far: changing the input's last bit does the same. */
  check_same (graph, copy, 0, 1, 1e-4);
  ck_assert_uint_lt (copy->nodes->len, graph->nodes->len);
  unet_graph_free (graph);
  unet_graph_free (copy);
}

START_TEST (built_in_network)
{
  check_file (SOURCE_ROOT "/models/person.onnx");
}
END_TEST

START_TEST (other_networks)
{
  const gchar *folder = SOURCE_ROOT "/../shared/models";
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const gchar *name;

  if (!dir)
    printf ("SKIP: %s is not there\n", folder);
  while (dir && (name = g_dir_read_name (dir))) {
    g_autofree gchar *path = g_build_filename (folder, name, NULL);
    if (g_str_has_suffix (name, ".onnx"))
      check_file (path);
  }
}
END_TEST

/* x in bytes, which an operator moves before they are floats again. */
static void
move_bytes (const gchar *op, const gchar *mode, const gchar *readers,
    const gchar *wanted)
{
  Writer w = begin ("1,2,8,8");
  gfloat scale = .02f, scales[4] = { 1, 1, 2, 2 };
  guint8 zero = 120;
  gboolean pool = !strcmp (op, "MaxPool");
  GByteArray *node = writer_node (op, "move", pool ? "q" : "q,,scales", "p");

  writer_floats (&w, "s", "", &scale);
  writer_floats (&w, "scales", "4", scales);
  writer_initializer (&w, "z", W_UINT8, "", &zero, 1);
  writer_op (&w, "QuantizeLinear", "first", "x,s,z", "q");
  if (pool) {
    node_ints (node, "kernel_shape", "2,2");
    node_ints (node, "pads", "1,1,0,0");
  } else {
    node_string (node, "mode", mode);
  }
  writer_add (&w, node);
  writer_op (&w, "DequantizeLinear", "last", "p,s,z", "d");
  writer_op (&w, "Erf", "end", "d", "y");
  writer_output (&w, "y", W_FLOAT, NULL);
  if (readers)
    writer_output (&w, readers, W_UINT8, NULL);
  expect (&w, wanted);
}

START_TEST (bytes_that_move)
{
  move_bytes (
      "MaxPool", NULL, NULL, "QuantizeLinear DequantizeLinear MaxPool Erf");
  move_bytes (
      "Resize", "nearest", NULL, "QuantizeLinear DequantizeLinear Resize Erf");
  /* Between bytes there are none. */
  move_bytes (
      "Resize", "linear", NULL, "QuantizeLinear Resize DequantizeLinear Erf");
  /* Somebody wants to see them. */
  move_bytes (
      "MaxPool", NULL, "p", "QuantizeLinear MaxPool DequantizeLinear Erf");
}
END_TEST

gint
main (void)
{
  const TTest *const tests[] = {
    dead_code,
    no_ops,
    identity_alone,
    reversed_slice_stays,
    crops_merge,
    shared_crop_stays,
    shape_arithmetic,
    batch_norm,
    batch_norm_into_groups,
    batch_norm_alone,
    arithmetic,
    arithmetic_that_stays,
    pads,
    pad_before_average,
    bytes_that_move,
    clips,
    hard_swish,
    hard_swish_by_operator,
    not_hard_swish,
    swish,
    gelu,
    gelu_by_operator,
    activations,
    chain_of_activations,
    shared_value_keeps_activation,
    slopes,
    residual,
    residual_with_projection,
    residual_that_waits,
    sum_of_three,
    additions_that_stay,
    squeeze_and_excitation,
    transposes_through_elementwise,
    transposes_through_joints,
    transposes_through_splits,
    transposes_and_a_gate,
    reduction_without_axes,
    transposes_merge,
    transposes_that_stay,
    built_in_network,
    other_networks,
  };

  return check_run_tests ("passes", 300, tests, G_N_ELEMENTS (tests));
}
