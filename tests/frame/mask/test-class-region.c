/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Area, bounding box and centroid of classes. */
#include <frame/mask/class-region.h>
#include <gst/check/gstcheck.h>
#include <math.h>

#define MAX_SIDE 24
#define ROUNDS   500

static void
assert_near (gdouble a, gdouble b)
{
  fail_unless (fabs (a - b) < 1e-9, "%.12g instead of %.12g", a, b);
}

static void
assert_region (const UnetClassRegion *a, const UnetClassRegion *b)
{
  assert_near (a->area, b->area);
  assert_near (a->x, b->x);
  assert_near (a->y, b->y);
  assert_near (a->w, b->w);
  assert_near (a->h, b->h);
  assert_near (a->center_x, b->center_x);
  assert_near (a->center_y, b->center_y);
}

GST_START_TEST (test_by_hand)
{
  UnetMask mask = {
    .width = 10, .height = 5, .n_classes = 3, .x = 4, .y = 8, .w = 100, .h = 100
  };
  static const UnetClassRegion none = { 0 };
  /* Two pixels of 10x20, at 34,48 and at 64,68. */
  static const UnetClassRegion two = { 400. / (200 * 110), 34, 48, 40, 40, 54,
    68 };
  /* The pixel from 94,88 to 104,108 ends at the frame's edge of 100. */
  static const UnetClassRegion last = { 120. / (100 * 110), 94, 88, 6, 20, 97,
    98 };
  UnetClassRegion regions[UNET_MASK_MAX_CLASSES];
  guint8 classes[50] = { 0 };

  mask.class_map = classes;
  unet_mask_find_regions (&mask, 200, 110, regions);
  assert_near (regions[0].area, 100. * 100 / (200 * 110));
  assert_region (&regions[1], &none);
  classes[2 * 10 + 3] = classes[3 * 10 + 6] = 1;
  classes[49] = 255;
  unet_mask_find_regions (&mask, 200, 110, regions);
  assert_region (&regions[1], &two);
  unet_mask_find_regions (&mask, 100, 110, regions);
  assert_region (&regions[255], &last);
}

GST_END_TEST;

/* Finds a region from its definition: one pixel at a time, for one class. */
static UnetClassRegion
find_slowly (const UnetMask *mask, guint width, guint height, guint id)
{
  gdouble sum = 0, sum_x = 0, sum_y = 0;
  gdouble left = G_MAXDOUBLE, top = G_MAXDOUBLE, right = 0, bottom = 0;
  const gdouble w = mask->w / mask->width, h = mask->h / mask->height;

  for (guint i = 0; i < mask->width * mask->height; i++) {
    guint x = i % mask->width, y = i / mask->width;
    gdouble x0 = fmax (mask->x + x * w, 0);
    gdouble y0 = fmax (mask->y + y * h, 0);
    gdouble x1 = fmin (mask->x + (x + 1) * w, width);
    gdouble y1 = fmin (mask->y + (y + 1) * h, height);

    if (mask->class_map[i] != id || x1 <= x0 || y1 <= y0)
      continue;
    sum += (x1 - x0) * (y1 - y0);
    sum_x += (x1 - x0) * (y1 - y0) * (x0 + x1) / 2;
    sum_y += (x1 - x0) * (y1 - y0) * (y0 + y1) / 2;
    left = fmin (left, x0);
    top = fmin (top, y0);
    right = fmax (right, x1);
    bottom = fmax (bottom, y1);
  }
  if (sum == 0)
    return (UnetClassRegion){ 0 };
  return (UnetClassRegion){ sum / width / height, left, top, right - left,
    bottom - top, sum_x / sum, sum_y / sum };
}

/* Rectangles lie within the frame, beyond its edges, or outside it. */
GST_START_TEST (test_random)
{
  UnetClassRegion regions[UNET_MASK_MAX_CLASSES];
  GRand *rand = g_rand_new_with_seed (0x5e6);
  guint8 classes[MAX_SIDE * MAX_SIDE];

  for (guint round = 0; round < ROUNDS; round++) {
    guint width = g_rand_int_range (rand, 1, 100);
    guint height = g_rand_int_range (rand, 1, 100);
    UnetMask mask = { .width = g_rand_int_range (rand, 1, MAX_SIDE),
      .height = g_rand_int_range (rand, 1, MAX_SIDE),
      .n_classes = 5,
      .class_map = classes,
      .x = g_rand_int_range (rand, -64, 64) / 8.,
      .y = g_rand_int_range (rand, -64, 64) / 8.,
      .w = g_rand_int_range (rand, 1, 800) / 8.,
      .h = g_rand_int_range (rand, 1, 800) / 8. };

    for (guint i = 0; i < mask.width * mask.height; i++)
      classes[i] = g_rand_int_range (rand, 0, 5);
    unet_mask_find_regions (&mask, width, height, regions);
    for (guint id = 0; id < 6; id++) {
      UnetClassRegion expected = find_slowly (&mask, width, height, id);

      assert_region (&regions[id], &expected);
    }
  }
  g_rand_free (rand);
}

GST_END_TEST;

static Suite *
class_region_suite (void)
{
  Suite *suite = suite_create ("class-region");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_by_hand);
  tcase_add_test (tcase, test_random);
  return suite;
}

GST_CHECK_MAIN (class_region);
