/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Loads models made to do harm. Each must end in an error that names the cause,
 * in a child process with bounded memory: 320 MiB and 16 times the file, as
 * docs/architecture.md states. */

#include "lib/check-main.h"
#include "lib/onnx-writer.h"
#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unetseg/unetseg.h>
#include <unistd.h>

#define BOUND(file_size) (((gsize) 320 << 20) + 16 * (gsize) (file_size))

/* Address sanitizer reserves terabytes of addresses, which a bound would
 * refuse. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED TRUE
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED TRUE
#endif
#endif
#ifndef SANITIZED
#define SANITIZED FALSE
#endif

static gchar *folder;

/* Returns whether a sanitizer or valgrind runs, which need addresses of their
 * own. */
static gboolean
is_watched (void)
{
  return SANITIZED || g_getenv ("UNETSEG_TEST_QUICK");
}

static void
setup (void)
{
  folder = g_dir_make_tmp ("unetseg-hostile-XXXXXX", NULL);
  ck_assert_ptr_nonnull (folder);
}

static void
teardown (void)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const gchar *name;

  while (dir && (name = g_dir_read_name (dir))) {
    g_autofree gchar *path = g_build_filename (folder, name, NULL);
    g_remove (path);
  }
  g_rmdir (folder);
  g_clear_pointer (&folder, g_free);
}

static Writer
one_node (const gchar *op, const gchar *inputs)
{
  Writer w = writer_new (13);

  writer_input (&w, "x", W_FLOAT, "1,3,8,8");
  writer_op (&w, op, "culprit", inputs, "y");
  writer_output (&w, "y", W_FLOAT, NULL);
  return w;
}

/* ---- in a child --------------------------------------------------------- */

static gsize
address_space (void)
{
  unsigned long pages = 0;
  FILE *file = fopen ("/proc/self/statm", "r");

  if (file && fscanf (file, "%lu", &pages) != 1)
    pages = 0;
  if (file)
    fclose (file);
  return pages * (gsize) sysconf (_SC_PAGESIZE);
}

static void
limit_memory (gsize bound)
{
  struct rlimit limit;

  limit.rlim_cur = limit.rlim_max = address_space () + bound;
  if (!is_watched () && setrlimit (RLIMIT_AS, &limit))
    _exit (3);
}

/* Loads the model and, if that succeeds, compiles it. */
static gboolean
load (const gchar *path, GError **error)
{
  UnetModel *model = unet_model_load (path, error);
  UnetSessionOptions options = UNET_SESSION_OPTIONS_INIT;
  UnetSession *session;

  if (!model)
    return FALSE;
  options.threads = 1;
  options.tuning = UNET_TUNING_STATIC;
  session = unet_session_new (model, NULL, 0, &options, error);
  if (session)
    unet_session_unref (session);
  unet_model_unref (model);
  return session != NULL;
}

/* The child writes "CODE MESSAGE" to the pipe @fd. */
static void
child (const gchar *path, gsize bound, int fd)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *answer = NULL;

  limit_memory (bound);
  alarm (is_watched () ? 600 : 120);
  if (load (path, &error))
    answer = g_strdup ("-1 success");
  else
    answer = g_strdup_printf (
        "%d %s", error ? error->code : -2, error ? error->message : "no error");
  _exit (write (fd, answer, strlen (answer)) < 0);
}

static gchar *
ask_child (const gchar *path, gsize bound, glong *peak_kilobytes)
{
  struct rusage usage;
  gchar answer[8192] = "";
  gsize n = 0;
  gssize got;
  int fds[2], status;
  pid_t pid;

  ck_assert_int_eq (pipe (fds), 0);
  pid = fork ();
  if (pid == 0)
    child (path, bound, fds[1]);
  close (fds[1]);
  while ((got = read (fds[0], answer + n, sizeof answer - 1 - n)) > 0)
    n += got;
  close (fds[0]);
  ck_assert_int_eq (wait4 (pid, &status, 0, &usage), pid);
  ck_assert_msg (WIFEXITED (status) && WEXITSTATUS (status) == 0,
      "%s ends with status %x", path, status);
  *peak_kilobytes = usage.ru_maxrss;
  return g_strdup (answer);
}

