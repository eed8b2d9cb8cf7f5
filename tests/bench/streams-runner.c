/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs several streams in one process and measures what they cost:
 *
 *   streams-runner STREAMS SECONDS FPS ELEMENT [CAPS]
 *
 * Each stream is a test picture (of CAPS), ELEMENT and a sink. FPS 0 runs as
 * fast as possible, and any other number is a live source of so many frames a
 * second. ELEMENT `identity` gives the cost of source and sink. Once every
 * stream has given some frames, SECONDS are measured. Prints frames of each
 * stream, then the process's CPU seconds, wall seconds and resident memory in
 * KiB. */

#include <gst/gst.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define WARM_FRAMES 20
#define MAX_STREAMS 64

typedef struct {
  GstElement *pipeline;
  gint frames; /* atomic */
} Stream;

static Stream streams[MAX_STREAMS];

static GstPadProbeReturn
count (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  g_atomic_int_inc ((gint *) data);
  return GST_PAD_PROBE_OK;
}

static gboolean
start (Stream *stream, guint fps, const gchar *element, const gchar *caps)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *text =
      g_strdup_printf ("videotestsrc pattern=ball is-live=%d ! "
                       "%s,framerate=%u/1 ! %s ! fakesink name=end sync=%d",
          fps > 0, caps, fps > 0 ? fps : 30, element, fps > 0);
  GstElement *end;
  GstPad *pad;

  stream->pipeline = gst_parse_launch (text, &error);
  if (error) {
    g_printerr ("%s\n", error->message);
    return FALSE;
  }
  end = gst_bin_get_by_name (GST_BIN (stream->pipeline), "end");
  pad = gst_element_get_static_pad (end, "sink");
  gst_pad_add_probe (
      pad, GST_PAD_PROBE_TYPE_BUFFER, count, &stream->frames, NULL);
  gst_object_unref (pad);
  gst_object_unref (end);
  return gst_element_set_state (stream->pipeline, GST_STATE_PLAYING)
      != GST_STATE_CHANGE_FAILURE;
}

static gboolean
failed (Stream *stream)
{
  GstBus *bus = gst_element_get_bus (stream->pipeline);
  GstMessage *message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;

  gst_object_unref (bus);
  if (!message)
    return FALSE;
  gst_message_parse_error (message, &error, NULL);
  g_printerr ("%s\n", error->message);
  gst_message_unref (message);
  return TRUE;
}

static gboolean
warm_up (guint n)
{
  for (guint i = 0; i < n; i++)
    while (g_atomic_int_get (&streams[i].frames) < WARM_FRAMES) {
      if (failed (&streams[i]))
        return FALSE;
      g_usleep (10000);
    }
  return TRUE;
}

static gdouble
cpu_seconds (void)
{
  struct rusage u;

  getrusage (RUSAGE_SELF, &u);
  return u.ru_utime.tv_sec + u.ru_stime.tv_sec
      + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static glong
resident_kib (void)
{
  glong pages = 0;
  FILE *f = fopen ("/proc/self/statm", "r");

  if (f) {
    if (fscanf (f, "%*s %ld", &pages) != 1)
      pages = 0;
    fclose (f);
  }
  return pages * 4;
}

static void
measure (guint n, gdouble seconds)
{
  gint first[MAX_STREAMS], last[MAX_STREAMS];
  gint64 begin = g_get_monotonic_time ();
  gdouble cpu = cpu_seconds ();

  for (guint i = 0; i < n; i++)
    first[i] = g_atomic_int_get (&streams[i].frames);
  g_usleep (seconds * G_USEC_PER_SEC);
  for (guint i = 0; i < n; i++)
    last[i] = g_atomic_int_get (&streams[i].frames);
  cpu = cpu_seconds () - cpu;
  begin = g_get_monotonic_time () - begin;
  for (guint i = 0; i < n; i++)
    printf ("%d ", last[i] - first[i]);
  printf ("%.4f %.4f %ld\n", cpu, begin / 1e6, resident_kib ());
}

int
main (int argc, char **argv)
{
  guint n = argc > 4 ? CLAMP (atoi (argv[1]), 1, MAX_STREAMS) : 0;
  gboolean ok = n > 0;

  gst_init (NULL, NULL);
  for (guint i = 0; ok && i < n; i++)
    ok = start (&streams[i], atoi (argv[3]), argv[4],
        argc > 5 ? argv[5] : "video/x-raw,format=I420,width=640,height=360");
  ok = ok && warm_up (n);
  if (ok)
    measure (n, g_ascii_strtod (argv[2], NULL));
  for (guint i = 0; i < n; i++)
    if (streams[i].pipeline) {
      gst_element_set_state (streams[i].pipeline, GST_STATE_NULL);
      gst_object_unref (streams[i].pipeline);
    }
  return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
