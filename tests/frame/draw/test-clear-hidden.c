/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests that nothing is left of what alpha hides. */

#include "../picture.h"

#include <frame/draw/clear-hidden.h>
#include <frame/draw/cutout.h>
#include <gst/check/gstcheck.h>
#include <math.h>

static const gchar *const formats[] = { "A420", "AYUV", "VUYA", "RGBA", "BGRA",
  "ARGB", "ABGR", "GBRA", "AV12", "ARGB64", "AYUV64", "RGBA64_LE", "A420_10LE",
  "A422_10LE", "A444_10LE", "GBRA_12LE" };

static GstVideoFormat
format_of (const gchar *name)
{
  const GstVideoFormat format = gst_video_format_from_string (name);

  fail_unless (format != GST_VIDEO_FORMAT_UNKNOWN, "%s", name);
  return format;
}

/* ---- alpha ------------------------------------------------------------ */

static guint8 *
alpha_sample (const TestFrame *frame, guint x, guint y)
{
  return (guint8 *) GST_VIDEO_FRAME_COMP_DATA (&frame->frame, 3)
      + (gssize) y * GST_VIDEO_FRAME_COMP_STRIDE (&frame->frame, 3)
      + x * GST_VIDEO_FRAME_COMP_PSTRIDE (&frame->frame, 3);
}

/* Sets alpha to 0 but for boxes, whose pixels keep their own or get 1. */
static void
hide (TestFrame *frame, GRand *rand)
{
  const guint w = frame->info.width, h = frame->info.height;
  const GstVideoFormatInfo *finfo = frame->info.finfo;
  const gboolean wide = finfo->depth[3] + finfo->shift[3] > 8;
  g_autofree guint8 *seen = g_new0 (guint8, w * h);

  for (guint i = g_rand_int_range (rand, 0, 4); i > 0; i--) {
    const guint left = g_rand_int_range (rand, 0, w);
    const guint top = g_rand_int_range (rand, 0, h);
    const guint right = g_rand_int_range (rand, left, w) + 1;
    const guint bottom = g_rand_int_range (rand, top, h) + 1;

    for (guint y = top; y < bottom; y++)
      memset (seen + y * w + left, 1, right - left);
  }
  for (guint y = 0; y < h; y++)
    for (guint x = 0; x < w; x++) {
      guint8 *sample = alpha_sample (frame, x, y);
      const guint value = seen[y * w + x] ? (1u << finfo->shift[3]) : 0;
      const guint16 stored = GUINT16_TO_LE ((guint16) value);

      /* Frames with odd strides are not aligned. */
      if (wide)
        memcpy (sample, &stored, sizeof stored);
      else
        *sample = (guint8) value;
    }
}

/* ---- oracle ----------------------------------------------------------- */

/* Whether one of the pixels of a sample has an alpha above 0. */
static gboolean
is_seen (const TestPlane *alpha, const TestPlane *plane, gint x, gint y)
{
  if (x < 0 || y < 0 || x >= (gint) plane->width || y >= (gint) plane->height)
    return FALSE;
  for (guint j = 0; j < 1u << plane->h_sub; j++)
    for (guint i = 0; i < 1u << plane->w_sub; i++) {
      const guint px = ((guint) x << plane->w_sub) + i;
      const guint py = ((guint) y << plane->h_sub) + j;

      if (px < alpha->width && py < alpha->height
          && alpha->samples[(gsize) py * alpha->width + px] > 0)
        return TRUE;
    }
  return FALSE;
}

static gdouble
black_of (const GstVideoInfo *info, guint component)
{
  const guint depth = GST_VIDEO_INFO_COMP_DEPTH (info, component);

  if (GST_VIDEO_INFO_IS_RGB (info))
    return 0;
  if (component > 0)
    return 1u << (depth - 1);
  return info->colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255
      ? 0
      : 16u << (depth - 8);
}

static gdouble
expected_sample (const TestPlane planes[4], guint component,
    const GstVideoInfo *info, gint x, gint y, gboolean spreads)
{
  const TestPlane *plane = &planes[component];
  gdouble sum = 0;
  guint n = 0;

  if (is_seen (&planes[3], plane, x, y))
    return test_plane_at (plane, x, y);
  for (gint j = y - 1; j <= y + 1; j++)
    for (gint i = x - 1; i <= x + 1; i++)
      if (spreads && is_seen (&planes[3], plane, i, j)) {
        sum += test_plane_at (plane, i, j);
        n++;
      }
  return n > 0 ? floor (sum / n + 0.5) : black_of (info, component);
}

static void
check (const TestFrame *before, const TestFrame *after, gboolean spreads)
{
  TestPlane a[4], b[4];

  fail_unless (test_planes_read_alpha (a, &before->frame) == 4);
  fail_unless (test_planes_read_alpha (b, &after->frame) == 4);
  for (guint c = 0; c < 3; c++)
    for (guint y = 0; y < b[c].height; y++)
      for (guint x = 0; x < b[c].width; x++) {
        const gdouble right =
            expected_sample (a, c, &before->info, (gint) x, (gint) y, spreads);
        const gdouble got = test_plane_at (&b[c], (gint) x, (gint) y);

        fail_unless (got == right,
            "%s: component %u at %u,%u of %dx%d is %g instead of %g",
            GST_VIDEO_INFO_NAME (&before->info), c, x, y, before->info.width,
            before->info.height, got, right);
      }
  for (gsize i = 0; i < (gsize) a[3].width * a[3].height; i++)
    fail_unless (a[3].samples[i] == b[3].samples[i], "alpha changed");
  test_planes_clear (a, 4);
  test_planes_clear (b, 4);
}

