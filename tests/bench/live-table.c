/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Measures what reaches the screen when the network is slow:
 *   live-table SECONDS [PROPERTIES]
 * A live source of 640x480 at 30 frames a second goes through unetseg to a sink
 * that syncs to the clock, with networks of 5 to 500 ms, with 0 and 2 busy
 * threads, with a leaky queue or none, and to a sink that reports lateness or
 * does not. Prints a row for each: frames rendered per second, frames dropped
 * by the sink, frames with an older mask, the longest time between two frames
 * at the sink and the latency of the element. Not a test. */
#include "busy-threads.h"
#include "play.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unetseg/unetseg.h>

#include <gst/gst.h>

static gint network_ms; /* atomic */

/* The dynamic linker finds this function before the library's. It keeps the
 * processor busy as long as a slow network does. */
UNET_API gboolean
unet_session_run (UnetSession *session, GError **error)
{
  gint64 end = g_get_monotonic_time () + 1000 * g_atomic_int_get (&network_ms);
  gboolean (*run) (UnetSession *, GError **) = dlsym (RTLD_NEXT, __func__);
  gboolean ok = run (session, error);

  while (g_get_monotonic_time () < end)
    continue;
  return ok;
}

typedef struct {
  const gchar *name, *queue;
  gboolean qos;
} Row;

typedef struct {
  gint64 last, gap; /* microseconds */
} Gaps;

static GstPadProbeReturn
note_gap (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  gint64 now = g_get_monotonic_time ();
  Gaps *gaps = data;

  if (gaps->last > 0)
    gaps->gap = MAX (gaps->gap, now - gaps->last);
  gaps->last = now;
  return GST_PAD_PROBE_OK;
}

static GstElement *
open_row (const Row *row, const gchar *properties)
{
  g_autofree gchar *text = g_strdup_printf (
      "videotestsrc is-live=true pattern=ball ! "
      "video/x-raw,format=I420,width=640,height=480,framerate=30/1 ! %s"
      "unetseg name=seg model=\"%s/red.onnx\" threads=1 output=blur %s ! "
      "fakesink name=sink sync=true qos=%d max-lateness=20000000 "
      "processing-deadline=20000000",
      row->queue, g_getenv ("UNETSEG_TEST_MODELS"), properties, row->qos);
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch (text, &error);

  if (error)
    g_error ("%s", error->message);
  return pipeline;
}

static guint64
stat_of (GstElement *element, const gchar *name)
{
  GstStructure *stats = NULL;
  guint64 value = 0;

  g_object_get (element, "stats", &stats, NULL);
  gst_structure_get_uint64 (stats, name, &value);
  gst_structure_free (stats);
  return value;
}

static void
measure (const Row *row, guint n_busy, const gchar *properties, guint seconds)
{
  GstElement *pipeline = open_row (row, properties);
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  GstElement *seg = gst_bin_get_by_name (GST_BIN (pipeline), "seg");
  GstPad *pad = gst_element_get_static_pad (sink, "sink");
  guint64 rendered, dropped, reused;
  Gaps gaps = { 0, 0 };

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  bench_play (pipeline, 3000); /* sessions are compiled, the clock settles */
  rendered = stat_of (sink, "rendered");
  dropped = stat_of (sink, "dropped");
  reused = stat_of (seg, "reused");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, note_gap, &gaps, NULL);
  bench_play (pipeline, 1000 * seconds);
  printf ("| %s | %d | %u | %.1f | %" G_GUINT64_FORMAT " | %" G_GUINT64_FORMAT
          " | %.0f | %.1f |\n",
      row->name, g_atomic_int_get (&network_ms), n_busy,
      (gdouble) (stat_of (sink, "rendered") - rendered) / seconds,
      stat_of (sink, "dropped") - dropped, stat_of (seg, "reused") - reused,
      gaps.gap / 1000., stat_of (seg, "latency") / 1e6);
  fflush (stdout);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pad);
  gst_object_unref (sink);
  gst_object_unref (seg);
  gst_object_unref (pipeline);
}

static void
measure_rows (guint n_busy, const gchar *properties, guint seconds)
{
  static const Row rows[] = {
    { "leaky queue", "queue leaky=downstream max-size-buffers=2 ! ", TRUE },
    { "no queue", "", TRUE },
    { "qos=false", "", FALSE },
  };
  static const gint times[] = { 5, 20, 97, 500 };
  BusyThreads *busy = busy_threads_start (n_busy);

  for (guint i = 0; i < G_N_ELEMENTS (times); i++) {
    g_atomic_int_set (&network_ms, times[i]);
    for (guint k = 0; k < G_N_ELEMENTS (rows); k++)
      measure (&rows[k], n_busy, properties, seconds);
  }
  busy_threads_stop (busy);
}

int
main (int argc, char **argv)
{
  const gchar *properties = argc > 2 ? argv[2] : "";
  guint seconds = argc > 1 ? (guint) atoi (argv[1]) : 8;

  gst_init (&argc, &argv);
  /* The call also keeps the library among those that are loaded first, so that
   * the function above finds it. */
  printf ("%s\n\n", unet_session_get_engine_name ());
  printf ("| 30 fps live | network, ms | busy | rendered, fps | dropped | "
          "older mask | longest gap, ms | latency, ms |\n"
          "| --- | --- | --- | --- | --- | --- | --- | --- |\n");
  measure_rows (0, properties, seconds);
  measure_rows (2, properties, seconds);
  return 0;
}
