/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of a frame the network sees, and how: in tiles, at the video's own
 * size. */

#include "common.h"

static GstBuffer *
push_half (GstHarness *h, guint width, guint height)
{
  GstBuffer *out;

  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, width, height);
  out = gst_harness_push_and_pull (h, test_frame_at (h, TEST_HALF, 0));
  fail_unless (gst_buffer_get_unet_seg_meta (out) != NULL);
  return out;
}

/* A mask of the frame's own resolution that is right to the pixel. */
static void
assert_every_pixel (const gchar *model, const gchar *properties, guint width,
    guint height)
{
  GstHarness *h = test_harness_new (model, properties);
  GstBuffer *out = push_half (h, width, height);
  UnetSegMeta *meta = gst_buffer_get_unet_seg_meta (out);

  assert_equals_int (meta->width, width);
  assert_equals_int (meta->height, height);
  fail_unless_equals_float (meta->x, 0);
  fail_unless_equals_float (meta->y, 0);
  fail_unless_equals_float (meta->w, width);
  fail_unless_equals_float (meta->h, height);
  test_assert_halves (meta, 1, 0, 0);
  gst_buffer_unref (out);
  test_harness_free (h);
}

/* Networks of fixed and open size, larger and smaller than the frame, with
 * valid convolutions and without. */
GST_START_TEST (test_tiles)
{
  assert_every_pixel ("red", "fit=tile", 100, 70);
  assert_every_pixel ("red", "fit=tile overlap=8", 100, 70);
  assert_every_pixel ("red", "fit=tile", 20, 10);
  assert_every_pixel ("red-wide", "fit=tile", 333, 111);
  assert_every_pixel ("red-nhwc", "fit=tile", 100, 70);
  assert_every_pixel ("red-dynamic", "fit=tile input-size=32x64", 200, 100);
  assert_every_pixel ("red-dynamic", "fit=tile", 1300, 700);
  assert_every_pixel ("valid", "fit=tile", 100, 70);
  assert_every_pixel ("valid", "fit=tile", 20, 10);
}

GST_END_TEST;

/* A caps change lays tiles anew; the session stays. */
GST_START_TEST (test_tiles_of_changing_caps)
{
  GstHarness *h = test_harness_new ("valid", "fit=tile");
  static const guint sizes[][2] = { { 64, 48 }, { 33, 200 }, { 128, 128 } };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    GstBuffer *out = push_half (h, sizes[i][0], sizes[i][1]);
    UnetSegMeta *meta = gst_buffer_get_unet_seg_meta (out);

    assert_equals_int (meta->width, sizes[i][0]);
    assert_equals_int (meta->height, sizes[i][1]);
    test_assert_halves (meta, 1, 0, 0);
    gst_buffer_unref (out);
  }
  test_harness_free (h);
}

GST_END_TEST;

GST_START_TEST (test_tiles_refused)
{
  GstHarness *h = test_harness_new ("red", "fit=tile overlap=32");

  gst_harness_push_event (h, gst_event_new_caps (test_caps (
      GST_VIDEO_FORMAT_RGB, 64, 64)));
  assert_equals_int (test_count_messages (h, GST_MESSAGE_ERROR), 1);
  test_harness_free (h);
}

GST_END_TEST;

/* Rounded up to the model's multiple, every pixel where it was. */
GST_START_TEST (test_video_size)
{
  assert_every_pixel ("red-dynamic", "input-size=video", 100, 70);
  assert_every_pixel ("red-dynamic", "input-size=video", 64, 64);
  assert_every_pixel ("red-padded", "input-size=video fit=letterbox", 101, 31);
  assert_every_pixel ("red-dynamic", "input-size=video fit=tile", 333, 70);
}

GST_END_TEST;

/* With square pixels, as the network sees them. */
GST_START_TEST (test_video_size_of_other_pixels)
{
  GstHarness *h = test_harness_new ("red-padded", "input-size=video");
  g_autoptr (GstCaps) caps = test_caps (GST_VIDEO_FORMAT_RGB, 50, 40);
  GstBuffer *out;
  UnetSegMeta *meta;

  gst_caps_set_simple (caps, "pixel-aspect-ratio", GST_TYPE_FRACTION, 2, 1,
      NULL);
  gst_harness_set_src_caps (h, gst_caps_copy (caps));
  out = gst_harness_push_and_pull (h, test_frame_at (h, TEST_HALF, 0));
  meta = gst_buffer_get_unet_seg_meta (out);
  assert_equals_int (meta->width, 100);
  assert_equals_int (meta->height, 40);
  fail_unless_equals_float (meta->w, 50);
  test_assert_halves (meta, 1, 0, 1);
  gst_buffer_unref (out);
  test_harness_free (h);
}

GST_END_TEST;

/* A network of a size of its own cannot have the video's. */
GST_START_TEST (test_video_size_refused)
{
  GstElement *element = gst_element_factory_make ("unetseg", NULL);
  g_autofree gchar *path = test_model ("red");

  g_object_set (element, "model", path, "input-size", "video", NULL);
  assert_equals_int (gst_element_set_state (element, GST_STATE_PAUSED),
      GST_STATE_CHANGE_FAILURE);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_object_unref (element);
}

GST_END_TEST;

static Suite *
views_suite (void)
{
  Suite *suite = suite_create ("views");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, test_watch_log, NULL);
  tcase_add_test (tcase, test_tiles);
  tcase_add_test (tcase, test_tiles_of_changing_caps);
  tcase_add_test (tcase, test_tiles_refused);
  tcase_add_test (tcase, test_video_size);
  tcase_add_test (tcase, test_video_size_of_other_pixels);
  tcase_add_test (tcase, test_video_size_refused);
  return suite;
}

GST_CHECK_MAIN (views);
