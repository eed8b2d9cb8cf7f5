/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests that no frame is lost when the model changes while frames flow. Each
 * session has one thread for ThreadSanitizer: see tests/tsan.supp. */

#include "common.h"

#define MANY 4000

static void
set_model (GstElement *element, const gchar *name)
{
  g_autofree gchar *path = test_model (name);

  g_object_set (element, "model", path, NULL);
}

static gboolean
uses_model (GstBuffer *buffer, const gchar *name)
{
  UnetSegMeta *meta = gst_buffer_get_unet_seg_meta (buffer);
  g_autofree gchar *path = test_model (name);

  fail_unless (meta != NULL, "a frame without a mask");
  return g_str_equal (unet_seg_classes_get_model (meta->classes), path);
}

static GstHarness *
new_harness (const gchar *properties)
{
  g_autofree gchar *all = g_strconcat ("threads=1 ", properties, NULL);
  GstHarness *h = test_harness_new ("red", all);

  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, 64, 48);
  return h;
}

/* Pushes frames until one has a mask of that model and returns it. Every frame
 * comes out with a mask. */
static GstBuffer *
push_until (GstHarness *h, const gchar *name, guint *index)
{
  for (guint i = 0; i < MANY; i++) {
    GstBuffer *out =
        gst_harness_push_and_pull (h, test_frame_at (h, TEST_HALF, (*index)++));

    fail_unless (out != NULL);
    if (uses_model (out, name))
      return out;
    gst_buffer_unref (out);
    g_usleep (2000);
  }
  fail ("'%s' never takes over", name);
  return NULL;
}

/* The sizes, classes and labels are the new model's, and so is the drawing. */
GST_START_TEST (test_takes_over)
{
  static const gchar *const models[] = { "gated", "red-wide", "valid", "red" };
  static const guint sizes[][2] = { { 32, 48 }, { 64, 16 }, { 32, 32 },
    { 32, 32 } };
  GstHarness *h = new_harness ("colors=blue,blue,blue opacity=1");
  guint index = 0;

  gst_buffer_unref (push_until (h, "red", &index));
  for (guint i = 0; i < G_N_ELEMENTS (models); i++) {
    GstBuffer *out;
    UnetSegMeta *meta;
    guint8 pixel[3];

    set_model (h->element, models[i]);
    out = push_until (h, models[i], &index);
    meta = gst_buffer_get_unet_seg_meta (out);
    assert_equals_int (meta->age_frames, 0);
    assert_equals_int (meta->width, sizes[i][0]);
    assert_equals_int (meta->height, sizes[i][1]);
    fail_unless (test_class_at (meta, 2, 2) != 0);
    assert_equals_int (test_class_at (meta, meta->width - 3, 2), 0);
    gst_buffer_extract (out, 8 * 64 * 3 + 8 * 3, pixel, 3);
    fail_unless (pixel[0] == 0 && pixel[1] == 0 && pixel[2] == 255);
    gst_buffer_unref (out);
  }
  assert_equals_uint64 (test_stat (h->element, "frames"), index);
  assert_equals_int (gst_harness_buffers_received (h), index);
  assert_equals_int (
      test_count_messages (h, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR), 0);
  test_harness_free (h);
}

GST_END_TEST;

/* The old mask is reused until the new model takes over, and never after. */
GST_START_TEST (test_interval)
{
  GstHarness *h = new_harness ("interval=100000");
  guint index = 0;

  gst_buffer_unref (push_until (h, "red", &index));
  set_model (h->element, "red-wide");
  gst_buffer_unref (push_until (h, "red-wide", &index));
  assert_equals_uint64 (test_stat (h->element, "segmented"), 2);
  test_harness_free (h);
}

GST_END_TEST;

static void
push_some (GstHarness *h, const gchar *name, guint n, guint *index)
{
  for (guint i = 0; i < n; i++) {
    GstBuffer *out =
        gst_harness_push_and_pull (h, test_frame_at (h, TEST_HALF, (*index)++));

    fail_unless (uses_model (out, name));
    gst_buffer_unref (out);
  }
}

/* The files are missing, broken, use an unknown operator or contradict their
 * contract. Each causes one warning that names the file, and the old model
 * stays. */
GST_START_TEST (test_bad)
{
  static const gchar *const models[] = { "missing", "truncated", "strange",
    "garbage", "shape" };
  GstHarness *h = new_harness (NULL);
  g_autoptr (GstBus) bus = gst_element_get_bus (h->element);
  g_autofree gchar *good = test_model ("red");
  guint index = 0;

  for (guint i = 0; i < G_N_ELEMENTS (models); i++) {
    g_autofree gchar *bad = test_model (models[i]), *now = NULL;
    g_autoptr (GError) error = NULL;
    GstMessage *message = NULL;

    set_model (h->element, models[i]);
    for (guint k = 0; message == NULL && k < MANY; k++) {
      push_some (h, "red", 1, &index);
      message = gst_bus_timed_pop_filtered (
          bus, 2 * GST_MSECOND, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR);
    }
    fail_unless (message != NULL, "no message says that '%s' is bad", bad);
    assert_equals_int (GST_MESSAGE_TYPE (message), GST_MESSAGE_WARNING);
    gst_message_parse_warning (message, &error, NULL);
    fail_unless (strstr (error->message, bad) != NULL, "%s", error->message);
    gst_message_unref (message);
    push_some (h, "red", 3, &index);
    g_object_get (h->element, "model", &now, NULL);
    assert_equals_string (now, good);
  }
  assert_equals_int (
      test_count_messages (h, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR), 0);
  set_model (h->element, "red-wide");
  gst_buffer_unref (push_until (h, "red-wide", &index));
  test_harness_free (h);
}

