/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests the properties of model, session and drawing through the pads. */

#include <gst/controller/gstdirectcontrolbinding.h>
#include <gst/controller/gstinterpolationcontrolsource.h>
#include <glib/gstdio.h>

#include "common.h"

/* Returns the pixel in the middle of the left half. */
static guint32
left_pixel (GstBuffer *buffer)
{
  guint8 rgb[3];

  gst_buffer_extract (buffer, 24 * 64 * 3 + 16 * 3, rgb, 3);
  return rgb[0] << 16 | rgb[1] << 8 | rgb[2];
}

static guint32
drawn_pixel (const gchar *properties)
{
  GstHarness *h = test_rgb_harness ("red", properties);
  GstBuffer *out = test_push (h, test_frame_at (h, TEST_HALF, 0));
  guint32 pixel = left_pixel (out);

  gst_buffer_unref (out);
  test_harness_free (h);
  return pixel;
}

static void
assert_pixel (guint32 pixel, guint32 expected)
{
  for (guint shift = 0; shift < 24; shift += 8)
    fail_unless (
        ABS ((gint) (pixel >> shift & 255) - (gint) (expected >> shift & 255))
            <= 1,
        "#%06x instead of #%06x", pixel, expected);
}

/* ---- all of them ------------------------------------------------------ */

/* Fails for an empty text and for a name in C, such as GST_UNET_SEG_LATE_RUN.
 */
static void
assert_described (const gchar *what, const gchar *text)
{
  fail_unless (text != NULL && strlen (text) > 1, "%s: no text", what);
  fail_if (g_regex_match_simple ("[A-Z0-9]_[A-Z0-9]", text, 0, 0),
      "%s: '%s' is a name in C", what, text);
}

/* Each value has a sentence for gst-inspect-1.0. */
static void
assert_values_are_described (GParamSpec *spec)
{
  const GEnumClass *values;

  if (!G_IS_PARAM_SPEC_ENUM (spec))
    return;
  values = G_PARAM_SPEC_ENUM (spec)->enum_class;
  fail_unless (values->n_values > 1);
  for (guint i = 0; i < values->n_values; i++) {
    assert_described (spec->name, values->values[i].value_name);
    fail_unless (strlen (values->values[i].value_nick) > 0);
    fail_if (g_str_equal (
                 values->values[i].value_nick, values->values[i].value_name),
        "%s: %s", spec->name, values->values[i].value_nick);
  }
}

/* A number says what it counts or measures, and a text what it is unset. */
static void
assert_has_unit (GParamSpec *spec)
{
  static const gchar units[] = "pixel|millisecond|frame|threads|class"
                               "|probability|opacity|fraction|factor|share";
  const gchar *blurb = g_param_spec_get_blurb (spec);

  if (G_IS_PARAM_SPEC_STRING (spec)
      && G_PARAM_SPEC_STRING (spec)->default_value == NULL)
    fail_unless (strstr (blurb, "(unset = ") != NULL
            || strstr (blurb, "; unset = ") != NULL,
        "%s: %s", spec->name, blurb);
  if (G_IS_PARAM_SPEC_INT (spec) || G_IS_PARAM_SPEC_UINT (spec)
      || G_IS_PARAM_SPEC_DOUBLE (spec))
    fail_unless (g_regex_match_simple (units, blurb, G_REGEX_CASELESS, 0),
        "%s: %s", spec->name, blurb);
}

static void
assert_property_is_described (GParamSpec *spec)
{
  assert_described (spec->name, g_param_spec_get_nick (spec));
  assert_described (spec->name, g_param_spec_get_blurb (spec));
  fail_unless (strlen (g_param_spec_get_blurb (spec)) > 10);
  assert_has_unit (spec);
  fail_unless (!(spec->flags & G_PARAM_WRITABLE)
      || (spec->flags & (GST_PARAM_MUTABLE_READY | GST_PARAM_MUTABLE_PLAYING)));
  assert_values_are_described (spec);
}

static const struct {
  const gchar *name, *klass;
  guint n_properties; /* of its own */
} elements[] = {
  { "unetseg", "Filter/Analyzer/Video", 56 },
  { "unetsegdraw", "Filter/Effect/Video", 19 },
};

