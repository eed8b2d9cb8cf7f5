/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compares F(4x4, 3x3) with direct convolution in double, in every compiled
 * variant that this processor runs, on random sizes.
 *
 * The tolerance is a proven bound. With |G|, |B| and |A| the matrices' absolute
 * values, an output's error is at most c u S, where
 *   S = sum over ic of |A^T| ((|G| |g| |G^T|) . (|B^T| |d| |B|)) |A|,
 * u = 2^-24, and c is the number of roundings that a term goes through
 * (B. Barabasz, A. Anderson, K. Soodhalter, D. Gregg, "Error analysis and
 * improving the accuracy of Winograd convolution for deep neural networks",
 * 2018, theorem 3). Here c is 20 plus the number of channels: at most 4 in each
 * of the four passes (two for the input, two for the output), one for the
 * transformed weights, one for each channel in the product, and three for the
 * epilogue. The largest error seen is 0.03 of the bound, and 5.2e-6 of the
 * largest sum. */

#include <float.h>
#include <math.h>
#include "engine/kernels/f32-conv-winograd.h"
#include "kernel-test.h"

#define MARK      12345.0f
#define ROUNDINGS 20

static const gdouble abs_g[6][3] = {
  { 1.0 / 4, 0, 0 },
  { 1.0 / 6, 1.0 / 6, 1.0 / 6 },
  { 1.0 / 6, 1.0 / 6, 1.0 / 6 },
  { 1.0 / 24, 1.0 / 12, 1.0 / 6 },
  { 1.0 / 24, 1.0 / 12, 1.0 / 6 },
  { 0, 0, 1 },
};
static const gdouble abs_b[6][6] = {
  { 4, 0, 5, 0, 1, 0 },
  { 0, 4, 4, 1, 1, 0 },
  { 0, 4, 4, 1, 1, 0 },
  { 0, 2, 1, 2, 1, 0 },
  { 0, 2, 1, 2, 1, 0 },
  { 0, 4, 0, 5, 0, 1 },
};
static const gdouble abs_a[4][6] = {
  { 1, 1, 1, 1, 1, 0 },
  { 0, 1, 1, 2, 2, 0 },
  { 0, 1, 1, 4, 4, 0 },
  { 0, 1, 1, 8, 8, 1 },
};

/* Largest errors, relative to the largest sum of the convolution and to the
 * bound. */
static gdouble worst, worst_share;

static gfloat
uniform (void)
{
  return (gfloat) g_rand_double_range (rng, -1, 1);
}

/* ---- one convolution ----------------------------------------------------- */

typedef struct {
  UnetWinogradShape shape;
  gfloat *src, *weights, *bias, *add, *dst, *pool;
  gfloat *parts[UNET_WINOGRAD_SOURCES]; /* src as the kernels read it */
  gfloat *head_weights, *head; /* one of shape.heads outputs, no bias */
  gboolean in_place;           /* the residual and the output share memory */
} Case;

static UnetVec
make_vec (gint64 vec, gint64 n, gint64 c, gint64 h, gint64 w)
{
  return (UnetVec){ n, c, h, w, (c + vec - 1) / vec, vec };
}

static gsize
vec_size (const UnetVec *v)
{
  return v->n * v->blocks * v->h * v->w * v->vec;
}

static gsize
at (const UnetVec *v, gint64 n, gint64 c, gint64 y, gint64 x)
{
  return (((n * v->blocks + c / v->vec) * v->h + y) * v->w + x) * v->vec
      + c % v->vec;
}

/* Returns random numbers, with zeros in the lanes beyond the last channel. */
static gfloat *
new_tensor (const UnetVec *v)
{
  gfloat *data = g_new0 (gfloat, vec_size (v));

  for (gint64 n = 0; n < v->n; n++)
    for (gint64 c = 0; c < v->c; c++)
      for (gint64 i = 0; i < v->h * v->w; i++)
        data[at (v, n, c, i / v->w, i % v->w)] = uniform ();
  return data;
}

static void
make_epilogue (UnetWinogradShape *s)
{
  const gfloat slopes[] = { 1.0f, 0.0f, 0.125f };
  const gfloat limits[][2] = { { -INFINITY, INFINITY }, { 0.0f, 1.0f },
    { -0.5f, 0.75f } };
  gint k = range (0, 2);

  s->slope = slopes[range (0, 2)];
  s->low = limits[k][0];
  s->high = limits[k][1];
  s->clips = k > 0;
  s->add = range (0, 1);
  s->heads = range (0, 1) ? range (1, 5) : 0;
  s->pool = range (UNET_WINOGRAD_POOL_NONE, UNET_WINOGRAD_POOL_MEAN);
}

