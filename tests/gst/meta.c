/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests UnetSegMeta as applications and other elements use it. */

#include <frame/draw/palette.h>

#include "common.h"

#define WIDTH  8
#define HEIGHT 4

static UnetSegClasses *
new_classes (void)
{
  static const gchar *const labels[] = { "background", "cat", NULL };

  return unet_seg_classes_new ("cats.onnx", 3, labels);
}

static GstBuffer *
new_plane (guint8 value)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, WIDTH * HEIGHT, NULL);

  gst_buffer_memset (buffer, 0, value, -1);
  return buffer;
}

static UnetSegMeta *
add_meta (GstBuffer *buffer)
{
  UnetSegClasses *classes = new_classes ();
  GstBuffer *class_map = new_plane (1), *probability = new_plane (200);
  UnetSegMeta *meta = gst_buffer_add_unet_seg_meta (
      buffer, classes, class_map, probability, WIDTH, HEIGHT);

  unet_seg_classes_unref (classes);
  gst_buffer_unref (class_map);
  gst_buffer_unref (probability);
  meta->x = 10;
  meta->y = 20;
  meta->w = 80;
  meta->h = 60;
  meta->age_frames = 3;
  meta->carried = TRUE;
  meta->age = 100 * GST_MSECOND;
  return meta;
}

static void
assert_same (const UnetSegMeta *a, const UnetSegMeta *b)
{
  fail_unless (a->class_map == b->class_map);
  fail_unless (a->probability == b->probability);
  fail_unless (a->classes == b->classes);
  fail_unless_equals_int (a->width, b->width);
  fail_unless_equals_int (a->height, b->height);
  fail_unless_equals_int (a->n_classes, b->n_classes);
  fail_unless_equals_int (a->age_frames, b->age_frames);
  fail_unless_equals_int (a->carried, b->carried);
  fail_unless_equals_uint64 (a->age, b->age);
}

static void
assert_rectangle (
    const UnetSegMeta *meta, gdouble x, gdouble y, gdouble w, gdouble h)
{
  fail_unless_equals_float (meta->x, x);
  fail_unless_equals_float (meta->y, y);
  fail_unless_equals_float (meta->w, w);
  fail_unless_equals_float (meta->h, h);
}

GST_START_TEST (test_classes)
{
  static const guint32 colors[] = { 0x80010203, 0xff040506 };
  UnetSegClasses *classes = new_classes ();

  assert_equals_string (unet_seg_classes_get_model (classes), "cats.onnx");
  assert_equals_int (unet_seg_classes_get_n_classes (classes), 3);
  assert_equals_string (unet_seg_classes_get_label (classes, 0), "background");
  assert_equals_string (unet_seg_classes_get_label (classes, 1), "cat");
  /* Class 2 has no label, and class 3 does not exist. */
  fail_unless (unet_seg_classes_get_label (classes, 2) == NULL);
  fail_unless (unet_seg_classes_get_label (classes, 3) == NULL);
  unet_seg_classes_unref (classes);

  classes = unet_seg_classes_new ("nameless", 2, NULL);
  fail_unless (unet_seg_classes_get_label (classes, 1) == NULL);
  fail_unless (unet_seg_classes_get_color (classes, 0) == 0);
  fail_unless (
      unet_seg_classes_get_color (classes, 1) == unet_palette_default (1));
  fail_unless (unet_seg_classes_get_color (classes, 2) == 0);
  unet_seg_classes_unref (classes);

  classes = unet_seg_classes_new_colored ("nameless", 2, NULL, colors);
  for (guint i = 0; i < 2; i++)
    fail_unless (unet_seg_classes_get_color (classes, i) == colors[i]);
  unet_seg_classes_unref (classes);
}

GST_END_TEST;

GST_START_TEST (test_add_and_get)
{
  GstBuffer *buffer = gst_buffer_new ();
  UnetSegMeta *meta;

  fail_unless (gst_buffer_get_unet_seg_meta (buffer) == NULL);
  meta = add_meta (buffer);
  fail_unless (gst_buffer_get_unet_seg_meta (buffer) == meta);
  assert_equals_int (meta->n_classes, 3);
  assert_equals_int (test_class_at (meta, WIDTH - 1, HEIGHT - 1), 1);
  assert_equals_int (test_probability_at (meta, 0, 0), 200);
  /* Only the metadata hold a reference. */
  ASSERT_MINI_OBJECT_REFCOUNT (meta->class_map, "class map", 1);
  gst_buffer_unref (buffer);
}

GST_END_TEST;

