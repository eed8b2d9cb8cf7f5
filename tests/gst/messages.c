/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests the element messages of unetseg: times, areas, boxes and centroids. */

#include "common.h"

#define FRAME (GST_SECOND / 30)

/* Returns the structure of the next element message, or NULL. */
static GstStructure *
pop_message (GstHarness *h)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (h->element);
  g_autoptr (GstMessage)
      message = gst_bus_pop_filtered (bus, GST_MESSAGE_ELEMENT);

  if (message == NULL)
    return NULL;
  fail_unless (GST_MESSAGE_SRC (message) == GST_OBJECT (h->element));
  fail_unless (gst_message_has_name (message, "unetseg"));
  return gst_structure_copy (gst_message_get_structure (message));
}

/* Pushes a frame and returns its only message. */
static GstStructure *
message_of (GstHarness *h, GstBuffer *frame)
{
  GstStructure *message;

  gst_buffer_unref (test_push (h, frame));
  message = pop_message (h);
  fail_unless (message != NULL, "no message");
  fail_unless_equals_int (test_count_messages (h, GST_MESSAGE_ELEMENT), 0);
  return message;
}

static const GValue *
entry (const GstStructure *message, const gchar *list, guint index)
{
  const GValue *value = gst_structure_get_value (message, list);

  fail_unless (value != NULL && GST_VALUE_HOLDS_ARRAY (value), "%s", list);
  fail_unless (
      index < gst_value_array_get_size (value), "%s is too short", list);
  return gst_value_array_get_value (value, index);
}

static guint
count_classes (const GstStructure *message)
{
  return gst_value_array_get_size (gst_structure_get_value (message, "class"));
}

static void
assert_time (const GstStructure *message, const gchar *field, GstClockTime time)
{
  GstClockTime value;

  fail_unless (
      gst_structure_get_clock_time (message, field, &value), "%s", field);
  fail_unless (
      value == time, "%s: %" GST_TIME_FORMAT, field, GST_TIME_ARGS (value));
}

static void
assert_int (const GstStructure *message, const gchar *list, guint i, gint value)
{
  fail_unless_equals_int (g_value_get_int (entry (message, list, i)), value);
}

static void
assert_double (
    const GstStructure *message, const gchar *list, guint i, gdouble value)
{
  fail_unless_equals_float (
      g_value_get_double (entry (message, list, i)), value);
}

/* Asserts that the class covers the frame's columns from @x on, from its upper
 * edge to its lower one. */
static void
assert_columns (const GstStructure *message, guint i, gint x, gint width)
{
  assert_double (message, "area", i, width / 64.);
  assert_int (message, "x", i, x);
  assert_int (message, "y", i, 0);
  assert_int (message, "width", i, width);
  assert_int (message, "height", i, 48);
  assert_double (message, "centroid-x", i, x + width / 2.);
  assert_double (message, "centroid-y", i, 24);
}

GST_START_TEST (test_off)
{
  GstHarness *h = test_rgb_harness ("red", NULL);

  gst_buffer_unref (test_push (h, test_frame_at (h, TEST_HALF, 0)));
  fail_unless_equals_int (test_count_messages (h, GST_MESSAGE_ELEMENT), 0);
  test_harness_free (h);
}

GST_END_TEST;

GST_START_TEST (test_one_class)
{
  GstHarness *h = test_rgb_harness ("red", "messages=true");
  GstStructure *message = message_of (h, test_frame_at (h, TEST_HALF, 0));
  gint width, height;

  fail_unless_equals_int (count_classes (message), 1);
  assert_int (message, "class", 0, 1);
  fail_unless_equals_string (
      g_value_get_string (entry (message, "label", 0)), "foreground");
  assert_columns (message, 0, 0, 32);
  fail_unless (gst_structure_get_int (message, "frame-width", &width));
  fail_unless (gst_structure_get_int (message, "frame-height", &height));
  fail_unless_equals_int (width, 64);
  fail_unless_equals_int (height, 48);
  gst_structure_free (message);
  test_harness_free (h);
}

GST_END_TEST;

GST_START_TEST (test_several_classes)
{
  static const gchar *const labels[] = { "red", "green", "class 3" };
  GstHarness *h = test_rgb_harness (
      "classes", "messages=true output=mask labels=\"sky,red,green\"");
  GstStructure *message = message_of (h, test_frame_at (h, TEST_STRIPES, 0));

  fail_unless_equals_int (count_classes (message), 3);
  for (guint i = 0; i < 3; i++) {
    assert_int (message, "class", i, i + 1);
    fail_unless_equals_string (
        g_value_get_string (entry (message, "label", i)), labels[i]);
    assert_columns (message, i, 16 * (i + 1), 16);
  }
  gst_structure_free (message);
  test_harness_free (h);
}

GST_END_TEST;

/* A frame without foreground has a message with empty lists. */
GST_START_TEST (test_nothing)
{
  GstHarness *h = test_rgb_harness ("red", "messages=true");
  GstStructure *message = message_of (h, test_frame_at (h, TEST_BLACK, 0));

  fail_unless_equals_int (count_classes (message), 0);
  gst_structure_free (message);
  test_harness_free (h);
}

