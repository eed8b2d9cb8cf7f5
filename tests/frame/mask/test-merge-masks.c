/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One mask of several regions. */
#include <frame/mask/merge-masks.h>
#include <gst/check/gstcheck.h>
#include <math.h>

#define MAX_REGIONS 4
#define FRAME       60
#define ROUNDS      100

typedef struct {
  guint n;
  UnetRegion regions[MAX_REGIONS];
  UnetMask parts[MAX_REGIONS];
} Case;

static void
make_part (UnetMask *part, const UnetRegion *region, guint n_classes)
{
  const gint side = g_random_int_range (1, 40);
  gsize size;

  *part = (UnetMask){ .width = side,
    .height = g_random_int_range (1, 40),
    .n_classes = n_classes,
    .x = region->x + g_random_double_range (-1, 1),
    .y = region->y + g_random_double_range (-1, 1),
    .w = region->width + g_random_double_range (-.4, 1),
    .h = region->height + g_random_double_range (-.4, 1) };
  size = (gsize) part->width * part->height;
  part->class_map = g_malloc (size);
  part->probability = g_malloc (size);
  for (gsize i = 0; i < size; i++) {
    part->probability[i] = (guint8) g_random_int_range (0, 256);
    part->class_map[i] = n_classes > 2
        ? (guint8) g_random_int_range (0, n_classes)
        : part->probability[i] >= 128;
  }
}

static void
make_case (Case *c, guint n_classes)
{
  c->n = g_random_int_range (1, MAX_REGIONS + 1);
  for (guint i = 0; i < c->n; i++) {
    UnetRegion *r = &c->regions[i];

    r->x = g_random_int_range (0, FRAME - 1);
    r->y = g_random_int_range (0, FRAME - 1);
    r->width = g_random_int_range (1, FRAME - r->x + 1);
    r->height = g_random_int_range (1, FRAME - r->y + 1);
    make_part (&c->parts[i], r, n_classes);
  }
}

static void
clear_case (Case *c)
{
  for (guint i = 0; i < c->n; i++) {
    g_free (c->parts[i].class_map);
    g_free (c->parts[i].probability);
  }
}

/* Probability of a part at a point of the frame, in doubles. */
static gdouble
interpolate (const UnetMask *part, gdouble x, gdouble y)
{
  const gdouble u =
      CLAMP ((x - part->x) / part->w * part->width - .5, 0, part->width - 1.);
  const gdouble v =
      CLAMP ((y - part->y) / part->h * part->height - .5, 0, part->height - 1.);
  const guint i = (guint) u, j = (guint) v;
  const guint k = MIN (i + 1, part->width - 1);
  const guint l = MIN (j + 1, part->height - 1);
  const guint8 *p = part->probability;

  return (1 - (v - j))
      * ((1 - (u - i)) * p[j * part->width + i]
          + (u - i) * p[j * part->width + k])
      + (v - j)
      * ((1 - (u - i)) * p[l * part->width + i]
          + (u - i) * p[l * part->width + k]);
}

static gboolean
is_inside (const UnetRegion *region, gdouble x, gdouble y, gdouble margin)
{
  return x > region->x + margin && x < region->x + region->width - margin
      && y > region->y + margin && y < region->y + region->height - margin;
}

static UnetMask
merge (const Case *c)
{
  UnetMask mask = unet_merged_mask_shape (c->regions, c->parts, c->n);

  mask.class_map = g_malloc0 ((gsize) mask.width * mask.height);
  mask.probability = g_malloc0 ((gsize) mask.width * mask.height);
  for (guint i = 0; i < c->n; i++)
    unet_merge_mask (&mask, &c->parts[i], &c->regions[i], 0.5);
  return mask;
}

