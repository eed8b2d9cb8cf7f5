/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Measures whether a live stream stalls when something changes:
 *   live-changes SECONDS [MODEL [PROPERTIES]]
 * Streams at 30 frames a second go through unetseg to sinks that sync to the
 * clock, with 0 and 2 busy threads. Once a second one of these changes: the
 * size of the camera's frames, 640x360 or 320x240; which of two cameras of
 * these sizes an input-selector takes; the number of branches of a tee, each
 * with its own unetseg. Prints a row for each: the longest time between two
 * frames as they come to the sink, and as it shows them; how often it showed
 * none for more than two frames' durations; the frames that it dropped as late;
 * and, for branches, the longest time until the first frame. Not a test. */
#include "busy-threads.h"
#include "play.h"

#include <stdio.h>
#include <stdlib.h>

#include <gst/gst.h>

#define RATE     30
#define DURATION (G_USEC_PER_SEC / RATE)

typedef struct {
  gint64 last;  /* microseconds; 0: no frame yet */
  gint64 gap;   /* the longest */
  guint stalls; /* of more than two frames' durations */
  gint frames;  /* atomic */
} Gaps;

/* The gaps at a sink, which its streaming thread updates. */
typedef struct {
  Gaps came, shown;
} Watch;

typedef struct {
  const gchar *model, *properties;
  Watch all;
  GstElement *branch; /* (nullable) */
  Watch of_branch;
  gint64 added;        /* microseconds; when the branch was added */
  gint64 branch_first; /* when its first frame came; 0: not yet */
  gint64 first;        /* microseconds; longest wait for a first frame */
  guint dropped;       /* in branches that were removed */
  guint turn;
} Run;

/* ---- frames -------------------------------------------------------------- */

static void
add_gap (Gaps *gaps)
{
  gint64 now = g_get_monotonic_time ();
  gint64 gap = gaps->last > 0 ? now - gaps->last : 0;

  gaps->gap = MAX (gaps->gap, gap);
  gaps->stalls += gap > 2 * DURATION;
  gaps->last = now;
}

static GstPadProbeReturn
note_frame (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Watch *watch = data;

  add_gap (&watch->came);
  g_atomic_int_inc (&watch->came.frames);
  return GST_PAD_PROBE_OK;
}

static void
note_shown (GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
  Watch *watch = data;

  add_gap (&watch->shown);
  g_atomic_int_inc (&watch->shown.frames);
}

static GstPadProbeReturn
note_first (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  gint64 *first = data;

  *first = g_get_monotonic_time ();
  return GST_PAD_PROBE_REMOVE;
}

static void
watch_sink (GstBin *bin, Watch *watch, gint64 *first)
{
  GstElement *sink = gst_bin_get_by_name (bin, "sink");
  GstPad *pad = gst_element_get_static_pad (sink, "sink");

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, note_frame, watch, NULL);
  if (first)
    gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, note_first, first, NULL);
  g_signal_connect (sink, "handoff", G_CALLBACK (note_shown), watch);
  g_object_set (sink, "signal-handoffs", TRUE, NULL);
  gst_object_unref (pad);
  gst_object_unref (sink);
}

/* Returns how many frames the sink left out. The last one may wait for its
 * time. */
static guint
count_dropped (Watch *watch)
{
  gint missing = g_atomic_int_get (&watch->came.frames)
      - g_atomic_int_get (&watch->shown.frames);

  return MAX (missing - 1, 0);
}

/* ---- pipelines ----------------------------------------------------------- */

#define CAMERA "videotestsrc is-live=true pattern=ball ! "
#define SINK                                                                   \
  "fakesink name=sink sync=true qos=true max-lateness=20000000 "               \
  "processing-deadline=20000000"

static gchar *
describe_seg (const Run *run)
{
  if (*run->model)
    return g_strdup_printf (
        "unetseg model=\"%s\" output=blur %s", run->model, run->properties);
  return g_strdup_printf ("unetseg output=blur %s", run->properties);
}

static gchar *
describe_caps (guint width, guint height)
{
  return g_strdup_printf (
      "video/x-raw,format=I420,width=%u,height=%u,framerate=%d/1", width,
      height, RATE);
}

static GstElement *
launch (const Run *run, const gchar *source)
{
  g_autofree gchar *seg = describe_seg (run);
  g_autofree gchar *text = g_strdup_printf ("%s ! %s ! " SINK, source, seg);
  g_autoptr (GError) error = NULL;
  GstElement *pipeline = gst_parse_launch (text, &error);

  if (error)
    g_error ("%s", error->message);
  return pipeline;
}

/* ---- changes ------------------------------------------------------------- */

static GstElement *
open_sizes (Run *run)
{
  g_autofree gchar *caps = describe_caps (640, 360);
  g_autofree gchar *text =
      g_strdup_printf (CAMERA "capsfilter name=size caps=\"%s\"", caps);

  return launch (run, text);
}

static void
change_size (GstElement *pipeline, Run *run)
{
  GstElement *filter = gst_bin_get_by_name (GST_BIN (pipeline), "size");
  g_autofree gchar *text = run->turn % 2 ? describe_caps (640, 360)
                                         : describe_caps (320, 240);
  g_autoptr (GstCaps) caps = gst_caps_from_string (text);

  g_object_set (filter, "caps", caps, NULL);
  gst_object_unref (filter);
}

