/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests that a model that cannot be used causes one error on the bus, which
 * gives the reason. */

#include <glib/gstdio.h>

#include "common.h"

typedef struct {
  GstElement *pipeline, *seg;
  GstBus *bus;
} Fixture;

static void
open_pipeline (Fixture *f, const gchar *properties)
{
  g_autofree gchar *launch =
      g_strdup_printf ("videotestsrc num-buffers=5 ! "
                       "video/x-raw,format=I420,width=64,height=48 ! "
                       "unetseg name=seg %s ! fakesink",
          properties);

  f->pipeline = gst_parse_launch (launch, NULL);
  fail_unless (f->pipeline != NULL);
  f->seg = gst_bin_get_by_name (GST_BIN (f->pipeline), "seg");
  f->bus = gst_element_get_bus (f->pipeline);
}

static void
close_pipeline (Fixture *f)
{
  gst_element_set_state (f->pipeline, GST_STATE_NULL);
  gst_object_unref (f->bus);
  gst_object_unref (f->seg);
  gst_object_unref (f->pipeline);
}

/* Plays to the end of the stream. */
static void
play (Fixture *f)
{
  GstMessage *message;

  gst_element_set_state (f->pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      f->bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
  assert_equals_int (GST_MESSAGE_TYPE (message), GST_MESSAGE_EOS);
  gst_message_unref (message);
}

/* Returns the errors that the element posts until the stream has ended or
 * failed. */
static GPtrArray *
collect_errors (Fixture *f)
{
  GPtrArray *errors =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  GstMessage *message;
  gboolean ended;

  ended = gst_element_set_state (f->pipeline, GST_STATE_PLAYING)
      == GST_STATE_CHANGE_FAILURE;
  while ((message = gst_bus_timed_pop_filtered (f->bus,
              ended ? 0 : GST_CLOCK_TIME_NONE,
              GST_MESSAGE_ERROR | GST_MESSAGE_EOS))) {
    GError *error = NULL;

    ended = TRUE;
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR
        && GST_MESSAGE_SRC (message) == GST_OBJECT (f->seg)) {
      gst_message_parse_error (message, &error, NULL);
      g_ptr_array_add (errors, error);
    }
    gst_message_unref (message);
  }
  return errors;
}

static void
assert_says (const GError *error, const gchar *word)
{
  fail_unless (strstr (error->message, word) != NULL, "'%s' not in '%s'", word,
      error->message);
}

static void
check_error (const gchar *properties, GQuark domain, gint code,
    const gchar *const *words)
{
  g_autoptr (GPtrArray) errors = NULL;
  Fixture f;

  open_pipeline (&f, properties);
  errors = collect_errors (&f);
  assert_equals_int (errors->len, 1);
  for (guint i = 0; i < errors->len; i++) {
    const GError *error = g_ptr_array_index (errors, i);

    GST_INFO ("%s", error->message);
    fail_unless (g_error_matches (error, domain, code), "%s %d: %s",
        g_quark_to_string (error->domain), error->code, error->message);
    for (guint k = 0; words[k]; k++)
      assert_says (error, words[k]);
  }
  assert_equals_uint64 (test_stat (f.seg, "frames"), 0);
  close_pipeline (&f);
}

/* @more: further properties */
static void
check_model (const gchar *name, const gchar *more, GQuark domain, gint code,
    const gchar *const *words)
{
  g_autofree gchar *path = test_model (name);
  g_autofree gchar *properties =
      g_strdup_printf ("model=\"%s\" %s", path, more);

  check_error (properties, domain, code, words);
}

#define WORDS(...) ((const gchar *const[]){ __VA_ARGS__, NULL })

GST_START_TEST (test_missing)
{
  check_error ("model=/nonexistent/network.onnx", GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NOT_FOUND, WORDS ("/nonexistent/network.onnx"));
}

GST_END_TEST;

/* A relative path is looked for in the current folder, which the error names.
 */
GST_START_TEST (test_missing_relative)
{
  g_autofree gchar *folder = g_get_current_dir ();

  check_error ("model=nowhere.onnx", GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NOT_FOUND,
      WORDS ("nowhere.onnx", folder, "built-in person model"));
}

GST_END_TEST;

GST_START_TEST (test_missing_uri)
{
  check_error ("model=file:///nonexistent/a%20network.onnx", GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NOT_FOUND, WORDS ("/nonexistent/a network.onnx"));
  check_error ("model=https://example.org/network.onnx", GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NOT_FOUND,
      WORDS ("https://example.org/network.onnx", "download it first"));
}

GST_END_TEST;

/* The property keeps the URI, and the statistics name the file. */
GST_START_TEST (test_uri)
{
  g_autofree gchar *path = test_model ("red"), *text = NULL;
  g_autofree gchar *whole = g_canonicalize_filename (path, NULL);
  g_autofree gchar *uri = g_filename_to_uri (whole, NULL, NULL);
  g_autofree gchar *properties = g_strdup_printf ("model=\"%s\"", uri);
  g_autoptr (GstStructure) stats = NULL;
  Fixture f;

  open_pipeline (&f, properties);
  play (&f);
  g_object_get (f.seg, "model", &text, "stats", &stats, NULL);
  assert_equals_string (text, uri);
  assert_equals_string (gst_structure_get_string (stats, "model"), whole);
  assert_equals_uint64 (test_stat (f.seg, "segmented"), 5);
  close_pipeline (&f);
}

