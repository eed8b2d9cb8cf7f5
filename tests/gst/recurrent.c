/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests networks with state, which passes from frame to frame but not from
 * scene to scene. The network here marks a pixel that was white in any
 * frame. */

#include "common.h"

#define MODEL      "memory"
#define PROPERTIES "activation=none input-size=64x48"

static void
push (GstHarness *h, TestPicture picture, guint index, gboolean discont,
    guint8 left)
{
  GstBuffer *buffer = test_frame_at (h, picture, index);
  UnetSegMeta *meta;

  if (discont)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  buffer = gst_harness_push_and_pull (h, buffer);
  meta = gst_buffer_get_unet_seg_meta (buffer);
  fail_unless (meta != NULL);
  test_assert_halves (meta, left, 0, 1);
  gst_buffer_unref (buffer);
}

static GstHarness *
new_harness (void)
{
  GstHarness *h = test_harness_new (MODEL, PROPERTIES);

  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, 64, 48);
  push (h, TEST_BLACK, 0, FALSE, 0);
  push (h, TEST_HALF, 1, FALSE, 1);
  return h;
}

/* The frames last longer than the session that measures needs to take over. */
GST_START_TEST (test_remembers)
{
  GstHarness *h = new_harness ();

  for (guint i = 2; i < 40; i++)
    push (h, TEST_BLACK, i, FALSE, 1);
  test_harness_free (h);
}

GST_END_TEST;

GST_START_TEST (test_discont)
{
  GstHarness *h = new_harness ();

  push (h, TEST_BLACK, 2, TRUE, 0);
  push (h, TEST_BLACK, 3, FALSE, 0);
  test_harness_free (h);
}

GST_END_TEST;

static void
push_segment (GstHarness *h)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
}

GST_START_TEST (test_flush)
{
  GstHarness *h = new_harness ();

  fail_unless (gst_harness_push_event (h, gst_event_new_flush_start ()));
  fail_unless (gst_harness_push_event (h, gst_event_new_flush_stop (TRUE)));
  push_segment (h);
  push (h, TEST_BLACK, 2, FALSE, 0);
  test_harness_free (h);
}

GST_END_TEST;

GST_START_TEST (test_segment)
{
  GstHarness *h = new_harness ();

  push_segment (h);
  push (h, TEST_BLACK, 2, FALSE, 0);
  test_harness_free (h);
}

GST_END_TEST;

/* The session stays, because the input's size does not change. */
GST_START_TEST (test_new_caps)
{
  GstHarness *h = new_harness ();

  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, 128, 96);
  push (h, TEST_BLACK, 2, FALSE, 0);
  push (h, TEST_HALF, 3, FALSE, 1);
  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 128, 96);
  push (h, TEST_BLACK, 4, FALSE, 0);
  test_harness_free (h);
}

GST_END_TEST;

GST_START_TEST (test_forgets_when_told)
{
  GstHarness *h = test_harness_new (MODEL, PROPERTIES " state=none");

  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, 64, 48);
  push (h, TEST_HALF, 0, FALSE, 1);
  push (h, TEST_BLACK, 1, FALSE, 0);
  test_harness_free (h);
}

GST_END_TEST;

GST_START_TEST (test_no_tiles)
{
  GstHarness *h = test_harness_new (MODEL, PROPERTIES " fit=tile");
  g_autoptr (GstCaps) caps = test_caps (GST_VIDEO_FORMAT_RGB, 128, 96);

  gst_harness_push_event (h, gst_event_new_caps (caps));
  assert_equals_int (test_count_messages (h, GST_MESSAGE_ERROR), 1);
  test_harness_free (h);
}

GST_END_TEST;

/* Only the properties identify the six inputs and six outputs of this
 * network. */
GST_START_TEST (test_many)
{
  GstHarness *h = test_harness_new ("rvm",
      "output-name=pha constants=downsample_ratio:0.5 input-size=128x64");
  g_autoptr (GstStructure) stats = NULL;
  guint first = 0, last = 0;

  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, 64, 48);
  for (guint i = 0; i < 4; i++) {
    GstBuffer *out =
        gst_harness_push_and_pull (h, test_frame_at (h, TEST_HALF, i));
    UnetSegMeta *meta = gst_buffer_get_unet_seg_meta (out);
    guint sum = 0;

    assert_equals_int (meta->width, 128);
    assert_equals_int (meta->height, 64);
    for (guint k = 0; k < 128; k++)
      sum += test_probability_at (meta, k, 32);
    *(i == 0 ? &first : &last) = sum;
    gst_buffer_unref (out);
  }
  /* The state changes the result for the same picture by the fourth frame. */
  fail_unless (first != last);
  g_object_get (h->element, "stats", &stats, NULL);
  fail_unless (strstr (gst_structure_get_string (stats, "contract"),
                   "state=r1i:r1o,r2i:r2o,r3i:r3o,r4i:r4o")
      != NULL);
  test_harness_free (h);
}

GST_END_TEST;

static Suite *
recurrent_suite (void)
{
  Suite *suite = suite_create ("recurrent");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, test_watch_log, NULL);
  tcase_add_test (tcase, test_remembers);
  tcase_add_test (tcase, test_discont);
  tcase_add_test (tcase, test_flush);
  tcase_add_test (tcase, test_segment);
  tcase_add_test (tcase, test_new_caps);
  tcase_add_test (tcase, test_forgets_when_told);
  tcase_add_test (tcase, test_no_tiles);
  tcase_add_test (tcase, test_many);
  return suite;
}

GST_CHECK_MAIN (recurrent);
