/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "boundary.h"
#include "overlap.h"
#include "reader.h"

#include <base/smoothstep.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* From this IoU on the network has found the person. */
#define FOUND 0.8

/* Finds the pixels of the mask at most @d from its outline or the border. */
static void
find_band (const guint8 *mask, guint w, guint h, guint d, guint8 *band)
{
  guint32 *sums = g_new0 (guint32, (gsize) (w + 1) * (h + 1));

  for (guint y = 0; y < h; y++)
    for (guint x = 0; x < w; x++)
      sums[(gsize) (y + 1) * (w + 1) + x + 1] = mask[(gsize) y * w + x]
          + sums[(gsize) y * (w + 1) + x + 1]
          + sums[(gsize) (y + 1) * (w + 1) + x] - sums[(gsize) y * (w + 1) + x];
  for (guint y = 0; y < h; y++) {
    for (guint x = 0; x < w; x++) {
      const gboolean inside = x >= d && y >= d && x + d < w && y + d < h;
      guint32 n = 0;

      if (inside)
        n = sums[(gsize) (y + d + 1) * (w + 1) + x + d + 1]
            - sums[(gsize) (y - d) * (w + 1) + x + d + 1]
            - sums[(gsize) (y + d + 1) * (w + 1) + x - d]
            + sums[(gsize) (y - d) * (w + 1) + x - d];
      band[(gsize) y * w + x] = mask[(gsize) y * w + x]
          && n != (2 * d + 1) * (2 * d + 1);
    }
  }
  g_free (sums);
}

typedef struct {
  gdouble boundary, area, error;
} Score;

static Score
score (const gfloat *q, const guint8 *truth, guint w, guint h)
{
  const gsize n = (gsize) w * h;
  const guint d = MAX (1, (guint) (0.02 * hypot (w, h) + 0.5));
  guint8 *found = g_malloc (n), *a = g_malloc (n), *b = g_malloc (n);
  Score s = { 0 };

  for (gsize i = 0; i < n; i++) {
    found[i] = q[i] > 0.5f;
    s.error += fabs (q[i] - truth[i]) / n;
  }
  find_band (found, w, h, d, a);
  find_band (truth, w, h, d, b);
  s.boundary = iou (a, b, n);
  s.area = iou (found, truth, n);
  g_free (found);
  g_free (a);
  g_free (b);
  return s;
}

/* Changes @q as an ideal filter does that knows the truth but moves edges by at
 * most half the band's width. */
static void
reach_truth (gfloat *q, const guint8 *truth, guint w, guint h)
{
  const gsize n = (gsize) w * h;
  const guint d = MAX (1, (guint) (0.01 * hypot (w, h) + 0.5));
  guint8 *found = g_malloc (n), *inside = g_malloc (n), *outside = g_malloc (n);

  for (gsize i = 0; i < n; i++)
    found[i] = q[i] > 0.5f;
  find_band (found, w, h, d, inside);
  for (gsize i = 0; i < n; i++)
    found[i] = !found[i];
  find_band (found, w, h, d, outside);
  for (gsize i = 0; i < n; i++)
    if (inside[i] || outside[i])
      q[i] = truth[i];
  g_free (found);
  g_free (inside);
  g_free (outside);
}

/* The ways to get a frame's mask: bilinear, with a soft edge, refined, and
 * ideal. */
enum { BILINEAR, SOFT, REFINED, ORACLE, N_WAYS };

typedef struct {
  guint n;
  Score sum[N_WAYS];
} Total;

static void
add_score (Total *total, guint which, Score s)
{
  total->sum[which].boundary += s.boundary;
  total->sum[which].area += s.area;
  total->sum[which].error += s.error;
}

static void
print_total (const gchar *kind, const Total *t)
{
  static const gchar *const names[] = { "bilinear", "soft", "refined",
    "oracle" };

  for (guint i = 0; i < N_WAYS; i++)
    printf ("%-20s %4u  %-9s boundary %.4f (%+.4f)  IoU %.4f  error %.4f\n",
        i ? "" : kind, t->n, names[i], t->sum[i].boundary / t->n,
        (t->sum[i].boundary - t->sum[0].boundary) / t->n, t->sum[i].area / t->n,
        t->sum[i].error / t->n);
}

