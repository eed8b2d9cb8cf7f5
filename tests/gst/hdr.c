/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests frames in PQ, HLG and linear light: what the network sees, and the
 * brightness of what is drawn. */

#include <glib/gstdio.h>
#include <math.h>

#include "../frame/transfer-oracle.h"
#include "common.h"

#define WIDTH   64
#define HEIGHT  48
#define PATCHES 4

typedef struct {
  GstVideoFormat format;
  const gchar *colorimetry;
} Stream;

static const Stream hdr[] = { { GST_VIDEO_FORMAT_P010_10LE, "bt2100-pq" },
  { GST_VIDEO_FORMAT_I420_10LE, "bt2100-hlg" },
  { GST_VIDEO_FORMAT_I420_12LE, "bt2100-pq" },
  { GST_VIDEO_FORMAT_v210, "bt2100-hlg" },
  { GST_VIDEO_FORMAT_Y444_10LE, "bt2100-hlg" },
  { GST_VIDEO_FORMAT_RGB10A2_LE, "1:1:14:7" },
  { GST_VIDEO_FORMAT_GBR_10LE, "1:1:15:7" },
  { GST_VIDEO_FORMAT_ARGB64, "1:1:1:7" } };

/* ---- frames ------------------------------------------------------------ */

static GstHarness *
new_harness (const Stream *stream, const gchar *properties, GstVideoInfo *info)
{
  GstHarness *h = test_harness_new ("red", properties);
  GstCaps *caps = test_caps (stream->format, WIDTH, HEIGHT);

  gst_caps_set_simple (
      caps, "colorimetry", G_TYPE_STRING, stream->colorimetry, NULL);
  fail_unless (gst_video_info_from_caps (info, caps));
  gst_harness_set_src_caps (h, caps);
  return h;
}

/* Returns the step between neighbouring sample values, of 1. */
static gdouble
step_of (const GstVideoInfo *info)
{
  const gdouble all = (1 << GST_VIDEO_INFO_COMP_DEPTH (info, 0)) - 1;

  return GST_VIDEO_INFO_IS_YUV (info) ? 1 / (219 / 256.0 * (all + 1)) : 1 / all;
}

/* R'G'B', 0..1, to samples of the format's unpacked 16 bits, rounded to its
 * depth. */
static void
to_samples (const GstVideoInfo *info, const gdouble rgb[3], guint16 sample[4])
{
  const guint depth = GST_VIDEO_INFO_COMP_DEPTH (info, 0);
  const gdouble unit = 1 << (depth - 8);
  const gdouble y = 0.2627 * rgb[0] + 0.6780 * rgb[1] + 0.0593 * rgb[2];
  gdouble v[3] = { unit * (16 + 219 * y),
    unit * (128 + 224 * (rgb[2] - y) / 1.8814),
    unit * (128 + 224 * (rgb[0] - y) / 1.4746) };

  sample[0] = G_MAXUINT16;
  for (guint i = 0; i < 3; i++) {
    if (!GST_VIDEO_INFO_IS_YUV (info))
      v[i] = rgb[i] * ((1 << depth) - 1);
    sample[1 + i] = (guint16) ((guint) floor (v[i] + 0.5) << (16 - depth));
  }
}

/* A frame of vertical patches; each has a colour of the stream's R'G'B'. */
static GstBuffer *
new_frame (const GstVideoInfo *info, const gdouble rgb[PATCHES][3])
{
  GstBuffer *buffer =
      gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (info), NULL);
  const GstVideoFormatInfo *finfo = info->finfo;
  guint16 row[WIDTH][4];
  GstVideoFrame frame;

  for (guint x = 0; x < WIDTH; x++)
    to_samples (info, rgb[x * PATCHES / WIDTH], row[x]);
  fail_unless (gst_video_frame_map (&frame, info, buffer, GST_MAP_READWRITE));
  for (guint y = 0; y < HEIGHT; y++)
    finfo->pack_func (finfo, GST_VIDEO_PACK_FLAG_NONE, row, 0, frame.data,
        frame.info.stride, info->chroma_site, y, WIDTH);
  gst_video_frame_unmap (&frame);
  GST_BUFFER_PTS (buffer) = 0;
  return buffer;
}

