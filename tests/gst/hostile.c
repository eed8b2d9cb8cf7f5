/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests streams with extreme sizes, times, caps and events. Every frame must go
 * on. */

#include <dlfcn.h>
#include <unetseg/unetseg.h>

#include "common.h"

#define TIMEOUT (60 * GST_SECOND)

/* The dynamic linker finds this function before the library's, as in
 * faults.c. */
static gint run_microseconds, runs_begun;

gboolean
unet_session_run (UnetSession *session, GError **error)
{
  gboolean (*run) (UnetSession *, GError **) = dlsym (RTLD_NEXT, __func__);

  g_atomic_int_inc (&runs_begun);
  g_usleep (g_atomic_int_get (&run_microseconds));
  return run (session, error);
}

static void
set_up (void)
{
  test_watch_log ();
  run_microseconds = runs_begun = 0;
}

/* The frame must come out with a mask. ASan and valgrind find writes outside of
 * the buffer, which GstMemory does not check. */
static void
push_marked (GstHarness *h, GstBuffer *in)
{
  gsize size = gst_buffer_get_size (in);
  GstBuffer *out = gst_harness_push_and_pull (h, in);

  fail_unless (out != NULL);
  fail_unless (gst_buffer_get_unet_seg_meta (out) != NULL);
  assert_equals_uint64 (gst_buffer_get_size (out), size);
  gst_buffer_unref (out);
}

/* ---- sizes ------------------------------------------------------------- */

static const GstVideoFormat formats[] = {
  GST_VIDEO_FORMAT_I420,
  GST_VIDEO_FORMAT_NV12,
  GST_VIDEO_FORMAT_YUY2,
  GST_VIDEO_FORMAT_Y41B,
  GST_VIDEO_FORMAT_YUV9,
  GST_VIDEO_FORMAT_RGBx,
  GST_VIDEO_FORMAT_I420_10LE,
  GST_VIDEO_FORMAT_v210,
  GST_VIDEO_FORMAT_GRAY8,
};

GST_START_TEST (test_sizes)
{
  static const guint sizes[][2] = {
    { 1, 1 },
    { 1, 2 },
    { 2, 1 },
    { 1, 1000 },
    { 1000, 1 },
    { 3, 5 },
    { 33, 17 },
    { 641, 479 },
    { 16384, 2 },
    { 16383, 3 },
    { 2, 16384 },
    { 1, 32767 },
    { 32767, 1 },
  };
  GstHarness *h = test_harness_new ("red", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    for (guint k = 0; k < G_N_ELEMENTS (formats); k++) {
      test_harness_set_format (h, formats[k], sizes[i][0], sizes[i][1]);
      push_marked (h, test_frame_at (h, TEST_HALF, k));
    }
  }
  assert_equals_int (
      test_count_messages (h, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR), 0);
  test_harness_free (h);
}

GST_END_TEST;

/* A network of open size follows the frames' aspect within bounds. */
GST_START_TEST (test_open_sizes)
{
  static const guint sizes[][2] = { { 1, 1 }, { 1, 1000 }, { 1000, 1 },
    { 4096, 2 }, { 641, 479 } };
  GstHarness *h = test_harness_new ("red-dynamic", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    test_harness_set_format (
        h, GST_VIDEO_FORMAT_I420, sizes[i][0], sizes[i][1]);
    push_marked (h, test_frame_at (h, TEST_HALF, i));
  }
  test_harness_free (h);
}

GST_END_TEST;

GST_START_TEST (test_no_size)
{
  static const gint sizes[][2] = { { 0, 0 }, { 0, 48 }, { 64, 0 }, { -64, 48 },
    { 64, -48 }, { 32768, 48 }, { G_MAXINT, G_MAXINT } };
  GstHarness *h = test_harness_new ("red", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autoptr (GstCaps) caps = test_caps (GST_VIDEO_FORMAT_I420, 64, 48);

    gst_caps_set_simple (caps, "width", G_TYPE_INT, sizes[i][0], "height",
        G_TYPE_INT, sizes[i][1], NULL);
    fail_if (gst_pad_peer_query_accept_caps (h->srcpad, caps), "%dx%d",
        sizes[i][0], sizes[i][1]);
  }
  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  push_marked (h, test_frame_at (h, TEST_HALF, 0));
  test_harness_free (h);
}

