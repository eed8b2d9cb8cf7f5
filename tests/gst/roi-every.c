/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests that every region of interest of a frame is segmented by itself. */

#ifdef HAVE_GST_ANALYTICS
#include <gst/analytics/analytics.h>
#endif
#include <math.h>

#include "common.h"

#define WIDTH  320
#define HEIGHT 240

typedef struct {
  guint x, y, width, height;
} Box;

/* ---- frames ------------------------------------------------------------ */

static GstHarness *
new_harness (const gchar *model, const gchar *properties)
{
  g_autofree gchar *all =
      g_strdup_printf ("roi-mode=every temporal=off %s", properties);
  GstHarness *h = test_harness_new (model, all);

  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, WIDTH, HEIGHT);
  return h;
}

/* A frame of one grey with @boxes as metadata. */
static GstBuffer *
new_frame (guint index, guint8 value, const Box *boxes, guint n)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 3 * WIDTH * HEIGHT, NULL);

  gst_buffer_memset (buffer, 0, value, -1);
  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (index, GST_SECOND, 30);
  GST_BUFFER_DURATION (buffer) = GST_SECOND / 30;
  for (guint i = 0; i < n; i++)
    gst_buffer_add_video_region_of_interest_meta (buffer, "thing", boxes[i].x,
        boxes[i].y, boxes[i].width, boxes[i].height);
  return buffer;
}

static void
fill (GstBuffer *buffer, const Box *box, guint8 r, guint8 g, guint8 b)
{
  GstMapInfo map;

  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  for (guint y = box->y; y < box->y + box->height; y++)
    for (guint x = box->x; x < box->x + box->width; x++) {
      guint8 *pixel = map.data + 3 * (y * WIDTH + x);

      pixel[0] = r;
      pixel[1] = g;
      pixel[2] = b;
    }
  gst_buffer_unmap (buffer, &map);
}

static GstBuffer *
push (GstHarness *h, GstBuffer *buffer)
{
  GstBuffer *out = gst_harness_push_and_pull (h, buffer);

  fail_unless (out != NULL);
  return out;
}

/* ---- masks ------------------------------------------------------------- */

static void
assert_rectangle (
    const UnetSegMeta *meta, guint x, guint y, guint width, guint height)
{
  fail_unless (
      meta->x == x && meta->y == y && meta->w == width && meta->h == height,
      "%g,%g %gx%g is not %u,%u %ux%u", meta->x, meta->y, meta->w, meta->h, x,
      y, width, height);
}

/* The class of the mask at a pixel of the frame. */
static guint8
class_at (const UnetSegMeta *meta, guint x, guint y)
{
  const gdouble u = (x + .5 - meta->x) / meta->w * meta->width;
  const gdouble v = (y + .5 - meta->y) / meta->h * meta->height;

  if (u < 0 || v < 0 || u >= meta->width || v >= meta->height)
    return 0;
  return test_class_at (meta, (guint) u, (guint) v);
}

/* Pixels inside of @box by so much, or outside where it is negative. */
static gint
depth (const Box *box, gint x, gint y)
{
  const gint across =
      MIN (x - (gint) box->x, (gint) (box->x + box->width) - 1 - x);
  const gint down =
      MIN (y - (gint) box->y, (gint) (box->y + box->height) - 1 - y);

  return MIN (across, down);
}

/* Counts the frame's pixels whose class is not 1 in a box and 0 elsewhere, but
 * for @margin pixels on either side of the boxes' borders. */
static guint
count_wrong (const UnetSegMeta *meta, const Box *boxes, guint n, gint margin)
{
  guint wrong = 0;

  for (gint y = 0; y < HEIGHT; y++)
    for (gint x = 0; x < WIDTH; x++) {
      gint inside = -G_MAXINT;

      for (guint i = 0; i < n; i++)
        inside = MAX (inside, depth (&boxes[i], x, y));
      if (inside < -margin || inside > margin)
        wrong += class_at (meta, x, y) != (inside > 0);
    }
  return wrong;
}

/* ---- regions ----------------------------------------------------------- */

static const Box APART[] = { { 30, 20, 90, 60 }, { 200, 120, 80, 100 } };

/* Networks of a fixed and an open size; frames are fitted in every way. White
 * outside of the regions is background, and between them as well. */
