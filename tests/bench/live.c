/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Measures what a live pipeline costs:
 *   live SECONDS IMAGE [PROPERTIES]
 * A camera of 1280x720 at 30 frames a second that shows IMAGE goes through
 * unetseg to a sink that syncs to the clock, with output=blur unless PROPERTIES
 * say otherwise. The same pipeline runs without unetseg before. A camera's
 * frames are writable, but imagefreeze repeats a frame that it holds itself. So
 * videobalance copies each frame in both pipelines. Prints processor time in
 * per cent of a core and the frames that the sink rendered and dropped. Not a
 * test. */
#include <gst/gst.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

typedef struct {
  gdouble cpu; /* seconds */
  guint64 rendered, dropped;
} Cost;

static gdouble
cpu_time (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
      + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void
read_stats (GstElement *sink, Cost *cost)
{
  GstStructure *stats = NULL;

  g_object_get (sink, "stats", &stats, NULL);
  gst_structure_get_uint64 (stats, "rendered", &cost->rendered);
  gst_structure_get_uint64 (stats, "dropped", &cost->dropped);
  gst_structure_free (stats);
}

/* The first two seconds, in which kernels are chosen, do not count. */
static Cost
measure (const gchar *image, const gchar *element, guint seconds)
{
  g_autofree gchar *text = g_strdup_printf (
      "filesrc location=\"%s\" ! "
      "decodebin ! videoconvert ! videoscale ! imagefreeze is-live=true ! "
      "video/x-raw,format=I420,width=1280,height=720,framerate=30/1 ! "
      "queue max-size-buffers=3 ! videobalance brightness=0.004 ! %s ! "
      "fakesink name=sink sync=true qos=true "
      "max-lateness=20000000 processing-deadline=20000000",
      image, element);
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch (text, &error);
  GstElement *sink;
  Cost cost = { 0 }, before = { 0 };
  GstBus *bus;

  if (error)
    g_error ("%s", error->message);
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  gst_bus_timed_pop_filtered (bus, 3 * GST_SECOND, GST_MESSAGE_ERROR);
  read_stats (sink, &before);
  cost.cpu = cpu_time ();
  for (guint i = 0; i < seconds; i++) {
    GstMessage *message = gst_bus_timed_pop_filtered (
        bus, GST_SECOND, GST_MESSAGE_ERROR | GST_MESSAGE_LATENCY);

    if (message && GST_MESSAGE_TYPE (message) == GST_MESSAGE_LATENCY) {
      gst_bin_recalculate_latency (GST_BIN (pipeline));
      g_usleep (500000);
    }
    if (message)
      gst_message_unref (message);
  }
  cost.cpu = (cpu_time () - cost.cpu) / seconds;
  read_stats (sink, &cost);
  cost.rendered -= before.rendered;
  cost.dropped -= before.dropped;
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (sink);
  gst_object_unref (bus);
  gst_object_unref (pipeline);
  return cost;
}

int
main (int argc, char **argv)
{
  g_autofree gchar *element = NULL;
  Cost without, with;
  guint seconds;

  gst_init (&argc, &argv);
  if (argc < 3)
    return 2;
  seconds = (guint) atoi (argv[1]);
  element = g_strdup_printf ("unetseg output=blur %s", argc > 3 ? argv[3] : "");
  without = measure (argv[2], "identity", MIN (seconds, 10));
  with = measure (argv[2], element, seconds);
  printf ("without %.1f %%, with %.1f %%: %.1f %% of a core; %" G_GUINT64_FORMAT
          " frames rendered, %" G_GUINT64_FORMAT " dropped in %u s\n",
      100 * without.cpu, 100 * with.cpu, 100 * (with.cpu - without.cpu),
      with.rendered, with.dropped, seconds);
  return 0;
}
