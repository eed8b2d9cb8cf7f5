/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests that frames pass untouched with enabled=false. */

#include <gst/controller/gstinterpolationcontrolsource.h>
#include <gst/controller/gstdirectcontrolbinding.h>

#include "common.h"

static GstBuffer *
push (GstHarness *h, guint index)
{
  return gst_harness_push_and_pull (h, test_frame_at (h, TEST_HALF, index));
}

/* The element passes the same buffer, although others hold it. It reads and
 * copies nothing. */
GST_START_TEST (test_passes)
{
  static const gchar *const outputs[] = { "overlay", "none", "blur",
    "replace" };

  for (guint i = 0; i < G_N_ELEMENTS (outputs); i++) {
    g_autofree gchar *properties =
        g_strdup_printf ("enabled=false output=%s", outputs[i]);
    GstHarness *h = test_harness_new ("red", properties);
    GstBuffer *in, *out;

    test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
    in = test_frame_at (h, TEST_HALF, 0);
    out = gst_harness_push_and_pull (h, gst_buffer_ref (in));
    fail_unless (out == in);
    fail_unless (gst_buffer_get_unet_seg_meta (out) == NULL);
    gst_buffer_unref (out);
    gst_buffer_unref (in);
    assert_equals_uint64 (test_stat (h->element, "segmented"), 0);
    test_harness_free (h);
  }
}

GST_END_TEST;

/* When the element is enabled again, the next frame gets a mask of its own. */
GST_START_TEST (test_on_and_off)
{
  GstHarness *h = test_harness_new ("red", "interval=1000");

  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  for (guint i = 0; i < 12; i++) {
    gboolean on = i / 3 % 2 == 0;
    UnetSegMeta *meta;
    GstBuffer *out;

    g_object_set (h->element, "enabled", on, NULL);
    out = push (h, i);
    meta = gst_buffer_get_unet_seg_meta (out);
    assert_equals_int (meta != NULL, on);
    if (meta)
      assert_equals_int (meta->age_frames, i % 3);
    gst_buffer_unref (out);
  }
  test_harness_free (h);
}

GST_END_TEST;

/* An output of other caps keeps its caps. Its alpha is opaque everywhere, and
 * its mask is background everywhere. */
GST_START_TEST (test_other_caps)
{
  GstHarness *h = test_harness_new ("red", "enabled=false output=alpha");
  GstBuffer *in, *out;
  GstMapInfo a, b;

  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, 64, 48);
  in = test_frame_at (h, TEST_STRIPES, 0);
  out = gst_harness_push_and_pull (h, gst_buffer_ref (in));
  gst_buffer_map (in, &a, GST_MAP_READ);
  gst_buffer_map (out, &b, GST_MAP_READ);
  assert_equals_int (b.size, 64 * 48 * 4);
  for (guint i = 0; i < 64 * 48; i++) {
    fail_unless (memcmp (a.data + 3 * i, b.data + 4 * i, 3) == 0);
    fail_unless (b.data[4 * i + 3] == 255);
  }
  gst_buffer_unmap (in, &a);
  gst_buffer_unmap (out, &b);
  gst_buffer_unref (in);
  gst_buffer_unref (out);
  test_harness_free (h);

  h = test_harness_new ("red", "enabled=false output=mask");
  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, 64, 48);
  out = push (h, 0);
  gst_buffer_map (out, &b, GST_MAP_READ);
  assert_equals_int (b.size, 64 * 48);
  for (guint i = 0; i < b.size; i++)
    fail_unless (b.data[i] == 0);
  gst_buffer_unmap (out, &b);
  gst_buffer_unref (out);
  test_harness_free (h);
}

GST_END_TEST;

/* The caps may change while the element is disabled. */
GST_START_TEST (test_caps_change)
{
  GstHarness *h = test_harness_new ("red", "enabled=false");
  GstBuffer *out;

  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  gst_buffer_unref (push (h, 0));
  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, 80, 60);
  out = push (h, 1);
  assert_equals_int (gst_buffer_get_size (out), 80 * 60 * 3);
  gst_buffer_unref (out);
  g_object_set (h->element, "enabled", TRUE, NULL);
  out = push (h, 2);
  fail_unless (gst_buffer_get_unet_seg_meta (out) != NULL);
  gst_buffer_unref (out);
  test_harness_free (h);
}

GST_END_TEST;

/* A controller disables the element at the third frame. */
GST_START_TEST (test_controller)
{
  GstHarness *h = test_harness_new ("red", NULL);
  GstControlSource *source = gst_interpolation_control_source_new ();

  g_object_set (source, "mode", GST_INTERPOLATION_MODE_NONE, NULL);
  gst_timed_value_control_source_set (
      GST_TIMED_VALUE_CONTROL_SOURCE (source), 0, 1);
  gst_timed_value_control_source_set (
      GST_TIMED_VALUE_CONTROL_SOURCE (source), GST_SECOND / 15, 0);
  gst_object_add_control_binding (GST_OBJECT (h->element),
      gst_direct_control_binding_new (
          GST_OBJECT (h->element), "enabled", source));
  gst_object_unref (source);
  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 64, 48);
  for (guint i = 0; i < 4; i++) {
    GstBuffer *out = push (h, i);

    assert_equals_int (gst_buffer_get_unet_seg_meta (out) != NULL, i < 2);
    gst_buffer_unref (out);
  }
  test_harness_free (h);
}

GST_END_TEST;

static Suite *
enabled_suite (void)
{
  Suite *suite = suite_create ("enabled");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, test_watch_log, NULL);
  tcase_add_test (tcase, test_passes);
  tcase_add_test (tcase, test_on_and_off);
  tcase_add_test (tcase, test_other_caps);
  tcase_add_test (tcase, test_caps_change);
  tcase_add_test (tcase, test_controller);
  return suite;
}

GST_CHECK_MAIN (enabled);