static gsize
pool_size (const UnetWinogradShape *s)
{
  return s->dst.n * s->dst.blocks * (s->dst.h / 2) * (s->dst.w / 2)
      * s->dst.vec;
}

/* Divides the source into parts of whole blocks. A part may have the layout of
 * a transposed convolution's product, before depth to space. */
static void
divide_source (UnetWinogradShape *s)
{
  gint64 left = s->src.blocks;

  for (s->n_sources = 0; left > 0; s->n_sources++) {
    UnetWinogradSource *part = &s->sources[s->n_sources];

    part->blocks = s->n_sources + 1 < UNET_WINOGRAD_SOURCES ? range (1, left)
                                                            : left;
    part->depth_to_space = s->src.h % 2 == 0 && s->src.w % 2 == 0
        && range (0, 1) == 1;
    left -= part->blocks;
  }
}

/* Returns the offset of a pixel in part @i of image @n. */
static gsize
part_at (const UnetWinogradShape *s, guint i, gint64 n, gint64 block, gint64 y,
    gint64 x)
{
  const UnetWinogradSource *part = &s->sources[i];

  if (!part->depth_to_space)
    return (((n * part->blocks + block) * s->src.h + y) * s->src.w + x)
        * s->src.vec;
  block += (y % 2 * 2 + x % 2) * part->blocks;
  return (((n * 4 * part->blocks + block) * (s->src.h / 2) + y / 2)
                 * (s->src.w / 2)
             + x / 2)
      * s->src.vec;
}

static gfloat *
new_marked (gint64 n)
{
  gfloat *data = g_new (gfloat, n);

  for (gint64 i = 0; i < n; i++)
    data[i] = MARK;
  return data;
}

static void
make_parts (Case *c)
{
  const UnetWinogradShape *s = &c->shape;
  const UnetVec *v = &s->src;
  gint64 first = 0;

  for (guint i = 0; i < s->n_sources; i++) {
    gint64 blocks = s->sources[i].blocks;

    c->parts[i] = new_marked (v->n * blocks * v->h * v->w * v->vec);
    for (gint64 k = 0; k < v->n * blocks * v->h * v->w; k++) {
      gint64 x = k % v->w, y = k / v->w % v->h;
      gint64 block = k / v->w / v->h % blocks, n = k / v->w / v->h / blocks;

      memcpy (c->parts[i] + part_at (s, i, n, block, y, x),
          c->src + at (v, n, (first + block) * v->vec, y, x),
          v->vec * sizeof (gfloat));
    }
    first += blocks;
  }
}

static gsize
head_size (const UnetWinogradShape *s)
{
  return s->dst.n * s->heads * s->dst.h * s->dst.w;
}

static void
make_case (Case *c, gint64 vec, const UnetWinogradIsa *isa)
{
  UnetWinogradShape *s = &c->shape;
  gint64 n = range (1, 3), h = range (1, 26), w = range (1, 26), oh, ow;

  memset (c, 0, sizeof *c);
  c->shape.isa = isa;
  do {
    s->pad_y = range (0, 2);
    s->pad_x = range (0, 2);
    oh = h + s->pad_y + range (0, 2) - 2;
    ow = w + s->pad_x + range (0, 2) - 2;
  } while (oh < 1 || ow < 1);
  s->src = make_vec (vec, n, range (1, 40), h, w);
  s->dst = make_vec (vec, n, range (1, 40), oh, ow);
  s->tiles_y = (oh + 3) / 4;
  s->tiles_x = (ow + 3) / 4;
  make_epilogue (s);
  c->src = new_tensor (&s->src);
  divide_source (s);
  make_parts (c);
  c->add = new_tensor (&s->dst);
  c->weights = g_new (gfloat, s->dst.c * s->src.c * 9);
  for (gint64 i = 0; i < s->dst.c * s->src.c * 9; i++)
    c->weights[i] = uniform ();
  c->bias = g_new0 (gfloat, s->dst.blocks * vec);
  for (gint64 i = 0; i < s->dst.c; i++)
    c->bias[i] = uniform ();
  c->in_place = range (0, 1);
  c->dst = new_marked (vec_size (&s->dst) + GUARD);
  if (s->add && c->in_place)
    memcpy (c->dst, c->add, vec_size (&s->dst) * sizeof *c->dst);
  c->pool = new_marked (pool_size (s) + GUARD);
  c->head = new_marked (head_size (s) + GUARD);
  c->head_weights = g_new0 (gfloat, (s->heads + 1) * s->dst.blocks * vec);
  for (gint64 i = 0; i < s->heads * s->dst.blocks * vec; i++)
    c->head_weights[i] = i % (s->dst.blocks * vec) < s->dst.c ? uniform ()
                                                              : 0.0f;
}

