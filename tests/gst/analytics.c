/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests that unetseg writes GStreamer's analytics metadata and that unetsegdraw
 * reads them. */

#include <gst/analytics/analytics.h>

#include "common.h"

/* ---- written ---------------------------------------------------------- */

static void
find_mtds (GstBuffer *buffer, GstAnalyticsMtd *mask, GstAnalyticsMtd *names)
{
  GstAnalyticsRelationMeta *relations =
      gst_buffer_get_analytics_relation_meta (buffer);
  gpointer state = NULL;

  fail_unless (relations != NULL);
  fail_unless (gst_analytics_relation_meta_iterate (
      relations, &state, gst_analytics_segmentation_mtd_get_mtd_type (), mask));
  state = NULL;
  fail_unless (
      gst_analytics_relation_meta_get_direct_related (relations, mask->id,
          GST_ANALYTICS_REL_TYPE_N_TO_N | GST_ANALYTICS_REL_TYPE_RELATE_TO,
          gst_analytics_cls_mtd_get_mtd_type (), &state, names));
  assert_equals_int (
      gst_analytics_relation_meta_get_relation (relations, mask->id, names->id),
      GST_ANALYTICS_REL_TYPE_N_TO_N | GST_ANALYTICS_REL_TYPE_RELATE_TO);
}

static void
check_names (const GstAnalyticsMtd *mask, const GstAnalyticsMtd *names,
    const gchar *const *expected, guint n)
{
  assert_equals_uint64 (
      gst_analytics_segmentation_mtd_get_region_count (mask), n);
  assert_equals_uint64 (gst_analytics_cls_mtd_get_length (names), n);
  for (guint i = 0; i < n; i++) {
    assert_equals_int (
        gst_analytics_segmentation_mtd_get_region_id (mask, i), i);
    fail_unless_equals_string (
        g_quark_to_string (gst_analytics_cls_mtd_get_quark (names, i)),
        expected[i]);
  }
}

/* The mask of the analytics metadata must have the bytes of UnetSegMeta's class
 * map. */
static void
check_picture (const GstAnalyticsMtd *mask, const UnetSegMeta *meta)
{
  gint x, y;
  guint w, h;
  GstBuffer *picture =
      gst_analytics_segmentation_mtd_get_mask (mask, &x, &y, &w, &h);
  const GstVideoMeta *video = gst_buffer_get_video_meta (picture);
  GstMapInfo map;

  fail_unless (video != NULL);
  assert_equals_int (video->format, GST_VIDEO_FORMAT_GRAY8);
  assert_equals_int (video->stride[0], (gint) video->width);
  assert_equals_int (video->width, meta->width);
  assert_equals_int (video->height, meta->height);
  assert_equals_int (x, (gint) (meta->x + .5));
  assert_equals_int (y, (gint) (meta->y + .5));
  assert_equals_int (w, (gint) (meta->w + .5));
  assert_equals_int (h, (gint) (meta->h + .5));
  fail_unless (gst_buffer_map (picture, &map, GST_MAP_READ));
  assert_equals_uint64 (map.size, meta->width * meta->height);
  assert_equals_int (
      gst_buffer_memcmp (meta->class_map, 0, map.data, map.size), 0);
  gst_buffer_unmap (picture, &map);
  gst_buffer_unref (picture);
}

static void
check_written (const gchar *model, const gchar *properties, TestPicture picture,
    const gchar *const *names, guint n)
{
  GstHarness *h = test_harness_new (model, properties);
  GstAnalyticsMtd mask, classes;
  GstBuffer *out;

  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, 64, 48);
  out = gst_harness_push_and_pull (h, test_frame_at (h, picture, 0));
  find_mtds (out, &mask, &classes);
  check_names (&mask, &classes, names, n);
  check_picture (&mask, gst_buffer_get_unet_seg_meta (out));
  gst_buffer_unref (out);
  test_harness_free (h);
}

