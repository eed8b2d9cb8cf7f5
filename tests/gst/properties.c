/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every property does, seen from the pads. */

#include <gst/controller/gstdirectcontrolbinding.h>
#include <gst/controller/gstinterpolationcontrolsource.h>
#include <glib/gstdio.h>
#include <locale.h>

#include "common.h"

/* A frame of one colour; RGB or GRAY8. */
static GstBuffer *
flat_frame (GstHarness *h, guint8 value)
{
  GstBuffer *buffer = test_frame_at (h, TEST_BLACK, 0);

  gst_buffer_memset (buffer, 0, value, -1);
  return buffer;
}

/* The harness in its first form: 64x48 RGB. */
static GstHarness *
rgb_harness (const gchar *model, const gchar *properties)
{
  GstHarness *h = test_harness_new (model, properties);

  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, 64, 48);
  return h;
}

static GstBuffer *
push (GstHarness *h, GstBuffer *buffer)
{
  GstBuffer *out = gst_harness_push_and_pull (h, buffer);

  fail_unless (gst_buffer_get_unet_seg_meta (out) != NULL);
  return out;
}

static UnetSegMeta *
meta_of (GstBuffer *buffer)
{
  return gst_buffer_get_unet_seg_meta (buffer);
}

/* Class of the first pixel of a mask of a flat frame. */
static guint8
class_of_flat (const gchar *model, const gchar *properties, guint8 value)
{
  GstHarness *h = rgb_harness (model, properties);
  GstBuffer *out = push (h, flat_frame (h, value));
  guint8 class_id = test_class_at (meta_of (out), 0, 0);

  gst_buffer_unref (out);
  test_harness_free (h);
  return class_id;
}

/* Classes of the four stripes, as a number of four digits. */
static guint
classes_of_stripes (const gchar *properties)
{
  GstHarness *h = rgb_harness ("classes", properties);
  GstBuffer *out = push (h, test_frame_at (h, TEST_STRIPES, 0));
  UnetSegMeta *meta = meta_of (out);
  guint digits = 0;

  for (guint i = 0; i < 4; i++)
    digits = 10 * digits
        + test_class_at (meta, (2 * i + 1) * meta->width / 8, meta->height / 2);
  gst_buffer_unref (out);
  test_harness_free (h);
  return digits;
}

/* The pixel in the middle of the left half. */
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
  GstHarness *h = rgb_harness ("red", properties);
  GstBuffer *out = push (h, test_frame_at (h, TEST_HALF, 0));
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

GST_START_TEST (test_descriptions)
{
  GstElement *element = gst_element_factory_make ("unetseg", NULL);
  g_autofree GParamSpec **specs = NULL;
  guint n, own = 0;

  specs = g_object_class_list_properties (G_OBJECT_GET_CLASS (element), &n);
  for (guint i = 0; i < n; i++) {
    if (!g_str_has_prefix (g_type_name (specs[i]->owner_type), "GstUnet"))
      continue;
    own++;
    fail_unless (g_param_spec_get_nick (specs[i]) != NULL);
    fail_unless (strlen (g_param_spec_get_blurb (specs[i])) > 10);
    fail_unless (!(specs[i]->flags & G_PARAM_WRITABLE)
        || (specs[i]->flags
            & (GST_PARAM_MUTABLE_READY | GST_PARAM_MUTABLE_PLAYING)));
  }
  assert_equals_int (own, 45);
  gst_object_unref (element);
}

GST_END_TEST;

