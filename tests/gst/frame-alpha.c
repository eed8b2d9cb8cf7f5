/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests frames that have alpha, with the outputs that give them another
 * background: the result is opaque. */

#include <math.h>

#include "common.h"

#define WIDTH  64
#define HEIGHT 48

/* Colours and alpha of four vertical patches, in 16 bits. The network finds
 * the first three, which are red. */
#define PATCHES 4
static const gdouble patch_alpha[PATCHES] = { 1, 0.5, 0, 1 };

static gboolean
has_alpha (GstVideoFormat format)
{
  const GstVideoFormatInfo *info = gst_video_format_get_info (format);

  return GST_VIDEO_FORMAT_INFO_HAS_ALPHA (info)
      && !GST_VIDEO_FORMAT_INFO_HAS_PALETTE (info) && info->pack_func;
}

/* R'G'B' of a patch, 0..1. */
static void
patch_color (guint patch, gdouble rgb[3])
{
  rgb[0] = patch < 3 ? 1 : 0;
  rgb[1] = rgb[2] = 0;
}

/* Writes alpha and three components of 16 bits. */
static void
to_unpacked (const GstVideoInfo *info, guint patch, guint16 pixel[4])
{
  gdouble rgb[3], kr, kb, y;

  patch_color (patch, rgb);
  pixel[0] = (guint16) (patch_alpha[patch] * 65535 + 0.5);
  for (guint i = 0; i < 3; i++)
    pixel[1 + i] = (guint16) (rgb[i] * 65535);
  if (!GST_VIDEO_INFO_IS_YUV (info))
    return;
  gst_video_color_matrix_get_Kr_Kb (info->colorimetry.matrix, &kr, &kb);
  y = kr * rgb[0] + (1 - kr - kb) * rgb[1] + kb * rgb[2];
  pixel[1] = (guint16) (256 * (16 + 219 * y));
  pixel[2] = (guint16) (256 * (128 + 224 * (rgb[2] - y) / (2 * (1 - kb))));
  pixel[3] = (guint16) (256 * (128 + 224 * (rgb[0] - y) / (2 * (1 - kr))));
}

static void
pack_row (const GstVideoInfo *info, GstVideoFrame *frame, guint y)
{
  const GstVideoFormatInfo *finfo = info->finfo;
  const gboolean deep =
      gst_video_format_get_info (finfo->unpack_format)->depth[0] > 8;
  guint16 pixels[WIDTH][4];
  guint8 bytes[WIDTH][4];

  for (guint x = 0; x < WIDTH; x++) {
    to_unpacked (info, x * PATCHES / WIDTH, pixels[x]);
    for (guint i = 0; i < 4; i++)
      bytes[x][i] = (guint8) (pixels[x][i] >> 8);
  }
  finfo->pack_func (finfo, GST_VIDEO_PACK_FLAG_NONE,
      deep ? (gpointer) pixels : bytes, 0, frame->data, frame->info.stride,
      info->chroma_site, y, WIDTH);
}

static GstBuffer *
new_frame (const GstVideoInfo *info)
{
  GstBuffer *buffer =
      gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (info), NULL);
  GstVideoFrame frame;

  fail_unless (gst_video_frame_map (&frame, info, buffer, GST_MAP_READWRITE));
  for (guint y = 0; y < HEIGHT; y++)
    pack_row (info, &frame, y);
  gst_video_frame_unmap (&frame);
  GST_BUFFER_PTS (buffer) = 0;
  return buffer;
}

/* Converts a frame to ARGB of 8 bits. */
static void
to_argb (const GstVideoInfo *info, GstBuffer *buffer, guint8 *argb)
{
  GstVideoInfo to;
  GstVideoFrame from, frame;
  GstVideoConverter *converter;
  GstBuffer *out;

  gst_video_info_set_format (&to, GST_VIDEO_FORMAT_ARGB, WIDTH, HEIGHT);
  to.fps_n = info->fps_n;
  to.fps_d = info->fps_d;
  out = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&to), NULL);
  converter = gst_video_converter_new (info, &to, NULL);
  gst_video_frame_map (&from, info, buffer, GST_MAP_READ);
  gst_video_frame_map (&frame, &to, out, GST_MAP_WRITE);
  gst_video_converter_frame (converter, &from, &frame);
  gst_video_frame_unmap (&frame);
  gst_video_frame_unmap (&from);
  gst_video_converter_free (converter);
  gst_buffer_extract (out, 0, argb, 4 * WIDTH * HEIGHT);
  gst_buffer_unref (out);
}

