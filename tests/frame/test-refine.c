/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Masks through time and along the picture's edges, and backgrounds. */
#include "oracle.h"

#include <frame/format/mask.h>
#include <frame/mask/bounding-box.h>
#include <frame/time/scene-change.h>
#include <frame/edges/morphology.h>
#include <frame/draw/overlay.h>
#include <frame/edges/refine.h>
#include <frame/edges/two-scale.h>
#include <frame/time/temporal-filter.h>
#include <gst/check/gstcheck.h>
#include <math.h>

#define GUARD 64

static const gchar *const formats[] = { "I420", "NV12", "NV21", "YUY2", "UYVY",
  "Y42B", "Y444", "AYUV", "RGBx", "BGRA", "RGB", "GBR", "GRAY8", "I420_10LE",
  "P010_10LE", "Y444_16LE", "RGB16", "v210", NULL };

/* ---- the guided filter ------------------------------------------------ */

typedef struct {
  gint width, height, radius;
  gdouble eps;
  const gfloat *guide, *p;
} Filter;

/* Least squares in the window round a pixel, by Cramer's rule. */
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

    /* The column of @a exchanged for the right-hand side, cofactors cyclic. */
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

/* ---- the mean field --------------------------------------------------- */

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

/* Whether a pixel so far away is asked. */
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
  gdouble sum = 0, mass = UNET_MEAN_FIELD_DOUBT, odds;
  const gdouble p = CLAMP ((gdouble) f->p[y * f->width + x],
      UNET_MEAN_FIELD_LEAST, 1 - UNET_MEAN_FIELD_LEAST);

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
    p[i] = (gfloat) CLAMP (g_rand_double_range (rand, -.2, 1.2), 0, 1);
    q[i] = expected[i] = (gfloat) g_rand_double (rand);
    wanted[i] = g_rand_int_range (rand, 0, 3) == 0;
  }
  for (guint i = 0; i < GUARD; i++)
    q[n + i] = 7;
  f.guide = guide;
  f.p = p;
  unet_mean_field_init (&field, f.width, f.height, &f.kernel);
  unet_mean_field_run (&field, guide, p, wanted, q);
  for (guint k = 0; k < UNET_MEAN_FIELD_PASSES; k++) {
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

/* ---- on two scales ---------------------------------------------------- */

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

/* A pass of the filter, which has a test of its own. */
static void
oracle_pass (UnetGuidedFilter *guided, const gfloat *guide, const gfloat *p,
    gdouble part, gfloat epsilon)
{
  const guint side = MIN (guided->width, guided->height);

  unet_guided_filter_filter_run (
      guided, guide, p, MAX ((guint) (side * part + 0.5), 1), epsilon);
}

/* Where the first window reaches an edge. */
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

/* A mean field, too, has a test of its own. */
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
  static const gdouble parts[] = UNET_TWO_SCALE_COARSE;
  static const UnetMeanFieldKernel kernels[] = { UNET_TWO_SCALE_FAR,
    UNET_TWO_SCALE_NEAR };
  static const UnetTwoScaleSure sure = UNET_TWO_SCALE_SURE_COARSE;
  const guint w = coarse->width, h = coarse->height;
  gfloat *q = g_new (gfloat, w * h);
  guint8 *before = g_malloc (w * h), *after = g_malloc (w * h);

  oracle_wanted (coarse, p, parts[0]);
  oracle_pass (coarse, guide, p, parts[0], UNET_TWO_SCALE_EPSILON);
  unet_guided_filter_filter_apply (coarse, guide, q);
  for (guint i = 0; i < w * h; i++)
    q[i] = oracle_sure (&sure, q[i], p[i]);
  unet_two_scale_find_edges (before, p, w, h);
  unet_two_scale_find_edges (after, q, w, h);
  for (guint i = 0; i < w * h; i++)
    after[i] = before[i] || after[i];
  for (guint i = 0; i < G_N_ELEMENTS (kernels); i++)
    oracle_field (&kernels[i], w, h, guide, p, after, q);
  oracle_pass (coarse, guide, q, parts[1], UNET_TWO_SCALE_EPSILON);
  g_free (q);
  g_free (before);
  g_free (after);
}

/* The border, and what has it within its reach. */
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

