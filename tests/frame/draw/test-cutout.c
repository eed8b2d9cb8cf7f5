/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests the mask as alpha and as a picture. */

#include "../oracle.h"
#include "../scene.h"

#include <frame/draw/mask-picture.h>
#include <frame/draw/cutout.h>
#include <gst/check/gstcheck.h>
#include <math.h>

static const guint32 palette[] = { 0x00000000, 0xff20c040, 0xffe03020,
  0x80ffff00, 0xff1020ff, 0x00ff00ff };
static const guint32 with_background[] = { 0x60000000, 0xff20c040, 0x40e03020,
  0x80ffff00, 0x001020ff, 0xffff00ff };

static GstVideoFormat
format_of (const gchar *name)
{
  const GstVideoFormat format = gst_video_format_from_string (name);

  fail_unless (format != GST_VIDEO_FORMAT_UNKNOWN, "%s", name);
  return format;
}

/* Checks the guards and the bytes between rows. @before: a copy of all of
 * @frame's memory. */
static void
check_surroundings (TestFrame *before, const TestFrame *frame)
{
  test_frame_copy_picture (before, frame);
  fail_unless (memcmp (before->memory, frame->memory, frame->size) == 0,
      "%s: bytes outside of the picture changed",
      GST_VIDEO_INFO_NAME (&frame->info));
}

/* ---- alpha ------------------------------------------------------------ */

/* Formats whose samples only move, each with its output format. Formats with
 * the same name twice are written in place. */
static const gchar *const moving[][2] = { { "I420", "A420" },
  { "YV12", "A420" }, { "NV12", "A420" }, { "NV21", "A420" },
  { "GRAY8", "A420" }, { "YUY2", "AYUV" }, { "UYVY", "AYUV" },
  { "YVYU", "AYUV" }, { "Y42B", "AYUV" }, { "NV16", "AYUV" },
  { "v216", "AYUV64" }, { "Y444", "AYUV" }, { "NV24", "AYUV" },
  { "v308", "AYUV" }, { "RGB", "RGBA" }, { "BGR", "BGRA" }, { "RGBx", "RGBA" },
  { "BGRx", "BGRA" }, { "xRGB", "ARGB" }, { "xBGR", "ABGR" },
  { "RGBP", "RGBA" }, { "BGRP", "BGRA" }, { "GBR", "GBRA" },
  { "I420_10LE", "A420_10LE" }, { "P010_10LE", "A420_10LE" },
  { "I422_10LE", "A422_10LE" }, { "Y444_10LE", "A444_10LE" },
  { "GBR_10LE", "GBRA_10LE" }, { "GBR_12LE", "GBRA_12LE" },
  { "Y444_16LE", "AYUV64" }, { "GRAY16_LE", "AYUV64" }, { "A420", "A420" },
  { "AYUV", "AYUV" }, { "VUYA", "VUYA" }, { "RGBA", "RGBA" },
  { "BGRA", "BGRA" }, { "ARGB", "ARGB" }, { "ABGR", "ABGR" },
  { "GBRA", "GBRA" }, { "AV12", "AV12" }, { "ARGB64", "ARGB64" },
  { "AYUV64", "AYUV64" }, { "RGBA64_LE", "RGBA64_LE" },
  { "A420_10LE", "A420_10LE" }, { "A444_10LE", "A444_10LE" },
  { "GBRA_12LE", "GBRA_12LE" }, { "Y412_LE", "Y412_LE" } };

static void
run (const GstVideoInfo *in, const GstVideoInfo *out, const TestFrame *from,
    TestFrame *to, const Scene *scene, const guint32 *argb)
{
  GError *error = NULL;
  UnetCutout *cutout = unet_cutout_new (in, out, &error);

  fail_unless (cutout != NULL, "%s", error ? error->message : "");
  if (argb)
    unet_cutout_set_palette (cutout, argb, G_N_ELEMENTS (palette));
  unet_cutout_run (cutout, from ? &from->frame : NULL, &to->frame,
      scene ? &scene->mask : NULL, scene ? scene->threshold : 0.5);
  unet_cutout_free (cutout);
}

