/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests seeks, pauses, new caps and the end of the stream while a mask is under
 * way. Debian has no gst-validate: a monitor at the source pad checks what its
 * pad monitor checks. */

#include <dlfcn.h>
#include <unetseg/unetseg.h>

#include "common.h"

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

/* ---- monitor ---------------------------------------------------------- */

/* Under its lock. */
typedef struct {
  GMutex lock;
  gboolean started, has_segment, flushing, ended;
  GstSegment segment;
  guint32 seqnum; /* of the segment */
  GstVideoInfo info;
  GstClockTime last;   /* timestamp since the segment, NONE: none yet */
  guint buffers, sent; /* since the segment, and of all */
  guint marked;        /* of those since the segment */
  guint sizes;         /* changes of the caps */
  GString *complaints;
} Monitor;

static void complain (Monitor *monitor, const gchar *format, ...)
    G_GNUC_PRINTF (2, 3);

static void
complain (Monitor *monitor, const gchar *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_string_append_vprintf (monitor->complaints, format, arguments);
  g_string_append (monitor->complaints, "; ");
  va_end (arguments);
}

static void
begin_segment (Monitor *monitor, GstEvent *event)
{
  gst_event_copy_segment (event, &monitor->segment);
  monitor->seqnum = gst_event_get_seqnum (event);
  monitor->has_segment = TRUE;
  monitor->last = GST_CLOCK_TIME_NONE;
  monitor->buffers = monitor->marked = 0;
}

static void
take_caps (Monitor *monitor, GstEvent *event)
{
  GstCaps *caps;

  gst_event_parse_caps (event, &caps);
  if (!gst_video_info_from_caps (&monitor->info, caps))
    complain (monitor, "caps of no video");
  monitor->sizes++;
}

static void
see_event (Monitor *monitor, GstEvent *event)
{
  if (monitor->ended && GST_EVENT_IS_SERIALIZED (event)
      && GST_EVENT_TYPE (event) != GST_EVENT_FLUSH_STOP
      && GST_EVENT_TYPE (event) != GST_EVENT_STREAM_START)
    complain (monitor, "%s after the end", GST_EVENT_TYPE_NAME (event));
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START:
      monitor->started = TRUE;
      monitor->ended = FALSE;
      break;
    case GST_EVENT_FLUSH_START:
      monitor->flushing = TRUE;
      break;
    case GST_EVENT_FLUSH_STOP:
      if (!monitor->flushing)
        complain (monitor, "flush-stop without flush-start");
      monitor->flushing = monitor->ended = monitor->has_segment = FALSE;
      break;
    case GST_EVENT_CAPS:
      if (!monitor->started)
        complain (monitor, "caps before stream-start");
      take_caps (monitor, event);
      break;
    case GST_EVENT_SEGMENT:
      begin_segment (monitor, event);
      break;
    case GST_EVENT_EOS:
      monitor->ended = TRUE;
      break;
    default:
      break;
  }
}

/* A mask covers its frame, and its frame is of this segment. */
static void
see_mask (Monitor *monitor, const UnetSegMeta *mask, GstClockTime pts)
{
  if (mask == NULL)
    return;
  monitor->marked++;
  if (mask->w != GST_VIDEO_INFO_WIDTH (&monitor->info)
      || mask->h != GST_VIDEO_INFO_HEIGHT (&monitor->info))
    complain (monitor, "a mask of %gx%g", mask->w, mask->h);
  if (mask->age_frames >= monitor->buffers)
    complain (monitor, "a mask %u frames old at frame %u", mask->age_frames,
        monitor->buffers);
  if (mask->age > pts - monitor->segment.start)
    complain (monitor, "a mask of the segment before");
}

static void
see_buffer (Monitor *monitor, GstBuffer *buffer)
{
  GstClockTime pts = GST_BUFFER_PTS (buffer);

  monitor->buffers++;
  monitor->sent++;
  if (!monitor->started || !monitor->has_segment || monitor->sizes == 0)
    complain (monitor, "a frame before its events");
  if (monitor->ended)
    complain (monitor, "a frame after the end");
  if (gst_buffer_get_size (buffer) != GST_VIDEO_INFO_SIZE (&monitor->info))
    complain (monitor, "a frame of %" G_GSIZE_FORMAT " bytes",
        gst_buffer_get_size (buffer));
  if (pts < monitor->segment.start || pts >= monitor->segment.stop)
    complain (monitor, "a frame outside the segment");
  if (GST_CLOCK_TIME_IS_VALID (monitor->last) && pts <= monitor->last)
    complain (monitor, "time goes back");
  monitor->last = pts;
  see_mask (monitor, gst_buffer_get_unet_seg_meta (buffer), pts);
}

static GstPadProbeReturn
look (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Monitor *monitor = data;

  g_mutex_lock (&monitor->lock);
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER)
    see_buffer (monitor, GST_PAD_PROBE_INFO_BUFFER (info));
  else
    see_event (monitor, GST_PAD_PROBE_INFO_EVENT (info));
  g_mutex_unlock (&monitor->lock);
  return GST_PAD_PROBE_OK;
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
  Monitor monitor;
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
  gst_pad_add_probe (src,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM
          | GST_PAD_PROBE_TYPE_EVENT_FLUSH,
      look, &f->monitor, NULL);
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
  g_mutex_init (&f->monitor.lock);
  f->monitor.complaints = g_string_new (NULL);
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
  fail_unless (
      f->monitor.complaints->len == 0, "%s", f->monitor.complaints->str);
  assert_equals_int (g_atomic_int_get (&under_way), 0);
  gst_object_unref (f->seg);
  gst_object_unref (f->caps);
  gst_object_unref (f->pipeline);
  g_string_free (f->monitor.complaints, TRUE);
  g_mutex_clear (&f->monitor.lock);
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
  guint value;

  g_mutex_lock (&f->monitor.lock);
  value = *number;
  g_mutex_unlock (&f->monitor.lock);
  return value;
}

static void
wait_for_number (Fixture *f, const guint *number, guint least)
{
  gint64 end = g_get_monotonic_time () + TIMEOUT / 1000;

  while (read_number (f, number) < least && g_get_monotonic_time () < end)
    g_usleep (1000);
  fail_unless (read_number (f, number) >= least);
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
