/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Masks of buffers, read and drawn. */

#include "lib/check-main.h"

#include <gst/video/video.h>
#include <unetseg/unetseg.h>

#include <string.h>

#define WIDTH  6
#define HEIGHT 4

static GstBuffer *
make_plane (guint8 first)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, WIDTH * HEIGHT, NULL);

  gst_buffer_memset (buffer, 0, first, WIDTH * HEIGHT / 2);
  gst_buffer_memset (buffer, WIDTH * HEIGHT / 2, 0, WIDTH * HEIGHT / 2);
  return buffer;
}

/* Adds a mask whose upper half is class @id of @n_classes. */
static UnetSegMeta *
add_mask (GstBuffer *buffer, guint8 id, guint n_classes)
{
  static const gchar *const labels[] = { "ground", "tree", "house", NULL };
  UnetSegClasses *classes = unet_seg_classes_new ("a", n_classes, labels);
  GstBuffer *map = make_plane (id), *probability = make_plane (200);
  UnetSegMeta *meta = gst_buffer_add_unet_seg_meta (
      buffer, classes, map, probability, WIDTH, HEIGHT);

  meta->w = WIDTH;
  meta->h = HEIGHT;
  gst_buffer_unref (map);
  gst_buffer_unref (probability);
  unet_seg_classes_unref (classes);
  return meta;
}

START_TEST (test_none)
{
  GstBuffer *buffer;

  gst_init (NULL, NULL);
  buffer = gst_buffer_new ();
  ck_assert_ptr_null (unet_seg_mask_read (buffer, 0));
  gst_buffer_add_video_meta (
      buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_RGB, 2, 2);
  ck_assert_ptr_null (unet_seg_mask_read (buffer, 0));
  gst_buffer_unref (buffer);
}
END_TEST

static void
assert_mask (UnetSegMask *mask, guint8 id)
{
  gsize size;
  const guint8 *classes =
      g_bytes_get_data (unet_seg_mask_get_class_map (mask), &size);
  const guint8 *probability =
      g_bytes_get_data (unet_seg_mask_get_probability (mask), NULL);

  ck_assert_uint_eq (unet_seg_mask_get_width (mask), WIDTH);
  ck_assert_uint_eq (unet_seg_mask_get_height (mask), HEIGHT);
  ck_assert_uint_eq (size, WIDTH * HEIGHT);
  ck_assert_uint_eq (
      g_bytes_get_size (unet_seg_mask_get_probability (mask)), size);
  for (guint i = 0; i < WIDTH * HEIGHT; i++) {
    ck_assert_uint_eq (classes[i], i < WIDTH * HEIGHT / 2 ? id : 0);
    ck_assert_uint_eq (probability[i], i < WIDTH * HEIGHT / 2 ? 200 : 0);
  }
}

/* Both masks of a buffer outlive it. */
START_TEST (test_read)
{
  g_autoptr (UnetSegMask) first = NULL, second = NULL;
  gdouble x, y, width, height;
  UnetSegMeta *meta;
  GstBuffer *buffer;
  gboolean carried;
  guint frames;

  gst_init (NULL, NULL);
  buffer = gst_buffer_new ();
  add_mask (buffer, 1, 2);
  meta = add_mask (buffer, 2, 3);
  meta->x = 1.5;
  meta->y = 2.5;
  meta->age_frames = 3;
  meta->age = 120;
  meta->carried = TRUE;
  first = unet_seg_mask_read (buffer, 0);
  second = unet_seg_mask_read (buffer, 1);
  ck_assert_ptr_null (unet_seg_mask_read (buffer, 2));
  ck_assert_ptr_null (unet_seg_mask_read (buffer, G_MAXUINT));
  gst_buffer_unref (buffer);

  assert_mask (first, 1);
  assert_mask (second, 2);
  ck_assert_uint_eq (unet_seg_mask_get_age (first, &frames, &carried), 0);
  ck_assert (frames == 0 && !carried);
  ck_assert_uint_eq (unet_seg_mask_get_age (second, &frames, &carried), 120);
  ck_assert (frames == 3 && carried);
  ck_assert_uint_eq (unet_seg_mask_get_age (second, NULL, NULL), 120);
  unet_seg_mask_get_rectangle (second, &x, &y, &width, &height);
  ck_assert (x == 1.5 && y == 2.5 && width == WIDTH && height == HEIGHT);
  ck_assert_str_eq (
      unet_seg_classes_get_label (unet_seg_mask_get_classes (second), 2),
      "house");
}
END_TEST

/* Draws as the program does: a probability for one class, numbers for
 * several. */
START_TEST (test_draw)
{
  for (guint n_classes = 2; n_classes <= 3; n_classes++) {
    const guint width = 7 * WIDTH, height = 9 * HEIGHT;
    const guint8 inside = n_classes > 2 ? 2 : 200;
    g_autoptr (UnetSegMask) mask = NULL;
    g_autoptr (GBytes) drawn = NULL;
    UnetSegMeta *meta;
    const guint8 *data;
    GstBuffer *buffer;
    gsize size;

    gst_init (NULL, NULL);
    buffer = gst_buffer_new ();
    meta = add_mask (buffer, n_classes > 2 ? 2 : 1, n_classes);
    meta->w = width - 7; /* the last seven columns are not covered */
    meta->h = height;
    mask = unet_seg_mask_read (buffer, 0);
    gst_buffer_unref (buffer);
    drawn = unet_seg_mask_draw (mask, width, height, 0.5);
    data = g_bytes_get_data (drawn, &size);
    ck_assert_uint_eq (size, width * height);
    for (guint y = 0; y < height; y++)
      for (guint x = 0; x < width; x++) {
        const guint8 found = data[y * width + x];

        if (x >= width - 7 || y >= height / 2 + 9)
          ck_assert_uint_eq (found, 0);
        else if (y < height / 2 - 9)
          ck_assert_uint_eq (found, inside);
        else
          ck_assert (n_classes == 2 || found == 0 || found == inside);
      }
  }
}
END_TEST

int
main (void)
{
  const TTest *const tests[] = { test_none, test_read, test_draw };

  return check_run_tests ("seg-mask", 60, tests, sizeof tests / sizeof *tests);
}
