/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Loading models: what is refused, with which words, and what is shared. */

#include "lib/check-main.h"
#include "writer.h"
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unetseg/unetseg.h>
#include <unistd.h>

static gchar *folder;

static void
setup (void)
{
  folder = g_dir_make_tmp ("unetseg-import-XXXXXX", NULL);
  ck_assert_ptr_nonnull (folder);
}

static void
remove_all (const gchar *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const gchar *name;

  while (dir && (name = g_dir_read_name (dir))) {
    g_autofree gchar *child = g_build_filename (path, name, NULL);
    if (g_file_test (child, G_FILE_TEST_IS_DIR)
        && !g_file_test (child, G_FILE_TEST_IS_SYMLINK))
      remove_all (child);
    else
      g_unlink (child);
  }
  g_rmdir (path);
}

static void
teardown (void)
{
  remove_all (folder);
  g_clear_pointer (&folder, g_free);
}

static gchar *
write_file (const gchar *name, GBytes *bytes)
{
  gchar *path = g_build_filename (folder, name, NULL);
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  ck_assert (g_file_set_contents (path, data ? data : "", (gssize) size, NULL));
  g_bytes_unref (bytes);
  return path;
}

/* A network of one node over a picture. */
static Writer
one_node (const gchar *op, const gchar *inputs)
{
  Writer w = writer_new (13);

  writer_input (&w, "x", W_FLOAT, "1,3,8,8");
  writer_op (&w, op, "the-node", inputs, "y");
  writer_output (&w, "y", W_FLOAT, NULL);
  return w;
}

static void
expect_error (const gchar *path, gint code, const gchar *word)
{
  g_autoptr (GError) error = NULL;
  UnetModel *model = unet_model_load (path, &error);

  ck_assert_ptr_null (model);
  ck_assert_ptr_nonnull (error);
  ck_assert_msg (error->domain == UNET_ERROR && error->code == code,
      "code %d: %s", error->code, error->message);
  ck_assert_msg (g_str_has_prefix (error->message, path), "%s", error->message);
  ck_assert_msg (!word || strstr (error->message, word), "%s does not say %s",
      error->message, word);
}

static void
expect_bytes_error (GBytes *bytes, gint code, const gchar *word)
{
  g_autofree gchar *path = write_file ("model.onnx", bytes);

  expect_error (path, code, word);
}

/* ---- files ------------------------------------------------------------ */

START_TEST (missing)
{
  g_autofree gchar *path = g_build_filename (folder, "none.onnx", NULL);

  expect_error (path, UNET_ERROR_NOT_FOUND, NULL);
}
END_TEST

START_TEST (not_a_file)
{
  g_autofree gchar *pipe = g_build_filename (folder, "pipe.onnx", NULL);

  expect_error (folder, UNET_ERROR_NOT_FOUND, NULL);
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

/* A file cut anywhere must not bring the process down; cut within the graph
 * it is an error. */
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

/* Every byte changed to something else: an error or a model, nothing worse. */
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

/* Nothing in it, but strides that would not fit into 64 bits. */
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

/* Two bytes in the file, a hundred in memory. */
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

/* ---- external data ---------------------------------------------------- */

static GByteArray *
external_tensor (
    const gchar *location, const gchar *offset, const gchar *length)
{
  const gchar *pairs[][2] = { { "location", location }, { "offset", offset },
    { "length", length } };
  GByteArray *tensor = writer_tensor ("w", W_FLOAT, "3,1,1", NULL, 0);

  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++) {
    GByteArray *entry = g_byte_array_new ();
    if (!pairs[i][1]) {
      g_byte_array_unref (entry);
      continue;
    }
    pb_string (entry, 1, pairs[i][0]);
    pb_string (entry, 2, pairs[i][1]);
    pb_message (tensor, 13, entry);
  }
  pb_int (tensor, 14, 1);
  return tensor;
}

static gchar *
write_external (const gchar *location, const gchar *offset, const gchar *length)
{
  Writer w = one_node ("Add", "x,w");

  pb_message (w.graph, 5, external_tensor (location, offset, length));
  return write_file ("model.onnx", writer_end (&w));
}

