/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compares the latency in the statistics with what GStreamer's tracer measures:
 *
 *   GST_TRACERS="latency(flags=element)" latency-tracer TOLERANCE
 *
 * TOLERANCE is the largest difference, as a part of the tracer's value. */

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <unetseg/unetseg.h>

#include "common.h"

/* The element looks at its latency at every eighth frame from the 20th on. */
#define FRAMES 100

static gdouble tolerance;

/* The plugin finds this function before the library's, as in faults.c. A run of
 * 20 ms is long beside the jitter of a busy machine. */
gboolean
unet_session_run (UnetSession *session, GError **error)
{
  gboolean (*run) (UnetSession *, GError **) = dlsym (RTLD_NEXT, __func__);

  g_usleep (20000);
  return run (session, error);
}

/* ---- the tracer ------------------------------------------------------- */

/* Times of unetseg in nanoseconds, of the frames and as it reports them. */
typedef struct {
  GMutex lock;
  GArray *times; /* of guint64 */
} Trace;

static void
take_record (GstDebugCategory *category, GstDebugLevel level, const gchar *file,
    const gchar *function, gint line, GObject *object, GstDebugMessage *message,
    gpointer data)
{
  g_autoptr (GstStructure) record = NULL;
  Trace *trace = data;
  guint64 time;

  if (strcmp (gst_debug_category_get_name (category), "GST_TRACER") != 0)
    return;
  record = gst_structure_from_string (gst_debug_message_get (message), NULL);
  if (record == NULL || !gst_structure_has_name (record, "element-latency")
      || g_strcmp0 (gst_structure_get_string (record, "element"), "seg") != 0
      || !gst_structure_get_uint64 (record, "time", &time))
    return;
  g_mutex_lock (&trace->lock);
  g_array_append_val (trace->times, time);
  g_mutex_unlock (&trace->lock);
}

static void
open_trace (Trace *trace)
{
  g_mutex_init (&trace->lock);
  trace->times = g_array_new (FALSE, FALSE, sizeof (guint64));
  gst_debug_remove_log_function (gst_debug_log_default);
  gst_debug_add_log_function (take_record, trace, NULL);
  gst_debug_set_threshold_for_name ("GST_TRACER", GST_LEVEL_TRACE);
}

static void
close_trace (Trace *trace)
{
  gst_debug_remove_log_function (take_record);
  g_array_unref (trace->times);
  g_mutex_clear (&trace->lock);
}

static gint
compare (gconstpointer a, gconstpointer b)
{
  const guint64 *x = a, *y = b;

  return (*x > *y) - (*x < *y);
}

static guint64
find_percentile (Trace *trace, guint percent)
{
  guint rank = (trace->times->len * percent + 99) / 100;

  g_array_sort (trace->times, compare);
  return g_array_index (trace->times, guint64, rank - 1);
}

/* ---- the test --------------------------------------------------------- */

static GstElement *
make_pipeline (void)
{
  g_autofree gchar *model = test_model ("red");
  g_autofree gchar *launch = g_strdup_printf (
      "videotestsrc is-live=true num-buffers=%d ! "
      "video/x-raw,format=I420,width=320,height=240,framerate=30/1 ! "
      "unetseg name=seg model=\"%s\" async=false late=run "
      "threads=1 ! "
      "fakesink sync=true qos=false",
      FRAMES, model);

  return gst_parse_launch (launch, NULL);
}

static void
play (GstElement *pipeline)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless (message != NULL);
  assert_equals_int (GST_MESSAGE_TYPE (message), GST_MESSAGE_EOS);
}

static void
assert_near (const gchar *name, guint64 value, guint64 traced)
{
  fail_unless (ABS ((gdouble) value - (gdouble) traced) <= tolerance * traced,
      "%s: %" GST_TIME_FORMAT ", the tracer says %" GST_TIME_FORMAT, name,
      GST_TIME_ARGS (value), GST_TIME_ARGS (traced));
}

GST_START_TEST (test_agrees)
{
  GstElement *pipeline = make_pipeline (), *seg;
  static Trace trace; /* used by the pipeline after a failure, too */

  fail_unless (pipeline != NULL);
  seg = gst_bin_get_by_name (GST_BIN (pipeline), "seg");
  open_trace (&trace);
  play (pipeline);
  assert_equals_int (trace.times->len, FRAMES);
  fail_unless (find_percentile (&trace, 50) >= 20 * GST_MSECOND);
  assert_near (
      "latency", test_stat (seg, "latency"), find_percentile (&trace, 95));
  assert_near ("inference-time-median",
      test_stat (seg, "inference-time-median"), find_percentile (&trace, 50));
  gst_element_set_state (pipeline, GST_STATE_NULL);
  close_trace (&trace);
  gst_object_unref (seg);
  gst_object_unref (pipeline);
}

GST_END_TEST;

static Suite *
latency_tracer_suite (void)
{
  Suite *suite = suite_create ("latency-tracer");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, test_watch_log, NULL);
  tcase_add_test (tcase, test_agrees);
  return suite;
}

/* Returns whether a pipeline without unetseg plays to its end. With the tracer
 * of GStreamer 1.26.2 every pipeline hangs at its first frame. */
static gboolean
tracer_works (void)
{
  GstElement *pipeline = gst_parse_launch (
      "videotestsrc num-buffers=2 ! identity ! fakesink", NULL);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, 10 * GST_SECOND, GST_MESSAGE_EOS);
  if (message == NULL)
    return FALSE; /* and the pipeline cannot be stopped */
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  return TRUE;
}

int
main (int argc, char **argv)
{
  if (argc != 2) {
    g_printerr ("usage: latency-tracer TOLERANCE\n");
    return 2;
  }
  tolerance = g_ascii_strtod (argv[1], NULL);
  /* A forked child would lack the threads of the first pipeline. */
  g_setenv ("CK_FORK", "no", TRUE);
  gst_check_init (&argc, &argv);
  if (!tracer_works ()) {
    g_print ("skipped: the latency tracer of this GStreamer hangs\n");
    fflush (stdout);
    _exit (77);
  }
  return gst_check_run_suite (
      latency_tracer_suite (), "latency_tracer", __FILE__);
}
