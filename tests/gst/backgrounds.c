/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests backgrounds, the edges of masks, and the choice of frames that get a
 * mask of their own. */

#include <glib/gstdio.h>

#include "common.h"

#define WIDTH  64
#define HEIGHT 48

static GstHarness *
rgb_harness (const gchar *properties)
{
  GstHarness *h = test_harness_new ("red", properties);

  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, WIDTH, HEIGHT);
  return h;
}

static guint32
pixel_at (GstBuffer *buffer, guint x)
{
  guint8 rgb[3];

  gst_buffer_extract (buffer, (HEIGHT / 2 * WIDTH + x) * 3, rgb, 3);
  return rgb[0] << 16 | rgb[1] << 8 | rgb[2];
}

static void
assert_near (guint32 pixel, guint32 expected, gint slack)
{
  for (guint shift = 0; shift < 24; shift += 8)
    fail_unless (
        ABS ((gint) (pixel >> shift & 255) - (gint) (expected >> shift & 255))
            <= slack,
        "#%06x instead of #%06x", pixel, expected);
}

static GstBuffer *
push (GstHarness *h, TestPicture picture, guint index)
{
  return gst_harness_push_and_pull (h, test_frame_at (h, picture, index));
}

/* Draws a frame with a white person on the left and a black background on the
 * right. */
static GstBuffer *
draw (const gchar *properties)
{
  GstHarness *h = rgb_harness (properties);
  GstBuffer *out = push (h, TEST_HALF, 0);

  test_harness_free (h);
  return out;
}

/* ---- backgrounds ------------------------------------------------------ */

GST_START_TEST (test_color)
{
  GstBuffer *out = draw ("output=replace background=#102030");

  assert_near (pixel_at (out, 10), 0xffffff, 0);
  assert_near (pixel_at (out, 54), 0x102030, 1);
  gst_buffer_unref (out);
  out = draw ("output=replace");
  assert_near (pixel_at (out, 54), 0x00b140, 1);
  gst_buffer_unref (out);
}

GST_END_TEST;

GST_START_TEST (test_bad_color)
{
  GstHarness *h = rgb_harness ("output=replace background=red");
  g_autofree gchar *text = NULL;

  g_object_set (h->element, "background", "no-colour", NULL);
  assert_equals_int (test_count_messages (h, GST_MESSAGE_WARNING), 1);
  g_object_get (h->element, "background", &text, NULL);
  fail_unless_equals_string (text, "red");
  test_harness_free (h);
}

GST_END_TEST;