GST_START_TEST (test_defaults)
{
  GstElement *element = gst_element_factory_make ("unetseg", NULL);
  static const gchar *const unset[] = { "model", "colors", "input-name",
    "output-name", "input-size", "mean", "std", "labels" };
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

GST_START_TEST (test_nonsense)
{
  static const struct {
    const gchar *name, *good, *bad;
  } values[] = {
    { "input-size", "32x32", "wide" },
    { "input-size", "32x32", "-8x10" },
    { "mean", "1,2,3", "1,two,3" },
    { "std", "1,2,3", "1,0,1" },
    { "colors", "red", "person=reddish" },
    { "colors", "#123456", "#12345" },
  };
  GstElement *element = gst_element_factory_make ("unetseg", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (values); i++) {
    g_autofree gchar *text = NULL;

    g_object_set (element, values[i].name, values[i].good, NULL);
    GST_INFO ("%s=%s", values[i].name, values[i].bad);
    TEST_COMPLAINS (
        g_object_set (element, values[i].name, values[i].bad, NULL));
    g_object_get (element, values[i].name, &text, NULL);
    assert_equals_string (text, values[i].good);
  }
  gst_object_unref (element);
}

GST_END_TEST;

/* Text that was set can be unset. */
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
  out = push (h, test_frame_at (h, TEST_BLACK, 0));
  meta = meta_of (out);
  assert_equals_int (meta->n_classes, 2);
  fail_unless (meta->width >= 64 && meta->height >= 64);
  gst_buffer_unref (out);
  gst_harness_teardown (h);
  gst_object_unref (element);
}

GST_END_TEST;

GST_START_TEST (test_stats)
{
  GstHarness *h = rgb_harness ("red", "interval=2 threads=1");
  g_autoptr (GstStructure) stats = NULL;
  guint threads;

  for (guint i = 0; i < 5; i++)
    gst_buffer_unref (push (h, test_frame_at (h, TEST_HALF, i)));
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
  GstHarness *h = rgb_harness ("red", "threads=2");
  g_autoptr (GstStructure) stats = NULL;
  guint threads;

  gst_buffer_unref (push (h, test_frame_at (h, TEST_HALF, 0)));
  g_object_get (h->element, "stats", &stats, NULL);
  fail_unless (gst_structure_get_uint (stats, "threads", &threads));
  assert_equals_int (threads, 2);
  test_harness_free (h);
}

GST_END_TEST;

