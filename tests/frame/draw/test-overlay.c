/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../oracle.h"
#include "../scene.h"

#include <frame/format/mask.h>
#include <frame/draw/overlay.h>
#include <frame/draw/palette.h>
#include <gst/check/gstcheck.h>
#include <math.h>

/* The overlay draws on frames of these formats in place. */
static const gchar *const own_formats[] = { "I420", "YV12", "NV12", "NV21",
  "YUY2", "UYVY", "YVYU", "VYUY", "Y42B", "Y444", "A420", "AYUV", "VUYA",
  "v308", "NV16", "NV61", "NV24", "AV12", "RGBx", "BGRx", "xRGB", "xBGR",
  "RGBA", "BGRA", "ARGB", "ABGR", "RGB", "BGR", "GBR", "GBRA", "RGBP", "BGRP",
  "GRAY8", "GRAY16_LE", "I420_10LE", "I422_10LE", "Y444_10LE", "I420_12LE",
  "P010_10LE", "P012_LE", "P016_LE", "Y444_16LE", "ARGB64", "AYUV64",
  "RGBA64_LE", "GBR_10LE", "A420_10LE", "v216", NULL };

static const guint32 palette[] = { 0x00000000, 0xff20c040, 0xffe03020,
  0x80ffff00, 0xff1020ff, 0x00ff00ff };

static void
set_colorimetry (GstVideoInfo *info, GRand *rand)
{
  static const GstVideoColorMatrix matrices[] = { GST_VIDEO_COLOR_MATRIX_BT601,
    GST_VIDEO_COLOR_MATRIX_BT709, GST_VIDEO_COLOR_MATRIX_BT2020 };
  static const GstVideoChromaSite sites[] = { GST_VIDEO_CHROMA_SITE_NONE,
    GST_VIDEO_CHROMA_SITE_H_COSITED, GST_VIDEO_CHROMA_SITE_V_COSITED,
    GST_VIDEO_CHROMA_SITE_COSITED };

  if (!GST_VIDEO_INFO_IS_YUV (info))
    return;
  info->colorimetry.matrix = matrices[g_rand_int_range (rand, 0, 3)];
  info->colorimetry.range = g_rand_boolean (rand)
      ? GST_VIDEO_COLOR_RANGE_0_255
      : GST_VIDEO_COLOR_RANGE_16_235;
  info->chroma_site = sites[g_rand_int_range (rand, 0, 4)];
}

/* Compares samples with the oracle. Samples that are not drawn on must stay the
 * same to the bit. */
static void
check_samples (const TestPlane *before, const TestPlane *now, guint n,
    const GstVideoInfo *info, const Scene *scene)
{
  const gdouble unit = ldexp (1, GST_VIDEO_INFO_COMP_DEPTH (info, 0) - 8);
  /* The curve and alpha have fixed point. */
  const gdouble slack = 0.012;
  gdouble *after[3], *alpha[3];

  for (guint c = 0; c < n; c++) {
    const gsize size = (gsize) now[c].width * now[c].height;

    after[c] = g_new (gdouble, size);
    alpha[c] = g_new (gdouble, size);
  }
  oracle_overlay (info, &scene->mask, palette, scene->opacity, scene->threshold,
      before, n, after, alpha);
  for (guint c = 0; c < n; c++) {
    for (gsize i = 0; i < (gsize) now[c].width * now[c].height; i++) {
      const gdouble got = now[c].samples[i], had = before[c].samples[i];
      const gdouble error = fabs (got - after[c][i]) / unit;
      const gdouble limit = 1.1 + slack * 255 * (alpha[c][i] > 0);

      fail_unless (alpha[c][i] > 0 || got == had,
          "%s: background changed from %g to %g (component %u, %ux%u)",
          GST_VIDEO_INFO_NAME (info), had, got, c, (guint) (i % now[c].width),
          (guint) (i / now[c].width));
      fail_unless (error <= limit,
          "%s: %g instead of %g, was %g, alpha %g (component %u, %u,%u of "
          "%ux%u)",
          GST_VIDEO_INFO_NAME (info), got, after[c][i], had, alpha[c][i], c,
          (guint) (i % now[c].width), (guint) (i / now[c].width), now[c].width,
          now[c].height);
    }
    g_free (after[c]);
    g_free (alpha[c]);
  }
}