/* Returns the sample of a component at a pixel of the other frame, interpolated
 * between chroma sites if that frame is finer. */
static gdouble
expected_sample (const TestPlane *a, const TestPlane *b,
    const GstVideoInfo *info, guint x, guint y)
{
  gdouble at = x;

  if (a->w_sub > b->w_sub)
    at = info->chroma_site & GST_VIDEO_CHROMA_SITE_H_COSITED ? x / 2.0
                                                             : x / 2.0 - 0.25;
  return (1 - (at - floor (at))) * test_plane_at (a, (gint) floor (at), y)
      + (at - floor (at)) * test_plane_at (a, (gint) floor (at) + 1, y);
}

static void
check_colors (const TestFrame *before, const TestFrame *now)
{
  TestPlane a[3], b[3];
  const guint n = test_planes_read (a, &before->frame);
  const guint m = test_planes_read (b, &now->frame);
  const guint middle = 1u << (GST_VIDEO_INFO_COMP_DEPTH (&now->info, 0) - 1);

  for (guint c = 0; c < m; c++)
    for (gsize i = 0; i < (gsize) b[c].width * b[c].height; i++) {
      const gdouble expected = c < n
          ? expected_sample (&a[c], &b[c], &before->info,
              (guint) (i % b[c].width), (guint) (i / b[c].width))
          : middle;

      fail_unless (fabs (b[c].samples[i] - expected) <= 0.5,
          "%s to %s: component %u is %g, was %g",
          GST_VIDEO_INFO_NAME (&before->info), GST_VIDEO_INFO_NAME (&now->info),
          c, b[c].samples[i], expected);
    }
  test_planes_clear (a, n);
  test_planes_clear (b, m);
}

/* @old: (nullable): its alpha is multiplied by the mask's */
static void
check_alpha (const TestFrame *old, const TestFrame *now, const Scene *scene,
    const guint32 *argb)
{
  TestPlane a[4], b[4];
  const guint n = test_planes_read_alpha (b, &now->frame);
  const gdouble one = (1u << GST_VIDEO_INFO_COMP_DEPTH (&now->info, 3)) - 1;
  /* The curve has fixed point, and alpha has 8 bits. */
  const gdouble slack = 0.012 * one + 1.1;

  if (old)
    test_planes_read_alpha (a, &old->frame);
  fail_unless (n == 4);
  for (gsize i = 0; i < (gsize) b[3].width * b[3].height; i++) {
    const guint x = (guint) (i % b[3].width), y = (guint) (i / b[3].width);
    const gdouble got = b[3].samples[i];
    const gdouble expected = (old ? a[3].samples[i] : one)
        * oracle_alpha (&scene->mask, argb, scene->threshold, x, y);

    fail_unless (fabs (got - expected) <= slack,
        "%s: alpha is %g instead of %g at %u,%u of %ux%u",
        GST_VIDEO_INFO_NAME (&now->info), got, expected, x, y, b[3].width,
        b[3].height);
  }
  test_planes_clear (b, n);
  if (old)
    test_planes_clear (a, 4);
}