GST_START_TEST (test_descriptions)
{
  GstElement *element = gst_element_factory_make (elements[__i__].name, NULL);
  g_autofree GParamSpec **specs = NULL;
  guint n, own = 0;

  specs = g_object_class_list_properties (G_OBJECT_GET_CLASS (element), &n);
  for (guint i = 0; i < n; i++) {
    if (!g_str_has_prefix (g_type_name (specs[i]->owner_type), "GstUnet"))
      continue;
    own++;
    assert_property_is_described (specs[i]);
  }
  assert_equals_int (own, elements[__i__].n_properties);
  gst_object_unref (element);
}

GST_END_TEST;

GST_START_TEST (test_metadata)
{
  static const gchar *const keys[] = { GST_ELEMENT_METADATA_LONGNAME,
    GST_ELEMENT_METADATA_DESCRIPTION, GST_ELEMENT_METADATA_AUTHOR };
  GstElement *element = gst_element_factory_make (elements[__i__].name, NULL);
  GstElementFactory *factory = gst_element_get_factory (element);

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    assert_described (
        keys[i], gst_element_factory_get_metadata (factory, keys[i]));
  assert_equals_string (
      gst_element_factory_get_metadata (factory, GST_ELEMENT_METADATA_KLASS),
      elements[__i__].klass);
  gst_object_unref (element);
}

GST_END_TEST;

static gboolean
assert_is_named (GQuark field, const GValue *value, gpointer text)
{
  g_autofree gchar *pattern =
      g_strdup_printf ("(^|[ :])%s($|[ ,;:.])", g_quark_to_string (field));

  fail_unless (g_regex_match_simple (pattern, text, 0, 0),
      "the statistics' description lacks '%s'", g_quark_to_string (field));
  return TRUE;
}

/* gst-inspect-1.0 names every field of the statistics. */
GST_START_TEST (test_stats_are_described)
{
  GstHarness *h = test_rgb_harness ("red", NULL);
  const GParamSpec *spec =
      g_object_class_find_property (G_OBJECT_GET_CLASS (h->element), "stats");
  g_autoptr (GstStructure) stats = NULL;

  gst_buffer_unref (test_push (h, test_frame_at (h, TEST_HALF, 0)));
  g_object_get (h->element, "stats", &stats, NULL);
  assert_equals_int (gst_structure_n_fields (stats), 17);
  gst_structure_foreach (stats, assert_is_named,
      (gpointer) g_param_spec_get_blurb ((GParamSpec *) spec));
  test_harness_free (h);
}

GST_END_TEST;

GST_START_TEST (test_defaults)
{
  GstElement *element = gst_element_factory_make ("unetseg", NULL);
  static const gchar *const unset[] = { "model", "colors", "input-name",
    "output-name", "input-size", "mean", "std", "labels",
    "background-channel" };
  gdouble opacity, threshold, scale;
  guint interval, threads;
  gint foreground;
  gboolean invert, divide;

  for (guint i = 0; i < G_N_ELEMENTS (unset); i++) {
    g_autofree gchar *text = NULL;

    g_object_get (element, unset[i], &text, NULL);
    fail_unless (text == NULL, "%s", unset[i]);
  }
  g_object_get (element, "opacity", &opacity, "threshold", &threshold, "scale",
      &scale, "interval", &interval, "threads", &threads, "foreground-class",
      &foreground, "invert", &invert, "divide-by-max", &divide, NULL);
  fail_unless_equals_float (opacity, .5);
  fail_unless_equals_float (threshold, .5);
  fail_unless_equals_float (scale, 1. / 255);
  assert_equals_int (interval, 1);
  assert_equals_int (threads, 0);
  assert_equals_int (foreground, -1);
  fail_if (invert || divide);
  gst_object_unref (element);
}

GST_END_TEST;

