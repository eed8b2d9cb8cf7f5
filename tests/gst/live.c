/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests latency and quality of service. */

#include <dlfcn.h>
#include <sched.h>
#include <unetseg/unetseg.h>

#include "common.h"

/* The plugin finds this function before the library's, as in faults.c. */
static gulong run_microseconds;

gboolean
unet_session_run (UnetSession *session, GError **error)
{
  gboolean (*run) (UnetSession *, GError **) = dlsym (RTLD_NEXT, __func__);

  g_usleep (run_microseconds);
  return run (session, error);
}

static void
set_up (void)
{
  test_watch_log ();
  run_microseconds = 0;
}

static guint
age_of_next (GstHarness *h, TestPicture picture, guint index)
{
  GstBuffer *out =
      gst_harness_push_and_pull (h, test_frame_at (h, picture, index));
  UnetSegMeta *meta = gst_buffer_get_unet_seg_meta (out);
  guint age;

  fail_unless (meta != NULL);
  age = meta->age_frames;
  gst_buffer_unref (out);
  return age;
}

/* Tells upstream that the frame of @index came @diff too late. */
static void
send_qos (GstHarness *h, guint index, GstClockTimeDiff diff)
{
  GstEvent *event;

  fail_unless (gst_harness_push_upstream_event (h,
      gst_event_new_qos (
          diff > 0 ? GST_QOS_TYPE_UNDERFLOW : GST_QOS_TYPE_OVERFLOW, 1.2, diff,
          gst_util_uint64_scale (index, GST_SECOND, 30))));
  /* The event goes on upstream as well. */
  while ((event = gst_harness_pull_upstream_event (h))) {
    GstEventType type = GST_EVENT_TYPE (event);

    gst_event_unref (event);
    if (type == GST_EVENT_QOS)
      break;
  }
}

/* ---- latency ---------------------------------------------------------- */

GST_START_TEST (test_latency)
{
  GstHarness *h = test_harness_new ("red", NULL);
  guint64 own;

  test_harness_set_format (h, GST_VIDEO_FORMAT_v210, 1280, 720);
  gst_harness_set_upstream_latency (h, 20 * GST_MSECOND);
  /* The latency is known before the first frame. */
  own = test_stat (h->element, "latency");
  fail_unless (own > 0);
  assert_equals_uint64 (gst_harness_query_latency (h), 20 * GST_MSECOND + own);

  for (guint i = 0; i < 24; i++)
    age_of_next (h, TEST_HALF, i);
  own = test_stat (h->element, "latency");
  assert_equals_uint64 (gst_harness_query_latency (h), 20 * GST_MSECOND + own);
  /* The element reports the latency only when it changes by a quarter. */
  fail_unless (2 * own >= test_stat (h->element, "inference-time-median"));
  test_harness_free (h);
}

GST_END_TEST;

GST_START_TEST (test_latency_bounds)
{
  GstHarness *h = test_harness_new ("red", NULL);
  GstQuery *query = gst_query_new_latency ();
  GstClockTime min, max;
  gboolean live;

  test_harness_set_format (h, GST_VIDEO_FORMAT_v210, 1280, 720);
  gst_harness_set_upstream_latency (h, 20 * GST_MSECOND);
  fail_unless (gst_pad_peer_query (h->sinkpad, query));
  gst_query_parse_latency (query, &live, &min, &max);
  fail_unless (live);
  fail_unless (min > 20 * GST_MSECOND);
  /* The maximum is unbounded or grows by as much as the minimum. */
  fail_unless (max >= min);
  gst_query_unref (query);
  test_harness_free (h);
}

GST_END_TEST;

/* The element adds no latency to a stream that is not live. */
GST_START_TEST (test_latency_not_live)
{
  GstHarness *h = test_harness_new ("red", NULL);
  GstQuery *query = gst_query_new_latency ();
  GstClockTime min;
  gboolean live;

  gst_harness_set_live (h, FALSE);
  test_harness_set_format (h, GST_VIDEO_FORMAT_v210, 1280, 720);
  fail_unless (test_stat (h->element, "latency") > 0);
  fail_unless (gst_pad_peer_query (h->sinkpad, query));
  gst_query_parse_latency (query, &live, &min, NULL);
  fail_if (live);
  assert_equals_uint64 (min, 0);
  gst_query_unref (query);
  test_harness_free (h);
}

