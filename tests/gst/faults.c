/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests the plugin when libunetseg fails. The dynamic linker finds the
 * functions of this program before those of the library. */

#include <dlfcn.h>
#include <unetseg/unetseg.h>

#include "common.h"

/* Counts only sessions whose kernels are chosen by rule, and not those that
 * measure. */
static guint n_sessions, n_runs;
static gboolean runs_fail, sessions_fail, measured_fails;
static UnetSession *last_run;
/* While this is locked, no session that measures is created. */
static GMutex measuring;

static void
set_up (void)
{
  test_watch_log ();
  n_sessions = n_runs = 0;
  runs_fail = sessions_fail = measured_fails = FALSE;
}

gboolean
unet_session_run (UnetSession *session, GError **error)
{
  gboolean (*run) (UnetSession *, GError **) = dlsym (RTLD_NEXT, __func__);

  n_runs++;
  last_run = session;
  if (!runs_fail)
    return run (session, error);
  g_set_error_literal (error, UNET_ERROR, UNET_ERROR_ENGINE,
      "red.onnx: node 'detect' (Conv): out of luck");
  return FALSE;
}

UnetSession *
unet_session_new_for_size (UnetModel *model, const UnetContract *contract,
    guint width, guint height, const UnetSessionOptions *options,
    GError **error)
{
  UnetSession *(*create) (UnetModel *, const UnetContract *, guint, guint,
      const UnetSessionOptions *, GError **) = dlsym (RTLD_NEXT, __func__);

  if (options->tuning == UNET_TUNING_MEASURE) {
    g_mutex_lock (&measuring);
    g_mutex_unlock (&measuring);
    if (!measured_fails)
      return create (model, contract, width, height, options, error);
  } else {
    n_sessions++;
    if (!sessions_fail)
      return create (model, contract, width, height, options, error);
  }
  g_set_error_literal (error, UNET_ERROR, UNET_ERROR_ENGINE,
      "red.onnx: node 'detect' (Conv): no primitive");
  return NULL;
}

static gboolean
push_is_marked (GstHarness *h, guint index)
{
  GstBuffer *in = test_frame_at (h, TEST_HALF, index);
  GstBuffer *copy = gst_buffer_copy_deep (in), *out;
  gboolean marked;
  GstMapInfo map;

  out = gst_harness_push_and_pull (h, in);
  fail_unless (out == in);
  marked = gst_buffer_get_unet_seg_meta (out) != NULL;
  gst_buffer_map (copy, &map, GST_MAP_READ);
  /* A frame without a mask must come out unchanged. */
  fail_unless (marked == (gst_buffer_memcmp (out, 0, map.data, map.size) != 0));
  gst_buffer_unmap (copy, &map);
  gst_buffer_unref (copy);
  gst_buffer_unref (out);
  return marked;
}

/* Frames pass without a mask, with a single warning, until the inference works
 * again. */
GST_START_TEST (test_inference_fails)
{
  GstHarness *h = test_harness_new ("red", NULL);

  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  fail_unless (push_is_marked (h, 0));
  runs_fail = TRUE;
  for (guint i = 1; i < 5; i++)
    fail_if (push_is_marked (h, i));
  assert_equals_int (test_count_messages (h, GST_MESSAGE_WARNING), 1);
  runs_fail = FALSE;
  for (guint i = 5; i < 8; i++)
    fail_unless (push_is_marked (h, i));
  assert_equals_int (
      test_count_messages (h, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR), 0);
  assert_equals_uint64 (test_stat (h->element, "frames"), 8);
  assert_equals_uint64 (test_stat (h->element, "segmented"), 4);
  assert_equals_uint64 (test_stat (h->element, "reused"), 0);
  test_harness_free (h);
}

GST_END_TEST;

/* A failure before the first frame posts one error, which names the node. */
GST_START_TEST (test_session_fails)
{
  GstHarness *h;
  g_autoptr (GError) error = NULL;
  g_autoptr (GstBus) bus = NULL;
  GstMessage *message;

  sessions_fail = TRUE;
  h = test_harness_new ("red", NULL);
  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  assert_equals_int (gst_harness_push (h, test_frame_at (h, TEST_HALF, 0)),
      GST_FLOW_NOT_NEGOTIATED);
  bus = gst_element_get_bus (h->element);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (
      g_error_matches (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_FAILED));
  fail_unless (strstr (error->message, "node 'detect' (Conv)") != NULL);
  gst_message_unref (message);
  assert_equals_int (test_count_messages (h, GST_MESSAGE_ERROR), 0);
  test_harness_free (h);
}

GST_END_TEST;

/* A failure at a caps change posts one error as well, however often upstream
 * tries again. */
GST_START_TEST (test_session_fails_later)
{
  GstHarness *h = test_harness_new ("red-dynamic", NULL);

  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  fail_unless (push_is_marked (h, 0));
  sessions_fail = TRUE;
  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 48, 64);
  for (guint i = 0; i < 3; i++)
    assert_equals_int (gst_harness_push (h, test_frame_at (h, TEST_HALF, i)),
        GST_FLOW_NOT_NEGOTIATED);
  assert_equals_int (test_count_messages (h, GST_MESSAGE_ERROR), 1);
  test_harness_free (h);
}

