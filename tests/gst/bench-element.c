/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Measures the CPU time of a frame on one core: the element's time less the
 * session's run, which a network of one 1x1 convolution keeps short.
 * UNETSEG_BENCH_FRAMES sets the number of frames of each kind. */

#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "common.h"

static const struct {
  GstVideoFormat format;
  guint width, height;
  const gchar *output;
  gdouble limit; /* milliseconds; 0: no limit */
} cases[] = {
  { GST_VIDEO_FORMAT_NV12, 1920, 1080, "overlay", 6 },
  { GST_VIDEO_FORMAT_I420, 1280, 720, "none", 2 },
  { GST_VIDEO_FORMAT_NV12, 1920, 1080, "none", 0 },
  { GST_VIDEO_FORMAT_I420, 1920, 1080, "overlay", 0 },
  { GST_VIDEO_FORMAT_I420, 1280, 720, "overlay", 0 },
  { GST_VIDEO_FORMAT_YUY2, 1280, 720, "overlay", 0 },
  { GST_VIDEO_FORMAT_RGBA, 1280, 720, "overlay", 0 },
  { GST_VIDEO_FORMAT_P010_10LE, 1920, 1080, "overlay", 0 },
};

static guint64
cpu_time (void)
{
  struct timespec t;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  return (guint64) t.tv_sec * 1000000000 + t.tv_nsec;
}

static void
use_one_core (void)
{
  cpu_set_t set;

  CPU_ZERO (&set);
  CPU_SET (sched_getcpu (), &set);
  if (sched_setaffinity (0, sizeof (set), &set) != 0)
    g_printerr ("could not stay on one core\n");
}

static int
compare_times (const void *a, const void *b)
{
  guint64 x = *(const guint64 *) a, y = *(const guint64 *) b;

  return x < y ? -1 : x > y;
}

static void
bench (guint index, guint n)
{
  g_autofree gchar *properties = g_strdup_printf (
      "input-size=256x256 threads=1 output=%s", cases[index].output);
  GstHarness *h = test_harness_new ("red-dynamic", properties);
  g_autofree guint64 *times = g_new (guint64, n);
  gdouble total, run;
  GstBuffer *buffer;

  test_harness_set_format (
      h, cases[index].format, cases[index].width, cases[index].height);
  buffer = test_frame_at (h, TEST_HALF, 0);
  for (guint i = 0; i < n; i++) {
    UnetSegMeta *meta;
    guint64 start = cpu_time ();

    buffer = gst_harness_push_and_pull (h, buffer);
    times[i] = cpu_time () - start;
    meta = gst_buffer_get_unet_seg_meta (buffer);
    gst_buffer_remove_meta (buffer, (GstMeta *) meta);
  }
  gst_buffer_unref (buffer);
  qsort (times, n, sizeof (*times), compare_times);
  total = times[n / 2] / 1e6;
  run = test_stat (h->element, "inference-time-median") / 1e6;
  g_print ("%-10s %4ux%-4u %-8s %6.2f %6.2f %6.2f",
      gst_video_format_to_string (cases[index].format), cases[index].width,
      cases[index].height, cases[index].output, total, run, total - run);
  if (cases[index].limit > 0)
    g_print ("   at most %g", cases[index].limit);
  g_print ("\n");
  test_harness_free (h);
}

GST_START_TEST (bench_all)
{
  const gchar *frames = g_getenv ("UNETSEG_BENCH_FRAMES");
  guint n = frames ? MAX (atoi (frames), 1) : 200;

  use_one_core ();
  g_print ("medians of %u frames, milliseconds of CPU\n"
           "format     size      output    frame    run   rest\n",
      n);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    bench (i, n);
}

GST_END_TEST;

static Suite *
bench_suite (void)
{
  Suite *suite = suite_create ("bench");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, bench_all);
  return suite;
}

GST_CHECK_MAIN (bench);