/* Returns the first component (luma or red, of 1) at a pixel. */
static gdouble
value_at (const GstVideoInfo *info, GstBuffer *buffer, guint x, guint y)
{
  guint size;
  g_autofree guint8 *pixels = test_unpack (info, buffer, &size);
  const guint depth = GST_VIDEO_INFO_COMP_DEPTH (info, 0);
  const guint16 *pixel = (const guint16 *) (pixels + (y * WIDTH + x) * size);
  const guint sample = pixel[1] >> (16 - depth);

  assert_equals_int (size, 8);
  if (GST_VIDEO_INFO_IS_YUV (info))
    return (sample / (gdouble) (1 << (depth - 8)) - 16) / 219;
  return sample / ((1 << depth) - 1.0);
}

/* ---- what the network sees --------------------------------------------- */

/* The network's logit is 1000 (x - 0.5), of x = (red + 99.5) / 200: the mask
 * tells every value of red. */
#define SEES "output=mask refine=off temporal=off mean=-99.5,0,0 std=200,1,1"

static gdouble
probability_of_red (gdouble red)
{
  return 255 / (1 + exp (2.5 - 5 * red));
}

static guint8
seen_at (GstBuffer *mask, guint patch)
{
  guint8 value = 0;

  gst_buffer_extract (mask,
      HEIGHT / 2 * WIDTH + WIDTH / PATCHES * patch + WIDTH / PATCHES / 2,
      &value, 1);
  return value;
}

/* Greys from black to white, skin and cloth. */
static const gdouble scenes[][PATCHES][3] = {
  { { 0, 0, 0 }, { 0.2, 0.2, 0.2 }, { 0.4, 0.4, 0.4 }, { 0.6, 0.6, 0.6 } },
  { { 0.7, 0.7, 0.7 }, { 0.8, 0.8, 0.8 }, { 0.9, 0.9, 0.9 }, { 1, 1, 1 } },
  { { 0.78, 0.58, 0.48 }, { 0.36, 0.22, 0.16 }, { 0.25, 0.3, 0.5 },
      { 0.4, 0.6, 0.35 } },
};

/* Rounding of a sample moves a component by half a step at most, and all of
 * them together by no more than the sum of what each does: a chroma sample by
 * up to 1.9 steps. */
static gdouble
rounding_of_red (const GstVideoInfo *info, const gdouble rgb[3])
{
  const gdouble reach = step_of (info) / 2 * 1.9;
  gdouble bound = 0, srgb[3], moved[3];

  oracle_srgb_from_stream (&info->colorimetry, rgb, srgb);
  for (guint c = 0; c < 3; c++) {
    gdouble up[3] = { rgb[0], rgb[1], rgb[2] };

    up[c] = MIN (up[c] + reach, 1);
    oracle_srgb_from_stream (&info->colorimetry, up, moved);
    bound += fabs (moved[0] - srgb[0]);
  }
  return bound;
}

/* The mask of a scene in a stream is that of the same scene in SDR, but for
 * rounding, and but for the shoulder of the tone curve: up to 88 cd/m2, which
 * are 0.69 in sRGB where white is 203, nothing changes, and white becomes
 * 0.90. */