GST_END_TEST;

/* The element compiles again only when the network's input changes. The test
 * sets the number of threads, because otherwise measured times decide on it and
 * on further compiling. */
GST_START_TEST (test_compiles_once)
{
  GstHarness *h = test_harness_new ("red", "threads=1");
  g_autoptr (GstCaps) caps = test_caps (GST_VIDEO_FORMAT_I420, 64, 48);

  /* The background thread compiles before the caps are known. */
  for (guint i = 0; i < 30000 && n_sessions == 0; i++)
    g_usleep (1000);
  assert_equals_int (n_sessions, 1);
  gst_harness_set_src_caps (h, gst_caps_copy (caps));
  fail_unless (push_is_marked (h, 0));
  gst_caps_set_simple (caps, "framerate", GST_TYPE_FRACTION, 25, 1, NULL);
  gst_harness_set_src_caps (h, gst_caps_copy (caps));
  fail_unless (push_is_marked (h, 1));
  gst_caps_set_simple (caps, "colorimetry", G_TYPE_STRING, "bt709", NULL);
  gst_harness_set_src_caps (h, gst_caps_copy (caps));
  fail_unless (push_is_marked (h, 2));
  test_harness_set_format (h, GST_VIDEO_FORMAT_RGBA, 640, 480);
  fail_unless (push_is_marked (h, 3));
  assert_equals_int (n_sessions, 1);
  test_harness_free (h);
}

GST_END_TEST;

GST_START_TEST (test_compiles_for_shapes)
{
  GstHarness *h = test_harness_new ("red-dynamic", "threads=1");

  assert_equals_int (n_sessions, 0);
  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 640, 480);
  fail_unless (push_is_marked (h, 0));
  /* The other size has the same aspect, so the network's input stays. */
  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 320, 240);
  fail_unless (push_is_marked (h, 1));
  assert_equals_int (n_sessions, 1);
  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 240, 320);
  fail_unless (push_is_marked (h, 2));
  assert_equals_int (n_sessions, 2);
  test_harness_free (h);
}

GST_END_TEST;

/* A frame that reuses a mask does not run the network. */
GST_START_TEST (test_reuse_runs_nothing)
{
  GstHarness *h = test_harness_new ("red", "interval=4");
  guint before;

  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  before = n_runs;
  for (guint i = 0; i < 12; i++)
    fail_unless (push_is_marked (h, i));
  assert_equals_int (n_runs - before, 3);
  test_harness_free (h);
}

GST_END_TEST;

/* A live stream runs the session chosen by rule until the measured session is
 * ready. */
GST_START_TEST (test_live_does_not_wait)
{
  UnetSession *by_rule;
  GstHarness *h;
  guint i = 4;

  g_mutex_lock (&measuring);
  h = test_harness_new ("red", NULL);
  gst_harness_set_live (h, TRUE);
  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  fail_unless (push_is_marked (h, 0));
  by_rule = last_run;
  for (guint k = 1; k < 4; k++) {
    fail_unless (push_is_marked (h, k));
    fail_unless (last_run == by_rule);
  }
  g_mutex_unlock (&measuring);
  for (; last_run == by_rule && i < 1000; i++) {
    fail_unless (push_is_marked (h, i));
    g_usleep (10 * 1000);
  }
  fail_if (last_run == by_rule);
  assert_equals_uint64 (test_stat (h->element, "segmented"), i);
  test_harness_free (h);
}

GST_END_TEST;

/* A stream that is not live runs the measured session for all frames. */
GST_START_TEST (test_others_wait)
{
  GstHarness *h = test_harness_new ("red", NULL);
  UnetSession *first, *warm_up = last_run;

  gst_harness_set_live (h, FALSE);
  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  fail_unless (push_is_marked (h, 0));
  first = last_run;
  fail_if (first == warm_up);
  for (guint i = 1; i < 20; i++) {
    fail_unless (push_is_marked (h, i));
    fail_unless (last_run == first);
  }
  test_harness_free (h);
}

GST_END_TEST;

GST_START_TEST (test_measured_session_fails)
{
  GstHarness *h;

  measured_fails = TRUE;
  h = test_harness_new ("red", NULL);
  gst_harness_set_live (h, FALSE);
  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  for (guint i = 0; i < 5; i++)
    fail_unless (push_is_marked (h, i));
  assert_equals_int (
      test_count_messages (h, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR), 0);
  test_harness_free (h);
}

GST_END_TEST;

static Suite *
faults_suite (void)
{
  Suite *suite = suite_create ("faults");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, set_up, NULL);
  tcase_add_test (tcase, test_inference_fails);
  tcase_add_test (tcase, test_session_fails);
  tcase_add_test (tcase, test_session_fails_later);
  tcase_add_test (tcase, test_compiles_once);
  tcase_add_test (tcase, test_compiles_for_shapes);
  tcase_add_test (tcase, test_reuse_runs_nothing);
  tcase_add_test (tcase, test_live_does_not_wait);
  tcase_add_test (tcase, test_others_wait);
  tcase_add_test (tcase, test_measured_session_fails);
  return suite;
}

GST_CHECK_MAIN (faults);
