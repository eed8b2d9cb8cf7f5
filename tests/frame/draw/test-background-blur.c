/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Blurred and replaced backgrounds. */
#include "../oracle.h"

#include <frame/draw/frame-alpha.h>
#include <frame/draw/overlay.h>
#include <gst/check/gstcheck.h>
#include <math.h>

static void
free_mask (UnetMask *mask)
{
  g_free (mask->class_map);
  g_free (mask->probability);
}

static const gchar *const drawn[] = { "I420", "NV12", "YUY2", "UYVY", "Y444",
  "AYUV", "RGBx", "BGRA", "RGB", "GRAY8", "I420_10LE", "P010_10LE", NULL };

/* Returns a mask with foreground left of @column. */
static UnetMask
half_coverage (guint width, guint height, guint column)
{
  UnetMask mask = { width, height, 2, NULL, g_malloc (width * height), 0, 0,
    width, height };

  for (guint i = 0; i < width * height; i++)
    mask.probability[i] = i % width < column ? 255 : 0;
  return mask;
}

/* test-frame-alpha.c is about frames that are not. */
static void
make_opaque (TestFrame *frame)
{
  UnetFrameAlpha *alpha;

  if (!GST_VIDEO_INFO_HAS_ALPHA (&frame->info))
    return;
  alpha = unet_frame_alpha_new (&frame->info, &frame->info);
  unet_frame_alpha_clear (alpha, &frame->frame);
  unet_frame_alpha_free (alpha);
}

/* Checks that nothing outside of the picture has changed. */
static void
check_outside (TestFrame *now, const TestFrame *before)
{
  test_frame_copy_picture (now, before);
  fail_unless (memcmp (now->memory, before->memory, now->size) == 0);
}

/* The foreground stays, and a background of one colour keeps that colour: no
 * colour of the foreground bleeds into it. */
static void
check_blur (
    GRand *rand, const gchar *format, guint column, guint width, guint height)
{
  TestFrame frame, before;
  TestPlane was[3], is[3];
  GstVideoInfo info;
  UnetOverlay *overlay;
  UnetMask mask = half_coverage (width, height, column);
  guint n;

  test_info_init (&info, gst_video_format_from_string (format), width, height);
  test_frame_init_halves (&frame, &info, rand, column);
  make_opaque (&frame);
  test_frame_copy (&before, &frame);
  overlay = unet_overlay_new (&info, NULL);
  unet_overlay_blur (
      overlay, &frame.frame, &mask, g_rand_double_range (rand, 1, 20));
  n = test_planes_read (was, &before.frame);
  test_planes_read (is, &frame.frame);
  for (guint c = 0; c < n; c++) {
    const gdouble unit = ldexp (1, GST_VIDEO_INFO_COMP_DEPTH (&info, 0) - 8);

    for (guint y = 0; y < is[c].height; y++)
      for (guint x = 0; x < is[c].width; x++) {
        const guint pixel = x << is[c].w_sub;
        const gdouble delta =
            test_plane_at (&is[c], x, y) - test_plane_at (&was[c], x, y);

        fail_unless (pixel + 2 >= column || delta == 0,
            "%s: foreground changed by %g at %u,%u", format, delta, x, y);
        fail_unless (pixel < column + 4 || fabs (delta) <= 1.01 * unit,
            "%s: background changed by %g at %u,%u of %u", format, delta, x, y,
            column);
      }
  }
  test_planes_clear (was, n);
  test_planes_clear (is, n);
  check_outside (&frame, &before);
  unet_overlay_free (overlay);
  free_mask (&mask);
  test_frame_clear (&frame);
  test_frame_clear (&before);
}

GST_START_TEST (test_no_bleeding)
{
  GRand *rand = g_rand_new_with_seed (8);

  for (guint f = 0; drawn[f]; f++)
    for (guint i = 0; i < 4; i++) {
      const guint width = g_rand_int_range (rand, 60, 200);
      const guint height = g_rand_int_range (rand, 20, 120);

      check_blur (rand, drawn[f],
          2 * g_rand_int_range (rand, 10, width / 2 - 8), width, height);
    }
  g_rand_free (rand);
}

GST_END_TEST;

/* The whole frame is background. Away from the borders the blur is close to a
 * Gaussian. */