GST_END_TEST;

/* The element compiles a network of open size again for frames of another
 * shape. The test then makes an inference more than twice as slow as before. */
GST_START_TEST (test_latency_message)
{
  GstHarness *h = test_harness_new ("red-dynamic", NULL);
  guint64 before;

  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  for (guint i = 0; i < 24; i++)
    age_of_next (h, TEST_HALF, i);
  test_count_messages (h, GST_MESSAGE_LATENCY);
  before = test_stat (h->element, "latency");
  run_microseconds = 10 * 1000 + 2 * before / 1000;
  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 48, 64);
  fail_unless (test_stat (h->element, "latency") >= 2 * before);
  assert_equals_int (test_count_messages (h, GST_MESSAGE_LATENCY), 1);
  test_harness_free (h);
}

GST_END_TEST;

/* ---- threads ---------------------------------------------------------- */

static guint
threads_of (GstElement *element)
{
  g_autoptr (GstStructure) stats = NULL;
  guint threads = 0;

  g_object_get (element, "stats", &stats, NULL);
  gst_structure_get_uint (stats, "threads", &threads);
  return threads;
}

/* Returns the threads of the session at that rate, as soon as they are
 * @expected. A live stream keeps the old session while the new one is
 * compiled. */
static guint
threads_at (GstHarness *h, gint fps_n, gint fps_d, guint expected)
{
  GstCaps *caps = test_caps (GST_VIDEO_FORMAT_I420, 64, 48);

  gst_caps_set_simple (
      caps, "framerate", GST_TYPE_FRACTION, fps_n, fps_d, NULL);
  gst_harness_set_src_caps (h, caps);
  age_of_next (h, TEST_HALF, 0);
  for (guint i = 1; i < 500 && threads_of (h->element) != expected; i++) {
    g_usleep (10 * 1000);
    age_of_next (h, TEST_HALF, i);
  }
  return threads_of (h->element);
}

/* One thread is enough for a frame every 1000 seconds. Even all threads are too
 * slow for a frame every microsecond. */
GST_START_TEST (test_live_threads)
{
  GstHarness *file = test_harness_new ("red", NULL);
  GstHarness *camera = test_harness_new ("red", NULL);
  GstHarness *two = test_harness_new ("red", "threads=2");
  guint all;

  gst_harness_set_live (file, FALSE);
  all = g_get_num_processors ();
  assert_equals_int (threads_at (file, 1, 1000, all), all);
  assert_equals_int (threads_at (camera, 1, 1000, 1), 1);
  assert_equals_int (threads_at (camera, 1000000, 1, all), all);
  assert_equals_int (threads_at (camera, 1, 1000, 1), 1);
  assert_equals_int (threads_at (two, 1, 1000, 2), 2);
  test_harness_free (file);
  test_harness_free (camera);
  test_harness_free (two);
}

GST_END_TEST;

static GstElement *
start_stream (void)
{
  g_autofree gchar *path = test_model ("red");
  g_autofree gchar *launch = g_strdup_printf (
      "videotestsrc ! "
      "video/x-raw,width=64,height=48 ! unetseg name=u model=\"%s\" ! "
      "fakesink",
      path);
  GstElement *pipeline = gst_parse_launch (launch, NULL);

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  return pipeline;
}

