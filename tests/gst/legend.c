/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests the legend: names and colours of classes in a corner. */

#include <frame/draw/palette.h>

#include "common.h"

#ifdef HAVE_PANGO

#define WIDTH  320
#define HEIGHT 240

/* ---- frames ------------------------------------------------------------ */

typedef struct {
  GstVideoInfo info;
  GstHarness *h;
} Fixture;

static void
open_fixture (Fixture *f, const gchar *properties, const GstVideoInfo *info)
{
  g_autofree gchar *element =
      g_strdup_printf ("unetsegdraw opacity=0.5 %s", properties);

  f->info = *info;
  f->h = gst_harness_new_parse (element);
  gst_harness_set_caps (f->h, gst_video_info_to_caps (&f->info),
      gst_video_info_to_caps (&f->info));
}

static void
open_rgb (Fixture *f, const gchar *properties)
{
  GstVideoInfo info;

  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_RGB, WIDTH, HEIGHT);
  open_fixture (f, properties, &info);
}

static void
close_fixture (Fixture *f)
{
  gst_harness_teardown (f->h);
}

/* Returns a frame with a mask of @n pixels in a row in its lower half, the
 * classes 0 to n - 1 in order, and what the element makes of it. */
static GstBuffer *
push (Fixture *f, UnetSegClasses *classes, const guint8 *ids, guint n)
{
  GstBuffer *frame =
      gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&f->info), NULL);
  GstBuffer *class_map = gst_buffer_new_allocate (NULL, n, NULL);
  GstBuffer *probability = gst_buffer_new_allocate (NULL, n, NULL);
  UnetSegMeta *meta;

  gst_buffer_memset (frame, 0, 2, -1); /* dark, in 10 bits as well */
  gst_buffer_fill (class_map, 0, ids, n);
  gst_buffer_memset (probability, 0, 255, -1);
  meta = gst_buffer_add_unet_seg_meta (
      frame, classes, class_map, probability, n, 1);
  meta->y = f->info.height / 2;
  meta->w = f->info.width;
  meta->h = f->info.height / 2;
  gst_buffer_unref (class_map);
  gst_buffer_unref (probability);
  return gst_harness_push_and_pull (f->h, frame);
}

static GstBuffer *
push_plain (const GstVideoInfo *info, UnetSegClasses *classes,
    const guint8 *ids, guint n)
{
  GstBuffer *frame;
  Fixture f;

  open_fixture (&f, "", info);
  frame = push (&f, classes, ids, n);
  close_fixture (&f);
  return frame;
}

/* ---- looking ----------------------------------------------------------- */

typedef struct {
  guint left, top, right, bottom;
} Box;

/* Finds where two frames differ; no right where they are equal. */
static Box
find_difference (const GstVideoInfo *info, GstBuffer *a, GstBuffer *b)
{
  guint size;
  g_autofree guint8 *first = test_unpack (info, a, &size);
  g_autofree guint8 *second = test_unpack (info, b, &size);
  Box box = { G_MAXUINT, G_MAXUINT, 0, 0 };

  for (guint y = 0; y < (guint) info->height; y++)
    for (guint x = 0; x < (guint) info->width; x++) {
      const gsize at = ((gsize) y * info->width + x) * size;

      if (memcmp (first + at, second + at, size) == 0)
        continue;
      box.left = MIN (box.left, x);
      box.top = MIN (box.top, y);
      box.right = MAX (box.right, x + 1);
      box.bottom = MAX (box.bottom, y + 1);
    }
  return box;
}

static UnetSegClasses *
new_classes (void)
{
  static const gchar *const labels[] = { "background", "road", "car", "tree",
    "a very long name that has no room on half of the width of such a frame" };

  return unet_seg_classes_new ("test", 5, labels);
}

