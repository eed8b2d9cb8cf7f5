/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests temporal smoothing of still, changing and moving pictures. */
#include "../picture.h"

#include <frame/time/temporal-filter.h>
#include <gst/check/gstcheck.h>
#include <math.h>

#define SIDE 24

typedef struct {
  UnetTemporal *temporal;
  gfloat pixels[4 * SIDE * SIDE];
  gfloat row[SIDE];
} Time;

static void
time_init (Time *t)
{
  const UnetMask shape = {
    .width = SIDE, .height = SIDE, .n_classes = 2, .w = 64, .h = 64
  };
  GstVideoInfo info;

  test_info_init (&info, GST_VIDEO_FORMAT_I420, 64, 64);
  t->temporal =
      unet_temporal_new (&info, &shape, GST_VIDEO_ORIENTATION_IDENTITY, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (t->pixels); i++)
    t->pixels[i] = i % 4 == 3 ? 0 : (gfloat) sin (i) * 0.4f;
}

/* Gives every row the same probability. Returns the smoothed value at @x, @y.
 */
static gfloat
time_step (Time *t, gdouble elapsed, gfloat p, guint x, guint y)
{
  gfloat result = 0;

  unet_temporal_read_pixels (t->temporal, t->pixels, elapsed, 100);
  for (guint j = 0; j < SIDE; j++) {
    for (guint i = 0; i < SIDE; i++)
      t->row[i] = p;
    if (j == y)
      result = unet_temporal_smooth_row (t->temporal, 0, j, t->row, FALSE)[x];
    else
      unet_temporal_smooth_row (t->temporal, 0, j, t->row, FALSE);
  }
  return result;
}

/* Returns the weight of the new value by the definition. */
static gdouble
oracle_weight (gdouble elapsed, gdouble p)
{
  const gdouble base = 1 - exp (-elapsed / 100),
                sure = (2 * p - 1) * (2 * p - 1);

  return base - base * 0.5 * (1 - sure) * (1 - base);
}

GST_START_TEST (test_still)
{
  gdouble expected = 0.2;
  Time t;

  time_init (&t);
  fail_unless (time_step (&t, 0, 0.2f, 3, 3) == 0.2f);
  for (guint i = 0; i < 10; i++) {
    const gdouble elapsed = 10 + 7 * i, p = i % 2 ? 0.35 : 0.5;
    const gfloat got = time_step (&t, elapsed, (gfloat) p, 3, 3);

    expected += (p - expected) * oracle_weight (elapsed, p);
    fail_unless (
        fabs (got - expected) < 1e-4, "%u: %g instead of %g", i, got, expected);
  }
  unet_temporal_free (t.temporal);
}

GST_END_TEST;

GST_START_TEST (test_change)
{
  Time t;

  time_init (&t);
  time_step (&t, 0, 0.2f, 0, 0);
  /* Where a corner changes, the new value is used; far from it, the old one is
   * held. */
  for (guint y = 0; y < 5; y++)
    for (guint x = 0; x < 5; x++)
      t.pixels[4 * (y * SIDE + x)] += 0.5f;
  fail_unless (fabs (time_step (&t, 10, 0.5f, 2, 2) - 0.5f) < 1e-6);
  fail_unless (time_step (&t, 10, 0.5f, 20, 20) < 0.4f);
  fail_unless (unet_temporal_get_changed (t.temporal) < 0.3);
  /* The new value also counts where the network is sure of another class. */
  fail_unless (time_step (&t, 10, 1, 20, 20) > 0.5f);
  /* The whole picture changes, as at a cut. */
  for (guint i = 0; i < G_N_ELEMENTS (t.pixels); i += 4)
    t.pixels[i] = -t.pixels[i] + 0.2f;
  fail_unless (time_step (&t, 10, 0.3f, 20, 20) == 0.3f);
  fail_unless (unet_temporal_get_changed (t.temporal) == 1);
  time_step (&t, 10, 0.5f, 20, 20);
  unet_temporal_reset (t.temporal);
  fail_unless (time_step (&t, 10, 0.1f, 20, 20) == 0.1f);
  unet_temporal_free (t.temporal);
}

GST_END_TEST;

/* Returns the value near the bottom after the frame's first @rows rows have
 * changed. */
static gfloat
look_again (Time *t, GstVideoFrame *frame, guint rows)
{
  guint8 *data = GST_VIDEO_FRAME_PLANE_DATA (frame, 0);
  const guint stride = (guint) GST_VIDEO_FRAME_PLANE_STRIDE (frame, 0);
  gfloat p = 0.2f;

  for (guint i = 0; i < 2; i++) {
    unet_temporal_read_frame (t->temporal, frame, i ? 10 : 0, 100);
    for (guint y = 0; y < SIDE; y++) {
      const gfloat *held;

      for (guint x = 0; x < SIDE; x++)
        t->row[x] = i ? 0.5f : 0.2f;
      held = unet_temporal_smooth_row (t->temporal, 0, y, t->row, FALSE);
      if (y == SIDE - 2)
        p = held[SIDE / 2];
    }
    for (guint y = 0; y < rows; y++)
      for (guint x = 0; x < 64; x++)
        data[y * stride + x] ^= 0x80;
  }
  return p;
}

/* If much of the picture moves, still parts are not held either. */
GST_START_TEST (test_follow)
{
  GRand *rand = g_rand_new_with_seed (11);
  TestFrame frame;
  GstVideoInfo info;
  Time t;

  test_info_init (&info, GST_VIDEO_FORMAT_I420, 64, 64);
  test_frame_init_smooth (&frame, &info, rand);
  time_init (&t);
  fail_unless (look_again (&t, &frame.frame, 16) == 0.5f);
  unet_temporal_reset (t.temporal);
  fail_unless (look_again (&t, &frame.frame, 0) < 0.3f);
  unet_temporal_free (t.temporal);
  test_frame_clear (&frame);
  g_rand_free (rand);
}

GST_END_TEST;

static Suite *
temporal_filter_suite (void)
{
  Suite *suite = suite_create ("temporal-filter");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_still);
  tcase_add_test (tcase, test_change);
  tcase_add_test (tcase, test_follow);
  return suite;
}

GST_CHECK_MAIN (temporal_filter);