GST_END_TEST;

/* The model that was set last is used, even while others are being loaded. */
GST_START_TEST (test_changes_of_mind)
{
  GstHarness *h = new_harness (NULL);
  guint index = 0;

  gst_buffer_unref (push_until (h, "red", &index));
  set_model (h->element, "classes");
  push_some (h, "red", 1, &index); /* this frame starts the loading */
  set_model (h->element, "garbage");
  set_model (h->element, "red-wide");
  gst_buffer_unref (push_until (h, "red-wide", &index));
  push_some (h, "red-wide", 5, &index);
  assert_equals_int (
      test_count_messages (h, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR), 0);
  test_harness_free (h);
}

GST_END_TEST;

/* The caps change after the new model was prepared for the old ones. */
GST_START_TEST (test_caps_change_meanwhile)
{
  GstHarness *h = new_harness (NULL);
  GstBuffer *out;
  guint index = 0;

  gst_buffer_unref (push_until (h, "red", &index));
  set_model (h->element, "red-dynamic");
  gst_buffer_unref (
      gst_harness_push_and_pull (h, test_frame_at (h, TEST_HALF, index++)));
  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 48, 200);
  out = push_until (h, "red-dynamic", &index);
  test_assert_halves (gst_buffer_get_unet_seg_meta (out), 1, 0, 1);
  fail_unless_equals_float (gst_buffer_get_unet_seg_meta (out)->h, 200);
  gst_buffer_unref (out);
  test_harness_free (h);
}

GST_END_TEST;

/* The element stops while a model is being loaded or just after. */
GST_START_TEST (test_stopped_meanwhile)
{
  for (guint i = 0; i < 6; i++) {
    GstHarness *h = new_harness (NULL);
    guint index = 0;

    gst_buffer_unref (push_until (h, "red", &index));
    set_model (h->element, i % 2 ? "classes" : "garbage");
    for (guint k = 0; k < i / 2; k++)
      gst_buffer_unref (
          gst_harness_push_and_pull (h, test_frame_at (h, TEST_HALF, index++)));
    test_harness_free (h);
  }
}

GST_END_TEST;

/* A model that is set in READY is loaded at the next start. */
GST_START_TEST (test_restart)
{
  GstHarness *h = new_harness (NULL);
  guint index = 0;

  push_some (h, "red", 2, &index);
  gst_element_set_state (h->element, GST_STATE_READY);
  set_model (h->element, "red-wide");
  gst_element_set_state (h->element, GST_STATE_PLAYING);
  gst_harness_push_event (h, gst_event_new_stream_start ("again"));
  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, 64, 48);
  {
    GstSegment segment;

    gst_segment_init (&segment, GST_FORMAT_TIME);
    gst_harness_push_event (h, gst_event_new_segment (&segment));
  }
  push_some (h, "red-wide", 3, &index);
  test_harness_free (h);
}

GST_END_TEST;

/* ---- pipelines -------------------------------------------------------- */

typedef struct {
  GstElement *element;
  guint frames, with_mask;
} Watch;

static GstPadProbeReturn
count_frame (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  static const gchar *const models[] = { "classes", "garbage", "red-wide",
    "missing", "red" };
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  Watch *watch = data;

  watch->with_mask += gst_buffer_get_unet_seg_meta (buffer) != NULL;
  if (watch->frames % 25 == 10)
    set_model (
        watch->element, models[watch->frames / 25 % G_N_ELEMENTS (models)]);
  watch->frames++;
  return GST_PAD_PROBE_OK;
}

static void
play (const gchar *source, guint n)
{
  g_autofree gchar *path = test_model ("red");
  g_autofree gchar *launch = g_strdup_printf (
      "videotestsrc num-buffers=%u %s "
      "! video/x-raw,width=64,height=48,framerate=100/1 ! queue ! unetseg "
      "name=u threads=1 async=false model=\"%s\" ! queue ! fakesink name=s "
      "sync=false",
      n, source, path);
  GstElement *pipeline = gst_parse_launch (launch, NULL);
  g_autoptr (GstElement)
      element = gst_bin_get_by_name (GST_BIN (pipeline), "u");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (element, "src");
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  Watch watch = { element, 0, 0 };
  GstMessage *message;

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, count_frame, &watch, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless (
      message != NULL && GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS);
  gst_message_unref (message);
  assert_equals_int (watch.frames, n);
  assert_equals_int (watch.with_mask, n);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

GST_START_TEST (test_pipelines)
{
  play ("", 400);
  play ("is-live=true", 200);
}

GST_END_TEST;

static Suite *
swap_suite (void)
{
  Suite *suite = suite_create ("swap");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, test_watch_log, NULL);
  tcase_add_test (tcase, test_takes_over);
  tcase_add_test (tcase, test_interval);
  tcase_add_test (tcase, test_bad);
  tcase_add_test (tcase, test_changes_of_mind);
  tcase_add_test (tcase, test_caps_change_meanwhile);
  tcase_add_test (tcase, test_stopped_meanwhile);
  tcase_add_test (tcase, test_restart);
  tcase_add_test (tcase, test_pipelines);
  return suite;
}

GST_CHECK_MAIN (swap);