/* Pixels at the border of a region may be on either side of it. */
static void
check_pixel (const Case *c, const UnetMask *mask, guint i, guint j)
{
  const gdouble x = mask->x + (i + .5) * mask->w / mask->width;
  const gdouble y = mask->y + (j + .5) * mask->h / mask->height;
  const gdouble margin = MAX (mask->w / mask->width, mask->h / mask->height);
  const guint8 got = mask->probability[j * mask->width + i];
  gdouble least = 0, most = 0;

  for (guint k = 0; k < c->n; k++) {
    const gdouble p = interpolate (&c->parts[k], x, y);

    if (is_inside (&c->regions[k], x, y, 1e-6))
      least = MAX (least, p);
    if (is_inside (&c->regions[k], x, y, -margin))
      most = MAX (most, p);
  }
  /* Weights of 1/256 in both directions, and a rounding. */
  fail_unless (
      got >= least - 2.6 && got <= most + 2.6, "%u: %g..%g", got, least, most);
  assert_equals_int (mask->class_map[j * mask->width + i], got >= 128);
}

/* The higher probability wins, bilinear between pixels. */
GST_START_TEST (test_probability)
{
  for (guint round = 0; round < ROUNDS; round++) {
    UnetMask mask;
    Case c;

    make_case (&c, 2);
    mask = merge (&c);
    for (guint j = 0; j < mask.height; j++)
      for (guint i = 0; i < mask.width; i++)
        check_pixel (&c, &mask, i, j);
    g_free (mask.class_map);
    g_free (mask.probability);
    clear_case (&c);
  }
}
GST_END_TEST;

/* A part of the frame's own resolution is copied, pixel for pixel. With several
 * classes, one of them wins over the background at any probability. */
GST_START_TEST (test_classes)
{
  const UnetRegion regions[] = { { 2, 3, 2, 1 }, { 3, 3, 2, 1 } };
  guint8 classes[2][2] = { { 1, 2 }, { 0, 3 } };
  guint8 probabilities[2][2] = { { 100, 10 }, { 255, 9 } };
  const guint8 expected[2][3] = { { 1, 2, 3 }, { 100, 10, 9 } };
  Case c = { .n = 2, .regions = { regions[0], regions[1] } };
  UnetMask mask;

  for (guint i = 0; i < 2; i++)
    c.parts[i] = (UnetMask){ .width = 2,
      .height = 1,
      .n_classes = 4,
      .class_map = classes[i],
      .probability = probabilities[i],
      .x = regions[i].x,
      .y = regions[i].y,
      .w = 2,
      .h = 1 };
  mask = merge (&c);
  assert_equals_int (mask.width, 3);
  assert_equals_int (mask.height, 1);
  fail_unless (memcmp (mask.class_map, expected[0], 3) == 0);
  fail_unless (memcmp (mask.probability, expected[1], 3) == 0);
  g_free (mask.class_map);
  g_free (mask.probability);
}
GST_END_TEST;

/* Fine parts do not make pixels smaller than the frame's, and coarse ones do
 * not make them larger than the finest part's. */
GST_START_TEST (test_shape)
{
  const UnetRegion regions[] = { { 10, 20, 40, 40 }, { 90, 0, 20, 40 } };
  const UnetMask parts[] = {
    { .width = 10, .height = 80, .n_classes = 2, .w = 40, .h = 40 },
    { .width = 10, .height = 10, .n_classes = 2, .w = 20, .h = 40 }
  };
  const UnetMask shape = unet_merged_mask_shape (regions, parts, 2);

  assert_equals_int (shape.width, 50);
  assert_equals_int (shape.height, 60);
  fail_unless (shape.x == 10 && shape.y == 0 && shape.w == 100 && shape.h == 60,
      "%g,%g %gx%g", shape.x, shape.y, shape.w, shape.h);
}
GST_END_TEST;

static Suite *
merge_masks_suite (void)
{
  Suite *suite = suite_create ("merge-masks");
  TCase *tc = tcase_create ("general");

  tcase_add_test (tc, test_probability);
  tcase_add_test (tc, test_classes);
  tcase_add_test (tc, test_shape);
  suite_add_tcase (suite, tc);
  return suite;
}

GST_CHECK_MAIN (merge_masks);
