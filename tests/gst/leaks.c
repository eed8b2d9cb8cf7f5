/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counts live objects with GStreamer's leaks tracer after pipelines that use
 * all features. Run it with GST_TRACERS=leaks. */

#include "common.h"

static GstTracer *
find_leaks_tracer (void)
{
  GList *tracers = gst_tracing_get_active_tracers ();
  GstTracer *found = NULL;

  for (GList *l = tracers; l; l = l->next) {
    if (g_str_equal (G_OBJECT_TYPE_NAME (l->data), "GstLeaksTracer"))
      found = gst_object_ref (l->data);
  }
  g_list_free_full (tracers, gst_object_unref);
  return found;
}

/* Returns the number of live objects. @name: whether to print them */
static guint
count_live_objects (GstTracer *tracer, gboolean name)
{
  GstStructure *info = NULL;
  const GValue *list;
  guint n, count = 0;

  /* A thread may still be releasing its task, which the tracer must not
   * meet. */
  gst_task_cleanup_all ();
  g_signal_emit_by_name (tracer, "get-live-objects", &info);
  list = gst_structure_get_value (info, "live-objects-list");
  n = list ? gst_value_list_get_size (list) : 0;
  for (guint i = 0; i < n; i++) {
    const GValue *object = gst_structure_get_value (
        gst_value_get_structure (gst_value_list_get_value (list, i)), "object");
    const gchar *type = G_VALUE_TYPE_NAME (object);

    /* Factories and templates live with the registry. */
    if (strstr (type, "Factory") || strstr (type, "GstPlugin")
        || strstr (type, "GstPadTemplate") || strstr (type, "Tracer"))
      continue;
    if (name)
      g_printerr ("alive: %s %p\n", type, g_value_peek_pointer (object));
    count++;
  }
  gst_structure_free (info);
  return count;
}

/* Threads release their tasks a moment after a pipeline has stopped. */
static guint
wait_for_live_objects (GstTracer *tracer, guint expected)
{
  for (guint i = 0; i < 1000; i++) {
    if (count_live_objects (tracer, FALSE) == expected)
      return expected;
    g_usleep (10000);
  }
  return count_live_objects (tracer, TRUE);
}

static void
play (const gchar *properties, const gchar *size)
{
  g_autofree gchar *model = test_model ("red-dynamic");
  g_autofree gchar *launch = g_strdup_printf (
      "videotestsrc num-buffers=20 ! video/x-raw,format=I420,%s ! "
      "unetseg model=\"%s\" %s ! videoscale ! "
      "video/x-raw,width=80,height=60 ! fakesink",
      size, model, properties);
  GstElement *pipeline = gst_parse_launch (launch, NULL);
  GstBus *bus = gst_element_get_bus (pipeline);

  for (guint i = 0; i < 2; i++) {
    GstMessage *message;

    gst_element_set_state (pipeline, GST_STATE_PLAYING);
    message = gst_bus_timed_pop_filtered (
        bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    assert_equals_int (GST_MESSAGE_TYPE (message), GST_MESSAGE_EOS);
    gst_message_unref (message);
    gst_element_set_state (pipeline, GST_STATE_NULL);
  }
  gst_object_unref (bus);
  gst_object_unref (pipeline);
}

static void
play_bad_model (void)
{
  g_autofree gchar *model = test_model ("truncated");
  GstElement *element = gst_element_factory_make ("unetseg", NULL);

  g_object_set (
      element, "model", model, "colors", "red", "mean", "1,2,3", NULL);
  assert_equals_int (gst_element_set_state (element, GST_STATE_PAUSED),
      GST_STATE_CHANGE_FAILURE);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_object_unref (element);
}

static void
change_caps_and_hold_masks (void)
{
  GstHarness *h = test_harness_new ("red-dynamic", "interval=2");
  GstBuffer *held[6];

  for (guint i = 0; i < G_N_ELEMENTS (held); i++) {
    test_harness_set_format (h,
        i % 2 ? GST_VIDEO_FORMAT_v210 : GST_VIDEO_FORMAT_NV12, 64 + 32 * i, 48);
    held[i] = gst_harness_push_and_pull (h, test_frame_at (h, TEST_HALF, i));
  }
  test_harness_free (h);
  for (guint i = 0; i < G_N_ELEMENTS (held); i++)
    gst_buffer_unref (held[i]);
}

GST_START_TEST (test_leaks)
{
  GstTracer *tracer = find_leaks_tracer ();
  guint before;

  fail_unless (tracer != NULL, "GST_TRACERS=leaks is not set");
  /* The first run creates the objects that GStreamer keeps for the process. */
  play ("output=none", "width=64,height=48");
  g_usleep (100000);
  before = count_live_objects (tracer, FALSE);

  play ("output=overlay interval=3", "width=64,height=48");
  play ("output=none threads=1", "width=128,height=48");
  play ("output=mask", "width=128,height=48");
  play ("output=alpha colors=red", "width=128,height=48");
  play ("output=none ! tee name=t t. ! queue ! unetsegdraw output=alpha "
        "labels=a,b ! fakesink t. ! queue ! unetsegdraw output=mask",
      "width=64,height=48");
  play_bad_model ();
  change_caps_and_hold_masks ();
  assert_equals_int (wait_for_live_objects (tracer, before), before);
  gst_object_unref (tracer);
}

GST_END_TEST;

static Suite *
leaks_suite (void)
{
  Suite *suite = suite_create ("leaks");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, test_watch_log, NULL);
  tcase_add_test (tcase, test_leaks);
  return suite;
}

GST_CHECK_MAIN (leaks);