static void
run (const gchar *launch, GstVideoFormat format, guint8 *argb)
{
  GstHarness *h = gst_harness_new_parse (launch);
  GstCaps *caps = test_caps (format, WIDTH, HEIGHT);
  GstVideoInfo info;
  GstBuffer *out;

  fail_unless (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (h, caps);
  out = gst_harness_push_and_pull (h, new_frame (&info));
  fail_unless (out != NULL);
  to_argb (&info, out, argb);
  gst_buffer_unref (out);
  gst_harness_teardown (h);
}

/* GStreamer 1.22 unpacks all of two bits as 192. */
static void
assert_opaque (const guint8 *argb, const gchar *name)
{
  const guint8 opaque = strstr (name, "10A2") ? 192 : 255;

  for (guint i = 0; i < WIDTH * HEIGHT; i++)
    fail_unless (argb[4 * i] >= opaque, "%s: pixel %u has alpha %u", name, i,
        argb[4 * i]);
}

/* Asserts the colour in the middle of a patch. Two bits of alpha hold a half
 * as a third or two thirds. */
static void
assert_color (const guint8 *argb, guint patch, const gdouble rgb[3],
    gdouble tolerance, const gchar *name)
{
  const guint8 *pixel = argb
      + 4
          * (HEIGHT / 2 * WIDTH + patch * WIDTH / PATCHES
              + WIDTH / PATCHES / 2);

  for (guint c = 0; c < 3; c++)
    fail_unless (fabs (pixel[1 + c] - rgb[c]) <= tolerance,
        "%s, patch %u: %u,%u,%u", name, patch, pixel[1], pixel[2], pixel[3]);
}

static gchar *
launch_line (const gchar *properties)
{
  g_autofree gchar *path = test_model ("red-dynamic");

  return g_strdup_printf ("unetseg async=false model=\"%s\" input-size=64x48 "
                          "temporal=off %s",
      path, properties);
}

/* The red part stands before blue as far as its alpha goes. */
GST_START_TEST (test_replace)
{
  g_autofree gchar *launch = launch_line (
      "output=replace background=#0000ff refine=off "
      "edge-low=0.49 edge-high=0.51");
  guint8 argb[4 * WIDTH * HEIGHT];
  const GstVideoFormat *formats;
  guint n, tested = 0;

  formats = gst_video_formats_raw (&n);
  for (guint i = 0; i < n; i++) {
    const gchar *name = gst_video_format_to_string (formats[i]);
    gdouble half;

    if (!has_alpha (formats[i]))
      continue;
    run (launch, formats[i], argb);
    assert_opaque (argb, name);
    half = gst_video_format_get_info (formats[i])->depth[3] == 2 ? 50 : 6;
    assert_color (argb, 0, (gdouble[3]){ 255, 0, 0 }, 4, name);
    assert_color (argb, 1, (gdouble[3]){ 127, 0, 127 }, half, name);
    assert_color (argb, 2, (gdouble[3]){ 0, 0, 255 }, 4, name);
    assert_color (argb, 3, (gdouble[3]){ 0, 0, 255 }, 4, name);
    tested++;
  }
  fail_unless (tested > 15, "only %u formats have alpha", tested);
}
GST_END_TEST;

/* Red under an alpha of 0 is not seen in the blur; black is all that there is
 * of the background. */
GST_START_TEST (test_blur)
{
  g_autofree gchar *launch = launch_line ("output=blur blur-radius=0.1");
  guint8 argb[4 * WIDTH * HEIGHT];
  const GstVideoFormat *formats;
  guint n;

  formats = gst_video_formats_raw (&n);
  for (guint i = 0; i < n; i++) {
    const gchar *name = gst_video_format_to_string (formats[i]);

    if (!has_alpha (formats[i]))
      continue;
    run (launch, formats[i], argb);
    assert_opaque (argb, name);
    assert_color (argb, 0, (gdouble[3]){ 255, 0, 0 }, 6, name);
    assert_color (argb, 2, (gdouble[3]){ 0, 0, 0 }, 6, name);
    assert_color (argb, 3, (gdouble[3]){ 0, 0, 0 }, 6, name);
  }
}
GST_END_TEST;

/* So does unetsegdraw, which has no mask here, and hides the whole frame. */
GST_START_TEST (test_without_mask)
{
  guint8 argb[4 * WIDTH * HEIGHT];

  run ("unetsegdraw output=replace background=#0000ff", GST_VIDEO_FORMAT_BGRA,
      argb);
  assert_opaque (argb, "BGRA");
  for (guint p = 0; p < PATCHES; p++)
    assert_color (argb, p, (gdouble[3]){ 0, 0, 255 }, 1, "BGRA");
  run ("unetsegdraw output=blur", GST_VIDEO_FORMAT_A420, argb);
  assert_opaque (argb, "A420");
}
GST_END_TEST;

/* Other outputs leave alpha alone. */
GST_START_TEST (test_overlay)
{
  g_autofree gchar *launch = launch_line ("output=overlay");
  guint8 argb[4 * WIDTH * HEIGHT];

  run (launch, GST_VIDEO_FORMAT_RGBA, argb);
  for (guint p = 0; p < PATCHES; p++)
    fail_unless (
        fabs (argb[4 * (p * WIDTH / PATCHES)] - 255 * patch_alpha[p]) < 1.5);
}
GST_END_TEST;

static Suite *
frame_alpha_suite (void)
{
  Suite *suite = suite_create ("frame-alpha");
  TCase *tc = tcase_create ("general");

  tcase_add_checked_fixture (tc, test_watch_log, NULL);
  tcase_add_test (tc, test_replace);
  tcase_add_test (tc, test_blur);
  tcase_add_test (tc, test_without_mask);
  tcase_add_test (tc, test_overlay);
  suite_add_tcase (suite, tc);
  return suite;
}

GST_CHECK_MAIN (frame_alpha);
