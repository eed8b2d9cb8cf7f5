/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compares the speckle filter with its definition, and checks what it does to
 * shapes. */
#include <frame/edges/speckle-filter.h>
#include <gst/check/gstcheck.h>

static gint
oracle (const guint8 *src, gint w, gint h, gint x, gint y)
{
  gint sum = 0, v = src[y * w + x];

  for (gint j = -2; j <= 2; j++)
    for (gint i = -2; i <= 2; i++)
      sum += src[CLAMP (y + j, 0, h - 1) * w + CLAMP (x + i, 0, w - 1)];
  v = CLAMP (v, sum / 25 - 80, sum / 25 + 80);
  v = 128 + (v - 128) * 20 / 16;
  return CLAMP (v, 0, 255);
}

GST_START_TEST (test_oracle)
{
  GRand *rand = g_rand_new_with_seed (21);

  for (guint round = 0; round < 200; round++) {
    const gint w = g_rand_int_range (rand, 1, 40);
    const gint h = g_rand_int_range (rand, 1, 30);
    guint8 *src = g_malloc ((gsize) w * h);
    UnetSpeckleFilter filter;
    const guint8 *result;

    for (gint i = 0; i < w * h; i++)
      src[i] = g_rand_boolean (rand) ? (guint8) g_rand_int (rand)
                                     : (guint8) (g_rand_int (rand) % 2 * 255);
    unet_speckle_filter_init (&filter, (guint) w, (guint) h);
    for (gint y = 0; y < h; y++) {
      filter.start[y] = (guint) g_rand_int_range (rand, 0, w + 1);
      filter.end[y] =
          (guint) g_rand_int_range (rand, (gint) filter.start[y], w + 1);
    }
    result = unet_speckle_filter_run (&filter, src);
    for (gint y = 0; y < h; y++)
      for (gint x = 0; x < w; x++) {
        const gboolean inside = (guint) x >= filter.start[y]
            && (guint) x < filter.end[y];
        const gint expected = inside ? oracle (src, w, h, x, y)
                                     : src[y * w + x];

        fail_unless (result[y * w + x] == expected,
            "%dx%d: %d instead of %d at %d,%d", w, h, result[y * w + x],
            expected, x, y);
      }
    unet_speckle_filter_clear (&filter);
    g_free (src);
  }
  g_rand_free (rand);
}

GST_END_TEST;

/* Specks of up to 4 pixels vanish, an edge stays, and a strand keeps about half
 * of its value. */
GST_START_TEST (test_shapes)
{
  enum { W = 40, H = 20 };
  guint8 src[W * H] = { 0 };
  UnetSpeckleFilter filter;
  const guint8 *result;

  for (guint y = 0; y < H; y++) {
    for (guint x = 0; x < 8; x++)
      src[y * W + x] = 255;
    src[y * W + 30] = 255;
  }
  src[5 * W + 16] = src[5 * W + 17] = src[6 * W + 16] = src[6 * W + 17] = 255;
  unet_speckle_filter_init (&filter, W, H);
  for (guint y = 0; y < H; y++)
    filter.end[y] = W;
  result = unet_speckle_filter_run (&filter, src);
  fail_unless (result[10 * W + 7] > 240 && result[10 * W + 8] < 15);
  fail_unless (result[5 * W + 16] < 128 && result[6 * W + 17] < 128);
  fail_unless (result[10 * W + 30] > 100 && result[10 * W + 30] < 200);
  unet_speckle_filter_clear (&filter);
}

GST_END_TEST;

static Suite *
speckle_filter_suite (void)
{
  Suite *suite = suite_create ("speckle-filter");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_oracle);
  tcase_add_test (tcase, test_shapes);
  return suite;
}

GST_CHECK_MAIN (speckle_filter);
