/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests what a player does with a recording: pauses, steps, seeks, other rates
 * and directions, loops, other caps, and the end. A monitor at the source pad
 * looks at all that leaves. */

#include <glib/gstdio.h>

#include "common.h"
#include "pad-monitor.h"

#define TIMEOUT  (60 * GST_SECOND)
#define FRAMES   90
#define RATE     30
#define KEY_DIST 15 /* frames from one that decodes alone to the next */
#define DURATION (GST_SECOND * FRAMES / RATE)
/* WebM has whole milliseconds. */
#define FRAME (GST_SECOND / RATE + GST_MSECOND)

static gchar *folder;

/* ---- fixture ---------------------------------------------------------- */

static gchar *
recording (const gchar *name)
{
  return g_build_filename (folder, name, NULL);
}

static void
run_to_end (GstElement *pipeline)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, TIMEOUT, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless (message != NULL, "no end");
  assert_equals_int (GST_MESSAGE_TYPE (message), GST_MESSAGE_EOS);
}

static void
record (const gchar *name, guint frames, guint width, guint height)
{
  g_autofree gchar *path = recording (name);
  g_autofree gchar *launch = g_strdup_printf (
      "videotestsrc pattern=ball num-buffers=%u ! "
      "video/x-raw,format=I420,width=%u,height=%u,framerate=%d/1 ! vp8enc "
      "deadline=1 keyframe-max-dist=%d ! webmmux ! filesink location=\"%s\"",
      frames, width, height, RATE, KEY_DIST, path);
  GstElement *pipeline = gst_parse_launch (launch, NULL);

  fail_unless (pipeline != NULL);
  run_to_end (pipeline);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

static void
set_up (void)
{
  test_watch_log ();
  folder = g_dir_make_tmp ("unetseg-recording-XXXXXX", NULL);
  record ("a.webm", FRAMES, 64, 48);
}

static void
tear_down (void)
{
  static const gchar *const names[] = { "a.webm", "b.webm" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree gchar *path = recording (names[i]);

    g_unlink (path);
  }
  g_rmdir (folder);
  g_clear_pointer (&folder, g_free);
}

typedef struct {
  GstElement *pipeline, *caps, *sink;
  TestMonitor monitor;
  guint digest; /* of all masks */
} Fixture;

static GstPadProbeReturn
digest_mask (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  UnetSegMeta *meta =
      gst_buffer_get_unet_seg_meta (GST_PAD_PROBE_INFO_BUFFER (info));
  guint *digest = data;
  GstMapInfo map;

  if (meta && gst_buffer_map (meta->class_map, &map, GST_MAP_READ)) {
    for (gsize i = 0; i < map.size; i++)
      *digest = *digest * 31 + map.data[i];
    gst_buffer_unmap (meta->class_map, &map);
  }
  return GST_PAD_PROBE_OK;
}

/* @source ends at the raw frames. */
static void
open_pipeline (Fixture *f, const gchar *source, const gchar *sync)
{
  g_autofree gchar *model = test_model ("red-dynamic");
  g_autofree gchar *launch =
      g_strdup_printf ("%s ! videoscale ! capsfilter name=caps ! unetseg "
                       "name=seg model=\"%s\" ! fakesink name=sink sync=%s",
          source, model, sync);
  GstElement *seg;
  GstPad *pad;

  f->pipeline = gst_parse_launch (launch, NULL);
  fail_unless (f->pipeline != NULL, "%s", launch);
  f->caps = gst_bin_get_by_name (GST_BIN (f->pipeline), "caps");
  f->sink = gst_bin_get_by_name (GST_BIN (f->pipeline), "sink");
  seg = gst_bin_get_by_name (GST_BIN (f->pipeline), "seg");
  pad = gst_element_get_static_pad (seg, "src");
  f->digest = 0;
  test_monitor_init (&f->monitor, pad);
  gst_pad_add_probe (
      pad, GST_PAD_PROBE_TYPE_BUFFER, digest_mask, &f->digest, NULL);
  gst_object_unref (pad);
  gst_object_unref (seg);
}

static gchar *
decode (const gchar *name)
{
  g_autofree gchar *path = recording (name);

  return g_strdup_printf (
      "filesrc location=\"%s\" ! matroskademux ! vp8dec ! videoconvert", path);
}

static void
wait_for_state (Fixture *f, GstState state)
{
  gst_element_set_state (f->pipeline, state);
  assert_equals_int (gst_element_get_state (f->pipeline, NULL, NULL, TIMEOUT),
      GST_STATE_CHANGE_SUCCESS);
}

static void
open_fixture (Fixture *f, const gchar *sync)
{
  g_autofree gchar *source = decode ("a.webm");

  open_pipeline (f, source, sync);
  wait_for_state (f, GST_STATE_PAUSED);
}

static void
close_fixture (Fixture *f)
{
  gst_element_set_state (f->pipeline, GST_STATE_NULL);
  test_monitor_clear (&f->monitor);
  gst_object_unref (f->caps);
  gst_object_unref (f->sink);
  gst_object_unref (f->pipeline);
}

static guint
read_number (Fixture *f, const guint *number)
{
  return test_monitor_read (&f->monitor, number);
}

static void
wait_for_number (Fixture *f, const guint *number, guint least)
{
  test_monitor_wait (&f->monitor, number, least, TIMEOUT);
}

static void
wait_for_message (Fixture *f, GstMessageType type)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (f->pipeline);
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (bus, TIMEOUT, type | GST_MESSAGE_ERROR);