static void
write_weights (const gchar *name)
{
  gfloat data[5] = { -1, -1, 1, 2, 3 };
  g_autofree gchar *path = write_file (name, g_bytes_new (data, sizeof data));

  ck_assert_ptr_nonnull (path);
}

START_TEST (external_data)
{
  UnetSession *session;
  UnetModel *model;
  g_autofree gchar *path = NULL;
  const gfloat *y;

  write_weights ("weights.bin");
  path = write_external ("weights.bin", "8", "12");
  model = unet_model_load (path, NULL);
  ck_assert_ptr_nonnull (model);
  session = unet_session_new (model, NULL, 0, NULL, NULL);
  ck_assert_ptr_nonnull (session);
  memset (
      unet_session_get_input_data (session, 0), 0, 3 * 64 * sizeof (gfloat));
  ck_assert (unet_session_run (session, NULL));
  y = unet_session_get_output_data (session, 0);
  for (guint c = 0; c < 3; c++)
    ck_assert_float_eq (y[64 * c + 5], c + 1);
  unet_session_unref (session);
  unet_model_unref (model);
}
END_TEST

START_TEST (external_data_outside)
{
  static const gchar *const locations[] = { "../weights.bin", "/etc/passwd",
    "sub/../../weights.bin", "..\\weights.bin" };

  for (guint i = 0; i < G_N_ELEMENTS (locations); i++) {
    g_autofree gchar *path = write_external (locations[i], "0", "12");
    expect_error (path, UNET_ERROR_LIMIT, "outside");
  }
}
END_TEST

START_TEST (external_data_by_link)
{
  g_autofree gchar *link = g_build_filename (folder, "link.bin", NULL);
  g_autofree gchar *sub = g_build_filename (folder, "sub", NULL);
  g_autofree gchar *path = NULL, *second = NULL;

  write_weights ("weights.bin");
  ck_assert_int_eq (symlink ("weights.bin", link), 0);
  ck_assert_int_eq (symlink ("/etc", sub), 0);
  path = write_external ("link.bin", "0", "12");
  expect_error (path, UNET_ERROR_NOT_FOUND, "link.bin");
  second = write_external ("sub/passwd", "0", "12");
  expect_error (second, UNET_ERROR_NOT_FOUND, "sub/passwd");
}
END_TEST

START_TEST (external_data_short)
{
  static const gchar *const wrong[][2] = {
    { "12", "12" },
    { "9223372036854775807", "12" },
    { "0", "11" },
    { "0", "-1" },
    { "x", "12" },
  };

  write_weights ("weights.bin");
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    g_autofree gchar *path =
        write_external ("weights.bin", wrong[i][0], wrong[i][1]);
    g_autoptr (GError) error = NULL;
    ck_assert_ptr_null (unet_model_load (path, &error));
    ck_assert_ptr_nonnull (error);
  }
}
END_TEST

/* A length that the shape claims, but no disk has. */
START_TEST (external_data_huge)
{
  Writer w = one_node ("Add", "x,w");
  GByteArray *tensor = writer_tensor ("w", W_FLOAT, "1000000,1000000", NULL, 0);
  GByteArray *entry = g_byte_array_new ();

  write_weights ("weights.bin");
  pb_string (entry, 1, "location");
  pb_string (entry, 2, "weights.bin");
  pb_message (tensor, 13, entry);
  pb_int (tensor, 14, 1);
  pb_message (w.graph, 5, tensor);
  expect_bytes_error (writer_end (&w), UNET_ERROR_NOT_FOUND, "weights.bin");
}
END_TEST

START_TEST (external_data_without_folder)
{
  Writer w = one_node ("Add", "x,w");
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;

  pb_message (w.graph, 5, external_tensor ("weights.bin", "0", "12"));
  bytes = writer_end (&w);
  ck_assert_ptr_null (unet_model_new_from_bytes (bytes, "bytes", &error));
  ck_assert_int_eq (error->code, UNET_ERROR_LIMIT);
}
END_TEST

/* ---- types ------------------------------------------------------------ */

/* 1, -2, the smallest subnormal; in half precision */
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