static GstElement *
open_selector (Run *run)
{
  g_autofree gchar *a = describe_caps (640, 360);
  g_autofree gchar *b = describe_caps (320, 240);
  g_autofree gchar *text = g_strdup_printf (CAMERA
      "%s ! select. " CAMERA "%s ! select. "
      "input-selector name=select sync-mode=clock ",
      a, b);

  return launch (run, text);
}

static void
change_input (GstElement *pipeline, Run *run)
{
  GstElement *selector = gst_bin_get_by_name (GST_BIN (pipeline), "select");
  GstPad *pad = gst_element_get_static_pad (
      selector, run->turn % 2 ? "sink_0" : "sink_1");

  g_object_set (selector, "active-pad", pad, NULL);
  gst_object_unref (pad);
  gst_object_unref (selector);
}

static GstElement *
open_tee (Run *run)
{
  g_autofree gchar *caps = describe_caps (640, 360);
  g_autofree gchar *text = g_strdup_printf (
      CAMERA "%s ! tee name=tee allow-not-linked=true ! queue", caps);

  return launch (run, text);
}

static void
add_branch (GstElement *pipeline, Run *run)
{
  GstElement *tee = gst_bin_get_by_name (GST_BIN (pipeline), "tee");
  g_autofree gchar *seg = describe_seg (run);
  g_autofree gchar *text = g_strdup_printf ("queue ! %s ! " SINK, seg);

  run->branch = gst_parse_bin_from_description (text, TRUE, NULL);
  run->branch_first = 0;
  run->added = g_get_monotonic_time ();
  run->of_branch = (Watch){ 0 };
  watch_sink (GST_BIN (run->branch), &run->of_branch, &run->branch_first);
  gst_bin_add (GST_BIN (pipeline), run->branch);
  gst_element_sync_state_with_parent (run->branch);
  gst_element_link (tee, run->branch);
  gst_object_unref (tee);
}

static GstPadProbeReturn
unlink_branch (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstPad *peer = gst_pad_get_peer (pad);
  gint *done = data;

  gst_pad_unlink (pad, peer);
  gst_object_unref (peer);
  g_atomic_int_set (done, TRUE);
  return GST_PAD_PROBE_REMOVE;
}

static void
remove_branch (GstElement *pipeline, Run *run)
{
  GstElement *tee = gst_bin_get_by_name (GST_BIN (pipeline), "tee");
  GstPad *pad = gst_element_get_static_pad (run->branch, "sink");
  GstPad *from = gst_pad_get_peer (pad);
  gint done = FALSE;

  if (run->branch_first == 0)
    g_error ("a branch got nothing in a second");
  run->first = MAX (run->first, run->branch_first - run->added);
  run->dropped += count_dropped (&run->of_branch);
  gst_pad_add_probe (from, GST_PAD_PROBE_TYPE_IDLE, unlink_branch, &done, NULL);
  while (!g_atomic_int_get (&done))
    g_usleep (1000);
  gst_element_set_state (run->branch, GST_STATE_NULL);
  gst_bin_remove (GST_BIN (pipeline), run->branch);
  run->branch = NULL;
  gst_element_release_request_pad (tee, from);
  gst_object_unref (from);
  gst_object_unref (pad);
  gst_object_unref (tee);
}

static void
change_branches (GstElement *pipeline, Run *run)
{
  if (run->branch)
    remove_branch (pipeline, run);
  else
    add_branch (pipeline, run);
}

/* ---- measuring ----------------------------------------------------------- */

typedef struct {
  const gchar *name;
  GstElement *(*open) (Run *run);
  void (*change) (GstElement *pipeline, Run *run);
} Case;

static const Case cases[] = {
  { "size", open_sizes, change_size },
  { "input", open_selector, change_input },
  { "branch", open_tee, change_branches },
};

static void
measure (const Case *which, Run *run, guint n_busy, guint seconds)
{
  GstElement *pipeline = which->open (run);

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  bench_play (pipeline, 2000);
  watch_sink (GST_BIN (pipeline), &run->all, NULL);
  for (run->turn = 0; run->turn < seconds; run->turn++) {
    which->change (pipeline, run);
    bench_play (pipeline, 1000);
  }
  if (run->branch)
    remove_branch (pipeline, run);
  add_gap (&run->all.came);
  add_gap (&run->all.shown);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  printf ("| %s | %u | %.0f | %.0f | %u | %u | ", which->name, n_busy,
      run->all.came.gap / 1000., run->all.shown.gap / 1000.,
      run->all.shown.stalls, run->dropped + count_dropped (&run->all));
  if (run->first > 0)
    printf ("%.0f", run->first / 1000.);
  printf (" |\n");
  fflush (stdout);
  gst_object_unref (pipeline);
}

int
main (int argc, char **argv)
{
  guint seconds = argc > 1 ? (guint) atoi (argv[1]) : 10;

  gst_init (&argc, &argv);
  printf ("| change | busy | longest gap, ms | shown, ms | stalls | dropped | "
          "first frame, ms |\n| --- | --- | --- | --- | --- | --- | --- |\n");
  for (guint n_busy = 0; n_busy <= 2; n_busy += 2) {
    BusyThreads *busy = busy_threads_start (n_busy);

    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
      Run run = { .model = argc > 2 ? argv[2] : "",
        .properties = argc > 3 ? argv[3] : "" };

      measure (&cases[i], &run, n_busy, seconds);
    }
    busy_threads_stop (busy);
  }
  return 0;
}
