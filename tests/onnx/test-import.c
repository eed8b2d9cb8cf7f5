/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests loading models: which files are refused, and with which message. */

#include "lib/check-main.h"
#include "lib/onnx-writer.h"
#include "model-folder.h"
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unetseg/unetseg.h>
#include <unistd.h>

/* ---- files ------------------------------------------------------------ */

START_TEST (missing)
{
  g_autofree gchar *path = g_build_filename (model_folder, "none.onnx", NULL);

  expect_error (path, UNET_ERROR_NOT_FOUND, NULL);
}
END_TEST

START_TEST (not_a_file)
{
  g_autofree gchar *pipe = g_build_filename (model_folder, "pipe.onnx", NULL);

  expect_error (model_folder, UNET_ERROR_NOT_FOUND, NULL);
  ck_assert_int_eq (mkfifo (pipe, 0600), 0);
  expect_error (pipe, UNET_ERROR_NOT_FOUND, "regular");
}
END_TEST

START_TEST (empty)
{
  expect_bytes_error (g_bytes_new_static ("", 0), UNET_ERROR_PARSE, "empty");
}
END_TEST

START_TEST (garbage)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);

  for (guint k = 0; k < 200; k++) {
    guint8 noise[257];
    g_autoptr (GBytes) bytes = NULL;
    g_autoptr (GError) error = NULL;
    for (guint i = 0; i < sizeof noise; i++)
      noise[i] = (guint8) g_rand_int (rand);
    bytes = g_bytes_new (noise, 1 + g_rand_int (rand) % sizeof noise);
    ck_assert_ptr_null (unet_model_new_from_bytes (bytes, "noise", &error));
    ck_assert_ptr_nonnull (error);
  }
}
END_TEST

/* A truncated file is an error wherever it is cut. */
START_TEST (truncated)
{
  Writer w = one_node ("Conv", "x,w");
  g_autoptr (GBytes) whole = NULL;
  gsize size;

  writer_noise (&w, "w", "4,3,3,3", 1, 1);
  whole = writer_end (&w);
  size = g_bytes_get_size (whole);
  for (gsize n = 0; n < size; n++) {
    g_autoptr (GBytes) part = g_bytes_new_from_bytes (whole, 0, n);
    g_autoptr (GError) error = NULL;
    UnetModel *model = unet_model_new_from_bytes (part, "part", &error);
    ck_assert_ptr_null (model);
    ck_assert_ptr_nonnull (error);
  }
}
END_TEST

/* A file with any one byte changed gives an error or a model, but no crash. */
START_TEST (damaged)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (11);
  Writer w = one_node ("Conv", "x,w");
  g_autoptr (GBytes) whole = NULL;
  gsize size;
  gconstpointer data;

  writer_noise (&w, "w", "4,3,3,3", 1, 1);
  whole = writer_end (&w);
  data = g_bytes_get_data (whole, &size);
  for (guint k = 0; k < 4 * size; k++) {
    guint8 *copy = g_memdup2 (data, size);
    g_autoptr (GBytes) bytes = g_bytes_new_take (copy, size);
    g_autoptr (GError) error = NULL;
    UnetModel *model;
    copy[k % size] = (guint8) g_rand_int (rand);
    model = unet_model_new_from_bytes (bytes, "damaged", &error);
    ck_assert (!model == !!error);
    if (model)
      unet_model_unref (model);
  }
}
END_TEST

/* ---- graphs ----------------------------------------------------------- */

START_TEST (unsupported_operator)
{
  Writer w = one_node ("Frobnicate", "x");

  expect_bytes_error (
      writer_end (&w), UNET_ERROR_UNSUPPORTED, "node 'the-node' (Frobnicate)");
}
END_TEST

START_TEST (unsupported_domain)
{
  Writer w = writer_new (13);
  GByteArray *node = writer_node ("Relu", "odd", "x", "y");

  writer_input (&w, "x", W_FLOAT, "1,3,8,8");
  pb_string (node, 7, "com.example");
  writer_add (&w, node);
  writer_output (&w, "y", W_FLOAT, NULL);
  expect_bytes_error (
      writer_end (&w), UNET_ERROR_UNSUPPORTED, "(com.example.Relu)");
}
END_TEST

