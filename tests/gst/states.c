/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests state changes, seeks and relinking, alone and in running pipelines. */

#include "common.h"

#define TIMEOUT (60 * GST_SECOND)

static GstElement *
parse (const gchar *format, const gchar *model)
{
  g_autofree gchar *path = test_model (model);
  g_autofree gchar *launch = g_strdup_printf (format, path);
  g_autoptr (GError) error = NULL;
  GstElement *pipeline = gst_parse_launch (launch, &error);

  fail_unless (error == NULL, "%s", error ? error->message : "");
  return pipeline;
}

static void
free_pipeline (GstElement *pipeline)
{
  assert_equals_int (gst_element_set_state (pipeline, GST_STATE_NULL),
      GST_STATE_CHANGE_SUCCESS);
  gst_object_unref (pipeline);
}

static void
set_state (GstElement *element, GstState state)
{
  fail_if (gst_element_set_state (element, state) == GST_STATE_CHANGE_FAILURE);
  fail_if (gst_element_get_state (element, NULL, NULL, TIMEOUT)
      == GST_STATE_CHANGE_FAILURE);
}

static void
wait_for_eos (GstElement *pipeline)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message = gst_bus_timed_pop_filtered (
      bus, TIMEOUT, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);

  fail_unless (message != NULL, "no end");
  assert_equals_int (GST_MESSAGE_TYPE (message), GST_MESSAGE_EOS);
  gst_message_unref (message);
  gst_object_unref (bus);
}

/* ---- buffers at a pad ------------------------------------------------- */

typedef struct {
  gint buffers, marked;
} Count;

static GstPadProbeReturn
count_buffer (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  UnetSegMeta *meta =
      gst_buffer_get_unet_seg_meta (GST_PAD_PROBE_INFO_BUFFER (info));
  Count *count = data;

  g_atomic_int_inc (&count->buffers);
  if (meta)
    g_atomic_int_inc (&count->marked);
  return GST_PAD_PROBE_OK;
}

static void
count_at (GstElement *pipeline, const gchar *element, Count *count)
{
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), element);
  GstPad *pad = gst_element_get_static_pad (sink, "sink");

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, count_buffer, count, NULL);
  gst_object_unref (pad);
  gst_object_unref (sink);
}

static void
wait_for_buffers (Count *count, gint n)
{
  gint64 end = g_get_monotonic_time () + TIMEOUT / 1000;

  while (
      g_atomic_int_get (&count->buffers) < n && g_get_monotonic_time () < end)
    g_usleep (1000);
  fail_unless (g_atomic_int_get (&count->buffers) >= n);
}

/* ---- alone ------------------------------------------------------------ */

/* Changes states as GStreamer's generic/states test does. */
static void
go_through_states (GstElement *element)
{
  for (guint i = 0; i < 3; i++) {
    set_state (element, GST_STATE_READY);
    set_state (element, GST_STATE_PAUSED);
    set_state (element, GST_STATE_PLAYING);
    set_state (element, GST_STATE_PAUSED);
    set_state (element, GST_STATE_READY);
    set_state (element, GST_STATE_PAUSED);
    set_state (element, GST_STATE_READY);
    set_state (element, GST_STATE_NULL);
  }
  set_state (element, GST_STATE_PLAYING);
  set_state (element, GST_STATE_NULL);
  gst_object_unref (element);
}

GST_START_TEST (test_all_transitions)
{
  g_autofree gchar *path = test_model ("red");
  GstElement *element = gst_element_factory_make ("unetseg", NULL);

  g_object_set (element, "model", path, NULL);
  go_through_states (element);
  go_through_states (gst_element_factory_make ("unetsegdraw", NULL));
}

GST_END_TEST;

GST_START_TEST (test_never_started)
{
  GstElement *element = gst_element_factory_make ("unetseg", NULL);
  g_autoptr (GstStructure) stats = NULL;

  g_object_get (element, "stats", &stats, NULL);
  fail_unless (stats != NULL);
  assert_equals_uint64 (test_stat (element, "frames"), 0);
  gst_object_unref (element);
}