GST_START_TEST (test_fits)
{
  static const struct {
    const gchar *model, *properties;
  } cases[] = { { "red", "" }, { "red", "fit=letterbox" }, { "red-nhwc", "" },
    { "red-dynamic", "input-size=64" }, { "red-dynamic", "input-size=video" },
    { "red", "fit=tile" }, { "valid", "fit=tile" }, { "valid", "" } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstHarness *h = new_harness (cases[i].model, cases[i].properties);
    GstBuffer *out = push (h, new_frame (0, 255, APART, 2));
    const UnetSegMeta *meta = test_meta_of (out);
    const guint wrong = count_wrong (meta, APART, 2, 2);

    assert_rectangle (meta, 30, 20, 250, 200);
    fail_unless (wrong == 0, "%s %s: %u pixels", cases[i].model,
        cases[i].properties, wrong);
    gst_buffer_unref (out);
    test_harness_free (h);
  }
}
GST_END_TEST;

/* Each region is enlarged for the network by itself: lines of 3 pixels are
 * less than half of one of its 32 columns of the whole frame. */
GST_START_TEST (test_detail)
{
  const Box boxes[] = { { 20, 100, 40, 30 }, { 220, 40, 40, 30 } };
  const Box lines[] = { { 38, 100, 3, 30 }, { 238, 40, 3, 30 } };
  GstHarness *h = new_harness ("red", "");
  GstBuffer *in = new_frame (0, 0, boxes, 2), *out;

  for (guint i = 0; i < 2; i++)
    fill (in, &lines[i], 255, 255, 255);
  out = push (h, in);
  for (guint i = 0; i < 2; i++)
    assert_equals_int (
        class_at (test_meta_of (out), lines[i].x + 1, lines[i].y + 15), 1);
  assert_equals_int (count_wrong (test_meta_of (out), lines, 2, 3), 0);
  gst_buffer_unref (out);
  test_harness_free (h);
}
GST_END_TEST;

/* The element draws nothing outside the regions. */
GST_START_TEST (test_drawing)
{
  GstHarness *h = new_harness ("red-dynamic", "output=mask");
  GstBuffer *out = push (h, new_frame (0, 255, APART, 2));
  guint wrong = 0;
  GstMapInfo map;

  gst_buffer_map (out, &map, GST_MAP_READ);
  for (gint y = 0; y < HEIGHT; y++)
    for (gint x = 0; x < WIDTH; x++) {
      const gint inside =
          MAX (depth (&APART[0], x, y), depth (&APART[1], x, y));

      if (ABS (inside) >= 4)
        wrong += map.data[y * WIDTH + x] != (inside > 0 ? 255 : 0);
    }
  gst_buffer_unmap (out, &map);
  assert_equals_int (wrong, 0);
  gst_buffer_unref (out);
  test_harness_free (h);
}
GST_END_TEST;

/* Regions that overlap, one of them within another one. */
GST_START_TEST (test_overlap)
{
  const Box boxes[] = { { 40, 40, 120, 100 }, { 100, 80, 140, 120 },
    { 120, 90, 20, 20 } };
  GstHarness *h = new_harness ("red-dynamic", "");
  GstBuffer *out = push (h, new_frame (0, 255, boxes, 3));

  assert_rectangle (test_meta_of (out), 40, 40, 200, 160);
  assert_equals_int (count_wrong (test_meta_of (out), boxes, 3, 2), 0);
  gst_buffer_unref (out);
  test_harness_free (h);
}
GST_END_TEST;

/* The classes of several regions keep their numbers and labels. */
GST_START_TEST (test_classes)
{
  GstHarness *h = new_harness ("classes", "");
  GstBuffer *in = new_frame (0, 0, APART, 2), *out;
  const UnetSegMeta *meta;

  fill (in, &APART[0], 255, 0, 0);
  fill (in, &APART[1], 0, 0, 255);
  out = push (h, in);
  meta = test_meta_of (out);
  assert_equals_int (class_at (meta, 75, 50), 1);
  assert_equals_int (class_at (meta, 240, 170), 3);
  assert_equals_int (class_at (meta, 160, 100), 0);
  fail_unless_equals_string (
      unet_seg_classes_get_label (meta->classes, 3), "blue");
  gst_buffer_unref (out);
  test_harness_free (h);
}
GST_END_TEST;

