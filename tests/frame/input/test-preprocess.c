/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../oracle.h"

#include <frame/format/placement.h>
#include <frame/input/preprocess.h>
#include <gst/check/gstcheck.h>
#include <math.h>

/* The library's own kernels read these formats, in which every sample has a
 * byte or word of its own. */
static const gchar *const own_formats[] = { "I420", "YV12", "NV12", "NV21",
  "YUY2", "UYVY", "YVYU", "VYUY", "Y42B", "Y444", "Y41B", "YUV9", "YVU9",
  "A420", "AYUV", "VUYA", "v308", "NV16", "NV61", "NV24", "AV12", "RGBx",
  "BGRx", "xRGB", "xBGR", "RGBA", "BGRA", "ARGB", "ABGR", "RGB", "BGR", "GBR",
  "GBRA", "RGBP", "BGRP", "GRAY8", "GRAY16_LE", "I420_10LE", "I422_10LE",
  "Y444_10LE", "I420_12LE", "P010_10LE", "P012_LE", "P016_LE", "Y444_16LE",
  "ARGB64", "AYUV64", "RGBA64_LE", "GBR_10LE", "GBR_12LE", "A420_10LE", "v216",
  NULL };

static UnetContract *
new_contract (void)
{
  UnetContract *contract = unet_contract_new ();

  contract->layout = UNET_LAYOUT_NCHW;
  contract->color_order = UNET_COLOR_ORDER_RGB;
  contract->activation = UNET_ACTIVATION_SIGMOID;
  return contract;
}

static guint
n_channels (const UnetContract *contract)
{
  return contract->color_order == UNET_COLOR_ORDER_GRAY ? 1 : 3;
}

static gfloat *
run (const GstVideoFrame *frame, const UnetContract *contract, guint width,
    guint height, const UnetPlacement *placement)
{
  const gsize n = (gsize) width * height * n_channels (contract);
  gfloat *tensor = g_new (gfloat, n + 16);
  GError *error = NULL;
  UnetPreprocess *preprocess = unet_preprocess_new (
      &frame->info, contract, width, height, placement, &error);

  fail_unless (preprocess != NULL, "%s", error ? error->message : "");
  for (gsize i = 0; i < n + 16; i++)
    tensor[i] = 12345.5f;
  unet_preprocess_run (preprocess, frame, tensor);
  for (gsize i = n; i < n + 16; i++)
    fail_unless (tensor[i] == 12345.5f, "written beyond the tensor");
  unet_preprocess_free (preprocess);
  return tensor;
}

/* Returns the largest sample before it is normalised, 0 to 255. */
static gdouble
largest_sample (const GstVideoFrame *frame, const UnetContract *contract,
    guint width, guint height, const UnetPlacement *placement)
{
  const gsize n = (gsize) width * height * n_channels (contract);
  UnetContract plain = *contract;
  gdouble *samples = g_new (gdouble, n), largest = 0;

  plain.divide_by_max = FALSE;
  plain.scale = 1;
  for (guint i = 0; i < 3; i++) {
    plain.mean[i] = 0;
    plain.std[i] = 1;
  }
  oracle_preprocess (frame, &plain, width, height, placement, samples);
  for (gsize i = 0; i < n; i++)
    largest = MAX (largest, samples[i]);
  g_free (samples);
  return largest;
}

/* Returns the largest difference from the oracle, in units of an 8-bit sample.
 * If a sample v and the largest one m are each off by e, v / m is off by at
 * most 2 e / m. */
static gdouble
compare (const GstVideoFrame *frame, const UnetContract *contract, guint width,
    guint height, const UnetPlacement *placement)
{
  const gsize n = (gsize) width * height * n_channels (contract);
  gfloat *tensor = run (frame, contract, width, height, placement);
  gdouble *expected = g_new (gdouble, n), worst = 0;
  const gdouble unit = contract->divide_by_max
      ? largest_sample (frame, contract, width, height, placement) / 2
      : 1 / contract->scale;

  oracle_preprocess (frame, contract, width, height, placement, expected);
  for (gsize i = 0; i < n; i++)
    worst = MAX (worst, fabs (tensor[i] - expected[i]) * unit);
  g_free (tensor);
  g_free (expected);
  return worst;
}

static void
random_placement (UnetPlacement *p, GRand *rand, guint frame_width,
    guint frame_height, guint *width, guint *height)
{
  /* C does not define the order in which the arguments of a call are evaluated.
   */
  const guint fit = g_rand_int_range (rand, 0, 3);
  const guint par_n = g_rand_int_range (rand, 1, 4);
  const guint par_d = g_rand_int_range (rand, 1, 4);

  *width = g_rand_int_range (rand, 1, 60);
  *height = g_rand_int_range (rand, 1, 60);
  unet_placement_init (p, fit, frame_width, frame_height, par_n, par_d, *width,
      *height, 0, 0, *width, *height);
}