static gboolean
has_own_alpha (const GstVideoInfo *info)
{
  return info->finfo->n_components == 4;
}

static void
check_alpha_untouched (TestFrame *drawn, TestFrame *original)
{
  TestPlane before[4], now[4];
  const guint n = test_planes_read_alpha (before, &original->frame);

  test_planes_read_alpha (now, &drawn->frame);
  for (gsize i = 0; i < (gsize) now[3].width * now[3].height; i++)
    fail_unless (now[3].samples[i] == before[3].samples[i]);
  test_planes_clear (before, n);
  test_planes_clear (now, n);
}

/* Checks that the unused byte of RGBx and its kin stays. */
static void
check_filler_untouched (const TestFrame *drawn, const TestFrame *original)
{
  const GstVideoFormatInfo *finfo = original->info.finfo;
  const gint filler =
      6 - finfo->poffset[0] - finfo->poffset[1] - finfo->poffset[2];

  for (gint y = 0; y < original->info.height; y++) {
    const gsize at = (gsize) y * original->frame.info.stride[0] + filler;
    const guint8 *a = (guint8 *) original->frame.data[0] + at;
    const guint8 *b = (guint8 *) drawn->frame.data[0] + at;

    for (gint x = 0; x < original->info.width; x++)
      fail_unless (a[4 * x] == b[4 * x]);
  }
}

static void
draw (TestFrame *frame, const Scene *scene, const guint32 *argb, guint n_colors)
{
  GError *error = NULL;
  UnetOverlay *overlay = unet_overlay_new (&frame->info, &error);

  fail_unless (overlay != NULL, "%s", error ? error->message : "");
  unet_overlay_set_palette (overlay, argb, n_colors);
  unet_overlay_draw (
      overlay, &frame->frame, &scene->mask, scene->opacity, scene->threshold);
  unet_overlay_free (overlay);
}

static void
check_drawing (GRand *rand, const gchar *format, guint width, guint height,
    guint n_classes)
{
  TestPlane before[3], now[3];
  TestFrame frame, original;
  GstVideoInfo info;
  Scene scene;
  guint n;

  test_info_init (&info, gst_video_format_from_string (format), width, height);
  set_colorimetry (&info, rand);
  scene_init (&scene, rand, width, height, n_classes);
  test_frame_init (&frame, &info, rand, TEST_NOISE, TRUE);
  test_frame_copy (&original, &frame);
  draw (&frame, &scene, palette, G_N_ELEMENTS (palette));
  n = test_planes_read (before, &original.frame);
  test_planes_read (now, &frame.frame);
  check_samples (before, now, n, &info, &scene);
  if (has_own_alpha (&info))
    check_alpha_untouched (&frame, &original);
  if (info.finfo->n_components == 3 && info.finfo->pixel_stride[0] == 4
      && GST_VIDEO_INFO_IS_RGB (&info))
    check_filler_untouched (&frame, &original);
  test_frame_copy_picture (&original, &frame);
  fail_unless (memcmp (original.memory, frame.memory, frame.size) == 0,
      "%s: bytes outside of the picture changed", format);
  test_planes_clear (before, n);
  test_planes_clear (now, n);
  test_frame_clear (&frame);
  test_frame_clear (&original);
  scene_clear (&scene);
}

GST_START_TEST (test_one_class)
{
  const gchar *format = own_formats[__i__];
  const guint even = strcmp (format, "VYUY") == 0 ? 2 : 1;
  GRand *rand = g_rand_new_with_seed (100 + __i__);

  for (guint round = 0; round < 6; round++)
    check_drawing (rand, format, even * g_rand_int_range (rand, 1, 80 / even),
        g_rand_int_range (rand, 1, 50), 2);
  g_rand_free (rand);
}
GST_END_TEST;

GST_START_TEST (test_several_classes)
{
  const gchar *format = own_formats[__i__];
  const guint even = strcmp (format, "VYUY") == 0 ? 2 : 1;
  GRand *rand = g_rand_new_with_seed (200 + __i__);

  for (guint round = 0; round < 6; round++)
    check_drawing (rand, format, even * g_rand_int_range (rand, 1, 80 / even),
        g_rand_int_range (rand, 1, 50), 5);
  g_rand_free (rand);
}
GST_END_TEST;