START_TEST (unsupported_opset)
{
  static const gint sets[] = { 0, 25, 5 };

  for (guint i = 0; i < G_N_ELEMENTS (sets); i++) {
    g_autofree gchar *word = g_strdup_printf ("set %d", sets[i]);
    Writer w = writer_new (sets[i]);
    writer_input (&w, "x", W_FLOAT, "1,3,8,8");
    writer_op (&w, "Relu", "old", "x", "y");
    writer_output (&w, "y", W_FLOAT, NULL);
    expect_bytes_error (writer_end (&w), UNET_ERROR_UNSUPPORTED, word);
  }
}
END_TEST

START_TEST (unsupported_type)
{
  Writer w = writer_new (13);

  writer_input (&w, "x", W_STRING, "1");
  writer_op (&w, "Identity", "i", "x", "y");
  writer_output (&w, "y", W_STRING, NULL);
  expect_bytes_error (writer_end (&w), UNET_ERROR_UNSUPPORTED, "string");
}
END_TEST

START_TEST (undefined_input)
{
  Writer w = one_node ("Relu", "nowhere");

  expect_bytes_error (writer_end (&w), UNET_ERROR_PARSE,
      "node 'the-node' (Relu): input 'nowhere'");
}
END_TEST

START_TEST (defined_twice)
{
  Writer w = one_node ("Relu", "x");

  writer_op (&w, "Relu", "again", "x", "y");
  expect_bytes_error (writer_end (&w), UNET_ERROR_PARSE, "'y'");
}
END_TEST

START_TEST (wrong_input_count)
{
  Writer w = one_node ("Conv", "x");

  expect_bytes_error (writer_end (&w), UNET_ERROR_PARSE, "(Conv)");
}
END_TEST

START_TEST (shapes_that_do_not_fit)
{
  Writer w = one_node ("Conv", "x,w");

  writer_noise (&w, "w", "4,2,3,3", 1, 1);
  expect_bytes_error (
      writer_end (&w), UNET_ERROR_SHAPE, "node 'the-node' (Conv)");
}
END_TEST

START_TEST (no_graph)
{
  GByteArray *model = g_byte_array_new ();

  pb_int (model, 1, 7);
  expect_bytes_error (
      g_byte_array_free_to_bytes (model), UNET_ERROR_PARSE, "no graph");
}
END_TEST

/* ---- hostile sizes ---------------------------------------------------- */

START_TEST (data_too_short)
{
  Writer w = one_node ("Add", "x,w");
  gfloat two[2] = { 1, 2 };

  writer_initializer (&w, "w", W_FLOAT, "3", two, sizeof two);
  expect_bytes_error (writer_end (&w), UNET_ERROR_PARSE, "'w'");
}
END_TEST

START_TEST (dimensions_that_overflow)
{
  static const gchar *const dims[] = {
    "4294967296,4294967296",
    "9223372036854775807,2",
    "-1,3",
    "1,1,1,1,1,1,1,1,1",
    "1000000000000",
  };

  for (guint i = 0; i < G_N_ELEMENTS (dims); i++) {
    Writer w = one_node ("Add", "x,w");
    g_autoptr (GBytes) bytes = NULL;
    g_autoptr (GError) error = NULL;
    gfloat one = 1;
    writer_initializer (&w, "w", W_FLOAT, dims[i], &one, sizeof one);
    bytes = writer_end (&w);
    ck_assert_ptr_null (unet_model_new_from_bytes (bytes, "big", &error));
    ck_assert (
        error->code == UNET_ERROR_PARSE || error->code == UNET_ERROR_LIMIT);
  }
}
END_TEST

START_TEST (inputs_that_overflow)
{
  static const gchar *const dims[] = {
    "4611686018427387904,4611686018427387904",
    "65536,65536,65536",
  };

  for (guint i = 0; i < G_N_ELEMENTS (dims); i++) {
    Writer w = writer_new (13);
    writer_input (&w, "x", W_FLOAT, dims[i]);
    writer_op (&w, "Flatten", "f", "x", "y");
    writer_output (&w, "y", W_FLOAT, NULL);
    expect_bytes_error (writer_end (&w), UNET_ERROR_LIMIT, "'x'");
  }
}
END_TEST

