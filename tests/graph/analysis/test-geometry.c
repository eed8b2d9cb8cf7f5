/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests which part of the picture an output covers. */

#include "lib/check-main.h"
#include "graph/analysis/geometry.h"
#include "graph/ops/infer.h"
#include "onnx/onnx.h"
#include "lib/onnx-writer.h"
#include <stdio.h>
#include <stdlib.h>
#include <unetseg/unetseg.h>

static UnetModel *
end_model (Writer *w)
{
  g_autoptr (GBytes) bytes = writer_end (w);
  g_autoptr (GError) error = NULL;
  UnetModel *model = unet_model_new_from_bytes (bytes, "model", &error);

  ck_assert_msg (model != NULL, "%s", error ? error->message : "");
  return model;
}

static UnetGeometry
geometry_of (Writer *w, gint channel_axis)
{
  g_autoptr (GBytes) bytes = writer_end (w);
  g_autoptr (GError) error = NULL;
  UnetGraph *graph = unet_onnx_parse (bytes, "graph", NULL, &error);
  g_autofree UnetGeometry *all = NULL;
  UnetGeometry result;
  const UnetValue *output;

  ck_assert_msg (graph != NULL, "%s", error ? error->message : "");
  ck_assert_msg (
      unet_graph_infer (graph, &error), "%s", error ? error->message : "");
  all = g_new0 (UnetGeometry, graph->values->len);
  unet_graph_geometry (
      graph, g_ptr_array_index (graph->inputs, 0), channel_axis, all);
  output = g_ptr_array_index (graph->outputs, 0);
  result = all[output->id];
  unet_graph_free (graph);
  return result;
}

static void
expect (Writer *w, gint channel_axis, gdouble scale, gdouble offset_y,
    gdouble offset_x)
{
  UnetGeometry g = geometry_of (w, channel_axis);

  ck_assert (g.known);
  for (guint i = 0; i < 2; i++)
    ck_assert_double_eq_tol (g.scale[i], scale, 1e-9);
  ck_assert_double_eq_tol (g.offset[0], offset_y, 1e-9);
  ck_assert_double_eq_tol (g.offset[1], offset_x, 1e-9);
}

/* ---- building --------------------------------------------------------- */

static guint serial;

/* Adds an operator with one input and returns its output's name. */
static const gchar *
add (Writer *w, const gchar *op, const gchar *in, const gchar *weights,
    const gchar *kernel, const gchar *strides, const gchar *pads)
{
  static gchar names[64][16];
  gchar *out = names[serial++ % G_N_ELEMENTS (names)];
  g_autofree gchar *inputs = NULL, *w_name = NULL;
  GByteArray *node;

  g_snprintf (out, sizeof names[0], "v%u", serial);
  w_name = g_strdup_printf ("%s_w", out);
  inputs = weights ? g_strdup_printf ("%s,%s", in, w_name) : g_strdup (in);
  if (weights)
    writer_noise (w, w_name, weights, serial, 0.3);
  node = writer_node (op, out, inputs, out);
  if (kernel)
    node_ints (node, "kernel_shape", kernel);
  if (strides)
    node_ints (node, "strides", strides);
  if (pads)
    node_ints (node, "pads", pads);
  writer_add (w, node);
  return out;
}

static const gchar *
conv (Writer *w, const gchar *in, const gchar *weights, const gchar *pads)
{
  return add (w, "Conv", in, weights, NULL, NULL, pads);
}

static const gchar *
concat (Writer *w, const gchar *a, const gchar *b)
{
  static gchar names[16][16];
  gchar *out = names[serial++ % G_N_ELEMENTS (names)];
  g_autofree gchar *inputs = g_strdup_printf ("%s,%s", a, b);
  GByteArray *node;

  g_snprintf (out, sizeof names[0], "c%u", serial);
  node = writer_node ("Concat", out, inputs, out);
  node_int (node, "axis", 1);
  writer_add (w, node);
  return out;
}

static const gchar *
crop (Writer *w, const gchar *in, gint64 from, gint64 to)
{
  static gchar names[16][16];
  gchar *out = names[serial++ % G_N_ELEMENTS (names)];
  gint64 starts[2] = { from, from }, ends[2] = { to, to }, axes[2] = { 2, 3 };
  const gchar *parts[3] = { "s", "e", "a" };
  const gint64 *data[3] = { starts, ends, axes };
  g_autoptr (GString) inputs = g_string_new (in);

  g_snprintf (out, sizeof names[0], "k%u", serial);
  for (guint i = 0; i < 3; i++) {
    g_autofree gchar *name = g_strdup_printf ("%s_%s", out, parts[i]);
    writer_ints (w, name, 2, data[i]);
    g_string_append_printf (inputs, ",%s", name);
  }
  writer_op (w, "Slice", out, inputs->str, out);
  return out;
}