/* ---- all the other formats -------------------------------------------- */

/* Fills a mask whose left half is certainly foreground. */
static void
half_mask (UnetMask *mask, guint width, guint height)
{
  *mask = (UnetMask){ 16, 16, 2, g_malloc (256), g_malloc (256), 0, 0, width,
    height };
  for (guint i = 0; i < 256; i++) {
    mask->class_map[i] = i % 16 < 8;
    mask->probability[i] = i % 16 < 8 ? 255 : 0;
  }
}

static void
check_halves (
    const TestPlane *before, const TestPlane *now, guint n, const gchar *name)
{
  for (guint c = 0; c < n; c++) {
    for (gsize i = 0; i < (gsize) now[c].width * now[c].height; i++) {
      const guint x = (guint) (i % now[c].width) << now[c].w_sub;
      const gdouble got = now[c].samples[i];

      if (c == 3 || x > 57)
        fail_unless (
            got == before[c].samples[i], "%s: component %u at %u", name, c, x);
      else if (x < 40)
        fail_unless (
            got == now[c].samples[0], "%s: component %u at %u", name, c, x);
    }
  }
}

GST_START_TEST (test_every_format_keeps_background)
{
  guint n_formats, n;
  const GstVideoFormat *formats = gst_video_formats_raw (&n_formats);
  GRand *rand = g_rand_new_with_seed (8);
  Scene scene = { .opacity = 1, .threshold = 0.5 };

  half_mask (&scene.mask, 97, 51);
  for (guint i = 0; i < n_formats; i++) {
    TestPlane before[4], now[4];
    TestFrame frame, original;
    GstVideoInfo info;

    if (formats[i] == GST_VIDEO_FORMAT_RGB8P)
      continue;
    test_info_init (&info, formats[i], 97, 51);
    info.fps_n = 30;
    test_frame_init (&frame, &info, rand, TEST_NOISE, FALSE);
    test_frame_copy (&original, &frame);
    draw (&frame, &scene, palette, G_N_ELEMENTS (palette));
    n = test_planes_read_alpha (before, &original.frame);
    test_planes_read_alpha (now, &frame.frame);
    check_halves (before, now, n, gst_video_format_to_string (formats[i]));
    test_planes_clear (before, n);
    test_planes_clear (now, n);
    test_frame_clear (&frame);
    test_frame_clear (&original);
  }
  scene_clear (&scene);
  g_rand_free (rand);
}
GST_END_TEST;

/* ---- properties of the drawing ---------------------------------------- */

static void
expect_sample (const TestFrame *frame, guint component, guint x,
    gdouble expected, gdouble slack)
{
  TestPlane planes[3];
  const guint n = test_planes_read (planes, &frame->frame);
  const gdouble got =
      test_plane_at (&planes[component], x >> planes[component].w_sub, 2);

  fail_unless (fabs (got - expected) <= slack,
      "%s: component %u is %g instead of %g",
      GST_VIDEO_INFO_NAME (&frame->info), component, got, expected);
  test_planes_clear (planes, n);
}

static void
check_color (const gchar *format, const gchar *colorimetry, guint32 argb,
    guint width, const guint expected[3])
{
  const guint32 colors[2] = { 0, argb };
  GRand *rand = g_rand_new_with_seed (9);
  Scene scene = { .opacity = 1, .threshold = 0.5 };
  GstVideoInfo info;
  TestFrame frame;

  test_info_init (&info, gst_video_format_from_string (format), width, 32);
  fail_unless (
      gst_video_colorimetry_from_string (&info.colorimetry, colorimetry));
  half_mask (&scene.mask, width, 32);
  test_frame_init (&frame, &info, rand, TEST_NOISE, TRUE);
  draw (&frame, &scene, colors, 2);
  for (guint c = 0; c < 3; c++)
    expect_sample (&frame, c, 4, expected[c], 0);
  test_frame_clear (&frame);
  scene_clear (&scene);
  g_rand_free (rand);
}

