/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame/time/motion-search.h"
#include "base/simd.h"

#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Block matching from coarse to fine (Bierling, "Displacement estimation by
 * hierarchical blockmatching", VCIP 1988). The smallest picture tries every
 * vector within RADIUS. The others try the coarser vector, those of neighbours
 * (de Haan et al., "True-motion estimation with 3-D recursive search block
 * matching", 1993), and from the best of them go downhill. Nothing smooths the
 * result: a hand is few blocks, and a median over neighbours removed more of
 * them than it mended.
 *
 * A moving object uncovers background that the earlier picture does not show.
 * At that place the earlier picture shows the object. So a block without a
 * match that lies where the object came from takes the object's vector: it
 * leads to the background that was behind the object. */

#define BLOCK  8
#define PIXELS (BLOCK * BLOCK)
#define RADIUS 5
#define STEPS  4
/* Longest vector of each level in pixels; keeps vectors within 16 bits. */
#define LONGEST 128

/* Cost of each pixel of a vector's length, so that uniform areas stay. */
#define WAY_COST 2
/* Mean absolute luma difference of a block, 0 to 255 per pixel. STILL_BELOW:
 * the block is not searched. LEAST_GAIN: margin by which a vector must beat the
 * zero vector. FOUND_BELOW: the match is reliable. LOST_ABOVE: there is no
 * match; the block was uncovered. Chosen with `masks reuse`. */
#define STILL_BELOW 1
#define LEAST_GAIN  0.25
#define FOUND_BELOW 4
#define LOST_ABOVE  6
/* Noise, too, has a best match among many. NOISE_GAIN is the margin in parts of
 * the difference that noise makes of a still block; LARGEST_NOISE bounds it. */
#define NOISE_GAIN    0.75
#define LARGEST_NOISE 8
/* Share of blocks without a match above which the scene has changed. */
#define CUT_SHARE 0.3

/* ---- pictures --------------------------------------------------------- */

static gboolean
luma_init (UnetLuma *self, gint width, gint height)
{
  self->width = width;
  self->height = height;
  self->stride = (gsize) width + 2 * UNET_LUMA_BORDER;
  self->memory =
      g_try_malloc0 (self->stride * ((gsize) height + 2 * UNET_LUMA_BORDER));
  if (!self->memory)
    return FALSE;
  self->pixels =
      self->memory + UNET_LUMA_BORDER * self->stride + UNET_LUMA_BORDER;
  return TRUE;
}

gboolean
unet_pyramid_init (UnetPyramid *self, guint width, guint height)
{
  gint w = (gint) width, h = (gint) height;

  memset (self, 0, sizeof *self);
  do {
    if (!luma_init (&self->level[self->n_levels], w, h)) {
      unet_pyramid_clear (self);
      return FALSE;
    }
    self->n_levels++;
    w = (w + 1) / 2;
    h = (h + 1) / 2;
  } while (self->n_levels < UNET_LUMA_LEVELS && MIN (w, h) >= 2 * BLOCK);
  return TRUE;
}

void
unet_pyramid_clear (UnetPyramid *self)
{
  for (guint i = 0; i < self->n_levels; i++)
    g_free (self->level[i].memory);
  memset (self, 0, sizeof *self);
}

UNET_SIMD static void
halve_luma_rows (guint8 *restrict dst, const guint8 *a, const guint8 *b, gint n)
{
  for (gint i = 0; i < n; i++)
    dst[i] =
        (guint8) ((a[2 * i] + a[2 * i + 1] + b[2 * i] + b[2 * i + 1] + 2) >> 2);
}

static void
repeat_border (UnetLuma *self)
{
  const gsize n = UNET_LUMA_BORDER, stride = self->stride;
  guint8 *first = self->pixels - n;
  guint8 *last = first + (gsize) (self->height - 1) * stride;

  for (gint y = 0; y < self->height; y++) {
    guint8 *row = self->pixels + (gsize) y * stride;

    memset (row - n, row[0], n);
    memset (row + self->width, row[self->width - 1], n);
  }
  for (gsize y = 1; y <= n; y++) {
    memcpy (first - y * stride, first, stride);
    memcpy (last + y * stride, last, stride);
  }
}

/* The border is there before it is read: odd sides need no care. */
void
unet_pyramid_update (UnetPyramid *self)
{
  repeat_border (&self->level[0]);
  for (guint i = 1; i < self->n_levels; i++) {
    const UnetLuma *from = &self->level[i - 1];
    UnetLuma *to = &self->level[i];

    for (gint y = 0; y < to->height; y++) {
      const guint8 *row = from->pixels + 2 * (gsize) y * from->stride;

      halve_luma_rows (to->pixels + (gsize) y * to->stride, row,
          row + from->stride, to->width);
    }
    repeat_border (to);
  }
}

/* ---- blocks ----------------------------------------------------------- */

guint
unet_block_difference_plain (
    const guint8 *a, gsize a_stride, const guint8 *b, gsize b_stride)
{
  guint sum = 0;

  for (guint y = 0; y < BLOCK; y++, a += a_stride, b += b_stride)
    for (guint x = 0; x < BLOCK; x++)
      sum += (guint) abs (a[x] - b[x]);
  return sum;
}

#ifdef __SSE2__
static inline __m128i
load_two_rows (const guint8 *p, gsize stride)
{
  return _mm_unpacklo_epi64 (_mm_loadl_epi64 ((const __m128i *) p),
      _mm_loadl_epi64 ((const __m128i *) (p + stride)));
}

/* Every x86-64 has the instruction, which compilers do not find for rows of
 * eight; more recent ones have no better. */
static inline guint
block_difference (
    const guint8 *a, gsize a_stride, const guint8 *b, gsize b_stride)
{
  __m128i sum = _mm_setzero_si128 ();

  for (guint y = 0; y < BLOCK; y += 2)
    sum = _mm_add_epi32 (sum,
        _mm_sad_epu8 (load_two_rows (a + y * a_stride, a_stride),
            load_two_rows (b + y * b_stride, b_stride)));
  sum = _mm_add_epi32 (sum, _mm_srli_si128 (sum, 8));
  return (guint) _mm_cvtsi128_si32 (sum);
}
#else
#define block_difference unet_block_difference_plain
#endif

guint
unet_block_difference (
    const guint8 *a, gsize a_stride, const guint8 *b, gsize b_stride)
{
  return block_difference (a, a_stride, b, b_stride);
}

/* ---- searching -------------------------------------------------------- */

static gboolean
vectors_init (UnetVectors *self, gint width, gint height, gint side)
{
  self->width = (width + side - 1) / side;
  self->height = (height + side - 1) / side;
  self->vectors = g_try_new0 (UnetVector, (gsize) self->width * self->height);
  return self->vectors != NULL;
}

static UnetVector
vector_at (const UnetVectors *self, gint x, gint y)
{
  x = CLAMP (x, 0, self->width - 1);
  y = CLAMP (y, 0, self->height - 1);
  return self->vectors[(gsize) y * self->width + x];
}

static gboolean
is_zero (UnetVector v)
{
  return v.x == 0 && v.y == 0;
}

/* A block of @now, compared with places of @then. */
typedef struct {
  const UnetLuma *now, *then;
  gint x, y;
  UnetVector best;
  guint cost; /* of the best */
} Search;

static guint
difference_at (const Search *self, gint dx, gint dy)
{
  const gssize a_stride = (gssize) self->now->stride;
  const gssize b_stride = (gssize) self->then->stride;

  return block_difference (self->now->pixels + self->y * a_stride + self->x,
      (gsize) a_stride,
      self->then->pixels + (self->y + dy) * b_stride + self->x + dx,
      (gsize) b_stride);
}

/* Vectors beyond the border are not tried. */
static gboolean
is_inside (const Search *self, gint dx, gint dy)
{
  const gint n = UNET_LUMA_BORDER, x = self->x + dx, y = self->y + dy;

  return abs (dx) <= LONGEST && abs (dy) <= LONGEST && x >= -n && y >= -n
      && x + BLOCK <= self->then->width + n
      && y + BLOCK <= self->then->height + n;
}

static gboolean
try_vector (Search *self, gint dx, gint dy)
{
  guint cost;

  if (!is_inside (self, dx, dy))
    return FALSE;
  cost =
      difference_at (self, dx, dy) + WAY_COST * (guint) (abs (dx) + abs (dy));
  if (cost >= self->cost)
    return FALSE;
  self->cost = cost;
  self->best = (UnetVector){ (gint16) dx, (gint16) dy };
  return TRUE;
}

static void
try_everything (Search *self)
{
  for (gint dy = -RADIUS; dy <= RADIUS; dy++)
    for (gint dx = -RADIUS; dx <= RADIUS; dx++)
      try_vector (self, dx, dy);
}

static void
go_downhill (Search *self)
{
  static const gint8 ways[4][2] = { { 1, 0 }, { -1, 0 }, { 0, 1 }, { 0, -1 } };

  for (guint i = 0; i < STEPS; i++) {
    const UnetVector from = self->best;
    gboolean better = FALSE;

    for (guint k = 0; k < G_N_ELEMENTS (ways); k++)
      better |= try_vector (self, from.x + ways[k][0], from.y + ways[k][1]);
    if (!better)
      break;
  }
}

static void
try_coarser (Search *self, const UnetVectors *coarser, gint x, gint y)
{
  static const gint8 round[5][2] = { { 0, 0 }, { -1, 0 }, { 1, 0 }, { 0, -1 },
    { 0, 1 } };

  for (guint i = 0; i < G_N_ELEMENTS (round); i++) {
    const UnetVector v =
        vector_at (coarser, x / 2 + round[i][0], y / 2 + round[i][1]);

    try_vector (self, 2 * v.x, 2 * v.y);
  }
}

/* @coarser: (nullable): in the smallest picture. Where moving does not gain
 * @margin it has not moved. */
static void
search_block (Search *self, const UnetVectors *blocks,
    const UnetVectors *coarser, gint x, gint y, guint margin)
{
  const UnetVector left = vector_at (blocks, x - 1, y);
  const UnetVector above = vector_at (blocks, x, y - 1);
  guint still;

  self->x = x * BLOCK;
  self->y = y * BLOCK;
  self->best = (UnetVector){ 0, 0 };
  still = self->cost = difference_at (self, 0, 0);
  if (still < STILL_BELOW * PIXELS)
    return;
  if (coarser)
    try_coarser (self, coarser, x, y);
  else
    try_everything (self);
  if (x > 0)
    try_vector (self, left.x, left.y);
  if (y > 0)
    try_vector (self, above.x, above.y);
  go_downhill (self);
  if (self->cost + margin >= still)
    self->best = (UnetVector){ 0, 0 };
}

/* Returns the difference that 40 % of the blocks stay below: the median of the
 * still blocks even if a fifth of the picture moves. */
static guint
find_block_noise (Search *self, const UnetVectors *blocks)
{
  const guint n = (guint) (blocks->width * blocks->height);
  guint histogram[LARGEST_NOISE * 8 + 1] = { 0 }, below = 0, bin = 0;

  for (gint y = 0; y < blocks->height; y++)
    for (gint x = 0; x < blocks->width; x++) {
      self->x = x * BLOCK;
      self->y = y * BLOCK;
      histogram[MIN (
          difference_at (self, 0, 0) * 8 / PIXELS, LARGEST_NOISE * 8)]++;
    }
  while (bin < LARGEST_NOISE * 8 && (below += histogram[bin]) < n * 2 / 5)
    bin++;
  return (bin + 1) * PIXELS / 8;
}

/* Returns the share of blocks that were found nowhere. */
static gdouble
search_level (UnetMotion *self, const UnetPyramid *now, const UnetPyramid *then,
    guint level)
{
  const UnetVectors *coarser =
      level + 1 < now->n_levels ? &self->blocks[level + 1] : NULL;
  UnetVectors *blocks = &self->blocks[level];
  Search search = { .now = &now->level[level], .then = &then->level[level] };
  const guint margin = (guint) (LEAST_GAIN * PIXELS
      + NOISE_GAIN * find_block_noise (&search, blocks));
  guint lost = 0;

  for (gint y = 0; y < blocks->height; y++)
    for (gint x = 0; x < blocks->width; x++) {
      search_block (&search, blocks, coarser, x, y, margin);
      blocks->vectors[(gsize) y * blocks->width + x] = search.best;
      lost += search.cost > LOST_ABOVE * PIXELS;
    }
  return (gdouble) lost / (blocks->width * blocks->height);
}

/* ---- cells ------------------------------------------------------------ */

/* Returns the minimum of the parabola through three costs. */
static gint16
find_fraction (guint before, guint at, guint after)
{
  const gint bend = (gint) (before + after) - 2 * (gint) at;
  gint v;

  if (bend <= 0)
    return 0;
  v = UNET_VECTOR_ONE * ((gint) before - (gint) after) / (2 * bend);
  return (gint16) CLAMP (v, -UNET_VECTOR_ONE / 2, UNET_VECTOR_ONE / 2);
}

static UnetVector
refine_vector (const Search *self)
{
  const gint x = self->best.x, y = self->best.y;
  UnetVector v = { (gint16) (x * UNET_VECTOR_ONE),
    (gint16) (y * UNET_VECTOR_ONE) };
  guint at;

  if (!is_inside (self, x - 1, y - 1) || !is_inside (self, x + 1, y + 1))
    return v;
  at = difference_at (self, x, y);
  v.x += find_fraction (
      difference_at (self, x - 1, y), at, difference_at (self, x + 1, y));
  v.y += find_fraction (
      difference_at (self, x, y - 1), at, difference_at (self, x, y + 1));
  return v;
}

/* A quarter of a block has its vector or that of a neighbour it touches,
 * whichever suits what is in it and round it. */
static UnetVector
find_cell (const UnetVectors *blocks, Search *search, gint x, gint y)
{
  const gint margin = (BLOCK - UNET_MOTION_CELL) / 2;
  const gint side_x = x % 2 ? 1 : -1, side_y = y % 2 ? 1 : -1;
  const UnetVector v[4] = { vector_at (blocks, x / 2, y / 2),
    vector_at (blocks, x / 2 + side_x, y / 2),
    vector_at (blocks, x / 2, y / 2 + side_y),
    vector_at (blocks, x / 2 + side_x, y / 2 + side_y) };

  search->best = (UnetVector){ 0, 0 };
  search->cost = 0;
  if (is_zero (v[0]) && is_zero (v[1]) && is_zero (v[2]) && is_zero (v[3]))
    return search->best;
  search->x = x * UNET_MOTION_CELL - margin;
  search->y = y * UNET_MOTION_CELL - margin;
  search->cost = difference_at (search, 0, 0);
  for (guint i = 0; i < G_N_ELEMENTS (v); i++)
    try_vector (search, v[i].x, v[i].y);
  return is_zero (search->best) ? search->best : refine_vector (search);
}

static gboolean
find_cells (UnetMotion *self, const UnetPyramid *now, const UnetPyramid *then)
{
  Search search = { .now = &now->level[0], .then = &then->level[0] };
  gboolean moved = FALSE;
  gsize at = 0;

  for (gint y = 0; y < self->cells.height; y++)
    for (gint x = 0; x < self->cells.width; x++, at++) {
      self->cells.vectors[at] = find_cell (&self->blocks[0], &search, x, y);
      self->costs[at] = (guint16) MIN (search.cost, G_MAXUINT16);
      moved |= !is_zero (self->cells.vectors[at]);
    }
  return moved;
}

/* The cell in which a cell's centre was; -1 outside. */
static gssize
find_origin (const UnetVectors *cells, gint x, gint y)
{
  const UnetVector v = vector_at (cells, x, y);
  const gint side = UNET_MOTION_CELL * UNET_VECTOR_ONE;
  const gint from_x = x * side + side / 2 + v.x;
  const gint from_y = y * side + side / 2 + v.y;

  if (from_x < 0 || from_y < 0 || from_x >= cells->width * side
      || from_y >= cells->height * side)
    return -1;
  return (gssize) (from_y / side) * cells->width + from_x / side;
}

/* Finds the cells of the earlier picture whose content has moved away, and the
 * vector that leads back to them. */
static void
find_gone (UnetMotion *self)
{
  const UnetVectors *cells = &self->cells;

  memset (
      self->gone, 0, (gsize) cells->width * cells->height * sizeof *self->gone);
  for (gint y = 0; y < cells->height; y++)
    for (gint x = 0; x < cells->width; x++) {
      const gsize at = (gsize) y * cells->width + x;
      const gssize from = find_origin (cells, x, y);

      if (from >= 0 && self->costs[at] < FOUND_BELOW * PIXELS
          && !is_zero (cells->vectors[at]))
        self->gone[from] = cells->vectors[at];
    }
}

static void
fill_uncovered (UnetMotion *self)
{
  UnetVectors *cells = &self->cells;

  find_gone (self);
  for (gint y = 0; y < cells->height; y++)
    for (gint x = 0; x < cells->width; x++) {
      const gsize at = (gsize) y * cells->width + x;
      const gssize from = find_origin (cells, x, y);

      if (from >= 0 && self->costs[at] > LOST_ABOVE * PIXELS
          && !is_zero (self->gone[from]))
        cells->vectors[at] = self->gone[from];
    }
}

/* ---- the whole -------------------------------------------------------- */

gboolean
unet_motion_init (UnetMotion *self, guint width, guint height)
{
  gint w = (gint) width, h = (gint) height;
  gsize n;

  memset (self, 0, sizeof *self);
  if (!vectors_init (&self->cells, w, h, UNET_MOTION_CELL))
    goto failed;
  n = (gsize) self->cells.width * self->cells.height;
  self->costs = g_try_new0 (guint16, n);
  self->gone = g_try_new0 (UnetVector, n);
  if (!self->costs || !self->gone)
    goto failed;
  for (guint i = 0; i < UNET_LUMA_LEVELS; i++) {
    if (!vectors_init (&self->blocks[i], w, h, BLOCK))
      goto failed;
    w = (w + 1) / 2;
    h = (h + 1) / 2;
  }
  return TRUE;

failed:
  unet_motion_clear (self);
  return FALSE;
}

void
unet_motion_clear (UnetMotion *self)
{
  g_clear_pointer (&self->cells.vectors, g_free);
  g_clear_pointer (&self->costs, g_free);
  g_clear_pointer (&self->gone, g_free);
  for (guint i = 0; i < UNET_LUMA_LEVELS; i++)
    g_clear_pointer (&self->blocks[i].vectors, g_free);
}

gboolean
unet_motion_find (
    UnetMotion *self, const UnetPyramid *now, const UnetPyramid *then)
{
  gdouble lost = 0;

  for (guint i = now->n_levels; i-- > 0;)
    lost = search_level (self, now, then, i);
  if (lost <= CUT_SHARE && find_cells (self, now, then)) {
    fill_uncovered (self);
    return TRUE;
  }
  memset (self->cells.vectors, 0,
      (gsize) self->cells.width * self->cells.height * sizeof (UnetVector));
  return FALSE;
}