static void
oracle_fine (
    UnetGuidedFilter *fine, const gfloat *guide, const gfloat *p, gfloat *q)
{
  static const UnetMeanFieldKernel kernel = UNET_TWO_SCALE_BORDER;
  const gint w = (gint) fine->width, h = (gint) fine->height;

  oracle_border (fine->wanted, q, w, h, UNET_TWO_SCALE_REACH);
  oracle_field (&kernel, w, h, guide, p, fine->wanted, q);
  oracle_border (fine->wanted, q, w, h, 0);
  oracle_pass (
      fine, guide, q, UNET_TWO_SCALE_FINE, UNET_TWO_SCALE_FINE_EPSILON);
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
  static const UnetTwoScaleSure sure = UNET_TWO_SCALE_SURE_FINE;
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
  for (gint i = 0; i < w * h; i++)
    p[i] = (gfloat) CLAMP (
        0.5 + 0.1 * (i % w - w / 2) + g_rand_double_range (rand, -.1, .1), 0,
        1);
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
  oracle_fine (&fine, guide, p, q);
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

/* ---- growing and feathering ------------------------------------------- */

static void
oracle_grow (
    const guint8 *src, guint8 *dst, gint w, gint h, gint r, gboolean largest)
{
  for (gint y = 0; y < h; y++)
    for (gint x = 0; x < w; x++) {
      guint8 best = src[y * w + x];

      for (gint j = MAX (y - r, 0); j <= MIN (y + r, h - 1); j++)
        for (gint i = MAX (x - r, 0); i <= MIN (x + r, w - 1); i++)
          best = largest ? MAX (best, src[j * w + i])
                         : MIN (best, src[j * w + i]);
      dst[y * w + x] = best;
    }
}

static void
oracle_feather (gdouble *plane, gint w, gint h, gint r)
{
  gdouble *copy = g_memdup2 (plane, sizeof (gdouble) * w * h);

  for (gint y = 0; y < h; y++)
    for (gint x = 0; x < w; x++) {
      gdouble sum = 0;

      for (gint j = y - r; j <= y + r; j++)
        for (gint i = x - r; i <= x + r; i++)
          sum += copy[CLAMP (j, 0, h - 1) * w + CLAMP (i, 0, w - 1)];
      plane[y * w + x] = sum / ((2 * r + 1) * (2 * r + 1));
    }
  g_free (copy);
}

static guint8 *
guarded_plane (GRand *rand, gsize n, guint8 **memory)
{
  *memory = g_malloc (n + 2 * GUARD);
  for (gsize i = 0; i < n + 2 * GUARD; i++)
    (*memory)[i] = (guint8) g_rand_int (rand);
  return *memory + GUARD;
}

static void
check_guards (const guint8 *now, const guint8 *before, gsize n)
{
  fail_unless (memcmp (now, before, GUARD) == 0);
  fail_unless (memcmp (now + GUARD + n, before + GUARD + n, GUARD) == 0);
}

static void
check_plane (GRand *rand)
{
  const gint w = g_rand_int_range (rand, 1, 50);
  const gint h = g_rand_int_range (rand, 1, 40);
  const gint r = g_rand_int_range (rand, 1, 20);
  const gsize n = (gsize) w * h;
  const gboolean largest = g_rand_boolean (rand);
  guint8 *memory, *plane = guarded_plane (rand, n, &memory);
  guint8 *before = g_memdup2 (memory, n + 2 * GUARD);
  guint8 *expected = g_malloc (n);
  guint8 *scratch = g_malloc (MAX (2 * (w + 2 * r) + (r + 1) * w, n + 4 * w));
  gdouble *smooth = g_new (gdouble, n);

  oracle_grow (before + GUARD, expected, w, h, r, largest);
  unet_plane_grow (plane, scratch, w, h, r, largest);
  fail_unless (memcmp (plane, expected, n) == 0, "%dx%d by %d", w, h, r);
  check_guards (memory, before, n);
  memcpy (memory, before, n + 2 * GUARD);
  for (gsize i = 0; i < n; i++)
    smooth[i] = plane[i];
  oracle_feather (smooth, w, h, r);
  oracle_feather (smooth, w, h, r);
  unet_plane_feather (plane, scratch, w, h, r);
  for (gsize i = 0; i < n; i++)
    fail_unless (fabs (plane[i] - smooth[i]) < 2.1, "%dx%d by %d: %d, not %g",
        w, h, r, plane[i], smooth[i]);
  check_guards (memory, before, n);
  g_free (memory);
  g_free (before);
  g_free (expected);
  g_free (scratch);
  g_free (smooth);
}

GST_START_TEST (test_planes)
{
  GRand *rand = g_rand_new_with_seed (2);

  for (guint i = 0; i < 150; i++)
    check_plane (rand);
  g_rand_free (rand);
}

GST_END_TEST;

/* ---- refining --------------------------------------------------------- */

static UnetMask
random_mask (GRand *rand, const GstVideoInfo *info)
{
  UnetMask mask = { .width = g_rand_int_range (rand, 1, 30),
    .height = g_rand_int_range (rand, 1, 30),
    .n_classes = 2 };

  mask.x = g_rand_double_range (rand, -3, info->width / 3.0);
  mask.y = g_rand_double_range (rand, -3, info->height / 3.0);
  mask.w = g_rand_double_range (rand, 1, info->width);
  mask.h = g_rand_double_range (rand, 1, info->height);
  mask.class_map = g_malloc0 (mask.width * mask.height);
  mask.probability = g_malloc (mask.width * mask.height);
  for (guint i = 0; i < mask.width * mask.height; i++)
    mask.probability[i] = g_rand_boolean (rand) ? (guint8) g_rand_int (rand)
        : g_rand_boolean (rand)                 ? 255
                                                : 0;
  return mask;
}

static void
free_mask (UnetMask *mask)
{
  g_free (mask->class_map);
  g_free (mask->probability);
}

static gdouble
bilinear (const UnetMask *mask, gint x, gint y)
{
  const gdouble u = CLAMP (
      (x + 0.5 - mask->x) * mask->width / mask->w - 0.5, 0, mask->width - 1.0);
  const gdouble v = CLAMP ((y + 0.5 - mask->y) * mask->height / mask->h - 0.5,
      0, mask->height - 1.0);
  gdouble sum = 0;

  for (guint j = 0; j < mask->height; j++)
    for (guint i = 0; i < mask->width; i++)
      sum += MAX (0, 1 - fabs (u - i)) * MAX (0, 1 - fabs (v - j))
          * mask->probability[j * mask->width + i] / 255.0;
  return sum;
}

/* Without a guide: bilinear, then a smoothstep; nothing outside. */
static void
check_plain (GRand *rand, const gchar *format)
{
  const UnetRefineOptions options = { FALSE, 0.2, 0.9, 0, 0, 0, 0 };
  TestFrame frame, copy;
  GstVideoInfo info;
  UnetRefine *refine;
  const UnetMask *result;
  UnetMask mask;

  test_info_init (&info, gst_video_format_from_string (format),
      g_rand_int_range (rand, 1, 60), g_rand_int_range (rand, 1, 50));
  test_frame_init (&frame, &info, rand, TEST_NOISE, TRUE);
  test_frame_copy (&copy, &frame);
  mask = random_mask (rand, &info);
  refine = unet_refine_new (&info);
  result = unet_refine_run (refine, &frame.frame, &mask, &options);
  fail_unless (result && result->width == (guint) info.width
      && result->height == (guint) info.height && result->class_map == NULL);
  for (gint y = 0; y < info.height; y++) {
    for (gint x = 0; x < info.width; x++) {
      const gboolean inside = x + 0.5 >= mask.x && x + 0.5 < mask.x + mask.w
          && y + 0.5 >= mask.y && y + 0.5 < mask.y + mask.h;
      gdouble t = (bilinear (&mask, x, y) - 0.2) / 0.7;
      const gdouble got = result->probability[y * info.width + x];

      t = CLAMP (t, 0, 1);
      t = inside ? 255 * t * t * (3 - 2 * t) : 0;
      fail_unless (fabs (got - t) < 1.6, "%s: %g instead of %g at %d,%d",
          format, got, t, x, y);
    }
  }
  fail_unless (memcmp (frame.memory, copy.memory, frame.size) == 0);
  unet_refine_free (refine);
  free_mask (&mask);
  test_frame_clear (&frame);
  test_frame_clear (&copy);
}

GST_START_TEST (test_plain)
{
  GRand *rand = g_rand_new_with_seed (3);

  for (guint f = 0; formats[f]; f++)
    for (guint i = 0; i < 6; i++)
      check_plain (rand, formats[f]);
  g_rand_free (rand);
}

GST_END_TEST;

/* GStreamer's own packers want its own strides. */
static void
copy_padded (TestFrame *frame, TestFrame *picture, GRand *rand)
{
  const GstVideoFormat format = GST_VIDEO_INFO_FORMAT (&picture->info);
  const gboolean pad = format != GST_VIDEO_FORMAT_RGB16
      && format != GST_VIDEO_FORMAT_v210;

  if (!pad) {
    *frame = *picture;
    return;
  }
  test_frame_init (frame, &picture->info, rand, TEST_NOISE, TRUE);
  test_frame_copy_picture (frame, picture);
  test_frame_clear (picture);
}

static void
init_smooth (TestFrame *frame, const GstVideoInfo *info, GRand *rand)
{
  TestFrame picture;

  test_frame_init (&picture, info, rand, TEST_SMOOTH, FALSE);
  copy_padded (frame, &picture, rand);
}

/* Two colours that meet at a column; bright on the left. */
static void
paint_halves (TestFrame *frame, guint column)
{
  GstVideoInfo info;
  GstVideoFrame from;
  GstBuffer *buffer;
  GstVideoConverter *converter;

  gst_video_info_init (&info);
  gst_video_info_set_format (
      &info, GST_VIDEO_FORMAT_RGB, frame->info.width, frame->info.height);
  info.fps_n = frame->info.fps_n;
  info.fps_d = frame->info.fps_d;
  buffer = gst_buffer_new_allocate (NULL, info.size, NULL);
  gst_video_frame_map (&from, &info, buffer, GST_MAP_READWRITE);
  for (gint y = 0; y < info.height; y++)
    for (gint x = 0; x < info.width; x++) {
      guint8 *pixel = (guint8 *) from.data[0] + y * from.info.stride[0] + 3 * x;

      pixel[0] = (guint) x < column ? 200 : 40;
      pixel[1] = (guint) x < column ? 190 : 60;
      pixel[2] = (guint) x < column ? 120 : 90;
    }
  converter = gst_video_converter_new (&info, &frame->info, NULL);
  gst_video_converter_frame (converter, &from, &frame->frame);
  gst_video_converter_free (converter);
  gst_video_frame_unmap (&from);
  gst_buffer_unref (buffer);
}

static void
init_halves (
    TestFrame *frame, const GstVideoInfo *info, GRand *rand, guint column)
{
  TestFrame picture;

  test_frame_init (&picture, info, rand, TEST_NOISE, FALSE);
  paint_halves (&picture, column);
  copy_padded (frame, &picture, rand);
}

/* The mask's edge is three of its pixels off: it goes to the picture's, to one
 * and a half of them. */
static void
check_edge (GRand *rand, const gchar *format)
{
  const UnetRefineOptions options = { TRUE, 0.3, 0.7, 0, 0, 0, 0 };
  const guint width = 320, height = 200, side = 128;
  const guint column = 2 * g_rand_int_range (rand, 60, 100);
  const gdouble off = column * side / (gdouble) width + 3;
  UnetMask mask = { side, side, 2, g_malloc0 (side * side),
    g_malloc (side * side), 0, 0, width, height };
  TestFrame frame;
  GstVideoInfo info;
  UnetRefine *refine;
  const UnetMask *result;

  test_info_init (&info, gst_video_format_from_string (format), width, height);
  init_halves (&frame, &info, rand, column);
  for (guint i = 0; i < side * side; i++)
    mask.probability[i] = (guint8) CLAMP (127 + 40 * (off - i % side), 0, 255);
  refine = unet_refine_new (&info);
  result = unet_refine_run (refine, &frame.frame, &mask, &options);
  for (guint x = 0; x < width; x++) {
    const guint8 got = result->probability[height / 2 * width + x];

    fail_unless (x + 7 >= column || got > 235,
        "%s: only %u at %u, the edge is at %u", format, got, x, column);
    fail_unless (x < column + 7 || got < 20,
        "%s: still %u at %u, the edge is at %u", format, got, x, column);
  }
  fail_unless (result->probability[height / 2 * width + column - 4] > 127);
  fail_unless (result->probability[height / 2 * width + column + 4] < 127);
  unet_refine_free (refine);
  free_mask (&mask);
  test_frame_clear (&frame);
}

GST_START_TEST (test_edge)
{
  GRand *rand = g_rand_new_with_seed (4);

  for (guint f = 0; formats[f]; f++)
    check_edge (rand, formats[f]);
  g_rand_free (rand);
}

GST_END_TEST;

/* A still picture with noise: what is drawn moves far less than the mask. */
GST_START_TEST (test_held_edges)
{
  GRand *rand = g_rand_new_with_seed (5);
  UnetRefineOptions options = { TRUE, 0.3, 0.7, 0, 0, 150, 33 };
  const guint side = 64, width = 160, height = 120;
  gdouble held = 0, fresh = 0;
  guint8 *last = g_malloc0 (2 * width * height);
  UnetMask mask = { side, side, 2, g_malloc0 (side * side),
    g_malloc (side * side), 0, 0, width, height };
  UnetRefine *a, *b;
  TestFrame frame;
  GstVideoInfo info;

  test_info_init (&info, GST_VIDEO_FORMAT_I420, width, height);
  init_smooth (&frame, &info, rand);
  a = unet_refine_new (&info);
  b = unet_refine_new (&info);
  for (guint f = 0; f < 20; f++) {
    const UnetMask *r[2];

    for (guint i = 0; i < side * side; i++)
      mask.probability[i] = (guint8) CLAMP (127 + 30 * (30 - (gint) (i % side))
              + g_rand_int_range (rand, -40, 40),
          0, 255);
    options.time_constant = 150;
    r[0] = unet_refine_run (a, &frame.frame, &mask, &options);
    options.time_constant = 0;
    r[1] = unet_refine_run (b, &frame.frame, &mask, &options);
    for (guint i = 0; i < width * height; i++) {
      if (f > 4) {
        held += abs (r[0]->probability[i] - last[i]);
        fresh += abs (r[1]->probability[i] - last[width * height + i]);
      }
      last[i] = r[0]->probability[i];
      last[width * height + i] = r[1]->probability[i];
    }
  }
  fail_unless (fresh > 1000 && held < 0.07 * fresh, "%g of %g", held, fresh);
  unet_refine_free (a);
  unet_refine_free (b);
  free_mask (&mask);
  test_frame_clear (&frame);
  g_free (last);
  g_rand_free (rand);
}

GST_END_TEST;

/* An edge that moves on a still picture, @column of @mask's. */
static void
paint_edge (UnetMask *mask, gint column)
{
  for (guint i = 0; i < mask->width * mask->height; i++)
    mask->probability[i] =
        (guint8) CLAMP (127 + 30 * (column - (gint) (i % mask->width)), 0, 255);
}

/* A still picture whose mask changes once: what is drawn follows, and little
 * of the old one stays. */
GST_START_TEST (test_held_edges_arrive)
{
  GRand *rand = g_rand_new_with_seed (15);
  UnetRefineOptions options = { TRUE, 0.3, 0.7, 0, 0, 150, 33 };
  const guint side = 64, width = 160, height = 120;
  UnetMask mask = { side, side, 2, g_malloc0 (side * side),
    g_malloc (side * side), 0, 0, width, height };
  const UnetMask *r[2];
  UnetRefine *a, *b;
  TestFrame frame;
  GstVideoInfo info;
  gdouble start = 0, end = 0;
  gint worst = 0;

  test_info_init (&info, GST_VIDEO_FORMAT_I420, width, height);
  init_smooth (&frame, &info, rand);
  a = unet_refine_new (&info);
  b = unet_refine_new (&info);
  for (guint f = 0; f < 60; f++) {
    paint_edge (&mask, f < 6 ? 30 : 22);
    options.time_constant = 150;
    r[0] = unet_refine_run (a, &frame.frame, &mask, &options);
    options.time_constant = 0;
    r[1] = unet_refine_run (b, &frame.frame, &mask, &options);
    for (guint i = 0; i < width * height; i++) {
      const gint off = abs (r[0]->probability[i] - r[1]->probability[i]);

      start += f == 6 ? off : 0;
      end += f == 59 ? off : 0;
      worst = f == 59 ? MAX (worst, off) : 0;
    }
  }
  fail_unless (start > 1000 && end < 0.1 * start, "%g of %g", end, start);
  fail_unless (worst < 40, "%d", worst);
  unet_refine_free (a);
  unet_refine_free (b);
  free_mask (&mask);
  test_frame_clear (&frame);
  g_rand_free (rand);
}

GST_END_TEST;

GST_START_TEST (test_outline)
{
  GRand *rand = g_rand_new_with_seed (6);
  const UnetRefineOptions options = { FALSE, 0.3, 0.7, 0, 0, 0, 0 };
  const guint width = 96, height = 64, side = 32;
  UnetMask mask = { side, side, 2, g_malloc0 (side * side),
    g_malloc (side * side), 0, 0, width, height };
  UnetMask outline;
  UnetRefine *refine;
  TestFrame frame;
  GstVideoInfo info;

  test_info_init (&info, GST_VIDEO_FORMAT_I420, width, height);
  test_frame_init (&frame, &info, rand, TEST_NOISE, FALSE);
  for (guint i = 0; i < side * side; i++)
    mask.probability[i] = i % side < 16 ? 255 : 0;
  refine = unet_refine_new (&info);
  unet_refine_run (refine, &frame.frame, &mask, &options);
  unet_refine_get_outline (refine, 6, &outline);
  for (guint x = 0; x < width; x++) {
    const guint8 got = outline.probability[20 * width + x];
    const gint away = abs ((gint) x - 48);

    fail_unless (away < 6 || got == 0, "%u at %u", got, x);
    fail_unless (away > 1 || got > 250, "%u at %u", got, x);
  }
  unet_refine_free (refine);
  free_mask (&mask);
  test_frame_clear (&frame);
  g_rand_free (rand);
}

GST_END_TEST;

/* ---- through time ----------------------------------------------------- */

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

/* Every row of the same probability; returns the one that is held at @x, @y. */
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

/* The weight of the new value, by the definition. */
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
  /* A corner changes: there the new value stands, far from it not. */
  for (guint y = 0; y < 5; y++)
    for (guint x = 0; x < 5; x++)
      t.pixels[4 * (y * SIDE + x)] += 0.5f;
  fail_unless (fabs (time_step (&t, 10, 0.5f, 2, 2) - 0.5f) < 1e-6);
  fail_unless (time_step (&t, 10, 0.5f, 20, 20) < 0.4f);
  fail_unless (unet_temporal_get_changed (t.temporal) < 0.3);
  /* Where the network has changed its mind and is sure, too. */
  fail_unless (time_step (&t, 10, 1, 20, 20) > 0.5f);
  /* All of it changes: a cut. */
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

/* What is held far below after the frame's first @rows rows have changed. */
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

/* With much in motion an opinion of what stands still is not held. */
GST_START_TEST (test_follow)
{
  GRand *rand = g_rand_new_with_seed (11);
  TestFrame frame;
  GstVideoInfo info;
  Time t;

  test_info_init (&info, GST_VIDEO_FORMAT_I420, 64, 64);
  init_smooth (&frame, &info, rand);
  time_init (&t);
  fail_unless (look_again (&t, &frame.frame, 16) == 0.5f);
  unet_temporal_reset (t.temporal);
  fail_unless (look_again (&t, &frame.frame, 0) < 0.3f);
  unet_temporal_free (t.temporal);
  test_frame_clear (&frame);
  g_rand_free (rand);
}

GST_END_TEST;

GST_START_TEST (test_scene)
{
  GRand *rand = g_rand_new_with_seed (7);
  const UnetMask shape = {
    .width = 32, .height = 32, .n_classes = 2, .w = 128, .h = 96
  };
  TestFrame frame;
  GstVideoInfo info;
  UnetScene *scene;
  gdouble change;

  test_info_init (&info, GST_VIDEO_FORMAT_NV12, 128, 96);
  init_smooth (&frame, &info, rand);
  scene = unet_scene_new (&info, &shape, NULL);
  fail_unless (unet_scene_compare (scene, &frame.frame) == 1);
  unet_scene_keep_frame (scene);
  fail_unless (unet_scene_compare (scene, &frame.frame) == 0);
  for (guint y = 0; y < 24; y++)
    for (guint x = 0; x < 32; x++)
      ((guint8 *) frame.frame.data[0])[y * frame.frame.info.stride[0] + x] ^=
          0x40;
  change = unet_scene_compare (scene, &frame.frame);
  fail_unless (change > 0.02 && change < 0.3, "%g", change);
  unet_scene_reset (scene);
  fail_unless (unet_scene_compare (scene, &frame.frame) == 1);
  unet_scene_free (scene);
  test_frame_clear (&frame);
  g_rand_free (rand);
}

GST_END_TEST;

GST_START_TEST (test_box)
{
  UnetMask mask = {
    .width = 10, .height = 5, .n_classes = 3, .x = 4, .y = 8, .w = 100, .h = 100
  };
  guint8 classes[50] = { 0 };
  gdouble box[4];

  mask.class_map = classes;
  fail_if (unet_mask_find_box (&mask, 1, box));
  classes[2 * 10 + 3] = classes[3 * 10 + 6] = 1;
  classes[49] = 2;
  fail_unless (unet_mask_find_box (&mask, 1, box));
  fail_unless (box[0] == 34 && box[1] == 48 && box[2] == 40 && box[3] == 40);
  fail_unless (unet_mask_find_box (&mask, 2, box));
  fail_unless (box[0] == 94 && box[1] == 88 && box[2] == 10 && box[3] == 20);
}

GST_END_TEST;

/* ---- backgrounds ------------------------------------------------------ */

static const gchar *const drawn[] = { "I420", "NV12", "YUY2", "UYVY", "Y444",
  "AYUV", "RGBx", "BGRA", "RGB", "GRAY8", "I420_10LE", "P010_10LE", NULL };

/* Foreground left of @column. */
static UnetMask
half_coverage (guint width, guint height, guint column)
{
  UnetMask mask = { width, height, 2, NULL, g_malloc (width * height), 0, 0,
    width, height };

  for (guint i = 0; i < width * height; i++)
    mask.probability[i] = i % width < column ? 255 : 0;
  return mask;
}

/* What lies outside of the picture is as it was. */
static void
check_outside (TestFrame *now, const TestFrame *before)
{
  test_frame_copy_picture (now, before);
  fail_unless (memcmp (now->memory, before->memory, now->size) == 0);
}

/* Foreground stays; background of one colour stays that colour: nothing bleeds
 * into it, whatever is in the foreground. */
static void
check_blur (
    GRand *rand, const gchar *format, guint column, guint width, guint height)
{
  TestFrame frame, before;
  TestPlane was[3], is[3];
  GstVideoInfo info;
  UnetOverlay *overlay;
  UnetMask mask = half_coverage (width, height, column);
  guint n;

  test_info_init (&info, gst_video_format_from_string (format), width, height);
  init_halves (&frame, &info, rand, column);
  test_frame_copy (&before, &frame);
  overlay = unet_overlay_new (&info, NULL);
  unet_overlay_blur (
      overlay, &frame.frame, &mask, g_rand_double_range (rand, 1, 20));
  n = test_planes_read (was, &before.frame);
  test_planes_read (is, &frame.frame);
  for (guint c = 0; c < n; c++) {
    const gdouble unit = ldexp (1, GST_VIDEO_INFO_COMP_DEPTH (&info, 0) - 8);

    for (guint y = 0; y < is[c].height; y++)
      for (guint x = 0; x < is[c].width; x++) {
        const guint pixel = x << is[c].w_sub;
        const gdouble delta =
            test_plane_at (&is[c], x, y) - test_plane_at (&was[c], x, y);

        fail_unless (pixel + 2 >= column || delta == 0,
            "%s: foreground changed by %g at %u,%u", format, delta, x, y);
        fail_unless (pixel < column + 4 || fabs (delta) <= 1.01 * unit,
            "%s: background changed by %g at %u,%u of %u", format, delta, x, y,
            column);
      }
  }
  test_planes_clear (was, n);
  test_planes_clear (is, n);
  check_outside (&frame, &before);
  unet_overlay_free (overlay);
  free_mask (&mask);
  test_frame_clear (&frame);
  test_frame_clear (&before);
}

GST_START_TEST (test_no_bleeding)
{
  GRand *rand = g_rand_new_with_seed (8);

  for (guint f = 0; drawn[f]; f++)
    for (guint i = 0; i < 4; i++) {
      const guint width = g_rand_int_range (rand, 60, 200);
      const guint height = g_rand_int_range (rand, 20, 120);

      check_blur (rand, drawn[f],
          2 * g_rand_int_range (rand, 10, width / 2 - 8), width, height);
    }
  g_rand_free (rand);
}

GST_END_TEST;

/* Everything is background: close to a Gaussian, away from the borders. */
GST_START_TEST (test_gaussian)
{
  GRand *rand = g_rand_new_with_seed (9);
  const guint width = 240, height = 200;
  TestFrame frame, before;
  TestPlane was[3], is[3];
  GstVideoInfo info;
  UnetOverlay *overlay;
  UnetMask mask = half_coverage (width, height, 0);

  for (gdouble sigma = 6; sigma < 20; sigma += 4) {
    gdouble worst = 0;

    test_info_init (&info, GST_VIDEO_FORMAT_GRAY8, width, height);
    test_frame_init (&frame, &info, rand, TEST_NOISE, TRUE);
    for (guint y = 0; y < height; y++)
      for (guint x = 0; x < width; x++)
        ((guint8 *) frame.frame.data[0])[y * frame.frame.info.stride[0] + x] =
            (x / 40 + y / 50) % 2 ? 220 : 30;
    test_frame_copy (&before, &frame);
    overlay = unet_overlay_new (&info, NULL);
    unet_overlay_blur (overlay, &frame.frame, &mask, sigma);
    test_planes_read (was, &before.frame);
    test_planes_read (is, &frame.frame);
    for (gint y = 70; y < 130; y += 7)
      for (gint x = 70; x < 170; x += 7) {
        gdouble sum = 0, weights = 0;

        for (gint j = -60; j <= 60; j++)
          for (gint i = -60; i <= 60; i++) {
            const gdouble w = exp (-(i * i + j * j) / (2 * sigma * sigma));

            weights += w;
            sum += w * test_plane_at (was, x + i, y + j);
          }
        worst = MAX (worst, fabs (test_plane_at (is, x, y) - sum / weights));
      }
    fail_unless (worst < 8, "sigma %g: off by %g", sigma, worst);
    test_planes_clear (was, 1);
    test_planes_clear (is, 1);
    unet_overlay_free (overlay);
    test_frame_clear (&frame);
    test_frame_clear (&before);
  }
  free_mask (&mask);
  g_rand_free (rand);
}

GST_END_TEST;

/* By a picture, sample by sample; by a colour as the oracle has it. */
static void
check_replace (GRand *rand, const gchar *format, gboolean by_picture)
{
  const guint width = g_rand_int_range (rand, 20, 90);
  const guint height = g_rand_int_range (rand, 3, 60);
  const guint column = g_rand_int_range (rand, 6, width - 8);
  const gdouble rgb[3] = { 0x30 / 255.0, 0x90 / 255.0, 0xe0 / 255.0 };
  TestFrame frame, before, picture;
  TestPlane was[3], is[3], other[3];
  gdouble color[3];
  GstVideoInfo info;
  UnetOverlay *overlay;
  UnetMask mask = half_coverage (width, height, column);
  guint n;

  test_info_init (&info, gst_video_format_from_string (format), width, height);
  test_frame_init (&frame, &info, rand, TEST_NOISE, TRUE);
  init_smooth (&picture, &info, rand);
  test_frame_copy (&before, &frame);
  overlay = unet_overlay_new (&info, NULL);
  unet_overlay_replace (overlay, &frame.frame, &mask, 0xff3090e0,
      by_picture ? &picture.frame : NULL);
  oracle_from_rgb (&info, rgb, color);
  n = test_planes_read (was, &before.frame);
  test_planes_read (is, &frame.frame);
  test_planes_read (other, &picture.frame);
  for (guint c = 0; c < n; c++)
    for (guint y = 0; y < is[c].height; y++)
      for (guint x = 0; x < is[c].width; x++) {
        const guint pixel = x << is[c].w_sub;
        const gdouble got = test_plane_at (&is[c], x, y);
        const gdouble expected = by_picture ? test_plane_at (&other[c], x, y)
                                            : color[c];

        fail_unless (
            pixel + 2 >= column || got == test_plane_at (&was[c], x, y),
            "%s: foreground", format);
        fail_unless (pixel < column + 2 || fabs (got - expected) < 0.51,
            "%s: %g instead of %g at %u,%u", format, got, expected, x, y);
      }
  test_planes_clear (was, n);
  test_planes_clear (is, n);
  test_planes_clear (other, n);
  check_outside (&frame, &before);
  unet_overlay_free (overlay);
  free_mask (&mask);
  test_frame_clear (&frame);
  test_frame_clear (&before);
  test_frame_clear (&picture);
}

GST_START_TEST (test_replace)
{
  GRand *rand = g_rand_new_with_seed (10);

  for (guint f = 0; drawn[f]; f++)
    for (guint i = 0; i < 6; i++)
      check_replace (rand, drawn[f], i % 2);
  g_rand_free (rand);
}

GST_END_TEST;

static Suite *
refine_suite (void)
{
  Suite *suite = suite_create ("refine");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_guided);
  tcase_add_test (tcase, test_mean_field);
  tcase_add_test (tcase, test_scales);
  tcase_add_test (tcase, test_planes);
  tcase_add_test (tcase, test_plain);
  tcase_add_test (tcase, test_edge);
  tcase_add_test (tcase, test_held_edges);
  tcase_add_test (tcase, test_held_edges_arrive);
  tcase_add_test (tcase, test_outline);
  tcase_add_test (tcase, test_still);
  tcase_add_test (tcase, test_change);
  tcase_add_test (tcase, test_follow);
  tcase_add_test (tcase, test_scene);
  tcase_add_test (tcase, test_box);
  tcase_add_test (tcase, test_no_bleeding);
  tcase_add_test (tcase, test_gaussian);
  tcase_add_test (tcase, test_replace);
  return suite;
}

GST_CHECK_MAIN (refine);