GST_END_TEST;

/* A segment from 1 s on that begins at a stream time of 5 s and a running time
 * of 2 s. */
GST_START_TEST (test_times)
{
  GstHarness *h = test_rgb_harness ("red", "messages=true");
  GstStructure *message;
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.position = GST_SECOND;
  segment.time = 5 * GST_SECOND;
  segment.base = 2 * GST_SECOND;
  fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
  message = message_of (h, test_frame_at (h, TEST_HALF, 36));
  assert_time (message, "timestamp", 36 * GST_SECOND / 30);
  assert_time (message, "stream-time", 4 * GST_SECOND + 36 * GST_SECOND / 30);
  assert_time (message, "running-time", GST_SECOND + 36 * GST_SECOND / 30);
  assert_time (message, "duration", FRAME);
  gst_structure_free (message);
  test_harness_free (h);
}

GST_END_TEST;

GST_START_TEST (test_no_times)
{
  GstHarness *h = test_rgb_harness ("red", "messages=true");
  GstBuffer *frame = test_frame_at (h, TEST_HALF, 0);
  GstStructure *message;

  GST_BUFFER_PTS (frame) = GST_BUFFER_DURATION (frame) = GST_CLOCK_TIME_NONE;
  message = message_of (h, frame);
  assert_time (message, "timestamp", GST_CLOCK_TIME_NONE);
  assert_time (message, "stream-time", GST_CLOCK_TIME_NONE);
  assert_time (message, "running-time", GST_CLOCK_TIME_NONE);
  assert_time (message, "duration", GST_CLOCK_TIME_NONE);
  gst_structure_free (message);
  test_harness_free (h);
}

GST_END_TEST;

/* A frame with an older mask has a message as well, which gives the age. */
GST_START_TEST (test_age)
{
  GstHarness *h =
      test_rgb_harness ("red", "messages=true interval=2 carry=false");

  for (guint i = 0; i < 4; i++) {
    GstStructure *message = message_of (h, test_frame_at (h, TEST_HALF, i));
    guint age;

    fail_unless (gst_structure_get_uint (message, "age-frames", &age));
    fail_unless_equals_int (age, i % 2);
    if (i % 2 == 0)
      assert_time (message, "age", 0);
    else
      assert_time (message, "age",
          gst_util_uint64_scale (i, GST_SECOND, 30)
              - gst_util_uint64_scale (i - 1, GST_SECOND, 30));
    gst_structure_free (message);
  }
  test_harness_free (h);
}

GST_END_TEST;

/* The property takes effect with the next frame. */
GST_START_TEST (test_switched)
{
  GstHarness *h = test_rgb_harness ("red", "messages=true");

  for (guint i = 0; i < 6; i++) {
    g_object_set (h->element, "messages", i % 2 == 0, NULL);
    gst_buffer_unref (test_push (h, test_frame_at (h, TEST_HALF, i)));
    fail_unless_equals_int (
        test_count_messages (h, GST_MESSAGE_ELEMENT), i % 2 == 0);
  }
  test_harness_free (h);
}

GST_END_TEST;

/* Box and message have the same numbers. */
GST_START_TEST (test_box)
{
  GstHarness *h = test_rgb_harness ("red", "messages=true boxes=true");
  GstBuffer *out = test_push (h, test_frame_at (h, TEST_HALF, 0));
  GstStructure *message = pop_message (h);
  const GstVideoRegionOfInterestMeta *box =
      gst_buffer_get_video_region_of_interest_meta_id (out, 0);

  fail_unless (message != NULL && box != NULL);
  assert_int (message, "x", 0, box->x);
  assert_int (message, "y", 0, box->y);
  assert_int (message, "width", 0, box->w);
  assert_int (message, "height", 0, box->h);
  gst_structure_free (message);
  gst_buffer_unref (out);
  test_harness_free (h);
}

GST_END_TEST;

/* A frame that does not reach the network has no mask and no message. */
GST_START_TEST (test_no_mask)
{
  GstHarness *h = test_rgb_harness ("red", "messages=true enabled=false");

  gst_buffer_unref (
      gst_harness_push_and_pull (h, test_frame_at (h, TEST_HALF, 0)));
  fail_unless_equals_int (test_count_messages (h, GST_MESSAGE_ELEMENT), 0);
  test_harness_free (h);
}

GST_END_TEST;

static Suite *
messages_suite (void)
{
  Suite *suite = suite_create ("messages");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, test_watch_log, NULL);
  tcase_add_test (tcase, test_off);
  tcase_add_test (tcase, test_one_class);
  tcase_add_test (tcase, test_several_classes);
  tcase_add_test (tcase, test_nothing);
  tcase_add_test (tcase, test_times);
  tcase_add_test (tcase, test_no_times);
  tcase_add_test (tcase, test_age);
  tcase_add_test (tcase, test_switched);
  tcase_add_test (tcase, test_box);
  tcase_add_test (tcase, test_no_mask);
  return suite;
}

GST_CHECK_MAIN (messages);
