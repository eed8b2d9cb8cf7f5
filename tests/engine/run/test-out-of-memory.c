/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lets allocations fail. While a model is loaded, compiled and run, each
 * allocation of LARGE bytes or more fails in its turn. That must end in success
 * or a GError, without a leak. Smaller allocations do not fail: they are
 * GLib's, and GLib ends the process when one fails. Nor do oneDNN's allocations
 * fail, because it would then read through a null pointer. */

#include "lib/onnx-writer.h"
#include "allocator.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unetseg/unetseg.h>

#define LARGE 8192

/* ---- a network of everything -------------------------------------------- */

static void
conv (Writer *w, const gchar *op, const gchar *name, const gchar *inputs,
    const gchar *output, const gchar *pads, const gchar *strides)
{
  GByteArray *node = writer_node (op, name, inputs, output);

  node_ints (node, "pads", pads);
  node_ints (node, "strides", strides);
  writer_add (w, node);
}

static void
batch_norm (Writer *w, const gchar *input, const gchar *output)
{
  static const gchar *const parts[] = { "s", "b", "m" };
  gfloat ones[32];

  for (guint i = 0; i < 32; i++)
    ones[i] = 1 + i % 3;
  for (guint i = 0; i < 3; i++)
    writer_noise (w, parts[i], "32", 20 + i, 1);
  writer_floats (w, "v", "32", ones);
  {
    g_autofree gchar *inputs = g_strconcat (input, ",s,b,m,v", NULL);
    writer_op (w, "BatchNormalization", "norm", inputs, output);
  }
}

static void
transposed (
    Writer *w, const gchar *input, const gchar *output, const gchar *perm)
{
  GByteArray *node = writer_node ("Transpose", output, input, output);

  node_ints (node, "perm", perm);
  writer_add (w, node);
}

static GBytes *
make_network (void)
{
  Writer w = writer_new (13);
  gfloat scales[4] = { 1, 1, 2, 2 };
  GByteArray *node;

  writer_input (&w, "x", W_FLOAT, "1,3,48,48");
  writer_noise (&w, "w1", "32,3,3,3", 1, .2);
  writer_noise (&w, "w2", "64,32,3,3", 2, .06);
  writer_noise (&w, "w3", "64,32,2,2", 3, .06);
  writer_noise (&w, "w4", "32,64,3,3", 4, .06);
  writer_noise (&w, "w5", "32,32,3,3", 5, .06);
  writer_noise (&w, "plane", "1,48,48,32", 6, 1);
  writer_noise (&w, "w6", "96,96", 7, .1);
  writer_floats (&w, "scales", "4", scales);
  conv (&w, "Conv", "c1", "x,w1", "a", "1,1,1,1", "1,1");
  batch_norm (&w, "a", "n");
  writer_op (&w, "Relu", "relu", "n", "r");
  conv (&w, "Conv", "c2", "r,w2", "d", "1,1,1,1", "2,2");
  conv (&w, "ConvTranspose", "c3", "d,w3", "u", "0,0,0,0", "2,2");
  node = writer_node ("Concat", "skip", "r,u", "k");
  node_int (node, "axis", 1);
  writer_add (&w, node);
  conv (&w, "Conv", "c4", "k,w4", "e", "1,1,1,1", "1,1");
  transposed (&w, "e", "f", "0,2,3,1");
  writer_op (&w, "Add", "plus", "f,plane", "g");
  transposed (&w, "g", "h", "0,3,1,2");
  conv (&w, "Conv", "c5", "h,w5", "i", "1,1,1,1", "1,1");
  node = writer_node ("Resize", "up", "i,,scales", "j");
  node_string (node, "mode", "linear");
  writer_add (&w, node);
  writer_op (&w, "MatMul", "mat", "j,w6", "l");
  writer_op (&w, "Sigmoid", "end", "l", "y");
  writer_output (&w, "y", W_FLOAT, NULL);
  return writer_end (&w);
}

/* ---- what is tried ------------------------------------------------------ */

typedef struct {
  gchar *path;
  UnetTuning tuning;
} Try;

static gboolean
compile_and_run (UnetModel *model, UnetTuning tuning, GError **error)
{
  UnetSessionOptions options = UNET_SESSION_OPTIONS_INIT;
  UnetSession *session;
  gboolean ok;

  options.threads = 2;
  options.tuning = tuning;
  session = unet_session_new (model, NULL, 0, &options, error);
  if (!session)
    return FALSE;
  memset (unet_session_get_input_data (session, 0), 0,
      3 * 48 * 48 * sizeof (gfloat));
  ok = unet_session_run (session, error);
  unet_session_unref (session);
  return ok;
}

static gboolean
load_and_run (const Try *try, GError **error)
{
  UnetModel *model = unet_model_load (try->path, error);
  gboolean ok;

  if (!model)
    return FALSE;
  ok = compile_and_run (model, try->tuning, error);
  unet_model_unref (model);
  return ok;
}

/* Lets allocation @index fail. Returns whether there was such an allocation. */
static gboolean
try_without (const Try *try, gint index, guint *errors)
{
  g_autoptr (GError) error = NULL;
  gint before = test_allocator_count ();
  gboolean ok, refused;

  test_allocator_arm (index);
  ok = load_and_run (try, &error);
  refused = test_allocator_disarm ();
  ck_assert_msg (ok == !error, "allocation %d: no error and no success", index);
  ck_assert_msg (!error || error->domain == UNET_ERROR, "allocation %d: %s",
      index, error ? error->message : "");
  ck_assert_msg (test_allocator_count () <= before,
      "allocation %d: %d blocks left behind, %s", index,
      test_allocator_count () - before, ok ? "success" : error->message);
  *errors += !ok;
  return refused;
}

static void
try_all (UnetTuning tuning)
{
  g_autoptr (GBytes) network = make_network ();
  g_autofree gchar *folder = g_dir_make_tmp ("unetseg-memory-XXXXXX", NULL);
  Try try = { g_build_filename (folder, "model.onnx", NULL), tuning };
  g_autoptr (GError) error = NULL;
  gsize size;
  gconstpointer data = g_bytes_get_data (network, &size);
  guint errors = 0;
  gint n = 0;

  ck_assert (g_file_set_contents (try.path, data, size, NULL));
  /* The first runs make the allocations that live as long as the process. */
  for (guint i = 0; i < 2; i++)
    ck_assert_msg (
        load_and_run (&try, &error), "%s", error ? error->message : "");
  while (try_without (&try, n, &errors))
    n++;
  printf ("%d allocations of %d bytes or more: %u errors, %u did without\n", n,
      LARGE, errors, n - errors);
  fflush (stdout);
  ck_assert_int_gt (n, 10);
  remove (try.path);
  remove (folder);
  g_free (try.path);
}

START_TEST (by_rule)
{
  try_all (UNET_TUNING_STATIC);
}
END_TEST

START_TEST (measured)
{
  try_all (UNET_TUNING_MEASURE);
}
END_TEST

START_TEST (by_oracles)
{
  try_all (UNET_TUNING_REFERENCE);
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("memory");
  TCase *tcase = tcase_create ("failures");
  SRunner *runner;
  gint failed;

  test_allocator_init (LARGE);
  /* Primitives in the cache of oneDNN would look like leaks. */
  g_setenv ("DNNL_PRIMITIVE_CACHE_CAPACITY", "0", TRUE);
  g_setenv ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "0", TRUE);
  tcase_set_timeout (tcase, 300);
  tcase_add_test (tcase, by_rule);
  tcase_add_test (tcase, measured);
  tcase_add_test (tcase, by_oracles);
  suite_add_tcase (suite, tcase);
  runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
