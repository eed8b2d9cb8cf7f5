/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Measures how long a stream takes to start and to stop:
 *   start-stop [MODEL [PROPERTIES]]
 * Streams of 640x480, live and not, start with MODEL, or with the built-in
 * model if it is left out. They stop at ten moments from 0 to 3.2 s after the
 * start: while the network is compiled by rule, while it is measured, and
 * afterwards. A stop is a change to NULL, a change to READY, or a flushing
 * seek. Prints a row for 0 and for 2 busy threads: the longest time that the
 * first frame stayed in the element, and the longest that each stop took. Not a
 * test. */
#include "busy-threads.h"

#include <stdio.h>
#include <stdlib.h>

#include <gst/gst.h>

/* Milliseconds after the start. */
static const guint moments[] = { 0, 5, 10, 25, 50, 100, 200, 400, 800, 3200 };

typedef enum {
  TO_NULL,
  TO_READY,
  FLUSH,
  N_WAYS,
} Way;

/* This argument makes the program do one run. */
#define ONCE "--once"

/* ---- streams ------------------------------------------------------------- */

static GstPadProbeReturn
note_time (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  gint64 *time = data;

  *time = g_get_monotonic_time ();
  return GST_PAD_PROBE_REMOVE;
}

static void
watch (GstElement *seg, const gchar *name, gint64 *time)
{
  GstPad *pad = gst_element_get_static_pad (seg, name);

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, note_time, time, NULL);
  gst_object_unref (pad);
}

static GstElement *
open_stream (gboolean live, const gchar *model, const gchar *properties)
{
  g_autofree gchar *of_model = *model ? g_strdup_printf ("model=\"%s\"", model)
                                      : g_strdup ("");
  g_autofree gchar *text = g_strdup_printf (
      "videotestsrc is-live=%d pattern=ball ! "
      "video/x-raw,format=I420,width=640,height=480,framerate=30/1 ! "
      "unetseg name=seg %s output=blur %s ! fakesink sync=true",
      live, of_model, properties);
  g_autoptr (GError) error = NULL;
  GstElement *pipeline = gst_parse_launch (text, &error);

  if (error)
    g_error ("%s", error->message);
  return pipeline;
}

static void
stop (GstElement *pipeline, Way way)
{
  if (way == FLUSH)
    gst_element_seek_simple (
        pipeline, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, 10 * GST_SECOND);
  else
    gst_element_set_state (
        pipeline, way == TO_NULL ? GST_STATE_NULL : GST_STATE_READY);
}

/* ---- one start and stop -------------------------------------------------- */

/* Prints the milliseconds of the first frame, or -1 without one, and of the
 * stop. */
static void
measure_once (GstElement *pipeline, Way way, guint moment)
{
  GstElement *seg = gst_bin_get_by_name (GST_BIN (pipeline), "seg");
  gint64 came = 0, left = 0, start;

  watch (seg, "sink", &came);
  watch (seg, "src", &left);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_usleep (1000 * moment);
  start = g_get_monotonic_time ();
  stop (pipeline, way);
  start = g_get_monotonic_time () - start;
  gst_element_set_state (pipeline, GST_STATE_NULL);
  printf ("%.1f %.1f\n", left > 0 ? (left - came) / 1000. : -1, start / 1000.);
  gst_object_unref (seg);
}

/* The arguments are ONCE LIVE WAY MOMENT MODEL PROPERTIES. */
static int
run_once (gchar **argv)
{
  GstElement *pipeline = open_stream (atoi (argv[2]), argv[5], argv[6]);

  measure_once (pipeline, atoi (argv[3]), atoi (argv[4]));
  gst_object_unref (pipeline);
  return 0;
}

/* ---- all of them --------------------------------------------------------- */

/* The longest times in milliseconds. */
typedef struct {
  gdouble first, stops[N_WAYS];
} Longest;

/* Does the run in a process of its own, since a process measures a network
 * once. */
static void
add_run (Longest *longest, gboolean live, Way way, guint moment,
    const gchar *const *words)
{
  g_autofree gchar *way_text = g_strdup_printf ("%d", way);
  g_autofree gchar *moment_text = g_strdup_printf ("%u", moment);
  const gchar *argv[] = { "/proc/self/exe", ONCE, live ? "1" : "0", way_text,
    moment_text, words[0], words[1], NULL };
  g_autoptr (GError) error = NULL;
  g_autofree gchar *said = NULL;
  gdouble first, took;
  gint status;

  if (!g_spawn_sync (NULL, (gchar **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL,
          &said, NULL, &status, &error)
      || sscanf (said, "%lf %lf", &first, &took) != 2)
    g_error ("a run failed: %s", error ? error->message : said);
  longest->first = MAX (longest->first, first);
  longest->stops[way] = MAX (longest->stops[way], took);
}

static void
measure (gboolean live, const gchar *const *words, guint n_busy)
{
  BusyThreads *busy = busy_threads_start (n_busy);
  Longest longest = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (moments); i++)
    for (guint way = 0; way < N_WAYS; way++)
      add_run (&longest, live, way, moments[i], words);
  busy_threads_stop (busy);
  printf ("| %s | %u | %.0f | %.0f | %.0f | %.0f |\n", live ? "live" : "file",
      n_busy, longest.first, longest.stops[TO_NULL], longest.stops[TO_READY],
      longest.stops[FLUSH]);
  fflush (stdout);
}

int
main (int argc, char **argv)
{
  const gchar *words[] = { argc > 1 ? argv[1] : "", argc > 2 ? argv[2] : "" };

  gst_init (NULL, NULL);
  if (argc == 7 && g_str_equal (argv[1], ONCE))
    return run_once (argv);
  printf ("| stream | busy | first frame, ms | NULL | READY | seek |\n"
          "| --- | --- | --- | --- | --- | --- |\n");
  for (guint n_busy = 0; n_busy <= 2; n_busy += 2)
    for (gint live = 1; live >= 0; live--)
      measure (live, words, n_busy);
  return 0;
}
