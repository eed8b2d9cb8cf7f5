/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compares growing and feathering of planes with their definitions. */
#include <frame/edges/morphology.h>
#include <gst/check/gstcheck.h>
#include <math.h>

#define GUARD 64

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

static Suite *
morphology_suite (void)
{
  Suite *suite = suite_create ("morphology");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_planes);
  return suite;
}

GST_CHECK_MAIN (morphology);
