/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* With an automatic precision and measured tuning a session has the quickest
 * one that a calibration allows. The times of whole runs are made up. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unetseg/unetseg.h>

/* Returns a session of the built-in model, which has a calibration. */
static UnetSession *
open_session (UnetModel *model, UnetTuning tuning)
{
  UnetSessionOptions options = UNET_SESSION_OPTIONS_INIT;
  UnetTensorInfo shape = *unet_model_get_input (model, 0);
  GError *error = NULL;
  UnetSession *session;

  options.threads = 1;
  options.tuning = tuning;
  shape.dims[0] = 1;
  shape.dims[2] = shape.dims[3] = 64;
  session = unet_session_new (model, &shape, 1, &options, &error);
  ck_assert_msg (session != NULL, "%s", error ? error->message : "");
  return session;
}

/* Makes runs of @quickest last @ns, and those of other precisions 2 ms. Returns
 * how many precisions have a time. */
static guint
pin_times (const gchar *quickest, guint ns)
{
  g_autofree gchar *saved = unet_tuning_save ();
  g_auto (GStrv) lines = g_strsplit (saved, "\n", -1);
  g_autofree gchar *wanted = g_strdup_printf (" run %s ", quickest);
  GString *text = g_string_new (lines[0]);
  GError *error = NULL;
  guint n = 0;

  g_string_append_c (text, '\n');
  for (guint i = 1; lines[i]; i++) {
    const gchar *key = strchr (lines[i], ' ');

    if (!key || !g_str_has_prefix (key, " run "))
      continue;
    n++;
    g_string_append_printf (
        text, "%d%s\n", g_str_has_prefix (key, wanted) ? ns : 2000000, key);
  }
  ck_assert_msg (
      unet_tuning_load (text->str, &error), "%s", error ? error->message : "");
  g_string_free (text, TRUE);
  return n;
}

START_TEST (test_quickest)
{
  static const struct {
    const gchar *name;
    UnetPrecision precision;
  } cases[] = { { "f32", UNET_PRECISION_F32 }, { "int8", UNET_PRECISION_INT8 },
    { "bf16", UNET_PRECISION_BF16 } };
  UnetModel *model = unet_model_load (NULL, NULL);
  guint n;

  unet_session_unref (open_session (model, UNET_TUNING_MEASURE));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    UnetSession *session;

    n = pin_times (cases[i].name, 1000000);
    ck_assert_uint_ge (n, 2);
    if (cases[i].precision == UNET_PRECISION_BF16 && n == 2) {
      printf ("this processor has no bfloat16\n");
      continue;
    }
    session = open_session (model, UNET_TUNING_MEASURE);
    ck_assert_int_eq (unet_session_get_precision (session), cases[i].precision);
    if (cases[i].precision == UNET_PRECISION_INT8)
      ck_assert (!unet_session_get_precision_note (session));
    else
      ck_assert_msg (
          strstr (unet_session_get_precision_note (session), "int8 2.0 ms"),
          "%s", unet_session_get_precision_note (session));
    unet_session_unref (session);
  }
  unet_model_unref (model);
}
END_TEST

/* What is quicker by less than times differ anyway does not replace int8. */
START_TEST (test_about_as_quick)
{
  UnetModel *model = unet_model_load (NULL, NULL);
  UnetSession *session;

  unet_session_unref (open_session (model, UNET_TUNING_MEASURE));
  pin_times ("f32", 1800000);
  session = open_session (model, UNET_TUNING_MEASURE);
  ck_assert_int_eq (unet_session_get_precision (session), UNET_PRECISION_INT8);
  ck_assert (!unet_session_get_precision_note (session));
  unet_session_unref (session);
  unet_model_unref (model);
}
END_TEST

/* Without measurements the processor's kind decides, as before. */
START_TEST (test_static)
{
  UnetModel *model = unet_model_load (NULL, NULL);
  UnetSession *session = open_session (model, UNET_TUNING_STATIC);
  g_autofree gchar *saved = unet_tuning_save ();

  ck_assert (!strstr (saved, " run "));
  unet_session_unref (session);
  unet_model_unref (model);
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("precision");
  TCase *tc = tcase_create ("precision");
  SRunner *runner = srunner_create (suite);
  gint failed;

  tcase_set_timeout (tc, 100);
  tcase_add_test (tc, test_quickest);
  tcase_add_test (tc, test_about_as_quick);
  tcase_add_test (tc, test_static);
  suite_add_tcase (suite, tc);
  srunner_run_all (runner, CK_ENV);
  failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
