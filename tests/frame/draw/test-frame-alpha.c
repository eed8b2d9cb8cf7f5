/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../picture.h"

#include <frame/draw/frame-alpha.h>
#include <gst/check/gstcheck.h>
#include <math.h>

static const gchar *const formats[] = { "RGBA", "BGRA", "ARGB", "ABGR", "AYUV",
  "VUYA", "A420", "AV12", "GBRA", "ARGB64", "AYUV64", "RGBA64_LE", "A420_10LE",
  "A422_10LE", "A444_10LE", "GBRA_12LE" };

/* Returns the plane of alpha of a frame, read by GStreamer, and its largest
 * value. */
static TestPlane
read_alpha (const TestFrame *frame, gdouble *most)
{
  TestPlane planes[4];

  assert_equals_int (test_planes_read_alpha (planes, &frame->frame), 4);
  test_planes_clear (planes, 3);
  *most = (1u << GST_VIDEO_INFO_COMP_DEPTH (&frame->info, 3)) - 1;
  return planes[3];
}

static void
check (const TestFrame *frame, UnetMask *mask, UnetFrameAlpha *alpha)
{
  const guint n = frame->info.width * frame->info.height;
  g_autofree guint8 *covered = NULL;
  gdouble most;
  TestPlane plane = read_alpha (frame, &most);
  const UnetMask *result = unet_frame_alpha_cover (alpha, &frame->frame, mask);

  covered = g_memdup2 (result->probability, n);
  result = unet_frame_alpha_hide (alpha, &frame->frame, mask);
  for (guint i = 0; i < n; i++) {
    const gdouble a = plane.samples[i] / most;
    const gdouble c =
        mask->probability[mask->width * mask->height == 1 ? 0 : i];

    assert_equals_int (covered[i], (gint) floor (c * a + 0.5));
    assert_equals_int (
        result->probability[i], 255 - (gint) floor ((255 - c) * a + 0.5));
  }
  assert_equals_int (result->width, frame->info.width);
  test_planes_clear (&plane, 1);
}

/* Colours and what lies round the frame stay as they are. */
static void
check_clear (const TestFrame *frame, UnetFrameAlpha *alpha)
{
  TestFrame copy;
  TestPlane before[4], after[4];
  gdouble most = (1u << GST_VIDEO_INFO_COMP_DEPTH (&frame->info, 3)) - 1;
  const guint n = frame->info.width * frame->info.height;

  test_frame_copy (&copy, frame);
  unet_frame_alpha_clear (alpha, &copy.frame);
  test_planes_read_alpha (before, &frame->frame);
  test_planes_read_alpha (after, &copy.frame);
  for (guint i = 0; i < n; i++)
    fail_unless (after[3].samples[i] == most);
  for (guint c = 0; c < 3; c++)
    fail_unless (memcmp (before[c].samples, after[c].samples,
                     before[c].width * before[c].height * sizeof (gdouble))
        == 0);
  fail_unless (memcmp (copy.memory, frame->memory, 64) == 0
      && memcmp (
             copy.memory + copy.size - 64, frame->memory + frame->size - 64, 64)
          == 0);
  test_planes_clear (before, 4);
  test_planes_clear (after, 4);
  test_frame_clear (&copy);
}

GST_START_TEST (test_against_definition)
{
  GRand *rand = g_rand_new_with_seed (__i__);
  GstVideoFormat format = gst_video_format_from_string (formats[__i__]);

  for (guint round = 0; round < 8 && format != GST_VIDEO_FORMAT_UNKNOWN;
       round++) {
    const guint w = g_rand_int_range (rand, 1, 90);
    const guint h = g_rand_int_range (rand, 1, 40);
    g_autofree guint8 *pixels = test_random_bytes (rand, w * h);
    UnetMask mask = { .width = w, .height = h, .n_classes = 2, .w = w, .h = h };
    UnetMask one = { .width = 1, .height = 1, .n_classes = 2, .w = w, .h = h };
    UnetFrameAlpha *alpha;
    GstVideoInfo info;
    TestFrame frame;

    mask.probability = one.probability = pixels;
    test_info_init (&info, format, w, h);
    test_frame_init (&frame, &info, rand, TEST_NOISE, TRUE);
    alpha = unet_frame_alpha_new (&info, &info);
    check (&frame, &mask, alpha);
    check (&frame, &one, alpha);
    check_clear (&frame, alpha);
    unet_frame_alpha_free (alpha);
    test_frame_clear (&frame);
  }
  g_rand_free (rand);
}
GST_END_TEST;

static Suite *
frame_alpha_suite (void)
{
  Suite *suite = suite_create ("frame-alpha");
  TCase *tc = tcase_create ("general");

  tcase_add_loop_test (tc, test_against_definition, 0, G_N_ELEMENTS (formats));
  suite_add_tcase (suite, tc);
  return suite;
}

GST_CHECK_MAIN (frame_alpha);
