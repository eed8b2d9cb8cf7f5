/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests the boxes of objects and their numbers. */

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
new_harness (const gchar *properties)
{
  g_autofree gchar *all =
      g_strdup_printf ("input-size=320x240 output=none %s", properties);
  GstHarness *h = test_harness_new ("red-dynamic", all);

  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, WIDTH, HEIGHT);
  return h;
}

/* White boxes on black. */
static GstBuffer *
new_frame (guint index, const Box *boxes, guint n)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 3 * WIDTH * HEIGHT, NULL);

  gst_buffer_memset (buffer, 0, 0, -1);
  for (guint i = 0; i < n; i++)
    for (guint y = boxes[i].y; y < boxes[i].y + boxes[i].height; y++)
      gst_buffer_memset (
          buffer, 3 * (y * WIDTH + boxes[i].x), 255, 3 * boxes[i].width);
  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (index, GST_SECOND, 30);
  GST_BUFFER_DURATION (buffer) = GST_SECOND / 30;
  return buffer;
}

static GstBuffer *
push (GstHarness *h, guint index, const Box *boxes, guint n)
{
  GstBuffer *out = gst_harness_push_and_pull (h, new_frame (index, boxes, n));

  fail_unless (out != NULL);
  return out;
}

/* Returns the object of a box to two pixels, or NULL. */
static const GstVideoRegionOfInterestMeta *
find_object (GstBuffer *buffer, const Box *box)
{
  const GstVideoRegionOfInterestMeta *meta;
  gpointer state = NULL;

  while ((meta = (const GstVideoRegionOfInterestMeta *)
              gst_buffer_iterate_meta_filtered (
                  buffer, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)))
    if (ABS ((gint) meta->x - (gint) box->x) <= 2
        && ABS ((gint) meta->y - (gint) box->y) <= 2
        && ABS ((gint) meta->w - (gint) box->width) <= 3
        && ABS ((gint) meta->h - (gint) box->height) <= 3)
      return meta;
  return NULL;
}

static guint
count_objects (GstBuffer *buffer)
{
  return gst_buffer_get_n_meta (
      buffer, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE);
}

static gint
id_of (GstBuffer *buffer, const Box *box)
{
  const GstVideoRegionOfInterestMeta *meta = find_object (buffer, box);

  fail_unless (meta != NULL, "no object at %u,%u", box->x, box->y);
  return meta->id;
}

/* ---- metadata ---------------------------------------------------------- */

/* Two objects pass each other, and a third one comes. */
GST_START_TEST (test_ids)
{
  GstHarness *h = new_harness ("objects=true");
  gint ids[3] = { 0 };

  for (guint i = 0; i < 40; i++) {
    const Box boxes[3] = { { 10 + 4 * i, 20, 60, 80 },
      { 250 - 4 * i, 140, 50, 70 }, { 200, 20, 70, 60 } };
    const guint n = i < 20 ? 2 : 2 + (i % 20 < 5);
    GstBuffer *out = push (h, i, boxes, n);

    assert_equals_int (count_objects (out), n);
    for (guint k = 0; k < n; k++) {
      if (ids[k] == 0)
        ids[k] = id_of (out, &boxes[k]);
      assert_equals_int (id_of (out, &boxes[k]), ids[k]);
    }
    gst_buffer_unref (out);
  }
  fail_unless (
      ids[0] > 0 && ids[0] != ids[1] && ids[2] > ids[0] && ids[2] > ids[1]);
  test_harness_free (h);
}
GST_END_TEST;

static void
check_param (const GstStructure *param, GstClockTime seen)
{
  gdouble area, x, y;
  GstClockTime time;
  gint id;

  fail_unless (gst_structure_get (param, "class", G_TYPE_INT, &id, "area",
      G_TYPE_DOUBLE, &area, "centroid-x", G_TYPE_DOUBLE, &x, "centroid-y",
      G_TYPE_DOUBLE, &y, "first-seen", GST_TYPE_CLOCK_TIME, &time, NULL));
  assert_equals_int (id, 1);
  fail_unless (fabs (area - 80. * 60 / (WIDTH * HEIGHT)) < 0.004, "%g", area);
  fail_unless (fabs (x - 140) < 1 && fabs (y - 80) < 1, "%g,%g", x, y);
  assert_equals_uint64 (time, seen);
}

/* An object has its class, area, centroid and the time at which it came. */
GST_START_TEST (test_fields)
{
  static const Box box = { 100, 50, 80, 60 };
  GstHarness *h = new_harness ("objects=true labels=nothing,thing");

  for (guint i = 0; i < 3; i++) {
    GstBuffer *out = push (h, 5 + i, &box, 1);
    GstVideoRegionOfInterestMeta *meta =
        (GstVideoRegionOfInterestMeta *) find_object (out, &box);

    fail_unless (meta != NULL);
    fail_unless_equals_string (g_quark_to_string (meta->roi_type), "thing");
    check_param (
        gst_video_region_of_interest_meta_get_param (meta, "unetseg-object"),
        gst_util_uint64_scale (5, GST_SECOND, 30));
    gst_buffer_unref (out);
  }
  test_harness_free (h);
}
GST_END_TEST;

/* Small ones are left out, as the property says, and nothing is attached by
 * default. Boxes of classes have no number. */