GST_START_TEST (test_interval)
{
  GstHarness *h = rgb_harness ("red", "interval=3 carry=false");

  for (guint i = 0; i < 9; i++) {
    /* The pictures alternate, the masks do not. */
    GstBuffer *out =
        push (h, test_frame_at (h, i % 3 ? TEST_BLACK : TEST_HALF, i));

    assert_equals_int (meta_of (out)->age_frames, i % 3);
    test_assert_halves (meta_of (out), 1, 0, 0);
    gst_buffer_unref (out);
  }
  /* A mask that is older than the new interval allows is made anew. */
  gst_buffer_unref (push (h, test_frame_at (h, TEST_HALF, 9)));
  g_object_set (h->element, "interval", 1, NULL);
  for (guint i = 10; i < 12; i++) {
    GstBuffer *out = push (h, test_frame_at (h, TEST_HALF, i));

    assert_equals_int (meta_of (out)->age_frames, 0);
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

/* With nothing to draw nobody's frame is copied. */
GST_START_TEST (test_zero_opacity_writes_nothing)
{
  GstHarness *h = rgb_harness ("red", "opacity=0");
  GstBuffer *in = test_frame_at (h, TEST_HALF, 0), *out;

  out = push (h, gst_buffer_ref (in));
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
  /* A number that is a label means the label. */
  assert_pixel (
      drawn_pixel ("opacity=1 labels=\"1,0\" colors=\"0=navy\""), 0x000080);
}

GST_END_TEST;

GST_START_TEST (test_colors_while_playing)
{
  GstHarness *h = rgb_harness ("red", "opacity=1 colors=red");
  GstBuffer *out = push (h, test_frame_at (h, TEST_HALF, 0));

  assert_pixel (left_pixel (out), 0xff0000);
  gst_buffer_unref (out);
  g_object_set (h->element, "colors", "green", NULL);
  out = push (h, test_frame_at (h, TEST_HALF, 1));
  assert_pixel (left_pixel (out), 0x008000);
  gst_buffer_unref (out);

  assert_equals_int (test_count_messages (h, GST_MESSAGE_WARNING), 0);
  g_object_set (h->element, "colors", "unicorn=red", NULL);
  for (guint i = 2; i < 4; i++)
    gst_buffer_unref (push (h, test_frame_at (h, TEST_HALF, i)));
  assert_equals_int (test_count_messages (h, GST_MESSAGE_WARNING), 1);
  test_harness_free (h);
}

GST_END_TEST;

GST_START_TEST (test_output_while_playing)
{
  GstHarness *h = rgb_harness ("red", "opacity=1 colors=red output=none");
  GstBuffer *out = push (h, test_frame_at (h, TEST_HALF, 0));

  assert_pixel (left_pixel (out), 0xffffff);
  gst_buffer_unref (out);
  gst_util_set_object_arg (G_OBJECT (h->element), "output", "overlay");
  out = push (h, test_frame_at (h, TEST_HALF, 1));
  assert_pixel (left_pixel (out), 0xff0000);
  gst_buffer_unref (out);
  gst_util_set_object_arg (G_OBJECT (h->element), "output", "none");
  out = push (h, test_frame_at (h, TEST_HALF, 2));
  assert_pixel (left_pixel (out), 0xffffff);
  gst_buffer_unref (out);
  test_harness_free (h);
}

GST_END_TEST;

/* 1000 * (127/255 - 1/2) is a logit of -2, a probability of 0.12. */
GST_START_TEST (test_threshold)
{
  assert_equals_int (class_of_flat ("red", "threshold=0.5", 127), 0);
  assert_equals_int (class_of_flat ("red", "threshold=0.1", 127), 1);
  assert_equals_int (class_of_flat ("red", "threshold=0.5", 128), 1);
  assert_equals_int (class_of_flat ("red", "threshold=0.9", 128), 0);
}

GST_END_TEST;

/* opacity from 0 to 1 within a second */
GST_START_TEST (test_controlled)
{
  GstHarness *h = rgb_harness ("red", "colors=black");
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
    GstBuffer *out = push (h, test_frame_at (h, TEST_HALF, i));
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

/* ---- the contract ----------------------------------------------------- */

GST_START_TEST (test_input_size)
{
  GstHarness *h = rgb_harness ("red-dynamic", "input-size=16x24");
  GstBuffer *out = push (h, test_frame_at (h, TEST_HALF, 0));

  assert_equals_int (meta_of (out)->width, 16);
  assert_equals_int (meta_of (out)->height, 24);
  test_assert_halves (meta_of (out), 1, 0, 0);
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
  out = push (harness, test_frame_at (harness, TEST_HALF, 0));
  meta = meta_of (out);
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
  assert_equals_int (class_of_flat ("red", "", 255), 1);
  assert_equals_int (class_of_flat ("red", "scale=0.0019", 255), 0);
  assert_equals_int (class_of_flat ("red", "scale=0.0021", 255), 1);
}

GST_END_TEST;

GST_START_TEST (test_mean_and_std)
{
  assert_equals_int (class_of_flat ("red", "mean=\"0.45,9,9\"", 255), 1);
  assert_equals_int (class_of_flat ("red", "mean=\"0.55,0,0\"", 255), 0);
  assert_equals_int (class_of_flat ("red", "std=\"1.9,9,9\"", 255), 1);
  assert_equals_int (class_of_flat ("red", "std=\"2.1,1,1\"", 255), 0);
  /* In RGB order whatever the network's is. */
  assert_equals_int (
      class_of_flat ("red", "color-order=bgr mean=\"0,0,0.55\"", 255), 0);
  assert_equals_int (
      class_of_flat ("red", "color-order=bgr mean=\"0.55,0,0\"", 255), 1);
}

GST_END_TEST;

GST_START_TEST (test_divide_by_max)
{
  assert_equals_int (class_of_flat ("red", "", 100), 0);
  assert_equals_int (class_of_flat ("red", "divide-by-max=true", 100), 1);
}

GST_END_TEST;

GST_START_TEST (test_layout)
{
  assert_equals_int (class_of_flat ("red-nhwc", "", 255), 1);
  assert_equals_int (class_of_flat ("red-nhwc", "layout=nhwc", 255), 1);
  assert_equals_int (class_of_flat ("red-nhwc", "layout=nhwc", 0), 0);
}

GST_END_TEST;

/* A sigmoid of what is a probability already: 0.5 for black, 0.73 for white. */
GST_START_TEST (test_activation)
{
  GstHarness *h = rgb_harness ("red", "activation=sigmoid threshold=0.6");
  GstBuffer *out = push (h, test_frame_at (h, TEST_HALF, 0));

  test_assert_halves (meta_of (out), 1, 0, 0);
  fail_unless (ABS (test_probability_at (meta_of (out), 0, 0) - 186) <= 1);
  fail_unless (ABS (test_probability_at (meta_of (out), 31, 0) - 128) <= 1);
  gst_buffer_unref (out);
  test_harness_free (h);
}

GST_END_TEST;

GST_START_TEST (test_foreground_class)
{
  GstHarness *h = rgb_harness ("classes", "foreground-class=2");
  GstBuffer *out = push (h, test_frame_at (h, TEST_STRIPES, 0));
  UnetSegMeta *meta = meta_of (out);

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
  GstHarness *h = rgb_harness ("red", "invert=true");
  GstBuffer *out = push (h, test_frame_at (h, TEST_HALF, 0));

  test_assert_halves (meta_of (out), 0, 1, 0);
  gst_buffer_unref (out);
  test_harness_free (h);
}

GST_END_TEST;

static void
assert_label (
    const gchar *model, const gchar *properties, guint id, const gchar *label)
{
  GstHarness *h = rgb_harness (model, properties);
  GstBuffer *out = push (h, test_frame_at (h, TEST_BLACK, 0));

  assert_equals_string (
      unet_seg_classes_get_label (meta_of (out)->classes, id), label);
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
      class_of_flat ("red", "input-name=input output-name=output", 255), 1);
  assert_equals_int (
      class_of_flat ("red", "input-name=0 output-name=0", 255), 1);
}

GST_END_TEST;

/* A copy of a model with a sidecar beside it. */
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
  out = push (h, test_frame_at (h, TEST_HALF, 0));
  gst_harness_teardown (h);
  g_unlink (path);
  g_unlink (beside);
  g_rmdir (folder);
  return out;
}

/* Properties, then the sidecar, then the model's metadata. */
GST_START_TEST (test_precedence)
{
  static const gchar *const sidecar =
      "[unetseg]\ninvert=true\nlabels=ground,sky\n";
  GstBuffer *out = push_with_sidecar ("red", sidecar, "");

  test_assert_halves (meta_of (out), 0, 1, 0);
  assert_equals_string (
      unet_seg_classes_get_label (meta_of (out)->classes, 1), "sky");
  gst_buffer_unref (out);

  out = push_with_sidecar ("red", sidecar, "invert=false");
  test_assert_halves (meta_of (out), 1, 0, 0);
  gst_buffer_unref (out);

  out = push_with_sidecar ("classes", "[unetseg]\nlabels=a,b,c,d\n", "");
  assert_equals_string (
      unet_seg_classes_get_label (meta_of (out)->classes, 3), "d");
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
  h = rgb_harness ("red", NULL);
  gst_element_set_state (h->element, GST_STATE_NULL);
  g_object_set (h->element, "scale", 1. / 512, "mean", "0.01,0.5,0.5", NULL);
  gst_element_set_state (h->element, GST_STATE_PLAYING);
  gst_harness_play (h);
  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, 64, 32);
  out = push (h, flat_frame (h, 255));
  assert_equals_int (test_class_at (meta_of (out), 0, 0), 0);
  gst_buffer_unref (out);
  g_object_get (h->element, "stats", &stats, NULL);
  fail_unless (
      strstr (gst_structure_get_string (stats, "contract"), "scale=0.001953125")
      != NULL);
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
  tcase_add_test (tcase, test_descriptions);
  tcase_add_test (tcase, test_defaults);
  tcase_add_test (tcase, test_round_trip);
  tcase_add_test (tcase, test_nonsense);
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
  tcase_add_test (tcase, test_locale);
  return suite;
}

GST_CHECK_MAIN (properties);