GST_END_TEST;

/* Buffers of every size below the full one pass unchanged in each format, with
 * one warning. */
GST_START_TEST (test_short_buffers)
{
  GstHarness *h = test_harness_new ("red", NULL);

  for (guint k = 0; k < G_N_ELEMENTS (formats); k++) {
    GstVideoInfo info;

    test_harness_set_format (h, formats[k], 33, 7);
    gst_video_info_set_format (&info, formats[k], 33, 7);
    for (gsize size = 0; size < GST_VIDEO_INFO_SIZE (&info);
         size += 1 + size / 3) {
      GstBuffer *in = gst_buffer_new_allocate (NULL, size, NULL), *out;

      out = gst_harness_push_and_pull (h, in);
      fail_unless (out == in);
      fail_unless (gst_buffer_get_unet_seg_meta (out) == NULL);
      gst_buffer_unref (out);
    }
    push_marked (h, test_frame_at (h, TEST_HALF, k));
  }
  assert_equals_int (test_count_messages (h, GST_MESSAGE_WARNING), 1);
  test_harness_free (h);
}

GST_END_TEST;

/* ---- time --------------------------------------------------------------- */

GST_START_TEST (test_timestamps)
{
  static const GstClockTime times[] = { 0, GST_CLOCK_TIME_NONE, 5,
    G_MAXUINT64 - 1, 3 * GST_SECOND, 0, G_MAXINT64, 1, GST_CLOCK_TIME_NONE,
    G_GUINT64_CONSTANT (1) << 63, GST_SECOND };
  static const gchar *const properties[] = { "", "interval=3",
    "interval=2 late=run" };

  for (guint p = 0; p < G_N_ELEMENTS (properties); p++) {
    GstHarness *h = test_harness_new ("red", properties[p]);

    test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
    for (guint i = 0; i < 5 * G_N_ELEMENTS (times); i++) {
      GstBuffer *in = test_frame_at (h, TEST_HALF, i);

      GST_BUFFER_PTS (in) = times[i * 7 % G_N_ELEMENTS (times)];
      GST_BUFFER_DTS (in) = times[i * 3 % G_N_ELEMENTS (times)];
      GST_BUFFER_DURATION (in) = times[i * 5 % G_N_ELEMENTS (times)];
      if (i % 4 == 0)
        GST_BUFFER_FLAG_SET (in, GST_BUFFER_FLAG_DISCONT);
      if (i % 9 == 5)
        GST_BUFFER_FLAG_SET (in, GST_BUFFER_FLAG_CORRUPTED);
      push_marked (h, in);
      gst_harness_push_upstream_event (h,
          gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 1.5,
              i % 2 ? 0 : G_MAXINT64 - i, times[i % G_N_ELEMENTS (times)]));
    }
    test_harness_free (h);
  }
}

GST_END_TEST;

GST_START_TEST (test_segments)
{
  GstHarness *h = test_harness_new ("red", "interval=2");

  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  for (guint i = 0; i < 24; i++) {
    GstSegment segment;

    gst_segment_init (
        &segment, i % 5 == 3 ? GST_FORMAT_BYTES : GST_FORMAT_TIME);
    segment.rate = i % 3 ? -1e-3 : 1e6;
    segment.start = i % 4 ? 0 : G_MAXUINT64 / 2;
    /* A segment with a negative rate must have a stop. */
    segment.stop = i % 2 || segment.rate < 0 ? segment.start
                                             : GST_CLOCK_TIME_NONE;
    segment.base = i % 7 ? 0 : G_MAXUINT64 - 2;
    fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
    /* The base class may drop a frame outside of the segment. */
    if (gst_harness_push (h, test_frame_at (h, TEST_HALF, i)) == GST_FLOW_OK)
      while (gst_harness_buffers_in_queue (h))
        gst_buffer_unref (gst_harness_pull (h));
  }
  test_harness_free (h);
}