/* The box that the legend of these classes covers. */
static Box
find_legend (const gchar *properties, UnetSegClasses *classes,
    const guint8 *ids, guint n)
{
  g_autofree gchar *all = g_strdup_printf ("legend=true %s", properties);
  GstBuffer *with, *without;
  Fixture f;
  Box box;

  open_rgb (&f, all);
  with = push (&f, classes, ids, n);
  close_fixture (&f);
  open_rgb (&f, properties);
  without = push (&f, classes, ids, n);
  close_fixture (&f);
  box = find_difference (&f.info, with, without);
  gst_buffer_unref (with);
  gst_buffer_unref (without);
  return box;
}

/* ---- tests ------------------------------------------------------------- */

/* A line for each class that is drawn, and none for others. */
GST_START_TEST (test_lines)
{
  static const struct {
    const gchar *properties;
    guint8 ids[4];
    guint lines;
  } cases[] = { { "", { 0, 0, 0, 0 }, 0 }, { "", { 0, 1, 1, 0 }, 1 },
    { "", { 0, 3, 1, 0 }, 2 }, { "", { 1, 2, 3, 4 }, 4 },
    { "colors=road=transparent", { 1, 2, 3, 4 }, 3 },
    { "colors=background=red", { 0, 1, 2, 2 }, 3 },
    { "opacity=0", { 0, 1, 2, 3 }, 0 }, { "output=blur", { 0, 1, 2, 3 }, 0 },
    { "enabled=false", { 0, 1, 2, 3 }, 0 } };
  UnetSegClasses *classes = new_classes ();
  const Box one = find_legend ("", classes, cases[1].ids, 4);
  const guint line = HEIGHT / 16; /* 15 pixels */

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const Box box = find_legend (cases[i].properties, classes, cases[i].ids, 4);

    if (cases[i].lines == 0) {
      assert_equals_int (box.right, 0);
      continue;
    }
    fail_unless (ABS ((gint) (box.bottom - one.bottom)
                     - (gint) ((cases[i].lines - 1) * line))
            <= 1,
        "case %u: from %u to %u", i, box.top, box.bottom);
    fail_unless (box.left == one.left && box.top == one.top && box.left > 0);
    fail_unless (box.right <= WIDTH / 2 && box.bottom <= HEIGHT);
  }
  unet_seg_classes_unref (classes);
}
GST_END_TEST;

static void
recolor (Fixture *f, const gchar *colors)
{
  GstElement *element = gst_harness_find_element (f->h, "unetsegdraw");

  g_object_set (element, "colors", colors, NULL);
  gst_object_unref (element);
}

/* It follows the classes from frame to frame, and colours that change. */
GST_START_TEST (test_changes)
{
  static const guint8 frames[][2] = { { 1, 0 }, { 1, 2 }, { 0, 0 }, { 1, 2 },
    { 2, 0 } };
  UnetSegClasses *classes = new_classes ();
  Fixture f;

  open_rgb (&f, "legend=true");
  for (guint i = 0; i < 2 * G_N_ELEMENTS (frames); i++) {
    const guint8 *ids = frames[i % G_N_ELEMENTS (frames)];
    GstBuffer *out, *fresh;
    Fixture other;

    if (i == G_N_ELEMENTS (frames))
      recolor (&f, "red,transparent");
    open_rgb (&other,
        i < G_N_ELEMENTS (frames) ? "legend=true"
                                  : "legend=true colors=red,transparent");
    out = push (&f, classes, ids, 2);
    fresh = push (&other, classes, ids, 2);
    assert_equals_int (find_difference (&f.info, out, fresh).right, 0);
    gst_buffer_unref (out);
    gst_buffer_unref (fresh);
    close_fixture (&other);
  }
  close_fixture (&f);
  unet_seg_classes_unref (classes);
}
GST_END_TEST;

static void
rgb_at (GstBuffer *frame, guint x, guint y, guint8 rgb[3])
{
  gst_buffer_extract (frame, 3 * (y * WIDTH + x), rgb, 3);
}

