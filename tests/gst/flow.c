/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests buffers, queries and events that go through the element. */

#include "common.h"

/* Pushes frame @index, asserts the age of its mask and drops it. */
static void
push_and_check_age (GstHarness *h, guint index, guint age)
{
  GstBuffer *out =
      gst_harness_push_and_pull (h, test_frame_at (h, TEST_HALF, index));
  UnetSegMeta *meta = test_meta_of (out);

  assert_equals_int (meta->age_frames, age);
  assert_equals_uint64 (meta->age,
      gst_util_uint64_scale (index, GST_SECOND, 30)
          - gst_util_uint64_scale (index - age, GST_SECOND, 30));
  gst_buffer_unref (out);
}

/* ---- buffers ---------------------------------------------------------- */

/* The element must not write to a frame that others hold. It copies the frame
 * for the overlay. Otherwise it only adds metadata to a new buffer. */
GST_START_TEST (test_shared_buffer)
{
  GstHarness *h = test_harness_new ("red", "output=none");
  GstBuffer *in, *out;
  GstMapInfo map;
  g_autofree guint8 *bytes = NULL;

  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  in = test_frame_at (h, TEST_HALF, 0);
  gst_buffer_map (in, &map, GST_MAP_READ);
  bytes = g_memdup2 (map.data, map.size);
  gst_buffer_unmap (in, &map);

  out = gst_harness_push_and_pull (h, gst_buffer_ref (in));
  fail_unless (out != in);
  fail_unless (
      gst_buffer_peek_memory (out, 0) == gst_buffer_peek_memory (in, 0));
  fail_unless (gst_buffer_get_unet_seg_meta (in) == NULL);
  test_meta_of (out);
  gst_buffer_unref (out);

  g_object_set (h->element, "output", 0, NULL);
  out = gst_harness_push_and_pull (h, gst_buffer_ref (in));
  fail_unless (
      gst_buffer_peek_memory (out, 0) != gst_buffer_peek_memory (in, 0));
  assert_equals_int (
      gst_buffer_memcmp (in, 0, bytes, gst_buffer_get_size (in)), 0);
  fail_if (gst_buffer_memcmp (out, 0, bytes, gst_buffer_get_size (in)) == 0);
  gst_buffer_unref (out);
  gst_buffer_unref (in);
  test_harness_free (h);
}

GST_END_TEST;

/* The memory of a writable buffer may be shared, as a queue after a tee leaves
 * it. */
GST_START_TEST (test_shared_memory)
{
  GstHarness *h = test_harness_new ("red", NULL);
  GstBuffer *in, *twin, *copy, *out;
  GstMapInfo map;

  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  in = test_frame_at (h, TEST_HALF, 0);
  copy = gst_buffer_copy_deep (in);
  twin = gst_buffer_copy (in);
  out = gst_harness_push_and_pull (h, in);
  gst_buffer_map (twin, &map, GST_MAP_READ);
  assert_equals_int (gst_buffer_memcmp (copy, 0, map.data, map.size), 0);
  fail_if (gst_buffer_memcmp (out, 0, map.data, map.size) == 0);
  gst_buffer_unmap (twin, &map);
  gst_buffer_unref (out);
  gst_buffer_unref (twin);
  gst_buffer_unref (copy);
  test_harness_free (h);
}

GST_END_TEST;

GST_START_TEST (test_read_only_memory)
{
  GstHarness *h = test_harness_new ("red", "output=none");
  GstBuffer *in, *out, *copy;
  GstMapInfo map;

  test_harness_set_format (h, GST_VIDEO_FORMAT_GRAY8, 64, 48);
  in = test_frame_at (h, TEST_HALF, 0);
  copy = gst_buffer_copy_deep (in);
  GST_MINI_OBJECT_FLAG_SET (
      gst_buffer_peek_memory (in, 0), GST_MEMORY_FLAG_READONLY);
  out = gst_harness_push_and_pull (h, in);
  fail_unless (out == in);
  test_meta_of (out);
  gst_buffer_unref (out);

  g_object_set (h->element, "output", 0, NULL);
  out = gst_harness_push_and_pull (h, gst_buffer_ref (copy));
  gst_buffer_map (out, &map, GST_MAP_READ);
  fail_if (gst_buffer_memcmp (copy, 0, map.data, map.size) == 0);
  gst_buffer_unmap (out, &map);
  gst_buffer_unref (out);
  gst_buffer_unref (copy);
  test_harness_free (h);
}