GST_END_TEST;

/* ---- caps --------------------------------------------------------------- */

/* Each frame has another format, size, rate and range. */
static void
change_caps (const gchar *model, const gchar *properties, guint n)
{
  static const gchar *const colors[] = { "bt709", "bt601", "sRGB", "2:0:0:0",
    "bt2020" };
  GstHarness *h = test_harness_new (model, properties);

  for (guint i = 0; i < n; i++) {
    GstCaps *caps = test_caps (formats[i * 5 % G_N_ELEMENTS (formats)],
        1 + i * 37 % 301, 1 + i * 53 % 203);

    gst_caps_set_simple (caps, "framerate", GST_TYPE_FRACTION, i % 61, 1,
        "pixel-aspect-ratio", GST_TYPE_FRACTION, 1 + i % 5, 1 + i % 3,
        "colorimetry", G_TYPE_STRING, colors[i % G_N_ELEMENTS (colors)], NULL);
    gst_harness_set_src_caps (h, caps);
    push_marked (h, test_frame_at (h, TEST_HALF, i));
  }
  assert_equals_uint64 (test_stat (h->element, "frames"), n);
  assert_equals_int (
      test_count_messages (h, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR), 0);
  test_harness_free (h);
}

GST_START_TEST (test_caps_every_frame)
{
  change_caps ("red", "", 300);
  change_caps ("red", "output=none interval=4", 100);
  change_caps ("red-dynamic", "", 60);
  change_caps ("classes", "fit=letterbox", 60);
}

GST_END_TEST;

/* ---- other threads ------------------------------------------------------ */

typedef struct {
  GstHarness *h;
  GMutex streaming; /* held while serialised items are pushed */
  gint stop;        /* atomic */
} Storm;

static void
push_segment (GstHarness *h)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  fail_unless (
      gst_pad_push_event (h->srcpad, gst_event_new_segment (&segment)));
}

/* Flushes as a seek does: FLUSH_START at any time, and the rest once the
 * streaming thread has returned. Properties change at the same time. */
static gpointer
storm (gpointer data)
{
  Storm *s = data;

  for (guint i = 0; !g_atomic_int_get (&s->stop); i++) {
    g_autoptr (GstStructure) stats = NULL;

    gst_pad_push_event (s->h->srcpad, gst_event_new_flush_start ());
    g_object_set (s->h->element, "interval", 1 + i % 3, "threshold",
        i % 10 / 10., "opacity", i % 7 / 7., "colors", i % 2 ? "red" : NULL,
        NULL);
    g_object_get (s->h->element, "stats", &stats, NULL);
    g_mutex_lock (&s->streaming);
    gst_pad_push_event (s->h->srcpad, gst_event_new_flush_stop (TRUE));
    push_segment (s->h);
    g_mutex_unlock (&s->streaming);
    g_usleep (i % 5 * 100);
  }
  return NULL;
}

/* The push must not return EOS, ERROR or NOT_NEGOTIATED, which would stop the
 * stream. */
static gboolean
push_in_storm (Storm *s, guint index)
{
  GstBuffer *buffer = test_frame_at (s->h, TEST_HALF, index);
  GstFlowReturn ret;

  g_mutex_lock (&s->streaming);
  ret = gst_pad_push (s->h->srcpad, buffer);
  while (gst_harness_buffers_in_queue (s->h))
    gst_buffer_unref (gst_harness_pull (s->h));
  g_mutex_unlock (&s->streaming);
  fail_unless (ret == GST_FLOW_OK || ret == GST_FLOW_FLUSHING, "%s",
      gst_flow_get_name (ret));
  return ret == GST_FLOW_OK;
}