/* ---- tests ------------------------------------------------------------ */

static void
check_format (GRand *rand, const gchar *name, gboolean premultiplied)
{
  TestFrame frame, before, surroundings;
  UnetClearHidden *clear;
  GstVideoInfo info;

  test_info_init (&info, format_of (name), g_rand_int_range (rand, 1, 60),
      g_rand_int_range (rand, 1, 40));
  if (g_rand_boolean (rand) && GST_VIDEO_INFO_IS_YUV (&info))
    info.colorimetry.range = GST_VIDEO_COLOR_RANGE_0_255;
  if (premultiplied)
    GST_VIDEO_INFO_FLAGS (&info) |= GST_VIDEO_FLAG_PREMULTIPLIED_ALPHA;
  test_frame_init (&frame, &info, rand, TEST_NOISE, TRUE);
  hide (&frame, rand);
  test_frame_copy (&before, &frame);
  clear = unet_clear_hidden_new (&info);
  fail_unless (clear != NULL, "%s", name);
  unet_clear_hidden_run (clear, &frame.frame);
  check (&before, &frame, !premultiplied);
  /* Guards and the bytes between rows. */
  test_frame_copy (&surroundings, &before);
  test_frame_copy_picture (&surroundings, &frame);
  fail_unless (memcmp (surroundings.memory, frame.memory, frame.size) == 0,
      "%s: bytes outside of the picture changed", name);
  unet_clear_hidden_free (clear);
  test_frame_clear (&surroundings);
  test_frame_clear (&before);
  test_frame_clear (&frame);
}

GST_START_TEST (formats_with_alpha)
{
  GRand *rand = g_rand_new_with_seed (17);

  for (guint round = 0; round < 20; round++)
    check_format (rand, formats[__i__], FALSE);
  g_rand_free (rand);
}
GST_END_TEST

GST_START_TEST (premultiplied)
{
  GRand *rand = g_rand_new_with_seed (18);

  for (guint round = 0; round < 20; round++)
    check_format (rand, formats[__i__], TRUE);
  g_rand_free (rand);
}
GST_END_TEST

GST_START_TEST (formats_without_alpha)
{
  static const gchar *const names[] = { "I420", "RGBx", "GRAY8", "v210" };
  GstVideoInfo info;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    test_info_init (&info, format_of (names[i]), 16, 16);
    fail_unless (unet_clear_hidden_new (&info) == NULL, "%s", names[i]);
  }
}
GST_END_TEST

/* Formats whose samples are not bytes or words go through a converter. */
GST_START_TEST (cutouts)
{
  static const gchar *const names[][2] = { { "I420", "A420" },
    { "YUY2", "AYUV" }, { "RGB", "RGBA" }, { "v210", "A422_10LE" },
    { "RGB10A2_LE", "RGB10A2_LE" }, { "ARGB64_BE", "ARGB64_BE" },
    { "Y412_LE", "Y412_LE" } };
  const gchar *const *pair = names[__i__];
  const gboolean in_place = g_str_equal (pair[0], pair[1]);
  GRand *rand = g_rand_new_with_seed (19);
  TestFrame in, out;
  GstVideoInfo from, to;
  UnetCutout *cutout;
  TestPlane planes[4];

  test_info_init (&from, format_of (pair[0]), 32, 24);
  test_info_init (&to, format_of (pair[1]), 32, 24);
  test_frame_init (&in, &from, rand, TEST_NOISE, FALSE);
  test_frame_init (&out, &to, rand, TEST_NOISE, FALSE);
  cutout = unet_cutout_new (&from, &to, NULL);
  fail_unless (cutout != NULL, "%s", pair[0]);
  unet_cutout_set_clears_hidden (cutout, TRUE);
  unet_cutout_run (cutout, in_place ? NULL : &in.frame, &out.frame, NULL, 0.5);
  fail_unless (test_planes_read_alpha (planes, &out.frame) == 4);
  for (guint c = 0; c < 4; c++)
    for (gsize i = 0; i < (gsize) planes[c].width * planes[c].height; i++) {
      const gdouble right = c == 3 ? 0 : black_of (&to, c);

      fail_unless (fabs (planes[c].samples[i] - right) <= 0,
          "%s: component %u is %g instead of %g", pair[1], c,
          planes[c].samples[i], right);
    }
  test_planes_clear (planes, 4);
  unet_cutout_free (cutout);
  test_frame_clear (&in);
  test_frame_clear (&out);
  g_rand_free (rand);
}
GST_END_TEST

static Suite *
clear_hidden_suite (void)
{
  Suite *suite = suite_create ("clear-hidden");
  TCase *tc = tcase_create ("clear-hidden");

  tcase_add_loop_test (tc, formats_with_alpha, 0, G_N_ELEMENTS (formats));
  tcase_add_loop_test (tc, premultiplied, 0, G_N_ELEMENTS (formats));
  tcase_add_test (tc, formats_without_alpha);
  tcase_add_loop_test (tc, cutouts, 0, 7);
  suite_add_tcase (suite, tc);
  return suite;
}

GST_CHECK_MAIN (clear_hidden);
