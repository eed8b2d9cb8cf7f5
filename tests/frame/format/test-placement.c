/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <frame/format/placement.h>

#include <gst/check/gstcheck.h>
#include <math.h>

static UnetPlacement
place (UnetFit fit, guint fw, guint fh, guint par_n, guint par_d, guint iw,
    guint ih)
{
  UnetPlacement p;

  unet_placement_init (&p, fit, fw, fh, par_n, par_d, iw, ih, 0, 0, iw, ih);
  return p;
}

static void
assert_placement (const UnetPlacement *p, gdouble sx, gdouble sy, gdouble sw,
    gdouble sh, gint dx, gint dy, gint dw, gint dh)
{
  fail_unless (fabs (p->src_x - sx) < 1e-9 && fabs (p->src_y - sy) < 1e-9
          && fabs (p->src_w - sw) < 1e-9 && fabs (p->src_h - sh) < 1e-9,
      "source %g,%g %gx%g", p->src_x, p->src_y, p->src_w, p->src_h);
  fail_unless (
      p->dst_x == dx && p->dst_y == dy && p->dst_w == dw && p->dst_h == dh,
      "destination %d,%d %dx%d", p->dst_x, p->dst_y, p->dst_w, p->dst_h);
}

GST_START_TEST (test_stretch)
{
  UnetPlacement p = place (UNET_FIT_STRETCH, 1280, 720, 1, 1, 256, 256);

  assert_placement (&p, 0, 0, 1280, 720, 0, 0, 256, 256);
  fail_if (p.mirror);
  p = place (UNET_FIT_STRETCH, 1, 1, 64, 45, 256, 144);
  assert_placement (&p, 0, 0, 1, 1, 0, 0, 256, 144);
}
GST_END_TEST;

GST_START_TEST (test_letterbox)
{
  UnetPlacement p = place (UNET_FIT_LETTERBOX, 1280, 720, 1, 1, 256, 256);

  assert_placement (&p, 0, 0, 1280, 720, 0, 56, 256, 144);
  /* The frame is in portrait orientation. */
  p = place (UNET_FIT_LETTERBOX, 720, 1280, 1, 1, 256, 256);
  assert_placement (&p, 0, 0, 720, 1280, 56, 0, 144, 256);
  /* DV PAL 16:9: 720 by 576 pixels of 64:45 are shown as 1024 by 576. */
  p = place (UNET_FIT_LETTERBOX, 720, 576, 64, 45, 256, 256);
  assert_placement (&p, 0, 0, 720, 576, 0, 56, 256, 144);
  p = place (UNET_FIT_LETTERBOX, 16384, 1, 1, 1, 256, 256);
  assert_placement (&p, 0, 0, 16384, 1, 0, 128, 256, 1);
}
GST_END_TEST;

GST_START_TEST (test_crop)
{
  UnetPlacement p = place (UNET_FIT_CROP, 1280, 720, 1, 1, 256, 256);

  /* A scale of 256 / 720 leaves 720 columns in the middle. */
  assert_placement (&p, 280, 0, 720, 720, 0, 0, 256, 256);
  p = place (UNET_FIT_CROP, 720, 1280, 1, 1, 256, 144);
  assert_placement (&p, 0, 437.5, 720, 405, 0, 0, 256, 144);
  p = place (UNET_FIT_CROP, 720, 576, 64, 45, 256, 256);
  assert_placement (&p, 157.5, 0, 405, 576, 0, 0, 256, 256);
}
GST_END_TEST;

/* Ronneberger et al. 2015, fig. 1: 388 of 572 pixels are segmented. */
GST_START_TEST (test_valid_window)
{
  UnetPlacement p;

  unet_placement_init (
      &p, UNET_FIT_STRETCH, 800, 600, 1, 1, 572, 572, 92, 92, 388, 388);
  assert_placement (&p, 0, 0, 800, 600, 92, 92, 388, 388);
  fail_unless (p.mirror);
  unet_placement_init (
      &p, UNET_FIT_LETTERBOX, 800, 600, 1, 1, 572, 572, 92, 92, 388, 388);
  /* 291 rows remain, because the half pixel is rounded the same way at both
   * ends. */
  assert_placement (&p, 0, 0, 800, 600, 92, 141, 388, 291);
  /* Crop keeps picture outside of the window. 600 rows become 388, so 572
   * columns show more than the window does. */
  unet_placement_init (
      &p, UNET_FIT_CROP, 1600, 600, 1, 1, 572, 572, 92, 92, 388, 388);
  assert_placement (
      &p, 800 - 286 * 600 / 388.0, 0, 572 * 600 / 388.0, 600, 0, 92, 572, 388);
}
GST_END_TEST;

/* Rectangles of any size lie within bounds, keep the aspect and are centred. */
GST_START_TEST (test_random_sizes)
{
  GRand *rand = g_rand_new_with_seed (7);

  for (guint i = 0; i < 20000; i++) {
    const guint fw = g_rand_int_range (rand, 1, 5000);
    const guint fh = g_rand_int_range (rand, 1, 5000);
    const guint iw = g_rand_int_range (rand, 1, 700);
    const guint ih = g_rand_int_range (rand, 1, 700);
    const guint par_n = g_rand_int_range (rand, 1, 70);
    const guint par_d = g_rand_int_range (rand, 1, 70);
    const UnetFit fit = g_rand_int_range (rand, 0, 3);
    const UnetPlacement p = place (fit, fw, fh, par_n, par_d, iw, ih);
    const gdouble sx = p.src_w * par_n / par_d / p.dst_w;
    const gdouble sy = p.src_h / p.dst_h;

    fail_unless (p.dst_x >= 0 && p.dst_y >= 0 && p.dst_w > 0 && p.dst_h > 0);
    fail_unless (p.dst_x + p.dst_w <= (gint) iw);
    fail_unless (p.dst_y + p.dst_h <= (gint) ih);
    fail_unless (p.src_x >= 0 && p.src_y >= 0 && p.src_w > 0 && p.src_h > 0);
    fail_unless (p.src_x + p.src_w <= fw + 1e-6);
    fail_unless (p.src_y + p.src_h <= fh + 1e-6);
    fail_unless (fabs (2 * p.src_x + p.src_w - fw) < 1e-6);
    /* Either side is rounded by up to half a pixel. A side that would vanish
     * has one pixel instead. */
    if (fit != UNET_FIT_STRETCH && MIN (p.dst_w, p.dst_h) > 1)
      fail_unless (
          fabs (log (sx / sy)) < -2 * log (1 - 0.51 / MIN (p.dst_w, p.dst_h)),
          "%ux%u (%u:%u) to %ux%u: scales %g and %g", fw, fh, par_n, par_d, iw,
          ih, sx, sy);
  }
  g_rand_free (rand);
}
GST_END_TEST;

static Suite *
placement_suite (void)
{
  Suite *suite = suite_create ("placement");
  TCase *tc = tcase_create ("placement");

  suite_add_tcase (suite, tc);
  tcase_add_test (tc, test_stretch);
  tcase_add_test (tc, test_letterbox);
  tcase_add_test (tc, test_crop);
  tcase_add_test (tc, test_valid_window);
  tcase_add_test (tc, test_random_sizes);
  return suite;
}

GST_CHECK_MAIN (placement);