GST_END_TEST;

/* ---- in pipelines ----------------------------------------------------- */

GST_START_TEST (test_plays_to_the_end)
{
  GstElement *pipeline =
      parse ("videotestsrc num-buffers=50 ! "
             "video/x-raw,width=64,height=48 ! unetseg model=\"%s\" ! "
             "fakesink name=sink",
          "red");
  Count count = { 0 };

  count_at (pipeline, "sink", &count);
  set_state (pipeline, GST_STATE_PLAYING);
  wait_for_eos (pipeline);
  assert_equals_int (count.buffers, 50);
  assert_equals_int (count.marked, 50);
  free_pipeline (pipeline);
}

GST_END_TEST;

/* Pauses lose no frame. */
GST_START_TEST (test_pauses)
{
  GstElement *pipeline =
      parse ("videotestsrc num-buffers=300 ! "
             "video/x-raw,width=64,height=48 ! unetseg model=\"%s\" ! "
             "identity sleep-time=1000 ! fakesink name=sink",
          "red");
  Count count = { 0 };

  count_at (pipeline, "sink", &count);
  for (guint i = 1; i <= 10; i++) {
    set_state (pipeline, GST_STATE_PLAYING);
    wait_for_buffers (&count, 20 * i);
    set_state (pipeline, GST_STATE_PAUSED);
  }
  set_state (pipeline, GST_STATE_PLAYING);
  wait_for_eos (pipeline);
  assert_equals_int (count.buffers, 300);
  assert_equals_int (count.marked, 300);
  free_pipeline (pipeline);
}

GST_END_TEST;

/* READY clears all state, and the next stream is complete. */
GST_START_TEST (test_restarts)
{
  GstElement *pipeline =
      parse ("videotestsrc num-buffers=40 ! "
             "video/x-raw,width=64,height=48 ! "
             "unetseg name=seg model=\"%s\" interval=1000 ! fakesink name=sink",
          "red");
  GstElement *seg = gst_bin_get_by_name (GST_BIN (pipeline), "seg");
  Count count = { 0 };

  count_at (pipeline, "sink", &count);
  for (guint i = 0; i < 5; i++) {
    count.buffers = count.marked = 0;
    set_state (pipeline, GST_STATE_PLAYING);
    wait_for_eos (pipeline);
    assert_equals_int (count.buffers, 40);
    assert_equals_int (count.marked, 40);
    assert_equals_uint64 (test_stat (seg, "frames"), 40);
    assert_equals_uint64 (test_stat (seg, "segmented"), 1);
    set_state (pipeline, GST_STATE_READY);
  }
  gst_object_unref (seg);
  free_pipeline (pipeline);
}

GST_END_TEST;

/* The pipeline goes from PAUSED to READY while frames are on their way. */
GST_START_TEST (test_stops_any_time)
{
  GstElement *pipeline =
      parse ("videotestsrc ! "
             "video/x-raw,width=64,height=48 ! unetseg model=\"%s\" ! queue ! "
             "fakesink name=sink",
          "red");
  Count count = { 0 };

  count_at (pipeline, "sink", &count);
  for (guint i = 0; i < 10; i++) {
    gint from = g_atomic_int_get (&count.buffers);

    set_state (pipeline, GST_STATE_PLAYING);
    wait_for_buffers (&count, from + 1 + i);
    set_state (pipeline, i % 2 ? GST_STATE_READY : GST_STATE_NULL);
  }
  free_pipeline (pipeline);
}

GST_END_TEST;

static GstPadProbeReturn
note_block (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  g_atomic_int_set ((gint *) data, TRUE);
  return GST_PAD_PROBE_OK;
}

/* Blocks the pad between two frames. */
static gulong
block (GstPad *pad)
{
  static gint blocked; /* a test that fails leaves the stream running */
  gint64 end = g_get_monotonic_time () + TIMEOUT / 1000;
  gulong probe;

  g_atomic_int_set (&blocked, FALSE);
  probe = gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER, note_block,
      &blocked, NULL);
  while (!g_atomic_int_get (&blocked) && g_get_monotonic_time () < end)
    g_usleep (1000);
  fail_unless (g_atomic_int_get (&blocked), "no frame");
  return probe;
}

