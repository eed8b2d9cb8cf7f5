/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests the part of a frame that the network sees, in tiles, at the video's
 * size and upright. */

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

/* Asserts that the mask has the frame's resolution and is right to the
 * pixel. */
static void
assert_every_pixel (
    const gchar *model, const gchar *properties, guint width, guint height)
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

/* The networks have a fixed or an open size, larger or smaller than the frame,
 * with or without valid convolutions. */
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

/* A caps change computes the tiles again but keeps the session. */
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
  g_autoptr (GstCaps) caps = test_caps (GST_VIDEO_FORMAT_RGB, 64, 64);

  gst_harness_push_event (h, gst_event_new_caps (caps));
  assert_equals_int (test_count_messages (h, GST_MESSAGE_ERROR), 1);
  test_harness_free (h);
}

GST_END_TEST;

/* The size is rounded up to the model's multiple, and every pixel stays in its
 * place. */
GST_START_TEST (test_video_size)
{
  assert_every_pixel ("red-dynamic", "input-size=video", 100, 70);
  assert_every_pixel ("red-dynamic", "input-size=video", 64, 64);
  assert_every_pixel ("red-padded", "input-size=video fit=letterbox", 101, 31);
  assert_every_pixel ("red-dynamic", "input-size=video fit=tile", 333, 70);
}

GST_END_TEST;

/* The network sees square pixels. */
GST_START_TEST (test_video_size_of_other_pixels)
{
  GstHarness *h = test_harness_new ("red-padded", "input-size=video");
  g_autoptr (GstCaps) caps = test_caps (GST_VIDEO_FORMAT_RGB, 50, 40);
  GstBuffer *out;
  UnetSegMeta *meta;

  gst_caps_set_simple (
      caps, "pixel-aspect-ratio", GST_TYPE_FRACTION, 2, 1, NULL);
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

/* A network of fixed size cannot take the video's size. */
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

/* ---- orientation ------------------------------------------------------ */

/* Finds the upright pixel (u, v) of @width by @height in the buffer. The tag
 * says which transform makes the buffer's picture upright. */
static void
find_in_buffer (const gchar *tag, guint width, guint height, guint u, guint v,
    guint *x, guint *y)
{
  const guint right = width - 1 - u, bottom = height - 1 - v;

  if (g_str_equal (tag, "rotate-0"))
    *x = u, *y = v;
  else if (g_str_equal (tag, "rotate-90"))
    *x = v, *y = right;
  else if (g_str_equal (tag, "rotate-180"))
    *x = right, *y = bottom;
  else if (g_str_equal (tag, "rotate-270"))
    *x = bottom, *y = u;
  else if (g_str_equal (tag, "flip-rotate-0"))
    *x = right, *y = v;
  else if (g_str_equal (tag, "flip-rotate-90"))
    *x = bottom, *y = right;
  else if (g_str_equal (tag, "flip-rotate-180"))
    *x = u, *y = bottom;
  else
    *x = v, *y = u;
}

static const gchar *const tags[] = { "rotate-0", "rotate-90", "rotate-180",
  "rotate-270", "flip-rotate-0", "flip-rotate-90", "flip-rotate-180",
  "flip-rotate-270" };

static gboolean
is_turned (const gchar *tag)
{
  return g_str_has_suffix (tag, "90") || g_str_has_suffix (tag, "270");
}

/* The upright pattern, in sixteenths of the picture. Every flip and rotation
 * changes it. */
static gboolean
is_white (guint u, guint v)
{
  return u >= 4 && v < 14;
}

static void
push_tag (GstHarness *h, const gchar *tag, GstTagScope scope)
{
  GstTagList *list = gst_tag_list_new (GST_TAG_IMAGE_ORIENTATION, tag, NULL);

  gst_tag_list_set_scope (list, scope);
  fail_unless (gst_harness_push_event (h, gst_event_new_tag (list)));
}

/* Returns a picture of 64x96 upright pixels, white where is_white() says so. */
static GstBuffer *
turned_frame (const gchar *tag, guint index)
{
  const guint width = is_turned (tag) ? 96 : 64;
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 64 * 96, NULL);

  for (guint v = 0; v < 96; v++)
    for (guint u = 0; u < 64; u++) {
      guint x, y;

      find_in_buffer (tag, 64, 96, u, v, &x, &y);
      gst_buffer_memset (
          buffer, y * width + x, is_white (u / 4, v / 6) ? 255 : 0, 1);
    }
  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (index, GST_SECOND, 30);
  return buffer;
}

/* Counts wrong pixels of a mask, which has the buffer's orientation. @width,
 * @height: its upright size. Pixels at edges are left out. */
