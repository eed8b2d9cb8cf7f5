/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests edge refinement as a whole: without a guide, along edges, over time. */
#include "../picture.h"

#include <frame/edges/refine.h>
#include <gst/check/gstcheck.h>
#include <math.h>

static const gchar *const formats[] = { "I420", "NV12", "NV21", "YUY2", "UYVY",
  "Y42B", "Y444", "AYUV", "RGBx", "BGRA", "RGB", "GBR", "GRAY8", "I420_10LE",
  "P010_10LE", "Y444_16LE", "RGB16", "v210", NULL };

static void
free_mask (UnetMask *mask)
{
  g_free (mask->class_map);
  g_free (mask->probability);
}

static UnetMask
random_mask (GRand *rand, const GstVideoInfo *info)
{
  UnetMask mask = { .width = g_rand_int_range (rand, 1, 30),
    .height = g_rand_int_range (rand, 1, 30),
    .n_classes = 2 };

  mask.x = g_rand_double_range (rand, -3, info->width / 3.0);
  mask.y = g_rand_double_range (rand, -3, info->height / 3.0);
  mask.w = g_rand_double_range (rand, 1, info->width);
  mask.h = g_rand_double_range (rand, 1, info->height);
  mask.class_map = g_malloc0 (mask.width * mask.height);
  mask.probability = g_malloc (mask.width * mask.height);
  for (guint i = 0; i < mask.width * mask.height; i++)
    mask.probability[i] = g_rand_boolean (rand) ? (guint8) g_rand_int (rand)
        : g_rand_boolean (rand)                 ? 255
                                                : 0;
  return mask;
}

static gdouble
bilinear (const UnetMask *mask, gint x, gint y)
{
  const gdouble u = CLAMP (
      (x + 0.5 - mask->x) * mask->width / mask->w - 0.5, 0, mask->width - 1.0);
  const gdouble v = CLAMP ((y + 0.5 - mask->y) * mask->height / mask->h - 0.5,
      0, mask->height - 1.0);
  gdouble sum = 0;

  for (guint j = 0; j < mask->height; j++)
    for (guint i = 0; i < mask->width; i++)
      sum += MAX (0, 1 - fabs (u - i)) * MAX (0, 1 - fabs (v - j))
          * mask->probability[j * mask->width + i] / 255.0;
  return sum;
}

/* Without a guide the result is bilinear and then a smoothstep. It is zero
 * outside the mask. */
static void
check_plain (GRand *rand, const gchar *format)
{
  const UnetRefineOptions options = { FALSE, 0.2, 0.9, 0, 0, 0, 0 };
  TestFrame frame, copy;
  GstVideoInfo info;
  UnetRefine *refine;
  const UnetMask *result;
  UnetMask mask;

  test_info_init (&info, gst_video_format_from_string (format),
      g_rand_int_range (rand, 1, 60), g_rand_int_range (rand, 1, 50));
  test_frame_init (&frame, &info, rand, TEST_NOISE, TRUE);
  test_frame_copy (&copy, &frame);
  mask = random_mask (rand, &info);
  refine = unet_refine_new (&info);
  result = unet_refine_run (refine, &frame.frame, &mask, &options);
  fail_unless (result && result->width == (guint) info.width
      && result->height == (guint) info.height && result->class_map == NULL);
  for (gint y = 0; y < info.height; y++) {
    for (gint x = 0; x < info.width; x++) {
      const gboolean inside = x + 0.5 >= mask.x && x + 0.5 < mask.x + mask.w
          && y + 0.5 >= mask.y && y + 0.5 < mask.y + mask.h;
      gdouble t = (bilinear (&mask, x, y) - 0.2) / 0.7;
      const gdouble got = result->probability[y * info.width + x];

      t = CLAMP (t, 0, 1);
      t = inside ? 255 * t * t * (3 - 2 * t) : 0;
      fail_unless (fabs (got - t) < 1.6, "%s: %g instead of %g at %d,%d",
          format, got, t, x, y);
    }
  }
  fail_unless (memcmp (frame.memory, copy.memory, frame.size) == 0);
  unet_refine_free (refine);
  free_mask (&mask);
  test_frame_clear (&frame);
  test_frame_clear (&copy);
}