GST_END_TEST;

GST_START_TEST (test_metadata_survives)
{
  static const gchar *const outputs[] = { "output=none", "output=overlay" };

  for (guint i = 0; i < G_N_ELEMENTS (outputs); i++) {
    GstHarness *h = test_harness_new ("red", outputs[i]);
    GstBuffer *buffer;

    test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
    buffer = test_frame_at (h, TEST_HALF, 7);
    GST_BUFFER_OFFSET (buffer) = 7;
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_MARKER);
    gst_buffer_add_video_region_of_interest_meta (buffer, "x", 1, 2, 3, 4);
    buffer = gst_harness_push_and_pull (h, buffer);
    assert_equals_uint64 (GST_BUFFER_PTS (buffer), 7 * GST_SECOND / 30);
    assert_equals_uint64 (GST_BUFFER_DURATION (buffer), GST_SECOND / 30);
    assert_equals_uint64 (GST_BUFFER_OFFSET (buffer), 7);
    fail_unless (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_MARKER));
    fail_unless (
        gst_buffer_get_video_region_of_interest_meta_id (buffer, 0) != NULL);
    gst_buffer_unref (buffer);
    test_harness_free (h);
  }
}

GST_END_TEST;

/* The GAP flag stays without drawing and is removed when a mask is drawn. */
GST_START_TEST (test_gap_flag)
{
  GstHarness *h = test_harness_new ("red", "output=none");
  GstBuffer *buffer;

  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  buffer = test_frame_at (h, TEST_HALF, 0);
  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_GAP);
  buffer = gst_harness_push_and_pull (h, buffer);
  fail_unless (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_GAP));
  gst_buffer_unref (buffer);

  g_object_set (h->element, "output", 0, NULL);
  buffer = test_frame_at (h, TEST_HALF, 1);
  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_GAP);
  buffer = gst_harness_push_and_pull (h, buffer);
  fail_if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_GAP));
  gst_buffer_unref (buffer);
  test_harness_free (h);
}

GST_END_TEST;

/* The element does not write to a mask that is held downstream. It reuses masks
 * that have been released. */
GST_START_TEST (test_masks_are_pooled)
{
  GstHarness *h = test_harness_new ("red", "output=none");
  GstBuffer *held[8], *maps[8], *out;
  gboolean reused = FALSE;

  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, 64, 48);
  for (guint i = 0; i < 8; i++) {
    out = gst_harness_push_and_pull (
        h, test_frame_at (h, i % 2 ? TEST_BLACK : TEST_HALF, i));
    held[i] = out;
    maps[i] = test_meta_of (out)->class_map;
    for (guint k = 0; k < i; k++)
      fail_unless (maps[k] != maps[i]);
  }
  for (guint i = 0; i < 8; i++) {
    test_assert_halves (test_meta_of (held[i]), i % 2 ? 0 : 1, 0, 1);
    gst_buffer_unref (held[i]);
  }
  for (guint i = 8; i < 24; i++) {
    out = gst_harness_push_and_pull (h, test_frame_at (h, TEST_HALF, i));
    for (guint k = 0; k < 8; k++)
      reused |= test_meta_of (out)->class_map == maps[k];
    gst_buffer_unref (out);
  }
  fail_unless (reused);
  test_harness_free (h);
}

GST_END_TEST;

