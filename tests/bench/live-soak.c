/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plays a live stream in which everything changes:
 *   live-soak [SECONDS [MODEL [PACE]]]
 * A camera at 30 frames a second goes through unetseg to a sink that syncs to
 * the clock. Other caps come every 20 s and another output every 7 s. MODEL and
 * the built-in model take turns every 45 s. Every 30 s the camera pauses for 2
 * s and a thread is busy for 15 s. Prints a line every 30 s and a summary:
 * frames, frames lost in the element and at the sink, memory, warnings and
 * latency. Fails if the element loses a frame or a warning comes. Runs for ten
 * minutes if SECONDS is left out. */
#include "busy-threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <gst/gst.h>

/* Seconds from one change to the next. */
#define CAPS_PERIOD   20
#define OUTPUT_PERIOD 7
#define MODEL_PERIOD  45
#define PAUSE_PERIOD  30
#define BUSY_PERIOD   30
#define PAUSE         2
#define BUSY          15
#define LINE_PERIOD   30

typedef struct {
  const gchar *model; /* (nullable): the built-in one alone */
  GstElement *pipeline, *size, *valve, *seg, *sink;
  BusyThreads *busy;      /* (nullable) */
  guint pace;             /* changes come so many times as fast */
  gint came, left, shown; /* frames; atomic */
  guint warnings;
  guint64 least_latency, most_latency; /* nanoseconds */
  gsize early,
      late; /* most bytes of memory in the second and in the last third */
} Soak;

/* ---- pipeline ------------------------------------------------------------ */

static GstPadProbeReturn
count (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  g_atomic_int_inc ((gint *) data);
  return GST_PAD_PROBE_OK;
}

static void
count_frames (GstElement *element, const gchar *name, gint *n)
{
  GstPad *pad = gst_element_get_static_pad (element, name);

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, count, n, NULL);
  gst_object_unref (pad);
}

static void
note_shown (GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
  g_atomic_int_inc ((gint *) data);
}

static void
open_soak (Soak *self)
{
  GError *error = NULL;

  self->pipeline = gst_parse_launch (
      "videotestsrc is-live=true pattern=ball ! "
      "capsfilter name=size caps-change-mode=delayed "
      "caps=video/x-raw,format=I420,width=640,height=480,framerate=30/1 ! "
      "valve name=valve ! unetseg name=seg ! "
      "videoconvert ! "
      "fakesink name=sink sync=true qos=true max-lateness=20000000 "
      "processing-deadline=20000000 signal-handoffs=true",
      &error);
  if (error)
    g_error ("%s", error->message);
  self->size = gst_bin_get_by_name (GST_BIN (self->pipeline), "size");
  self->valve = gst_bin_get_by_name (GST_BIN (self->pipeline), "valve");
  self->seg = gst_bin_get_by_name (GST_BIN (self->pipeline), "seg");
  self->sink = gst_bin_get_by_name (GST_BIN (self->pipeline), "sink");
  count_frames (self->seg, "sink", &self->came);
  count_frames (self->seg, "src", &self->left);
  g_signal_connect (
      self->sink, "handoff", G_CALLBACK (note_shown), &self->shown);
}

static void
close_soak (Soak *self)
{
  gst_element_set_state (self->pipeline, GST_STATE_NULL);
  g_clear_pointer (&self->busy, busy_threads_stop);
  gst_object_unref (self->size);
  gst_object_unref (self->valve);
  gst_object_unref (self->seg);
  gst_object_unref (self->sink);
  gst_object_unref (self->pipeline);
}

/* ---- changes ------------------------------------------------------------- */

static void
change_caps (Soak *self, guint turn)
{
  static const struct {
    gint width, height;
  } sizes[] = { { 640, 480 }, { 640, 360 }, { 320, 240 }, { 640, 360 } };
  guint i = turn % G_N_ELEMENTS (sizes);
  g_autoptr (GstCaps) caps = gst_caps_new_simple ("video/x-raw", "format",
      G_TYPE_STRING, "I420", "width", G_TYPE_INT, sizes[i].width, "height",
      G_TYPE_INT, sizes[i].height, "framerate", GST_TYPE_FRACTION, 30, 1, NULL);

  g_object_set (self->size, "caps", caps, NULL);
}

static void
change_output (Soak *self, guint turn)
{
  static const gchar *const outputs[] = { "overlay", "blur", "mask", "replace",
    "alpha", "none" };

  gst_util_set_object_arg (
      G_OBJECT (self->seg), "output", outputs[turn % G_N_ELEMENTS (outputs)]);
}