static guint
count_wrong_turned (const UnetSegMeta *meta, const gchar *tag, guint width,
    guint height, gboolean gated)
{
  guint wrong = 0;

  for (guint v = 0; v < height; v++)
    for (guint u = 0; u < width; u++) {
      const guint column = 16 * u / width, row = 16 * v / height;
      gboolean expected = is_white (column, row);
      guint x, y;

      if (gated)
        expected &= u < 8 || v < 24;
      find_in_buffer (tag, width, height, u, v, &x, &y);
      wrong += test_class_at (meta, x, y) != expected;
    }
  return wrong;
}

static void
check_orientation (GstHarness *h, const gchar *tag, const gchar *lies,
    guint width, guint height, gboolean gated)
{
  GstBuffer *out = gst_harness_push_and_pull (h, turned_frame (tag, 0));
  UnetSegMeta *meta = gst_buffer_get_unet_seg_meta (out);
  const gboolean turned = is_turned (lies);

  fail_unless (meta != NULL);
  assert_equals_int (meta->width, turned ? height : width);
  assert_equals_int (meta->height, turned ? width : height);
  fail_unless_equals_float (meta->x, 0);
  fail_unless_equals_float (meta->y, 0);
  fail_unless_equals_float (meta->w, turned ? 96 : 64);
  fail_unless_equals_float (meta->h, turned ? 64 : 96);
  assert_equals_int (count_wrong_turned (meta, lies, width, height, gated), 0);
  gst_buffer_unref (out);
}

/* The network has a portrait input and ignores one corner. Only the upright
 * picture gives the expected mask. */
GST_START_TEST (test_orientations)
{
  for (guint i = 0; i < G_N_ELEMENTS (tags); i++) {
    const gboolean turned = is_turned (tags[i]);
    GstHarness *h = test_harness_new ("gated", NULL);

    test_harness_set_format (
        h, GST_VIDEO_FORMAT_GRAY8, turned ? 96 : 64, turned ? 64 : 96);
    push_tag (h, tags[i], GST_TAG_SCOPE_STREAM);
    check_orientation (h, tags[i], tags[i], 32, 48, TRUE);
    test_harness_free (h);
  }
}

GST_END_TEST;

/* The orientation holds in tiles, at the video's size, and where the aspect
 * sets the size. */
GST_START_TEST (test_orientations_of_views)
{
  static const gchar *const views[] = { "fit=tile input-size=32x32",
    "input-size=video", "input-size=64x96 fit=letterbox" };

  for (guint i = 0; i < G_N_ELEMENTS (tags); i++)
    for (guint k = 0; k < G_N_ELEMENTS (views); k++) {
      const gboolean turned = is_turned (tags[i]);
      GstHarness *h = test_harness_new ("red-dynamic", views[k]);

      test_harness_set_format (
          h, GST_VIDEO_FORMAT_GRAY8, turned ? 96 : 64, turned ? 64 : 96);
      push_tag (h, tags[i], GST_TAG_SCOPE_STREAM);
      check_orientation (h, tags[i], tags[i], 64, 96, FALSE);
      test_harness_free (h);
    }
}

GST_END_TEST;

/* A tag takes effect with the next frame. A stream tag overrides a global one.
 * A new stream starts upright. */
GST_START_TEST (test_orientation_changes)
{
  GstHarness *h =
      test_harness_new ("red-dynamic", "input-size=video interval=1000");

  test_harness_set_format (h, GST_VIDEO_FORMAT_GRAY8, 64, 96);
  check_orientation (h, "rotate-0", "rotate-0", 64, 96, FALSE);
  push_tag (h, "rotate-180", GST_TAG_SCOPE_GLOBAL);
  check_orientation (h, "rotate-180", "rotate-180", 64, 96, FALSE);
  push_tag (h, "flip-rotate-0", GST_TAG_SCOPE_STREAM);
  check_orientation (h, "flip-rotate-0", "flip-rotate-0", 64, 96, FALSE);
  push_tag (h, "rotate-0", GST_TAG_SCOPE_GLOBAL);
  check_orientation (h, "flip-rotate-0", "flip-rotate-0", 64, 96, FALSE);
  assert_equals_uint64 (test_stat (h->element, "segmented"), 3);
  fail_unless (
      gst_harness_push_event (h, gst_event_new_stream_start ("another")));
  test_harness_set_format (h, GST_VIDEO_FORMAT_GRAY8, 64, 96);
  push_tag (h, "rotate-180", GST_TAG_SCOPE_GLOBAL);
  check_orientation (h, "rotate-180", "rotate-180", 64, 96, FALSE);
  test_harness_free (h);
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
  tcase_add_test (tcase, test_orientations);
  tcase_add_test (tcase, test_orientations_of_views);
  tcase_add_test (tcase, test_orientation_changes);
  return suite;
}

GST_CHECK_MAIN (views);
