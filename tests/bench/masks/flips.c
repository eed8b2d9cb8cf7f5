/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "flips.h"
#include "reader.h"

#include <frame/edges/morphology.h>

#include <stdio.h>
#include <string.h>

/* A pixel is still if the mean of a window around it changes by less than STILL
 * in luma of 255. WINDOW is the window's radius in pixels. Sensor noise of
 * sigma 8 moves the mean by 8 / 9. */
#define WINDOW 4
#define STILL  2
/* Distance in pixels from moving areas, because outlines that move are no
 * flips. */
#define MARGIN 16

static void
read_luma (const GstVideoFrame *frame, guint8 *dst)
{
  const gint w = frame->info.width, h = frame->info.height;

  for (gint y = 0; y < h; y++)
    memcpy (dst + (gsize) y * w,
        (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (frame, 0)
            + y * GST_VIDEO_FRAME_PLANE_STRIDE (frame, 0),
        w);
}

/* Clears flags within MARGIN along rows and columns of a cleared one. */
static void
shrink (guint8 *still, guint8 *scratch, gint w, gint h)
{
  unet_plane_grow (still, scratch, (guint) w, (guint) h, MARGIN, FALSE);
}

/* Finds still pixels. @sums: differences in the rectangle up to each pixel. */
static void
find_still (const guint8 *a, const guint8 *b, gint w, gint h, gint32 *sums,
    guint8 *still)
{
  const gint r = WINDOW;

  memset (sums, 0, sizeof *sums * (w + 1));
  for (gint y = 0; y < h; y++) {
    gint32 row = 0;

    sums[(y + 1) * (w + 1)] = 0;
    for (gint x = 0; x < w; x++) {
      row += a[y * w + x] - b[y * w + x];
      sums[(y + 1) * (w + 1) + x + 1] = sums[y * (w + 1) + x + 1] + row;
    }
  }
  for (gint y = 0; y < h; y++)
    for (gint x = 0; x < w; x++) {
      const gint l = MAX (x - r, 0), t = MAX (y - r, 0);
      const gint e = MIN (x + r + 1, w), d = MIN (y + r + 1, h);
      const gint sum = sums[d * (w + 1) + e] - sums[t * (w + 1) + e]
          - sums[d * (w + 1) + l] + sums[t * (w + 1) + l];

      still[y * w + x] = ABS (sum) < STILL * (e - l) * (d - t);
    }
}

/* Counts areas of 1 to 4 equal flags that touch by a side. */
static guint
count_crumbs (const guint8 *flags, gint w, gint h)
{
  static const gint step[][2] = { { -1, 0 }, { 1, 0 }, { 0, -1 }, { 0, 1 } };
  guint n = 0;

  for (gint i = 0; i < w * h; i++) {
    gint place[6] = { i }, found = 1;
    gboolean first = TRUE;

    for (gint k = 0; k < found && found < 6; k++)
      for (guint s = 0; s < G_N_ELEMENTS (step) && found < 6; s++) {
        const gint x = place[k] % w + step[s][0];
        const gint y = place[k] / w + step[s][1];
        gboolean known = FALSE;

        if (x < 0 || y < 0 || x >= w || y >= h || flags[y * w + x] != flags[i])
          continue;
        for (gint j = 0; j < found; j++)
          known |= place[j] == y * w + x;
        if (!known)
          place[found++] = y * w + x;
      }
    for (gint j = 0; j < found; j++)
      first &= place[j] >= i;
    n += first && found < 5;
  }
  return n;
}

typedef struct {
  gint width, height;
  guint8 *luma[2], *still; /* two frames; pixels that are still between them */
  guint8 *last[3], *now;   /* decisions */
  guint8 *scratch;
  gint32 *sums;
  gfloat *q;
  gdouble flips[3], crumbs;
  guint n_frames;
} Flips;

static void
flips_init (Flips *self, gint width, gint height)
{
  const gsize n = (gsize) width * height;

  memset (self, 0, sizeof *self);
  self->width = width;
  self->height = height;
  for (guint i = 0; i < 3; i++)
    self->last[i] = g_malloc (n);
  self->luma[0] = g_malloc (n);
  self->luma[1] = g_malloc (n);
  self->still = g_malloc (n);
  self->scratch =
      g_malloc (2 * (width + 2 * MARGIN) + (MARGIN + 1) * (gsize) width);
  self->now = g_malloc (n);
  self->q = g_new (gfloat, n);
  self->sums = g_new (gint32, (gsize) (width + 1) * (height + 1));
}

static void
flips_clear (Flips *self)
{
  for (guint i = 0; i < 3; i++)
    g_free (self->last[i]);
  g_free (self->luma[0]);
  g_free (self->luma[1]);
  g_free (self->still);
  g_free (self->scratch);
  g_free (self->now);
  g_free (self->sums);
  g_free (self->q);
}

static void
flips_add (Flips *self, const GstVideoFrame *frame, const UnetMask *raw,
    const UnetMask *smoothed, const UnetMask *refined)
{
  const gint w = self->width, h = self->height;
  const gsize n = (gsize) w * h;

  read_luma (frame, self->luma[self->n_frames % 2]);
  if (self->n_frames > 0) {
    find_still (self->luma[0], self->luma[1], w, h, self->sums, self->still);
    shrink (self->still, self->scratch, w, h);
  }
  for (guint i = 0; i < 3; i++) {
    if (i < 2)
      enlarge (i ? smoothed : raw, (guint) w, (guint) h, self->q);
    for (gsize k = 0; k < n; k++)
      self->now[k] = i < 2 ? self->q[k] > 0.5f : refined->probability[k] > 127;
    for (gsize k = 0; k < n && self->n_frames > 0; k++)
      self->flips[i] += self->still[k] && self->now[k] != self->last[i][k];
    memcpy (self->last[i], self->now, n);
  }
  self->crumbs += count_crumbs (self->now, w, h);
  self->n_frames++;
}

void
measure_flips (Chain *chain, const gchar *path, guint frames)
{
  const gdouble elapsed = 1000 / 30.0;
  g_autofree gchar *name = g_path_get_basename (path);
  Reader reader;
  Flips flips = { 0 };
  gdouble n;

  reader_init (&reader, path, "video/x-raw,format=I420");
  for (guint f = 0; f < frames && reader_next (&reader); f++) {
    if (f == 0) {
      chain_set_info (chain, &reader.info);
      flips_init (&flips, reader.info.width, reader.info.height);
    }
    chain_run (chain, &reader.frame, elapsed);
    flips_add (&flips, &reader.frame, &chain->raw, &chain->smoothed,
        chain_refine (chain, &reader.frame, elapsed));
  }
  n = MAX (flips.n_frames, 2) - 1;
  printf ("%-24s flips a frame: network %.1f  smoothed %.1f  refined %.1f  "
          "(%.2f)  crumbs %.1f\n",
      name, flips.flips[0] / n, flips.flips[1] / n, flips.flips[2] / n,
      flips.flips[2] / MAX (flips.flips[1], 1), flips.crumbs / (n + 1));
  flips_clear (&flips);
  reader_clear (&reader);
}