/* BT.601, BT.709 and BT.2020 give these levels of pure colours. Levels of 10
 * bits are four times as large. */
GST_START_TEST (test_colors)
{
  const guint32 red = 0xffff0000, green = 0xff00ff00, white = 0xffffffff;

  check_color ("I420", "bt601", red, 64, (guint[3]){ 81, 90, 240 });
  check_color ("NV12", "bt601", green, 65, (guint[3]){ 145, 54, 34 });
  check_color ("YUY2", "bt709", red, 64, (guint[3]){ 63, 102, 240 });
  check_color ("AYUV", "bt709", green, 64, (guint[3]){ 173, 42, 26 });
  check_color ("Y444", "bt2020", red, 64, (guint[3]){ 74, 97, 240 });
  check_color ("I420", "1:4:0:0", red, 64, (guint[3]){ 76, 85, 255 });
  check_color ("NV12", "bt709", white, 64, (guint[3]){ 235, 128, 128 });
  check_color ("P010_10LE", "bt709", white, 64, (guint[3]){ 940, 512, 512 });
  check_color ("I420_10LE", "bt601", red, 64, (guint[3]){ 326, 361, 960 });
  check_color ("BGRx", "sRGB", red, 64, (guint[3]){ 255, 0, 0 });
  check_color ("RGB", "sRGB", 0xff123456, 64, (guint[3]){ 18, 52, 86 });
}
GST_END_TEST;

static void
check_unchanged (const Scene *scene, const guint32 *argb)
{
  static const gchar *const formats[] = { "I420", "YUY2", "RGB", "v210" };
  GRand *rand = g_rand_new_with_seed (10);

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++) {
    TestFrame frame, original;
    GstVideoInfo info;

    test_info_init (&info, gst_video_format_from_string (formats[f]), 64, 33);
    test_frame_init (&frame, &info, rand, TEST_NOISE, TRUE);
    test_frame_copy (&original, &frame);
    draw (&frame, scene, argb, 2);
    fail_unless (memcmp (frame.memory, original.memory, frame.size) == 0,
        "%s changed", formats[f]);
    test_frame_clear (&frame);
    test_frame_clear (&original);
  }
  g_rand_free (rand);
}

GST_START_TEST (test_nothing_to_draw)
{
  const guint32 visible[2] = { 0, 0xffff0000 }, hidden[2] = { 0, 0xff0000 };
  Scene scene = { .opacity = 1, .threshold = 0.5 };

  half_mask (&scene.mask, 64, 33);
  check_unchanged (&scene, hidden);
  scene.opacity = 0;
  check_unchanged (&scene, visible);
  scene.opacity = 1;
  /* The mask lies outside the frame. */
  scene.mask.x = 64;
  check_unchanged (&scene, visible);
  scene.mask.x = -64;
  check_unchanged (&scene, visible);
  scene.mask.x = 0;
  memset (scene.mask.probability, 0, 256);
  memset (scene.mask.class_map, 0, 256);
  check_unchanged (&scene, visible);
  /* Pixels without probability are background at any threshold. */
  scene.threshold = 0;
  check_unchanged (&scene, visible);
  scene_clear (&scene);
}
GST_END_TEST;

GST_START_TEST (test_extreme_thresholds)
{
  const guint32 colors[2] = { 0, 0xffffffff };
  GRand *rand = g_rand_new_with_seed (11);
  Scene scene = { .opacity = 1, .threshold = 1 };
  GstVideoInfo info;
  TestFrame frame;

  test_info_init (&info, GST_VIDEO_FORMAT_GRAY8, 64, 32);
  half_mask (&scene.mask, 64, 32);
  test_frame_init (&frame, &info, rand, TEST_NOISE, TRUE);
  memset (frame.frame.data[0], 50, 64);
  draw (&frame, &scene, colors, 2);
  expect_sample (&frame, 0, 4, 255, 0);
  for (guint i = 0; i < 256; i++)
    scene.mask.probability[i] = 40;
  memset (
      (guint8 *) frame.frame.data[0] + 2 * frame.frame.info.stride[0], 50, 64);
  scene.threshold = 0;
  draw (&frame, &scene, colors, 2);
  expect_sample (&frame, 0, 4, 255, 0);
  test_frame_clear (&frame);
  scene_clear (&scene);
  g_rand_free (rand);
}
GST_END_TEST;