static void
check_moving (GRand *rand, const gchar *in, const gchar *out, guint n_classes,
    const guint32 *argb)
{
  const guint width = g_rand_int_range (rand, 1, 80);
  const guint height = g_rand_int_range (rand, 1, 50);
  const gboolean in_place = strcmp (in, out) == 0;
  TestFrame from, to, untouched;
  GstVideoInfo in_info, out_info;
  Scene scene;

  fail_unless (unet_cutout_get_format (format_of (in)) == format_of (out),
      "%s goes to %s", in,
      gst_video_format_to_string (unet_cutout_get_format (format_of (in))));
  test_info_init (&in_info, format_of (in), width, height);
  test_info_init (&out_info, format_of (out), width, height);
  if (g_rand_boolean (rand))
    in_info.chroma_site = GST_VIDEO_CHROMA_SITE_H_COSITED;
  out_info.colorimetry = in_info.colorimetry;
  scene_init (&scene, rand, width, height, n_classes);
  test_frame_init (&from, &in_info, rand, TEST_NOISE, TRUE);
  if (in_place)
    test_frame_copy (&to, &from);
  else
    test_frame_init (&to, &out_info, rand, TEST_NOISE, TRUE);
  test_frame_copy (&untouched, &to);
  run (&in_info, &out_info, in_place ? NULL : &from, &to, &scene, argb);
  check_colors (&from, &to);
  check_alpha (in_place ? &from : NULL, &to, &scene, argb);
  check_surroundings (&untouched, &to);
  test_frame_clear (&from);
  test_frame_clear (&to);
  test_frame_clear (&untouched);
  scene_clear (&scene);
}

GST_START_TEST (test_moving)
{
  GRand *rand = g_rand_new_with_seed (300 + __i__);

  for (guint round = 0; round < 6; round++)
    check_moving (rand, moving[__i__][0], moving[__i__][1], round % 2 ? 5 : 2,
        round < 4 ? palette : with_background);
  g_rand_free (rand);
}
GST_END_TEST;

/* ---- every format ----------------------------------------------------- */

static void
half_scene (Scene *scene, guint width, guint height)
{
  *scene = (Scene){ { 16, 16, 2, g_malloc (256), g_malloc (256), 0, 0, width,
                        height },
    .opacity = 1, .threshold = 0.5 };
  for (guint i = 0; i < 256; i++) {
    scene->mask.class_map[i] = i % 16 < 8;
    scene->mask.probability[i] = i % 16 < 8 ? 255 : 0;
  }
}

/* Unpacks one pixel to alpha and three components of 16 bits each. */
static void
unpack_pixel (
    const TestFrame *frame, guint16 *line, guint y, guint x, guint16 pixel[4])
{
  const GstVideoFormatInfo *finfo = frame->info.finfo;
  const gboolean deep = GST_VIDEO_FORMAT_INFO_BITS (
                            gst_video_format_get_info (finfo->unpack_format))
      == 16;

  finfo->unpack_func (finfo, GST_VIDEO_PACK_FLAG_NONE, line, frame->frame.data,
      frame->frame.info.stride, 0, (gint) y, frame->info.width);
  for (guint c = 0; c < 4; c++)
    pixel[c] = deep ? line[4 * x + c]
                    : (guint16) (((guint8 *) line)[4 * x + c] * 257);
}

/* The left half is opaque and the right half transparent. The first component
 * stays. */
static void
check_pixels (const TestFrame *from, const TestFrame *to)
{
  guint16 *line = g_new0 (guint16, (gsize) from->info.width * 4 + 64);
  /* Bits below a format's depth have no meaning, though packers write some. */
  const guint shift = 16 - GST_VIDEO_INFO_COMP_DEPTH (&from->info, 0);

  for (guint y = 0; y < (guint) from->info.height; y += 7) {
    for (guint x = 0; x < (guint) from->info.width; x += 5) {
      guint16 a[4], b[4];

      if (x >= 40 && x <= 57)
        continue;
      unpack_pixel (from, line, y, x, a);
      unpack_pixel (to, line, y, x, b);
      /* Alpha of two bits unpacks to less than 65535, and fillers to any value.
       */
      if (from->info.finfo->n_components < 4)
        a[0] = 65535;
      fail_unless (b[0] == (x < 40 ? a[0] : 0), "%s: alpha %u at %u",
          GST_VIDEO_INFO_NAME (&to->info), b[0], x);
      fail_unless (b[1] >> shift == a[1] >> shift,
          "%s to %s: %u instead of %u at %u", GST_VIDEO_INFO_NAME (&from->info),
          GST_VIDEO_INFO_NAME (&to->info), b[1], a[1], x);
    }
  }
  g_free (line);
}

