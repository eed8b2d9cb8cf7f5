/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compares refinement on two scales with its passes, which have tests of their
 * own. */
#include <frame/edges/morphology.h>
#include <frame/edges/two-scale.h>
#include <gst/check/gstcheck.h>
#include <math.h>

static void
oracle_halve (const gfloat *src, gfloat *dst, gint w, gint h, gint n)
{
  for (gint y = 0; y < h; y += 2)
    for (gint x = 0; x < w; x += 2)
      for (gint i = 0; i < n; i++) {
        gdouble sum = 0;

        for (gint k = 0; k < 4; k++)
          sum += src[(MIN (y + k / 2, h - 1) * w + MIN (x + k % 2, w - 1)) * n
              + i];
        dst[(y / 2 * ((w + 1) / 2) + x / 2) * n + i] = (gfloat) (sum / 4);
      }
}

static gfloat
oracle_sure (const UnetTwoScaleSure *sure, gdouble q, gdouble p)
{
  gdouble t = q + (p - q) * sure->network;

  t = CLAMP ((t - sure->from) / (sure->to - sure->from), 0, 1);
  return (gfloat) (t * t * (3 - 2 * t));
}

static gboolean
oracle_crosses (const gfloat *q, gint w, gint h, gint x, gint y)
{
  static const gint step[][2] = { { -1, 0 }, { 1, 0 }, { 0, -1 }, { 0, 1 } };
  gboolean crosses = FALSE;

  for (guint k = 0; k < G_N_ELEMENTS (step); k++) {
    const gint i = CLAMP (x + step[k][0], 0, w - 1);
    const gint j = CLAMP (y + step[k][1], 0, h - 1);

    crosses |= (q[j * w + i] > 0.5f) != (q[y * w + x] > 0.5f);
  }
  return crosses;
}

/* Runs a pass of the guided filter, which has a test of its own. */
static void
oracle_pass (UnetGuidedFilter *guided, const gfloat *guide, const gfloat *p,
    gdouble part, gfloat epsilon)
{
  const guint side = MIN (guided->width, guided->height);

  unet_guided_filter_filter_run (
      guided, guide, p, MAX ((guint) (side * part + 0.5), 1), epsilon);
}

/* Marks the pixels whose first window reaches an edge. */
static void
oracle_wanted (UnetGuidedFilter *guided, const gfloat *p, gdouble part)
{
  const guint w = guided->width, h = guided->height;
  guint8 *flags = g_malloc (w * h), *scratch = g_malloc (w * h);

  unet_two_scale_find_edges (flags, p, w, h);
  unet_flags_dilate (guided->wanted, flags, scratch, w, h,
      MAX ((guint) (MIN (w, h) * part + 0.5), 1));
  g_free (flags);
  g_free (scratch);
}

/* Runs a mean field, which has a test of its own. */
static void
oracle_field (const UnetMeanFieldKernel *kernel, guint w, guint h,
    const gfloat *guide, const gfloat *p, const guint8 *wanted, gfloat *q)
{
  UnetMeanField field;

  unet_mean_field_init (&field, w, h, kernel);
  unet_mean_field_run (&field, guide, p, wanted, q);
  unet_mean_field_clear (&field);
}

static void
oracle_coarse (UnetGuidedFilter *coarse, const gfloat *guide, const gfloat *p)
{
  static const gdouble parts[] = { 1 / 10.0, 1 / 13.0 };
  static const UnetMeanFieldKernel kernels[] = { { 0.3, 6, 0.037f, 2.8f },
    { 0.12, 4, 0.09f, 9.5f } };
  static const UnetTwoScaleSure sure = { 0.36f, 0.41f, 0.59f };
  const guint w = coarse->width, h = coarse->height;
  gfloat *q = g_new (gfloat, w * h);
  guint8 *before = g_malloc (w * h), *after = g_malloc (w * h);

  oracle_wanted (coarse, p, parts[0]);
  oracle_pass (coarse, guide, p, parts[0], 1e-5f);
  unet_guided_filter_filter_apply (coarse, guide, q);
  for (guint i = 0; i < w * h; i++)
    q[i] = oracle_sure (&sure, q[i], p[i]);
  unet_two_scale_find_edges (before, p, w, h);
  unet_two_scale_find_edges (after, q, w, h);
  for (guint i = 0; i < w * h; i++)
    after[i] = before[i] || after[i];
  for (guint i = 0; i < G_N_ELEMENTS (kernels); i++)
    oracle_field (&kernels[i], w, h, guide, p, after, q);
  oracle_pass (coarse, guide, q, parts[1], 1e-5f);
  g_free (q);
  g_free (before);
  g_free (after);
}