GST_START_TEST (test_background_color)
{
  const guint32 colors[3] = { 0xff0000ff, 0xffff0000, 0xff00ff00 };
  GRand *rand = g_rand_new_with_seed (12);
  Scene scene = { .opacity = 1, .threshold = 0.5 };
  GstVideoInfo info;
  TestFrame frame;

  test_info_init (&info, GST_VIDEO_FORMAT_RGBx, 64, 32);
  half_mask (&scene.mask, 64, 32);
  for (scene.mask.n_classes = 2; scene.mask.n_classes < 4;
       scene.mask.n_classes++) {
    test_frame_init (&frame, &info, rand, TEST_NOISE, TRUE);
    draw (&frame, &scene, colors, 3);
    expect_sample (&frame, 0, 4, 255, 0);
    expect_sample (&frame, 2, 4, 0, 0);
    expect_sample (&frame, 0, 60, 0, 0);
    expect_sample (&frame, 2, 60, 255, 0);
    test_frame_clear (&frame);
  }
  scene_clear (&scene);
  g_rand_free (rand);
}
GST_END_TEST;

/* One overlay draws masks of changing size, place and threshold as a new
 * overlay for each would. */
GST_START_TEST (test_changing_masks)
{
  GRand *rand = g_rand_new_with_seed (13);
  GstVideoInfo info;
  UnetOverlay *overlay;

  test_info_init (&info, GST_VIDEO_FORMAT_NV12, 101, 67);
  overlay = unet_overlay_new (&info, NULL);
  for (guint i = 0; i < 60; i++) {
    const guint n_colors = g_rand_int_range (rand, 0, 6);
    TestFrame frame, other;
    Scene scene;

    scene_init (&scene, rand, 101, 67, i % 3 ? 2 : 5);
    test_frame_init (&frame, &info, rand, TEST_NOISE, TRUE);
    test_frame_copy (&other, &frame);
    unet_overlay_set_palette (overlay, palette, n_colors);
    unet_overlay_draw (
        overlay, &frame.frame, &scene.mask, scene.opacity, scene.threshold);
    draw (&other, &scene, palette, n_colors);
    fail_unless (memcmp (frame.memory, other.memory, frame.size) == 0,
        "frame %u differs", i);
    test_frame_clear (&frame);
    test_frame_clear (&other);
    scene_clear (&scene);
  }
  unet_overlay_free (overlay);
  g_rand_free (rand);
}
GST_END_TEST;

GST_START_TEST (test_default_palette)
{
  assert_equals_int (unet_palette_default (0), 0);
  for (guint i = 1; i < 256; i++) {
    const guint32 a = unet_palette_default (i);

    fail_unless (a >> 24 == 0xff);
    /* Any two of the first twelve colours differ clearly. */
    for (guint j = 1; j < i && i <= 12; j++) {
      const guint32 b = unet_palette_default (j);
      gint distance = 0;

      for (guint shift = 0; shift < 24; shift += 8)
        distance += ABS ((gint) (a >> shift & 255) - (gint) (b >> shift & 255));
      fail_unless (distance > 60, "%u and %u: %06x and %06x", i, j,
          a & 0xffffff, b & 0xffffff);
    }
  }
}
GST_END_TEST;

static Suite *
overlay_suite (void)
{
  Suite *suite = suite_create ("overlay");
  TCase *tc = tcase_create ("overlay");
  guint n = 0;

  while (own_formats[n])
    n++;
  tcase_set_timeout (tc, 300);
  suite_add_tcase (suite, tc);
  tcase_add_loop_test (tc, test_one_class, 0, n);
  tcase_add_loop_test (tc, test_several_classes, 0, n);
  tcase_add_test (tc, test_every_format_keeps_background);
  tcase_add_test (tc, test_colors);
  tcase_add_test (tc, test_nothing_to_draw);
  tcase_add_test (tc, test_extreme_thresholds);
  tcase_add_test (tc, test_background_color);
  tcase_add_test (tc, test_changing_masks);
  tcase_add_test (tc, test_default_palette);
  return suite;
}

GST_CHECK_MAIN (overlay);
