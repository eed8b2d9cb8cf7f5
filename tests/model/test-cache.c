/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any number of sessions of one file share one copy of the weights. */

#include "lib/check-main.h"
#include "lib/onnx-writer.h"
#include <glib/gstdio.h>
#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unetseg/unetseg.h>

#define LAYERS   4
#define CHANNELS 192
#define WEIGHTS  ((gsize) LAYERS * CHANNELS * CHANNELS * 9 * sizeof (gfloat))
#define SESSIONS 4

static gchar *folder, *path;

/* ---- a model of a few megabytes --------------------------------------- */

static void
add_conv (
    Writer *w, const gchar *in, const gchar *out, const gchar *dims, guint seed)
{
  g_autofree gchar *weights = g_strdup_printf ("w%u", seed);
  g_autofree gchar *inputs = g_strdup_printf ("%s,%s", in, weights);
  GByteArray *node = writer_node ("Conv", out, inputs, out);

  writer_noise (w, weights, dims, seed, 0.02);
  node_ints (node, "kernel_shape", "3,3");
  node_ints (node, "pads", "1,1,1,1");
  writer_add (w, node);
}

/* Folding this normalisation into a convolution makes new weights, which must
 * exist only once as well. */
static void
add_norm (Writer *w, const gchar *in, const gchar *out, guint seed)
{
  g_autofree gchar *inputs =
      g_strdup_printf ("%s,gamma%u,beta,beta,var", in, seed);
  g_autofree gchar *gamma = g_strdup_printf ("gamma%u", seed);
  gfloat data[CHANNELS];

  for (guint i = 0; i < CHANNELS; i++)
    data[i] = 1.1f + 0.01f * (gfloat) (seed + i % 7);
  writer_floats (w, gamma, G_STRINGIFY (CHANNELS), data);
  writer_op (w, "BatchNormalization", out, inputs, out);
}

static GBytes *
make_model (void)
{
  static const gchar many[] = G_STRINGIFY (CHANNELS);
  g_autofree gchar *square = g_strdup_printf ("%s,%s,3,3", many, many);
  g_autofree gchar *first = g_strdup_printf ("%s,3,3,3", many);
  g_autofree gchar *final = g_strdup_printf ("1,%s,3,3", many);
  gfloat zeros[CHANNELS] = { 0 }, ones[CHANNELS];
  Writer w = writer_new (13);
  g_autofree gchar *last = g_strdup ("c0");

  for (guint i = 0; i < CHANNELS; i++)
    ones[i] = 1;
  writer_input (&w, "x", W_FLOAT, "1,3,h,w");
  writer_output (&w, "y", W_FLOAT, "1,1,h,w");
  writer_floats (&w, "beta", many, zeros);
  writer_floats (&w, "var", many, ones);
  add_conv (&w, "x", "c0", first, 100);
  for (guint i = 1; i <= LAYERS; i++) {
    g_autofree gchar *conv = g_strdup_printf ("c%u", i);
    gchar *norm = g_strdup_printf ("n%u", i);

    add_conv (&w, last, conv, square, i);
    add_norm (&w, conv, norm, i);
    g_free (last);
    last = norm;
  }
  add_conv (&w, last, "y", final, 200);
  return writer_end (&w);
}

static void
set_up (void)
{
  g_autoptr (GBytes) bytes = make_model ();
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  folder = g_dir_make_tmp ("unetseg-cache-XXXXXX", NULL);
  path = g_build_filename (folder, "model.onnx", NULL);
  ck_assert (g_file_set_contents (path, data, (gssize) size, NULL));
}

static void
tear_down (void)
{
  g_unlink (path);
  g_rmdir (folder);
  g_clear_pointer (&path, g_free);
  g_clear_pointer (&folder, g_free);
}

/* ---- sessions --------------------------------------------------------- */

static UnetSession *
open_session (guint size)
{
  g_autoptr (GError) error = NULL;
  UnetModel *model = unet_model_load (path, &error);
  UnetContract *contract = unet_model_get_contract (model, NULL, NULL);
  UnetSessionOptions options = UNET_SESSION_OPTIONS_INIT;
  UnetSession *session;

  options.threads = 1;
  options.tuning = UNET_TUNING_STATIC;
  session =
      unet_session_new_for_size (model, contract, size, size, &options, &error);
  ck_assert_msg (session != NULL, "%s", error ? error->message : "");
  unet_contract_free (contract);
  unet_model_unref (model);
  return session;
}

static gdouble
run (UnetSession *session, guint size)
{
  gfloat *x = unet_session_get_input_data (session, 0);
  const gfloat *y;
  gdouble sum = 0;

  for (guint i = 0; i < 3 * size * size; i++)
    x[i] = (gfloat) (i % 17) / 17;
  ck_assert (unet_session_run (session, NULL));
  y = unet_session_get_output_data (session, 0);
  for (guint i = 0; i < size * size; i++)
    sum += y[i];
  return sum;
}

