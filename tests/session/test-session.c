/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tensors of a session as bytes, and options without C's initialiser. */

#include "lib/check-main.h"

#include <unetseg/unetseg.h>

#include <string.h>

#define SIDE 32

static UnetSession *
open_red (void)
{
  const UnetSessionOptions options = {
    .threads = 1, .precision = UNET_PRECISION_F32, .tuning = UNET_TUNING_STATIC
  };
  g_autofree gchar *path =
      g_build_filename (g_getenv ("UNETSEG_TEST_MODELS"), "red.onnx", NULL);
  GError *error = NULL;
  UnetModel *model = unet_model_load (path, &error);
  g_autoptr (UnetContract)
      contract = unet_model_get_contract (model, NULL, &error);
  UnetSession *session =
      unet_session_new_for_size (model, contract, SIDE, SIDE, &options, &error);

  ck_assert_msg (session != NULL, "%s", error ? error->message : "");
  unet_model_unref (model);
  return session;
}

/* The left half of the picture is red. */
static GBytes *
make_input (void)
{
  gfloat *data = g_new0 (gfloat, 3 * SIDE * SIDE);

  for (guint y = 0; y < SIDE; y++)
    for (guint x = 0; x < SIDE / 2; x++)
      data[y * SIDE + x] = 1;
  return g_bytes_new_take (data, 3 * SIDE * SIDE * sizeof *data);
}

START_TEST (test_bytes)
{
  g_autoptr (UnetSession) session = open_red ();
  g_autoptr (GBytes) input = make_input (), first = NULL, second = NULL;
  gconstpointer memory = unet_session_get_input_data (session, 0);
  const gfloat *found;
  gsize size;

  ck_assert (unet_session_set_input (session, 0, input, NULL));
  ck_assert (!memcmp (
      memory, g_bytes_get_data (input, NULL), g_bytes_get_size (input)));
  ck_assert (unet_session_run (session, NULL));
  first = unet_session_dup_output (session, 0);
  found = g_bytes_get_data (first, &size);
  ck_assert_uint_eq (size, SIDE * SIDE * sizeof *found);
  for (guint i = 0; i < SIDE * SIDE; i++)
    ck_assert_float_eq (found[i], i % SIDE < SIDE / 2);

  /* A copy stays when the next run overwrites the output. */
  memset (
      unet_session_get_input_data (session, 0), 0, g_bytes_get_size (input));
  ck_assert (unet_session_run (session, NULL));
  second = unet_session_dup_output (session, 0);
  ck_assert_float_eq (found[0], 1);
  ck_assert_float_eq (((gfloat *) g_bytes_get_data (second, NULL))[0], 0);
}
END_TEST

/* Bytes of another number than the tensor's are refused, and nothing is
 * written. */
START_TEST (test_wrong_size)
{
  g_autoptr (UnetSession) session = open_red ();
  g_autoptr (GBytes) input = make_input (), large = NULL, none = NULL;
  g_autoptr (GBytes)
      small = g_bytes_new_from_bytes (input, 0, g_bytes_get_size (input) - 1);
  gfloat *memory = unet_session_get_input_data (session, 0);
  GBytes *wrong[3];

  large = g_bytes_new_take (
      g_malloc0 (g_bytes_get_size (input) + 4), g_bytes_get_size (input) + 4);
  none = g_bytes_new (NULL, 0);
  wrong[0] = small;
  wrong[1] = large;
  wrong[2] = none;
  memory[0] = 42;
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    g_autoptr (GError) error = NULL;

    ck_assert (!unet_session_set_input (session, 0, wrong[i], &error));
    ck_assert (g_error_matches (error, UNET_ERROR, UNET_ERROR_SHAPE));
    ck_assert_ptr_nonnull (strstr (error->message, "'input'"));
    ck_assert_float_eq (memory[0], 42);
  }
}
END_TEST

/* The constructor's defaults are those of the initialiser. */
START_TEST (test_options)
{
  const UnetSessionOptions wanted = UNET_SESSION_OPTIONS_INIT;
  UnetSessionOptions *options = unet_session_options_new (), *copy;
  UnetCalibration *calibration;
  UnetModel *model = unet_model_load (NULL, NULL);

  ck_assert_uint_eq (options->threads, wanted.threads);
  ck_assert_int_eq (options->precision, wanted.precision);
  ck_assert_int_eq (options->tuning, wanted.tuning);
  ck_assert_int_eq (options->profile, wanted.profile);
  ck_assert_ptr_null (options->calibration);
  ck_assert_ptr_null (options->cancellable);
  calibration = unet_model_get_calibration (model);
  ck_assert_ptr_nonnull (calibration);
  unet_session_options_set_calibration (options, calibration);
  options->threads = 3;
  copy = g_boxed_copy (UNET_TYPE_SESSION_OPTIONS, options);
  unet_session_options_free (options);
  ck_assert_uint_eq (copy->threads, 3);
  ck_assert_ptr_eq (copy->calibration, calibration);
  g_boxed_free (UNET_TYPE_SESSION_OPTIONS, copy);
  unet_session_options_free (NULL);
  unet_model_unref (model);
}
END_TEST

int
main (void)
{
  const TTest *const tests[] = { test_bytes, test_wrong_size, test_options };

  return check_run_tests ("session", 60, tests, sizeof tests / sizeof *tests);
}
