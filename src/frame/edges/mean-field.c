/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/edges/mean-field.h"
#include "base/simd.h"

#include <math.h>

/* Pixels of a row that are computed together. */
#define LANES 16
/* Colour of the margin: no pixel is similar to it. */
#define NOWHERE 1e3f

typedef gfloat Lanes __attribute__ ((vector_size (4 * LANES)));
typedef gint32 Mask __attribute__ ((vector_size (4 * LANES)));

/* ---- neighbours ------------------------------------------------------- */

static void
add_neighbor (UnetMeanField *self, gint dx, gint dy, gdouble distance)
{
  const gdouble near = 1 - (dx * dx + dy * dy) / (16 * distance * distance);

  if (dx == 0 && dy == 0)
    return;
  self->neighbor[self->n_neighbors] = dy * (gssize) self->stride + dx;
  self->nearness[self->n_neighbors++] = (gfloat) near;
}

static void
find_neighbors (UnetMeanField *self, gdouble distance)
{
  const gint reach = (gint) self->margin, step = (gint) self->kernel.spacing;
  const guint side = 2 * (self->margin / self->kernel.spacing) + 2;

  self->neighbor = g_new (gssize, side * side);
  self->nearness = g_new (gfloat, side * side);
  for (gint j = -(reach / step); j <= reach / step; j++)
    for (gint i = -(reach / step) - 1; i <= reach / step; i++) {
      const gint dx = i * step + (j % 2 ? step / 2 : 0), dy = j * step;

      if (dx * dx + dy * dy <= reach * reach)
        add_neighbor (self, dx, dy, distance);
    }
}

gboolean
unet_mean_field_init (UnetMeanField *self, guint width, guint height,
    const UnetMeanFieldKernel *kernel)
{
  const gdouble distance = MIN (width, height) * kernel->distance;
  gsize n;

  memset (self, 0, sizeof *self);
  self->width = width;
  self->height = height;
  self->kernel = *kernel;
  self->margin = MAX ((guint) (2 * distance + 0.5), 1);
  self->stride = width + 2 * self->margin + LANES;
  n = self->stride * (height + 2 * self->margin);
  find_neighbors (self, distance);
  for (guint i = 0; i < G_N_ELEMENTS (self->plane); i++)
    self->plane[i] = g_try_new0 (gfloat, n);
  self->next = g_try_new0 (gfloat, (gsize) width * height);
  if (!self->plane[0] || !self->plane[1] || !self->plane[2] || !self->plane[3]
      || !self->next)
    return FALSE;
  for (gsize i = 0; i < n; i++)
    self->plane[0][i] = NOWHERE;
  return TRUE;
}

void
unet_mean_field_clear (UnetMeanField *self)
{
  g_clear_pointer (&self->neighbor, g_free);
  g_clear_pointer (&self->nearness, g_free);
  for (guint i = 0; i < G_N_ELEMENTS (self->plane); i++)
    g_clear_pointer (&self->plane[i], g_free);
  g_clear_pointer (&self->next, g_free);
}

/* ---- planes ----------------------------------------------------------- */

/* Scaled so that squares of differences are what a weight loses by them. */
UNET_SIMD static void
spread (gfloat *restrict a, gfloat *restrict b, gfloat *restrict c,
    const gfloat *guide, gfloat scale, guint n)
{
  for (gsize i = 0; i < n; i++) {
    a[i] = guide[4 * i] * scale;
    b[i] = guide[4 * i + 1] * (2 * scale);
    c[i] = guide[4 * i + 2] * (2 * scale);
  }
}

UNET_SIMD static void
center (gfloat *restrict dst, const gfloat *q, guint n)
{
  for (guint i = 0; i < n; i++)
    dst[i] = 2 * q[i] - 1;
}

static gsize
place (const UnetMeanField *self, guint x, guint y)
{
  return self->stride * (y + self->margin) + self->margin + x;
}

/* ---- a pass ----------------------------------------------------------- */

/* Computes the vote, -1..1, of the neighbours of LANES pixels. */
UNET_SIMD static void
collect_votes (const UnetMeanField *self, gsize start, gfloat *votes)
{
  const gfloat *a = self->plane[0] + start, *b = self->plane[1] + start;
  const gfloat *c = self->plane[2] + start, *m = self->plane[3] + start;
  Lanes own[3], sum = { 0 }, mass = { 0 };

  memcpy (&own[0], a, sizeof own[0]);
  memcpy (&own[1], b, sizeof own[1]);
  memcpy (&own[2], c, sizeof own[2]);
  for (guint i = 0; i < self->n_neighbors; i++) {
    const gssize at = self->neighbor[i];
    Lanes d0, d1, d2, vote, t;
    Mask some;

    memcpy (&d0, a + at, sizeof d0);
    memcpy (&d1, b + at, sizeof d1);
    memcpy (&d2, c + at, sizeof d2);
    memcpy (&vote, m + at, sizeof vote);
    d0 -= own[0];
    d1 -= own[1];
    d2 -= own[2];
    t = self->nearness[i] - d0 * d0 - d1 * d1 - d2 * d2;
    some = t > 0;
    t = (Lanes) ((Mask) t & some);
    t *= t;
    t *= t;
    t *= t;
    mass += t;
    sum += t * vote;
  }
  sum /= mass + UNET_MEAN_FIELD_DOUBT;
  memcpy (votes, &sum, sizeof sum);
}

/* Returns the network's odds multiplied by those of the votes. */
static gfloat
decide (gfloat p, gfloat vote, gfloat strength)
{
  const gfloat odds = expf (strength * vote);

  p = CLAMP (p, UNET_MEAN_FIELD_LEAST, 1 - UNET_MEAN_FIELD_LEAST);
  return p * odds / (p * odds + 1 - p);
}

static void
pass_row (UnetMeanField *self, const gfloat *p, const guint8 *wanted, guint y,
    gfloat *next)
{
  const guint w = self->width;
  gfloat votes[LANES];

  for (guint x = 0; x < w; x++) {
    const guint8 *found = memchr (wanted + x, 1, w - x);

    if (!found)
      return;
    x = (guint) (found - wanted);
    collect_votes (self, place (self, x, y), votes);
    for (guint i = 0; i < MIN (LANES, w - x); i++)
      if (wanted[x + i])
        next[x + i] = decide (p[x + i], votes[i], self->kernel.strength);
    x += LANES - 1;
  }
}

void
unet_mean_field_run (UnetMeanField *self, const gfloat *guide, const gfloat *p,
    const guint8 *wanted, gfloat *q)
{
  const guint w = self->width, h = self->height;
  const gsize n = (gsize) w * h;

  for (guint y = 0; y < h; y++) {
    const gsize at = place (self, 0, y);

    spread (self->plane[0] + at, self->plane[1] + at, self->plane[2] + at,
        guide + 4 * (gsize) y * w, 0.25f / self->kernel.color, w);
  }
  memcpy (self->next, q, n * sizeof *q);
  for (guint i = 0; i < UNET_MEAN_FIELD_PASSES; i++) {
    for (guint y = 0; y < h; y++)
      center (
          self->plane[3] + place (self, 0, y), self->next + (gsize) y * w, w);
    for (guint y = 0; y < h; y++)
      pass_row (self, p + (gsize) y * w, wanted + (gsize) y * w, y,
          self->next + (gsize) y * w);
  }
  memcpy (q, self->next, n * sizeof *q);
}