/* Adds the network of Ronneberger et al. 2015, figure 1, with one channel. */
static void
add_valid_unet (Writer *w, gint64 size)
{
  const gchar *skips[4], *v = "x";
  gint64 extents[4];

  for (guint i = 0; i < 4; i++) {
    v = conv (w, v, "1,1,3,3", NULL);
    v = conv (w, v, "1,1,3,3", NULL);
    skips[i] = v;
    size -= 4;
    extents[i] = size;
    v = add (w, "MaxPool", v, NULL, "2,2", "2,2", NULL);
    size /= 2;
  }
  v = conv (w, v, "1,1,3,3", NULL);
  v = conv (w, v, "1,1,3,3", NULL);
  size -= 4;
  for (guint i = 4; i-- > 0;) {
    gint64 margin;
    v = add (w, "ConvTranspose", v, "1,1,2,2", NULL, "2,2", NULL);
    size *= 2;
    margin = (extents[i] - size) / 2;
    v = concat (w, crop (w, skips[i], margin, margin + size), v);
    v = conv (w, v, "1,2,3,3", NULL);
    v = conv (w, v, "1,1,3,3", NULL);
    size -= 4;
  }
  writer_output (w, v, W_FLOAT, NULL);
}

/* ---- tests ------------------------------------------------------------ */

START_TEST (valid_unet)
{
  Writer w = writer_new (13);
  UnetGeometry g;

  writer_input (&w, "x", W_FLOAT, "1,1,572,572");
  add_valid_unet (&w, 572);
  g = geometry_of (&w, 1);
  ck_assert (g.known);
  for (guint i = 0; i < 2; i++) {
    ck_assert_double_eq (g.scale[i], 1);
    ck_assert_double_eq (g.offset[i], 92);
    ck_assert_int_eq (g.extent[i], 388);
  }
}
END_TEST

/* The public interface gives the same window, at the second smallest size. */
START_TEST (valid_unet_session)
{
  Writer w = writer_new (13);
  UnetSessionOptions options = UNET_SESSION_OPTIONS_INIT;
  g_autoptr (UnetContract) contract = NULL;
  g_autoptr (GError) error = NULL;
  gdouble x, y, width, height;
  UnetSession *session;
  UnetModel *model;

  writer_input (&w, "x", W_FLOAT, "1,1,H,W");
  add_valid_unet (&w, 204);
  model = end_model (&w);
  contract = unet_model_get_contract (model, NULL, NULL);
  ck_assert_ptr_nonnull (contract);
  options.tuning = UNET_TUNING_STATIC;
  session =
      unet_session_new_for_size (model, contract, 204, 204, &options, &error);
  ck_assert_msg (session != NULL, "%s", error ? error->message : "");
  ck_assert (
      unet_session_get_output_window (session, 0, &x, &y, &width, &height));
  ck_assert_double_eq (x, 92);
  ck_assert_double_eq (y, 92);
  ck_assert_double_eq (width, 20);
  ck_assert_double_eq (height, 20);
  unet_session_unref (session);
  unet_model_unref (model);
}
END_TEST

START_TEST (same_padded_unet)
{
  Writer w = writer_new (13);
  const gchar *skip, *v;

  writer_input (&w, "x", W_FLOAT, "1,3,32,48");
  skip = conv (&w, "x", "4,3,3,3", "1,1,1,1");
  v = add (&w, "MaxPool", skip, NULL, "2,2", "2,2", NULL);
  v = conv (&w, v, "8,4,3,3", "1,1,1,1");
  v = add (&w, "ConvTranspose", v, "8,4,2,2", NULL, "2,2", NULL);
  v = concat (&w, skip, v);
  v = conv (&w, v, "2,8,1,1", NULL);
  writer_output (&w, v, W_FLOAT, NULL);
  expect (&w, 1, 1, 0, 0);
}
END_TEST

/* Strided layers with the usual padding shift the picture by half a pixel. The
 * geometry ignores this shift. */
