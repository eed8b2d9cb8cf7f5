/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests the properties of the contract between model and frame through the
 * pads. */

#include <glib/gstdio.h>
#include <locale.h>

#include "common.h"

/* Returns the classes of the four stripes as a number of four digits. */
static guint
classes_of_stripes (const gchar *properties)
{
  GstHarness *h = test_rgb_harness ("classes", properties);
  GstBuffer *out = test_push (h, test_frame_at (h, TEST_STRIPES, 0));
  UnetSegMeta *meta = gst_buffer_get_unet_seg_meta (out);
  guint digits = 0;

  for (guint i = 0; i < 4; i++)
    digits = 10 * digits
        + test_class_at (meta, (2 * i + 1) * meta->width / 8, meta->height / 2);
  gst_buffer_unref (out);
  test_harness_free (h);
  return digits;
}

GST_START_TEST (test_input_size)
{
  GstHarness *h = test_rgb_harness ("red-dynamic", "input-size=16x24");
  GstBuffer *out = test_push (h, test_frame_at (h, TEST_HALF, 0));

  assert_equals_int (gst_buffer_get_unet_seg_meta (out)->width, 16);
  assert_equals_int (gst_buffer_get_unet_seg_meta (out)->height, 24);
  test_assert_halves (gst_buffer_get_unet_seg_meta (out), 1, 0, 0);
  gst_buffer_unref (out);
  test_harness_free (h);
}

GST_END_TEST;

static void
assert_fit (const gchar *fit, guint width, guint height, guint mask_width,
    guint mask_height, gdouble x, gdouble y, gdouble w, gdouble h)
{
  g_autofree gchar *properties = g_strdup_printf ("fit=%s", fit);
  GstHarness *harness = test_harness_new ("red", properties);
  GstBuffer *out;
  UnetSegMeta *meta;

  test_harness_set_format (harness, GST_VIDEO_FORMAT_RGB, width, height);
  out = test_push (harness, test_frame_at (harness, TEST_HALF, 0));
  meta = gst_buffer_get_unet_seg_meta (out);
  assert_equals_int (meta->width, mask_width);
  assert_equals_int (meta->height, mask_height);
  fail_unless_equals_float (meta->x, x);
  fail_unless_equals_float (meta->y, y);
  fail_unless_equals_float (meta->w, w);
  fail_unless_equals_float (meta->h, h);
  test_assert_halves (meta, 1, 0, 1);
  gst_buffer_unref (out);
  test_harness_free (harness);
}

GST_START_TEST (test_fit)
{
  assert_fit ("stretch", 128, 64, 32, 32, 0, 0, 128, 64);
  assert_fit ("letterbox", 128, 64, 32, 16, 0, 0, 128, 64);
  assert_fit ("letterbox", 64, 128, 16, 32, 0, 0, 64, 128);
  assert_fit ("crop", 128, 64, 32, 32, 32, 0, 64, 64);
  assert_fit ("crop", 64, 128, 32, 32, 0, 32, 64, 64);
}

GST_END_TEST;

GST_START_TEST (test_color_order)
{
  assert_equals_int (classes_of_stripes (""), 123);
  assert_equals_int (classes_of_stripes ("color-order=rgb"), 123);
  assert_equals_int (classes_of_stripes ("color-order=bgr"), 321);
}

GST_END_TEST;

GST_START_TEST (test_scale)
{
  assert_equals_int (test_class_of_flat ("red", "", 255), 1);
  assert_equals_int (test_class_of_flat ("red", "scale=0.0019", 255), 0);
  assert_equals_int (test_class_of_flat ("red", "scale=0.0021", 255), 1);
}

GST_END_TEST;

GST_START_TEST (test_mean_and_std)
{
  assert_equals_int (test_class_of_flat ("red", "mean=\"0.45,9,9\"", 255), 1);
  assert_equals_int (test_class_of_flat ("red", "mean=\"0.55,0,0\"", 255), 0);
  assert_equals_int (test_class_of_flat ("red", "std=\"1.9,9,9\"", 255), 1);
  assert_equals_int (test_class_of_flat ("red", "std=\"2.1,1,1\"", 255), 0);
  /* The means are in the order RGB, whatever the network's order. */
  assert_equals_int (
      test_class_of_flat ("red", "color-order=bgr mean=\"0,0,0.55\"", 255), 0);
  assert_equals_int (
      test_class_of_flat ("red", "color-order=bgr mean=\"0.55,0,0\"", 255), 1);
}

GST_END_TEST;

GST_START_TEST (test_divide_by_max)
{
  assert_equals_int (test_class_of_flat ("red", "", 100), 0);
  assert_equals_int (test_class_of_flat ("red", "divide-by-max=true", 100), 1);
}