/* The square beside a name has its class's colour, whatever the opacity. */
GST_START_TEST (test_colors)
{
  static const guint8 ids[] = { 1, 3, 0, 0 };
  UnetSegClasses *classes = new_classes ();
  const guint32 expected[] = { 0x123456, unet_palette_default (3) & 0xffffff };
  GstBuffer *out;
  Fixture f;

  open_rgb (&f, "legend=true opacity=0.1 colors=road=#80123456");
  out = push (&f, classes, ids, 4);
  for (guint i = 0; i < 2; i++) {
    guint8 rgb[3];

    rgb_at (out, 18, 20 + 15 * i, rgb);
    fail_unless ((guint32) (rgb[0] << 16 | rgb[1] << 8 | rgb[2]) == expected[i],
        "%u: %02x%02x%02x", i, rgb[0], rgb[1], rgb[2]);
  }
  gst_buffer_unref (out);
  close_fixture (&f);
  unet_seg_classes_unref (classes);
}
GST_END_TEST;

/* Classes come with the model's colours, which other names leave as they are
 * and the property `colors` overrides. */
GST_START_TEST (test_model_colors)
{
  static const guint8 ids[] = { 1, 2, 0, 0 };
  static const guint32 colors[] = { 0, 0xff102030, 0xff405060 };
  static const struct {
    const gchar *properties;
    guint32 first, second;
  } cases[] = { { "", 0x102030, 0x405060 },
    { "labels=a,b,c", 0x102030, 0x405060 },
    { "labels=a,b,c colors=c=#010203", 0x102030, 0x010203 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    UnetSegClasses *classes =
        unet_seg_classes_new_colored ("test", 3, NULL, colors);
    g_autofree gchar *all =
        g_strdup_printf ("legend=true opacity=0.1 %s", cases[i].properties);
    GstBuffer *out;
    Fixture f;

    open_rgb (&f, all);
    out = push (&f, classes, ids, 4);
    for (guint line = 0; line < 2; line++) {
      const guint32 expected = line ? cases[i].second : cases[i].first;
      guint8 rgb[3];

      rgb_at (out, 18, 20 + 15 * line, rgb);
      fail_unless ((guint32) (rgb[0] << 16 | rgb[1] << 8 | rgb[2]) == expected,
          "%u, %u: %02x%02x%02x", i, line, rgb[0], rgb[1], rgb[2]);
    }
    gst_buffer_unref (out);
    close_fixture (&f);
    unet_seg_classes_unref (classes);
  }
}
GST_END_TEST;

static const GstVideoFormat formats[] = { GST_VIDEO_FORMAT_I420,
  GST_VIDEO_FORMAT_NV12, GST_VIDEO_FORMAT_YUY2, GST_VIDEO_FORMAT_Y444,
  GST_VIDEO_FORMAT_GRAY8, GST_VIDEO_FORMAT_GRAY16_LE, GST_VIDEO_FORMAT_BGRx,
  GST_VIDEO_FORMAT_RGBA, GST_VIDEO_FORMAT_RGB16, GST_VIDEO_FORMAT_P010_10LE,
  GST_VIDEO_FORMAT_I422_10LE, GST_VIDEO_FORMAT_v210, GST_VIDEO_FORMAT_AYUV64,
  GST_VIDEO_FORMAT_GBR_12LE, GST_VIDEO_FORMAT_Y41B, GST_VIDEO_FORMAT_YUV9 };

/* Counts bright pixels of the first component, of 0..255 or 0..65535. */
static guint
count_bright (
    const GstVideoInfo *info, const guint8 *pixels, guint size, const Box *box)
{
  guint n = 0;

  for (guint y = box->top; y < box->bottom; y++)
    for (guint x = box->left; x < box->right; x++) {
      const guint8 *pixel = pixels + ((gsize) y * info->width + x) * size;
      const guint value = size == 8 ? ((const guint16 *) pixel)[1] >> 8
                                    : pixel[1];

      n += value > 200;
    }
  return n;
}

/* The same letters in every format, and the rest of the frame stays as it
 * is. */
GST_START_TEST (test_formats)
{
  static const guint8 ids[] = { 1, 2, 0, 0 };
  UnetSegClasses *classes = new_classes ();
  guint first = 0;

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    const gchar *name = gst_video_format_to_string (formats[i]);
    guint size, bright;
    g_autofree guint8 *pixels = NULL;
    GstBuffer *with, *without;
    GstVideoInfo info;
    Fixture f;
    Box box;

    gst_video_info_set_format (&info, formats[i], WIDTH, HEIGHT);
    open_fixture (&f, "legend=true", &info);
    with = push (&f, classes, ids, 4);
    close_fixture (&f);
    without = push_plain (&info, classes, ids, 4);
    box = find_difference (&info, with, without);
    fail_unless (box.right > 40 && box.right < WIDTH / 2 && box.top < 16
            && box.bottom < 60,
        "%s: %u to %u, %u to %u", name, box.left, box.right, box.top,
        box.bottom);
    pixels = test_unpack (&info, with, &size);
    bright = count_bright (&info, pixels, size, &box);
    if (i == 0)
      first = bright;
    fail_unless (bright > 60 && bright < 2 * first && 2 * bright > first,
        "%s: %u bright pixels", name, bright);
    gst_buffer_unref (with);
    gst_buffer_unref (without);
  }
  unet_seg_classes_unref (classes);
}
GST_END_TEST;