GST_END_TEST;

GST_START_TEST (test_folder)
{
  g_autoptr (GPtrArray) errors = NULL;
  Fixture f;
  GError *error;

  open_pipeline (&f, "model=/usr");
  errors = collect_errors (&f);
  assert_equals_int (errors->len, 1);
  error = g_ptr_array_index (errors, 0);
  fail_unless (
      error->domain == GST_RESOURCE_ERROR || error->domain == GST_STREAM_ERROR);
  assert_says (error, "/usr");
  close_pipeline (&f);
}

GST_END_TEST;

GST_START_TEST (test_truncated)
{
  check_model ("truncated", "", GST_STREAM_ERROR, GST_STREAM_ERROR_DECODE,
      WORDS ("truncated.onnx"));
}

GST_END_TEST;

GST_START_TEST (test_garbage)
{
  check_model ("garbage", "", GST_STREAM_ERROR, GST_STREAM_ERROR_DECODE,
      WORDS ("garbage.onnx"));
}

GST_END_TEST;

GST_START_TEST (test_unsupported)
{
  check_model ("strange", "", GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT,
      WORDS ("strange.onnx", "odd_one", "Frobnicate"));
}

GST_END_TEST;

GST_START_TEST (test_shapes)
{
  check_model ("shape", "", GST_STREAM_ERROR, GST_STREAM_ERROR_DECODE,
      WORDS ("shape.onnx", "misfit", "Conv"));
}

GST_END_TEST;

/* The error is found only when the frames give the input its shape. */
GST_START_TEST (test_shape_of_frames)
{
  check_model ("picky", "", GST_STREAM_ERROR, GST_STREAM_ERROR_DECODE,
      WORDS ("picky.onnx", "reshape", "Reshape"));
}

GST_END_TEST;

GST_START_TEST (test_contract)
{
  check_model ("red", "input-name=nonesuch", GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_SETTINGS, WORDS ("red.onnx", "nonesuch"));
  check_model ("red", "output-name=7", GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_SETTINGS, WORDS ("red.onnx", "7"));
}

GST_END_TEST;

/* After an error the element starts again with a good model. */
GST_START_TEST (test_recovery)
{
  g_autofree gchar *bad = test_model ("truncated");
  g_autofree gchar *good = test_model ("red");
  g_autoptr (GPtrArray) errors = NULL;
  Fixture f;

  open_pipeline (&f, "");
  g_object_set (f.seg, "model", bad, NULL);
  errors = collect_errors (&f);
  assert_equals_int (errors->len, 1);
  gst_element_set_state (f.pipeline, GST_STATE_NULL);

  g_object_set (f.seg, "model", good, NULL);
  play (&f);
  assert_equals_uint64 (test_stat (f.seg, "segmented"), 5);
  close_pipeline (&f);
}

GST_END_TEST;

/* A file that changes between two starts is read again. */
GST_START_TEST (test_replaced_file)
{
  g_autofree gchar *folder = g_dir_make_tmp ("unetseg-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (folder, "a model.onnx", NULL);
  g_autofree gchar *red = test_model ("red"), *wide = test_model ("red-wide");
  g_autofree gchar *properties = g_strdup_printf ("model=\"%s\"", path);
  static const gchar *const sizes[] = { "32x32", "64x16" };
  Fixture f;

  open_pipeline (&f, properties);
  for (guint i = 0; i < 2; i++) {
    g_autoptr (GstStructure) stats = NULL;
    g_autofree gchar *data = NULL;
    gsize size;

    fail_unless (g_file_get_contents (i ? wide : red, &data, &size, NULL));
    fail_unless (g_file_set_contents (path, data, size, NULL));
    play (&f);
    g_object_get (f.seg, "stats", &stats, NULL);
    assert_equals_string (
        gst_structure_get_string (stats, "input-size"), sizes[i]);
    gst_element_set_state (f.pipeline, GST_STATE_NULL);
  }
  close_pipeline (&f);
  g_unlink (path);
  g_rmdir (folder);
}

GST_END_TEST;

static Suite *
errors_suite (void)
{
  Suite *suite = suite_create ("errors");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, test_watch_log, NULL);
  tcase_add_test (tcase, test_missing);
  tcase_add_test (tcase, test_missing_relative);
  tcase_add_test (tcase, test_missing_uri);
  tcase_add_test (tcase, test_uri);
  tcase_add_test (tcase, test_folder);
  tcase_add_test (tcase, test_truncated);
  tcase_add_test (tcase, test_garbage);
  tcase_add_test (tcase, test_unsupported);
  tcase_add_test (tcase, test_shapes);
  tcase_add_test (tcase, test_shape_of_frames);
  tcase_add_test (tcase, test_contract);
  tcase_add_test (tcase, test_recovery);
  tcase_add_test (tcase, test_replaced_file);
  return suite;
}

GST_CHECK_MAIN (errors);