  fail_unless (message != NULL, "no %s", gst_message_type_get_name (type));
  assert_equals_int (GST_MESSAGE_TYPE (message), type);
}

static void
seek (Fixture *f, gdouble rate, GstSeekFlags flags, GstClockTime start,
    GstClockTime stop)
{
  fail_unless (gst_element_seek (f->pipeline, rate, GST_FORMAT_TIME, flags,
      GST_SEEK_TYPE_SET, start, GST_SEEK_TYPE_SET, stop));
  if (flags & GST_SEEK_FLAG_FLUSH)
    assert_equals_int (gst_element_get_state (f->pipeline, NULL, NULL, TIMEOUT),
        GST_STATE_CHANGE_SUCCESS);
}

/* Every frame since the segment has a mask of its own. */
static void
assert_all_marked (Fixture *f)
{
  assert_equals_int (f->monitor.marked, f->monitor.buffers);
  assert_equals_int (f->monitor.own, f->monitor.buffers);
}

/* ---- cases ------------------------------------------------------------ */

/* Pauses hold all frames, and none is lost or made twice. */
GST_START_TEST (test_pause)
{
  Fixture f;

  open_fixture (&f, "true");
  gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  for (guint i = 1; i <= 3; i++) {
    guint sent;

    wait_for_number (&f, &f.monitor.sent, 20 * i);
    wait_for_state (&f, GST_STATE_PAUSED);
    g_usleep (50 * G_TIME_SPAN_MILLISECOND);
    sent = read_number (&f, &f.monitor.sent);
    g_usleep (150 * G_TIME_SPAN_MILLISECOND);
    assert_equals_int (read_number (&f, &f.monitor.sent), sent);
    gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  }
  wait_for_message (&f, GST_MESSAGE_EOS);
  assert_equals_int (f.monitor.sent, FRAMES);
  assert_equals_int (f.monitor.marked, FRAMES);
  close_fixture (&f);
}

GST_END_TEST;

/* A paused player goes on by single frames. */
GST_START_TEST (test_step)
{
  GstClockTime last = GST_CLOCK_TIME_NONE;
  Fixture f;

  open_fixture (&f, "true");
  for (guint i = 0; i < 10; i++) {
    g_autoptr (GstSample) sample = NULL;
    GstBuffer *frame;

    g_object_get (f.sink, "last-sample", &sample, NULL);
    frame = gst_sample_get_buffer (sample);
    assert_equals_int (test_meta_of (frame)->age_frames, 0);
    fail_unless (i == 0
        || (GST_BUFFER_PTS (frame) > last
            && GST_BUFFER_PTS (frame) <= last + FRAME));
    last = GST_BUFFER_PTS (frame);
    fail_unless (gst_element_send_event (
        f.sink, gst_event_new_step (GST_FORMAT_BUFFERS, 1, 1., TRUE, FALSE)));
    wait_for_message (&f, GST_MESSAGE_STEP_DONE);
    assert_equals_int (gst_element_get_state (f.pipeline, NULL, NULL, TIMEOUT),
        GST_STATE_CHANGE_SUCCESS);
  }
  close_fixture (&f);
}

GST_END_TEST;

/* The first frame after a seek is the one that was asked for, with its mask. */
GST_START_TEST (test_seek)
{
  static const gdouble places[] = { .5, .1, .9, .0, .33 };
  Fixture f;

  open_fixture (&f, "false");
  for (guint i = 0; i < G_N_ELEMENTS (places); i++) {
    GstClockTime to = places[i] * DURATION;

    seek (&f, 1, GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE, to, -1);
    fail_unless (f.monitor.first >= to && f.monitor.first < to + FRAME,
        "%" GST_TIME_FORMAT " after %" GST_TIME_FORMAT,
        GST_TIME_ARGS (f.monitor.first), GST_TIME_ARGS (to));
    assert_all_marked (&f);
  }
  run_to_end (f.pipeline);
  assert_equals_int (f.monitor.buffers, FRAMES - FRAMES * 33 / 100);
  assert_all_marked (&f);
  close_fixture (&f);
}

GST_END_TEST;

/* While frames flow, to frames that decode alone. */
GST_START_TEST (test_seek_while_playing)
{
  Fixture f;

  open_fixture (&f, "true");
  gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  for (guint i = 0; i < 8; i++) {
    GstClockTime to = DURATION * (i * 3 % 8) / 8;

    seek (&f, 1, GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_KEY_UNIT, to, -1);
    wait_for_number (&f, &f.monitor.buffers, 3);
    fail_unless (f.monitor.first <= to + FRAME
        && f.monitor.first + KEY_DIST * FRAME >= to);
  }
  close_fixture (&f);
}

GST_END_TEST;