/* Takes over @bytes. */
static void
expect (GBytes *bytes, gint code, const gchar *word)
{
  g_autofree gchar *path = g_build_filename (folder, "model.onnx", NULL);
  g_autofree gchar *answer = NULL;
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);
  glong peak;

  ck_assert (g_file_set_contents (path, data, (gssize) size, NULL));
  g_bytes_unref (bytes);
  answer = ask_child (path, BOUND (size), &peak);
  ck_assert_msg (atoi (answer) == code, "code %d wanted: %s", code, answer);
  ck_assert_msg (strstr (answer, path) != NULL, "no file: %s", answer);
  ck_assert_msg (strstr (answer, word) != NULL, "no '%s': %s", word, answer);
  ck_assert_msg (
      is_watched () || (gsize) peak << 10 < BOUND (size) + (64 << 20),
      "%ld KiB for a file of %" G_GSIZE_FORMAT, peak, size);
}

/* ---- graphs ------------------------------------------------------------- */

START_TEST (cycles)
{
  Writer w = writer_new (13), self = one_node ("Add", "x,y");

  writer_input (&w, "x", W_FLOAT, "1,3,8,8");
  writer_op (&w, "Add", "first", "x,b", "a");
  writer_op (&w, "Relu", "second", "a", "b");
  writer_output (&w, "b", W_FLOAT, NULL);
  expect (writer_end (&w), UNET_ERROR_PARSE, "node 'first' (Add)");
  expect (writer_end (&self), UNET_ERROR_PARSE, "node 'culprit' (Add)");
}
END_TEST

START_TEST (names_twice)
{
  Writer inits = one_node ("Add", "x,w"), inputs = writer_new (13);
  Writer shadow = one_node ("Add", "x,w");
  gfloat one = 1;

  writer_initializer (&inits, "w", W_FLOAT, "1", &one, sizeof one);
  writer_initializer (&inits, "w", W_FLOAT, "1", &one, sizeof one);
  expect (writer_end (&inits), UNET_ERROR_PARSE, "initializer 'w'");
  writer_input (&inputs, "x", W_FLOAT, "1,3,8,8");
  writer_input (&inputs, "x", W_FLOAT, "1,3,8,8");
  writer_op (&inputs, "Relu", "r", "x", "y");
  writer_output (&inputs, "y", W_FLOAT, NULL);
  expect (writer_end (&inputs), UNET_ERROR_PARSE, "two inputs 'x'");
  writer_initializer (&shadow, "w", W_FLOAT, "1", &one, sizeof one);
  writer_op (&shadow, "Relu", "shadow", "x", "w");
  expect (writer_end (&shadow), UNET_ERROR_PARSE, "node 'shadow' (Relu)");
}
END_TEST

START_TEST (negative_dimensions)
{
  static const gchar *const dims[] = { "1,3,-2,8", "1,-9223372036854775808,8",
    "-7" };

  for (guint i = 0; i < G_N_ELEMENTS (dims); i++) {
    Writer w = writer_new (13);
    writer_input (&w, "x", W_FLOAT, dims[i]);
    writer_op (&w, "Relu", "r", "x", "y");
    writer_output (&w, "y", W_FLOAT, NULL);
    expect (writer_end (&w), UNET_ERROR_PARSE, "'x'");
  }
}
END_TEST

