/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests what the ALLOCATION query tells upstream. */

#include <gst/video/gstvideoaffinetransformationmeta.h>

#include "common.h"

/* ---- what downstream proposes ------------------------------------------ */

/* The allocation that downstream proposes reaches upstream, in both modes. */
GST_START_TEST (test_allocation)
{
  static const gchar *const outputs[] = { "output=none", "output=overlay" };

  for (guint i = 0; i < G_N_ELEMENTS (outputs); i++) {
    GstHarness *h = test_harness_new ("red", outputs[i]);
    g_autoptr (GstCaps) caps = test_caps (GST_VIDEO_FORMAT_I420, 64, 48);
    GstAllocationParams params = { 0, 127, 3, 5 }, found;
    GstQuery *query;
    guint index;

    gst_harness_set_propose_allocator (h, NULL, &params);
    gst_harness_add_propose_allocation_meta (h, GST_VIDEO_META_API_TYPE, NULL);
    gst_harness_set_src_caps (h, gst_caps_ref (caps));
    query = gst_query_new_allocation (caps, TRUE);
    fail_unless (gst_pad_peer_query (h->srcpad, query));
    fail_unless (gst_query_find_allocation_meta (
        query, GST_VIDEO_META_API_TYPE, &index));
    assert_equals_int (gst_query_get_n_allocation_params (query), 1);
    gst_query_parse_nth_allocation_param (query, 0, NULL, &found);
    assert_equals_int (found.align, 127);
    assert_equals_int (found.prefix, 3);
    assert_equals_int (found.padding, 5);
    gst_query_unref (query);
    test_harness_free (h);
  }
}

GST_END_TEST;

/* Frames leave in the buffers they came in. So the element offers GstVideoMeta
 * only if downstream offers it. */
GST_START_TEST (test_allocation_promises_nothing)
{
  GstHarness *h = test_harness_new ("red", NULL);
  g_autoptr (GstCaps) caps = test_caps (GST_VIDEO_FORMAT_I420, 64, 48);
  GstQuery *query;

  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  query = gst_query_new_allocation (caps, TRUE);
  gst_pad_peer_query (h->srcpad, query);
  fail_if (
      gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL));
  gst_query_unref (query);
  test_harness_free (h);
}

GST_END_TEST;

/* ---- metadata ---------------------------------------------------------- */

static gboolean
is_offered (const gchar *properties, GType api)
{
  GstHarness *h = test_harness_new ("red", properties);
  g_autoptr (GstCaps) caps = test_caps (GST_VIDEO_FORMAT_I420, 64, 48);
  GstQuery *query = gst_query_new_allocation (caps, TRUE);
  gboolean offered;

  gst_harness_add_propose_allocation_meta (h, api, NULL);
  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  fail_unless (gst_pad_peer_query (h->srcpad, query));
  offered = gst_query_find_allocation_meta (query, api, NULL);
  gst_query_unref (query);
  test_harness_free (h);
  return offered;
}

/* Upstream attaches a meta instead of changing pixels where the ALLOCATION
 * query says that this is understood. The network reads pixels, so the element
 * keeps back what says which of them are the picture. Overlays and regions lie
 * on the same pixels as before. */
GST_START_TEST (test_metas)
{
  static const gchar *const outputs[] = { "output=none", "output=blur" };
  const GType kept_back[] = { GST_VIDEO_CROP_META_API_TYPE,
    GST_VIDEO_AFFINE_TRANSFORMATION_META_API_TYPE,
    GST_VIDEO_GL_TEXTURE_UPLOAD_META_API_TYPE };
  const GType offered[] = { GST_VIDEO_META_API_TYPE,
    GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE,
    GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE };

  for (guint i = 0; i < G_N_ELEMENTS (outputs); i++) {
    for (guint k = 0; k < G_N_ELEMENTS (kept_back); k++)
      fail_if (is_offered (outputs[i], kept_back[k]), "%s",
          g_type_name (kept_back[k]));
    for (guint k = 0; k < G_N_ELEMENTS (offered); k++)
      fail_unless (
          is_offered (outputs[i], offered[k]), "%s", g_type_name (offered[k]));
  }
}

GST_END_TEST;

static GstBuffer *
play (const gchar *before)
{
  g_autofree gchar *model = test_model ("red");
  g_autofree gchar *launch = g_strdup_printf (
      "videotestsrc num-buffers=1 pattern=smpte ! "
      "video/x-raw,width=192,height=64,format=RGB ! videocrop left=96 ! "
      "%sunetseg model=\"%s\" output=replace background=white ! "
      "videocrop top=2 ! fakesink name=sink enable-last-sample=true",
      before, model);
  GstElement *pipeline = gst_parse_launch (launch, NULL), *sink;
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message;
  GstSample *sample;
  GstBuffer *buffer;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless (message && GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS);
  gst_message_unref (message);
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_object_get (sink, "last-sample", &sample, NULL);
  buffer = gst_buffer_ref (gst_sample_get_buffer (sample));
  gst_sample_unref (sample);
  gst_object_unref (sink);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (pipeline);
  return buffer;
}

/* A videocrop downstream understands crop metadata, a videocrop upstream would
 * like to attach it. The mask is that of the part that is left. */
GST_START_TEST (test_cropped_by_meta)
{
  GstBuffer *found = play (""), *right = play ("identity drop-allocation=1 ! ");
  GstMapInfo map;

  fail_unless_equals_int (gst_buffer_get_size (found), 96 * 62 * 3);
  fail_unless (gst_buffer_map (right, &map, GST_MAP_READ));
  fail_unless_equals_int (map.size, 96 * 62 * 3);
  fail_unless (gst_buffer_memcmp (found, 0, map.data, map.size) == 0);
  gst_buffer_unmap (right, &map);
  gst_buffer_unref (found);
  gst_buffer_unref (right);
}

GST_END_TEST;

static Suite *
allocation_suite (void)
{
  Suite *suite = suite_create ("allocation");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, test_watch_log, NULL);
  tcase_add_test (tcase, test_allocation);
  tcase_add_test (tcase, test_allocation_promises_nothing);
  tcase_add_test (tcase, test_metas);
  tcase_add_test (tcase, test_cropped_by_meta);
  return suite;
}

GST_CHECK_MAIN (allocation);