GST_START_TEST (test_same_scene)
{
  const Stream *stream = &hdr[__i__];
  const gdouble shoulder = strstr (stream->colorimetry, ":1:7") ? 0 : 0.105;
  GstVideoInfo info;

  for (guint s = 0; s < G_N_ELEMENTS (scenes); s++) {
    GstHarness *h = new_harness (stream, SEES, &info);
    gdouble rgb[PATCHES][3];
    GstBuffer *out;

    for (guint p = 0; p < PATCHES; p++)
      oracle_stream_from_srgb (&info.colorimetry, scenes[s][p], rgb[p]);
    out = gst_harness_push_and_pull (h, new_frame (&info, rgb));
    for (guint p = 0; p < PATCHES; p++) {
      const gdouble red = scenes[s][p][0];
      const gdouble off = rounding_of_red (&info, rgb[p]);
      const gdouble least = red > 0.69 ? red - shoulder : red;
      const guint8 seen = seen_at (out, p);

      fail_unless (seen >= floor (probability_of_red (least - off)) - 1
              && seen <= ceil (probability_of_red (red + off)) + 1,
          "%s: red %g is seen as %u, not %g", stream->colorimetry, red, seen,
          probability_of_red (red));
      fail_unless (off < 0.03, "the bound of %g is worth nothing", off);
    }
    gst_buffer_unref (out);
    test_harness_free (h);
  }
}
GST_END_TEST;

/* What is brighter than graphics white is seen as well: 203 cd/m2 are darker
 * than 1000, which are white. */
GST_START_TEST (test_highlights)
{
  GstVideoInfo info;
  GstHarness *h = new_harness (&hdr[0], SEES, &info);
  gdouble rgb[PATCHES][3];
  const gdouble light[PATCHES] = { 203, 400, 1000, 10000 };
  const gdouble expected[PATCHES] = { 0.898, 0.982, 1, 1 };
  GstBuffer *out;

  for (guint p = 0; p < PATCHES; p++)
    for (guint c = 0; c < 3; c++)
      rgb[p][c] = oracle_pq_from_light (light[p]);
  out = gst_harness_push_and_pull (h, new_frame (&info, rgb));
  for (guint p = 0; p < PATCHES; p++)
    fail_unless (
        fabs (seen_at (out, p) - probability_of_red (expected[p])) < 1.6,
        "%g cd/m2 are seen as %u", light[p], seen_at (out, p));
  gst_buffer_unref (out);
  test_harness_free (h);
}
GST_END_TEST;

/* Code values of SDR are taken as they are, whatever BT.2020 calls its
 * function: BT.601's, BT.709's and gamma 2.2 and 2.8. */
GST_START_TEST (test_sdr_stays)
{
  static const gchar *const names[] = { "bt2020", "bt2020-10", "2:6:5:7",
    "2:6:4:7", "2:6:8:7" };
  const gdouble rgb[PATCHES][3] = { { 0, 0, 0 }, { 0.25, 0.25, 0.25 },
    { 0.5, 0.5, 0.5 }, { 0.75, 0.75, 0.75 } };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    const Stream stream = { GST_VIDEO_FORMAT_P010_10LE, names[i] };
    GstVideoInfo info;
    GstHarness *h = new_harness (&stream, SEES, &info);
    GstBuffer *out = gst_harness_push_and_pull (h, new_frame (&info, rgb));

    for (guint p = 0; p < PATCHES; p++)
      fail_unless (
          fabs (seen_at (out, p) - probability_of_red (rgb[p][0])) < 1.1,
          "%s: %g is seen as %u", names[i], rgb[p][0], seen_at (out, p));
    gst_buffer_unref (out);
    test_harness_free (h);
  }
}
GST_END_TEST;

/* ---- what is drawn ----------------------------------------------------- */

/* PQ's 203 cd/m2 are 58.07 %; HLG's graphics white is 75 %; linear light
 * calls it 1. */
static gdouble
graphics_white (const GstVideoInfo *info)
{
  switch (info->colorimetry.transfer) {
    case GST_VIDEO_TRANSFER_SMPTE2084:
      return oracle_pq_from_light (203);
    case GST_VIDEO_TRANSFER_ARIB_STD_B67:
      return 0.75;
    default:
      return 1;
  }
}

/* Draws on black, all of which is background, or on red. */
static GstBuffer *
draw (const Stream *stream, const gchar *properties, gdouble red,
    GstVideoInfo *info)
{
  GstHarness *h = new_harness (stream, properties, info);
  gdouble rgb[PATCHES][3] = { { red } };
  GstBuffer *out;

  for (guint p = 1; p < PATCHES; p++)
    rgb[p][0] = red;
  out = gst_harness_push_and_pull (h, new_frame (info, rgb));
  fail_unless (out != NULL);
  test_harness_free (h);
  return out;
}