static void
random_contract (UnetContract *contract, GRand *rand)
{
  contract->layout = g_rand_boolean (rand) ? UNET_LAYOUT_NCHW
                                           : UNET_LAYOUT_NHWC;
  contract->color_order =
      g_rand_int_range (rand, UNET_COLOR_ORDER_RGB, UNET_COLOR_ORDER_GRAY + 1);
  contract->divide_by_max = g_rand_int_range (rand, 0, 4) == 0;
  for (guint i = 0; i < 3; i++) {
    contract->mean[i] = g_rand_double_range (rand, -0.5, 1);
    contract->std[i] = g_rand_double_range (rand, 0.8, 2);
  }
}

static void
set_colorimetry (GstVideoInfo *info, GRand *rand)
{
  static const GstVideoColorMatrix matrices[] = { GST_VIDEO_COLOR_MATRIX_BT601,
    GST_VIDEO_COLOR_MATRIX_BT709, GST_VIDEO_COLOR_MATRIX_BT2020 };

  if (!GST_VIDEO_INFO_IS_YUV (info))
    return;
  info->colorimetry.matrix = matrices[g_rand_int_range (rand, 0, 3)];
  info->colorimetry.range = g_rand_boolean (rand)
      ? GST_VIDEO_COLOR_RANGE_0_255
      : GST_VIDEO_COLOR_RANGE_16_235;
  info->chroma_site = g_rand_int_range (rand, 0, 3) == 0
      ? GST_VIDEO_CHROMA_SITE_NONE
      : g_rand_boolean (rand) ? GST_VIDEO_CHROMA_SITE_H_COSITED
                              : GST_VIDEO_CHROMA_SITE_COSITED;
}

static gboolean
exists (const gchar *format)
{
  return gst_video_format_from_string (format) != GST_VIDEO_FORMAT_UNKNOWN;
}

/* Deeper samples leave fewer bits for the weights of rows. */
static gdouble
tolerance (const GstVideoInfo *info)
{
  return GST_VIDEO_INFO_COMP_DEPTH (info, 0) > 8 ? 0.2 : 0.06;
}

GST_START_TEST (test_every_format_against_oracle)
{
  const gchar *format = own_formats[__i__];
  GRand *rand = g_rand_new_with_seed (1000 + __i__);

  for (guint round = 0; round < 12; round++) {
    /* GStreamer 1.22 swaps U and V of VYUY's last pixel when the width is odd.
     */
    const guint odd = strcmp (format, "VYUY") == 0 ? 2 : 1;
    const guint w = odd * g_rand_int_range (rand, 1, 150 / odd);
    const guint h = g_rand_int_range (rand, 1, 110);
    UnetContract *contract = new_contract ();
    UnetPlacement p;
    GstVideoInfo info;
    TestFrame frame;
    guint width, height;
    gdouble worst;

    test_info_init (&info, gst_video_format_from_string (format), w, h);
    set_colorimetry (&info, rand);
    random_contract (contract, rand);
    random_placement (&p, rand, w, h, &width, &height);
    test_frame_init (&frame, &info, rand, TEST_NOISE, TRUE);
    worst = compare (&frame.frame, contract, width, height, &p);
    fail_unless (worst < tolerance (&info), "%s %ux%u to %ux%u: off by %g",
        format, w, h, width, height, worst);
    test_frame_clear (&frame);
    unet_contract_free (contract);
  }
  g_rand_free (rand);
}
GST_END_TEST;

/* Bytes that belong to no sample have no effect. */
GST_START_TEST (test_padding_is_ignored)
{
  const gchar *format = own_formats[__i__];
  GRand *rand = g_rand_new_with_seed (2000 + __i__);

  for (guint round = 0; round < 6; round++) {
    UnetContract *contract = new_contract ();
    const guint w = g_rand_int_range (rand, 1, 90);
    const guint h = g_rand_int_range (rand, 1, 90);
    gfloat *one, *other;
    UnetPlacement p;
    GstVideoInfo info;
    TestFrame a, b;
    guint width, height;

    test_info_init (&info, gst_video_format_from_string (format), w, h);
    random_placement (&p, rand, w, h, &width, &height);
    test_frame_init (&a, &info, rand, TEST_NOISE, TRUE);
    test_frame_init (&b, &info, rand, TEST_NOISE, TRUE);
    test_frame_copy_picture (&b, &a);
    one = run (&a.frame, contract, width, height, &p);
    other = run (&b.frame, contract, width, height, &p);
    fail_unless (
        memcmp (one, other, (gsize) width * height * 3 * sizeof (gfloat)) == 0,
        "%s %ux%u", format, w, h);
    g_free (one);
    g_free (other);
    test_frame_clear (&a);
    test_frame_clear (&b);
    unet_contract_free (contract);
  }
  g_rand_free (rand);
}
GST_END_TEST;