/* Letters are as bright as a class in white is: graphics white in HDR. */
GST_START_TEST (test_hdr)
{
  static const gchar *const colorimetries[] = { "bt2100-pq", "bt2100-hlg" };
  static const guint8 ids[] = { 1, 1, 1, 0 };
  UnetSegClasses *classes = new_classes ();

  for (guint i = 0; i < G_N_ELEMENTS (colorimetries); i++) {
    guint16 brightest = 0, white;
    g_autofree guint8 *pixels = NULL;
    GstVideoInfo info;
    GstBuffer *out;
    guint size;
    Fixture f;

    gst_video_info_set_format (
        &info, GST_VIDEO_FORMAT_Y444_10LE, WIDTH, HEIGHT);
    fail_unless (gst_video_colorimetry_from_string (
        &info.colorimetry, colorimetries[i]));
    open_fixture (&f, "legend=true opacity=1 colors=road=white", &info);
    out = push (&f, classes, ids, 4);
    pixels = test_unpack (&info, out, &size);
    white = ((const guint16 *) (pixels + size * (WIDTH * 180 + 40)))[1];
    for (guint y = 0; y < HEIGHT / 4; y++)
      for (guint x = 30; x < WIDTH / 2; x++)
        brightest = MAX (brightest,
            ((const guint16 *) (pixels + size * (WIDTH * y + x)))[1]);
    fail_unless (white >> 6 > 300 && brightest == white, "%s: %u and %u",
        colorimetries[i], brightest >> 6, white >> 6);
    gst_buffer_unref (out);
    close_fixture (&f);
  }
  unet_seg_classes_unref (classes);
}
GST_END_TEST;

/* Frames of any size and shape, and pixels that are not square. */
GST_START_TEST (test_sizes)
{
  static const guint sizes[][4] = { { 1, 1, 1, 1 }, { 40, 30, 1, 1 },
    { 4000, 20, 1, 1 }, { 17, 3000, 1, 1 }, { 161, 121, 1, 1 },
    { 320, 240, 1, 100 }, { 320, 240, 100, 1 }, { 720, 576, 16, 15 } };
  static const guint8 ids[] = { 1, 2, 3, 4 };
  UnetSegClasses *classes = new_classes ();

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    GstBuffer *with, *without;
    GstVideoInfo info;
    Fixture f;
    Box box;

    gst_video_info_set_format (
        &info, GST_VIDEO_FORMAT_I420, sizes[i][0], sizes[i][1]);
    GST_VIDEO_INFO_PAR_N (&info) = (gint) sizes[i][2];
    GST_VIDEO_INFO_PAR_D (&info) = (gint) sizes[i][3];
    open_fixture (&f, "legend=true", &info);
    with = push (&f, classes, ids, 4);
    close_fixture (&f);
    without = push_plain (&info, classes, ids, 4);
    box = find_difference (&info, with, without);
    fail_unless ((box.right > 0) == (i == 4 || i >= 6), "%ux%u: %u",
        sizes[i][0], sizes[i][1], box.right);
    fail_unless (box.right <= sizes[i][0] / 2 + 2);
    gst_buffer_unref (with);
    gst_buffer_unref (without);
  }
  unet_seg_classes_unref (classes);
}
GST_END_TEST;