static void
clear_case (Case *c)
{
  g_free (c->src);
  for (guint i = 0; i < c->shape.n_sources; i++)
    g_free (c->parts[i]);
  g_free (c->add);
  g_free (c->weights);
  g_free (c->bias);
  g_free (c->dst);
  g_free (c->pool);
  g_free (c->head);
  g_free (c->head_weights);
}

/* ---- the way of the engine ----------------------------------------------- */

static void
run_input (const Case *c, const UnetWinogradData *data, gint64 first, gint64 n,
    gfloat *in, gint64 stride)
{
  const UnetWinogradShape *s = &c->shape;
  gint64 blocks;

  for (gint64 b = 0; b < s->src.blocks; b += blocks) {
    blocks = range (1, s->src.blocks - b);
    unet_winograd_input (s, data, b, blocks, first, n, in, stride);
  }
}

static void
run_tiles (
    const Case *c, UnetWinogradData *data, gint64 first, gint64 n, gfloat *head)
{
  const UnetWinogradShape *s = &c->shape;
  const gfloat bias[] = { 0.5f, -0.25f, 0.0f, 2.0f, -1.0f };
  gfloat *sums = new_marked (n * s->heads * 16 + GUARD);
  gint64 row = s->src.blocks * s->src.vec, stride = n * row + 16;
  gint64 scratch = 36 * UNET_WINOGRAD_SCRATCH (n);
  gfloat *in = new_marked (36 * stride), *out = new_marked (scratch + GUARD);

  data->sums = sums;
  run_input (c, data, first, n, in, stride);
  for (gint64 k = 0; k < 36; k++)
    for (gint64 i = n * row; i < stride; i++)
      ck_assert_float_eq (in[k * stride + i], MARK);
  for (gint64 p = 0; p < unet_winograd_panels (s); p++)
    unet_winograd_panel (s, data, in, stride, p, first, n, out);
  unet_winograd_heads (s, sums, bias, first, n, head);
  for (gint64 i = 0; i < GUARD; i++)
    ck_assert_float_eq (sums[n * s->heads * 16 + i], MARK);
  g_free (sums);
  for (gint64 i = 0; i < GUARD; i++)
    ck_assert_float_eq (out[scratch + i], MARK);
  g_free (in);
  g_free (out);
}

/* @dst: (nullable): %NULL if only the pooled output and the heads are read */
static void
run_case (
    const Case *c, const gfloat *add, gfloat *dst, gfloat *pool, gfloat *head)
{
  const UnetWinogradShape *s = &c->shape;
  gsize size = unet_winograd_weights_size (s->dst.c, s->src.c, s->dst.vec);
  gint64 tiles = s->tiles_x * s->tiles_y, n;
  gfloat *u = new_marked (size + GUARD);

  unet_winograd_weights (c->weights, s->dst.c, s->src.c, s->dst.vec, u);
  for (gint64 i = 0; i < GUARD; i++)
    ck_assert_float_eq (u[size + i], MARK);
  for (gint64 image = 0; image < s->src.n; image++) {
    gint64 out = image * vec_size (&s->dst) / s->dst.n;
    UnetWinogradData data = { { NULL }, u, c->bias, add + out,
      dst ? dst + out : NULL, pool + image * pool_size (s) / s->dst.n,
      c->head_weights, NULL };

    for (guint i = 0; i < s->n_sources; i++)
      data.src[i] = c->parts[i]
          + image * s->sources[i].blocks * s->src.h * s->src.w * s->src.vec;
    for (gint64 first = 0; first < tiles; first += n) {
      n = MIN (range (1, 40), tiles - first);
      run_tiles (c, &data, first, n, head + image * head_size (s) / s->dst.n);
    }
  }
  g_free (u);
}

/* ---- the oracle ---------------------------------------------------------- */

static gfloat
source (const Case *c, gint64 n, gint64 channel, gint64 y, gint64 x)
{
  const UnetVec *s = &c->shape.src;

  if (y < 0 || x < 0 || y >= s->h || x >= s->w)
    return 0.0f;
  return c->src[at (s, n, channel, y, x)];
}