GST_START_TEST (test_written)
{
  static const gchar *const four[] = { "background", "red", "green", "blue" };
  static const gchar *const two[] = { "background", "foreground" };
  static const gchar *const some[] = { "sky", "sea", "class 2", "class 3" };

  check_written ("classes", "output=none", TEST_STRIPES, four, 4);
  check_written ("classes", "output=mask", TEST_STRIPES, four, 4);
  check_written ("classes", "labels=\"sky,sea\"", TEST_STRIPES, some, 4);
  check_written ("red", "output=overlay", TEST_HALF, two, 2);
  check_written ("red", "output=alpha", TEST_HALF, two, 2);
}

GST_END_TEST;

/* The element keeps the analytics metadata of a detector upstream. */
GST_START_TEST (test_beside_others)
{
  GstHarness *h = test_harness_new ("red", "output=mask");
  GstAnalyticsRelationMeta *relations;
  GstAnalyticsMtd box, mask, names;
  gpointer state = NULL;
  GstBuffer *buffer;

  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, 64, 48);
  buffer = test_frame_at (h, TEST_HALF, 0);
  relations = gst_buffer_add_analytics_relation_meta (buffer);
  fail_unless (gst_analytics_relation_meta_add_od_mtd (
      relations, g_quark_from_static_string ("box"), 1, 2, 3, 4, .5, &box));
  buffer = gst_harness_push_and_pull (h, buffer);
  find_mtds (buffer, &mask, &names);
  relations = gst_buffer_get_analytics_relation_meta (buffer);
  fail_unless (gst_analytics_relation_meta_iterate (
      relations, &state, gst_analytics_od_mtd_get_mtd_type (), &box));
  gst_buffer_unref (buffer);
  test_harness_free (h);
}

GST_END_TEST;

/* ---- read ------------------------------------------------------------- */

/* Returns a mask of 8x2 pixels with a stride of 24 bytes. Regions 0, 12, 7 and
 * 31 have two columns each. */
static GstBuffer *
foreign_mask (GstVideoFormat format)
{
  static const guint regions[] = { 0, 12, 7, 31 };
  guint bytes = format == GST_VIDEO_FORMAT_GRAY8 ? 1 : 2;
  gsize offset[GST_VIDEO_MAX_PLANES] = { 5 };
  gint stride[GST_VIDEO_MAX_PLANES] = { 24 };
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 5 + 24 + 8 * bytes, NULL);
  GstMapInfo map;

  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  memset (map.data, 0xee, map.size);
  for (guint i = 0; i < 16; i++) {
    guint8 *p = map.data + 5 + 24 * (i / 8) + bytes * (i % 8);

    if (format == GST_VIDEO_FORMAT_GRAY8)
      *p = regions[i % 8 / 2];
    else if (format == GST_VIDEO_FORMAT_GRAY16_LE)
      GST_WRITE_UINT16_LE (p, regions[i % 8 / 2]);
    else
      GST_WRITE_UINT16_BE (p, regions[i % 8 / 2]);
  }
  gst_buffer_unmap (buffer, &map);
  gst_buffer_add_video_meta_full (
      buffer, GST_VIDEO_FRAME_FLAG_NONE, format, 8, 2, 1, offset, stride);
  return buffer;
}

static void
add_foreign (GstBuffer *frame, GstBuffer *picture, guint width)
{
  guint ids[] = { 12, 0, 7, 31 };
  GQuark quarks[] = { g_quark_from_string ("berry"), g_quark_from_string ("no"),
    g_quark_from_string ("berry"), g_quark_from_string ("leaf") };
  gfloat levels[] = { .5, -1, .6, .7 };
  GstAnalyticsRelationMeta *relations =
      gst_buffer_add_analytics_relation_meta (frame);
  GstAnalyticsMtd mask, names;

  fail_unless (gst_analytics_relation_meta_add_segmentation_mtd (relations,
      picture, GST_SEGMENTATION_TYPE_INSTANCE, 4, ids, 0, 0, width, 48, &mask));
  fail_unless (gst_analytics_relation_meta_add_cls_mtd (
      relations, 4, levels, quarks, &names));
  gst_analytics_relation_meta_set_relation (
      relations, GST_ANALYTICS_REL_TYPE_RELATE_TO, mask.id, names.id);
}

