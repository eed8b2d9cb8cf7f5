/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests that only the region of interest of a frame is segmented. */

#ifdef HAVE_GST_ANALYTICS
#include <gst/analytics/analytics.h>
#endif
#include <math.h>

#include "common.h"

#define WIDTH  320
#define HEIGHT 240

/* ---- masks ------------------------------------------------------------- */

static GstHarness *
new_harness (const gchar *model, const gchar *properties)
{
  GstHarness *h = test_harness_new (model, properties);

  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, WIDTH, HEIGHT);
  return h;
}

/* Every pixel is of the network's class. */
static GstBuffer *
white_frame (guint index)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 3 * WIDTH * HEIGHT, NULL);

  gst_buffer_memset (buffer, 0, 255, -1);
  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (index, GST_SECOND, 30);
  GST_BUFFER_DURATION (buffer) = GST_SECOND / 30;
  return buffer;
}

/* Asserts that the mask covers the rectangle, to @margin pixels of the frame,
 * and that all of it is foreground. */
static void
assert_covers (
    GstBuffer *buffer, gint x, gint y, gint width, gint height, gdouble margin)
{
  const UnetSegMeta *meta = test_meta_of (buffer);

  fail_unless (fabs (meta->x - x) <= margin && fabs (meta->y - y) <= margin
          && fabs (meta->x + meta->w - x - width) <= margin
          && fabs (meta->y + meta->h - y - height) <= margin,
      "%g,%g %gx%g is not %d,%d %dx%d", meta->x, meta->y, meta->w, meta->h, x,
      y, width, height);
  test_assert_halves (meta, 1, 1, 0);
}

static GstBuffer *
push (GstHarness *h, GstBuffer *buffer)
{
  GstBuffer *out = gst_harness_push_and_pull (h, buffer);

  fail_unless (out != NULL);
  return out;
}

/* Counts the pixels of a grey mask that are wrong where the region is
 * 80,60,160,120, but for 4 pixels on either side of its border. */
static guint
count_wrong (GstBuffer *mask)
{
  guint wrong = 0;
  GstMapInfo map;

  gst_buffer_map (mask, &map, GST_MAP_READ);
  for (gint y = 0; y < HEIGHT; y++)
    for (gint x = 0; x < WIDTH; x++) {
      const gint inside = MIN (MIN (x - 80, 239 - x), MIN (y - 60, 179 - y));

      if (ABS (inside) >= 4)
        wrong += map.data[y * WIDTH + x] != (inside > 0 ? 255 : 0);
    }
  gst_buffer_unmap (mask, &map);
  return wrong;
}

/* ---- a fixed rectangle ------------------------------------------------- */

/* The networks have a fixed or an open size; frames are fitted in every way. A
 * pixel of the mask is as large as one of the network's input. */