/* Makes a frame opaque that has alpha. */
static void
make_opaque (TestFrame *frame)
{
  const GstVideoFormatInfo *finfo = frame->info.finfo;
  guint16 *line = g_new0 (guint16, (gsize) frame->info.width * 4 + 64);
  const gboolean deep = GST_VIDEO_FORMAT_INFO_BITS (
                            gst_video_format_get_info (finfo->unpack_format))
      == 16;

  for (gint y = 0; y < frame->info.height; y++) {
    finfo->unpack_func (finfo, GST_VIDEO_PACK_FLAG_NONE, line,
        frame->frame.data, frame->frame.info.stride, 0, y, frame->info.width);
    for (gint x = 0; x < frame->info.width; x++) {
      if (deep)
        line[4 * x] = 65535;
      else
        ((guint8 *) line)[4 * x] = 255;
    }
    finfo->pack_func (finfo, GST_VIDEO_PACK_FLAG_NONE, line, 0,
        frame->frame.data, frame->frame.info.stride, frame->info.chroma_site, y,
        frame->info.width);
  }
  g_free (line);
}

GST_START_TEST (test_every_format)
{
  guint n;
  const GstVideoFormat *formats = gst_video_formats_raw (&n);
  GRand *rand = g_rand_new_with_seed (14);
  Scene scene;

  half_scene (&scene, 97, 51);
  for (guint i = 0; i < n; i++) {
    const GstVideoFormat format = unet_cutout_get_format (formats[i]);
    TestFrame from, to;
    GstVideoInfo in, out;

    if (formats[i] == GST_VIDEO_FORMAT_RGB8P)
      continue;
    fail_unless (gst_video_format_get_info (format)->n_components == 4);
    test_info_init (&in, formats[i], 97, 51);
    test_info_init (&out, format, 97, 51);
    in.fps_n = out.fps_n = 30;
    out.colorimetry = in.colorimetry;
    test_frame_init (&from, &in, rand, TEST_SMOOTH, FALSE);
    if (in.finfo->n_components == 4)
      make_opaque (&from);
    if (format == formats[i])
      test_frame_copy (&to, &from);
    else
      test_frame_init (&to, &out, rand, TEST_NOISE, FALSE);
    run (&in, &out, format == formats[i] ? NULL : &from, &to, &scene, NULL);
    check_pixels (&from, &to);
    test_frame_clear (&from);
    test_frame_clear (&to);
  }
  scene_clear (&scene);
  g_rand_free (rand);
}
GST_END_TEST;

/* Without a mask the whole frame is background. */
GST_START_TEST (test_no_mask)
{
  GRand *rand = g_rand_new_with_seed (15);
  GstVideoInfo in, out;
  TestFrame from, to;
  TestPlane planes[4];

  test_info_init (&in, GST_VIDEO_FORMAT_NV12, 33, 17);
  test_info_init (&out, GST_VIDEO_FORMAT_A420, 33, 17);
  test_frame_init (&from, &in, rand, TEST_NOISE, TRUE);
  test_frame_init (&to, &out, rand, TEST_NOISE, TRUE);
  for (guint i = 0; i < 2; i++) {
    run (&in, &out, &from, &to, NULL, i ? with_background : palette);
    check_colors (&from, &to);
    test_planes_read_alpha (planes, &to.frame);
    for (guint k = 0; k < 33 * 17; k++)
      fail_unless (planes[3].samples[k] == (i ? 0x60 : 0));
    test_planes_clear (planes, 4);
  }
  test_frame_clear (&from);
  test_frame_clear (&to);
  g_rand_free (rand);
}
GST_END_TEST;

/* ---- the mask as a picture -------------------------------------------- */

static guint
check_probability (const TestFrame *frame, const Scene *scene)
{
  for (guint y = 0; y < (guint) frame->info.height; y++) {
    const guint8 *row = (guint8 *) frame->frame.data[0]
        + (gsize) y * frame->frame.info.stride[0];

    for (guint x = 0; x < (guint) frame->info.width; x++) {
      const gdouble expected = 255 * oracle_probability (&scene->mask, x, y);

      fail_unless (
          fabs (row[x] - expected) < 0.7, "%u instead of %g", row[x], expected);
    }
  }
  return 0;
}

