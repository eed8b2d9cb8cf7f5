/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compares the estimate of foreground and background with the paper's algorithm
 * in double, and checks the colours of mask edges in frames. */
#include "../picture.h"

#include <frame/draw/color-estimate.h>
#include <frame/draw/decontaminate.h>
#include <gst/check/gstcheck.h>
#include <math.h>

typedef struct {
  gint w, h;
  gdouble *picture, *front, *back; /* four, three and three per pixel */
} Level;

static void
level_init (Level *level, gint w, gint h)
{
  *level = (Level){ w, h, g_new0 (gdouble, 4 * w * h),
    g_new0 (gdouble, 3 * w * h), g_new0 (gdouble, 3 * w * h) };
}

static void
level_clear (Level *level)
{
  g_free (level->picture);
  g_free (level->front);
  g_free (level->back);
}

/* Estimates one pixel by Cramer's rule, component by component. */
static void
oracle_pixel (Level *l, gint x, gint y)
{
  static const gint step[4][2] = { { -1, 0 }, { 1, 0 }, { 0, -1 }, { 0, 1 } };
  const gint at = y * l->w + x;
  const gdouble a = l->picture[4 * at + 3], b = 1 - a;
  gdouble front[3], back[3];

  for (gint c = 0; c < 3; c++) {
    gdouble m00 = a * a, m11 = b * b, p = a * l->picture[4 * at + c];
    gdouble q = b * l->picture[4 * at + c];

    for (gint k = 0; k < 4; k++) {
      const gint i = CLAMP (x + step[k][0], 0, l->w - 1);
      const gint j = CLAMP (y + step[k][1], 0, l->h - 1);
      const gint next = j * l->w + i;
      const gdouble weight = 0.005 + fabs (a - l->picture[4 * next + 3]);

      m00 += weight;
      m11 += weight;
      p += weight * l->front[3 * next + c];
      q += weight * l->back[3 * next + c];
    }
    front[c] = (p * m11 - q * a * b) / (m00 * m11 - a * b * a * b);
    back[c] = (q * m00 - p * a * b) / (m00 * m11 - a * b * a * b);
  }
  memcpy (l->front + 3 * at, front, sizeof front);
  memcpy (l->back + 3 * at, back, sizeof back);
}

static void
oracle_solve (Level *l)
{
  const gboolean small = MAX (l->w, l->h) <= 32;

  for (gint n = 0; n < (small ? 10 : 2); n++)
    for (gint y = 0; y < l->h; y++)
      for (gint x = 0; x < l->w; x++) {
        const gfloat a = (gfloat) l->picture[4 * (y * l->w + x) + 3];

        if (small || (a > 0.01f && a < 0.99f))
          oracle_pixel (l, x, y);
      }
}

static void
oracle_run (Level *l)
{
  Level half;

  if (MAX (l->w, l->h) == 1) {
    for (gint c = 0; c < 3; c++)
      l->front[c] = l->back[c] = l->picture[c];
    oracle_solve (l);
    return;
  }
  level_init (&half, (l->w + 1) / 2, (l->h + 1) / 2);
  for (gint i = 0; i < 4 * half.w * half.h; i++) {
    const gint x = i / 4 % half.w * 2, y = i / 4 / half.w * 2;

    for (gint k = 0; k < 4; k++)
      half.picture[i] += l->picture[(MIN (y + k / 2, l->h - 1) * l->w
                                        + MIN (x + k % 2, l->w - 1))
                                 * 4
                             + i % 4]
          / 4;
  }
  oracle_run (&half);
  for (gint i = 0; i < 3 * l->w * l->h; i++) {
    const gint at = i / 3, from = at / l->w / 2 * half.w + at % l->w / 2;
    const gfloat a = (gfloat) l->picture[4 * at + 3];
    const gdouble own = l->picture[4 * at + i % 3];

    l->front[i] = a > 0.99f ? own : half.front[3 * from + i % 3];
    l->back[i] = a < 0.01f ? own : half.back[3 * from + i % 3];
  }
  oracle_solve (l);
  level_clear (&half);
}