GST_START_TEST (test_flush_storm)
{
  Storm s = { test_harness_new ("red", NULL) };
  GThread *thread;
  guint passed = 0;

  test_harness_set_format (s.h, GST_VIDEO_FORMAT_I420, 64, 48);
  thread = g_thread_new ("storm", storm, &s);
  /* On a busy machine it takes a while until a frame passes between two
   * flushes. */
  for (guint i = 0; i < 2000 || (passed == 0 && i < 2000000); i++)
    passed += push_in_storm (&s, i);
  g_atomic_int_set (&s.stop, TRUE);
  g_thread_join (thread);
  fail_unless (passed > 0);
  push_marked (s.h, test_frame_at (s.h, TEST_HALF, 0));
  test_harness_free (s.h);
}

GST_END_TEST;

static GstElement *
play_slowly (const gchar *format)
{
  g_autofree gchar *path = test_model ("red");
  g_autofree gchar *launch = g_strdup_printf (format, path);
  GstElement *pipeline = gst_parse_launch (launch, NULL);
  gint begun;

  fail_unless (pipeline != NULL);
  fail_if (gst_element_set_state (pipeline, GST_STATE_PLAYING)
      == GST_STATE_CHANGE_FAILURE);
  fail_if (gst_element_get_state (pipeline, NULL, NULL, TIMEOUT)
      == GST_STATE_CHANGE_FAILURE);
  g_atomic_int_set (&run_microseconds, 50 * 1000);
  begun = g_atomic_int_get (&runs_begun);
  while (g_atomic_int_get (&runs_begun) < begun + 2)
    g_usleep (100);
  return pipeline;
}

/* The pipeline goes to NULL while a frame is in the network. */
GST_START_TEST (test_null_in_a_run)
{
  for (guint i = 0; i < 8; i++) {
    GstElement *pipeline = play_slowly (
        "videotestsrc ! "
        "video/x-raw,width=64,height=48 ! unetseg model=\"%s\" ! fakesink");

    g_usleep (i * 7 * 1000);
    assert_equals_int (gst_element_set_state (pipeline, GST_STATE_NULL),
        GST_STATE_CHANGE_SUCCESS);
    gst_object_unref (pipeline);
    g_atomic_int_set (&run_microseconds, 0);
  }
}

GST_END_TEST;

/* The bin removes the element without blocking its pads first. The source
 * stops, with an error unless a frame was in the element, and no thread waits
 * for ever. */
GST_START_TEST (test_torn_out)
{
  for (guint i = 0; i < 4; i++) {
    GstElement *pipeline = play_slowly (
        "videotestsrc ! "
        "video/x-raw,width=64,height=48 ! unetseg name=seg model=\"%s\" ! "
        "fakesink");
    GstElement *seg = gst_bin_get_by_name (GST_BIN (pipeline), "seg");

    g_usleep (i * 13 * 1000);
    fail_unless (gst_bin_remove (GST_BIN (pipeline), seg));
    assert_equals_int (
        gst_element_set_state (seg, GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
    gst_object_unref (seg);
    assert_equals_int (gst_element_set_state (pipeline, GST_STATE_NULL),
        GST_STATE_CHANGE_SUCCESS);
    gst_object_unref (pipeline);
    g_atomic_int_set (&run_microseconds, 0);
  }
}

GST_END_TEST;

static Suite *
hostile_suite (void)
{
  Suite *suite = suite_create ("hostile");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, set_up, NULL);
  tcase_add_test (tcase, test_sizes);
  tcase_add_test (tcase, test_open_sizes);
  tcase_add_test (tcase, test_no_size);
  tcase_add_test (tcase, test_short_buffers);
  tcase_add_test (tcase, test_timestamps);
  tcase_add_test (tcase, test_segments);
  tcase_add_test (tcase, test_caps_every_frame);
  tcase_add_test (tcase, test_flush_storm);
  tcase_add_test (tcase, test_null_in_a_run);
  tcase_add_test (tcase, test_torn_out);
  return suite;
}

GST_CHECK_MAIN (hostile);