static void
stop_stream (GstElement *pipeline)
{
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

/* Waits until the element uses @wanted threads, while frames go on. */
static void
wait_for_threads (GstElement *pipeline, guint wanted)
{
  g_autoptr (GstElement)
      element = gst_bin_get_by_name (GST_BIN (pipeline), "u");

  for (guint i = 0; i < 6000 && threads_of (element) != wanted; i++)
    g_usleep (10 * 1000);
  assert_equals_int (threads_of (element), wanted);
}

/* As many streams as processors take one thread each. The last takes all. */
GST_START_TEST (test_threads_of_streams)
{
  guint all = g_get_num_processors ();
  GstElement **streams = g_newa (GstElement *, all);

  for (guint i = 0; i < all; i++)
    streams[i] = start_stream ();
  for (guint i = 0; i < all; i++)
    wait_for_threads (streams[i], 1);
  for (guint i = 1; i < all; i++)
    stop_stream (streams[i]);
  wait_for_threads (streams[0], all);
  stop_stream (streams[0]);
}

GST_END_TEST;

/* Elements in one chain share a streaming thread and never run at the same
 * time, so they count as one stream. */
GST_START_TEST (test_threads_of_chain)
{
  GstHarness *a = test_harness_new ("red", NULL);
  GstHarness *b = test_harness_new ("red", NULL);
  guint all = g_get_num_processors ();

  gst_harness_set_live (a, FALSE);
  gst_harness_set_live (b, FALSE);
  test_harness_set_format (a, GST_VIDEO_FORMAT_I420, 64, 48);
  test_harness_set_format (b, GST_VIDEO_FORMAT_I420, 64, 48);
  for (guint i = 0; i < 40; i++) {
    age_of_next (a, TEST_HALF, i);
    age_of_next (b, TEST_HALF, i);
  }
  assert_equals_int (threads_of (a->element), all);
  assert_equals_int (threads_of (b->element), all);
  test_harness_free (a);
  test_harness_free (b);
}

GST_END_TEST;

/* ---- late frames ------------------------------------------------------ */

GST_START_TEST (test_late_reuse)
{
  GstHarness *h = test_harness_new ("red", NULL);

  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  assert_equals_int (age_of_next (h, TEST_HALF, 0), 0);
  /* One late frame makes all late up to twice the lateness plus one. */
  send_qos (h, 1, GST_SECOND / 30 + 1);
  for (guint i = 1; i <= 4; i++)
    assert_equals_int (age_of_next (h, TEST_HALF, i), i);
  assert_equals_int (age_of_next (h, TEST_HALF, 5), 0);
  assert_equals_uint64 (test_stat (h->element, "frames"), 6);
  assert_equals_uint64 (test_stat (h->element, "late"), 4);
  assert_equals_uint64 (test_stat (h->element, "reused"), 4);
  assert_equals_uint64 (test_stat (h->element, "segmented"), 2);
  assert_equals_int (gst_harness_buffers_received (h), 6);
  test_harness_free (h);
}

GST_END_TEST;

/* The last mask is drawn over a late frame. */
GST_START_TEST (test_late_draws_last_mask)
{
  GstHarness *h = test_harness_new ("red", "colors=red opacity=1 carry=false");
  GstBuffer *out;
  guint8 rgb[3];

  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, 64, 48);
  assert_equals_int (age_of_next (h, TEST_HALF, 0), 0);
  send_qos (h, 1, GST_SECOND);
  out = gst_harness_push_and_pull (h, test_frame_at (h, TEST_BLACK, 1));
  test_assert_halves (gst_buffer_get_unet_seg_meta (out), 1, 0, 0);
  gst_buffer_extract (out, 24 * 64 * 3 + 16 * 3, rgb, 3);
  assert_equals_int (rgb[0], 255);
  assert_equals_int (rgb[1], 0);
  gst_buffer_unref (out);
  test_harness_free (h);
}

GST_END_TEST;

GST_START_TEST (test_late_run)
{
  GstHarness *h = test_harness_new ("red", "late=run");

  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  assert_equals_int (age_of_next (h, TEST_HALF, 0), 0);
  send_qos (h, 1, GST_SECOND);
  for (guint i = 1; i <= 4; i++)
    assert_equals_int (age_of_next (h, TEST_HALF, i), 0);
  assert_equals_uint64 (test_stat (h->element, "late"), 4);
  assert_equals_uint64 (test_stat (h->element, "segmented"), 5);
  g_object_set (h->element, "late", 0, NULL);
  assert_equals_int (age_of_next (h, TEST_HALF, 5), 1);
  test_harness_free (h);
}

GST_END_TEST;

/* The base class drops late frames with qos=true, but this element never
 * does. */
GST_START_TEST (test_never_drops)
{
  static const gchar *const lates[] = { "qos=true late=run",
    "qos=true late=reuse" };

  for (guint k = 0; k < G_N_ELEMENTS (lates); k++) {
    GstHarness *h = test_harness_new ("red", lates[k]);

    test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
    send_qos (h, 0, 10 * GST_SECOND);
    for (guint i = 0; i < 20; i++)
      age_of_next (h, TEST_HALF, i);
    assert_equals_int (gst_harness_buffers_received (h), 20);
    assert_equals_int (test_count_messages (h, GST_MESSAGE_QOS), 0);
    test_harness_free (h);
  }
}

