/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../transfer-oracle.h"
#include "../picture.h"

#include <frame/draw/overlay.h>
#include <frame/format/transfer-rows.h>
#include <frame/input/preprocess.h>
#include <gst/check/gstcheck.h>
#include <math.h>

static const GstVideoColorimetry streams[] = {
  { GST_VIDEO_COLOR_RANGE_16_235, GST_VIDEO_COLOR_MATRIX_BT2020,
      GST_VIDEO_TRANSFER_SMPTE2084, GST_VIDEO_COLOR_PRIMARIES_BT2020 },
  { GST_VIDEO_COLOR_RANGE_16_235, GST_VIDEO_COLOR_MATRIX_BT2020,
      GST_VIDEO_TRANSFER_ARIB_STD_B67, GST_VIDEO_COLOR_PRIMARIES_BT2020 },
  { GST_VIDEO_COLOR_RANGE_0_255, GST_VIDEO_COLOR_MATRIX_BT709,
      GST_VIDEO_TRANSFER_SMPTE2084, GST_VIDEO_COLOR_PRIMARIES_BT709 },
  { GST_VIDEO_COLOR_RANGE_0_255, GST_VIDEO_COLOR_MATRIX_BT709,
      GST_VIDEO_TRANSFER_GAMMA10, GST_VIDEO_COLOR_PRIMARIES_BT709 },
  { GST_VIDEO_COLOR_RANGE_0_255, GST_VIDEO_COLOR_MATRIX_BT709,
      GST_VIDEO_TRANSFER_GAMMA10, GST_VIDEO_COLOR_PRIMARIES_BT2020 },
};

static void
init_info (GstVideoInfo *info, GstVideoFormat format,
    const GstVideoColorimetry *stream, guint width, guint height)
{
  test_info_init (info, format, width, height);
  info->colorimetry = *stream;
  if (!GST_VIDEO_INFO_IS_RGB (info))
    return;
  info->colorimetry.matrix = GST_VIDEO_COLOR_MATRIX_RGB;
  info->colorimetry.range = GST_VIDEO_COLOR_RANGE_0_255;
}

/* ---- numbers of the standards ------------------------------------------ */

/* BT.2408-7, table 1: 203 cd/m2 are 58 % of PQ and 75 % of HLG. BT.2100: the
 * nominal peak of 1000 cd/m2 is all of HLG and 75.18 % of PQ. */
GST_START_TEST (test_graphics_white)
{
  static const gdouble white[3] = { 1, 1, 1 };
  static const gdouble expected[] = { 0.5807, 0.75, 0.5807, 1, 1 };

  fail_unless (fabs (oracle_pq_from_light (1000) - 0.7518) < 1e-4);
  fail_unless (fabs (oracle_pq_from_light (100) - 0.5081) < 1e-4);
  fail_unless (fabs (oracle_hlg_from_scene (1 / 12.0) - 0.5) < 1e-9);
  for (guint i = 0; i < G_N_ELEMENTS (streams); i++) {
    UnetTransfer transfer;
    GstVideoInfo info;
    gdouble rgb[3];

    init_info (&info, GST_VIDEO_FORMAT_ARGB64, &streams[i], 1, 1);
    fail_unless (unet_transfer_init (&transfer, &info));
    unet_transfer_from_srgb (&transfer, white, rgb);
    for (guint c = 0; c < 3; c++)
      fail_unless (fabs (rgb[c] - expected[i]) < 5e-4, "%u: %g", i, rgb[c]);
  }
}
GST_END_TEST;

/* The functions whose code values count as sRGB's differ from it by less than a
 * tenth of the range, and those that are converted by more. HLG and PQ differ
 * in what they call 1 as well. */