static void
assert_white (const Stream *stream, const GstVideoInfo *info, GstBuffer *out)
{
  const gdouble v = value_at (info, out, WIDTH / 2, HEIGHT / 2);
  const gdouble expected = graphics_white (info);

  /* BT.2408's 75 % are 203.2 cd/m2. GStreamer cuts samples of v210 and RGB10A2
   * to their depth. */
  fail_unless (fabs (v - expected) < step_of (info) * 1.01 + 2e-4,
      "%s: white is %g, not %g", stream->colorimetry, v, expected);
  if (info->colorimetry.transfer == GST_VIDEO_TRANSFER_SMPTE2084)
    fail_unless (fabs (oracle_light_from_pq (v) - 203) < 2.5, "%g cd/m2",
        oracle_light_from_pq (v));
}

GST_START_TEST (test_white)
{
  const Stream *stream = &hdr[__i__];
  GstVideoInfo info;
  GstBuffer *out = draw (stream, "output=replace background=white", 0, &info);

  assert_white (stream, &info, out);
  gst_buffer_unref (out);
  /* All of the frame is foreground. */
  out = draw (stream, "output=overlay colors=white opacity=1", 1, &info);
  assert_white (stream, &info, out);
  gst_buffer_unref (out);
}
GST_END_TEST;

/* Colours keep their hue: BT.2020's red is more saturated than sRGB's, which
 * has some of the others in it. */
GST_START_TEST (test_colors)
{
  static const gdouble orange[3] = { 1, 0x80 / 255.0, 0x20 / 255.0 };
  const Stream *stream = &hdr[__i__];
  GstVideoInfo info;
  GstBuffer *out = draw (stream, "output=replace background=#ff8020", 0, &info);
  gdouble rgb[3], expected;

  oracle_stream_from_srgb (&info.colorimetry, orange, rgb);
  expected = GST_VIDEO_INFO_IS_YUV (&info)
      ? 0.2627 * rgb[0] + 0.6780 * rgb[1] + 0.0593 * rgb[2]
      : rgb[0];
  fail_unless (fabs (value_at (&info, out, 20, 20) - expected)
          < step_of (&info) * 1.01 + 1e-4,
      "%s", stream->colorimetry);
  gst_buffer_unref (out);
}
GST_END_TEST;

/* A background picture's white is graphics white, too. */
GST_START_TEST (test_picture)
{
  g_autofree gchar *folder = g_dir_make_tmp ("unetseg-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (folder, "white.png", NULL);
  g_autofree gchar *properties =
      g_strdup_printf ("output=replace background-location=%s", path);

  if (test_write_picture (path, "white", 80, 60)) {
    for (guint i = 0; i < G_N_ELEMENTS (hdr); i++) {
      GstVideoInfo info;
      GstBuffer *out = draw (&hdr[i], properties, 0, &info);

      assert_white (&hdr[i], &info, out);
      gst_buffer_unref (out);
    }
    g_unlink (path);
  } else {
    g_print ("skipped: no pngenc\n");
  }
  g_rmdir (folder);
}
GST_END_TEST;

static Suite *
hdr_suite (void)
{
  Suite *suite = suite_create ("hdr");
  TCase *tc = tcase_create ("general");

  tcase_add_checked_fixture (tc, test_watch_log, NULL);
  tcase_add_loop_test (tc, test_same_scene, 0, G_N_ELEMENTS (hdr));
  tcase_add_test (tc, test_highlights);
  tcase_add_test (tc, test_sdr_stays);
  tcase_add_loop_test (tc, test_white, 0, G_N_ELEMENTS (hdr));
  tcase_add_loop_test (tc, test_colors, 0, G_N_ELEMENTS (hdr));
  tcase_add_test (tc, test_picture);
  suite_add_tcase (suite, tc);
  return suite;
}

GST_CHECK_MAIN (hdr);