static void
change_load (Soak *self, gboolean busy)
{
  if (busy && self->busy == NULL)
    self->busy = busy_threads_start (1);
  else if (!busy)
    g_clear_pointer (&self->busy, busy_threads_stop);
}

static void
change (Soak *self, guint second)
{
  if (second % CAPS_PERIOD == 0)
    change_caps (self, second / CAPS_PERIOD);
  if (second % OUTPUT_PERIOD == 0)
    change_output (self, second / OUTPUT_PERIOD);
  if (second % MODEL_PERIOD == 0 && self->model)
    g_object_set (self->seg, "model",
        second / MODEL_PERIOD % 2 ? self->model : NULL, NULL);
  g_object_set (
      self->valve, "drop", second % PAUSE_PERIOD >= PAUSE_PERIOD - PAUSE, NULL);
  change_load (self, second % BUSY_PERIOD >= BUSY_PERIOD - BUSY);
}

/* ---- what is seen -------------------------------------------------------- */

static void
take_message (Soak *self, GstMessage *message)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *debug = NULL;

  switch (GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_ERROR:
      gst_message_parse_error (message, &error, NULL);
      g_error ("%s", error->message);
      break;
    case GST_MESSAGE_WARNING:
      gst_message_parse_warning (message, &error, &debug);
      printf ("warning: %s: %s (%s)\n", GST_MESSAGE_SRC_NAME (message),
          error->message, debug);
      self->warnings++;
      break;
    case GST_MESSAGE_LATENCY:
      gst_bin_recalculate_latency (GST_BIN (self->pipeline));
      break;
    default:
      break;
  }
}

static void
play_a_second (Soak *self)
{
  gint64 end = g_get_monotonic_time () + G_TIME_SPAN_SECOND / self->pace;
  GstBus *bus = gst_element_get_bus (self->pipeline);

  while (g_get_monotonic_time () < end) {
    GstMessage *message = gst_bus_timed_pop (bus, 20 * GST_MSECOND);

    if (message)
      take_message (self, message);
    g_clear_pointer (&message, gst_message_unref);
  }
  gst_object_unref (bus);
}

static gsize
resident (void)
{
  g_autofree gchar *text = NULL;
  gsize pages = 0;

  if (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL))
    sscanf (text, "%*s %zu", &pages);
  return pages * (gsize) sysconf (_SC_PAGESIZE);
}

static guint64
latency (Soak *self)
{
  GstStructure *stats = NULL;
  guint64 value = 0;

  g_object_get (self->seg, "stats", &stats, NULL);
  gst_structure_get_uint64 (stats, "latency", &value);
  gst_structure_free (stats);
  return value;
}

/* Updates the extremes. Memory counts after the first third, in which every
 * model and size comes for the first time. */
static void
look (Soak *self, guint second, guint seconds)
{
  gsize bytes = resident ();
  guint64 now = latency (self);

  if (second == 0)
    self->least_latency = now;
  self->least_latency = MIN (self->least_latency, now);
  self->most_latency = MAX (self->most_latency, now);
  if (second >= seconds / 3 && second < 2 * seconds / 3)
    self->early = MAX (self->early, bytes);
  else if (second >= 2 * seconds / 3)
    self->late = MAX (self->late, bytes);
  if (second % LINE_PERIOD == 0)
    printf ("%4u s: %d frames, %d lost, %d late at the sink, %.0f MB\n", second,
        g_atomic_int_get (&self->came),
        g_atomic_int_get (&self->came) - g_atomic_int_get (&self->left),
        g_atomic_int_get (&self->left) - g_atomic_int_get (&self->shown),
        bytes / 1e6);
  fflush (stdout);
}

int
main (int argc, char **argv)
{
  guint seconds = argc > 1 ? (guint) atoi (argv[1]) : 600;
  Soak soak = { .model = argc > 2 ? argv[2] : NULL,
    .pace = argc > 3 ? (guint) MAX (atoi (argv[3]), 1) : 1 };

  gst_init (NULL, NULL);
  open_soak (&soak);
  gst_element_set_state (soak.pipeline, GST_STATE_PLAYING);
  for (guint second = 0; second < seconds; second++) {
    play_a_second (&soak);
    look (&soak, second, seconds);
    change (&soak, second);
  }
  close_soak (&soak);
  printf ("%d frames in %u s, %d lost in the element, %d late at the sink, "
          "%u warnings, latency %.1f to %.1f ms, memory %.0f and %.0f MB\n",
      soak.came, seconds, soak.came - soak.left, soak.left - soak.shown,
      soak.warnings, soak.least_latency / 1e6, soak.most_latency / 1e6,
      soak.early / 1e6, soak.late / 1e6);
  return soak.warnings > 0 || soak.came > soak.left + 1;
}