/* Other programs' labels may be anything, and there may be many. */
GST_START_TEST (test_labels)
{
  g_autofree gchar *labels[101] = { NULL };
  guint8 ids[100];
  UnetSegClasses *classes;
  Box box;

  for (guint i = 0; i < 100; i++) {
    ids[i] = (guint8) i;
    labels[i] = i % 4 == 0 ? g_strdup ("\xff\xfe broken \xc3")
        : i % 4 == 1       ? g_strdup ("two\nlines\r\tand <b>markup</b>")
        : i % 4 == 2       ? g_strdup ("日本語 и عربى")
                           : g_strnfill (500, 'W');
  }
  classes = unet_seg_classes_new ("test", 101, (const gchar *const *) labels);
  for (guint n = 1; n <= 100; n += 33) {
    box = find_legend ("", classes, ids, n);
    fail_unless ((box.right > 0) == (n > 1));
    fail_unless (box.right <= WIDTH / 2 && box.bottom <= HEIGHT - 4);
  }
  unet_seg_classes_unref (classes);
  for (guint i = 0; i < 100; i++)
    g_free (g_steal_pointer (&labels[i]));
}
GST_END_TEST;

/* A network with one class and no labels. */
GST_START_TEST (test_element)
{
  GstHarness *h = test_harness_new ("red", "legend=true temporal=off");
  GstHarness *plain = test_harness_new ("red", "temporal=off");
  GstBuffer *with, *without;
  GstVideoInfo info;
  Box box;

  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_RGB, WIDTH, HEIGHT);
  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, WIDTH, HEIGHT);
  test_harness_set_format (plain, GST_VIDEO_FORMAT_RGB, WIDTH, HEIGHT);
  with = test_push (h, test_frame_at (h, TEST_HALF, 0));
  without = test_push (plain, test_frame_at (plain, TEST_HALF, 0));
  box = find_difference (&info, with, without);
  fail_unless (box.right > 40 && box.bottom > 20 && box.bottom < 40);
  gst_buffer_unref (with);
  gst_buffer_unref (without);
  test_harness_free (h);
  test_harness_free (plain);
}
GST_END_TEST;

#else

GST_START_TEST (test_refused)
{
  GstHarness *h = test_harness_new ("red", "");
  gboolean legend;

  g_object_set (h->element, "legend", TRUE, NULL);
  g_object_get (h->element, "legend", &legend, NULL);
  fail_unless (!legend);
  assert_equals_int (test_count_messages (h, GST_MESSAGE_WARNING), 1);
  test_harness_free (h);
}
GST_END_TEST;

#endif

static Suite *
legend_suite (void)
{
  Suite *suite = suite_create ("legend");
  TCase *tc = tcase_create ("general");

  tcase_add_checked_fixture (tc, test_watch_log, NULL);
#ifdef HAVE_PANGO
  tcase_add_test (tc, test_lines);
  tcase_add_test (tc, test_changes);
  tcase_add_test (tc, test_colors);
  tcase_add_test (tc, test_model_colors);
  tcase_add_test (tc, test_formats);
  tcase_add_test (tc, test_hdr);
  tcase_add_test (tc, test_sizes);
  tcase_add_test (tc, test_labels);
  tcase_add_test (tc, test_element);
#else
  tcase_add_test (tc, test_refused);
#endif
  suite_add_tcase (suite, tc);
  return suite;
}

GST_CHECK_MAIN (legend);