GST_START_TEST (test_plain)
{
  GRand *rand = g_rand_new_with_seed (3);

  for (guint f = 0; formats[f]; f++)
    for (guint i = 0; i < 6; i++)
      check_plain (rand, formats[f]);
  g_rand_free (rand);
}

GST_END_TEST;

/* The mask's edge is three mask pixels off. Refinement moves it to the
 * picture's edge, within a pixel and a half of the mask. */
static void
check_edge (GRand *rand, const gchar *format)
{
  const UnetRefineOptions options = { TRUE, 0.3, 0.7, 0, 0, 0, 0 };
  const guint width = 320, height = 200, side = 128;
  const guint column = 2 * g_rand_int_range (rand, 60, 100);
  const gdouble off = column * side / (gdouble) width + 3;
  UnetMask mask = { side, side, 2, g_malloc0 (side * side),
    g_malloc (side * side), 0, 0, width, height };
  TestFrame frame;
  GstVideoInfo info;
  UnetRefine *refine;
  const UnetMask *result;

  test_info_init (&info, gst_video_format_from_string (format), width, height);
  test_frame_init_halves (&frame, &info, rand, column);
  for (guint i = 0; i < side * side; i++)
    mask.probability[i] = (guint8) CLAMP (127 + 40 * (off - i % side), 0, 255);
  refine = unet_refine_new (&info);
  result = unet_refine_run (refine, &frame.frame, &mask, &options);
  for (guint x = 0; x < width; x++) {
    const guint8 got = result->probability[height / 2 * width + x];

    fail_unless (x + 7 >= column || got > 235,
        "%s: only %u at %u, the edge is at %u", format, got, x, column);
    fail_unless (x < column + 7 || got < 20,
        "%s: still %u at %u, the edge is at %u", format, got, x, column);
  }
  fail_unless (result->probability[height / 2 * width + column - 4] > 127);
  fail_unless (result->probability[height / 2 * width + column + 4] < 127);
  unet_refine_free (refine);
  free_mask (&mask);
  test_frame_clear (&frame);
}

GST_START_TEST (test_edge)
{
  GRand *rand = g_rand_new_with_seed (4);

  for (guint f = 0; formats[f]; f++)
    check_edge (rand, formats[f]);
  g_rand_free (rand);
}

GST_END_TEST;

/* In a still picture with a noisy mask, the result changes far less than
 * without temporal smoothing. */
GST_START_TEST (test_held_edges)
{
  GRand *rand = g_rand_new_with_seed (5);
  UnetRefineOptions options = { TRUE, 0.3, 0.7, 0, 0, 150, 33 };
  const guint side = 64, width = 160, height = 120;
  gdouble held = 0, fresh = 0;
  guint8 *last = g_malloc0 (2 * width * height);
  UnetMask mask = { side, side, 2, g_malloc0 (side * side),
    g_malloc (side * side), 0, 0, width, height };
  UnetRefine *a, *b;
  TestFrame frame;
  GstVideoInfo info;

  test_info_init (&info, GST_VIDEO_FORMAT_I420, width, height);
  test_frame_init_smooth (&frame, &info, rand);
  a = unet_refine_new (&info);
  b = unet_refine_new (&info);
  for (guint f = 0; f < 20; f++) {
    const UnetMask *r[2];

    for (guint i = 0; i < side * side; i++)
      mask.probability[i] = (guint8) CLAMP (127 + 30 * (30 - (gint) (i % side))
              + g_rand_int_range (rand, -40, 40),
          0, 255);
    options.time_constant = 150;
    r[0] = unet_refine_run (a, &frame.frame, &mask, &options);
    options.time_constant = 0;
    r[1] = unet_refine_run (b, &frame.frame, &mask, &options);
    for (guint i = 0; i < width * height; i++) {
      if (f > 4) {
        held += abs (r[0]->probability[i] - last[i]);
        fresh += abs (r[1]->probability[i] - last[width * height + i]);
      }
      last[i] = r[0]->probability[i];
      last[width * height + i] = r[1]->probability[i];
    }
  }
  fail_unless (fresh > 1000 && held < 0.07 * fresh, "%g of %g", held, fresh);
  unet_refine_free (a);
  unet_refine_free (b);
  free_mask (&mask);
  test_frame_clear (&frame);
  g_free (last);
  g_rand_free (rand);
}