/* At 16384 columns the row weights of 16-bit samples have 4 bits, because a
 * box's sum must fit in 31 bits. Chroma rows of noise, averaged over 512
 * samples, differ by 4.6 (one sigma), times 2.1 in blue, times half a weight's
 * step of 1 / 16: 0.3. Three sigma stay below five times the tolerance. */
GST_START_TEST (test_extreme_sizes)
{
  static const guint sizes[][4] = { { 1, 1, 1, 1 }, { 1, 1, 64, 48 },
    { 16384, 3, 16, 16 }, { 16383, 2, 256, 2 }, { 3, 9001, 8, 16 },
    { 2, 1, 5, 7 }, { 1, 700, 1, 2 }, { 4001, 1203, 3, 1 } };
  static const gchar *const formats[] = { "NV12", "I420", "YUY2", "RGBx",
    "GRAY8", "I420_10LE", "P010_10LE" };
  GRand *rand = g_rand_new_with_seed (3);

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    for (guint f = 0; f < G_N_ELEMENTS (formats); f++) {
      const gboolean deep = strstr (formats[f], "10") != NULL;
      UnetContract *contract = new_contract ();
      UnetPlacement p;
      GstVideoInfo info;
      TestFrame frame;
      gdouble worst;

      test_info_init (&info, gst_video_format_from_string (formats[f]),
          sizes[i][0], sizes[i][1]);
      info.colorimetry.matrix = GST_VIDEO_COLOR_MATRIX_BT709;
      unet_placement_init (&p, UNET_FIT_STRETCH, sizes[i][0], sizes[i][1], 1, 1,
          sizes[i][2], sizes[i][3], 0, 0, sizes[i][2], sizes[i][3]);
      test_frame_init (&frame, &info, rand, TEST_NOISE, TRUE);
      worst = compare (&frame.frame, contract, sizes[i][2], sizes[i][3], &p);
      fail_unless (worst < (deep ? 5 : 3) * tolerance (&info),
          "%s %ux%u: off by %g", formats[f], sizes[i][0], sizes[i][1], worst);
      test_frame_clear (&frame);
      unet_contract_free (contract);
    }
  }
  g_rand_free (rand);
}
GST_END_TEST;

GST_START_TEST (test_bottom_up_frame)
{
  GRand *rand = g_rand_new_with_seed (4);
  UnetContract *contract = new_contract ();
  gfloat *upright, *flipped;
  UnetPlacement p;
  GstVideoInfo info;
  TestFrame frame;

  test_info_init (&info, GST_VIDEO_FORMAT_BGRx, 61, 47);
  unet_placement_init (
      &p, UNET_FIT_STRETCH, 61, 47, 1, 1, 20, 13, 0, 0, 20, 13);
  test_frame_init (&frame, &info, rand, TEST_NOISE, TRUE);
  upright = run (&frame.frame, contract, 20, 13, &p);
  frame.frame.data[0] =
      (guint8 *) frame.frame.data[0] + 46 * frame.frame.info.stride[0];
  frame.frame.info.stride[0] = -frame.frame.info.stride[0];
  flipped = run (&frame.frame, contract, 20, 13, &p);
  for (guint c = 0; c < 3; c++)
    for (guint y = 0; y < 13; y++)
      for (guint x = 0; x < 20; x++)
        fail_unless (fabsf (upright[(c * 13 + y) * 20 + x]
                         - flipped[(c * 13 + 12 - y) * 20 + x])
            < 1e-4f);
  g_free (upright);
  g_free (flipped);
  test_frame_clear (&frame);
  unet_contract_free (contract);
  g_rand_free (rand);
}
GST_END_TEST;