/* A rectangle is of the frame as it lies, whatever makes it upright. */
GST_START_TEST (test_orientation)
{
  static const gchar *const tags[] = { "rotate-90", "rotate-180",
    "flip-rotate-270" };

  for (guint i = 0; i < G_N_ELEMENTS (tags); i++) {
    GstHarness *h = new_harness ("red-dynamic", "");
    GstBuffer *out;

    gst_harness_push_event (h,
        gst_event_new_tag (
            gst_tag_list_new (GST_TAG_IMAGE_ORIENTATION, tags[i], NULL)));
    out = push (h, new_frame (0, 255, APART, 2));
    assert_rectangle (test_meta_of (out), 30, 20, 250, 200);
    assert_equals_int (count_wrong (test_meta_of (out), APART, 2, 2), 0);
    gst_buffer_unref (out);
    test_harness_free (h);
  }
}
GST_END_TEST;

/* The state of a recurrent network goes neither to the next region nor to the
 * next frame. */
GST_START_TEST (test_state)
{
  GstHarness *h = new_harness ("memory", "activation=none input-size=64x48");

  for (guint i = 0; i < 4; i++) {
    const Box *white = &APART[i % 2];
    GstBuffer *in = new_frame (i, 0, APART, 2), *out;

    fill (in, white, 255, 255, 255);
    out = push (h, in);
    assert_equals_int (count_wrong (test_meta_of (out), white, 1, 8), 0);
    gst_buffer_unref (out);
  }
  test_harness_free (h);
}
GST_END_TEST;

/* ---- metadata ---------------------------------------------------------- */

static guint
count_objects (GstBuffer *buffer, const Box *box)
{
  const GstVideoRegionOfInterestMeta *meta;
  gpointer state = NULL;
  guint n = 0;

  while ((meta = (const GstVideoRegionOfInterestMeta *)
              gst_buffer_iterate_meta_filtered (
                  buffer, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)))
    n += meta->roi_type == g_quark_from_static_string ("foreground")
        && ABS ((gint) meta->x - (gint) box->x) <= 3
        && ABS ((gint) meta->y - (gint) box->y) <= 3
        && ABS ((gint) meta->w - (gint) box->width) <= 5
        && ABS ((gint) meta->h - (gint) box->height) <= 5;
  return n;
}

/* Objects are in pixels of the frame, and keep their numbers. */
GST_START_TEST (test_objects)
{
  GstHarness *h = new_harness ("red-dynamic", "objects=true");

  for (guint i = 0; i < 5; i++) {
    const Box boxes[] = { { 30 + 3 * i, 20, 90, 60 }, { 200, 120, 80, 100 } };
    GstBuffer *out = push (h, new_frame (i, 255, boxes, 2));

    assert_equals_int (count_objects (out, &boxes[0]), 1);
    assert_equals_int (count_objects (out, &boxes[1]), 1);
    assert_equals_int (
        gst_buffer_get_n_meta (out, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE),
        4);
    gst_buffer_unref (out);
  }
  test_harness_free (h);
}
GST_END_TEST;

/* Those that come first count; the same one twice is one. */
GST_START_TEST (test_limit)
{
  const Box boxes[] = { { 10, 10, 50, 50 }, { 10, 10, 50, 50 },
    { 100, 10, 50, 50 }, { 10, 150, 50, 50 }, { 200, 150, 50, 50 } };
  const Box kept[] = { boxes[0], boxes[2] };
  GstHarness *h = new_harness ("red-dynamic", "roi-limit=2");
  GstBuffer *out = push (h, new_frame (0, 255, boxes, 5));

  assert_rectangle (test_meta_of (out), 10, 10, 140, 50);
  assert_equals_int (count_wrong (test_meta_of (out), kept, 2, 2), 0);
  gst_buffer_unref (out);
  g_object_set (h->element, "roi-limit", 3, NULL);
  out = push (h, new_frame (1, 255, boxes, 5));
  assert_rectangle (test_meta_of (out), 10, 10, 140, 190);
  gst_buffer_unref (out);
  test_harness_free (h);
}
GST_END_TEST;

/* More regions than there can be do no harm. */
GST_START_TEST (test_many)
{
  GstHarness *h = new_harness ("red", "roi-limit=32 output=none");
  Box boxes[100];
  GstBuffer *out;

  for (guint i = 0; i < 100; i++)
    boxes[i] = (Box){ 3 * i, 2 * i, 8, 8 };
  out = push (h, new_frame (0, 255, boxes, 100));
  assert_rectangle (test_meta_of (out), 0, 0, 3 * 31 + 8, 2 * 31 + 8);
  gst_buffer_unref (out);
  test_harness_free (h);
}
GST_END_TEST;

/* Rectangles outside of the frame are left out. Frames without any, and those
 * with a single one, come between the others. */