/* The element alone restarts while the pipeline plays. */
GST_START_TEST (test_restarts_while_playing)
{
  GstElement *pipeline = parse (
      "videotestsrc is-live=true ! "
      "video/x-raw,width=64,height=48,framerate=200/1 ! queue name=before ! "
      "unetseg name=seg model=\"%s\" async=false ! "
      "fakesink name=sink async=false",
      "red");
  GstElement *seg = gst_bin_get_by_name (GST_BIN (pipeline), "seg");
  GstElement *before = gst_bin_get_by_name (GST_BIN (pipeline), "before");
  GstPad *pad = gst_element_get_static_pad (before, "src");
  Count count = { 0 };

  count_at (pipeline, "sink", &count);
  set_state (pipeline, GST_STATE_PLAYING);
  wait_for_buffers (&count, 10);
  for (guint i = 0; i < 5; i++) {
    gulong probe = block (pad);
    gint from = g_atomic_int_get (&count.buffers);

    set_state (seg, GST_STATE_READY);
    set_state (seg, GST_STATE_PLAYING);
    gst_pad_remove_probe (pad, probe);
    wait_for_buffers (&count, from + 5);
  }
  assert_equals_int (
      g_atomic_int_get (&count.buffers), g_atomic_int_get (&count.marked));
  gst_object_unref (pad);
  gst_object_unref (before);
  gst_object_unref (seg);
  free_pipeline (pipeline);
}

GST_END_TEST;

static GstPadProbeReturn
take_out (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstElement *pipeline = data;
  GstElement *seg = gst_bin_get_by_name (GST_BIN (pipeline), "seg");
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  GstPad *peer = gst_element_get_static_pad (sink, "sink");

  gst_element_set_state (seg, GST_STATE_NULL);
  gst_bin_remove (GST_BIN (pipeline), seg);
  gst_object_unref (seg);
  fail_unless (gst_pad_link (pad, peer) == GST_PAD_LINK_OK);
  gst_object_unref (peer);
  gst_object_unref (sink);
  return GST_PAD_PROBE_REMOVE;
}

/* A probe removes the element from a running pipeline between two frames. */
GST_START_TEST (test_removed)
{
  GstElement *pipeline = parse (
      "videotestsrc num-buffers=400 ! "
      "video/x-raw,width=64,height=48 ! identity name=before sleep-time=500 ! "
      "unetseg name=seg model=\"%s\" ! fakesink name=sink",
      "red");
  GstElement *before = gst_bin_get_by_name (GST_BIN (pipeline), "before");
  GstPad *pad = gst_element_get_static_pad (before, "src");
  Count count = { 0 };

  count_at (pipeline, "sink", &count);
  set_state (pipeline, GST_STATE_PLAYING);
  wait_for_buffers (&count, 50);
  gst_pad_add_probe (
      pad, GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM, take_out, pipeline, NULL);
  wait_for_eos (pipeline);
  assert_equals_int (count.buffers, 400);
  fail_unless (count.marked >= 50 && count.marked < 400);
  gst_object_unref (pad);
  gst_object_unref (before);
  free_pipeline (pipeline);
}

GST_END_TEST;

GST_START_TEST (test_seeks)
{
  GstElement *pipeline =
      parse ("videotestsrc num-buffers=100000 ! "
             "video/x-raw,width=64,height=48 ! "
             "unetseg model=\"%s\" interval=1000 ! fakesink name=sink",
          "red");
  Count count = { 0 };

  count_at (pipeline, "sink", &count);
  set_state (pipeline, GST_STATE_PLAYING);
  for (guint i = 0; i < 20; i++) {
    gint from;

    fail_unless (gst_element_seek_simple (
        pipeline, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, i * GST_SECOND));
    fail_if (gst_element_get_state (pipeline, NULL, NULL, TIMEOUT)
        == GST_STATE_CHANGE_FAILURE);
    from = g_atomic_int_get (&count.buffers);
    wait_for_buffers (&count, from + 3);
  }
  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  assert_equals_int (
      g_atomic_int_get (&count.buffers), g_atomic_int_get (&count.marked));
  free_pipeline (pipeline);
}

