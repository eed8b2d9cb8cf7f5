/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/draw/color-estimate.h"
#include "base/simd.h"

#include <math.h>

/* Sides up to this are small: they get more iterations, as in the paper. */
#define SMALL_SIDE       32
#define SMALL_ITERATIONS 10
#define LARGE_ITERATIONS 2
/* Weight of a neighbour whose alpha is equal. The paper's 5e-3; less makes
 * colours jump from pixel to pixel, more makes them spread across edges. */
#define SMOOTHNESS 5e-3f
/* Alpha of pixels that are solved at large levels. The others have one colour
 * for sure, and the other one counts for nothing. */
#define BAND_FROM 0.01f
#define BAND_TO   0.99f

typedef gfloat F32x4 __attribute__ ((vector_size (16)));

gboolean
unet_color_estimate_init (UnetColorEstimate *self, guint width, guint height)
{
  memset (self, 0, sizeof *self);
  for (;;) {
    UnetColorLevel *level = &self->level[self->n_levels++];
    const gsize n = (gsize) width * height;

    level->width = width;
    level->height = height;
    level->picture = g_try_new0 (gfloat, 4 * n);
    level->colors = g_try_new0 (gfloat, 8 * n);
    if (!level->picture || !level->colors)
      return FALSE;
    if (MAX (width, height) == 1 || self->n_levels == UNET_COLOR_LEVELS)
      return TRUE;
    width = (width + 1) / 2;
    height = (height + 1) / 2;
  }
}

void
unet_color_estimate_clear (UnetColorEstimate *self)
{
  for (guint i = 0; i < self->n_levels; i++) {
    g_clear_pointer (&self->level[i].picture, g_free);
    g_clear_pointer (&self->level[i].colors, g_free);
  }
  self->n_levels = 0;
}

static inline F32x4
load (const gfloat *p)
{
  F32x4 v;

  memcpy (&v, p, sizeof v);
  return v;
}

static inline void
store (gfloat *p, F32x4 v)
{
  memcpy (p, &v, sizeof v);
}

/* Means of two by two pixels; the last row and column of odd sizes repeat. */
static void
halve_picture (const UnetColorLevel *from, UnetColorLevel *to)
{
  for (guint y = 0; y < to->height; y++) {
    const gfloat *a = from->picture + 8 * (gsize) y * from->width;
    const gfloat *b = 2 * y + 1 < from->height ? a + 4 * (gsize) from->width
                                               : a;

    for (gsize x = 0; x < to->width; x++) {
      const gsize i = 8 * x, j = 2 * x + 1 < from->width ? i + 4 : i;

      store (to->picture + 4 * ((gsize) y * to->width + x),
          (load (a + i) + load (a + j) + load (b + i) + load (b + j)) * 0.25f);
    }
  }
}

/* Starts from the colours of the coarser level; those that alpha shows are the
 * pixel's own. */
static void
enlarge_colors (const UnetColorLevel *from, UnetColorLevel *to)
{
  for (guint y = 0; y < to->height; y++)
    for (guint x = 0; x < to->width; x++) {
      const gsize at = (gsize) y * to->width + x;
      const gfloat *src =
          from->colors + 8 * ((gsize) (y / 2) * from->width + x / 2);
      const F32x4 own = load (to->picture + 4 * at);

      store (to->colors + 8 * at, own[3] > BAND_TO ? own : load (src));
      store (
          to->colors + 8 * at + 4, own[3] < BAND_FROM ? own : load (src + 4));
    }
}

/* Solves a pixel by its neighbours' colours: the system of two unknowns is the
 * same for each component. */
static inline void
solve_pixel (const UnetColorLevel *level, guint x, guint y)
{
  const guint w = level->width, h = level->height;
  const gsize at = (gsize) y * w + x;
  const gsize next[4] = { x > 0 ? at - 1 : at, x + 1 < w ? at + 1 : at,
    y > 0 ? at - w : at, y + 1 < h ? at + w : at };
  const F32x4 own = load (level->picture + 4 * at);
  const gfloat a = own[3], b = 1 - a;
  F32x4 front = own * a, back = own * b;
  gfloat mass = 0, m00, m01 = a * b, m11, scale;

  for (guint i = 0; i < 4; i++) {
    const gfloat weight =
        SMOOTHNESS + fabsf (a - level->picture[4 * next[i] + 3]);

    mass += weight;
    front += load (level->colors + 8 * next[i]) * weight;
    back += load (level->colors + 8 * next[i] + 4) * weight;
  }
  m00 = a * a + mass;
  m11 = b * b + mass;
  scale = 1 / (m00 * m11 - m01 * m01);
  store (level->colors + 8 * at, (front * m11 - back * m01) * scale);
  store (level->colors + 8 * at + 4, (back * m00 - front * m01) * scale);
}

static void
solve_level (UnetColorLevel *level)
{
  const gboolean small = MAX (level->width, level->height) <= SMALL_SIDE;
  const guint n = small ? SMALL_ITERATIONS : LARGE_ITERATIONS;

  for (guint i = 0; i < n; i++)
    for (guint y = 0; y < level->height; y++)
      for (guint x = 0; x < level->width; x++) {
        const gfloat a = level->picture[4 * ((gsize) y * level->width + x) + 3];

        if (small || (a > BAND_FROM && a < BAND_TO))
          solve_pixel (level, x, y);
      }
}

void
unet_color_estimate_run (UnetColorEstimate *self)
{
  const guint last = self->n_levels - 1;
  UnetColorLevel *coarsest = &self->level[last];

  for (guint i = 0; i < last; i++)
    halve_picture (&self->level[i], &self->level[i + 1]);
  for (gsize i = 0; i < (gsize) coarsest->width * coarsest->height; i++) {
    store (coarsest->colors + 8 * i, load (coarsest->picture + 4 * i));
    store (coarsest->colors + 8 * i + 4, load (coarsest->picture + 4 * i));
  }
  solve_level (coarsest);
  for (guint i = last; i-- > 0;) {
    enlarge_colors (&self->level[i + 1], &self->level[i]);
    solve_level (&self->level[i]);
  }
}