/* The tensor is empty, but its strides would not fit into 64 bits. */
START_TEST (empty_but_vast)
{
  Writer w = one_node ("Add", "x,w");

  writer_initializer (&w, "w", W_FLOAT, "0,4294967296,4294967296", "", 0);
  expect_bytes_error (writer_end (&w), UNET_ERROR_LIMIT, "'w'");
}
END_TEST

START_TEST (constants_that_grow)
{
  static const gint64 sides[] = { 30000, 2000000000 };

  for (guint i = 0; i < G_N_ELEMENTS (sides); i++) {
    gint64 shape[2] = { sides[i], sides[i] };
    Writer w = writer_new (13);

    writer_input (&w, "x", W_FLOAT, "1,3,8,8");
    writer_ints (&w, "shape", 2, shape);
    writer_op (&w, "ConstantOfShape", "bomb", "shape", "c");
    writer_op (&w, "Add", "sum", "x,c", "y");
    writer_output (&w, "y", W_FLOAT, NULL);
    expect_bytes_error (
        writer_end (&w), UNET_ERROR_LIMIT, "node 'bomb' (ConstantOfShape)");
  }
}
END_TEST

START_TEST (deep_nesting)
{
  GByteArray *graph = g_byte_array_new (), *model = g_byte_array_new ();

  /* graph > node > attribute > graph > … */
  for (guint i = 0; i < 3000; i++) {
    GByteArray *attr = g_byte_array_new (), *node = g_byte_array_new ();
    GByteArray *outer = g_byte_array_new ();
    pb_message (attr, 6, graph);
    pb_message (node, 5, attr);
    pb_message (outer, 1, node);
    graph = outer;
  }
  pb_message (model, 7, graph);
  expect_bytes_error (
      g_byte_array_free_to_bytes (model), UNET_ERROR_PARSE, NULL);
}
END_TEST

/* Each node takes two bytes in the file and a hundred in memory. */
START_TEST (many_empty_nodes)
{
  GByteArray *graph = g_byte_array_new (), *model = g_byte_array_new ();

  for (guint i = 0; i < 4000000; i++)
    pb_bytes (graph, 1, NULL, 0);
  pb_message (model, 7, graph);
  expect_bytes_error (
      g_byte_array_free_to_bytes (model), UNET_ERROR_LIMIT, NULL);
}
END_TEST

/* ---- types ------------------------------------------------------------ */

/* Half precision holds 1, -2 and the smallest subnormal. */
START_TEST (half_precision)
{
  guint16 half[3] = { 0x3c00, 0xc000, 0x0001 };
  gfloat expected[3] = { 1, -2, 5.9604644775390625e-8f };
  Writer w = one_node ("Mul", "x,w");
  g_autoptr (GBytes) bytes = NULL;
  UnetModel *model;
  UnetSession *session;
  gfloat *x;
  const gfloat *y;

  writer_initializer (&w, "w", W_FLOAT16, "3,1,1", half, sizeof half);
  bytes = writer_end (&w);
  model = unet_model_new_from_bytes (bytes, "half", NULL);
  ck_assert_ptr_nonnull (model);
  session = unet_session_new (model, NULL, 0, NULL, NULL);
  ck_assert_ptr_nonnull (session);
  x = unet_session_get_input_data (session, 0);
  for (guint i = 0; i < 192; i++)
    x[i] = 1;
  ck_assert (unet_session_run (session, NULL));
  y = unet_session_get_output_data (session, 0);
  for (guint c = 0; c < 3; c++)
    ck_assert_float_eq (y[64 * c], expected[c]);
  unet_session_unref (session);
  unet_model_unref (model);
}
END_TEST

gint
main (void)
{
  const TTest *const tests[] = {
    missing,
    not_a_file,
    empty,
    garbage,
    truncated,
    damaged,
    unsupported_operator,
    unsupported_domain,
    unsupported_opset,
    unsupported_type,
    undefined_input,
    defined_twice,
    wrong_input_count,
    shapes_that_do_not_fit,
    no_graph,
    data_too_short,
    dimensions_that_overflow,
    inputs_that_overflow,
    empty_but_vast,
    constants_that_grow,
    deep_nesting,
    many_empty_nodes,
    half_precision,
  };
  TCase *tcase = check_new_case ("import", 120, tests, G_N_ELEMENTS (tests));

  tcase_add_checked_fixture (tcase, model_folder_setup, model_folder_teardown);
  return check_run_cases ("import", tcase, NULL);
}
