/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The int8 of a quantised file is compared with f32 before it runs. */

#include <string.h>
#include <unetseg/unetseg.h>
#include "lib/check-main.h"
#include "lib/onnx-writer.h"
#include "session/quantized-check.h"

static void
add_scalar (Writer *w, const gchar *name, gfloat scale)
{
  const guint8 zero = 0;
  gchar *z = g_strconcat (name, "z", NULL), *s = g_strconcat (name, "s", NULL);

  writer_initializer (w, s, W_FLOAT, "", &scale, sizeof scale);
  writer_initializer (w, z, W_UINT8, "", &zero, 1);
  g_free (z);
  g_free (s);
}

static void
add_rounding (Writer *w, const gchar *in, const gchar *name, gfloat scale)
{
  gchar *first = g_strdup_printf ("%s,%ss,%sz", in, name, name);
  gchar *second = g_strdup_printf ("%sq,%ss,%sz", name, name, name);
  gchar *q = g_strconcat (name, "q", NULL), *n = g_strconcat (name, "Q", NULL);

  add_scalar (w, name, scale);
  writer_op (w, "QuantizeLinear", n, first, q);
  writer_op (w, "DequantizeLinear", name, second, name);
  g_free (first);
  g_free (second);
  g_free (q);
  g_free (n);
}

static void
add_weights (Writer *w, const gchar *name, const gchar *dims, guint n)
{
  GRand *rng = g_rand_new_with_seed (4);
  gint8 *data = g_new (gint8, n), zero = 0;
  gchar *q = g_strconcat (name, "q", NULL), *z = g_strconcat (name, "z", NULL);
  gchar *s = g_strconcat (name, "s", NULL);
  gchar *all = g_strdup_printf ("%s,%s,%s", q, s, z);
  gfloat scale = 0.005f;

  for (guint i = 0; i < n; i++)
    data[i] = (gint8) g_rand_int_range (rng, -127, 128);
  writer_initializer (w, q, W_INT8, dims, data, n);
  writer_initializer (w, s, W_FLOAT, "", &scale, sizeof scale);
  writer_initializer (w, z, W_INT8, "", &zero, 1);
  writer_op (w, "DequantizeLinear", name, all, name);
  g_rand_free (rng);
  g_free (data);
  g_free (q);
  g_free (z);
  g_free (s);
  g_free (all);
}

/* Returns a network of two convolutions of quantised values. */
static UnetModel *
make_model (void)
{
  Writer w = writer_new (13);
  GError *error = NULL;
  UnetModel *model;
  GBytes *bytes;
  GByteArray *conv;

  writer_input (&w, "image", W_FLOAT, "1,3,32,32");
  add_rounding (&w, "image", "a", 1 / 255.0f);
  add_weights (&w, "u", "16,3,3,3", 16 * 27);
  conv = writer_node ("Conv", "c", "a,u", "b");
  node_ints (conv, "pads", "1,1,1,1");
  writer_add (&w, conv);
  writer_op (&w, "Relu", "r", "b", "d");
  add_rounding (&w, "d", "e", 0.02f);
  add_weights (&w, "v", "1,16,3,3", 16 * 9);
  conv = writer_node ("Conv", "f", "e,v", "mask");
  node_ints (conv, "pads", "1,1,1,1");
  writer_add (&w, conv);
  writer_output (&w, "mask", W_FLOAT, "1,1,32,32");
  bytes = writer_end (&w);
  model = unet_model_new_from_bytes (bytes, "rounded.onnx", &error);
  ck_assert_msg (model != NULL, "%s", error ? error->message : "");
  g_bytes_unref (bytes);
  return model;
}

START_TEST (test_agrees)
{
  UnetSessionOptions options = UNET_SESSION_OPTIONS_INIT;
  UnetModel *model = make_model ();
  UnetSession *session;
  GError *error = NULL;
  const gfloat *input;

  options.threads = 1;
  options.tuning = UNET_TUNING_STATIC;
  session = unet_session_new (model, NULL, 0, &options, &error);
  ck_assert_msg (session != NULL, "%s", error ? error->message : "");
  ck_assert_msg (unet_session_get_precision (session) == UNET_PRECISION_INT8,
      "%s", unet_session_get_precision_note (session));
  input = unet_session_get_input_data (session, 0);
  for (guint i = 0; i < 3 * 32 * 32; i++)
    ck_assert (input[i] == 0); /* the comparison leaves nothing here */
  unet_session_unref (session);
  unet_model_unref (model);
}
END_TEST

/* The masks differ if the range of the values between the layers is too small.
 */
START_TEST (test_differs)
{
  UnetSessionOptions options = UNET_SESSION_OPTIONS_INIT;
  const UnetRange image = { 0, 1 }, poor = { 0, 0.02f };
  GHashTable *ranges = g_hash_table_new (g_str_hash, g_str_equal);
  UnetLowPrecision low = { FALSE, ranges, NULL };
  UnetSessionPurpose purpose = { &low, NULL };
  UnetModel *model = make_model ();
  const UnetGraph *graph;
  UnetSession *session;
  GError *error = NULL;
  gchar *note = NULL;

  options.threads = 1;
  options.tuning = UNET_TUNING_STATIC;
  options.precision = UNET_PRECISION_INT8; /* without comparison */
  session = unet_session_new (model, NULL, 0, &options, &error);
  graph = unet_session_get_graph (session);
  for (guint i = 0; i < graph->values->len; i++) {
    const UnetValue *v = g_ptr_array_index (graph->values, i);

    if (v->name)
      g_hash_table_insert (ranges, (gpointer) g_intern_string (v->name),
          (gpointer) (v->n_dims == 4 && v->dims[1] == 3 ? &image : &poor));
  }
  unet_session_unref (session);
  session =
      unet_session_compile (model, NULL, NULL, 0, &options, &purpose, &error);
  ck_assert_msg (session != NULL, "%s", error ? error->message : "");
  ck_assert (!unet_quantized_check (session, NULL, NULL, 0, &options, &note));
  ck_assert_msg (strstr (note, "intersection over union") != NULL, "%s", note);
  unet_session_unref (session);
  g_free (note);

  /* The process keeps the result, so that the next session does not compare
   * again. */
  options.precision = UNET_PRECISION_AUTO;
  session = unet_session_new (model, NULL, 0, &options, &error);
  ck_assert_msg (session != NULL, "%s", error ? error->message : "");
  ck_assert_int_eq (unet_session_get_precision (session), UNET_PRECISION_F32);
  ck_assert_msg (strstr (unet_session_get_precision_note (session),
                     "masks of the file's int8 differ from f32"),
      "%s", unet_session_get_precision_note (session));
  unet_session_unref (session);

  /* int8 is not compared if the options name it. */
  options.precision = UNET_PRECISION_INT8;
  session = unet_session_new (model, NULL, 0, &options, &error);
  ck_assert_int_eq (unet_session_get_precision (session), UNET_PRECISION_INT8);
  unet_session_unref (session);
  g_hash_table_unref (ranges);
  unet_model_unref (model);
}
END_TEST

int
main (void)
{
  const TTest *const tests[] = { test_agrees, test_differs };

  return check_run_tests ("quantized check", 60, tests, G_N_ELEMENTS (tests));
}