GST_END_TEST;

/* The first frame gets its own mask even if it is late. */
GST_START_TEST (test_late_from_the_start)
{
  GstHarness *h = test_harness_new ("red", NULL);

  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  send_qos (h, 0, GST_SECOND);
  assert_equals_int (age_of_next (h, TEST_HALF, 0), 0);
  assert_equals_int (age_of_next (h, TEST_HALF, 1), 1);
  test_harness_free (h);
}

GST_END_TEST;

/* A sink that reports every frame as late does not freeze the mask. */
GST_START_TEST (test_late_for_ever)
{
  GstHarness *h = test_harness_new ("red", NULL);
  guint oldest = 0;

  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  for (guint i = 0; i < 200; i++) {
    guint age = age_of_next (h, TEST_HALF, i);

    oldest = MAX (oldest, age);
    send_qos (h, i, GST_SECOND);
  }
  assert_equals_int (oldest, 60);
  test_harness_free (h);
}

GST_END_TEST;

GST_START_TEST (test_early_is_not_late)
{
  GstHarness *h = test_harness_new ("red", NULL);

  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  assert_equals_int (age_of_next (h, TEST_HALF, 0), 0);
  /* The frame is early by the whole age of the stream. */
  send_qos (h, 30, -GST_SECOND);
  for (guint i = 1; i < 4; i++)
    assert_equals_int (age_of_next (h, TEST_HALF, i), 0);
  assert_equals_uint64 (test_stat (h->element, "late"), 0);
  test_harness_free (h);
}

GST_END_TEST;

/* A flush forgets the lateness reported before it. */
GST_START_TEST (test_flush_forgets_lateness)
{
  GstHarness *h = test_harness_new ("red", NULL);
  GstSegment segment;

  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  age_of_next (h, TEST_HALF, 0);
  send_qos (h, 1, 10 * GST_SECOND);
  assert_equals_int (age_of_next (h, TEST_HALF, 1), 1);
  gst_harness_push_event (h, gst_event_new_flush_start ());
  gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (h, gst_event_new_segment (&segment));
  for (guint i = 0; i < 3; i++)
    assert_equals_int (age_of_next (h, TEST_HALF, i), 0);
  test_harness_free (h);
}

GST_END_TEST;

/* ---- overload --------------------------------------------------------- */

#define BUSY_FRAMES 40

static gint busy, over; /* atomic */

/* Spins from the first frame on, so that compiling is not slowed down. */
static gpointer
spin (gpointer data)
{
  while (!g_atomic_int_get (&busy) && !g_atomic_int_get (&over))
    g_usleep (1000);
  while (!g_atomic_int_get (&over))
    continue;
  return NULL;
}

static GstPadProbeReturn
note_age (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  UnetSegMeta *meta =
      gst_buffer_get_unet_seg_meta (GST_PAD_PROBE_INFO_BUFFER (info));
  guint *ages = data; /* number of frames with a mask of each age */

  if (meta)
    ages[MIN (meta->age_frames, BUSY_FRAMES)]++;
  g_atomic_int_set (&busy, TRUE);
  return GST_PAD_PROBE_OK;
}

/* Plays a camera while @n_others threads spin on the same processor until its
 * last frame has left. */
static void
play_beside (guint n_others, const gchar *properties, guint *ages)
{
  g_autofree gchar *launch = g_strdup_printf (
      "videotestsrc is-live=true "
      "num-buffers=%u ! video/x-raw,format=I420,width=160,height=120,"
      "framerate=30/1 ! unetseg name=seg output=blur threads=1 %s ! "
      "fakesink name=sink sync=true qos=true",
      BUSY_FRAMES, properties);
  GstElement *pipeline = gst_parse_launch (launch, NULL);
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  GstElement *seg = gst_bin_get_by_name (GST_BIN (pipeline), "seg");
  GstPad *pad = gst_element_get_static_pad (sink, "sink");
  GstBus *bus = gst_element_get_bus (pipeline);
  GThread *others[32];
  GstMessage *message;

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, note_age, ages, NULL);
  g_atomic_int_set (&busy, FALSE);
  g_atomic_int_set (&over, FALSE);
  for (guint i = 0; i < n_others; i++)
    others[i] = g_thread_new ("busy", spin, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_atomic_int_set (&over, TRUE);
  for (guint i = 0; i < n_others; i++)
    g_thread_join (others[i]);
  assert_equals_int (GST_MESSAGE_TYPE (message), GST_MESSAGE_EOS);
  assert_equals_uint64 (test_stat (seg, "frames"), BUSY_FRAMES);
  gst_message_unref (message);
  gst_object_unref (pad);
  gst_object_unref (seg);
  gst_object_unref (sink);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (pipeline);
}

