/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests int8 inference, calibrated from the first frames or from a file. The
 * person model comes from its file, because the built-in one has a
 * calibration. */

#include "common.h"

#include <glib/gstdio.h>
#include <unetseg/unetseg.h>

static GstHarness *
harness_of (const gchar *text)
{
  GstElement *element = gst_parse_launch (text, NULL);
  GstBus *bus = gst_bus_new ();
  GstHarness *h;

  gst_element_set_bus (element, bus);
  gst_object_unref (bus);
  h = gst_harness_new_with_element (element, "sink", "src");
  gst_object_unref (element);
  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, 320, 240);
  return h;
}

static GstHarness *
harness (const gchar *properties)
{
  g_autofree gchar *text = g_strdup_printf (
      "unetseg async=false model=%s/../../models/person.onnx %s",
      g_getenv ("UNETSEG_TEST_MODELS"), properties);

  return harness_of (text);
}

static void
push (GstHarness *h, guint n)
{
  for (guint i = 0; i < n; i++) {
    GstBuffer *out =
        gst_harness_push_and_pull (h, test_frame_at (h, TEST_STRIPES, i));

    fail_unless (out != NULL);
    fail_unless (gst_buffer_get_unet_seg_meta (out) != NULL);
    gst_buffer_unref (out);
  }
}

static UnetPrecision
precision_of (GstHarness *h)
{
  g_autoptr (GstStructure) stats = NULL;
  gint precision = -1;

  g_object_get (h->element, "stats", &stats, NULL);
  fail_unless (gst_structure_get_enum (
      stats, "precision", UNET_TYPE_PRECISION, &precision));
  return precision;
}

/* Pushes frames until the session runs in int8. A harness is live, so frames go
 * on while the calibration is prepared. */
static void
push_until_bytes (GstHarness *h)
{
  for (guint i = 0; i < 3000 && precision_of (h) != UNET_PRECISION_INT8; i++) {
    push (h, 1);
    g_usleep (20000);
  }
  assert_equals_int (precision_of (h), UNET_PRECISION_INT8);
}

static gchar *
path_of (const gchar *name)
{
  g_autofree gchar *folder = g_dir_make_tmp ("unetseg-XXXXXX", NULL);

  fail_unless (folder != NULL);
  return g_build_filename (folder, name, NULL);
}

static void
remove_path (gchar *path)
{
  g_autofree gchar *folder = g_path_get_dirname (path);

  g_unlink (path);
  g_rmdir (folder);
  g_free (path);
}

/* The first frames run in f32, the later ones in int8. The element saves the
 * calibration, and the next start uses it. */
GST_START_TEST (test_learns)
{
  gchar *path = path_of ("a.calibration");
  g_autofree gchar *properties =
      g_strdup_printf ("precision=int8 threads=1 calibration=%s", path);
  g_autoptr (UnetCalibration) calibration = NULL;
  GstHarness *h = harness (properties);
  guint frames;

  push (h, 3);
  assert_equals_int (precision_of (h), UNET_PRECISION_F32);
  fail_if (g_file_test (path, G_FILE_TEST_EXISTS));
  push_until_bytes (h);
  assert_equals_int (test_count_messages (h, GST_MESSAGE_WARNING), 0);
  test_harness_free (h);

  calibration = unet_calibration_load (path, NULL);
  fail_unless (calibration != NULL);
  unet_calibration_get_data (calibration, &frames);
  assert_equals_int (frames, 12);
  fail_unless (unet_calibration_agrees (calibration));

  h = harness (properties);
  push (h, 1);
  assert_equals_int (precision_of (h), UNET_PRECISION_INT8);
  test_harness_free (h);
  remove_path (path);
}

GST_END_TEST;

/* Frames of another size start a new calibration. */
GST_START_TEST (test_other_size)
{
  GstHarness *h = harness ("precision=int8 threads=1 input-size=video");

  push (h, 5);
  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, 256, 160);
  push (h, 10);
  assert_equals_int (precision_of (h), UNET_PRECISION_F32);
  push_until_bytes (h);
  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, 320, 240);
  push (h, 1);
  assert_equals_int (precision_of (h), UNET_PRECISION_INT8);
  test_harness_free (h);
}

GST_END_TEST;

GST_START_TEST (test_default_is_f32)
{
  GstHarness *h = harness ("threads=1");

  push (h, 14);
  assert_equals_int (precision_of (h), UNET_PRECISION_F32);
  test_harness_free (h);
}

GST_END_TEST;

/* The built-in model runs in int8 from the first frame if told so. By default
 * it does where the processor is fast at int8. */
GST_START_TEST (test_built_in)
{
  GstHarness *h = harness_of ("unetseg async=false threads=1 precision=int8");

  push (h, 1);
  assert_equals_int (precision_of (h), UNET_PRECISION_INT8);
  test_harness_free (h);

  h = harness_of ("unetseg async=false threads=1 precision=f32");
  push (h, 1);
  assert_equals_int (precision_of (h), UNET_PRECISION_F32);
  test_harness_free (h);

  h = harness_of ("unetseg async=false threads=1");
  push (h, 1);
  fail_unless (precision_of (h) == UNET_PRECISION_INT8
      || precision_of (h) == UNET_PRECISION_F32);
  test_harness_free (h);
}

GST_END_TEST;

/* A broken calibration file causes an error that names it. */
GST_START_TEST (test_broken_file)
{
  gchar *path = path_of ("b.calibration");
  GstElement *element = gst_element_factory_make ("unetseg", NULL);
  GstBus *bus = gst_bus_new ();
  GstMessage *message;
  GError *error = NULL;

  fail_unless (
      g_file_set_contents (path, "[calibration]\nformat=1\n", -1, NULL));
  g_object_set (element, "calibration", path, NULL);
  gst_element_set_bus (element, bus);
  assert_equals_int (gst_element_set_state (element, GST_STATE_PAUSED),
      GST_STATE_CHANGE_FAILURE);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  fail_unless (message != NULL);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (strstr (error->message, "b.calibration") != NULL);
  g_error_free (error);
  gst_message_unref (message);
  gst_element_set_state (element, GST_STATE_NULL);
  /* The messages on the bus hold the element, which holds the bus. Flushing
   * ends that cycle. */
  gst_bus_set_flushing (bus, TRUE);
  gst_object_unref (element);
  gst_object_unref (bus);
  remove_path (path);
}

GST_END_TEST;

static Suite *
precision_suite (void)
{
  Suite *suite = suite_create ("precision");
  TCase *tcase = tcase_create ("general");

  tcase_add_checked_fixture (tcase, test_watch_log, NULL);
  tcase_add_test (tcase, test_learns);
  tcase_add_test (tcase, test_other_size);
  tcase_add_test (tcase, test_default_is_f32);
  tcase_add_test (tcase, test_built_in);
  tcase_add_test (tcase, test_broken_file);
  suite_add_tcase (suite, tcase);
  return suite;
}

GST_CHECK_MAIN (precision);