GST_START_TEST (test_fits)
{
  static const struct {
    const gchar *model, *properties;
    gdouble margin;
  } cases[] = {
    { "red", "", 3 },
    { "red", "fit=letterbox", 3 },
    { "red-nhwc", "", 3 },
    { "red-dynamic", "input-size=64", 1.5 },
    { "red-dynamic", "input-size=video", 0 },
    { "red", "fit=tile", 0 },
    { "valid", "fit=tile", 0 },
    { "valid", "", 3 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *properties =
        g_strdup_printf ("roi=50,70,90,60 %s", cases[i].properties);
    GstHarness *h = new_harness (cases[i].model, properties);
    GstBuffer *out = push (h, white_frame (0));

    assert_covers (out, 50, 70, 90, 60, cases[i].margin);
    gst_buffer_unref (out);
    test_harness_free (h);
  }
}
GST_END_TEST;

/* Nothing outside of it is drawn on, or is foreground. */
GST_START_TEST (test_rest_is_background)
{
  static const gchar *const outputs[] = { "output=mask",
    "output=mask refine=on" };

  for (guint i = 0; i < G_N_ELEMENTS (outputs); i++) {
    g_autofree gchar *properties =
        g_strdup_printf ("roi=80,60,160,120 temporal=off %s", outputs[i]);
    GstHarness *h = new_harness ("red-dynamic", properties);
    GstBuffer *out = push (h, white_frame (0));

    fail_unless (
        count_wrong (out) == 0, "%s: %u pixels", outputs[i], count_wrong (out));
    gst_buffer_unref (out);
    test_harness_free (h);
  }
}
GST_END_TEST;

/* The network sees the region larger than it sees the frame: a line of 3 pixels
 * is less than half of one of its 32 columns, and more in the region. */
GST_START_TEST (test_detail)
{
  static const gchar *const regions[] = { "", "roi=100,100,40,30" };

  for (guint i = 0; i < G_N_ELEMENTS (regions); i++) {
    GstHarness *h = new_harness ("red", regions[i]);
    GstBuffer *in = test_frame_at (h, TEST_BLACK, 0), *out;
    guint found = 0;
    const UnetSegMeta *meta;
    GstMapInfo map;

    for (guint y = 0; y < HEIGHT; y++)
      gst_buffer_memset (in, 3 * (y * WIDTH + 118), 255, 9);
    out = push (h, in);
    meta = test_meta_of (out);
    gst_buffer_map (meta->class_map, &map, GST_MAP_READ);
    for (gsize k = 0; k < map.size; k++)
      found += map.data[k];
    gst_buffer_unmap (meta->class_map, &map);
    fail_unless ((found > 0) == (i == 1), "%u pixels", found);
    gst_buffer_unref (out);
    test_harness_free (h);
  }
}
GST_END_TEST;

/* A rectangle is of the frame as it lies, whatever makes it upright. */
GST_START_TEST (test_orientation)
{
  static const gchar *const tags[] = { "rotate-90", "rotate-180", "rotate-270",
    "flip-rotate-0", "flip-rotate-90" };

  for (guint i = 0; i < G_N_ELEMENTS (tags); i++) {
    GstHarness *h = new_harness ("red-dynamic", "roi=40,30,200,90");
    GstBuffer *out;

    gst_harness_push_event (h,
        gst_event_new_tag (
            gst_tag_list_new (GST_TAG_IMAGE_ORIENTATION, tags[i], NULL)));
    out = push (h, white_frame (0));
    assert_covers (out, 40, 30, 200, 90, 1.5);
    gst_buffer_unref (out);
    test_harness_free (h);
  }
}
GST_END_TEST;

/* It counts from the next frame on and needs no other session. */
GST_START_TEST (test_changes)
{
  static const gint regions[][4] = { { 0, 0, 160, 120 }, { 100, 20, 60, 200 },
    { 160, 120, 160, 120 }, { 20, 100, 280, 40 } };
  GstHarness *h = new_harness ("red-dynamic", "");
  guint index = 0;

  for (guint i = 0; i < 2 * G_N_ELEMENTS (regions); i++) {
    const gint *r = regions[i % G_N_ELEMENTS (regions)];
    g_autofree gchar *text =
        g_strdup_printf (" %d, %d,%d,%d", r[0], r[1], r[2], r[3]);
    g_autofree gchar *got = NULL;
    GstBuffer *out;

    g_object_set (h->element, "roi", text, NULL);
    out = push (h, white_frame (index++));
    assert_covers (out, r[0], r[1], r[2], r[3], 1.5);
    assert_equals_int (test_meta_of (out)->age_frames, 0);
    gst_buffer_unref (out);
    g_object_get (h->element, "roi", &got, NULL);
    assert_equals_int (got[0] - '0', r[0] / 100 ? r[0] / 100 : r[0] / 10);
  }
  g_object_set (h->element, "roi", NULL, NULL);
  {
    GstBuffer *out = push (h, white_frame (index));

    assert_covers (out, 0, 0, WIDTH, HEIGHT, 0);
    gst_buffer_unref (out);
  }
  test_harness_free (h);
}
GST_END_TEST;

/* Frames between those with a mask of their own keep the old rectangle with
 * the old mask. */
GST_START_TEST (test_interval)
{
  GstHarness *h = new_harness ("red-dynamic", "interval=3 roi=10,10,100,80");

  for (guint i = 0; i < 6; i++) {
    GstBuffer *out;

    if (i == 1)
      g_object_set (h->element, "roi", "200,100,100,80", NULL);
    out = push (h, white_frame (i));
    assert_equals_int (test_meta_of (out)->age_frames, i % 3);
    if (i < 3)
      assert_covers (out, 10, 10, 100, 80, 1.5);
    else
      assert_covers (out, 200, 100, 100, 80, 1.5);
    gst_buffer_unref (out);
  }
  test_harness_free (h);
}
GST_END_TEST;

/* What lies outside of the frame is cut off. Without anything left nothing is
 * segmented. */
GST_START_TEST (test_outside)
{
  GstHarness *h =
      new_harness ("red-dynamic", "output=replace background=#102030");
  GstBuffer *out;
  guint8 pixel[3];

  g_object_set (h->element, "roi", "-50,200,100,100", NULL);
  out = push (h, white_frame (0));
  assert_covers (out, 0, 200, 50, 40, 1.5);
  gst_buffer_unref (out);
  g_object_set (h->element, "roi", "320,0,100,100", NULL);
  out = push (h, white_frame (1));
  fail_unless (gst_buffer_get_unet_seg_meta (out) == NULL);
  gst_buffer_extract (out, 3 * (120 * WIDTH + 20), pixel, 3);
  fail_unless (pixel[0] == 0x10 && pixel[1] == 0x20 && pixel[2] == 0x30);
  gst_buffer_unref (out);
  assert_equals_uint64 (test_stat (h->element, "segmented"), 1);
  assert_equals_uint64 (test_stat (h->element, "frames"), 2);
  test_harness_free (h);
}
GST_END_TEST;

GST_START_TEST (test_bad_values)
{
  static const gchar *const bad[] = { "1,2,3", "1,2,3,4,5", "a,b,c,d",
    "0,0,0,10", "0,0,10,-1", "1.5,0,3,4", "0,0,99999,1",
    "0,0,99999999999999999999,1", ",,," };
  GstHarness *h = test_harness_new ("red", "roi=1,2,3,4");

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autofree gchar *text = NULL;

    g_object_set (h->element, "roi", bad[i], NULL);
    g_object_get (h->element, "roi", &text, NULL);
    fail_unless_equals_string (text, "1,2,3,4");
  }
  test_harness_free (h);
}
GST_END_TEST;

