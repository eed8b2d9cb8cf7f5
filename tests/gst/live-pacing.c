/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests async=auto: live frames wait for their masks as long as the network
 * keeps up. */

#include <dlfcn.h>
#include <unetseg/unetseg.h>

#include "common.h"

/* The dynamic linker finds this function before the library's, so a network has
 * any speed. */
static gint run_microseconds; /* atomic */

gboolean
unet_session_run (UnetSession *session, GError **error)
{
  gboolean (*run) (UnetSession *, GError **) = dlsym (RTLD_NEXT, __func__);

  g_usleep (g_atomic_int_get (&run_microseconds));
  return run (session, error);
}

#define SLOW (200 * 1000)

static void
set_up (void)
{
  test_watch_log ();
  g_atomic_int_set (&run_microseconds, 0);
}

static gboolean
frames_wait (GstHarness *h)
{
  g_autoptr (GstStructure) stats = NULL;
  gboolean wait = FALSE;

  g_object_get (h->element, "stats", &stats, NULL);
  fail_unless (gst_structure_get_boolean (stats, "frames-wait", &wait));
  return wait;
}

/* Returns the age of the next frame's mask, or -1 without a mask. */
static gint
push (GstHarness *h, guint *index)
{
  GstBuffer *out =
      gst_harness_push_and_pull (h, test_frame_at (h, TEST_HALF, (*index)++));
  UnetSegMeta *meta = gst_buffer_get_unet_seg_meta (out);
  gint age = meta ? (gint) meta->age_frames : -1;

  gst_buffer_unref (out);
  return age;
}

/* Returns a stream at 5 frames a second. The wait for a mask, limited to 100
 * ms, is then long enough for a busy machine. */
static GstHarness *
new_stream (const gchar *properties)
{
  GstHarness *h = test_harness_new ("red", properties);
  GstCaps *caps = test_caps (GST_VIDEO_FORMAT_I420, 64, 48);

  gst_caps_set_simple (caps, "framerate", GST_TYPE_FRACTION, 5, 1, NULL);
  gst_harness_set_src_caps (h, caps);
  return h;
}

static void
push_until_marked (GstHarness *h, guint *index)
{
  while (push (h, index) < 0)
    g_usleep (1000);
}

/* Pushes frames until they no longer wait. */
static void
push_until_passing (GstHarness *h, guint *index)
{
  while (frames_wait (h)) {
    push (h, index);
    g_usleep (20 * 1000);
  }
}

GST_START_TEST (test_slow_network)
{
  GstHarness *h = new_stream ("async=auto threads=1");
  guint64 latency = test_stat (h->element, "latency");
  guint index = 0, reused;

  assert_equals_uint64 (latency, 100 * GST_MSECOND);
  push_until_marked (h, &index);
  fail_unless (frames_wait (h));
  g_atomic_int_set (&run_microseconds, SLOW);
  push_until_passing (h, &index);
  reused = test_stat (h->element, "reused");
  for (guint i = 0; i < 20; i++)
    fail_unless (push (h, &index) > 0);
  assert_equals_uint64 (test_stat (h->element, "reused"), reused + 20);
  assert_equals_uint64 (test_stat (h->element, "latency"), latency);
  assert_equals_uint64 (test_stat (h->element, "frames"), index);
  test_harness_free (h);
}

GST_END_TEST;

/* Frames wait again once the network is fast for some time. */
GST_START_TEST (test_recovers)
{
  GstHarness *h = new_stream ("async=auto threads=1");
  guint index = 0;

  g_atomic_int_set (&run_microseconds, SLOW);
  push_until_marked (h, &index);
  push_until_passing (h, &index);
  g_atomic_int_set (&run_microseconds, 0);
  while (!frames_wait (h)) {
    push (h, &index);
    g_usleep (5000);
  }
  fail_unless_equals_int (push (h, &index), 0);
  test_harness_free (h);
}

GST_END_TEST;

/* Lateness that a sink reports changes nothing, because the element measures it
 * itself. */
GST_START_TEST (test_ignores_qos)
{
  GstHarness *h = new_stream ("async=auto threads=1");
  guint index = 0;

  push_until_marked (h, &index);
  fail_unless (gst_harness_push_upstream_event (
      h, gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 1.2, 100 * GST_SECOND, 0)));
  for (guint i = 0; i < 5; i++)
    assert_equals_int (push (h, &index), 0);
  test_harness_free (h);
}

GST_END_TEST;

/* A frame that arrives late does not wait, so that the stream catches up. */
GST_START_TEST (test_late_frame)
{
  GstHarness *h = new_stream ("async=auto threads=1");
  guint index = 0;

  push_until_marked (h, &index);
  assert_equals_int (push (h, &index), 0);
  g_atomic_int_set (&run_microseconds, 20 * 1000);
  gst_harness_use_testclock (h);
  gst_harness_set_time (h, gst_util_uint64_scale (index, GST_SECOND, 30));
  assert_equals_int (push (h, &index), 0); /* in time */
  gst_harness_set_time (h, GST_SECOND * 100);
  fail_unless (push (h, &index) > 0);
  test_harness_free (h);
}

GST_END_TEST;

/* Returns the age of the mask of a frame that arrives late by @lateness, in a
 * pipeline of @latency. */
static gint
push_late (
    GstHarness *h, guint *index, GstClockTime lateness, GstClockTime latency)
{
  fail_unless (
      gst_harness_push_upstream_event (h, gst_event_new_latency (latency)));
  gst_harness_set_time (
      h, gst_util_uint64_scale (*index, GST_SECOND, 30) + lateness);
  return push (h, index);
}

/* A sink that syncs to the clock holds each frame for its own latency. The next
 * frame is late by as much but still waits. */