GST_START_TEST (test_which_functions)
{
  for (guint f = GST_VIDEO_TRANSFER_GAMMA10; f <= GST_VIDEO_TRANSFER_BT601;
       f++) {
    UnetTransfer transfer;
    GstVideoInfo info;
    gdouble worst = 0;

    init_info (&info, GST_VIDEO_FORMAT_ARGB64, &streams[0], 1, 1);
    info.colorimetry.transfer = f;
    for (guint i = 0; i <= 255; i++) {
      const gdouble light = gst_video_transfer_function_decode (f, i / 255.0);
      const gdouble srgb =
          gst_video_transfer_function_encode (GST_VIDEO_TRANSFER_SRGB, light);

      worst = MAX (worst, fabs (srgb - i / 255.0));
    }
    fail_unless (unet_transfer_init (&transfer, &info) == (worst > 0.1),
        "function %u differs by %g", f, worst);
  }
}
GST_END_TEST;

/* GStreamer's formulas for a single component are the same where it has them;
 * its light of HLG is the scene's. */
GST_START_TEST (test_against_gstreamer)
{
  static const struct {
    GstVideoTransferFunction function;
    gdouble unit; /* light that GStreamer calls 1 */
  } cases[] = { { GST_VIDEO_TRANSFER_SMPTE2084, 10000 / 203.0 },
    { GST_VIDEO_TRANSFER_ARIB_STD_B67, 1 }, { GST_VIDEO_TRANSFER_GAMMA10, 1 },
    { GST_VIDEO_TRANSFER_LOG100, 1 }, { GST_VIDEO_TRANSFER_LOG316, 1 } };

  for (guint k = 0; k < G_N_ELEMENTS (cases); k++) {
    UnetTransfer transfer;
    GstVideoInfo info;

    init_info (&info, GST_VIDEO_FORMAT_ARGB64, &streams[0], 1, 1);
    info.colorimetry.transfer = cases[k].function;
    fail_unless (unet_transfer_init (&transfer, &info));
    for (guint i = 0; i <= 100; i++) {
      const gdouble v = i / 100.0, light = unet_transfer_decode (&transfer, v);
      const gdouble expected = cases[k].unit
          * gst_video_transfer_function_decode (cases[k].function, v);

      fail_unless (fabs (light - expected) < 1e-4 * (1 + expected),
          "function %u at %g: %g, not %g", cases[k].function, v, light,
          expected);
      fail_unless (light == 0
              || fabs (unet_transfer_encode (&transfer, light) - v) < 1e-6,
          "function %u at %g: there and back", cases[k].function, v);
    }
  }
}
GST_END_TEST;

/* ---- kernels ----------------------------------------------------------- */

typedef void (*Oracle) (
    const GstVideoColorimetry *, const gdouble[3], gdouble[3]);

/* Returns the largest difference in code values of 255. Colours of every
 * brightness come, and black, white and what lies outside. */
static gdouble
compare_rows (const UnetTransferRows *rows, const GstVideoColorimetry *stream,
    Oracle oracle, GRand *rand)
{
  const guint n = g_rand_int_range (rand, 1, 400);
  gfloat *row[3], guard = 12345.5f;
  gdouble *expected = g_new (gdouble, 3 * n), worst = 0;

  for (guint c = 0; c < 3; c++)
    row[c] = g_new (gfloat, n + 1);
  for (guint i = 0; i < n; i++) {
    const gdouble most = pow (g_rand_double (rand), 2) * 258;
    gdouble from[3];

    for (guint c = 0; c < 3; c++) {
      row[c][i] = (gfloat) (g_rand_double (rand) * most - (i % 5 == 0));
      from[c] = CLAMP (row[c][i], 0, 255) / 255;
    }
    oracle (stream, from, expected + 3 * i);
  }
  for (guint c = 0; c < 3; c++)
    row[c][n] = guard;
  unet_transfer_rows_run (rows, row, n);
  for (guint i = 0; i < 3 * n; i++)
    worst = MAX (worst, fabs (row[i % 3][i / 3] - 255 * expected[i]));
  for (guint c = 0; c < 3; c++) {
    fail_unless (row[c][n] == guard, "written beyond the row");
    g_free (row[c]);
  }
  g_free (expected);
  return worst;
}