/* Boxes and messages count pixels of the frame. */
GST_START_TEST (test_boxes)
{
  GstHarness *h = new_harness ("red-dynamic", "roi=80,60,160,120 boxes=true");
  GstBuffer *out = push (h, white_frame (0));
  const GstVideoRegionOfInterestMeta *box;
  gpointer state = NULL;

  box =
      (const GstVideoRegionOfInterestMeta *) gst_buffer_iterate_meta_filtered (
          out, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE);
  fail_unless (box != NULL);
  fail_unless (ABS ((gint) box->x - 80) <= 2 && ABS ((gint) box->y - 60) <= 2
          && ABS ((gint) box->w - 160) <= 3 && ABS ((gint) box->h - 120) <= 3,
      "%u,%u %ux%u", box->x, box->y, box->w, box->h);
  gst_buffer_unref (out);
  test_harness_free (h);
}
GST_END_TEST;

/* ---- metadata ---------------------------------------------------------- */

static GstBuffer *
frame_with_boxes (guint index, guint x, guint y)
{
  GstBuffer *buffer = white_frame (index);

  gst_buffer_add_video_region_of_interest_meta (
      buffer, "person", x, y, 100, 80);
  gst_buffer_add_video_region_of_interest_meta (buffer, "dog", 0, 0, 20, 20);
  return buffer;
}

/* The first rectangle counts, frame by frame; frames without one have no
 * mask. */
GST_START_TEST (test_first_meta)
{
  GstHarness *h = new_harness (
      "red-dynamic", "roi-mode=first-meta roi=1,1,5,5 output=none");

  for (guint i = 0; i < 12; i++) {
    GstBuffer *out = push (h,
        i % 4 == 3 ? white_frame (i)
                   : frame_with_boxes (i, 10 + 15 * i, 130 - 10 * i));

    if (i % 4 == 3) {
      fail_unless (gst_buffer_get_unet_seg_meta (out) == NULL);
    } else {
      assert_covers (out, 10 + 15 * i, 130 - 10 * i, 100, 80, 1.5);
      assert_equals_int (test_meta_of (out)->age_frames, 0);
    }
    gst_buffer_unref (out);
  }
  assert_equals_uint64 (test_stat (h->element, "segmented"), 9);
  test_harness_free (h);
}
GST_END_TEST;