GST_START_TEST (test_properties)
{
  static const Box boxes[] = { { 20, 20, 100, 100 }, { 200, 150, 10, 10 } };
  GstHarness *h = new_harness ("");
  GstBuffer *out = push (h, 0, boxes, 2);

  assert_equals_int (count_objects (out), 0);
  gst_buffer_unref (out);
  g_object_set (h->element, "objects", TRUE, NULL);
  out = push (h, 1, boxes, 2);
  assert_equals_int (count_objects (out), 1);
  gst_buffer_unref (out);
  g_object_set (h->element, "object-min-area", 0.0005, NULL);
  out = push (h, 2, boxes, 2);
  assert_equals_int (count_objects (out), 2);
  gst_buffer_unref (out);
  g_object_set (h->element, "object-min-area", 0.5, "boxes", TRUE, NULL);
  out = push (h, 3, boxes, 2);
  assert_equals_int (count_objects (out), 1);
  assert_equals_int (id_of (out, &(Box){ 20, 20, 190, 140 }), 0);
  gst_buffer_unref (out);
  test_harness_free (h);
}
GST_END_TEST;

/* A new scene has new objects. */
GST_START_TEST (test_new_scene)
{
  static const Box box = { 100, 50, 80, 60 };
  GstHarness *h = new_harness ("objects=true");
  GstBuffer *out = push (h, 0, &box, 1);
  const gint id = id_of (out, &box);
  GstSegment segment;

  gst_buffer_unref (out);
  gst_harness_push_event (h, gst_event_new_flush_start ());
  gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (h, gst_event_new_segment (&segment));
  out = push (h, 1, &box, 1);
  fail_unless (id_of (out, &box) > id);
  gst_buffer_unref (out);
  test_harness_free (h);
}
GST_END_TEST;

/* ---- messages ---------------------------------------------------------- */

static guint
length_of (const GstStructure *message, const gchar *name)
{
  const GValue *list = gst_structure_get_value (message, name);

  fail_unless (list != NULL, "no %s", name);
  return gst_value_array_get_size (list);
}

GST_START_TEST (test_messages)
{
  static const gchar *const names[] = { "object-id", "object-class",
    "object-label", "object-area", "object-x", "object-y", "object-width",
    "object-height", "object-centroid-x", "object-centroid-y" };
  static const Box boxes[] = { { 20, 20, 100, 100 }, { 200, 150, 60, 60 } };
  GstHarness *h = new_harness ("objects=true messages=true");
  g_autoptr (GstBus) bus = gst_element_get_bus (h->element);
  GstBuffer *out = push (h, 0, boxes, 2);
  GstMessage *message = gst_bus_pop_filtered (bus, GST_MESSAGE_ELEMENT);
  const GstStructure *s;
  const GValue *ids;

  fail_unless (message != NULL);
  s = gst_message_get_structure (message);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    assert_equals_int (length_of (s, names[i]), 2);
  assert_equals_int (length_of (s, "class"), 1);
  ids = gst_structure_get_value (s, "object-id");
  for (guint i = 0; i < 2; i++)
    assert_equals_int (g_value_get_int (gst_value_array_get_value (ids, i)),
        id_of (out, &boxes[i]));
  gst_message_unref (message);
  gst_buffer_unref (out);
  g_object_set (h->element, "objects", FALSE, NULL);
  gst_buffer_unref (push (h, 1, boxes, 2));
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ELEMENT);
  fail_if (gst_structure_has_field (
      gst_message_get_structure (message), "object-id"));
  gst_message_unref (message);
  test_harness_free (h);
}
GST_END_TEST;

/* ---- GStreamer's analytics --------------------------------------------- */

#ifdef HAVE_GST_ANALYTICS
GST_START_TEST (test_analytics)
{
  static const Box box = { 100, 50, 80, 60 };
  GstHarness *h = new_harness ("objects=true labels=nothing,thing");
  GstAnalyticsRelationMeta *relations;
  GstBuffer *out;
  GstAnalyticsMtd object, track;
  GstClockTime seen, last;
  gpointer state = NULL;
  gint x, y, width, height;
  gfloat confidence;
  gboolean lost;
  guint64 id;

  gst_buffer_unref (push (h, 3, &box, 1));
  out = push (h, 4, &box, 1);
  relations = gst_buffer_get_analytics_relation_meta (out);
  fail_unless (gst_analytics_relation_meta_iterate (
      relations, &state, gst_analytics_od_mtd_get_mtd_type (), &object));
  fail_unless (gst_analytics_od_mtd_get_location (
      &object, &x, &y, &width, &height, &confidence));
  fail_unless (ABS (x - 100) <= 2 && ABS (y - 50) <= 2 && ABS (width - 80) <= 3
      && ABS (height - 60) <= 3);
  fail_unless_equals_string (
      g_quark_to_string (gst_analytics_od_mtd_get_obj_type (&object)), "thing");
  state = NULL;
  fail_unless (gst_analytics_relation_meta_get_direct_related (relations,
      object.id, GST_ANALYTICS_REL_TYPE_RELATE_TO,
      gst_analytics_tracking_mtd_get_mtd_type (), &state, &track));
  fail_unless (
      gst_analytics_tracking_mtd_get_info (&track, &id, &seen, &last, &lost));
  assert_equals_uint64 (id, id_of (out, &box));
  assert_equals_uint64 (seen, gst_util_uint64_scale (3, GST_SECOND, 30));
  assert_equals_uint64 (last, gst_util_uint64_scale (4, GST_SECOND, 30));
  gst_buffer_unref (out);
  test_harness_free (h);
}
GST_END_TEST;
#endif

static Suite *
objects_suite (void)
{
  Suite *suite = suite_create ("objects");
  TCase *tc = tcase_create ("general");

  tcase_add_checked_fixture (tc, test_watch_log, NULL);
  tcase_add_test (tc, test_ids);
  tcase_add_test (tc, test_fields);
  tcase_add_test (tc, test_properties);
  tcase_add_test (tc, test_new_scene);
  tcase_add_test (tc, test_messages);
#ifdef HAVE_GST_ANALYTICS
  tcase_add_test (tc, test_analytics);
#endif
  suite_add_tcase (suite, tc);
  return suite;
}

GST_CHECK_MAIN (objects);