/* All threads share one processor. A sixteenth of it is too little for an
 * inference of every frame. Every frame arrives with a mask, and some masks are
 * older. */
GST_START_TEST (test_busy_machine)
{
  static const gchar *const ways[] = { "async=false", "async=true" };
  guint n_others = g_getenv ("UNETSEG_TEST_QUICK") ? 2 : 15;
  cpu_set_t before, one;

  fail_unless (sched_getaffinity (0, sizeof (before), &before) == 0);
  CPU_ZERO (&one);
  for (guint i = 0; CPU_COUNT (&one) == 0; i++)
    if (CPU_ISSET (i, &before))
      CPU_SET (i, &one);
  for (guint k = 0; k < G_N_ELEMENTS (ways); k++) {
    guint ages[BUSY_FRAMES + 1] = { 0 }, n = 0;

    fail_unless (sched_setaffinity (0, sizeof (one), &one) == 0);
    play_beside (n_others, ways[k], ages);
    fail_unless (sched_setaffinity (0, sizeof (before), &before) == 0);
    for (guint i = 0; i <= BUSY_FRAMES; i++)
      n += ages[i];
    if (k == 0) { /* with async=true frames may leave before the first mask */
      assert_equals_int (n, BUSY_FRAMES);
      fail_unless (n > ages[0]);
    }
  }
}

GST_END_TEST;

/* The pipeline has a clock, drops no frames and has too much work. */
GST_START_TEST (test_overload)
{
  g_autofree gchar *model = test_model ("red-dynamic");
  g_autofree gchar *launch = g_strdup_printf (
      "videotestsrc num-buffers=60 ! "
      "video/x-raw,format=I420,width=64,height=48,framerate=1000/1 ! "
      "unetseg name=seg model=\"%s\" input-size=768x768 ! "
      "fakesink name=sink sync=true qos=true signal-handoffs=true",
      model);
  GstElement *pipeline = gst_parse_launch (launch, NULL), *seg;
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  assert_equals_int (GST_MESSAGE_TYPE (message), GST_MESSAGE_EOS);
  gst_message_unref (message);
  seg = gst_bin_get_by_name (GST_BIN (pipeline), "seg");
  assert_equals_uint64 (test_stat (seg, "frames"), 60);
  assert_equals_uint64 (
      test_stat (seg, "segmented") + test_stat (seg, "reused"), 60);
  fail_unless (test_stat (seg, "late") > 0);
  fail_unless (test_stat (seg, "reused") > 0);
  gst_object_unref (seg);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (pipeline);
}

GST_END_TEST;

static Suite *
live_suite (void)
{
  Suite *suite = suite_create ("live");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, set_up, NULL);
  tcase_add_test (tcase, test_latency);
  tcase_add_test (tcase, test_latency_bounds);
  tcase_add_test (tcase, test_latency_not_live);
  tcase_add_test (tcase, test_latency_message);
  tcase_add_test (tcase, test_live_threads);
  tcase_add_test (tcase, test_threads_of_streams);
  tcase_add_test (tcase, test_threads_of_chain);
  tcase_add_test (tcase, test_late_reuse);
  tcase_add_test (tcase, test_late_draws_last_mask);
  tcase_add_test (tcase, test_late_run);
  tcase_add_test (tcase, test_never_drops);
  tcase_add_test (tcase, test_late_from_the_start);
  tcase_add_test (tcase, test_late_for_ever);
  tcase_add_test (tcase, test_early_is_not_late);
  tcase_add_test (tcase, test_flush_forgets_lateness);
  tcase_add_test (tcase, test_busy_machine);
  tcase_add_test (tcase, test_overload);
  return suite;
}

GST_CHECK_MAIN (live);