START_TEST (wrong_types)
{
  static const struct {
    const gchar *op, *inputs;
    gint type;
    const gchar *dims;
    gsize size;
  } cases[] = {
    { "Conv", "x,w", W_INT64, "1,3,1,1", 24 },
    { "Add", "x,w", W_INT64, "1", 8 },
    { "Reshape", "x,w", W_FLOAT, "1", 4 },
    { "Gather", "x,w", W_FLOAT, "1", 4 },
    { "Resize", "x,,w", W_INT64, "4", 32 },
    { "Expand", "x,w", W_FLOAT, "4", 16 },
    { "Pad", "x,w", W_FLOAT, "8", 32 },
    { "Slice", "x,w,w", W_FLOAT, "1", 4 },
    { "And", "x,w", W_FLOAT, "1", 4 },
    { "Where", "x,w,w", W_FLOAT, "1", 4 },
    { "MatMul", "x,w", W_INT32, "8,8", 256 },
  };
  const gint64 zeros[64] = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *word =
        g_strdup_printf ("node 'culprit' (%s)", cases[i].op);
    Writer w = one_node (cases[i].op, cases[i].inputs);
    g_autofree gchar *path = g_build_filename (folder, "model.onnx", NULL);
    g_autofree gchar *answer = NULL;
    GBytes *bytes;
    glong peak;

    writer_initializer (
        &w, "w", cases[i].type, cases[i].dims, zeros, cases[i].size);
    bytes = writer_end (&w);
    ck_assert (g_file_set_contents (path, g_bytes_get_data (bytes, NULL),
        (gssize) g_bytes_get_size (bytes), NULL));
    g_bytes_unref (bytes);
    answer = ask_child (path, BOUND (0), &peak);
    ck_assert_msg (atoi (answer) >= 0 && strstr (answer, word), "%s: %s",
        cases[i].op, answer);
  }
}
END_TEST

/* Graphs are nested: an If has branches that hold an If, and so on. */
START_TEST (subgraphs)
{
  static const guint depths[] = { 1, 10, 200, 3000 };

  for (guint i = 0; i < G_N_ELEMENTS (depths); i++) {
    GByteArray *inner = g_byte_array_new (), *node;
    Writer w = writer_new (13);

    for (guint k = 0; k < depths[i]; k++) {
      GByteArray *attr = g_byte_array_new (), *graph = g_byte_array_new ();
      node = writer_node ("If", "culprit", "x", "y");
      pb_string (attr, 1, "then_branch");
      pb_message (attr, 6, inner);
      pb_int (attr, 20, 5);
      pb_message (node, 5, attr);
      pb_message (graph, 1, node);
      inner = graph;
    }
    writer_input (&w, "x", W_FLOAT, "1,3,8,8");
    node = writer_node ("If", "culprit", "x", "y");
    {
      GByteArray *attr = g_byte_array_new ();
      pb_string (attr, 1, "then_branch");
      pb_message (attr, 6, inner);
      pb_int (attr, 20, 5);
      pb_message (node, 5, attr);
    }
    writer_add (&w, node);
    writer_output (&w, "y", W_FLOAT, NULL);
    if (depths[i] == 1)
      expect (writer_end (&w), UNET_ERROR_PARSE, "a sub-graph is missing");
    else if (depths[i] < 12)
      expect (writer_end (&w), UNET_ERROR_LIMIT, "nested too deeply");
    else
      expect (writer_end (&w), UNET_ERROR_PARSE, "not an ONNX model");
  }
}
END_TEST

static void
add_graph (GByteArray *node, const gchar *name, GByteArray *graph)
{
  GByteArray *attr = g_byte_array_new ();

  pb_string (attr, 1, name);
  pb_message (attr, 6, graph);
  pb_int (attr, 20, 5);
  pb_message (node, 5, attr);
}

static void
add_value (GByteArray *graph, guint field, const gchar *name)
{
  GByteArray *value = g_byte_array_new ();

  pb_string (value, 1, name);
  pb_message (graph, field, value);
}

/* Returns the body of a loop that goes on as before. @inner: (nullable): a
 * node inside. */
static GByteArray *
loop_body (const gchar *suffix, GByteArray *inner)
{
  g_autofree gchar *cond = g_strconcat ("cond", suffix, NULL);
  g_autofree gchar *index = g_strconcat ("index", suffix, NULL);
  GByteArray *graph = g_byte_array_new ();

  if (inner)
    pb_message (graph, 1, inner);
  pb_string (graph, 2, "body");
  add_value (graph, 11, index);
  add_value (graph, 11, cond);
  add_value (graph, 12, cond);
  add_value (graph, 12, inner ? "big" : cond);
  return graph;
}