static gdouble
direct (const Case *c, gint64 n, gint64 o, gint64 y, gint64 x, gdouble *largest)
{
  const UnetWinogradShape *s = &c->shape;
  gdouble v = c->bias[o];

  for (gint64 i = 0; i < s->src.c; i++)
    for (gint64 k = 0; k < 9; k++)
      v += (gdouble) c->weights[(o * s->src.c + i) * 9 + k]
          * source (c, n, i, y + k / 3 - s->pad_y, x + k % 3 - s->pad_x);
  *largest = MAX (*largest, fabs (v));
  if (s->add)
    v += c->add[at (&s->dst, n, o, y, x)];
  v = v > 0 ? v : v * s->slope;
  return CLAMP (v, s->low, s->high);
}

/* Adds the products of |G| |g| |G^T| and |B^T| |d| |B| for one channel to @sum.
 */
static void
absolute_parts (const Case *c, gint64 n, gint64 o, gint64 i, gint64 ty,
    gint64 tx, gdouble sum[6][6])
{
  const UnetWinogradShape *s = &c->shape;
  const gfloat *g = c->weights + (o * s->src.c + i) * 9;

  for (gint a = 0; a < 6; a++)
    for (gint b = 0; b < 6; b++) {
      gdouble u = 0, v = 0;

      for (gint k = 0; k < 9; k++)
        u += abs_g[a][k / 3] * abs_g[b][k % 3] * fabs (g[k]);
      for (gint k = 0; k < 36; k++)
        v += abs_b[a][k / 6] * abs_b[b][k % 6]
            * fabs (source (
                c, n, i, ty * 4 + k / 6 - s->pad_y, tx * 4 + k % 6 - s->pad_x));
      sum[a][b] += u * v;
    }
}

/* Computes the bounds of the 16 outputs of one tile. */
static void
bounds (const Case *c, gint64 n, gint64 o, gint64 ty, gint64 tx,
    gdouble bound[4][4])
{
  gdouble sum[6][6] = { { 0 } };

  for (gint64 i = 0; i < c->shape.src.c; i++)
    absolute_parts (c, n, o, i, ty, tx, sum);
  for (gint y = 0; y < 4; y++)
    for (gint x = 0; x < 4; x++) {
      gdouble s = fabs (c->bias[o]) + (c->shape.add ? 1.0 : 0.0);

      for (gint k = 0; k < 36; k++)
        s += abs_a[y][k / 6] * abs_a[x][k % 6] * sum[k / 6][k % 6];
      bound[y][x] = (ROUNDINGS + c->shape.src.c) * FLT_EPSILON / 2 * s;
    }
}

static void
check_tile (const Case *c, gint64 n, gint64 o, gint64 ty, gint64 tx,
    gdouble *error, gdouble *largest)
{
  const UnetVec *d = &c->shape.dst;
  gdouble bound[4][4];

  bounds (c, n, o, ty, tx, bound);
  for (gint64 y = ty * 4; y < MIN (d->h, ty * 4 + 4); y++)
    for (gint64 x = tx * 4; x < MIN (d->w, tx * 4 + 4); x++) {
      gdouble want = direct (c, n, o, y, x, largest);
      gdouble e = fabs (c->dst[at (d, n, o, y, x)] - want);
      gdouble b = bound[y - ty * 4][x - tx * 4];

      ck_assert_msg (e <= b, "image %d channel %d (%d, %d): off by %g of %g",
          (gint) n, (gint) o, (gint) y, (gint) x, e, b);
      *error = MAX (*error, e);
      worst_share = MAX (worst_share, e / b);
    }
}

/* Checks that the pooled output equals the pooled values of the output, to the
 * bit. */
static void
check_pool (const Case *c)
{
  const UnetVec *d = &c->shape.dst;
  UnetVec p = { d->n, d->c, d->h / 2, d->w / 2, d->blocks, d->vec };
  gsize n = pool_size (&c->shape);

  for (gsize i = c->shape.pool ? n : 0; i < n + GUARD; i++)
    ck_assert_float_eq (c->pool[i], MARK);
  for (gsize i = 0; c->shape.pool && i < n; i++) {
    gint64 lane = i % p.vec, x = i / p.vec % p.w, y = i / p.vec / p.w % p.h;
    gint64 block = i / p.vec / p.w / p.h;
    const gfloat *in =
        c->dst + ((block * d->h + 2 * y) * d->w + 2 * x) * d->vec + lane;
    const gfloat *below = in + d->w * d->vec;

    if (c->shape.pool == UNET_WINOGRAD_POOL_MAX)
      ck_assert_float_eq (c->pool[i],
          MAX (MAX (in[0], in[d->vec]), MAX (below[0], below[d->vec])));
    else
      ck_assert_float_eq (c->pool[i],
          ((in[0] + in[d->vec]) + (below[0] + below[d->vec])) * 0.25f);
  }
}

/* Checks that the heads differ from the oracle by no more than the rounding of
 * each term. */