GST_START_TEST (test_round_trip)
{
  static const struct {
    const gchar *name, *value;
  } values[] = {
    { "model", "/some where/x.onnx" },
    { "output", "none" },
    { "opacity", "0.25" },
    { "threshold", "0.75" },
    { "colors", "person=#80ff0040,car=red" },
    { "interval", "7" },
    { "late", "run" },
    { "threads", "3" },
    { "input-name", "x" },
    { "output-name", "2" },
    { "input-size", "320x180" },
    { "fit", "letterbox" },
    { "layout", "nhwc" },
    { "color-order", "bgr" },
    { "scale", "0.0078125" },
    { "divide-by-max", "true" },
    { "mean", "0.5,0.25,0.125" },
    { "std", "1,2,4" },
    { "activation", "softmax" },
    { "foreground-class", "15" },
    { "invert", "true" },
    { "labels", "sky,sea" },
    { "background-channel", "last" },
  };
  GstElement *element = gst_element_factory_make ("unetseg", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (values); i++) {
    GParamSpec *spec = g_object_class_find_property (
        G_OBJECT_GET_CLASS (element), values[i].name);
    g_auto (GValue) value = G_VALUE_INIT, expected = G_VALUE_INIT;

    gst_util_set_object_arg (
        G_OBJECT (element), values[i].name, values[i].value);
    g_value_init (&value, spec->value_type);
    g_value_init (&expected, spec->value_type);
    fail_unless (gst_value_deserialize (&expected, values[i].value)
        || G_VALUE_HOLDS_STRING (&expected));
    if (G_VALUE_HOLDS_STRING (&expected))
      g_value_set_string (&expected, values[i].value);
    g_object_get_property (G_OBJECT (element), values[i].name, &value);
    assert_equals_int (g_param_values_cmp (spec, &value, &expected), 0);
  }
  gst_object_unref (element);
}

GST_END_TEST;

/* A text property can be unset with NULL. */
GST_START_TEST (test_unset)
{
  GstElement *element = gst_element_factory_make ("unetseg", NULL);
  g_autofree gchar *text = NULL;

  g_object_set (element, "input-size", "32x32", NULL);
  g_object_set (element, "input-size", NULL, NULL);
  g_object_get (element, "input-size", &text, NULL);
  fail_unless (text == NULL);
  gst_object_unref (element);
}

GST_END_TEST;

/* ---- model and session ------------------------------------------------ */

GST_START_TEST (test_built_in)
{
  GstElement *element = gst_element_factory_make ("unetseg", NULL);
  GstHarness *h = gst_harness_new_with_element (element, "sink", "src");
  GstBuffer *out;
  UnetSegMeta *meta;

  g_object_set (element, "async", FALSE, NULL);
  test_harness_set_format (h, GST_VIDEO_FORMAT_I420, 320, 240);
  out = test_push (h, test_frame_at (h, TEST_BLACK, 0));
  meta = gst_buffer_get_unet_seg_meta (out);
  assert_equals_int (meta->n_classes, 2);
  fail_unless (meta->width >= 64 && meta->height >= 64);
  gst_buffer_unref (out);
  gst_harness_teardown (h);
  gst_object_unref (element);
}

GST_END_TEST;

GST_START_TEST (test_stats)
{
  GstHarness *h = test_rgb_harness ("red", "interval=2 threads=1");
  g_autoptr (GstStructure) stats = NULL;
  guint threads;

  for (guint i = 0; i < 5; i++)
    gst_buffer_unref (test_push (h, test_frame_at (h, TEST_HALF, i)));
  assert_equals_uint64 (test_stat (h->element, "frames"), 5);
  assert_equals_uint64 (test_stat (h->element, "segmented"), 3);
  assert_equals_uint64 (test_stat (h->element, "reused"), 2);
  assert_equals_uint64 (test_stat (h->element, "late"), 0);
  fail_unless (test_stat (h->element, "inference-time-median") > 0);
  fail_unless (test_stat (h->element, "inference-time-p95")
      >= test_stat (h->element, "inference-time-median"));

  g_object_get (h->element, "stats", &stats, NULL);
  assert_equals_string (
      gst_structure_get_string (stats, "input-size"), "32x32");
  fail_unless (
      g_str_has_suffix (gst_structure_get_string (stats, "model"), "red.onnx"));
  fail_unless (
      strstr (gst_structure_get_string (stats, "contract"), "activation=none")
      != NULL);
  fail_unless (gst_structure_get_uint (stats, "threads", &threads));
  assert_equals_int (threads, 1);
  test_harness_free (h);
}

GST_END_TEST;