GST_START_TEST (test_mirrored_margin)
{
  GRand *rand = g_rand_new_with_seed (5);

  for (guint round = 0; round < 20; round++) {
    UnetContract *contract = new_contract ();
    const guint size = 40 + 4 * round;
    UnetPlacement p;
    GstVideoInfo info;
    TestFrame frame;

    test_info_init (&info, GST_VIDEO_FORMAT_I420, 90, 70);
    random_contract (contract, rand);
    unet_placement_init (
        &p, round % 3, 90, 70, 1, 1, size, size, 12, 12, size - 24, size - 24);
    fail_unless (p.mirror);
    test_frame_init (&frame, &info, rand, TEST_NOISE, TRUE);
    fail_unless (compare (&frame.frame, contract, size, size, &p) < 0.06);
    test_frame_clear (&frame);
    unet_contract_free (contract);
  }
  g_rand_free (rand);
}
GST_END_TEST;

/* ---- against GstVideoConverter ---------------------------------------- */

static gboolean
convert (
    const TestFrame *from, GstVideoFormat format, TestFrame *to, GRand *rand)
{
  GstVideoInfo info;
  GstVideoConverter *converter;

  test_info_init (&info, format, from->info.width, from->info.height);
  test_frame_init (to, &info, rand, TEST_NOISE, FALSE);
  converter =
      gst_video_converter_new ((GstVideoInfo *) &from->info, &info, NULL);
  if (!converter)
    return FALSE;
  gst_video_converter_frame (converter, &from->frame, &to->frame);
  gst_video_converter_free (converter);
  return TRUE;
}

/* Returns the root of the mean squared difference between two tensors: one of
 * the frame, and one of GstVideoConverter's RGB version of it. */
static gdouble
distance (const TestFrame *frame, GRand *rand, guint width, guint height)
{
  const gsize n = (gsize) width * height * 3;
  UnetContract *contract = new_contract ();
  UnetPlacement p;
  TestFrame rgb;
  gfloat *ours, *theirs;
  gdouble sum = 0;

  unet_placement_init (&p, UNET_FIT_STRETCH, frame->info.width,
      frame->info.height, 1, 1, width, height, 0, 0, width, height);
  fail_unless (convert (frame, GST_VIDEO_FORMAT_RGBA, &rgb, rand));
  ours = run (&frame->frame, contract, width, height, &p);
  theirs = run (&rgb.frame, contract, width, height, &p);
  for (gsize i = 0; i < n; i++)
    sum += (ours[i] - theirs[i]) * (ours[i] - theirs[i]);
  g_free (ours);
  g_free (theirs);
  test_frame_clear (&rgb);
  unet_contract_free (contract);
  return 255 * sqrt (sum / n);
}

/* Tests every format of GStreamer, including those that only GStreamer unpacks.
 */
GST_START_TEST (test_every_format_against_converter)
{
  guint n_formats;
  const GstVideoFormat *formats = gst_video_formats_raw (&n_formats);
  GRand *rand = g_rand_new_with_seed (6);

  fail_unless (n_formats > 50);
  for (guint i = 0; i < n_formats; i++) {
    const gchar *name = gst_video_format_to_string (formats[i]);
    gdouble limit = 3.5, found;
    GstVideoInfo info;
    TestFrame frame;

    if (formats[i] == GST_VIDEO_FORMAT_RGB8P)
      continue;
    test_info_init (&info, formats[i], 192, 96);
    if (GST_VIDEO_INFO_IS_YUV (&info))
      info.chroma_site = GST_VIDEO_CHROMA_SITE_NONE;
    test_frame_init (&frame, &info, rand, TEST_SMOOTH, FALSE);
    /* Some formats have five bits per sample, and the converter's chroma is
     * coarse. */
    if (strstr (name, "15") || strstr (name, "16") || strstr (name, "V9")
        || strstr (name, "U9") || strstr (name, "41B") || strstr (name, "IYU1"))
      limit = 6;
    found = distance (&frame, rand, 48, 32);
    fail_unless (found < limit, "%s: %g", name, found);
    test_frame_clear (&frame);
  }
  g_rand_free (rand);
}
GST_END_TEST;

static Suite *
preprocess_suite (void)
{
  Suite *suite = suite_create ("preprocess");
  TCase *tc = tcase_create ("preprocess");
  guint n = 0;

  while (own_formats[n]) {
    g_assert (exists (own_formats[n]));
    n++;
  }
  tcase_set_timeout (tc, 300);
  suite_add_tcase (suite, tc);
  tcase_add_loop_test (tc, test_every_format_against_oracle, 0, n);
  tcase_add_loop_test (tc, test_padding_is_ignored, 0, n);
  tcase_add_test (tc, test_extreme_sizes);
  tcase_add_test (tc, test_bottom_up_frame);
  tcase_add_test (tc, test_mirrored_margin);
  tcase_add_test (tc, test_every_format_against_converter);
  return suite;
}

GST_CHECK_MAIN (preprocess);