static const struct {
  gdouble rate;
  GstSeekFlags flags;
  guint least, most; /* frames from 0 to the end */
} rates[] = {
  { 2, 0, FRAMES, FRAMES },
  { .5, 0, FRAMES, FRAMES },
  { -1, 0, FRAMES, FRAMES },
  { -2, 0, FRAMES, FRAMES },
  { 4, GST_SEEK_FLAG_TRICKMODE | GST_SEEK_FLAG_TRICKMODE_KEY_UNITS,
      FRAMES / KEY_DIST, FRAMES / KEY_DIST + 1 },
};

/* The monitor knows which way time goes. */
GST_START_TEST (test_rate)
{
  Fixture f;

  open_fixture (&f, "false");
  seek (&f, rates[__i__].rate,
      GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE | rates[__i__].flags, 0,
      DURATION);
  run_to_end (f.pipeline);
  fail_unless (f.monitor.segment.rate == rates[__i__].rate);
  fail_unless (f.monitor.buffers >= rates[__i__].least
          && f.monitor.buffers <= rates[__i__].most,
      "%u frames", f.monitor.buffers);
  assert_all_marked (&f);
  close_fixture (&f);
}

GST_END_TEST;

/* A loop without flushes has the same frames each time. */
GST_START_TEST (test_loop)
{
  Fixture f;

  open_fixture (&f, "false");
  seek (&f, 1,
      GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE | GST_SEEK_FLAG_SEGMENT, 0,
      GST_SECOND);
  gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  for (guint i = 0; i < 3; i++) {
    wait_for_message (&f, GST_MESSAGE_SEGMENT_DONE);
    assert_equals_int (f.monitor.buffers, RATE);
    assert_all_marked (&f);
    seek (&f, 1, GST_SEEK_FLAG_ACCURATE | (i < 2 ? GST_SEEK_FLAG_SEGMENT : 0),
        0, GST_SECOND);
  }
  wait_for_message (&f, GST_MESSAGE_EOS);
  assert_equals_int (f.monitor.buffers, RATE);
  close_fixture (&f);
}

GST_END_TEST;

/* After its end a recording plays again, with the same masks. */
GST_START_TEST (test_end)
{
  guint digest = 0;
  Fixture f;

  open_fixture (&f, "false");
  for (guint i = 0; i < 3; i++) {
    wait_for_state (&f, GST_STATE_PAUSED);
    f.digest = 0; /* no frame comes: the sink holds one, or the end */
    seek (&f, 1, GST_SEEK_FLAG_FLUSH, 0, -1);
    run_to_end (f.pipeline);
    assert_equals_int (f.monitor.buffers, FRAMES);
    assert_all_marked (&f);
    fail_unless (i == 0 || f.digest == digest);
    digest = f.digest;
  }
  close_fixture (&f);
}

GST_END_TEST;

/* Downstream of the decoder frames change size and format. */
GST_START_TEST (test_other_caps)
{
  static const gchar *const texts[] = { "video/x-raw,width=32,height=32",
    "video/x-raw,width=128,height=96", "video/x-raw,width=64,height=48" };
  Fixture f;

  open_fixture (&f, "true");
  gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (GstCaps) caps = gst_caps_from_string (texts[i]);

    g_object_set (f.caps, "caps", caps, NULL);
    wait_for_number (&f, &f.monitor.sizes, i + 2);
    wait_for_number (
        &f, &f.monitor.sent, read_number (&f, &f.monitor.sent) + 3);
  }
  wait_for_message (&f, GST_MESSAGE_EOS);
  assert_equals_int (f.monitor.sent, FRAMES);
  assert_equals_int (f.monitor.marked, f.monitor.buffers);
  close_fixture (&f);
}

GST_END_TEST;

/* Two recordings of other sizes are one stream. */
GST_START_TEST (test_two)
{
  g_autofree gchar *first = decode ("a.webm"), *second = NULL;
  g_autofree gchar *source = NULL;
  Fixture f;

  record ("b.webm", RATE, 96, 64);
  second = decode ("b.webm");
  source = g_strdup_printf ("%s ! c. %s ! c. concat name=c", first, second);
  open_pipeline (&f, source, "false");
  run_to_end (f.pipeline);
  assert_equals_int (f.monitor.sent, FRAMES + RATE);
  assert_equals_int (f.monitor.sizes, 2);
  assert_all_marked (&f);
  close_fixture (&f);
}

GST_END_TEST;

static Suite *
recording_suite (void)
{
  Suite *suite = suite_create ("recording");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, set_up, tear_down);
  tcase_add_test (tcase, test_pause);
  tcase_add_test (tcase, test_step);
  tcase_add_test (tcase, test_seek);
  tcase_add_test (tcase, test_seek_while_playing);
  tcase_add_loop_test (tcase, test_rate, 0, G_N_ELEMENTS (rates));
  tcase_add_test (tcase, test_loop);
  tcase_add_test (tcase, test_end);
  tcase_add_test (tcase, test_other_caps);
  tcase_add_test (tcase, test_two);
  return suite;
}

GST_CHECK_MAIN (recording);