GST_START_TEST (test_threads)
{
  GstHarness *h = test_rgb_harness ("red", "threads=2");
  g_autoptr (GstStructure) stats = NULL;
  guint threads;

  gst_buffer_unref (test_push (h, test_frame_at (h, TEST_HALF, 0)));
  g_object_get (h->element, "stats", &stats, NULL);
  fail_unless (gst_structure_get_uint (stats, "threads", &threads));
  assert_equals_int (threads, 2);
  test_harness_free (h);
}

GST_END_TEST;

GST_START_TEST (test_interval)
{
  GstHarness *h = test_rgb_harness ("red", "interval=3 carry=false");

  for (guint i = 0; i < 9; i++) {
    /* The pictures alternate, but the masks stay. */
    GstBuffer *out =
        test_push (h, test_frame_at (h, i % 3 ? TEST_BLACK : TEST_HALF, i));

    assert_equals_int (gst_buffer_get_unet_seg_meta (out)->age_frames, i % 3);
    test_assert_halves (gst_buffer_get_unet_seg_meta (out), 1, 0, 0);
    gst_buffer_unref (out);
  }
  /* A mask that is older than the new interval is computed again. */
  gst_buffer_unref (test_push (h, test_frame_at (h, TEST_HALF, 9)));
  g_object_set (h->element, "interval", 1, NULL);
  for (guint i = 10; i < 12; i++) {
    GstBuffer *out = test_push (h, test_frame_at (h, TEST_HALF, i));

    assert_equals_int (gst_buffer_get_unet_seg_meta (out)->age_frames, 0);
    gst_buffer_unref (out);
  }
  test_harness_free (h);
}

GST_END_TEST;

/* ---- drawing ---------------------------------------------------------- */

GST_START_TEST (test_opacity)
{
  assert_pixel (drawn_pixel ("colors=red opacity=0"), 0xffffff);
  assert_pixel (drawn_pixel ("colors=red opacity=0.5"), 0xff8080);
  assert_pixel (drawn_pixel ("colors=red opacity=1"), 0xff0000);
}

GST_END_TEST;

/* With opacity=0 the element does not copy the frame. */
GST_START_TEST (test_zero_opacity_writes_nothing)
{
  GstHarness *h = test_rgb_harness ("red", "opacity=0");
  GstBuffer *in = test_frame_at (h, TEST_HALF, 0), *out;

  out = test_push (h, gst_buffer_ref (in));
  fail_unless (
      gst_buffer_peek_memory (in, 0) == gst_buffer_peek_memory (out, 0));
  gst_buffer_unref (out);
  gst_buffer_unref (in);
  test_harness_free (h);
}

GST_END_TEST;

GST_START_TEST (test_colors)
{
  assert_pixel (drawn_pixel ("opacity=1 colors=#204060"), 0x204060);
  assert_pixel (drawn_pixel ("opacity=1 colors=#80000000"), 0x7f7f7f);
  assert_pixel (drawn_pixel ("opacity=1 colors=0xff102030"), 0x102030);
  assert_pixel (drawn_pixel ("opacity=1 colors=transparent"), 0xffffff);
  assert_pixel (drawn_pixel ("opacity=1 colors=\"1=blue\""), 0x0000ff);
  assert_pixel (
      drawn_pixel (
          "opacity=1 labels=\"a,b\" colors=\" b = lime , a=transparent\""),
      0x00ff00);
  /* A number that is also a label selects the label. */
  assert_pixel (
      drawn_pixel ("opacity=1 labels=\"1,0\" colors=\"0=navy\""), 0x000080);
}

GST_END_TEST;

GST_START_TEST (test_colors_while_playing)
{
  GstHarness *h = test_rgb_harness ("red", "opacity=1 colors=red");
  GstBuffer *out = test_push (h, test_frame_at (h, TEST_HALF, 0));

  assert_pixel (left_pixel (out), 0xff0000);
  gst_buffer_unref (out);
  g_object_set (h->element, "colors", "green", NULL);
  out = test_push (h, test_frame_at (h, TEST_HALF, 1));
  assert_pixel (left_pixel (out), 0x008000);
  gst_buffer_unref (out);

  assert_equals_int (test_count_messages (h, GST_MESSAGE_WARNING), 0);
  g_object_set (h->element, "colors", "unicorn=red", NULL);
  for (guint i = 2; i < 4; i++)
    gst_buffer_unref (test_push (h, test_frame_at (h, TEST_HALF, i)));
  assert_equals_int (test_count_messages (h, GST_MESSAGE_WARNING), 1);
  test_harness_free (h);
}