/* ---- sharing ---------------------------------------------------------- */

START_TEST (shared_while_held)
{
  Writer a = one_node ("Relu", "x"), b = one_node ("Sigmoid", "x");
  g_autofree gchar *path = write_file ("model.onnx", writer_end (&a));
  UnetModel *first = unet_model_load (path, NULL);
  UnetModel *second = unet_model_load (path, NULL), *third;

  ck_assert_ptr_nonnull (first);
  ck_assert_ptr_eq (first, second);
  g_free (write_file ("model.onnx", writer_end (&b)));
  third = unet_model_load (path, NULL);
  ck_assert_ptr_nonnull (third);
  ck_assert_ptr_ne (first, third);
  unet_model_unref (first);
  unet_model_unref (second);
  unet_model_unref (third);
}
END_TEST

static gpointer
load_in_thread (gpointer path)
{
  return unet_model_load (path, NULL);
}

START_TEST (shared_between_threads)
{
  Writer w = one_node ("Relu", "x");
  g_autofree gchar *path = write_file ("model.onnx", writer_end (&w));
  GThread *threads[8];
  UnetModel *models[8];

  for (guint round = 0; round < 20; round++) {
    for (guint i = 0; i < 8; i++)
      threads[i] = g_thread_new ("load", load_in_thread, path);
    for (guint i = 0; i < 8; i++) {
      models[i] = g_thread_join (threads[i]);
      ck_assert_ptr_nonnull (models[i]);
      ck_assert_ptr_eq (models[i], models[0]);
    }
    for (guint i = 0; i < 8; i++)
      unet_model_unref (models[i]);
  }
}
END_TEST

START_TEST (built_in)
{
  g_autoptr (GError) error = NULL;
  UnetModel *model = unet_model_load (NULL, &error);
  UnetModel *again = unet_model_load (NULL, NULL);
  g_autoptr (UnetContract) contract = NULL;

  ck_assert_msg (model != NULL, "%s", error ? error->message : "");
  ck_assert_ptr_eq (model, again);
  ck_assert_uint_gt (unet_model_get_n_parameters (model), 100000);
  contract = unet_model_get_contract (model, NULL, &error);
  ck_assert_msg (contract != NULL, "%s", error ? error->message : "");
  ck_assert_str_eq (contract->labels[1], "person");
  unet_model_unref (model);
  unet_model_unref (again);
}
END_TEST

/* What a file leaves open: dimensions of the output that depend on it. */
START_TEST (open_sizes)
{
  Writer w = writer_new (13);
  gfloat scales[4] = { 1, 1, 2, 2 };
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  const UnetTensorInfo *info;
  UnetModel *model;

  writer_input (&w, "x", W_FLOAT, "N,3,H,W");
  writer_noise (&w, "w", "5,3,3,3", 1, 1);
  writer_floats (&w, "scales", "4", scales);
  writer_op (&w, "Conv", "conv", "x,w", "c");
  writer_op (&w, "Resize", "up", "c,,scales", "y");
  writer_output (&w, "y", W_FLOAT, NULL);
  bytes = writer_end (&w);
  model = unet_model_new_from_bytes (bytes, "open", &error);
  ck_assert_msg (model != NULL, "%s", error ? error->message : "");
  info = unet_model_get_output (model, 0);
  ck_assert_uint_eq (info->n_dims, 4);
  ck_assert_int_eq (info->dims[0], -1);
  ck_assert_int_eq (info->dims[1], 5);
  ck_assert_int_eq (info->dims[2], -1);
  ck_assert_int_eq (info->dims[3], -1);
  ck_assert_uint_eq (unet_model_get_n_parameters (model), 5 * 27 + 4);
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
    external_data,
    external_data_outside,
    external_data_by_link,
    external_data_short,
    external_data_huge,
    external_data_without_folder,
    half_precision,
    shared_while_held,
    shared_between_threads,
    built_in,
    open_sizes,
  };
  TCase *tcase = check_new_case ("import", 120, tests, G_N_ELEMENTS (tests));

  tcase_add_checked_fixture (tcase, setup, teardown);
  return check_run_cases ("import", tcase, NULL);
}