GST_START_TEST (test_rows_against_oracle)
{
  const GstVideoColorimetry *stream = &streams[__i__];
  GRand *rand = g_rand_new_with_seed (10 + __i__);
  UnetTransferRows *to, *from;
  GstVideoInfo info;

  init_info (&info, GST_VIDEO_FORMAT_ARGB64, stream, 1, 1);
  to = unet_transfer_rows_new_to_srgb (&info);
  from = unet_transfer_rows_new_from_srgb (&info);
  for (guint round = 0; round < 40; round++) {
    gdouble worst = compare_rows (to, stream, oracle_srgb_from_stream, rand);

    fail_unless (worst < 0.05, "to sRGB: off by %g", worst);
    worst = compare_rows (from, stream, oracle_stream_from_srgb, rand);
    fail_unless (worst < 0.05, "from sRGB: off by %g", worst);
  }
  unet_transfer_rows_free (to);
  unet_transfer_rows_free (from);
  g_rand_free (rand);
}
GST_END_TEST;

/* ---- tensors ----------------------------------------------------------- */

#define SIDE 12

static void
read_tensor (const TestFrame *frame, const GstVideoColorimetry *colorimetry,
    UnetColorOrder order, UnetLayout layout, gfloat *tensor)
{
  UnetContract *contract = unet_contract_new ();
  UnetPreprocess *preprocess;
  UnetPlacement p;
  GstVideoFrame view = frame->frame;

  view.info.colorimetry = *colorimetry;
  contract->layout = layout;
  contract->color_order = order;
  contract->scale = 1;
  unet_placement_init (&p, UNET_FIT_STRETCH, view.info.width, view.info.height,
      1, 1, SIDE, SIDE, 0, 0, SIDE, SIDE);
  preprocess = unet_preprocess_new (&view.info, contract, SIDE, SIDE, &p, NULL);
  fail_unless (preprocess != NULL);
  unet_preprocess_run (preprocess, &view, tensor);
  unet_preprocess_free (preprocess);
  unet_contract_free (contract);
}

/* The tensor in RGB of the same frame, taken for SDR, is what the oracle
 * converts. */
static gdouble
compare_tensors (const TestFrame *frame, const GstVideoColorimetry *stream,
    UnetColorOrder order, UnetLayout layout)
{
  const guint n = SIDE * SIDE;
  const guint channels = order == UNET_COLOR_ORDER_GRAY ? 1 : 3;
  gfloat raw[3 * SIDE * SIDE], tensor[3 * SIDE * SIDE];
  GstVideoColorimetry sdr = frame->info.colorimetry;
  gdouble worst = 0;

  sdr.transfer = GST_VIDEO_TRANSFER_BT709;
  read_tensor (frame, &sdr, UNET_COLOR_ORDER_RGB, UNET_LAYOUT_NCHW, raw);
  read_tensor (frame, &frame->info.colorimetry, order, layout, tensor);
  for (guint i = 0; i < n; i++) {
    const gdouble rgb[3] = { raw[i] / 255, raw[n + i] / 255,
      raw[2 * n + i] / 255 };
    gdouble srgb[3];

    oracle_srgb_from_stream (stream, rgb, srgb);
    for (guint c = 0; c < channels; c++) {
      const guint at = layout == UNET_LAYOUT_NHWC ? channels * i + c
                                                  : c * n + i;
      gdouble v = srgb[order == UNET_COLOR_ORDER_BGR ? 2 - c : c];

      if (channels == 1)
        v = 0.299 * srgb[0] + 0.587 * srgb[1] + 0.114 * srgb[2];
      worst = MAX (worst, fabs (tensor[at] - 255 * v));
    }
  }
  return worst;
}