GST_END_TEST;

/* Paints an edge at @column of @mask. */
static void
paint_edge (UnetMask *mask, gint column)
{
  for (guint i = 0; i < mask->width * mask->height; i++)
    mask->probability[i] =
        (guint8) CLAMP (127 + 30 * (column - (gint) (i % mask->width)), 0, 255);
}

/* The mask of a still picture changes once. The result follows, and little of
 * the old mask stays. */
GST_START_TEST (test_held_edges_arrive)
{
  GRand *rand = g_rand_new_with_seed (15);
  UnetRefineOptions options = { TRUE, 0.3, 0.7, 0, 0, 150, 33 };
  const guint side = 64, width = 160, height = 120;
  UnetMask mask = { side, side, 2, g_malloc0 (side * side),
    g_malloc (side * side), 0, 0, width, height };
  const UnetMask *r[2];
  UnetRefine *a, *b;
  TestFrame frame;
  GstVideoInfo info;
  gdouble start = 0, end = 0;
  gint worst = 0;

  test_info_init (&info, GST_VIDEO_FORMAT_I420, width, height);
  test_frame_init_smooth (&frame, &info, rand);
  a = unet_refine_new (&info);
  b = unet_refine_new (&info);
  for (guint f = 0; f < 60; f++) {
    paint_edge (&mask, f < 6 ? 30 : 22);
    options.time_constant = 150;
    r[0] = unet_refine_run (a, &frame.frame, &mask, &options);
    options.time_constant = 0;
    r[1] = unet_refine_run (b, &frame.frame, &mask, &options);
    for (guint i = 0; i < width * height; i++) {
      const gint off = abs (r[0]->probability[i] - r[1]->probability[i]);

      start += f == 6 ? off : 0;
      end += f == 59 ? off : 0;
      worst = f == 59 ? MAX (worst, off) : 0;
    }
  }
  fail_unless (start > 1000 && end < 0.1 * start, "%g of %g", end, start);
  /* The difference is 40 before the speckle filter, which stretches values
   * around one half by 20 / 16. */
  fail_unless (worst < 50, "%d", worst);
  unet_refine_free (a);
  unet_refine_free (b);
  free_mask (&mask);
  test_frame_clear (&frame);
  g_rand_free (rand);
}

GST_END_TEST;

GST_START_TEST (test_outline)
{
  GRand *rand = g_rand_new_with_seed (6);
  const UnetRefineOptions options = { FALSE, 0.3, 0.7, 0, 0, 0, 0 };
  const guint width = 96, height = 64, side = 32;
  UnetMask mask = { side, side, 2, g_malloc0 (side * side),
    g_malloc (side * side), 0, 0, width, height };
  UnetMask outline;
  UnetRefine *refine;
  TestFrame frame;
  GstVideoInfo info;

  test_info_init (&info, GST_VIDEO_FORMAT_I420, width, height);
  test_frame_init (&frame, &info, rand, TEST_NOISE, FALSE);
  for (guint i = 0; i < side * side; i++)
    mask.probability[i] = i % side < 16 ? 255 : 0;
  refine = unet_refine_new (&info);
  unet_refine_run (refine, &frame.frame, &mask, &options);
  unet_refine_get_outline (refine, 6, &outline);
  for (guint x = 0; x < width; x++) {
    const guint8 got = outline.probability[20 * width + x];
    const gint away = abs ((gint) x - 48);

    fail_unless (away < 6 || got == 0, "%u at %u", got, x);
    fail_unless (away > 1 || got > 250, "%u at %u", got, x);
  }
  unet_refine_free (refine);
  free_mask (&mask);
  test_frame_clear (&frame);
  g_rand_free (rand);
}

GST_END_TEST;

static Suite *
refine_suite (void)
{
  Suite *suite = suite_create ("refine");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_plain);
  tcase_add_test (tcase, test_edge);
  tcase_add_test (tcase, test_held_edges);
  tcase_add_test (tcase, test_held_edges_arrive);
  tcase_add_test (tcase, test_outline);
  return suite;
}

GST_CHECK_MAIN (refine);