static GstHarness *
drawer_new (const gchar *properties)
{
  GstHarness *h = gst_harness_new_parse (properties);

  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, 64, 48);
  return h;
}

static GstBuffer *
draw_foreign (GstHarness *h, GstVideoFormat format, guint width)
{
  GstBuffer *frame = test_frame_at (h, TEST_BLACK, 0);

  add_foreign (frame, foreign_mask (format), width);
  return gst_harness_push_and_pull (h, frame);
}

static guint8
byte_at (GstBuffer *buffer, gsize at)
{
  guint8 value = 0;

  assert_equals_uint64 (gst_buffer_extract (buffer, at, &value, 1), 1);
  return value;
}

GST_START_TEST (test_read)
{
  static const GstVideoFormat formats[] = { GST_VIDEO_FORMAT_GRAY8,
    GST_VIDEO_FORMAT_GRAY16_LE, GST_VIDEO_FORMAT_GRAY16_BE };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    GstHarness *h = drawer_new ("unetsegdraw output=mask");
    GstBuffer *out = draw_foreign (h, formats[i], 64);

    /* The classes follow the order of the regions. Each is read in the middle
     * of its columns. */
    assert_equals_int (byte_at (out, 24 * 64 + 8), 0);
    assert_equals_int (byte_at (out, 24 * 64 + 24), 1);
    assert_equals_int (byte_at (out, 24 * 64 + 40), 2);
    assert_equals_int (byte_at (out, 24 * 64 + 56), 3);
    gst_buffer_unref (out);
    gst_harness_teardown (h);
  }
}

GST_END_TEST;

GST_START_TEST (test_read_names)
{
  GstHarness *h = drawer_new ("unetsegdraw opacity=1 "
                              "colors=\"berry=red,leaf=lime\"");
  GstBuffer *out = draw_foreign (h, GST_VIDEO_FORMAT_GRAY8, 64);
  gsize row = 24 * 64 * 3;

  assert_equals_int (byte_at (out, row + 3 * 8), 0);
  assert_equals_int (byte_at (out, row + 3 * 24), 255);
  assert_equals_int (byte_at (out, row + 3 * 40), 255);
  assert_equals_int (byte_at (out, row + 3 * 56), 0);
  assert_equals_int (byte_at (out, row + 3 * 56 + 1), 255);
  gst_buffer_unref (out);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* The drawer ignores a mask that is larger than its buffer and a mask with an
 * empty rectangle. */
GST_START_TEST (test_read_nonsense)
{
  GstHarness *h = drawer_new ("unetsegdraw output=mask");
  GstBuffer *picture = foreign_mask (GST_VIDEO_FORMAT_GRAY8), *frame, *out;

  gst_buffer_get_video_meta (picture)->height = 3;
  frame = test_frame_at (h, TEST_BLACK, 0);
  add_foreign (frame, picture, 64);
  out = gst_harness_push_and_pull (h, frame);
  assert_equals_int (byte_at (out, 24 * 64 + 56), 0);
  gst_buffer_unref (out);

  out = draw_foreign (h, GST_VIDEO_FORMAT_GRAY8, 0);
  assert_equals_int (byte_at (out, 24 * 64 + 56), 0);
  gst_buffer_unref (out);
  gst_harness_teardown (h);
}

GST_END_TEST;

static Suite *
analytics_suite (void)
{
  Suite *suite = suite_create ("analytics");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, test_watch_log, NULL);
  tcase_add_test (tcase, test_written);
  tcase_add_test (tcase, test_beside_others);
  tcase_add_test (tcase, test_read);
  tcase_add_test (tcase, test_read_names);
  tcase_add_test (tcase, test_read_nonsense);
  return suite;
}

GST_CHECK_MAIN (analytics);