GST_START_TEST (test_oracle)
{
  GRand *rand = g_rand_new_with_seed (31);

  for (guint round = 0; round < 60; round++) {
    const gint w = g_rand_int_range (rand, 1, 80);
    const gint h = g_rand_int_range (rand, 1, 60);
    UnetColorEstimate estimate;
    Level level;

    level_init (&level, w, h);
    fail_unless (unet_color_estimate_init (&estimate, (guint) w, (guint) h));
    for (gint i = 0; i < 4 * w * h; i++) {
      const gdouble v =
          g_rand_double_range (rand, i % 4 == 3 ? -1 : 0, i % 4 == 3 ? 2 : 1);

      estimate.level[0].picture[i] = (gfloat) CLAMP (v, 0, 1);
      level.picture[i] = estimate.level[0].picture[i];
    }
    unet_color_estimate_run (&estimate);
    oracle_run (&level);
    for (gint i = 0; i < 3 * w * h; i++) {
      const gfloat *got = estimate.level[0].colors + 8 * (i / 3) + i % 3;

      fail_unless (fabs (got[0] - level.front[i]) < 1e-3
              && fabs (got[4] - level.back[i]) < 1e-3,
          "%dx%d: %g and %g instead of %g and %g", w, h, got[0], got[4],
          level.front[i], level.back[i]);
    }
    unet_color_estimate_clear (&estimate);
    level_clear (&level);
  }
  g_rand_free (rand);
}

GST_END_TEST;

static const gchar *const formats[] = { "I420", "NV12", "YUY2", "Y444", "RGBx",
  "RGB", "GRAY8", "I420_10LE", "P010_10LE", NULL };

/* Returns the coverage of a foreground left of @column; it falls over eight
 * pixels. */
static guint8
ramp (gint x, gint column)
{
  return (guint8) CLAMP (128 + (column - x) * 32, 0, 255);
}

/* Mixes a frame from two colours along the ramp. Soft pixels become the
 * foreground's colour, and background pixels stay. */
static void
check_frame (GRand *rand, const gchar *format)
{
  const gint width = 2 * g_rand_int_range (rand, 40, 120);
  const gint height = 2 * g_rand_int_range (rand, 10, 60);
  const gint column = 2 * g_rand_int_range (rand, 8, width / 2 - 8);
  UnetMask mask = { (guint) width, (guint) height, 2, NULL,
    g_malloc ((gsize) width * height), 0, 0, width, height };
  TestFrame frame, mixed, before;
  TestPlane was[3], old[3], is[3];
  UnetDecontaminate *decontaminate;
  GstVideoInfo info;
  gdouble unit;
  guint n;

  test_info_init (&info, gst_video_format_from_string (format), (guint) width,
      (guint) height);
  for (gint i = 0; i < width * height; i++)
    mask.probability[i] = ramp (i % width, column);
  test_frame_init_halves (&frame, &info, rand, (guint) column);
  test_frame_init_mixed (&mixed, &info, rand, mask.probability);
  test_frame_copy (&before, &mixed);
  n = test_planes_read (was, &frame.frame);
  test_planes_read (old, &before.frame);
  decontaminate = unet_decontaminate_new (&info);
  unet_decontaminate_run (decontaminate, &mixed.frame, &mask);
  test_planes_read (is, &mixed.frame);
  unit = ldexp (1, (gint) GST_VIDEO_INFO_COMP_DEPTH (&info, 0) - 8);
  for (guint c = 0; c < n; c++)
    for (guint y = 0; y < is[c].height; y++)
      for (guint x = 0; x < is[c].width; x++) {
        const guint pixel = x << is[c].w_sub;
        const gdouble front = test_plane_at (&was[c], 0, y);
        const gdouble back = test_plane_at (&was[c], is[c].width - 1, y);
        const gdouble got = test_plane_at (&is[c], x, y);

        if (ramp ((gint) pixel, column) >= 100)
          fail_unless (
              fabs (got - front) < 0.15 * fabs (front - back) + 3 * unit,
              "%s: %g instead of %g at %u, the edge is at %d", format, got,
              front, pixel, column);
        else if (pixel > (guint) column + 6)
          fail_unless (got == test_plane_at (&old[c], x, y), "%s", format);
      }
  test_planes_clear (was, n);
  test_planes_clear (old, n);
  test_planes_clear (is, n);
  unet_decontaminate_free (decontaminate);
  g_free (mask.probability);
  test_frame_clear (&frame);
  test_frame_clear (&mixed);
  test_frame_clear (&before);
}

GST_START_TEST (test_frames)
{
  GRand *rand = g_rand_new_with_seed (32);

  for (guint f = 0; formats[f]; f++)
    for (guint i = 0; i < 8; i++)
      check_frame (rand, formats[f]);
  g_rand_free (rand);
}

GST_END_TEST;

static Suite *
color_estimate_suite (void)
{
  Suite *suite = suite_create ("color-estimate");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_oracle);
  tcase_add_test (tcase, test_frames);
  return suite;
}

GST_CHECK_MAIN (color_estimate);