/* Metadata of another program may be wrong. */
GST_START_TEST (test_hostile_meta)
{
  static const guint bad[][4] = { { 0, 0, 0, 0 }, { 400, 0, 10, 10 },
    { G_MAXUINT, G_MAXUINT, G_MAXUINT, G_MAXUINT }, { 0, 240, 1, 1 },
    { 10, 10, G_MAXUINT, 0 } };
  GstHarness *h = new_harness ("red-dynamic", "roi-mode=first-meta");

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    GstBuffer *in = white_frame (i), *out;

    gst_buffer_add_video_region_of_interest_meta (
        in, "bad", bad[i][0], bad[i][1], bad[i][2], bad[i][3]);
    out = push (h, in);
    fail_unless (gst_buffer_get_unet_seg_meta (out) == NULL);
    gst_buffer_unref (out);
  }
  {
    GstBuffer *in = white_frame (9), *out;

    gst_buffer_add_video_region_of_interest_meta (
        in, "large", 300, 200, G_MAXUINT, G_MAXUINT);
    out = push (h, in);
    assert_covers (out, 300, 200, 20, 40, 1.5);
    gst_buffer_unref (out);
  }
  test_harness_free (h);
}
GST_END_TEST;

/* In a stream whose frames do not wait, every mask lies where the region was
 * when its frame was read. */
GST_START_TEST (test_async)
{
  GstHarness *h =
      new_harness ("red-dynamic", "async=true roi-mode=first-meta output=none");
  guint masks = 0;

  for (guint i = 0; i < 100; i++) {
    GstBuffer *out = push (h, frame_with_boxes (i, 2 * i, i));
    const UnetSegMeta *meta = gst_buffer_get_unet_seg_meta (out);

    if (meta) {
      const gint then = (gint) i - (gint) meta->age_frames;

      if (!meta->carried)
        assert_covers (out, 2 * then, then, 100, 80, 1.5);
      masks++;
    }
    gst_buffer_unref (out);
    g_usleep (2000);
  }
  fail_unless (masks > 20, "only %u masks", masks);
  test_harness_free (h);
}
GST_END_TEST;

#ifdef HAVE_GST_ANALYTICS
GST_START_TEST (test_detection)
{
  GstHarness *h = new_harness ("red-dynamic", "roi-mode=first-meta");
  GstBuffer *in = white_frame (0), *out;
  GstAnalyticsRelationMeta *relations =
      gst_buffer_add_analytics_relation_meta (in);
  GstAnalyticsODMtd object;

  fail_unless (gst_analytics_relation_meta_add_od_mtd (relations,
      g_quark_from_static_string ("person"), 60, 40, 120, 100, 0.9, &object));
  out = push (h, in);
  assert_covers (out, 60, 40, 120, 100, 1.5);
  gst_buffer_unref (out);
  test_harness_free (h);
}
GST_END_TEST;
#endif

static Suite *
roi_suite (void)
{
  Suite *suite = suite_create ("roi");
  TCase *tc = tcase_create ("general");

  tcase_add_checked_fixture (tc, test_watch_log, NULL);
  tcase_add_test (tc, test_fits);
  tcase_add_test (tc, test_rest_is_background);
  tcase_add_test (tc, test_detail);
  tcase_add_test (tc, test_orientation);
  tcase_add_test (tc, test_changes);
  tcase_add_test (tc, test_interval);
  tcase_add_test (tc, test_outside);
  tcase_add_test (tc, test_bad_values);
  tcase_add_test (tc, test_boxes);
  tcase_add_test (tc, test_first_meta);
  tcase_add_test (tc, test_hostile_meta);
  tcase_add_test (tc, test_async);
#ifdef HAVE_GST_ANALYTICS
  tcase_add_test (tc, test_detection);
#endif
  suite_add_tcase (suite, tc);
  return suite;
}

GST_CHECK_MAIN (roi);