GST_END_TEST;

/* Another thread flushes as fast as it can. */
GST_START_TEST (test_flush_storm)
{
  GstElement *pipeline =
      parse ("videotestsrc ! "
             "video/x-raw,width=64,height=48 ! unetseg model=\"%s\" ! "
             "fakesink name=sink async=false",
          "red");
  Count count = { 0 };

  count_at (pipeline, "sink", &count);
  set_state (pipeline, GST_STATE_PLAYING);
  wait_for_buffers (&count, 5);
  for (guint i = 0; i < 200; i++)
    fail_unless (gst_element_seek_simple (
        pipeline, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, 0));
  wait_for_buffers (&count, g_atomic_int_get (&count.buffers) + 5);
  free_pipeline (pipeline);
}

GST_END_TEST;

/* Two elements in a chain add a mask each. The branches of a tee do not affect
 * each other. */
GST_START_TEST (test_company)
{
  g_autofree gchar *wide = test_model ("red-wide");
  g_autofree gchar *format = g_strdup_printf (
      "videotestsrc num-buffers=30 ! "
      "video/x-raw,width=64,height=48 ! unetseg model=\"%%s\" ! tee name=t "
      "t. ! queue ! unetseg model=\"%s\" ! fakesink name=both "
      "t. ! queue ! fakesink name=one",
      wide);
  GstElement *pipeline = parse (format, "red");
  Count both = { 0 }, one = { 0 };

  count_at (pipeline, "both", &both);
  count_at (pipeline, "one", &one);
  set_state (pipeline, GST_STATE_PLAYING);
  wait_for_eos (pipeline);
  assert_equals_int (both.buffers, 30);
  assert_equals_int (both.marked, 30);
  assert_equals_int (one.buffers, 30);
  assert_equals_int (one.marked, 30);
  free_pipeline (pipeline);
}

GST_END_TEST;

GST_START_TEST (test_two_masks)
{
  g_autofree gchar *wide = test_model ("red-wide");
  g_autofree gchar *red = test_model ("red");
  g_autofree gchar *launch =
      g_strdup_printf ("unetseg async=false model=\"%s\" output=none ! "
                       "unetseg async=false model=\"%s\" output=none",
          red, wide);
  GstHarness *h = gst_harness_new_parse (launch);
  gpointer state = NULL;
  guint widths[2] = { 0 }, n = 0;
  GstBuffer *out;
  GstMeta *meta;

  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  out = gst_harness_push_and_pull (h, test_frame_at (h, TEST_HALF, 0));
  while ((meta = gst_buffer_iterate_meta_filtered (
              out, &state, UNET_SEG_META_API_TYPE))
      && n < 2)
    widths[n++] = ((UnetSegMeta *) meta)->width;
  assert_equals_int (n, 2);
  assert_equals_int (widths[0] + widths[1], 32 + 64);
  gst_buffer_unref (out);
  gst_harness_teardown (h);
}

GST_END_TEST;

static Suite *
states_suite (void)
{
  Suite *suite = suite_create ("states");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, test_watch_log, NULL);
  tcase_add_test (tcase, test_all_transitions);
  tcase_add_test (tcase, test_never_started);
  tcase_add_test (tcase, test_plays_to_the_end);
  tcase_add_test (tcase, test_pauses);
  tcase_add_test (tcase, test_restarts);
  tcase_add_test (tcase, test_stops_any_time);
  tcase_add_test (tcase, test_restarts_while_playing);
  tcase_add_test (tcase, test_removed);
  tcase_add_test (tcase, test_seeks);
  tcase_add_test (tcase, test_flush_storm);
  tcase_add_test (tcase, test_company);
  tcase_add_test (tcase, test_two_masks);
  return suite;
}

GST_CHECK_MAIN (states);
