/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests seeks, pauses, new caps and the end of the stream while a mask is under
 * way. A monitor at the source pad looks at all that leaves. */

#include <dlfcn.h>
#include <unetseg/unetseg.h>

#include "common.h"
#include "pad-monitor.h"

#define TIMEOUT  (60 * GST_SECOND)
#define RUN_TIME (100 * G_TIME_SPAN_MILLISECOND)
#define SEEK_TO  (10 * GST_SECOND)

/* The plugin finds this function before the library's, as in faults.c. */
static gint runs, under_way; /* atomic */

gboolean
unet_session_run (UnetSession *session, GError **error)
{
  gboolean (*run) (UnetSession *, GError **) = dlsym (RTLD_NEXT, __func__);
  gboolean ok;

  g_atomic_int_inc (&runs);
  g_atomic_int_inc (&under_way);
  g_usleep (RUN_TIME);
  ok = run (session, error);
  g_atomic_int_add (&under_way, -1);
  return ok;
}

/* ---- fixture ---------------------------------------------------------- */

/* Frames wait for their masks, pass at once, or as a live stream does. */
static const struct {
  const gchar *source, *async;
} modes[] = {
  { "is-live=false", "false" },
  { "is-live=false", "true" },
  { "is-live=true", "auto" },
};

typedef struct {
  GstElement *pipeline, *seg, *caps;
  TestMonitor monitor;
  gint frames; /* atomic: that came to the element */
} Fixture;

static GstPadProbeReturn
count_frame (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  g_atomic_int_inc ((gint *) data);
  return GST_PAD_PROBE_OK;
}

static void
add_probes (Fixture *f)
{
  GstPad *sink = gst_element_get_static_pad (f->seg, "sink");
  GstPad *src = gst_element_get_static_pad (f->seg, "src");

  gst_pad_add_probe (
      sink, GST_PAD_PROBE_TYPE_BUFFER, count_frame, &f->frames, NULL);
  test_monitor_init (&f->monitor, src);
  gst_object_unref (sink);
  gst_object_unref (src);
}

/* Plays until a mask has left and another one is under way. */
static void
wait_for_run (void)
{
  gint64 end = g_get_monotonic_time () + TIMEOUT / 1000;
  gint before = g_atomic_int_get (&runs);

  while (g_get_monotonic_time () < end
      && (g_atomic_int_get (&runs) < before + 2
          || g_atomic_int_get (&under_way) == 0))
    g_usleep (500);
  fail_unless (g_atomic_int_get (&under_way) > 0, "no mask is under way");
}

static void
open_fixture (Fixture *f, guint mode, gint frames)
{
  g_autofree gchar *model = test_model ("red-dynamic");
  g_autofree gchar *launch = g_strdup_printf (
      "videotestsrc pattern=ball %s num-buffers=%d ! capsfilter name=caps "
      "caps=video/x-raw,format=I420,width=64,height=48,framerate=30/1 ! "
      "unetseg name=seg model=\"%s\" async=%s ! fakesink sync=true",
      modes[mode].source, frames, model, modes[mode].async);

  memset (f, 0, sizeof (*f));
  f->pipeline = gst_parse_launch (launch, NULL);
  fail_unless (f->pipeline != NULL);
  f->seg = gst_bin_get_by_name (GST_BIN (f->pipeline), "seg");
  f->caps = gst_bin_get_by_name (GST_BIN (f->pipeline), "caps");
  add_probes (f);
  gst_element_set_state (f->pipeline, GST_STATE_PLAYING);
}

static void
close_fixture (Fixture *f)
{
  assert_equals_int (gst_element_set_state (f->pipeline, GST_STATE_NULL),
      GST_STATE_CHANGE_SUCCESS);
  assert_equals_int (g_atomic_int_get (&under_way), 0);
  gst_object_unref (f->seg);
  gst_object_unref (f->caps);
  gst_object_unref (f->pipeline);
  test_monitor_clear (&f->monitor);
}

static void
assert_no_message (Fixture *f, GstMessageType types)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (f->pipeline);
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (bus, types);

  fail_unless (message == NULL, "%s", GST_MESSAGE_TYPE_NAME (message));
}

static void
wait_for_end (Fixture *f)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (f->pipeline);
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (
      bus, TIMEOUT, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);

  fail_unless (message != NULL, "no end");
  assert_equals_int (GST_MESSAGE_TYPE (message), GST_MESSAGE_EOS);
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

/* ---- cases ------------------------------------------------------------ */

/* A live source cannot seek. No frame after the seek has a mask of a frame
 * before it, although that mask was under way. */