GST_START_TEST (test_changes)
{
  const Box boxes[] = { { 400, 0, 10, 10 }, { 10, 10, 0, 5 },
    { 300, 200, G_MAXUINT, G_MAXUINT }, { 0, 0, 40, 40 } };
  GstHarness *h = new_harness ("red-dynamic", "output=none");

  for (guint i = 0; i < 12; i++) {
    GstBuffer *out = push (h, new_frame (i, 255, boxes, i % 4 + 1));
    const UnetSegMeta *meta = gst_buffer_get_unet_seg_meta (out);

    fail_unless ((meta != NULL) == (i % 4 >= 2));
    if (i % 4 == 2)
      fail_unless (fabs (meta->x - 300) <= 1.5 && meta->age_frames == 0);
    if (i % 4 == 3)
      assert_rectangle (meta, 0, 0, WIDTH, HEIGHT);
    gst_buffer_unref (out);
  }
  assert_equals_uint64 (test_stat (h->element, "segmented"), 6);
  g_object_set (h->element, "roi-mode", 0, NULL);
  {
    GstBuffer *out = push (h, new_frame (12, 255, boxes, 4));

    assert_rectangle (test_meta_of (out), 0, 0, WIDTH, HEIGHT);
    test_assert_halves (test_meta_of (out), 1, 1, 0);
    gst_buffer_unref (out);
  }
  test_harness_free (h);
}
GST_END_TEST;

/* In a stream whose frames do not wait, every mask lies where the regions were
 * when its frame was read. */
GST_START_TEST (test_async)
{
  GstHarness *h = new_harness ("red-dynamic", "async=true output=none");
  guint masks = 0;

  for (guint i = 0; i < 100; i++) {
    const Box boxes[] = { { 2 * i, i, 40, 30 }, { 50, 200, 60, 40 } };
    GstBuffer *out = push (h, new_frame (i, 255, boxes, 2));
    const UnetSegMeta *meta = gst_buffer_get_unet_seg_meta (out);

    if (meta && !meta->carried) {
      const guint then = i - meta->age_frames;

      fail_unless (meta->x == MIN (2 * then, 50) && meta->y == then,
          "%u: %g,%g", then, meta->x, meta->y);
    }
    masks += meta != NULL;
    gst_buffer_unref (out);
    g_usleep (2000);
  }
  fail_unless (masks > 20, "only %u masks", masks);
  test_harness_free (h);
}
GST_END_TEST;

#ifdef HAVE_GST_ANALYTICS
/* Both kinds of metadata count; the same box of both is one. */
GST_START_TEST (test_detections)
{
  GstHarness *h = new_harness ("red-dynamic", "roi-limit=2");
  GstBuffer *in = new_frame (0, 255, APART, 1), *out;
  GstAnalyticsRelationMeta *relations =
      gst_buffer_add_analytics_relation_meta (in);

  for (guint i = 0; i < 2; i++) {
    GstAnalyticsODMtd object;

    fail_unless (gst_analytics_relation_meta_add_od_mtd (relations,
        g_quark_from_static_string ("thing"), APART[i].x, APART[i].y,
        APART[i].width, APART[i].height, 0.9, &object));
  }
  out = push (h, in);
  assert_rectangle (test_meta_of (out), 30, 20, 250, 200);
  assert_equals_int (count_wrong (test_meta_of (out), APART, 2, 2), 0);
  gst_buffer_unref (out);
  test_harness_free (h);
}
GST_END_TEST;
#endif

static Suite *
roi_every_suite (void)
{
  Suite *suite = suite_create ("roi-every");
  TCase *tc = tcase_create ("general");

  tcase_add_checked_fixture (tc, test_watch_log, NULL);
  tcase_add_test (tc, test_fits);
  tcase_add_test (tc, test_detail);
  tcase_add_test (tc, test_drawing);
  tcase_add_test (tc, test_overlap);
  tcase_add_test (tc, test_classes);
  tcase_add_test (tc, test_orientation);
  tcase_add_test (tc, test_state);
  tcase_add_test (tc, test_objects);
  tcase_add_test (tc, test_limit);
  tcase_add_test (tc, test_many);
  tcase_add_test (tc, test_changes);
  tcase_add_test (tc, test_async);
#ifdef HAVE_GST_ANALYTICS
  tcase_add_test (tc, test_detections);
#endif
  suite_add_tcase (suite, tc);
  return suite;
}

GST_CHECK_MAIN (roi_every);