static gsize
bytes_in_use (void)
{
  struct mallinfo2 info = mallinfo2 ();

  return info.uordblks + info.hblkhd;
}

/* Returns whether mallinfo2() sees allocations. Sanitizers allocate in their
 * own way. */
static gboolean
can_count (void)
{
  gsize before = bytes_in_use ();
  gchar *volatile block = malloc ((gsize) 1 << 20);
  gsize after;

  block[0] = 1;
  after = bytes_in_use ();
  free (block);
  return after - before >= (gsize) 1 << 20;
}

/* ---- tests ------------------------------------------------------------ */

/* The file's weights and the packed ones exist once for sessions of any size.
 */
START_TEST (test_one_copy)
{
  UnetSession *sessions[SESSIONS];
  gsize bytes[SESSIONS + 1];

  if (!can_count ())
    return;
  bytes[0] = bytes_in_use ();
  for (guint i = 0; i < SESSIONS; i++) {
    sessions[i] = open_session (16 + 8 * (i / 2));
    bytes[i + 1] = bytes_in_use ();
  }
  ck_assert_uint_gt (bytes[1] - bytes[0], WEIGHTS);
  for (guint i = 1; i < SESSIONS; i++) {
    gsize own = bytes[i + 1] - bytes[i];

    ck_assert_msg (
        own < unet_session_get_arena_size (sessions[i], NULL) + WEIGHTS / 8,
        "session %u takes %zd bytes, the weights are %zu", i, (gssize) own,
        WEIGHTS);
  }
  for (guint i = 0; i < SESSIONS; i++)
    unet_session_unref (sessions[i]);
  ck_assert_msg (bytes_in_use () < bytes[0] + WEIGHTS / 4, "%zd bytes stay",
      (gssize) (bytes_in_use () - bytes[0]));
}
END_TEST

START_TEST (test_same_object)
{
  UnetModel *a = unet_model_load (path, NULL);
  UnetModel *b = unet_model_load (path, NULL);
  g_autofree gchar *roundabout =
      g_build_filename (folder, ".", "model.onnx", NULL);
  UnetModel *c = unet_model_load (roundabout, NULL);
  g_autofree gchar *content = NULL;
  UnetModel *d;
  gsize size;

  ck_assert_ptr_nonnull (a);
  ck_assert_ptr_eq (a, b);
  ck_assert_ptr_eq (a, c);
  /* Another file of the same name and content is another model. */
  ck_assert (g_file_get_contents (path, &content, &size, NULL));
  g_unlink (path);
  ck_assert (g_file_set_contents (path, content, (gssize) size, NULL));
  d = unet_model_load (path, NULL);
  ck_assert_ptr_nonnull (d);
  ck_assert_ptr_ne (a, d);
  unet_model_unref (a);
  unet_model_unref (b);
  unet_model_unref (c);
  unet_model_unref (d);
}
END_TEST

/* ---- threads ---------------------------------------------------------- */

static gint barrier; /* atomic */

static gpointer
live (gpointer data)
{
  const guint size = 16 + 8 * (GPOINTER_TO_UINT (data) % 2);
  gdouble *sum = g_new (gdouble, 1);

  const guint rounds = g_getenv ("UNETSEG_TEST_QUICK") ? 1 : 3;

  g_atomic_int_inc (&barrier);
  while (g_atomic_int_get (&barrier) < SESSIONS)
    g_thread_yield ();
  for (guint i = 0; i < rounds; i++) {
    UnetSession *session = open_session (size);
    *sum = run (session, size);
    unet_session_unref (session);
  }
  return sum;
}

/* Threads load, compile, run and free one file at the same time. Each gets the
 * result that it would get alone. */
START_TEST (test_threads)
{
  GThread *threads[SESSIONS];
  gdouble expected[2];

  for (guint i = 0; i < 2; i++) {
    UnetSession *session = open_session (16 + 8 * i);
    expected[i] = run (session, 16 + 8 * i);
    unet_session_unref (session);
  }
  g_atomic_int_set (&barrier, 0);
  for (guint i = 0; i < SESSIONS; i++)
    threads[i] = g_thread_new ("live", live, GUINT_TO_POINTER (i));
  for (guint i = 0; i < SESSIONS; i++) {
    g_autofree gdouble *sum = g_thread_join (threads[i]);
    ck_assert_double_eq_tol (
        *sum, expected[i % 2], 1e-4 * fabs (expected[i % 2]));
  }
}
END_TEST

int
main (void)
{
  TCase *tcase = tcase_create ("cache");

  tcase_set_timeout (tcase, 120);
  tcase_add_checked_fixture (tcase, set_up, tear_down);
  tcase_add_test (tcase, test_one_copy);
  tcase_add_test (tcase, test_same_object);
  tcase_add_test (tcase, test_threads);
  return check_run_cases ("cache", tcase, NULL);
}