GST_START_TEST (test_gaussian)
{
  GRand *rand = g_rand_new_with_seed (9);
  const guint width = 240, height = 200;
  TestFrame frame, before;
  TestPlane was[3], is[3];
  GstVideoInfo info;
  UnetOverlay *overlay;
  UnetMask mask = half_coverage (width, height, 0);

  for (gdouble sigma = 6; sigma < 20; sigma += 4) {
    gdouble worst = 0;

    test_info_init (&info, GST_VIDEO_FORMAT_GRAY8, width, height);
    test_frame_init (&frame, &info, rand, TEST_NOISE, TRUE);
    for (guint y = 0; y < height; y++)
      for (guint x = 0; x < width; x++)
        ((guint8 *) frame.frame.data[0])[y * frame.frame.info.stride[0] + x] =
            (x / 40 + y / 50) % 2 ? 220 : 30;
    test_frame_copy (&before, &frame);
    overlay = unet_overlay_new (&info, NULL);
    unet_overlay_blur (overlay, &frame.frame, &mask, sigma);
    test_planes_read (was, &before.frame);
    test_planes_read (is, &frame.frame);
    for (gint y = 70; y < 130; y += 7)
      for (gint x = 70; x < 170; x += 7) {
        gdouble sum = 0, weights = 0;

        for (gint j = -60; j <= 60; j++)
          for (gint i = -60; i <= 60; i++) {
            const gdouble w = exp (-(i * i + j * j) / (2 * sigma * sigma));

            weights += w;
            sum += w * test_plane_at (was, x + i, y + j);
          }
        worst = MAX (worst, fabs (test_plane_at (is, x, y) - sum / weights));
      }
    fail_unless (worst < 8, "sigma %g: off by %g", sigma, worst);
    test_planes_clear (was, 1);
    test_planes_clear (is, 1);
    unet_overlay_free (overlay);
    test_frame_clear (&frame);
    test_frame_clear (&before);
  }
  free_mask (&mask);
  g_rand_free (rand);
}

GST_END_TEST;

/* Compares each sample of a replaced background with the picture, or with the
 * oracle's values of a colour. */
static void
check_replace (GRand *rand, const gchar *format, gboolean by_picture)
{
  const guint width = g_rand_int_range (rand, 20, 90);
  const guint height = g_rand_int_range (rand, 3, 60);
  const guint column = g_rand_int_range (rand, 6, width - 8);
  const gdouble rgb[3] = { 0x30 / 255.0, 0x90 / 255.0, 0xe0 / 255.0 };
  TestFrame frame, before, picture;
  TestPlane was[3], is[3], other[3];
  gdouble color[3];
  GstVideoInfo info;
  UnetOverlay *overlay;
  UnetMask mask = half_coverage (width, height, column);
  guint n;

  test_info_init (&info, gst_video_format_from_string (format), width, height);
  test_frame_init (&frame, &info, rand, TEST_NOISE, TRUE);
  make_opaque (&frame);
  test_frame_init_smooth (&picture, &info, rand);
  test_frame_copy (&before, &frame);
  overlay = unet_overlay_new (&info, NULL);
  unet_overlay_replace (overlay, &frame.frame, &mask, 0xff3090e0,
      by_picture ? &picture.frame : NULL);
  oracle_from_rgb (&info, rgb, color);
  n = test_planes_read (was, &before.frame);
  test_planes_read (is, &frame.frame);
  test_planes_read (other, &picture.frame);
  for (guint c = 0; c < n; c++)
    for (guint y = 0; y < is[c].height; y++)
      for (guint x = 0; x < is[c].width; x++) {
        const guint pixel = x << is[c].w_sub;
        const gdouble got = test_plane_at (&is[c], x, y);
        const gdouble expected = by_picture ? test_plane_at (&other[c], x, y)
                                            : color[c];

        fail_unless (
            pixel + 2 >= column || got == test_plane_at (&was[c], x, y),
            "%s: foreground", format);
        fail_unless (pixel < column + 2 || fabs (got - expected) < 0.51,
            "%s: %g instead of %g at %u,%u", format, got, expected, x, y);
      }
  test_planes_clear (was, n);
  test_planes_clear (is, n);
  test_planes_clear (other, n);
  check_outside (&frame, &before);
  unet_overlay_free (overlay);
  free_mask (&mask);
  test_frame_clear (&frame);
  test_frame_clear (&before);
  test_frame_clear (&picture);
}

GST_START_TEST (test_replace)
{
  GRand *rand = g_rand_new_with_seed (10);

  for (guint f = 0; drawn[f]; f++)
    for (guint i = 0; i < 6; i++)
      check_replace (rand, drawn[f], i % 2);
  g_rand_free (rand);
}

GST_END_TEST;

static Suite *
background_blur_suite (void)
{
  Suite *suite = suite_create ("background-blur");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_no_bleeding);
  tcase_add_test (tcase, test_gaussian);
  tcase_add_test (tcase, test_replace);
  return suite;
}

GST_CHECK_MAIN (background_blur);