START_TEST (strided_encoders)
{
  static const gchar *const layers[][3] = {
    { "4,3,3,3", "2,2", "1,1,1,1" },
    { "4,3,3,3", "2,2", "0,0,1,1" },
    { "4,3,7,7", "2,2", "3,3,3,3" },
    { "4,3,4,4", "2,2", "1,1,1,1" },
    { "4,3,5,5", "2,2", "2,2,2,2" },
    { "4,3,2,2", "2,2", "0,0,0,0" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (layers); i++) {
    Writer w = writer_new (13);
    gfloat scales[4] = { 1, 1, 4, 4 };
    const gchar *v;
    writer_input (&w, "x", W_FLOAT, "1,3,64,64");
    v = add (&w, "Conv", "x", layers[i][0], NULL, layers[i][1], layers[i][2]);
    v = add (&w, "MaxPool", v, NULL, "3,3", "2,2", "1,1,1,1");
    {
      g_autofree gchar *inputs = g_strdup_printf ("%s,,scales", v);
      writer_floats (&w, "scales", "4", scales);
      writer_op (&w, "Resize", "up", inputs, "y");
    }
    writer_output (&w, "y", W_FLOAT, NULL);
    expect (&w, 1, 1, 0, 0);
  }
}
END_TEST

START_TEST (deep_output)
{
  Writer w = writer_new (13);
  const gchar *v;

  writer_input (&w, "x", W_FLOAT, "1,3,64,64");
  v = add (&w, "Conv", "x", "4,3,3,3", NULL, "2,2", "1,1,1,1");
  v = add (&w, "Conv", v, "4,4,3,3", NULL, "2,2", "1,1,1,1");
  writer_output (&w, v, W_FLOAT, NULL);
  expect (&w, 1, 4, 0, 0);
}
END_TEST

START_TEST (crops_and_borders)
{
  Writer w = writer_new (13);
  gint64 pads[8] = { 0, 0, 7, 3, 0, 0, 7, 3 };
  g_autofree gchar *inputs = NULL;
  const gchar *v;

  writer_input (&w, "x", W_FLOAT, "1,1,64,64");
  v = crop (&w, "x", 5, 60);
  inputs = g_strdup_printf ("%s,pads", v);
  writer_ints (&w, "pads", 8, pads);
  writer_op (&w, "Pad", "pad", inputs, "y");
  writer_output (&w, "y", W_FLOAT, NULL);
  expect (&w, 1, 1, 5 - 7, 5 - 3);
}
END_TEST

/* Axes move and vanish: the input is NHWC, and the output has rows and columns
 * only. */
START_TEST (axes_that_move)
{
  Writer w = writer_new (13);
  GByteArray *to_nchw = writer_node ("Transpose", "t", "x", "a");
  GByteArray *argmax, *squeeze;
  gint64 shape[3] = { 1, 40, 36 };
  const gchar *v;

  writer_input (&w, "x", W_FLOAT, "1,44,40,3");
  node_ints (to_nchw, "perm", "0,3,1,2");
  writer_add (&w, to_nchw);
  v = conv (&w, "a", "5,3,5,5", NULL);
  argmax = writer_node ("ArgMax", "best", v, "b");
  node_int (argmax, "axis", 1);
  writer_add (&w, argmax);
  squeeze = writer_node ("Transpose", "back", "b", "c");
  node_ints (squeeze, "perm", "0,2,3,1");
  writer_add (&w, squeeze);
  writer_ints (&w, "shape", 3, shape);
  writer_op (&w, "Reshape", "reshape", "c,shape", "y");
  writer_output (&w, "y", W_INT64, NULL);
  expect (&w, 3, 1, 2, 2);
}
END_TEST

START_TEST (dropped_channel)
{
  Writer w = writer_new (13);
  GByteArray *argmax = writer_node ("ArgMax", "best", "x", "y");

  writer_input (&w, "x", W_FLOAT, "1,5,44,40");
  node_int (argmax, "axis", 1);
  node_int (argmax, "keepdims", 0);
  writer_add (&w, argmax);
  writer_output (&w, "y", W_INT64, NULL);
  expect (&w, 1, 1, 0, 0);
}
END_TEST

START_TEST (no_picture)
{
  Writer w = writer_new (13);

  writer_input (&w, "x", W_FLOAT, "1,3,16,16");
  writer_op (&w, "GlobalAveragePool", "pool", "x", "y");
  writer_output (&w, "y", W_FLOAT, NULL);
  ck_assert (!geometry_of (&w, 1).known);
}
END_TEST

/* A gate of one pixel does not tell where the picture is. */
START_TEST (gates)
{
  Writer w = writer_new (13);
  g_autofree gchar *inputs = NULL;
  const gchar *v;

  writer_input (&w, "x", W_FLOAT, "1,3,16,16");
  v = conv (&w, "x", "3,3,3,3", NULL);
  writer_op (&w, "GlobalAveragePool", "pool", v, "g");
  inputs = g_strdup_printf ("g,%s", v);
  writer_op (&w, "Mul", "gate", inputs, "y");
  writer_output (&w, "y", W_FLOAT, NULL);
  expect (&w, 1, 1, 1, 1);
}
END_TEST

gint
main (void)
{
  const TTest *const tests[] = {
    valid_unet,
    valid_unet_session,
    same_padded_unet,
    strided_encoders,
    deep_output,
    crops_and_borders,
    axes_that_move,
    dropped_channel,
    no_picture,
    gates,
  };

  return check_run_tests ("geometry", 120, tests, G_N_ELEMENTS (tests));
}