GST_END_TEST;

GST_START_TEST (test_layout)
{
  assert_equals_int (test_class_of_flat ("red-nhwc", "", 255), 1);
  assert_equals_int (test_class_of_flat ("red-nhwc", "layout=nhwc", 255), 1);
  assert_equals_int (test_class_of_flat ("red-nhwc", "layout=nhwc", 0), 0);
}

GST_END_TEST;

/* A second sigmoid turns the probability 0 of black into 0.5 and the 1 of white
 * into 0.73. */
GST_START_TEST (test_activation)
{
  GstHarness *h = test_rgb_harness ("red", "activation=sigmoid threshold=0.6");
  GstBuffer *out = test_push (h, test_frame_at (h, TEST_HALF, 0));

  test_assert_halves (gst_buffer_get_unet_seg_meta (out), 1, 0, 0);
  fail_unless (
      ABS (test_probability_at (gst_buffer_get_unet_seg_meta (out), 0, 0) - 186)
      <= 1);
  fail_unless (
      ABS (
          test_probability_at (gst_buffer_get_unet_seg_meta (out), 31, 0) - 128)
      <= 1);
  gst_buffer_unref (out);
  test_harness_free (h);
}

GST_END_TEST;

GST_START_TEST (test_foreground_class)
{
  GstHarness *h = test_rgb_harness ("classes", "foreground-class=2");
  GstBuffer *out = test_push (h, test_frame_at (h, TEST_STRIPES, 0));
  UnetSegMeta *meta = gst_buffer_get_unet_seg_meta (out);

  assert_equals_int (meta->n_classes, 2);
  assert_equals_string (
      unet_seg_classes_get_label (meta->classes, 0), "background");
  assert_equals_string (unet_seg_classes_get_label (meta->classes, 1), "green");
  gst_buffer_unref (out);
  test_harness_free (h);
  assert_equals_int (classes_of_stripes ("foreground-class=2"), 10);
  assert_equals_int (classes_of_stripes ("foreground-class=0"), 1000);
}

GST_END_TEST;

GST_START_TEST (test_invert)
{
  GstHarness *h = test_rgb_harness ("red", "invert=true");
  GstBuffer *out = test_push (h, test_frame_at (h, TEST_HALF, 0));

  test_assert_halves (gst_buffer_get_unet_seg_meta (out), 0, 1, 0);
  gst_buffer_unref (out);
  test_harness_free (h);
}

GST_END_TEST;

static void
assert_label (
    const gchar *model, const gchar *properties, guint id, const gchar *label)
{
  GstHarness *h = test_rgb_harness (model, properties);
  GstBuffer *out = test_push (h, test_frame_at (h, TEST_BLACK, 0));

  assert_equals_string (unet_seg_classes_get_label (
                            gst_buffer_get_unet_seg_meta (out)->classes, id),
      label);
  gst_buffer_unref (out);
  test_harness_free (h);
}

GST_START_TEST (test_labels)
{
  assert_label ("classes", "", 3, "blue");
  assert_label ("classes", "labels=\"nothing,rot,grün\"", 2, "grün");
  assert_label ("red", "labels=\"wall,door\"", 1, "door");
}

GST_END_TEST;

GST_START_TEST (test_tensor_names)
{
  assert_equals_int (
      test_class_of_flat ("red", "input-name=input output-name=output", 255),
      1);
  assert_equals_int (
      test_class_of_flat ("red", "input-name=0 output-name=0", 255), 1);
}

GST_END_TEST;

/* Pushes a frame through a copy of the model that has a sidecar. */
static GstBuffer *
push_with_sidecar (
    const gchar *model, const gchar *sidecar, const gchar *properties)
{
  g_autofree gchar *folder = g_dir_make_tmp ("unetseg-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (folder, "m.onnx", NULL);
  g_autofree gchar *beside = g_build_filename (folder, "m.modelinfo", NULL);
  g_autofree gchar *original = test_model (model), *data = NULL;
  g_autofree gchar *launch =
      g_strdup_printf ("unetseg async=false model=\"%s\" %s", path, properties);
  GstBuffer *out;
  GstHarness *h;
  gsize size;

  fail_unless (g_file_get_contents (original, &data, &size, NULL));
  fail_unless (g_file_set_contents (path, data, size, NULL));
  fail_unless (g_file_set_contents (beside, sidecar, -1, NULL));
  h = gst_harness_new_parse (launch);
  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, 64, 48);
  out = test_push (h, test_frame_at (h, TEST_HALF, 0));
  gst_harness_teardown (h);
  g_unlink (path);
  g_unlink (beside);
  g_rmdir (folder);
  return out;
}