GST_END_TEST;

GST_START_TEST (test_output_while_playing)
{
  GstHarness *h = test_rgb_harness ("red", "opacity=1 colors=red output=none");
  GstBuffer *out = test_push (h, test_frame_at (h, TEST_HALF, 0));

  assert_pixel (left_pixel (out), 0xffffff);
  gst_buffer_unref (out);
  gst_util_set_object_arg (G_OBJECT (h->element), "output", "overlay");
  out = test_push (h, test_frame_at (h, TEST_HALF, 1));
  assert_pixel (left_pixel (out), 0xff0000);
  gst_buffer_unref (out);
  gst_util_set_object_arg (G_OBJECT (h->element), "output", "none");
  out = test_push (h, test_frame_at (h, TEST_HALF, 2));
  assert_pixel (left_pixel (out), 0xffffff);
  gst_buffer_unref (out);
  test_harness_free (h);
}

GST_END_TEST;

/* The logit 1000 * (127/255 - 1/2) is -2, a probability of 0.12. */
GST_START_TEST (test_threshold)
{
  assert_equals_int (test_class_of_flat ("red", "threshold=0.5", 127), 0);
  assert_equals_int (test_class_of_flat ("red", "threshold=0.1", 127), 1);
  assert_equals_int (test_class_of_flat ("red", "threshold=0.5", 128), 1);
  assert_equals_int (test_class_of_flat ("red", "threshold=0.9", 128), 0);
}

GST_END_TEST;

/* The controller moves opacity from 0 to 1 within a second. */
GST_START_TEST (test_controlled)
{
  GstHarness *h = test_rgb_harness ("red", "colors=black");
  GstControlSource *source = gst_interpolation_control_source_new ();
  guint last = 256;

  g_object_set (source, "mode", GST_INTERPOLATION_MODE_LINEAR, NULL);
  fail_unless (gst_object_add_control_binding (GST_OBJECT (h->element),
      gst_direct_control_binding_new (
          GST_OBJECT (h->element), "opacity", source)));
  gst_timed_value_control_source_set (
      GST_TIMED_VALUE_CONTROL_SOURCE (source), 0, 0);
  gst_timed_value_control_source_set (
      GST_TIMED_VALUE_CONTROL_SOURCE (source), GST_SECOND, 1);
  for (guint i = 0; i <= 30; i += 5) {
    GstBuffer *out = test_push (h, test_frame_at (h, TEST_HALF, i));
    guint value = left_pixel (out) & 255;

    fail_unless (value < last);
    fail_unless (ABS ((gint) value - (gint) (255 - 255 * i / 30)) <= 1);
    last = value;
    gst_buffer_unref (out);
  }
  gst_object_unref (source);
  test_harness_free (h);
}

GST_END_TEST;

static Suite *
properties_suite (void)
{
  Suite *suite = suite_create ("properties");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, test_watch_log, NULL);
  tcase_add_loop_test (tcase, test_descriptions, 0, G_N_ELEMENTS (elements));
  tcase_add_loop_test (tcase, test_metadata, 0, G_N_ELEMENTS (elements));
  tcase_add_test (tcase, test_stats_are_described);
  tcase_add_test (tcase, test_defaults);
  tcase_add_test (tcase, test_round_trip);
  tcase_add_test (tcase, test_unset);
  tcase_add_test (tcase, test_built_in);
  tcase_add_test (tcase, test_stats);
  tcase_add_test (tcase, test_threads);
  tcase_add_test (tcase, test_interval);
  tcase_add_test (tcase, test_opacity);
  tcase_add_test (tcase, test_zero_opacity_writes_nothing);
  tcase_add_test (tcase, test_colors);
  tcase_add_test (tcase, test_colors_while_playing);
  tcase_add_test (tcase, test_output_while_playing);
  tcase_add_test (tcase, test_threshold);
  tcase_add_test (tcase, test_controlled);
  return suite;
}

GST_CHECK_MAIN (properties);
