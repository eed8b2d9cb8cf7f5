/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pushes many frames with changing caps through an element that restarts at
 * times. Memory and live objects must not grow.
 *
 * soak [FRAMES] (100000 take minutes)
 *
 * Set GST_TRACERS=leaks to count objects. */

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gst/check/gstharness.h>
#include <gst/video/video.h>
#include <unetseg/unet-seg-meta.h>

#define FRAMES_PER_CAPS  20
#define CAPS_PER_RESTART 40
#define SAMPLES          20
/* Bytes that fragmentation may add to the resident set from the first half to
 * the second. In a long run a leak of a tenth of a kilobyte per frame exceeds
 * them. */
#define TOLERANCE (6.0 * 1024 * 1024)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED TRUE /* the sanitizer keeps freed memory for a while */
#else
#define SANITIZED FALSE
#endif

static const struct {
  GstVideoFormat format;
  guint width, height;
} kinds[] = {
  { GST_VIDEO_FORMAT_I420, 64, 48 },
  { GST_VIDEO_FORMAT_NV12, 320, 240 },
  { GST_VIDEO_FORMAT_YUY2, 33, 61 },
  { GST_VIDEO_FORMAT_RGBx, 200, 31 },
  { GST_VIDEO_FORMAT_I420, 1, 1 },
  { GST_VIDEO_FORMAT_v210, 96, 100 },
  { GST_VIDEO_FORMAT_GRAY8, 48, 160 },
  { GST_VIDEO_FORMAT_AYUV, 21, 9 },
  { GST_VIDEO_FORMAT_P010_10LE, 128, 70 },
  { GST_VIDEO_FORMAT_I420, 640, 2 },
};

typedef struct {
  gdouble resident; /* bytes */
  gint objects;
} Sample;

static gdouble
resident (void)
{
  unsigned long size = 0, pages = 0;
  FILE *file = fopen ("/proc/self/statm", "r");

  if (!file || fscanf (file, "%lu %lu", &size, &pages) != 2)
    pages = 0;
  if (file)
    fclose (file);
  return (gdouble) pages * sysconf (_SC_PAGESIZE);
}

static GstTracer *
leaks_tracer (void)
{
  GList *tracers = gst_tracing_get_active_tracers ();
  GstTracer *leaks = NULL;

  for (GList *l = tracers; l; l = l->next)
    if (g_strcmp0 (G_OBJECT_TYPE_NAME (l->data), "GstLeaksTracer") == 0)
      leaks = gst_object_ref (l->data);
  g_list_free_full (tracers, gst_object_unref);
  return leaks;
}

static gint
count_list (const GstStructure *info, const gchar *name)
{
  const GValue *list = gst_structure_get_value (info, name);

  return list ? (gint) gst_value_list_get_size (list) : 0;
}

/* Returns the objects created since the first call and not disposed of, or 0
 * without the tracer. */
static gint
live_objects (void)
{
  static gint live;
  GstTracer *leaks = leaks_tracer ();
  g_autoptr (GstStructure) info = NULL;

  if (!leaks)
    return 0;
  g_signal_emit_by_name (leaks, "activity-get-checkpoint", &info);
  if (info)
    live += count_list (info, "objects-created-list")
        - count_list (info, "objects-removed-list");
  gst_object_unref (leaks);
  return live;
}

static void
start_counting (void)
{
  GstTracer *leaks = leaks_tracer ();

  if (!leaks)
    return;
  g_signal_emit_by_name (leaks, "activity-start-tracking");
  gst_object_unref (leaks);
}

static GstBuffer *
make_frame (const GstVideoInfo *info, guint64 index)
{
  GstBuffer *buffer =
      gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (info), NULL);

  gst_buffer_memset (buffer, 0, index * 7 & 255, -1);
  GST_BUFFER_PTS (buffer) = index * GST_MSECOND;
  return buffer;
}

static void
push_frames (GstHarness *h, guint kind, guint64 first, guint n)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (h->element);
  GstVideoInfo info;

  gst_video_info_set_format (
      &info, kinds[kind].format, kinds[kind].width, kinds[kind].height);
  info.fps_n = 30;
  gst_harness_set_src_caps (h, gst_video_info_to_caps (&info));
  for (guint i = 0; i < n; i++) {
    GstBuffer *out =
        gst_harness_push_and_pull (h, make_frame (&info, first + i));

    g_assert_nonnull (out);
    g_assert_nonnull (gst_buffer_get_unet_seg_meta (out));
    gst_buffer_unref (out);
  }
  while (gst_harness_events_in_queue (h))
    gst_event_unref (gst_harness_pull_event (h));
  while (gst_harness_upstream_events_in_queue (h))
    gst_event_unref (gst_harness_pull_upstream_event (h));
  gst_bus_set_flushing (bus, TRUE);
  gst_bus_set_flushing (bus, FALSE);
}

