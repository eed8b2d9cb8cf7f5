/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests the network's outputs as GstTensorMeta. Without GStreamer's analytics
 * library the property must stay off. */

#include "common.h"

#ifdef HAVE_GST_ANALYTICS

#include <gst/analytics/analytics.h>

static GstTensorMeta *
tensors_of (GstBuffer *buffer, guint n)
{
  GstTensorMeta *meta = gst_buffer_get_tensor_meta (buffer);

  fail_unless (meta != NULL, "no tensors");
  assert_equals_uint64 (meta->num_tensors, n);
  return meta;
}

static void
assert_shape (const GstTensor *tensor, GstTensorDataType type, guint n_dims,
    const gsize *dims)
{
  assert_equals_int (tensor->layout, GST_TENSOR_LAYOUT_CONTIGUOUS);
  assert_equals_int (tensor->dims_order, GST_TENSOR_DIM_ORDER_ROW_MAJOR);
  assert_equals_int (tensor->data_type, type);
  assert_equals_uint64 (tensor->num_dims, n_dims);
  for (guint i = 0; i < n_dims; i++)
    assert_equals_uint64 (tensor->dims[i], dims[i]);
}

/* Returns the best channel of a pixel. With one channel: whether its value is
 * at least a half. */
static guint8
best_channel (const gfloat *values, gsize channels, gsize plane, gsize pixel)
{
  guint8 best = 0;

  if (channels == 1)
    return values[pixel] >= .5f;
  for (gsize c = 1; c < channels; c++)
    if (values[c * plane + pixel] > values[best * plane + pixel])
      best = c;
  return best;
}

/* The class map must follow from the tensor. */
static void
check_tensor (const gchar *model, TestPicture picture, gsize channels)
{
  GstHarness *h = test_rgb_harness (model, "tensors=true");
  GstBuffer *out = test_push (h, test_frame_at (h, picture, 0));
  const GstTensor *tensor = gst_tensor_meta_get (tensors_of (out, 1), 0);
  const UnetSegMeta *mask = test_meta_of (out);
  const gsize dims[] = { 1, channels, mask->height, mask->width };
  gsize plane = (gsize) mask->width * mask->height;
  guint wrong = 0;
  GstMapInfo map;

  assert_equals_string (g_quark_to_string (tensor->id), "output");
  assert_shape (tensor, GST_TENSOR_DATA_TYPE_FLOAT32, 4, dims);
  fail_unless (gst_buffer_map (tensor->data, &map, GST_MAP_READ));
  assert_equals_uint64 (map.size, channels * plane * sizeof (gfloat));
  for (gsize i = 0; i < plane; i++)
    wrong += best_channel ((const gfloat *) map.data, channels, plane, i)
        != test_class_at (mask, i % mask->width, i / mask->width);
  gst_buffer_unmap (tensor->data, &map);
  assert_equals_int (wrong, 0);
  gst_buffer_unref (out);
  test_harness_free (h);
}

GST_START_TEST (test_values)
{
  check_tensor ("red", TEST_HALF, 1);
  check_tensor ("classes", TEST_STRIPES, 4);
}

GST_END_TEST;

GST_START_TEST (test_off)
{
  GstHarness *h = test_rgb_harness ("red", NULL);
  GstBuffer *out = test_push (h, test_frame_at (h, TEST_HALF, 0));

  fail_unless (gst_buffer_get_tensor_meta (out) == NULL);
  gst_buffer_unref (out);
  test_harness_free (h);
}

GST_END_TEST;

/* A frame with an older mask has no tensors, because they are not its own. */
GST_START_TEST (test_own_masks_only)
{
  GstHarness *h = test_rgb_harness ("red", "tensors=true interval=2");

  for (guint i = 0; i < 6; i++) {
    GstBuffer *out = test_push (h, test_frame_at (h, TEST_HALF, i));

    fail_unless ((gst_buffer_get_tensor_meta (out) != NULL) == (i % 2 == 0));
    gst_buffer_unref (out);
  }
  test_harness_free (h);
}

GST_END_TEST;

/* Later runs leave tensors that are still in use as they are. */
GST_START_TEST (test_kept)
{
  GstHarness *h = test_rgb_harness ("red", "tensors=true");
  GstBuffer *first = test_push (h, test_flat_frame (h, 255)), *last;
  const GstTensor *tensor = gst_tensor_meta_get (tensors_of (first, 1), 0);
  gfloat value = 0, black = 1;

  for (guint i = 0; i < 8; i++)
    gst_buffer_unref (test_push (h, test_flat_frame (h, 0)));
  last = test_push (h, test_flat_frame (h, 0));
  gst_buffer_extract (tensor->data, 0, &value, sizeof (value));
  fail_unless (value > .9f, "%g", value);
  tensor = gst_tensor_meta_get (tensors_of (last, 1), 0);
  gst_buffer_extract (tensor->data, 0, &black, sizeof (black));
  fail_unless (black < .1f, "%g", black);
  gst_buffer_unref (last);
  gst_buffer_unref (first);
  test_harness_free (h);
}

GST_END_TEST;

/* All outputs are there, those that are states included. */
GST_START_TEST (test_several_outputs)
{
  GstHarness *h = test_rgb_harness ("memory", "tensors=true");
  GstBuffer *out = test_push (h, test_frame_at (h, TEST_HALF, 0));
  GstTensorMeta *meta = tensors_of (out, 2);

  fail_unless (
      gst_tensor_meta_get (meta, 0)->id != gst_tensor_meta_get (meta, 1)->id);
  gst_buffer_unref (out);
  test_harness_free (h);
}

GST_END_TEST;

/* Tiles are joined: the tensor is as large as the frame. */
GST_START_TEST (test_tiles)
{
  GstHarness *h = test_rgb_harness ("red", "tensors=true fit=tile");
  GstBuffer *out = test_push (h, test_frame_at (h, TEST_HALF, 0));
  static const gsize dims[] = { 1, 1, 48, 64 };

  assert_shape (gst_tensor_meta_get (tensors_of (out, 1), 0),
      GST_TENSOR_DATA_TYPE_FLOAT32, 4, dims);
  gst_buffer_unref (out);
  test_harness_free (h);
}

GST_END_TEST;

#else

GST_START_TEST (test_refused)
{
  GstElement *element = gst_element_factory_make ("unetseg", NULL);
  gboolean on = TRUE;

  g_object_set (element, "tensors", TRUE, NULL);
  assert_equals_int (gst_element_set_state (element, GST_STATE_PAUSED),
      GST_STATE_CHANGE_FAILURE);
  gst_element_set_state (element, GST_STATE_NULL);
  g_object_get (element, "tensors", &on, NULL);
  fail_if (on);
  g_object_set (element, "tensors", FALSE, NULL);
  assert_equals_int (gst_element_set_state (element, GST_STATE_PAUSED),
      GST_STATE_CHANGE_SUCCESS);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_object_unref (element);
}

GST_END_TEST;

#endif

static Suite *
tensors_suite (void)
{
  Suite *suite = suite_create ("tensors");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, test_watch_log, NULL);
#ifdef HAVE_GST_ANALYTICS
  tcase_add_test (tcase, test_values);
  tcase_add_test (tcase, test_off);
  tcase_add_test (tcase, test_own_masks_only);
  tcase_add_test (tcase, test_kept);
  tcase_add_test (tcase, test_several_outputs);
  tcase_add_test (tcase, test_tiles);
#else
  tcase_add_test (tcase, test_refused);
#endif
  return suite;
}

GST_CHECK_MAIN (tensors);