static void
check_head (const Case *c)
{
  const gfloat bias[] = { 0.5f, -0.25f, 0.0f, 2.0f, -1.0f };
  const UnetVec *d = &c->shape.dst;
  gsize n = head_size (&c->shape), row = d->blocks * d->vec;

  for (gsize i = 0; i < GUARD; i++)
    ck_assert_float_eq (c->head[n + i], MARK);
  for (gsize i = 0; i < n; i++) {
    gint64 x = i % d->w, y = i / d->w % d->h, o = i / d->w / d->h;
    const gfloat *w = c->head_weights + o % c->shape.heads * row;
    gdouble want = bias[o % c->shape.heads], sum = fabs (want);

    for (gint64 k = 0; k < d->c; k++) {
      gdouble v = (gdouble) w[k] * c->dst[at (d, o / c->shape.heads, k, y, x)];

      want += v;
      sum += fabs (v);
    }
    ck_assert_double_le (
        fabs (c->head[i] - want), (4 + d->c) * FLT_EPSILON / 2 * sum);
  }
}

/* Checks that the pooled output and the heads stay the same without the output.
 */
static void
check_alone (const Case *c)
{
  gsize n = pool_size (&c->shape) + GUARD, m = head_size (&c->shape) + GUARD;
  gfloat *pool = new_marked (n), *head = new_marked (m);

  run_case (c, c->add, NULL, pool, head);
  ck_assert (memcmp (pool, c->pool, n * sizeof *pool) == 0);
  ck_assert (memcmp (head, c->head, m * sizeof *head) == 0);
  g_free (pool);
  g_free (head);
}

static void
check_case (const Case *c)
{
  const UnetWinogradShape *s = &c->shape;
  const UnetVec *d = &s->dst;
  gdouble error = 0, largest = 0;

  for (gint64 n = 0; n < d->n; n++)
    for (gint64 o = 0; o < d->c; o++)
      for (gint64 t = 0; t < s->tiles_y * s->tiles_x; t++)
        check_tile (c, n, o, t / s->tiles_x, t % s->tiles_x, &error, &largest);
  for (gint64 n = 0; n < d->n; n++)
    for (gint64 o = d->c; o < d->blocks * d->vec; o++)
      for (gint64 i = 0; i < d->h * d->w; i++)
        ck_assert_float_eq (c->dst[at (d, n, o, i / d->w, i % d->w)], 0.0f);
  for (gsize i = 0; i < GUARD; i++)
    ck_assert_float_eq (c->dst[vec_size (d) + i], MARK);
  check_pool (c);
  check_head (c);
  worst = MAX (worst, error / largest);
}

/* ---- tests --------------------------------------------------------------- */

static void
check_rounds (const UnetWinogradIsa *isa, gint n)
{
  for (gint i = 0; i < n; i++) {
    Case c;

    make_case (&c, i % 2 ? 16 : 8, isa);
    run_case (&c, c.in_place ? c.dst : c.add, c.dst, c.pool, c.head);
    check_case (&c);
    check_alone (&c);
    clear_case (&c);
  }
}

START_TEST (test_variant)
{
  const UnetIsaVariant *variant = &unet_winograd_variants[_i];

  if (!runs_here (variant)) {
    printf ("%s: not on this processor\n", variant->name);
    return;
  }
  worst = worst_share = 0;
  check_rounds (variant->table, (rounds () * 2 + 4) / 5);
  printf ("%s: largest error %.2g of the largest sum, %.2g of the bound\n",
      variant->name, worst, worst_share);
  fflush (stdout);
}
END_TEST

/* ---- time ---------------------------------------------------------------- */

static void
run_once (gpointer data, G_GNUC_UNUSED gpointer user)
{
  const Case *c = data;

  run_case (c, c->add, c->dst, c->pool, c->head);
}

/* Times one random case, the same for all variants. The time includes the
 * weights. */
static void
bench_all (void)
{
  for (const UnetIsaVariant *v = unet_winograd_variants; v->table; v++)
    for (gint64 vec = 8; vec <= 16; vec += 8) {
      Case c;

      if (!runs_here (v))
        continue;
      g_rand_set_seed (rng, 7);
      make_case (&c, vec, v->table);
      bench (
          vec == 8 ? "random case, vectors of 8" : "random case, vectors of 16",
          v->name, run_once, &c);
      clear_case (&c);
    }
}

int
main (int argc, char **argv)
{
  const KernelTest tests[] = {
    { test_variant, count_variants (unet_winograd_variants) },
  };

  return kernel_test_main (
      argc, argv, "f32-conv-winograd", tests, G_N_ELEMENTS (tests), bench_all);
}