GST_START_TEST (test_too_small)
{
  GstBuffer *buffer = gst_buffer_new (), *plane = new_plane (0);
  UnetSegClasses *classes = new_classes ();

  TEST_COMPLAINS (gst_buffer_add_unet_seg_meta (
      buffer, classes, plane, plane, WIDTH + 1, HEIGHT));
  fail_unless (gst_buffer_get_unet_seg_meta (buffer) == NULL);
  unet_seg_classes_unref (classes);
  gst_buffer_unref (plane);
  gst_buffer_unref (buffer);
}

GST_END_TEST;

GST_START_TEST (test_copy)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 100, NULL), *copy, *part;
  UnetSegMeta *meta = add_meta (buffer), *copied;

  copy = gst_buffer_copy (buffer);
  copied = gst_buffer_get_unet_seg_meta (copy);
  fail_unless (copied != NULL && copied != meta);
  assert_same (copied, meta);
  assert_rectangle (copied, 10, 20, 80, 60);

  /* A part of the bytes is not the picture that the mask belongs to. */
  part = gst_buffer_copy_region (buffer, GST_BUFFER_COPY_ALL, 10, 20);
  fail_unless (gst_buffer_get_unet_seg_meta (part) == NULL);

  gst_buffer_unref (buffer);
  assert_equals_int (test_class_at (copied, 0, 0), 1);
  gst_buffer_unref (copy);
  gst_buffer_unref (part);
}

GST_END_TEST;

/* Sends a frame of 120x100 with a mask through an element of GStreamer. */
static GstBuffer *
send_through (const gchar *launch, guint width, guint height)
{
  GstHarness *h = gst_harness_new_parse (launch);
  GstBuffer *buffer, *out;
  GstVideoInfo info;

  gst_harness_set_caps (h, test_caps (GST_VIDEO_FORMAT_I420, 120, 100),
      test_caps (GST_VIDEO_FORMAT_I420, width, height));
  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_I420, 120, 100);
  buffer = test_frame_new (&info, TEST_BLACK, TEST_PLAIN);
  add_meta (buffer);
  out = gst_harness_push_and_pull (h, buffer);
  fail_unless (out != NULL);
  gst_harness_teardown (h);
  return out;
}

GST_START_TEST (test_scaling)
{
  GstBuffer *out = send_through ("videoscale add-borders=false", 240, 50);
  UnetSegMeta *meta = gst_buffer_get_unet_seg_meta (out);

  fail_unless (meta != NULL);
  assert_rectangle (meta, 20, 10, 160, 30);
  assert_equals_int (meta->width, WIDTH);
  assert_equals_int (meta->age_frames, 3);
  assert_equals_string (unet_seg_classes_get_label (meta->classes, 1), "cat");
  gst_buffer_unref (out);
}

GST_END_TEST;

GST_START_TEST (test_cropping)
{
  GstBuffer *out = send_through ("videocrop left=20 top=10", 100, 90);

  fail_unless (gst_buffer_get_unet_seg_meta (out) == NULL);
  gst_buffer_unref (out);
}

GST_END_TEST;

GST_START_TEST (test_flipping)
{
  GstBuffer *out = send_through ("videoflip video-direction=90r", 100, 120);

  fail_unless (gst_buffer_get_unet_seg_meta (out) == NULL);
  gst_buffer_unref (out);
}

GST_END_TEST;

/* Mirroring keeps the size, but would leave the mask on the wrong side. */
GST_START_TEST (test_mirroring)
{
  GstBuffer *out = send_through ("videoflip video-direction=horiz", 120, 100);

  fail_unless (gst_buffer_get_unet_seg_meta (out) == NULL);
  gst_buffer_unref (out);
}

GST_END_TEST;

GST_START_TEST (test_recolouring)
{
  GstBuffer *out = send_through ("videobalance saturation=0.5", 120, 100);
  UnetSegMeta *meta = gst_buffer_get_unet_seg_meta (out);

  fail_unless (meta != NULL);
  assert_rectangle (meta, 10, 20, 80, 60);
  gst_buffer_unref (out);
}

GST_END_TEST;

static Suite *
meta_suite (void)
{
  Suite *suite = suite_create ("meta");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, test_watch_log, NULL);
  tcase_add_test (tcase, test_classes);
  tcase_add_test (tcase, test_add_and_get);
  tcase_add_test (tcase, test_too_small);
  tcase_add_test (tcase, test_copy);
  tcase_add_test (tcase, test_scaling);
  tcase_add_test (tcase, test_cropping);
  tcase_add_test (tcase, test_flipping);
  tcase_add_test (tcase, test_mirroring);
  tcase_add_test (tcase, test_recolouring);
  return suite;
}

GST_CHECK_MAIN (meta);