/* Returns how many pixels depend on rounding. */
static guint
check_classes (const TestFrame *frame, const Scene *scene)
{
  guint unsure = 0;

  for (guint y = 0; y < (guint) frame->info.height; y++) {
    const guint8 *row = (guint8 *) frame->frame.data[0]
        + (gsize) y * frame->frame.info.stride[0];

    for (guint x = 0; x < (guint) frame->info.width; x++) {
      const gint expected = oracle_class (&scene->mask, scene->threshold, x, y);

      unsure += expected < 0;
      fail_unless (expected < 0 || row[x] == expected,
          "%u instead of %d at %u,%u", row[x], expected, x, y);
    }
  }
  return unsure;
}

static void
check_picture (UnetMaskPicture *picture, GRand *rand, const GstVideoInfo *info,
    guint n_classes)
{
  TestFrame frame, untouched;
  Scene scene;
  guint unsure;

  scene_init (&scene, rand, info->width, info->height, n_classes);
  test_frame_init (&frame, info, rand, TEST_NOISE, TRUE);
  test_frame_copy (&untouched, &frame);
  unet_mask_picture_draw (picture, &frame.frame, &scene.mask, scene.threshold);
  unsure = n_classes > 2 ? check_classes (&frame, &scene)
                         : check_probability (&frame, &scene);
  fail_unless (unsure <= 3 + (guint) (info->width * info->height) / 10);
  check_surroundings (&untouched, &frame);
  test_frame_clear (&frame);
  test_frame_clear (&untouched);
  scene_clear (&scene);
}

GST_START_TEST (test_mask_picture)
{
  GRand *rand = g_rand_new_with_seed (16);

  for (guint i = 0; i < 40; i++) {
    const guint width = g_rand_int_range (rand, 1, 120);
    const guint height = g_rand_int_range (rand, 1, 60);
    UnetMaskPicture *picture = unet_mask_picture_new (width, height);
    GstVideoInfo info;

    test_info_init (&info, GST_VIDEO_FORMAT_GRAY8, width, height);
    /* One picture draws masks that change. */
    for (guint k = 0; k < 3; k++)
      check_picture (picture, rand, &info, k == 1 ? 2 : 9);
    unet_mask_picture_free (picture);
  }
  g_rand_free (rand);
}
GST_END_TEST;

GST_START_TEST (test_mask_picture_empty)
{
  GRand *rand = g_rand_new_with_seed (17);
  UnetMaskPicture *picture = unet_mask_picture_new (31, 9);
  GstVideoInfo info;
  TestFrame frame;

  test_info_init (&info, GST_VIDEO_FORMAT_GRAY8, 31, 9);
  test_frame_init (&frame, &info, rand, TEST_NOISE, TRUE);
  unet_mask_picture_draw (picture, &frame.frame, NULL, 0.5);
  for (guint i = 0; i < 31 * 9; i++)
    fail_unless (((guint8 *) frame.frame
                         .data[0])[i / 31 * frame.frame.info.stride[0] + i % 31]
        == 0);
  test_frame_clear (&frame);
  unet_mask_picture_free (picture);
  g_rand_free (rand);
}
GST_END_TEST;

static Suite *
cutout_suite (void)
{
  Suite *suite = suite_create ("cutout");
  TCase *tc = tcase_create ("cutout");

  tcase_set_timeout (tc, 300);
  suite_add_tcase (suite, tc);
  tcase_add_loop_test (tc, test_moving, 0, G_N_ELEMENTS (moving));
  tcase_add_test (tc, test_every_format);
  tcase_add_test (tc, test_no_mask);
  tcase_add_test (tc, test_mask_picture);
  tcase_add_test (tc, test_mask_picture_empty);
  return suite;
}

GST_CHECK_MAIN (cutout);