/* A mask outlives the element. */
GST_START_TEST (test_mask_outlives_element)
{
  GstHarness *h = test_harness_new ("red", "output=none");
  GstBuffer *out;
  GstVideoMeta *video;
  UnetSegMeta *meta;

  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, 64, 48);
  out = gst_harness_push_and_pull (h, test_frame_at (h, TEST_HALF, 0));
  test_harness_free (h);

  meta = test_meta_of (out);
  assert_equals_int (meta->width, 32);
  assert_equals_int (meta->height, 32);
  assert_equals_int (meta->n_classes, 2);
  fail_unless (g_str_has_suffix (
      unet_seg_classes_get_model (meta->classes), "red.onnx"));
  fail_unless_equals_float (meta->x, 0);
  fail_unless_equals_float (meta->y, 0);
  fail_unless_equals_float (meta->w, 64);
  fail_unless_equals_float (meta->h, 48);
  test_assert_halves (meta, 1, 0, 0);
  assert_equals_int (test_probability_at (meta, 0, 0), 255);
  assert_equals_int (test_probability_at (meta, 31, 0), 0);

  video = gst_buffer_get_video_meta (meta->class_map);
  fail_unless (video != NULL);
  assert_equals_int (video->format, GST_VIDEO_FORMAT_GRAY8);
  assert_equals_int (video->stride[0], 32);
  assert_equals_int (video->width, 32);
  assert_equals_int (video->height, 32);
  gst_buffer_unref (out);
}

GST_END_TEST;

/* ---- caps ------------------------------------------------------------- */

GST_START_TEST (test_caps_changes)
{
  static const struct {
    GstVideoFormat format;
    guint width, height;
  } changes[] = {
    { GST_VIDEO_FORMAT_I420, 64, 48 },
    { GST_VIDEO_FORMAT_I420, 320, 240 },
    { GST_VIDEO_FORMAT_NV12, 320, 240 },
    { GST_VIDEO_FORMAT_RGBA, 48, 96 },
    { GST_VIDEO_FORMAT_I420, 64, 48 },
    { GST_VIDEO_FORMAT_GRAY8, 161, 7 },
  };
  static const gchar *const models[] = { "red", "red-dynamic", "red-padded" };

  for (guint m = 0; m < G_N_ELEMENTS (models); m++) {
    GstHarness *h = test_harness_new (models[m], "interval=1000");

    for (guint i = 0; i < G_N_ELEMENTS (changes); i++) {
      GstBuffer *out;
      UnetSegMeta *meta;

      test_harness_set_format (
          h, changes[i].format, changes[i].width, changes[i].height);
      out = gst_harness_push_and_pull (h, test_frame_at (h, TEST_HALF, i));
      meta = test_meta_of (out);
      assert_equals_int (meta->age_frames, 0);
      fail_unless_equals_float (meta->w, changes[i].width);
      fail_unless_equals_float (meta->h, changes[i].height);
      test_assert_halves (meta, 1, 0, 1 + meta->width / 16);
      if (g_str_equal (models[m], "red-padded")) {
        assert_equals_int (meta->width % 4, 0);
        assert_equals_int (meta->height % 4, 0);
      }
      gst_buffer_unref (out);
    }
    assert_equals_uint64 (
        test_stat (h->element, "segmented"), G_N_ELEMENTS (changes));
    test_harness_free (h);
  }
}

GST_END_TEST;

/* A change of rate or colorimetry forgets the mask but does not compile again.
 * So no new latency is reported. */
GST_START_TEST (test_rate_change)
{
  GstHarness *h = test_harness_new ("red", "interval=1000");
  g_autoptr (GstCaps) caps = test_caps (GST_VIDEO_FORMAT_I420, 64, 48);

  gst_harness_set_src_caps (h, gst_caps_copy (caps));
  push_and_check_age (h, 0, 0);
  push_and_check_age (h, 1, 1);
  gst_caps_set_simple (caps, "framerate", GST_TYPE_FRACTION, 25, 1, NULL);
  gst_harness_set_src_caps (h, gst_caps_copy (caps));
  push_and_check_age (h, 2, 0);
  gst_caps_set_simple (caps, "colorimetry", G_TYPE_STRING, "bt709", NULL);
  gst_harness_set_src_caps (h, gst_caps_copy (caps));
  push_and_check_age (h, 3, 0);
  test_harness_free (h);
}

GST_END_TEST;