GST_START_TEST (test_held_by_sink)
{
  GstHarness *h = new_stream ("async=auto threads=1");
  guint64 own = test_stat (h->element, "latency");
  guint index = 0;

  push_until_marked (h, &index);
  g_atomic_int_set (&run_microseconds, 10 * 1000);
  gst_harness_use_testclock (h);
  assert_equals_int (push_late (h, &index, own, 3 * own), 0);
  fail_unless (push_late (h, &index, own, own) > 0);
  test_harness_free (h);
}

GST_END_TEST;

/* In a file every frame waits for its own mask, however slow the network is. */
GST_START_TEST (test_file)
{
  GstHarness *h = test_harness_new ("red", "async=auto threads=1");
  guint index = 0;

  gst_harness_set_live (h, FALSE);
  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  g_atomic_int_set (&run_microseconds, SLOW);
  for (guint i = 0; i < 8; i++)
    assert_equals_int (push (h, &index), 0);
  test_harness_free (h);
}

GST_END_TEST;

/* ---- upstream that learns late that it is live ------------------------- */

static gint answers_latency; /* atomic */
static GstPadQueryFunction answer;

static gboolean
query_source (GstPad *pad, GstObject *parent, GstQuery *query)
{
  if (GST_QUERY_TYPE (query) == GST_QUERY_LATENCY
      && !g_atomic_int_get (&answers_latency))
    return FALSE;
  return answer (pad, parent, query);
}

static GstHarness *
new_silent_stream (void)
{
  GstHarness *h = test_harness_new ("red", "async=auto threads=1");

  g_atomic_int_set (&answers_latency, FALSE);
  answer = GST_PAD_QUERYFUNC (h->srcpad);
  gst_pad_set_query_function (h->srcpad, query_source);
  return h;
}

/* The element is in place before its upstream knows that it is live: an
 * input-selector gives no answer until all its sources have started. No frame
 * waits meanwhile. */
GST_START_TEST (test_live_after_caps)
{
  GstHarness *h = new_silent_stream ();
  guint index = 0;

  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  g_atomic_int_set (&run_microseconds, SLOW);
  for (guint i = 0; i < 5; i++)
    fail_unless (push (h, &index) != 0);
  g_atomic_int_set (&answers_latency, TRUE);
  push_until_passing (h, &index);
  fail_unless (push (h, &index) > 0);
  test_harness_free (h);
}

GST_END_TEST;

/* A source that is no camera answers a few frames late: each frame after that
 * has its own mask. */
GST_START_TEST (test_file_after_caps)
{
  GstHarness *h = new_silent_stream ();
  guint index = 0;

  gst_harness_set_live (h, FALSE);
  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  push (h, &index);
  g_atomic_int_set (&answers_latency, TRUE);
  g_atomic_int_set (&run_microseconds, SLOW);
  for (guint i = 0; i < 5; i++)
    assert_equals_int (push (h, &index), 0);
  test_harness_free (h);
}

GST_END_TEST;

/* A source that never answers counts as a file in the end, also while a run is
 * under way. */
GST_START_TEST (test_never_answers)
{
  GstHarness *h = new_silent_stream ();
  guint index = 0;

  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  push (h, &index);
  g_usleep (G_USEC_PER_SEC); /* The session is mostly compiled by then. */
  g_atomic_int_set (&run_microseconds, SLOW);
  while (index < 30)
    push (h, &index);
  for (guint i = 0; i < 5; i++)
    assert_equals_int (push (h, &index), 0);
  test_harness_free (h);
}

GST_END_TEST;

/* Upstream changes while frames flow: the pipeline distributes its latency
 * then. */
GST_START_TEST (test_live_later)
{
  GstHarness *h = test_harness_new ("red", "async=auto threads=1");
  guint index = 0;

  gst_harness_set_live (h, FALSE);
  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  g_atomic_int_set (&run_microseconds, SLOW);
  for (guint i = 0; i < 5; i++)
    assert_equals_int (push (h, &index), 0);

  gst_harness_set_live (h, TRUE);
  fail_unless (gst_harness_push_upstream_event (
      h, gst_event_new_latency (30 * GST_MSECOND)));
  push_until_passing (h, &index);
  fail_unless (push (h, &index) > 0);
  test_harness_free (h);
}

GST_END_TEST;

/* The property was a boolean in the past. Programs that set a boolean still
 * work. */
GST_START_TEST (test_boolean)
{
  GstHarness *h = test_harness_new ("red", NULL);
  gboolean async;

  g_object_set (h->element, "async", TRUE, NULL);
  g_object_get (h->element, "async", &async, NULL);
  assert_equals_int (async, TRUE);
  g_object_set (h->element, "async", FALSE, NULL);
  g_object_get (h->element, "async", &async, NULL);
  assert_equals_int (async, FALSE);
  gst_util_set_object_arg (G_OBJECT (h->element), "async", "true");
  g_object_get (h->element, "async", &async, NULL);
  assert_equals_int (async, TRUE);
  test_harness_free (h);
}

GST_END_TEST;

static Suite *
live_pacing_suite (void)
{
  Suite *suite = suite_create ("live-pacing");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, set_up, NULL);
  tcase_add_test (tcase, test_slow_network);
  tcase_add_test (tcase, test_recovers);
  tcase_add_test (tcase, test_ignores_qos);
  tcase_add_test (tcase, test_late_frame);
  tcase_add_test (tcase, test_held_by_sink);
  tcase_add_test (tcase, test_file);
  tcase_add_test (tcase, test_live_after_caps);
  tcase_add_test (tcase, test_file_after_caps);
  tcase_add_test (tcase, test_never_answers);
  tcase_add_test (tcase, test_live_later);
  tcase_add_test (tcase, test_boolean);
  return suite;
}

GST_CHECK_MAIN (live_pacing);
