/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compares the mean field with its definition, in double. */
#include <frame/edges/mean-field.h>
#include <gst/check/gstcheck.h>
#include <math.h>

#define GUARD 64

/* mean-field.h documents these values. */
#define DOUBT  0.85
#define LEAST  0.004
#define PASSES 2

typedef struct {
  gint width, height;
  UnetMeanFieldKernel kernel;
  const gfloat *guide, *p;
} Field;

static gdouble
oracle_likeness (const Field *f, gint x, gint y, gint i, gint j)
{
  const gfloat *a = f->guide + 4 * ((gsize) y * f->width + x);
  const gfloat *b = f->guide + 4 * ((gsize) j * f->width + i);
  const gdouble distance = MIN (f->width, f->height) * f->kernel.distance;
  gdouble t =
      1 - ((x - i) * (x - i) + (y - j) * (y - j)) / (16 * distance * distance);

  for (guint k = 0; k < 3; k++)
    t -= pow ((k ? 2 : 1) * (a[k] - b[k]) / f->kernel.color, 2) / 16;
  return pow (MAX (t, 0), 8);
}

/* Returns whether a neighbour at this distance counts. */
static gboolean
oracle_counts (const Field *f, gint dx, gint dy)
{
  const gint step = (gint) f->kernel.spacing;
  const gdouble distance = MIN (f->width, f->height) * f->kernel.distance;
  const gint reach = MAX ((gint) (2 * distance + 0.5), 1);

  if (dy % step || (dx == 0 && dy == 0) || dx * dx + dy * dy > reach * reach)
    return FALSE;
  return (dx - (dy / step % 2 ? step / 2 : 0)) % step == 0;
}

static gdouble
oracle_mean (const Field *f, const gfloat *q, gint x, gint y)
{
  gdouble sum = 0, mass = DOUBT, odds;
  const gdouble p = CLAMP ((gdouble) f->p[y * f->width + x], LEAST, 1 - LEAST);

  for (gint j = 0; j < f->height; j++)
    for (gint i = 0; i < f->width; i++) {
      const gdouble like =
          oracle_counts (f, i - x, j - y) ? oracle_likeness (f, x, y, i, j) : 0;

      mass += like;
      sum += like * (2 * q[j * f->width + i] - 1);
    }
  odds = log (p / (1 - p)) + f->kernel.strength * sum / mass;
  return 1 / (1 + exp (-odds));
}

static void
check_field (GRand *rand)
{
  Field f = { g_rand_int_range (rand, 1, 60), g_rand_int_range (rand, 1, 30),
    { g_rand_double_range (rand, .03, .4), g_rand_int_range (rand, 1, 5),
        (gfloat) g_rand_double_range (rand, .03, .4),
        (gfloat) g_rand_double_range (rand, 1, 8) },
    NULL, NULL };
  const gint n = f.width * f.height;
  gfloat *guide = g_new (gfloat, 4 * n), *p = g_new (gfloat, n);
  gfloat *q = g_new (gfloat, n + GUARD), *expected = g_new (gfloat, n);
  gfloat *last = g_new (gfloat, n);
  guint8 *wanted = g_malloc (n);
  UnetMeanField field;

  for (gint i = 0; i < 4 * n; i++)
    guide[i] = (gfloat) g_rand_double_range (rand, -.5, .5);
  for (gint i = 0; i < n; i++) {
    const gdouble v = g_rand_double_range (rand, -.2, 1.2);

    p[i] = (gfloat) CLAMP (v, 0, 1);
    q[i] = expected[i] = (gfloat) g_rand_double (rand);
    wanted[i] = g_rand_int_range (rand, 0, 3) == 0;
  }
  for (guint i = 0; i < GUARD; i++)
    q[n + i] = 7;
  f.guide = guide;
  f.p = p;
  unet_mean_field_init (&field, f.width, f.height, &f.kernel);
  unet_mean_field_run (&field, guide, p, wanted, q);
  for (guint k = 0; k < PASSES; k++) {
    memcpy (last, expected, sizeof (gfloat) * n);
    for (gint i = 0; i < n; i++)
      if (wanted[i])
        expected[i] = (gfloat) oracle_mean (&f, last, i % f.width, i / f.width);
  }
  for (gint i = 0; i < n; i++)
    fail_unless (fabs (q[i] - expected[i]) < 1e-4,
        "%dx%d spacing %u: %g instead of %g at %d", f.width, f.height,
        f.kernel.spacing, q[i], expected[i], i);
  for (guint i = 0; i < GUARD; i++)
    fail_unless (q[n + i] == 7);
  unet_mean_field_clear (&field);
  g_free (guide);
  g_free (p);
  g_free (q);
  g_free (expected);
  g_free (last);
  g_free (wanted);
}

GST_START_TEST (test_mean_field)
{
  GRand *rand = g_rand_new_with_seed (11);

  for (guint i = 0; i < 60; i++)
    check_field (rand);
  g_rand_free (rand);
}

GST_END_TEST;

static Suite *
mean_field_suite (void)
{
  Suite *suite = suite_create ("mean-field");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_mean_field);
  return suite;
}

GST_CHECK_MAIN (mean_field);