/* Changes to the next kind of frames and sets other properties. */
static void
change (GstHarness *h, guint turn)
{
  static const gchar *const colors[] = { NULL, "red", "1=#80ffffff" };

  g_object_set (h->element, "interval", 1 + turn % 3, "opacity",
      turn % 11 / 10., "colors", colors[turn % 3], NULL);
  if (turn % 7 == 3) {
    gst_harness_push_event (h, gst_event_new_flush_start ());
    gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
    gst_harness_push_event (h, gst_event_new_stream_start ("again"));
  }
  if (turn % CAPS_PER_RESTART == CAPS_PER_RESTART - 1) {
    gst_element_set_state (h->element, GST_STATE_NULL);
    gst_element_set_state (h->element, GST_STATE_PLAYING);
    gst_harness_push_event (h, gst_event_new_stream_start ("anew"));
  }
}

static void
push_segment (GstHarness *h)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (h, gst_event_new_segment (&segment));
}

/* Returns the least resident size within a fifth of a second. By then a
 * background thread has compiled and measured the session for the last caps. */
static gdouble
settled (void)
{
  gdouble least = resident ();

  for (guint i = 0; i < 20; i++) {
    g_usleep (10 * 1000);
    least = MIN (least, resident ());
  }
  return least;
}

static void
take_sample (Sample *samples, guint index, guint64 frames)
{
  samples[index].resident = settled ();
  samples[index].objects = live_objects ();
  printf ("%8" G_GUINT64_FORMAT " frames: %.1f MB resident, %d objects\n",
      frames, samples[index].resident / 1e6, samples[index].objects);
  fflush (stdout);
}

static GstHarness *
start (void)
{
  g_autofree gchar *path = g_build_filename (
      g_getenv ("UNETSEG_TEST_MODELS"), "red-dynamic.onnx", NULL);
  GstElement *element = gst_element_factory_make ("unetseg", NULL);
  GstBus *bus = gst_bus_new ();
  GstHarness *h;

  g_assert_nonnull (element);
  /* A team of threads would make the test depend on how long they wait. */
  g_object_set (element, "model", path, "threads", 1, "async", FALSE, NULL);
  gst_element_set_bus (element, bus);
  gst_object_unref (bus);
  h = gst_harness_new_with_element (element, "sink", "src");
  gst_object_unref (element);
  return h;
}

static void
soak (guint64 frames, Sample *samples)
{
  GstHarness *h = start ();
  guint64 done = 0;
  guint sampled = 0;

  for (guint turn = 0; done < frames; turn++) {
    change (h, turn);
    if (turn)
      push_segment (h);
    push_frames (h, turn * 3 % G_N_ELEMENTS (kinds), done, FRAMES_PER_CAPS);
    done += FRAMES_PER_CAPS;
    while (sampled < SAMPLES && done * SAMPLES >= frames * (sampled + 1))
      take_sample (samples, sampled++, done);
  }
  gst_harness_teardown (h);
}

/* Returns the least of the samples from @from to below @to. A session being
 * compiled adds memory and objects to single samples, but a leak adds to
 * all. */
static Sample
least (const Sample *samples, guint from, guint to)
{
  Sample result = samples[from];

  for (guint i = from + 1; i < to; i++) {
    result.resident = MIN (result.resident, samples[i].resident);
    result.objects = MIN (result.objects, samples[i].objects);
  }
  return result;
}

int
main (int argc, char **argv)
{
  guint64 frames = argc > 1 ? g_ascii_strtoull (argv[1], NULL, 10) : 100000;
  Sample samples[SAMPLES] = { 0 }, early, late;

  /* The allocator's arenas keep freed memory. Chance gives them to threads,
   * which changes the size by 20 MB. */
  mallopt (M_ARENA_MAX, 1);
  gst_init (NULL, NULL);
  start_counting ();
  soak (MAX (frames, SAMPLES), samples);
  early = least (samples, SAMPLES / 6, SAMPLES / 2);
  late = least (samples, SAMPLES / 2, SAMPLES);
  printf ("%+.2f MB, %+d objects from the first half to the second\n",
      (late.resident - early.resident) / 1e6, late.objects - early.objects);
  return late.objects > early.objects + 2
      || (!SANITIZED && late.resident > early.resident + TOLERANCE);
}