GST_START_TEST (test_seek)
{
  GstEvent *seek = gst_event_new_seek (1, GST_FORMAT_TIME,
      GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE, GST_SEEK_TYPE_SET, SEEK_TO,
      GST_SEEK_TYPE_NONE, 0);
  guint32 seqnum = gst_event_get_seqnum (seek);
  Fixture f;

  open_fixture (&f, __i__, -1);
  wait_for_run ();
  fail_unless (gst_element_send_event (f.pipeline, seek));
  assert_equals_int (gst_element_get_state (f.pipeline, NULL, NULL, TIMEOUT),
      GST_STATE_CHANGE_SUCCESS);
  wait_for_number (&f, &f.monitor.marked, 5);
  fail_unless (f.monitor.seqnum == seqnum);
  assert_equals_uint64 (f.monitor.segment.start, SEEK_TO);
  assert_no_message (&f, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
  close_fixture (&f);
}

GST_END_TEST;

/* No frame leaves while the pipeline pauses, and the stream goes on after it. A
 * sink holds one frame in PAUSED. */
GST_START_TEST (test_pause)
{
  guint before, marked;
  Fixture f;

  open_fixture (&f, __i__, -1);
  wait_for_run ();
  fail_if (gst_element_set_state (f.pipeline, GST_STATE_PAUSED)
      == GST_STATE_CHANGE_FAILURE);
  fail_if (gst_element_get_state (f.pipeline, NULL, NULL, TIMEOUT)
      == GST_STATE_CHANGE_FAILURE);
  g_usleep (3 * RUN_TIME);
  before = read_number (&f, &f.monitor.sent);
  g_usleep (3 * RUN_TIME);
  assert_equals_int (read_number (&f, &f.monitor.sent), before);
  assert_equals_int (g_atomic_int_get (&under_way), 0);
  gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  marked = read_number (&f, &f.monitor.marked);
  wait_for_number (&f, &f.monitor.marked, marked + 5);
  assert_no_message (&f, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
  close_fixture (&f);
}

GST_END_TEST;

/* Frames of another size and format get masks of their own size. */
GST_START_TEST (test_new_caps)
{
  static const gchar *const caps[] = {
    "video/x-raw,format=I420,width=96,height=32,framerate=30/1",
    "video/x-raw,format=RGBA,width=96,height=32,framerate=30/1",
    "video/x-raw,format=NV12,width=64,height=48,framerate=30/1",
  };
  guint marked;
  Fixture f;

  open_fixture (&f, __i__, -1);
  for (guint i = 0; i < G_N_ELEMENTS (caps); i++) {
    wait_for_run ();
    gst_util_set_object_arg (G_OBJECT (f.caps), "caps", caps[i]);
    wait_for_number (&f, &f.monitor.sizes, i + 2);
    marked = read_number (&f, &f.monitor.marked);
    wait_for_number (&f, &f.monitor.marked, marked + 3);
  }
  assert_no_message (&f, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
  close_fixture (&f);
}

GST_END_TEST;

/* Every frame that came has left when the stream ends. */
GST_START_TEST (test_end)
{
  Fixture f;

  open_fixture (&f, __i__, -1);
  wait_for_run ();
  fail_unless (gst_element_send_event (f.pipeline, gst_event_new_eos ()));
  wait_for_end (&f);
  assert_equals_int (
      read_number (&f, &f.monitor.sent), g_atomic_int_get (&f.frames));
  assert_equals_uint64 (test_stat (f.seg, "frames"), f.monitor.sent);
  close_fixture (&f);
}

GST_END_TEST;

/* The same where the source ends by itself, and the stream then begins anew. */
GST_START_TEST (test_end_and_seek)
{
  Fixture f;

  open_fixture (&f, __i__, 4);
  for (guint i = 0; i < 3; i++) {
    wait_for_end (&f);
    assert_equals_int (read_number (&f, &f.monitor.buffers), 4);
    fail_unless (gst_element_seek_simple (
        f.pipeline, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, 0));
  }
  close_fixture (&f);
}

GST_END_TEST;

static void
set_up (void)
{
  test_watch_log ();
  runs = under_way = 0;
}

static Suite *
under_way_suite (void)
{
  Suite *suite = suite_create ("under-way");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, set_up, NULL);
  tcase_add_loop_test (tcase, test_seek, 0, 2);
  tcase_add_loop_test (tcase, test_pause, 0, G_N_ELEMENTS (modes));
  tcase_add_loop_test (tcase, test_new_caps, 0, G_N_ELEMENTS (modes));
  tcase_add_loop_test (tcase, test_end, 0, G_N_ELEMENTS (modes));
  tcase_add_loop_test (tcase, test_end_and_seek, 0, 2);
  return suite;
}

GST_CHECK_MAIN (under_way);