/* Marks the border and the pixels within its reach. */
static void
oracle_border (guint8 *wanted, const gfloat *q, gint w, gint h, gint reach)
{
  for (gint y = 0; y < h; y++)
    for (gint x = 0; x < w; x++) {
      wanted[y * w + x] = 0;
      for (gint j = MAX (y - reach, 0); j <= MIN (y + reach, h - 1); j++)
        for (gint i = MAX (x - reach, 0); i <= MIN (x + reach, w - 1); i++)
          wanted[y * w + x] |= oracle_crosses (q, w, h, i, j);
    }
}

/* Returns how near each pixel of @p, at half the resolution, is to certain
 * foreground. It feathers the square around each certain pixel, in bytes as the
 * code does. */
static guint8 *
oracle_nearness (const gfloat *p, gint w, gint h)
{
  const gint reach = MAX ((gint) (MIN (w, h) / 10.0 + 0.5), 1);
  const guint blur = (guint) MAX (reach / 6, 1);
  guint8 *near = g_malloc0 ((gsize) w * h);
  guint8 *scratch = g_malloc ((gsize) w * h + 4 * (gsize) w);

  for (gint y = 0; y < h; y++)
    for (gint x = 0; x < w; x++)
      for (gint j = MAX (y - reach, 0); j <= MIN (y + reach, h - 1); j++)
        for (gint i = MAX (x - reach, 0); i <= MIN (x + reach, w - 1); i++)
          if (p[j * w + i] > 0.8f)
            near[y * w + x] = 255;
  /* Feathering has a test of its own. */
  unet_plane_feather (near, scratch, (guint) w, (guint) h, blur);
  g_free (scratch);
  return near;
}

static void
oracle_limit (gfloat *q, const gfloat *p, gint w, gint h, const gfloat *half)
{
  const gint cw = (w + 1) / 2, ch = (h + 1) / 2;
  guint8 *near = oracle_nearness (half, cw, ch);

  for (gint i = 0; i < w * h; i++) {
    const gint at = i / w / 2 * cw + i % w / 2;
    const gdouble high = p[i] + (1 - p[i]) * near[at] / 255.0;

    q[i] = (gfloat) MIN (q[i], high);
  }
  g_free (near);
}

static void
oracle_fine (UnetGuidedFilter *fine, const gfloat *guide, const gfloat *p,
    gfloat *q, const gfloat *half)
{
  static const UnetMeanFieldKernel kernel = { 0.026, 2, 0.045f, 2.9f };
  const gint w = (gint) fine->width, h = (gint) fine->height;

  oracle_border (fine->wanted, q, w, h, 4);
  oracle_field (&kernel, w, h, guide, p, fine->wanted, q);
  oracle_limit (q, p, w, h, half);
  oracle_border (fine->wanted, q, w, h, 0);
  oracle_pass (fine, guide, q, 1 / 64.0, 1.2e-4f);
}

static gdouble
oracle_between (const UnetGuidedFilter *coarse, const gfloat *g, gint x, gint y)
{
  const gint w = (gint) coarse->width, h = (gint) coarse->height;
  const gdouble u = CLAMP ((x + 0.5) / 2 - 0.5, 0, w - 1.0);
  const gdouble v = CLAMP ((y + 0.5) / 2 - 0.5, 0, h - 1.0);
  const gint x0 = (gint) u, y0 = (gint) v;
  const gint x1 = MIN (x0 + 1, w - 1), y1 = MIN (y0 + 1, h - 1);
  gdouble sum = 0;

  for (gint i = 0; i < 4; i++) {
    const gfloat *k = coarse->coefficients + i;
    const gdouble a =
        k[4 * (y0 * w + x0)] * (1 - u + x0) + k[4 * (y0 * w + x1)] * (u - x0);
    const gdouble b =
        k[4 * (y1 * w + x0)] * (1 - u + x0) + k[4 * (y1 * w + x1)] * (u - x0);

    sum += (a * (1 - v + y0) + b * (v - y0)) * (i < 3 ? g[i] : 1);
  }
  return sum;
}