/* Loops that would fill the memory, or never end. */
START_TEST (loops)
{
  static const gint64 counts[] = { G_MAXINT64, 1 << 20 };

  for (guint i = 0; i < 2 * G_N_ELEMENTS (counts); i++) {
    Writer w = writer_new (13);
    GByteArray *node = NULL;
    if (i % 2) {
      node = writer_node ("Loop", "inner", "count", "big");
      add_graph (node, "body", loop_body ("1", NULL));
    }
    writer_input (&w, "x", W_FLOAT, "1,3,8,8");
    writer_ints (&w, "count", 1, &counts[i / 2]);
    {
      GByteArray *outer = writer_node ("Loop", "culprit", "count", "all");
      add_graph (outer, "body", loop_body ("", node));
      writer_add (&w, outer);
    }
    writer_op (&w, "Relu", "r", "x", "y");
    writer_output (&w, "all", W_BOOL, NULL);
    writer_output (&w, "y", W_FLOAT, NULL);
    expect (writer_end (&w), UNET_ERROR_LIMIT, "unfold to more than");
  }
}
END_TEST

/* Each of many branches reads a long list of values from around it. */
START_TEST (captured_values)
{
  Writer w = writer_new (13);
  GByteArray *node = writer_node ("If", "culprit", "cond", "y"), *sum;
  GString *names = g_string_new ("x");

  for (guint i = 0; i < 40000; i++)
    g_string_append_printf (names, ",%u", i);
  for (guint i = 0; i < 2; i++) {
    GByteArray *graph = g_byte_array_new ();
    sum = writer_node ("Sum", "s", names->str, "sum");
    pb_message (graph, 1, sum);
    add_value (graph, 12, "sum");
    add_graph (node, i ? "then_branch" : "else_branch", graph);
  }
  g_string_free (names, TRUE);
  writer_input (&w, "x", W_FLOAT, "1,3,8,8");
  writer_initializer (&w, "cond", W_BOOL, "", "", 1);
  writer_add (&w, node);
  writer_output (&w, "y", W_FLOAT, NULL);
  expect (writer_end (&w), UNET_ERROR_LIMIT, "too many values");
}
END_TEST

/* ---- what grows --------------------------------------------------------- */

static void
grow (const gchar *op, const gchar *inputs, guint n, const gint64 *ints)
{
  g_autofree gchar *word = g_strdup_printf ("node 'culprit' (%s)", op);
  Writer w = one_node (op, inputs);

  writer_ints (&w, "n", n, ints);
  expect (writer_end (&w), UNET_ERROR_LIMIT, word);
}

START_TEST (operators_that_grow)
{
  const gint64 large = G_GINT64_CONSTANT (1) << 40;
  const gint64 repeats[4] = { 1, 1 << 20, 1 << 20, 1 };
  const gint64 sizes[4] = { 1, 3, 1 << 30, 1 << 30 };
  const gint64 expanded[5] = { large, 1, 3, 8, 8 };
  const gint64 pads[8] = { 0, 0, 1 << 30, 1 << 30, 0, 0, 1 << 30, 1 << 30 };

  grow ("Tile", "x,n", 4, repeats);
  grow ("Resize", "x,,,n", 4, sizes);
  grow ("Expand", "x,n", 5, expanded);
  grow ("Pad", "x,n", 8, pads);
}
END_TEST

/* Each constant is allowed, but not all of them together. */
START_TEST (constants_that_add_up)
{
  gint64 shape[1] = { 8 << 20 };
  Writer w = writer_new (13);

  writer_input (&w, "x", W_FLOAT, "1");
  writer_ints (&w, "shape", 1, shape);
  for (guint i = 0; i < 64; i++) {
    g_autofree gchar *name = g_strdup_printf ("c%u", i);
    writer_op (&w, "ConstantOfShape", name, "shape", name);
  }
  writer_op (&w, "Add", "sum", "x,c63", "y");
  writer_output (&w, "y", W_FLOAT, NULL);
  expect (writer_end (&w), UNET_ERROR_LIMIT, "(ConstantOfShape)");
}
END_TEST