/* The network sees square pixels. The mask of an anamorphic frame covers all of
 * it, and the input has the displayed aspect. */
GST_START_TEST (test_pixel_aspect)
{
  GstHarness *h = test_harness_new ("red-dynamic", NULL);
  g_autoptr (GstCaps) caps = test_caps (GST_VIDEO_FORMAT_I420, 200, 200);
  GstBuffer *out;
  UnetSegMeta *meta;

  gst_caps_set_simple (
      caps, "pixel-aspect-ratio", GST_TYPE_FRACTION, 2, 1, NULL);
  gst_harness_set_src_caps (h, gst_caps_copy (caps));
  out = gst_harness_push_and_pull (h, test_frame_at (h, TEST_HALF, 0));
  meta = test_meta_of (out);
  fail_unless (meta->width > meta->height * 3 / 2);
  fail_unless_equals_float (meta->w, 200);
  test_assert_halves (meta, 1, 0, 2);
  gst_buffer_unref (out);
  test_harness_free (h);
}

GST_END_TEST;

/* With valid convolutions the mask covers the middle of the frame only. */
GST_START_TEST (test_window)
{
  GstHarness *h = test_harness_new ("valid", NULL);
  GstBuffer *out;
  UnetSegMeta *meta;

  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, 320, 320);
  out = gst_harness_push_and_pull (h, test_frame_at (h, TEST_HALF, 0));
  meta = test_meta_of (out);
  assert_equals_int (meta->width, 32);
  test_assert_halves (meta, 1, 0, 1);
  gst_buffer_unref (out);
  test_harness_free (h);
}

GST_END_TEST;

/* ---- events ----------------------------------------------------------- */

static void
push_segment (GstHarness *h, GstClockTime start)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.time = segment.position = start;
  fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
}

static void
drop_events (GstHarness *h)
{
  GstEvent *event;

  while ((event = gst_harness_try_pull_event (h)))
    gst_event_unref (event);
}

static void
assert_event (GstHarness *h, GstEventType type)
{
  GstEvent *event = gst_harness_try_pull_event (h);

  fail_unless (event != NULL);
  assert_equals_int (GST_EVENT_TYPE (event), type);
  gst_event_unref (event);
}

GST_START_TEST (test_flush)
{
  GstHarness *h = test_harness_new ("red", "interval=1000");

  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  push_and_check_age (h, 0, 0);
  push_and_check_age (h, 1, 1);
  drop_events (h);
  fail_unless (gst_harness_push_event (h, gst_event_new_flush_start ()));
  assert_equals_int (
      gst_harness_push (h, test_frame_at (h, TEST_HALF, 2)), GST_FLOW_FLUSHING);
  fail_unless (gst_harness_push_event (h, gst_event_new_flush_stop (TRUE)));
  push_segment (h, 0);
  assert_event (h, GST_EVENT_FLUSH_START);
  assert_event (h, GST_EVENT_FLUSH_STOP);
  push_and_check_age (h, 60, 0);
  push_and_check_age (h, 61, 1);
  test_harness_free (h);
}

GST_END_TEST;

GST_START_TEST (test_segment_and_discont)
{
  GstHarness *h = test_harness_new ("red", "interval=1000");
  GstBuffer *buffer;

  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  push_and_check_age (h, 0, 0);
  push_and_check_age (h, 1, 1);
  push_segment (h, GST_SECOND);
  push_and_check_age (h, 30, 0);
  push_and_check_age (h, 31, 1);

  buffer = test_frame_at (h, TEST_BLACK, 50);
  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  buffer = gst_harness_push_and_pull (h, buffer);
  assert_equals_int (test_meta_of (buffer)->age_frames, 0);
  test_assert_halves (test_meta_of (buffer), 0, 0, 0);
  fail_unless (GST_BUFFER_IS_DISCONT (buffer));
  gst_buffer_unref (buffer);
  test_harness_free (h);
}

GST_END_TEST;