static void
check_scales (GRand *rand)
{
  static const UnetTwoScaleSure sure = { 0.4f, 0.1f, 0.9f };
  const gint w = g_rand_int_range (rand, 2, 60);
  const gint h = g_rand_int_range (rand, 2, 50);
  const gint cw = (w + 1) / 2, ch = (h + 1) / 2;
  gfloat *guide = g_new (gfloat, 4 * w * h), *p = g_new (gfloat, w * h);
  gfloat *small = g_new (gfloat, 4 * cw * ch), *r = g_new (gfloat, cw * ch);
  gfloat *q = g_new (gfloat, w * h);
  UnetGuidedFilter coarse, fine;
  UnetTwoScale scales;

  for (gint i = 0; i < 4 * w * h; i++)
    guide[i] = i % 4 == 3 ? 0 : (gfloat) g_rand_double_range (rand, -.5, .5);
  for (gint i = 0; i < w * h; i++) {
    const gdouble v =
        0.5 + 0.1 * (i % w - w / 2) + g_rand_double_range (rand, -.1, .1);

    p[i] = (gfloat) CLAMP (v, 0, 1);
  }
  unet_two_scale_init (&scales, (guint) w, (guint) h);
  unet_two_scale_run (&scales, guide, p);
  unet_guided_filter_filter_init (&coarse, (guint) cw, (guint) ch);
  unet_guided_filter_filter_init (&fine, (guint) w, (guint) h);
  oracle_halve (guide, small, w, h, 4);
  oracle_halve (p, r, w, h, 1);
  oracle_coarse (&coarse, small, r);
  for (gint i = 0; i < w * h; i++)
    q[i] = oracle_sure (
        &sure, oracle_between (&coarse, guide + 4 * i, i % w, i / w), p[i]);
  oracle_fine (&fine, guide, p, q, r);
  for (gint i = 0; i < w * h; i++) {
    const gfloat *g = guide + 4 * i, *a = scales.fine.coefficients + 4 * i;
    const gfloat *b = fine.coefficients + 4 * i;

    fail_unless (fabs (a[0] * g[0] + a[1] * g[1] + a[2] * g[2] + a[3]
                     - b[0] * g[0] - b[1] * g[1] - b[2] * g[2] - b[3])
            < 5e-3,
        "%dx%d: another value at %d, %d", w, h, i % w, i / w);
  }
  unet_two_scale_clear (&scales);
  unet_guided_filter_filter_clear (&coarse);
  unet_guided_filter_filter_clear (&fine);
  g_free (guide);
  g_free (p);
  g_free (small);
  g_free (r);
  g_free (q);
}

GST_START_TEST (test_scales)
{
  GRand *rand = g_rand_new_with_seed (7);

  for (guint i = 0; i < 60; i++)
    check_scales (rand);
  g_rand_free (rand);
}

GST_END_TEST;

/* Refines a picture of two colours, where the network is unsure of the right
 * half. Returns a value of that half. */
static gfloat
find_unsure (gfloat unsure, gfloat sure)
{
  enum { SIDE = 96 };
  gfloat *guide = g_new0 (gfloat, 4 * SIDE * SIDE);
  gfloat *p = g_new (gfloat, SIDE * SIDE);
  UnetTwoScale scales;
  gfloat result;

  for (guint i = 0; i < SIDE * SIDE; i++) {
    guide[4 * i] = i % SIDE < SIDE / 2 ? -0.3f : 0.3f;
    p[i] = i % SIDE < SIDE / 2 ? sure : unsure;
  }
  unet_two_scale_init (&scales, SIDE, SIDE);
  unet_two_scale_run (&scales, guide, p);
  result = scales.values[SIDE / 2 * SIDE + SIDE - 8];
  unet_two_scale_clear (&scales);
  g_free (guide);
  g_free (p);
  return result;
}

/* An unsure region does not become solid without certain foreground nearby. */
GST_START_TEST (test_unsure_region)
{
  fail_unless (find_unsure (0.6f, 0) <= 0.601f);
  fail_unless (find_unsure (0.95f, 0) > 0.95f);
}

GST_END_TEST;

static Suite *
two_scale_suite (void)
{
  Suite *suite = suite_create ("two-scale");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_scales);
  tcase_add_test (tcase, test_unsure_region);
  return suite;
}

GST_CHECK_MAIN (two_scale);