/* Each shape is allowed, but memory cannot hold them together. */
START_TEST (arenas_that_grow)
{
  Writer w = writer_new (13);

  writer_input (&w, "x", W_FLOAT, "1,3,16384,16384");
  writer_noise (&w, "w", "3,3,3,3", 1, 1);
  writer_op (&w, "Conv", "culprit", "x,w", "a");
  writer_op (&w, "Relu", "r", "a", "y");
  writer_output (&w, "y", W_FLOAT, NULL);
  if (is_watched ()) {
    g_bytes_unref (writer_end (&w)); /* here the addresses are not bounded */
    return;
  }
  expect (writer_end (&w), UNET_ERROR_LIMIT, "out of memory");
}
END_TEST

START_TEST (many_nodes)
{
  Writer w = writer_new (13);

  writer_input (&w, "x", W_FLOAT, "1");
  for (guint i = 0; i < 100000; i++)
    writer_op (&w, "Relu", NULL, "x", "y");
  writer_output (&w, "y", W_FLOAT, NULL);
  expect (writer_end (&w), UNET_ERROR_LIMIT, "nodes");
}
END_TEST

START_TEST (long_attributes)
{
  Writer w = writer_new (13);
  GByteArray *attr = g_byte_array_new (), *node;
  guint8 packed[200000] = { 0 };

  writer_input (&w, "x", W_FLOAT, "1,3,8,8");
  node = writer_node ("Transpose", "culprit", "x", "y");
  pb_string (attr, 1, "perm");
  pb_bytes (attr, 8, packed, sizeof packed);
  pb_int (attr, 20, 7);
  pb_message (node, 5, attr);
  writer_add (&w, node);
  writer_output (&w, "y", W_FLOAT, NULL);
  expect (writer_end (&w), UNET_ERROR_LIMIT, "node 'culprit' (Transpose)");
}
END_TEST

START_TEST (long_names)
{
  g_autofree gchar *name = g_strnfill (10 << 20, 'a');
  Writer w = writer_new (13);

  writer_input (&w, "x", W_FLOAT, "1,3,8,8");
  writer_op (&w, "Frobnicate", name, "x", name);
  writer_output (&w, name, W_FLOAT, NULL);
  expect (writer_end (&w), UNET_ERROR_UNSUPPORTED, "(Frobnicate)");
}
END_TEST

/* ---- external data ------------------------------------------------------ */

static void
expect_external (const gchar *location, const gchar *word)
{
  Writer w = one_node ("Add", "x,w");
  GByteArray *tensor = writer_tensor ("w", W_FLOAT, "3,1,1", NULL, 0);
  GByteArray *entry = g_byte_array_new ();

  pb_string (entry, 1, "location");
  pb_string (entry, 2, location);
  pb_message (tensor, 13, entry);
  pb_int (tensor, 14, 1);
  pb_message (w.graph, 5, tensor);
  expect (writer_end (&w), UNET_ERROR_NOT_FOUND, word);
}

/* Loading never reads a file that blocks or has no end. */
START_TEST (external_devices)
{
  g_autofree gchar *fifo = g_build_filename (folder, "fifo", NULL);
  g_autofree gchar *device = g_build_filename (folder, "device", NULL);
  g_autofree gchar *link = g_build_filename (folder, "link", NULL);

  ck_assert_int_eq (mkfifo (fifo, 0600), 0);
  expect_external ("fifo", "initializer 'w'");
  ck_assert_int_eq (symlink ("fifo", link), 0);
  expect_external ("link", "initializer 'w'");
  expect_external (".", "initializer 'w'");
  /* Only root may make a device. */
  if (mknod (device, S_IFCHR | 0600, makedev (1, 5)) == 0)
    expect_external ("device", "initializer 'w'");
}
END_TEST

gint
main (void)
{
  const TTest *const tests[] = {
    cycles,
    names_twice,
    negative_dimensions,
    wrong_types,
    subgraphs,
    loops,
    captured_values,
    operators_that_grow,
    many_nodes,
    arenas_that_grow,
    constants_that_add_up,
    long_attributes,
    long_names,
    external_devices,
  };
  TCase *tcase = check_new_case ("hostile", 300, tests, G_N_ELEMENTS (tests));

  tcase_add_checked_fixture (tcase, setup, teardown);
  return check_run_cases ("hostile", tcase, NULL);
}