GST_START_TEST (test_picture)
{
  g_autofree gchar *folder = g_dir_make_tmp ("unetseg-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (folder, "picture.png", NULL);
  g_autofree gchar *properties =
      g_strdup_printf ("output=replace background-location=%s", path);
  GstBuffer *out;

  /* It is twice as high as wide, so that only its middle fits the frames. */
  if (test_write_picture (
          path, "solid-color foreground-color=0xffc02010", 80, 160)) {
    out = draw (properties);
    assert_near (pixel_at (out, 10), 0xffffff, 0);
    assert_near (pixel_at (out, 54), 0xc02010, 2);
    gst_buffer_unref (out);
  } else {
    g_print ("no pngenc: skipped\n");
  }
  g_unlink (path);
  g_rmdir (folder);
}

GST_END_TEST;

/* 8x8 pixels of #c02010 in CMYK, as Photoshop stores it: all inverted. */
static const gchar cmyk_jpeg[] =
    "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwACAQEBAQECAQEBAgICAgIEAwICAgIFBAQDBAYFBgYG"
    "BQYGBgcJCAYHCQcGBggLCAkKCgoKCgYICwwLCgwJCgoK/8AAFAgACAAIBEMRAE0RAFkRAEsR"
    "AP/EABQAAQAAAAAAAAAAAAAAAAAAAAn/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/9oADgRDAE0A"
    "WQBLAAA/AEAD+D8/j//Z";

/* 64x48 pixels, stored on their side (EXIF 6): #1020c0 on the right, from 48
 * on, #c02010 beside it. */
static const gchar turned_jpeg[] =
    "/9j/4AAQSkZJRgABAQAAAQABAAD/4QAiRXhpZgAATU0AKgAAAAgAAQESAAMAAAABAAYAAAAA"
    "AAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQ"
    "ERMUFRUVDA8XGBYUGBIUFRT/2wBDAQMEBAUEBQkFBQkUDQsNFBQUFBQUFBQUFBQUFBQUFBQU"
    "FBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBT/wAARCABAADADAREAAhEBAxEB/8QA"
    "FgABAQEAAAAAAAAAAAAAAAAAAAcI/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/EABcBAQEBAQAA"
    "AAAAAAAAAAAAAAAJBgj/xAAUEQEAAAAAAAAAAAAAAAAAAAAA/9oADAMBAAIRAxEAPwDETt1h"
    "wAAAAAAAAAAFYTFUQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAf//Z";

/* Draws with a file of these contents as the background. */
static GstBuffer *
draw_file (const gchar *base64)
{
  g_autofree gchar *folder = g_dir_make_tmp ("unetseg-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (folder, "file.jpg", NULL);
  g_autofree gchar *properties =
      g_strdup_printf ("output=replace background-location=%s", path);
  gsize size;
  g_autofree guchar *data = g_base64_decode (base64, &size);
  GstBuffer *out;

  fail_unless (g_file_set_contents (path, (const gchar *) data, size, NULL));
  out = draw (properties);
  g_unlink (path);
  g_rmdir (folder);
  return out;
}

static gboolean
have (const gchar *element)
{
  g_autoptr (GstElementFactory) factory = gst_element_factory_find (element);

  if (factory == NULL)
    g_print ("no %s: skipped\n", element);
  return factory != NULL;
}

/* A JPEG in CMYK is a background. */
GST_START_TEST (test_cmyk)
{
  GstBuffer *out = have ("gdkpixbufdec") ? draw_file (cmyk_jpeg) : NULL;

  if (out == NULL)
    return;
  assert_near (pixel_at (out, 10), 0xffffff, 0);
  assert_near (pixel_at (out, 54), 0xc02010, 4);
  gst_buffer_unref (out);
}

GST_END_TEST;

/* A photograph is upright as a background. */
GST_START_TEST (test_turned)
{
  GstBuffer *out =
      have ("jpegdec") && have ("videoflip") ? draw_file (turned_jpeg) : NULL;

  if (out == NULL)
    return;
  assert_near (pixel_at (out, 10), 0xffffff, 0);
  assert_near (pixel_at (out, 40), 0xc02010, 6);
  assert_near (pixel_at (out, 60), 0x1020c0, 6);
  gst_buffer_unref (out);
}

GST_END_TEST;

/* Two frames of 4x3 in one colour each, #c02010 and blue. */
static const guint8 moving_gif[] = { 0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 0x04,
  0x00, 0x03, 0x00, 0x81, 0x00, 0x00, 0xc0, 0x20, 0x10, 0x00, 0x00, 0x00, 0x00,
  0x00, 0x00, 0x00, 0x00, 0x00, 0x21, 0xff, 0x0b, 0x4e, 0x45, 0x54, 0x53, 0x43,
  0x41, 0x50, 0x45, 0x32, 0x2e, 0x30, 0x03, 0x01, 0x00, 0x00, 0x00, 0x21, 0xf9,
  0x04, 0x00, 0x0a, 0x00, 0x00, 0x00, 0x2c, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00,
  0x03, 0x00, 0x00, 0x08, 0x08, 0x00, 0x01, 0x08, 0x1c, 0x48, 0x50, 0x60, 0x40,
  0x00, 0x21, 0xf9, 0x04, 0x00, 0x0a, 0x00, 0x00, 0x00, 0x2c, 0x00, 0x00, 0x00,
  0x00, 0x04, 0x00, 0x03, 0x00, 0x81, 0x00, 0x00, 0xff, 0x00, 0x00, 0x00, 0x00,
  0x00, 0x00, 0x00, 0x00, 0x00, 0x08, 0x08, 0x00, 0x01, 0x08, 0x1c, 0x48, 0x50,
  0x60, 0x40, 0x00, 0x3b };

/* The first frame of a GIF is a background, within seconds. */
GST_START_TEST (test_gif)
{
  g_autoptr (GstElementFactory)
      factory = gst_element_factory_find ("avdemux_gif");
  g_autofree gchar *folder = g_dir_make_tmp ("unetseg-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (folder, "moving.gif", NULL);
  g_autofree gchar *properties =
      g_strdup_printf ("output=replace background-location=%s", path);
  gint64 start = g_get_monotonic_time ();
  GstBuffer *out;

  if (factory != NULL) {
    fail_unless (g_file_set_contents (
        path, (const gchar *) moving_gif, sizeof moving_gif, NULL));
    out = draw (properties);
    assert_near (pixel_at (out, 10), 0xffffff, 0);
    assert_near (pixel_at (out, 54), 0xc02010, 2);
    gst_buffer_unref (out);
    fail_unless (g_get_monotonic_time () - start < 60 * G_USEC_PER_SEC);
  } else {
    g_print ("no avdemux_gif: skipped\n");
  }
  g_unlink (path);
  g_rmdir (folder);
}

GST_END_TEST;

GST_START_TEST (test_no_picture)
{
  GstHarness *h = rgb_harness ("output=replace "
                               "background-location=/no/such/picture.png");
  GstBuffer *out;

  for (guint i = 0; i < 3; i++) {
    out = push (h, TEST_HALF, i);
    assert_near (pixel_at (out, 54), 0x00b140, 1);
    gst_buffer_unref (out);
  }
  assert_equals_int (test_count_messages (h, GST_MESSAGE_WARNING), 1);
  test_harness_free (h);
}

GST_END_TEST;

/* The blur takes no white into the background and no black into the person. */
GST_START_TEST (test_blur)
{
  GstBuffer *out = draw ("output=blur blur-radius=0.2");

  assert_near (pixel_at (out, 10), 0xffffff, 0);
  assert_near (pixel_at (out, 28), 0xffffff, 0);
  assert_near (pixel_at (out, 38), 0x000000, 1);
  assert_near (pixel_at (out, 60), 0x000000, 1);
  gst_buffer_unref (out);
}

GST_END_TEST;

/* Without a mask the replaced background covers the whole frame, so that
 * nothing private shows. */
GST_START_TEST (test_no_mask)
{
  GstHarness *h =
      gst_harness_new_parse ("unetsegdraw output=replace background=#102030");
  GstBuffer *out;

  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, WIDTH, HEIGHT);
  out = push (h, TEST_HALF, 0);
  assert_near (pixel_at (out, 10), 0x102030, 1);
  assert_near (pixel_at (out, 54), 0x102030, 1);
  gst_buffer_unref (out);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* unetseg and unetsegdraw draw the same picture. */
GST_START_TEST (test_drawer)
{
  static const gchar *const outputs[] = { "output=blur", "output=replace",
    "output=overlay refine=on outline=3" };

  for (guint i = 0; i < G_N_ELEMENTS (outputs); i++) {
    g_autofree gchar *model = test_model ("red");
    g_autofree gchar *none = g_strdup_printf (
        "unetseg output=none async=false model=%s ! unetsegdraw %s", model,
        outputs[i]);
    GstHarness *h = gst_harness_new_parse (none);
    GstBuffer *a, *b = draw (outputs[i]);
    GstMapInfo map;

    test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, WIDTH, HEIGHT);
    a = push (h, TEST_HALF, 0);
    gst_buffer_map (a, &map, GST_MAP_READ);
    fail_unless (
        gst_buffer_memcmp (b, 0, map.data, map.size) == 0, "%s", outputs[i]);
    gst_buffer_unmap (a, &map);
    gst_buffer_unref (a);
    gst_buffer_unref (b);
    gst_harness_teardown (h);
  }
}

GST_END_TEST;

/* ---- edges ------------------------------------------------------------ */

GST_START_TEST (test_outline)
{
  GstBuffer *out = draw ("opacity=0 outline=4 colors=#ff0000");

  assert_near (pixel_at (out, 10), 0xffffff, 0);
  assert_near (pixel_at (out, 54), 0x000000, 0);
  assert_near (pixel_at (out, 32), 0xff0000, 40);
  gst_buffer_unref (out);
}

GST_END_TEST;

GST_START_TEST (test_grow)
{
  GstBuffer *out = draw ("output=replace background=#00ff00 grow=8");

  assert_near (pixel_at (out, 36), 0x000000, 0);
  assert_near (pixel_at (out, 50), 0x00ff00, 1);
  gst_buffer_unref (out);
  out = draw ("output=replace background=#00ff00 grow=-8");
  assert_near (pixel_at (out, 28), 0x00ff00, 1);
  assert_near (pixel_at (out, 14), 0xffffff, 0);
  gst_buffer_unref (out);
}

GST_END_TEST;

/* In the middle of a wide edge, white and green are mixed. The colour of the
 * old background does not show. */
GST_START_TEST (test_feather)
{
  GstBuffer *out = draw ("output=replace background=#00ff00 feather=10");
  guint red = pixel_at (out, 36) >> 16 & 255;

  fail_unless (red > 20 && red < 235, "%u", red);
  assert_near (pixel_at (out, 4), 0xffffff, 0);
  assert_near (pixel_at (out, 60), 0x00ff00, 1);
  gst_buffer_unref (out);
}

GST_END_TEST;

/* ---- time ------------------------------------------------------------- */

/* Smoothing in time does not delay the mask of a changed picture. */
GST_START_TEST (test_temporal)
{
  GstHarness *h = rgb_harness ("output=none temporal=on time-constant=5000");

  for (guint i = 0; i < 20; i++) {
    TestPicture picture = i < 10 ? TEST_HALF : TEST_BLACK;
    GstBuffer *out = push (h, picture, i);
    UnetSegMeta *meta = gst_buffer_get_unet_seg_meta (out);

    fail_unless (meta != NULL);
    test_assert_halves (meta, picture == TEST_HALF, 0, 3);
    gst_buffer_unref (out);
  }
  test_harness_free (h);
}

GST_END_TEST;

/* ---- reuse ------------------------------------------------------------ */

static guint64
segmented (const gchar *properties, TestPicture last)
{
  GstHarness *h = rgb_harness (properties);
  guint64 n;

  for (guint i = 0; i < 6; i++)
    gst_buffer_unref (push (h, i < 5 ? TEST_HALF : last, i));
  n = test_stat (h->element, "segmented");
  assert_equals_uint64 (test_stat (h->element, "reused"), 6 - n);
  test_harness_free (h);
  return n;
}

GST_START_TEST (test_reuse)
{
  assert_equals_uint64 (segmented ("output=none", TEST_HALF), 6);
  assert_equals_uint64 (segmented ("output=none reuse-threshold=0.05 "
                                   "reuse-age=100000",
                            TEST_HALF),
      1);
  assert_equals_uint64 (segmented ("output=none reuse-threshold=0.05 "
                                   "reuse-age=100000",
                            TEST_BLACK),
      2);
  /* A frame lasts 33 ms, so the frames at 0, 67 and 133 ms get masks of their
   * own. */
  assert_equals_uint64 (segmented ("output=none reuse-threshold=0.05 "
                                   "reuse-age=60",
                            TEST_HALF),
      3);
}

GST_END_TEST;

/* A network of one convolution is fast enough for every frame. */
GST_START_TEST (test_interval)
{
  GstHarness *h = rgb_harness ("output=none interval=0");

  for (guint i = 0; i < 10; i++)
    gst_buffer_unref (push (h, TEST_HALF, i));
  fail_unless (test_stat (h->element, "segmented") >= 1);
  assert_equals_uint64 (test_stat (h->element, "frames"), 10);
  test_harness_free (h);
}

GST_END_TEST;

/* ---- beside the stream ------------------------------------------------ */

/* Pushes frames until one has an older mask. Checks the mask and that its age
 * is set. Returns the index of the next frame. */
static guint
wait_for_mask (GstHarness *h, TestPicture picture, guint index)
{
  for (guint i = 0; i < 2000; i++) {
    GstBuffer *out = push (h, picture, index++);
    UnetSegMeta *meta = gst_buffer_get_unet_seg_meta (out);
    gboolean found = meta && meta->age_frames > 0;

    if (found) {
      fail_unless (GST_CLOCK_TIME_IS_VALID (meta->age) && meta->age > 0);
      test_assert_halves (meta, picture == TEST_HALF, 0, 3);
    }
    gst_buffer_unref (out);
    if (found)
      return index;
    g_usleep (5000);
  }
  fail ("no frame had a mask");
  return index;
}

GST_START_TEST (test_async)
{
  GstHarness *h = rgb_harness ("output=none async=true");
  guint index = wait_for_mask (h, TEST_HALF, 0);

  /* The caps, a flush and a segment arrive while the inference thread may be at
   * work. */
  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, WIDTH, 2 * HEIGHT);
  index = wait_for_mask (h, TEST_BLACK, index);
  gst_harness_push_event (h, gst_event_new_flush_start ());
  gst_harness_push_event (h, gst_event_new_flush_stop (FALSE));
  test_harness_set_format (h, GST_VIDEO_FORMAT_RGB, WIDTH, HEIGHT);
  index = wait_for_mask (h, TEST_HALF, index);
  /* With async=false a frame has its own mask again. */
  g_object_set (h->element, "async", FALSE, NULL);
  for (guint i = 0; i < 200; i++) {
    GstBuffer *out = push (h, TEST_HALF, index++);
    UnetSegMeta *meta = gst_buffer_get_unet_seg_meta (out);
    gboolean exact = meta && meta->age_frames == 0;

    gst_buffer_unref (out);
    if (exact)
      break;
    fail_unless (i < 199);
    g_usleep (5000);
  }
  g_object_set (h->element, "async", TRUE, NULL);
  gst_buffer_unref (push (h, TEST_HALF, index));
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  test_harness_free (h);
}

GST_END_TEST;

/* ---- boxes ------------------------------------------------------------ */

GST_START_TEST (test_boxes)
{
  GstBuffer *out = draw ("output=none");
  GstVideoRegionOfInterestMeta *box;

  fail_unless (gst_buffer_get_video_region_of_interest_meta (out) == NULL);
  gst_buffer_unref (out);
  out = draw ("output=none boxes=true");
  box = gst_buffer_get_video_region_of_interest_meta (out);
  fail_unless (box != NULL);
  assert_equals_int (box->x, 0);
  assert_equals_int (box->y, 0);
  fail_unless (ABS ((gint) box->w - WIDTH / 2) <= 3, "%u", box->w);
  assert_equals_int (box->h, HEIGHT);
  gst_buffer_unref (out);
}

GST_END_TEST;

static Suite *
backgrounds_suite (void)
{
  Suite *suite = suite_create ("backgrounds");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, test_watch_log, NULL);
  tcase_add_test (tcase, test_color);
  tcase_add_test (tcase, test_bad_color);
  tcase_add_test (tcase, test_picture);
  tcase_add_test (tcase, test_cmyk);
  tcase_add_test (tcase, test_turned);
  tcase_add_test (tcase, test_gif);
  tcase_add_test (tcase, test_no_picture);
  tcase_add_test (tcase, test_blur);
  tcase_add_test (tcase, test_no_mask);
  tcase_add_test (tcase, test_drawer);
  tcase_add_test (tcase, test_outline);
  tcase_add_test (tcase, test_grow);
  tcase_add_test (tcase, test_feather);
  tcase_add_test (tcase, test_temporal);
  tcase_add_test (tcase, test_reuse);
  tcase_add_test (tcase, test_interval);
  tcase_add_test (tcase, test_async);
  tcase_add_test (tcase, test_boxes);
  return suite;
}

GST_CHECK_MAIN (backgrounds);