GST_START_TEST (test_tensors)
{
  static const GstVideoFormat formats[] = { GST_VIDEO_FORMAT_P010_10LE,
    GST_VIDEO_FORMAT_I420_10LE, GST_VIDEO_FORMAT_I422_12LE,
    GST_VIDEO_FORMAT_Y444_12LE, GST_VIDEO_FORMAT_NV12, GST_VIDEO_FORMAT_ARGB64,
    GST_VIDEO_FORMAT_BGRx, GST_VIDEO_FORMAT_GBR_10LE };
  const GstVideoColorimetry *stream = &streams[__i__];
  GRand *rand = g_rand_new_with_seed (60 + __i__);

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++) {
    for (UnetColorOrder order = UNET_COLOR_ORDER_RGB;
         order <= UNET_COLOR_ORDER_GRAY; order++) {
      const UnetLayout layout = g_rand_boolean (rand) ? UNET_LAYOUT_NCHW
                                                      : UNET_LAYOUT_NHWC;
      GstVideoInfo info;
      TestFrame frame;
      gdouble worst;

      init_info (&info, formats[f], stream, 50, 40);
      test_frame_init_smooth (&frame, &info, rand);
      worst = compare_tensors (&frame, stream, order, layout);
      fail_unless (worst < 0.05, "%s, order %d: off by %g",
          GST_VIDEO_INFO_NAME (&info), order, worst);
      test_frame_clear (&frame);
    }
  }
  g_rand_free (rand);
}
GST_END_TEST;

/* Returns the tensor's red of a flat grey frame in v210 with luma @y of 10
 * bits. */
static gfloat
value_of_v210 (guint y)
{
  gfloat tensor[3 * SIDE * SIDE];
  GRand *rand = g_rand_new_with_seed (7);
  GstVideoInfo info;
  TestFrame frame;
  /* Six pixels: Cb Y Cr, Y Cb Y, Cr Y Cb, Y Cr Y. */
  const guint32 words[4] = { 512u | y << 10 | 512u << 20,
    y | 512u << 10 | y << 20, 512u | y << 10 | 512u << 20,
    y | 512u << 10 | y << 20 };

  init_info (&info, GST_VIDEO_FORMAT_v210, &streams[0], 48, 16);
  test_frame_init (&frame, &info, rand, TEST_NOISE, FALSE);
  for (gsize i = 0; i + 4 <= info.size; i += 4) {
    const guint32 word = GUINT32_TO_LE (words[i / 4 % 4]);

    memcpy ((guint8 *) frame.frame.data[0] + i, &word, 4);
  }
  read_tensor (&frame, &info.colorimetry, UNET_COLOR_ORDER_RGB,
      UNET_LAYOUT_NCHW, tensor);
  test_frame_clear (&frame);
  g_rand_free (rand);
  return tensor[SIDE * 5 + 5];
}

/* Formats that GStreamer converts keep their depth. In 16 bits GStreamer
 * repeats the upper ones of 10 bits below them, which tints grey a little. */
GST_START_TEST (test_converted_format)
{
  const gdouble tint = ((512 << 6 | 512 >> 4) - 32768) / 57344.0;

  for (guint y = 300; y < 560; y += 13) {
    const gdouble v = ((y << 6 | y >> 4) - 4096) / 56064.0;
    gdouble rgb[3] = { v + 1.4746 * tint, 0, v + 1.8814 * tint }, srgb[3];

    rgb[1] = (v - 0.2627 * rgb[0] - 0.0593 * rgb[2]) / 0.6780;
    oracle_srgb_from_stream (&streams[0], rgb, srgb);
    fail_unless (fabs (value_of_v210 (y) - 255 * srgb[0]) < 0.1,
        "%u: %g, not %g", y, value_of_v210 (y), 255 * srgb[0]);
  }
}
GST_END_TEST;

static Suite *
transfer_suite (void)
{
  Suite *suite = suite_create ("transfer");
  TCase *tc = tcase_create ("general");

  tcase_add_test (tc, test_graphics_white);
  tcase_add_test (tc, test_which_functions);
  tcase_add_test (tc, test_against_gstreamer);
  tcase_add_loop_test (tc, test_rows_against_oracle, 0, G_N_ELEMENTS (streams));
  tcase_add_loop_test (tc, test_tensors, 0, G_N_ELEMENTS (streams));
  tcase_add_test (tc, test_converted_format);
  suite_add_tcase (suite, tc);
  return suite;
}

GST_CHECK_MAIN (transfer);