static void
score_picture (Chain *chain, GstVideoFrame *frame, const guint8 *truth, guint w,
    guint h, Score scores[N_WAYS])
{
  const gsize n = (gsize) w * h;
  gfloat *q = g_new (gfloat, n);
  const UnetMask *refined;

  chain_run (chain, frame, 0);
  enlarge (&chain->raw, w, h, q);
  scores[BILINEAR] = score (q, truth, w, h);
  for (gsize i = 0; i < n; i++)
    q[i] = unet_smoothstep (q[i], (gfloat) LOW, (gfloat) (1 / (HIGH - LOW)));
  scores[SOFT] = score (q, truth, w, h);
  reach_truth (q, truth, w, h);
  scores[ORACLE] = score (q, truth, w, h);
  refined = chain_refine (chain, frame, 0);
  for (gsize i = 0; i < n; i++)
    q[i] = refined->probability[i] / 255.0f;
  scores[REFINED] = score (q, truth, w, h);
  g_free (q);
}

/* A picture in which the network finds the person counts in @found as well. */
static void
measure_picture (Chain *chain, const gchar *image, const gchar *mask,
    Total *total, Total *found)
{
  guint w = 0, h = 0;
  guint8 *truth = load_mask (mask, &w, &h);
  Score scores[N_WAYS];
  Reader reader;

  reader_init (&reader, image, "video/x-raw,format=I420");
  if (truth && reader_next (&reader) && reader.info.width == (gint) w
      && reader.info.height == (gint) h) {
    chain_set_info (chain, &reader.info);
    score_picture (chain, &reader.frame, truth, w, h, scores);
    for (guint i = 0; i < N_WAYS; i++) {
      add_score (total, i, scores[i]);
      if (scores[BILINEAR].area >= FOUND)
        add_score (found, i, scores[i]);
    }
    total->n++;
    found->n += scores[BILINEAR].area >= FOUND;
  }
  reader_clear (&reader);
  g_free (truth);
}

/* Chooses pictures by a hash of their names, as models/person/prepare.py
 * does. */
static gboolean
is_validation (const gchar *kind, const gchar *stem)
{
  g_autofree gchar *name = g_strdup_printf ("%s/%s", kind, stem);
  g_autofree gchar *hash =
      g_compute_checksum_for_string (G_CHECKSUM_SHA1, name, -1);
  guint rest = 0;

  for (const gchar *c = hash; *c; c++)
    rest = (rest * 16 + (guint) g_ascii_xdigit_value (*c)) % 100;
  return rest < 12;
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(const gchar *const *) a, *(const gchar *const *) b);
}

static void
measure_kind (Chain *chain, const gchar *data, const gchar *kind, guint limit,
    Total *all, Total *found)
{
  g_autofree gchar *folder = g_build_filename (data, kind, "images", NULL);
  GDir *dir = g_dir_open (folder, 0, NULL);
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  const gchar *name;
  Total total = { 0 };

  while (dir && (name = g_dir_read_name (dir)))
    g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len && total.n < limit; i++) {
    gchar **parts = g_strsplit (names->pdata[i], ".", 2);
    g_autofree gchar *image = g_build_filename (folder, names->pdata[i], NULL);
    g_autofree gchar *file = g_strconcat (parts[0], ".png", NULL);
    g_autofree gchar *mask = g_build_filename (data, kind, "masks", file, NULL);

    if (is_validation (kind, parts[0])
        && g_file_test (mask, G_FILE_TEST_EXISTS))
      measure_picture (chain, image, mask, &total, found);
    g_strfreev (parts);
  }
  if (total.n)
    print_total (kind, &total);
  all->n += total.n;
  for (guint i = 0; i < N_WAYS; i++)
    add_score (all, i, total.sum[i]);
  g_ptr_array_unref (names);
  if (dir)
    g_dir_close (dir);
}

void
measure_boundary (Chain *chain, const gchar *data, guint limit)
{
  static const gchar *const kinds[] = { "eg1800", "ccp", "voc_person",
    "vikram_human", "aisegment_portraits", "coco_voc_extra" };
  Total all = { 0 }, found = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    measure_kind (chain, data, kinds[i], limit, &all, &found);
  print_total ("all", &all);
  if (found.n)
    print_total ("network's IoU >= 0.8", &found);
}
