/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <frame/format/orientation.h>
#include <frame/format/region.h>

#include <gst/check/gstcheck.h>
#include <math.h>

static UnetRegion
random_region (GRand *rand, gint width, gint height)
{
  UnetRegion r = { g_rand_int_range (rand, 0, width),
    g_rand_int_range (rand, 0, height), 0, 0 };

  r.width = g_rand_int_range (rand, 1, width - r.x + 1);
  r.height = g_rand_int_range (rand, 1, height - r.y + 1);
  return r;
}

GST_START_TEST (test_clip)
{
  static const struct {
    UnetRegion from, to;
    gboolean any;
  } cases[] = {
    { { 10, 20, 30, 25 }, { 10, 20, 30, 25 }, TRUE },
    { { -10, -5, 30, 40 }, { 0, 0, 20, 35 }, TRUE },
    { { 90, 40, 30, 40 }, { 90, 40, 10, 10 }, TRUE },
    { { -1000, -1000, 9000, 9000 }, { 0, 0, 100, 50 }, TRUE },
    { { 100, 0, 5, 5 }, { 0 }, FALSE },
    { { 0, -5, 5, 5 }, { 0 }, FALSE },
    { { G_MAXINT, 0, G_MAXINT, 5 }, { 0 }, FALSE },
    { { 0, 0, 0, 0 }, { 0 }, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    UnetRegion r = cases[i].from;

    fail_unless (unet_region_clip (&r, 100, 50) == cases[i].any, "case %u", i);
    fail_unless (!cases[i].any || unet_region_is_equal (&r, &cases[i].to),
        "case %u: %d,%d %dx%d", i, r.x, r.y, r.width, r.height);
  }
}
GST_END_TEST;

/* Laid into the buffer again it is the same. */
GST_START_TEST (test_upright)
{
  GRand *rand = g_rand_new_with_seed (1);

  for (guint i = 0; i < 400; i++) {
    const GstVideoOrientationMethod method = i % 8;
    const gint w = g_rand_int_range (rand, 1, 90);
    const gint h = g_rand_int_range (rand, 1, 90);
    const gboolean turned = unet_orientation_is_transposed (method);
    const UnetRegion lying =
        random_region (rand, turned ? h : w, turned ? w : h);
    const UnetRegion r = unet_region_turn_upright (&lying, method, w, h);
    gdouble x = r.x, y = r.y, rw = r.width, rh = r.height;

    fail_unless (
        r.x >= 0 && r.y >= 0 && r.x + r.width <= w && r.y + r.height <= h);
    unet_orientation_map_rectangle (method, w, h, &x, &y, &rw, &rh);
    fail_unless (
        x == lying.x && y == lying.y && rw == lying.width && rh == lying.height,
        "method %d", method);
  }
  g_rand_free (rand);
}
GST_END_TEST;

/* It holds the region, lies in the frame, and has its shape to a pixel. */
GST_START_TEST (test_grow)
{
  GRand *rand = g_rand_new_with_seed (2);
  const UnetRegion tall = { 600, 100, 100, 360 };
  UnetRegion g = unet_region_grow (&tall, 1280, 720);

  fail_unless (g.x == 330 && g.y == 100 && g.width == 640 && g.height == 360);
  for (guint i = 0; i < 2000; i++) {
    const gint w = g_rand_int_range (rand, 1, 2000);
    const gint h = g_rand_int_range (rand, 1, 2000);
    const UnetRegion r = random_region (rand, w, h);
    gdouble share;

    g = unet_region_grow (&r, w, h);
    share = MAX ((gdouble) r.width / w, (gdouble) r.height / h);
    fail_unless (g.x >= 0 && g.y >= 0 && g.x + g.width <= w
        && g.y + g.height <= h && g.x <= r.x && g.y <= r.y
        && g.x + g.width >= r.x + r.width && g.y + g.height >= r.y + r.height);
    fail_unless (
        fabs (g.width - share * w) <= 1 && fabs (g.height - share * h) <= 1,
        "%dx%d in %dx%d", g.width, g.height, w, h);
  }
  g_rand_free (rand);
}
GST_END_TEST;

/* What is left of a placement covers the region, to half a pixel of the input
 * or a whole one where it is smaller, at the scale of the whole. */
GST_START_TEST (test_cut)
{
  GRand *rand = g_rand_new_with_seed (3);

  for (guint i = 0; i < 2000; i++) {
    const gint w = g_rand_int_range (rand, 2, 900);
    const gint h = g_rand_int_range (rand, 2, 900);
    const UnetRegion r = random_region (rand, w, h);
    UnetPlacement whole, cut;
    gdouble scale;

    unet_placement_init (
        &whole, UNET_FIT_LETTERBOX, w, h, 1, 1, 96, 64, 0, 0, 96, 64);
    cut = whole;
    unet_region_cut_placement (&r, &cut);
    scale = whole.src_w / whole.dst_w;
    fail_unless (fabs (cut.src_w / cut.dst_w - scale) < 1e-9);
    fail_unless (cut.dst_x >= whole.dst_x
        && cut.dst_x + cut.dst_w <= whole.dst_x + whole.dst_w);
    fail_unless (fabs (cut.src_x - (cut.dst_x - whole.dst_x) * scale) < 1e-9);
    fail_unless (fabs (cut.src_x - r.x) <= scale * 1.001
            && fabs (cut.src_x + cut.src_w - r.x - r.width) <= scale * 1.001,
        "%g + %g is not %d + %d", cut.src_x, cut.src_w, r.x, r.width);
    if (r.width > scale && cut.src_x + cut.src_w < w - scale)
      fail_unless (fabs (cut.src_x - r.x) <= scale * 0.501);
  }
  g_rand_free (rand);
}
GST_END_TEST;

static Suite *
region_suite (void)
{
  Suite *suite = suite_create ("region");
  TCase *tc = tcase_create ("general");

  tcase_add_test (tc, test_clip);
  tcase_add_test (tc, test_upright);
  tcase_add_test (tc, test_grow);
  tcase_add_test (tc, test_cut);
  suite_add_tcase (suite, tc);
  return suite;
}

GST_CHECK_MAIN (region);