/* Returns the colours of the first classes, joined by commas. */
static gchar *
colors_of (GstBuffer *frame, guint n)
{
  const UnetSegClasses *classes = gst_buffer_get_unet_seg_meta (frame)->classes;
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "%s%08x", i > 0 ? "," : "",
        unet_seg_classes_get_color (classes, i));
  return g_string_free (text, FALSE);
}

/* The model's colours are those of its classes, by name, number and order. */
GST_START_TEST (test_model_colors)
{
  static const struct {
    const gchar *colors, *properties, *expected;
  } cases[] = {
    { "blue=#0000fe,red=#80fe0000,2=#00fe00", "",
        "00000000,80fe0000,ff00fe00,ff0000fe" },
    { "#010203,navy", "", "00000000,ff010203,ff000080," },
    { "nobody=#010203,red=white,background=black", "", "ff000000,ffffffff," },
    { "blue=#0000fe,red=#fe0000", "foreground-class=3", "00000000,ff0000fe" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *sidecar =
        g_strdup_printf ("[unetseg]\ncolors=%s\n", cases[i].colors);
    GstBuffer *out =
        push_with_sidecar ("classes", sidecar, cases[i].properties);
    g_autofree gchar *found =
        colors_of (out, gst_buffer_get_unet_seg_meta (out)->n_classes);

    fail_unless (
        g_str_has_prefix (found, cases[i].expected), "case %u: %s", i, found);
    gst_buffer_unref (out);
  }
}

GST_END_TEST;

/* Properties override the sidecar, which overrides the model's metadata. */
GST_START_TEST (test_precedence)
{
  static const gchar *const sidecar =
      "[unetseg]\ninvert=true\nlabels=ground,sky\n";
  GstBuffer *out = push_with_sidecar ("red", sidecar, "");

  test_assert_halves (gst_buffer_get_unet_seg_meta (out), 0, 1, 0);
  assert_equals_string (unet_seg_classes_get_label (
                            gst_buffer_get_unet_seg_meta (out)->classes, 1),
      "sky");
  gst_buffer_unref (out);

  out = push_with_sidecar ("red", sidecar, "invert=false");
  test_assert_halves (gst_buffer_get_unet_seg_meta (out), 1, 0, 0);
  gst_buffer_unref (out);

  out = push_with_sidecar ("classes", "[unetseg]\nlabels=a,b,c,d\n", "");
  assert_equals_string (unet_seg_classes_get_label (
                            gst_buffer_get_unet_seg_meta (out)->classes, 3),
      "d");
  gst_buffer_unref (out);
}

GST_END_TEST;

/* Numbers mean the same under a locale with a decimal comma. */
GST_START_TEST (test_locale)
{
  GstHarness *h;
  g_autoptr (GstStructure) stats = NULL;
  GstBuffer *out;

  if (!setlocale (LC_ALL, "de_DE.UTF-8"))
    GST_INFO ("no German locale here, passing in this one");
  h = test_rgb_harness ("red", NULL);
  gst_element_set_state (h->element, GST_STATE_NULL);
  g_object_set (h->element, "scale", 1. / 512, "mean", "0.01,0.5,0.5", NULL);
  gst_element_set_state (h->element, GST_STATE_PLAYING);
  gst_harness_play (h);
  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, 64, 32);
  out = test_push (h, test_flat_frame (h, 255));
  assert_equals_int (
      test_class_at (gst_buffer_get_unet_seg_meta (out), 0, 0), 0);
  gst_buffer_unref (out);
  g_object_get (h->element, "stats", &stats, NULL);
  fail_unless (
      strstr (gst_structure_get_string (stats, "contract"), "scale=0.001953125")
      != NULL);
  test_harness_free (h);
}

GST_END_TEST;

static Suite *
contract_suite (void)
{
  Suite *suite = suite_create ("contract");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, test_watch_log, NULL);
  tcase_add_test (tcase, test_input_size);
  tcase_add_test (tcase, test_fit);
  tcase_add_test (tcase, test_color_order);
  tcase_add_test (tcase, test_scale);
  tcase_add_test (tcase, test_mean_and_std);
  tcase_add_test (tcase, test_divide_by_max);
  tcase_add_test (tcase, test_layout);
  tcase_add_test (tcase, test_activation);
  tcase_add_test (tcase, test_foreground_class);
  tcase_add_test (tcase, test_invert);
  tcase_add_test (tcase, test_labels);
  tcase_add_test (tcase, test_tensor_names);
  tcase_add_test (tcase, test_precedence);
  tcase_add_test (tcase, test_model_colors);
  tcase_add_test (tcase, test_locale);
  return suite;
}

GST_CHECK_MAIN (contract);