/* Gaps and tags pass and do not change the mask. */
GST_START_TEST (test_gap_and_eos)
{
  GstHarness *h = test_harness_new ("red", "interval=1000");

  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  push_and_check_age (h, 0, 0);
  drop_events (h);
  fail_unless (
      gst_harness_push_event (h, gst_event_new_gap (0, GST_SECOND / 30)));
  assert_event (h, GST_EVENT_GAP);
  fail_unless (gst_harness_push_event (
      h, gst_event_new_tag (gst_tag_list_new (GST_TAG_TITLE, "film", NULL))));
  assert_event (h, GST_EVENT_TAG);
  push_and_check_age (h, 1, 1);
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  assert_event (h, GST_EVENT_EOS);
  assert_equals_int (
      gst_harness_push (h, test_frame_at (h, TEST_HALF, 3)), GST_FLOW_EOS);
  assert_equals_int (gst_harness_buffers_in_queue (h), 0);
  assert_equals_int (gst_harness_buffers_received (h), 2);
  test_harness_free (h);
}

GST_END_TEST;

/* The ages count in reverse playback as well. */
GST_START_TEST (test_reverse)
{
  GstHarness *h = test_harness_new ("red", "interval=1000");
  GstSegment segment;

  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.rate = -1;
  segment.stop = 10 * GST_SECOND;
  fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
  for (guint i = 0; i < 4; i++) {
    GstBuffer *out =
        gst_harness_push_and_pull (h, test_frame_at (h, TEST_HALF, 30 - i));

    assert_equals_int (test_meta_of (out)->age_frames, i);
    assert_equals_uint64 (test_meta_of (out)->age,
        GST_SECOND - gst_util_uint64_scale (30 - i, GST_SECOND, 30));
    gst_buffer_unref (out);
  }
  test_harness_free (h);
}

GST_END_TEST;

GST_START_TEST (test_no_timestamps)
{
  GstHarness *h = test_harness_new ("red", "interval=2");

  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  for (guint i = 0; i < 4; i++) {
    GstBuffer *buffer = test_frame_at (h, TEST_HALF, i);

    GST_BUFFER_PTS (buffer) = GST_CLOCK_TIME_NONE;
    buffer = gst_harness_push_and_pull (h, buffer);
    assert_equals_int (test_meta_of (buffer)->age_frames, i % 2);
    assert_equals_uint64 (
        test_meta_of (buffer)->age, i % 2 ? GST_CLOCK_TIME_NONE : 0);
    gst_buffer_unref (buffer);
  }
  test_harness_free (h);
}

GST_END_TEST;

/* A segment in bytes does not keep frames from getting masks. */
GST_START_TEST (test_no_time_segment)
{
  GstHarness *h = test_harness_new ("red", NULL);
  GstSegment segment;
  GstBuffer *out;

  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  gst_segment_init (&segment, GST_FORMAT_BYTES);
  fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
  out = gst_harness_push_and_pull (h, test_frame_at (h, TEST_HALF, 0));
  test_meta_of (out);
  gst_buffer_unref (out);
  test_harness_free (h);
}

GST_END_TEST;

static Suite *
flow_suite (void)
{
  Suite *suite = suite_create ("flow");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, test_watch_log, NULL);
  tcase_add_test (tcase, test_shared_buffer);
  tcase_add_test (tcase, test_shared_memory);
  tcase_add_test (tcase, test_read_only_memory);
  tcase_add_test (tcase, test_metadata_survives);
  tcase_add_test (tcase, test_gap_flag);
  tcase_add_test (tcase, test_masks_are_pooled);
  tcase_add_test (tcase, test_mask_outlives_element);
  tcase_add_test (tcase, test_caps_changes);
  tcase_add_test (tcase, test_rate_change);
  tcase_add_test (tcase, test_pixel_aspect);
  tcase_add_test (tcase, test_window);
  tcase_add_test (tcase, test_flush);
  tcase_add_test (tcase, test_segment_and_discont);
  tcase_add_test (tcase, test_gap_and_eos);
  tcase_add_test (tcase, test_reverse);
  tcase_add_test (tcase, test_no_timestamps);
  tcase_add_test (tcase, test_no_time_segment);
  return suite;
}

GST_CHECK_MAIN (flow);
