/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connected parts of a mask. */
#include <frame/mask/object-list.h>
#include <gst/check/gstcheck.h>
#include <math.h>

#define MAX_SIDE 40
#define ROUNDS   400

/* Moves the pixels of one part from @from to @to, pixel by pixel. */
static void
take_part (
    guint8 *from, guint8 *to, guint width, guint height, guint x, guint y)
{
  guint stack[MAX_SIDE * MAX_SIDE * 8][2], n = 1;
  const guint8 id = from[y * width + x];

  stack[0][0] = x;
  stack[0][1] = y;
  while (n > 0) {
    const guint px = stack[--n][0], py = stack[n][1];

    if (px >= width || py >= height || from[py * width + px] != id)
      continue;
    from[py * width + px] = 0;
    to[py * width + px] = id;
    for (gint j = -1; j <= 1; j++)
      for (gint i = -1; i <= 1; i++) {
        stack[n][0] = px + i; /* wraps at the border */
        stack[n++][1] = py + j;
      }
  }
}

/* Finds the object of @objects that is the only part of @mask. */
static void
assert_has (const GArray *objects, const UnetMask *mask, guint8 id, guint width,
    guint height, gdouble least, guint *n_expected)
{
  UnetClassRegion regions[UNET_MASK_MAX_CLASSES];
  const UnetClassRegion *r = &regions[id];

  unet_mask_find_regions (mask, width, height, regions);
  if (r->area <= 0 || r->area < least)
    return;
  (*n_expected)++;
  for (guint i = 0; i < objects->len; i++) {
    const UnetMaskObject *o = &g_array_index (objects, UnetMaskObject, i);

    if (o->id == id && fabs (o->region.area - r->area) < 1e-9
        && fabs (o->region.x - r->x) < 1e-9 && fabs (o->region.y - r->y) < 1e-9
        && fabs (o->region.w - r->w) < 1e-9 && fabs (o->region.h - r->h) < 1e-9
        && fabs (o->region.center_x - r->center_x) < 1e-6
        && fabs (o->region.center_y - r->center_y) < 1e-6)
      return;
  }
  ck_abort_msg ("no object of class %u at %g,%g", id, r->x, r->y);
}

static void
check_objects (const UnetMask *mask, guint width, guint height, gdouble least)
{
  const gsize n = (gsize) mask->width * mask->height;
  g_autoptr (GArray)
      objects = unet_mask_find_objects (mask, width, height, least);
  g_autofree guint8 *left = g_memdup2 (mask->class_map, n);
  g_autofree guint8 *part = g_new (guint8, n);
  UnetMask one = *mask;
  guint expected = 0;

  one.class_map = part;
  for (guint i = 0; i < n; i++) {
    const guint8 id = left[i];

    if (id == 0)
      continue;
    memset (part, 0, n);
    take_part (left, part, mask->width, mask->height, i % mask->width,
        i / mask->width);
    assert_has (objects, &one, id, width, height, least, &expected);
  }
  if (expected <= UNET_MASK_MAX_OBJECTS)
    assert_equals_int (objects->len, expected);
  for (guint i = 1; i < objects->len; i++)
    fail_unless (g_array_index (objects, UnetMaskObject, i - 1).region.area
        >= g_array_index (objects, UnetMaskObject, i).region.area);
}

/* Masks of 1 to 4 classes, from sparse ones to full ones, partly outside of
 * their frame. */
GST_START_TEST (test_against_flood)
{
  GRand *rand = g_rand_new_with_seed (5);

  for (guint round = 0; round < ROUNDS; round++) {
    guint8 classes[MAX_SIDE * MAX_SIDE];
    const gdouble density = g_rand_double (rand);
    const guint n = g_rand_int_range (rand, 2, 5);
    UnetMask mask = { .width = g_rand_int_range (rand, 1, MAX_SIDE / 3),
      .height = g_rand_int_range (rand, 1, MAX_SIDE / 3),
      .n_classes = n,
      .x = g_rand_double_range (rand, -20, 20),
      .y = g_rand_double_range (rand, -20, 20),
      .w = g_rand_double_range (rand, 20, 200),
      .h = g_rand_double_range (rand, 20, 200) };

    for (guint i = 0; i < mask.width * mask.height; i++)
      classes[i] =
          g_rand_double (rand) < density ? g_rand_int_range (rand, 1, n) : 0;
    mask.class_map = classes;
    check_objects (&mask, 150, 120, g_rand_double (rand) * 0.02);
  }
  g_rand_free (rand);
}
GST_END_TEST;

/* Two spirals and a comb connect in the last row, or never. */
GST_START_TEST (test_shapes)
{
  static const gchar *const shapes[] = { ("#.#.#.#.#"
                                          "#.#.#.#.#"
                                          "#########"),
    ("#########"
     "#.......#"
     "#.##.##.#"
     "#.#...#.#"
     "#.#####.#"
     "#.......#"
     "#########"),
    ("#.......#"
     ".#.....#."
     "..#...#.."
     "...#.#..."
     "....#...."),
    ("##.22.##."
     "##222####") };
  static const guint expected[] = { 1, 2, 1, 3 };

  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++) {
    guint8 classes[81];
    const guint n = strlen (shapes[i]);
    UnetMask mask = { .width = 9,
      .height = n / 9,
      .n_classes = 3,
      .w = 9,
      .h = n / 9,
      .class_map = classes };
    g_autoptr (GArray) objects = NULL;

    for (guint k = 0; k < n; k++)
      classes[k] = shapes[i][k] == '#' ? 1 : shapes[i][k] == '2' ? 2 : 0;
    objects = unet_mask_find_objects (&mask, 9, n / 9, 0);
    assert_equals_int (objects->len, expected[i]);
    check_objects (&mask, 9, n / 9, 0);
  }
}
GST_END_TEST;

/* A chequered mask has more parts than are looked at. */
GST_START_TEST (test_noise)
{
  const guint width = 1024, height = 1024;
  g_autofree guint8 *classes = g_new0 (guint8, width * height);
  UnetMask mask = { .width = width,
    .height = height,
    .n_classes = 2,
    .w = width,
    .h = height,
    .class_map = classes };
  g_autoptr (GArray) objects = NULL;

  for (guint y = 0; y < height; y += 2)
    for (guint x = 0; x < width; x += 2)
      classes[y * width + x] = 1;
  objects = unet_mask_find_objects (&mask, width, height, 0);
  assert_equals_int (objects->len, UNET_MASK_MAX_OBJECTS);
}
GST_END_TEST;

static Suite *
object_list_suite (void)
{
  Suite *suite = suite_create ("object-list");
  TCase *tc = tcase_create ("general");

  tcase_add_test (tc, test_against_flood);
  tcase_add_test (tc, test_shapes);
  tcase_add_test (tc, test_noise);
  suite_add_tcase (suite, tc);
  return suite;
}

GST_CHECK_MAIN (object_list);
