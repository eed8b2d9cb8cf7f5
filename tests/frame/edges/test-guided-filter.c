/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compares the guided filter with least squares in each window, in double. */
#include <frame/edges/guided-filter.h>
#include <frame/edges/morphology.h>
#include <gst/check/gstcheck.h>
#include <math.h>

typedef struct {
  gint width, height, radius;
  gdouble eps;
  const gfloat *guide, *p;
} Filter;

/* Solves least squares in the window around a pixel by Cramer's rule. */
static void
oracle_window (const Filter *f, gint x, gint y, gdouble k[4])
{
  gdouble n = 0, mean[4] = { 0 }, s[3][4] = { { 0 } }, det;

  for (gint pass = 0; pass < 2; pass++) {
    for (gint j = MAX (y - f->radius, 0);
         j <= MIN (y + f->radius, f->height - 1); j++) {
      for (gint i = MAX (x - f->radius, 0);
           i <= MIN (x + f->radius, f->width - 1); i++) {
        const gsize at = (gsize) j * f->width + i;
        const gdouble v[4] = { f->guide[4 * at], f->guide[4 * at + 1],
          f->guide[4 * at + 2], f->p[at] };

        n += pass == 0;
        for (guint a = 0; a < 4; a++) {
          mean[a] += pass == 0 ? v[a] : 0;
          for (guint b = 0; b < 3 && pass; b++)
            s[b][a] += (v[a] - mean[a]) * (v[b] - mean[b]) / n;
        }
      }
    }
    for (guint a = 0; a < 4 && pass == 0; a++)
      mean[a] /= n;
  }
  for (guint a = 0; a < 3; a++)
    s[a][a] += f->eps;
  det = s[0][0] * (s[1][1] * s[2][2] - s[1][2] * s[2][1])
      - s[0][1] * (s[1][0] * s[2][2] - s[1][2] * s[2][0])
      + s[0][2] * (s[1][0] * s[2][1] - s[1][1] * s[2][0]);
  k[3] = mean[3];
  for (guint a = 0; a < 3; a++) {
    const guint b = (a + 1) % 3, c = (a + 2) % 3;

    /* The right-hand side replaces the column of @a; the cofactors are cyclic.
     */
    k[a] = (s[a][3] * (s[b][b] * s[c][c] - s[b][c] * s[c][b])
               + s[b][3] * (s[b][c] * s[c][a] - s[b][a] * s[c][c])
               + s[c][3] * (s[b][a] * s[c][b] - s[b][b] * s[c][a]))
        / det;
    k[3] -= k[a] * mean[a];
  }
}

static gdouble
oracle_filter (const Filter *f, const guint8 *needed, gint x, gint y)
{
  const gfloat *g = f->guide + 4 * ((gsize) y * f->width + x);
  gdouble mean[4] = { 0 }, n = 0;

  for (gint j = MAX (y - f->radius, 0); j <= MIN (y + f->radius, f->height - 1);
       j++) {
    for (gint i = MAX (x - f->radius, 0);
         i <= MIN (x + f->radius, f->width - 1); i++) {
      gdouble k[4] = { 0, 0, 0, f->p[j * f->width + i] };

      if (needed[j * f->width + i])
        oracle_window (f, i, j, k);
      n++;
      for (guint a = 0; a < 4; a++)
        mean[a] += k[a];
    }
  }
  return (mean[0] * g[0] + mean[1] * g[1] + mean[2] * g[2] + mean[3]) / n;
}

static void
check_filter (GRand *rand)
{
  Filter f = { g_rand_int_range (rand, 1, 20), g_rand_int_range (rand, 1, 16),
    0, 1e-3, NULL, NULL };
  const gsize n = (gsize) f.width * f.height;
  gfloat *guide = g_new (gfloat, 4 * n), *p = g_new (gfloat, n);
  gfloat *q = g_new (gfloat, n);
  guint8 *scratch = g_malloc (n), *needed = g_malloc (n);
  UnetGuidedFilter guided;

  f.guide = guide;
  f.p = p;
  f.radius = g_rand_int_range (rand, 1, 5);
  f.radius = MIN (f.radius, MIN (f.width, f.height) - 1);
  for (gsize i = 0; i < 4 * n; i++)
    guide[i] = i % 4 == 3 ? 0 : (gfloat) g_rand_double_range (rand, -.5, .5);
  for (gsize i = 0; i < n; i++)
    p[i] = (gfloat) g_rand_double (rand);
  unet_guided_filter_filter_init (&guided, f.width, f.height);
  for (gsize i = 0; i < n; i++)
    guided.wanted[i] = g_rand_int_range (rand, 0, 5) == 0;
  unet_flags_dilate (
      needed, guided.wanted, scratch, f.width, f.height, f.radius);
  for (gint y = 0; y < f.height; y++)
    for (gint x = 0; x < f.width; x++) {
      gboolean near = FALSE;

      for (gint j = MAX (y - f.radius, 0);
           j <= MIN (y + f.radius, f.height - 1); j++)
        for (gint i = MAX (x - f.radius, 0);
             i <= MIN (x + f.radius, f.width - 1); i++)
          near |= guided.wanted[j * f.width + i];
      fail_unless (near == needed[y * f.width + x]);
    }
  unet_guided_filter_filter_run (&guided, guide, p, f.radius, (gfloat) f.eps);
  unet_guided_filter_filter_apply (&guided, guide, q);
  for (gsize i = 0; i < n; i++) {
    const gdouble expected = guided.wanted[i]
        ? oracle_filter (&f, needed, i % f.width, i / f.width)
        : p[i];

    fail_unless (fabs (q[i] - expected) < 2e-3,
        "%ux%u radius %d: %g instead of %g", f.width, f.height, f.radius, q[i],
        expected);
  }
  unet_guided_filter_filter_clear (&guided);
  g_free (guide);
  g_free (p);
  g_free (q);
  g_free (scratch);
  g_free (needed);
}

GST_START_TEST (test_guided)
{
  GRand *rand = g_rand_new_with_seed (1);

  for (guint i = 0; i < 60; i++)
    check_filter (rand);
  g_rand_free (rand);
}

GST_END_TEST;

static Suite *
guided_filter_suite (void)
{
  Suite *suite = suite_create ("guided-filter");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_guided);
  return suite;
}

GST_CHECK_MAIN (guided_filter);
