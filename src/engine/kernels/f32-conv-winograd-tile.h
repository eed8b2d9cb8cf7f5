/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The transforms and products for one width of vector. Included with LANES
 * and NAME(x) defined; no guard. */

typedef gfloat NAME (V) __attribute__ ((vector_size (LANES * 4), aligned (4)));
typedef gint32 NAME (M) __attribute__ ((vector_size (LANES * 4), aligned (4)));
#define V NAME (V)
#define M NAME (M)
/* a where the mask is set, else b */
#define SELECT(mask, a, b) ((V) (((M) (a) & (mask)) | ((M) (b) & ~(mask))))
/* The result is b where either is not a number. */
#if LANES == 16 && defined(__AVX512F__)
#define MAXIMUM(a, b) ((V) _mm512_max_ps ((__m512) (a), (__m512) (b)))
#define MINIMUM(a, b) ((V) _mm512_min_ps ((__m512) (a), (__m512) (b)))
#elif LANES == 8 && defined(__AVX__)
#define MAXIMUM(a, b) ((V) _mm256_max_ps ((__m256) (a), (__m256) (b)))
#define MINIMUM(a, b) ((V) _mm256_min_ps ((__m256) (a), (__m256) (b)))
#else
#define MAXIMUM(a, b) SELECT ((a) > (b), a, b)
#define MINIMUM(a, b) SELECT ((a) < (b), a, b)
#endif

/* B^T d */
static inline __attribute__ ((always_inline)) void
NAME (bt) (const V *d, V *o)
{
  V t0 = d[4] - 4.0f * d[2], t1 = d[3] - 4.0f * d[1];
  V t2 = d[4] - d[2], t3 = 2.0f * (d[3] - d[1]);

  o[0] = 4.0f * d[0] - 5.0f * d[2] + d[4];
  o[1] = t0 + t1;
  o[2] = t0 - t1;
  o[3] = t2 + t3;
  o[4] = t2 - t3;
  o[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
}

/* A^T m */
static inline __attribute__ ((always_inline)) void
NAME (at) (const V *m, V *o)
{
  V a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], d = m[3] - m[4];

  o[0] = m[0] + a + c;
  o[1] = b + 2.0f * d;
  o[2] = a + 4.0f * c;
  o[3] = b + 8.0f * d + m[5];
}

/* Offsets of the rows and columns of a patch. A pixel lies at the sum of its
 * row's and its column's. */
typedef struct {
  gint64 rows[6], columns[6];
} NAME (Patch);

/* Transforms one 6x6 patch of one block of channels. */
static inline __attribute__ ((always_inline)) void
NAME (input_patch) (
    const gfloat *src, const NAME (Patch) * at, gfloat *out, gint64 stride)
{
  V x[6][6], column[6], y[6];

  for (gint j = 0; j < 6; j++) {
    for (gint i = 0; i < 6; i++)
      column[i] = *(const V *) (src + at->rows[i] + at->columns[j]);
    NAME (bt) (column, y);
    for (gint i = 0; i < 6; i++)
      x[i][j] = y[i];
  }
  for (gint i = 0; i < 6; i++) {
    NAME (bt) (x[i], y);
    for (gint j = 0; j < 6; j++)
      *(V *) (out + (i * 6 + j) * stride) = y[j];
  }
}

/* Copies a patch that reaches over the border, with zeros outside. */
static void
NAME (gather) (const UnetVec *s, const gfloat *plane, const NAME (Patch) * at,
    gint64 y, gint64 x, gfloat *patch)
{
  for (gint64 i = 0; i < 6; i++)
    for (gint64 j = 0; j < 6; j++) {
      gfloat *to = patch + (i * 6 + j) * LANES;

      if (y + i >= 0 && y + i < s->h && x + j >= 0 && x + j < s->w)
        memcpy (
            to, plane + at->rows[i] + at->columns[j], LANES * sizeof (gfloat));
      else
        memset (to, 0, LANES * sizeof (gfloat));
    }
}

/* @depth_to_space is a constant in each inlined copy. */
static inline __attribute__ ((always_inline)) void
NAME (locate) (const UnetVec *s, const UnetWinogradSource *from,
    const gboolean depth_to_space, gint64 y, gint64 x, NAME (Patch) * at)
{
  gint64 group = from->blocks * (s->h / 2) * (s->w / 2) * LANES;

  for (gint64 i = 0; i < 6; i++) {
    at->rows[i] = depth_to_space
        ? ((y + i) & 1) * 2 * group + ((y + i) >> 1) * (s->w / 2) * LANES
        : (y + i) * s->w * LANES;
    at->columns[i] = depth_to_space
        ? ((x + i) & 1) * group + ((x + i) >> 1) * LANES
        : (x + i) * LANES;
  }
}

static inline __attribute__ ((always_inline)) void
NAME (input_from) (const UnetWinogradShape *p, const UnetWinogradSource *from,
    const gboolean depth_to_space, const gfloat *src, gint64 block,
    gint64 blocks, gint64 first, gint64 n, gfloat *out, gint64 stride)
{
  const UnetVec *s = &p->src;
  gint64 channels = s->blocks * LANES;
  gint64 plane = s->h * s->w * LANES / (depth_to_space ? 4 : 1);
  NAME (Patch) at, whole;

  for (gint i = 0; i < 6; i++) {
    whole.rows[i] = i * 6 * LANES;
    whole.columns[i] = i * LANES;
  }
  /* Planes are often a power of two apart. Reading several at once would make
   * them evict each other from the cache. */
  for (gint64 b = block; b < block + blocks; b++)
    for (gint64 t = 0; t < n; t++) {
      gint64 y = (first + t) / p->tiles_x * 4 - p->pad_y;
      gint64 x = (first + t) % p->tiles_x * 4 - p->pad_x;
      gfloat *to = out + t * channels + b * LANES;

      NAME (locate) (s, from, depth_to_space, y, x, &at);
      if (y >= 0 && x >= 0 && y + 6 <= s->h && x + 6 <= s->w) {
        NAME (input_patch) (src + b * plane, &at, to, stride);
      } else {
        gfloat patch[36 * LANES];

        NAME (gather) (s, src + b * plane, &at, y, x, patch);
        NAME (input_patch) (patch, &whole, to, stride);
      }
    }
}

static void
NAME (input) (const UnetWinogradShape *p, const UnetWinogradSource *from,
    const gfloat *src, gint64 block, gint64 blocks, gint64 first, gint64 n,
    gfloat *out, gint64 stride)
{
  if (from->depth_to_space)
    NAME (input_from)
  (p, from, TRUE, src, block, blocks, first, n, out, stride);
  else NAME (input_from) (
      p, from, FALSE, src, block, blocks, first, n, out, stride);
}

/* ---- the products -------------------------------------------------------- */

/* Multiplies @rows tiles by one panel. @rows and @vectors are constants in each
 * inlined copy. Rows of @in are @k floats apart, those of @out a panel's
 * width. */
static inline __attribute__ ((always_inline)) void
NAME (multiply) (const gint rows, const gint vectors, const gfloat *in,
    const gfloat *w, gint64 k, gfloat *out)
{
  V sum[ROWS][2];

#pragma GCC unroll 16
  for (gint r = 0; r < rows; r++)
#pragma GCC unroll 2
    for (gint v = 0; v < vectors; v++)
      sum[r][v] = (V){ 0 };
  for (gint64 i = 0; i < k; i++, w += vectors * LANES) {
    V a = *(const V *) w, b = *(const V *) (w + (vectors - 1) * LANES);

#pragma GCC unroll 16
    for (gint r = 0; r < rows; r++) {
      V x = in[r * k + i] - (V){ 0 }; /* a plain broadcast: x - 0 is x */

      sum[r][0] += x * a;
      if (vectors > 1)
        sum[r][1] += x * b;
    }
  }
#pragma GCC unroll 16
  for (gint r = 0; r < rows; r++)
#pragma GCC unroll 2
    for (gint v = 0; v < vectors; v++)
      *(V *) (out + (r * vectors + v) * LANES) = sum[r][v];
}

/* Computes one of the 36 products. Every output is the same sum in the same
 * order, however the rows are grouped. */
static inline __attribute__ ((always_inline)) void
NAME (panel) (const gint vectors, const gfloat *in, const gfloat *w, gint64 n,
    gint64 k, gfloat *out)
{
  gint64 rows;

  for (; n > 0; n -= rows, in += rows * k, out += rows * vectors * LANES) {
    if (n >= ROWS && n != ROWS * 4 / 3) {
      rows = ROWS;
      NAME (multiply) (ROWS, vectors, in, w, k, out);
    } else if (n >= ROWS * 2 / 3) {
      rows = ROWS * 2 / 3;
      NAME (multiply) (ROWS * 2 / 3, vectors, in, w, k, out);
    } else if (n >= ROWS / 3) {
      rows = ROWS / 3;
      NAME (multiply) (ROWS / 3, vectors, in, w, k, out);
    } else {
      rows = 1;
      NAME (multiply) (1, vectors, in, w, k, out);
    }
  }
}

static void
NAME (product) (const gfloat *in, gint64 in_stride, const gfloat *w, gint64 n,
    gint64 k, gint64 vectors, gfloat *out, gint64 out_stride)
{
  for (gint64 i = 0; i < 36; i++) {
    if (vectors == 2)
      NAME (panel) (2, in, w, n, k, out);
    else
      NAME (panel) (1, in, w, n, k, out);
    in += in_stride;
    out += out_stride;
    w += k * vectors * LANES;
  }
}

/* ---- output -------------------------------------------------------------- */

/* Transforms one block of channels back: A^T m A. */
static inline __attribute__ ((always_inline)) void
NAME (output_patch) (const gfloat *in, gint64 stride, V out[4][4])
{
  V x[4][6], m[6], y[4];

  for (gint j = 0; j < 6; j++) {
    for (gint i = 0; i < 6; i++)
      m[i] = *(const V *) (in + (i * 6 + j) * stride);
    NAME (at) (m, y);
    for (gint i = 0; i < 4; i++)
      x[i][j] = y[i];
  }
  for (gint i = 0; i < 4; i++)
    NAME (at) (x[i], out[i]);
}

/* Adds bias and residual and applies the activation. */
static inline __attribute__ ((always_inline)) void
NAME (finish) (
    const UnetWinogradShape *p, V *out, const V *bias, const gfloat *add)
{
  V zero = { 0 }, v = *out + *bias;

  if (add)
    v += *(const V *) add;
  if (p->slope == 0.0f)
    v = MAXIMUM (zero, v);
  else if (p->slope != 1.0f)
    v = SELECT (v > zero, v, v * p->slope);
  if (p->clips) {
    v = MAXIMUM (p->low - zero, v);
    v = MINIMUM (p->high - zero, v);
  }
  *out = v;
}

/* @rows and @columns are 4 except at the lower and right borders. */
static inline __attribute__ ((always_inline)) void
NAME (store) (const UnetWinogradShape *p, const UnetWinogradData *d,
    V tile[4][4], const V *bias, gint64 at, const gint rows, const gint columns)
{
  for (gint i = 0; i < rows; i++)
    for (gint j = 0; j < columns; j++) {
      gint64 to = at + (i * p->dst.w + j) * LANES;

      NAME (finish) (p, &tile[i][j], bias, p->add ? d->add + to : NULL);
      if (d->dst)
        *(V *) (d->dst + to) = tile[i][j];
    }
}

static inline __attribute__ ((always_inline)) void
NAME (store_pooled) (const UnetWinogradShape *p, gfloat *pool, V tile[4][4],
    gint64 at, const gint rows, const gint columns)
{
  for (gint i = 0; i < rows / 2; i++)
    for (gint j = 0; j < columns / 2; j++) {
      const V *a = &tile[2 * i][2 * j], *b = &tile[2 * i + 1][2 * j];
      V v;

      if (p->pool == UNET_WINOGRAD_POOL_MAX) {
        V above = MAXIMUM (a[0], a[1]), below = MAXIMUM (b[0], b[1]);

        v = MAXIMUM (above, below);
      } else {
        v = ((a[0] + a[1]) + (b[0] + b[1])) * 0.25f;
      }
      *(V *) (pool + at + (i * (p->dst.w / 2) + j) * LANES) = v;
    }
}

/* Lane i of the first vector becomes the sum of all lanes of vector i. */
#define KEPT(x, d)  (((x) & (d)) ? LANES + (x) - (d) : (x))
#define MOVED(x, d) (((x) & (d)) ? LANES + (x) : (x) + (d))
#define FOLD(d)                                                                \
  for (gint i = 0; i < (d); i++)                                               \
    v[i] = __builtin_shufflevector (v[i], v[i + (d)], EACH (KEPT, d))          \
        + __builtin_shufflevector (v[i], v[i + (d)], EACH (MOVED, d));

static inline __attribute__ ((always_inline)) void
NAME (sum_lanes) (V v[LANES])
{
#if LANES == 16
#pragma GCC unroll 16
  FOLD (8)
#endif
#pragma GCC unroll 16
  FOLD (4)
#pragma GCC unroll 16
  FOLD (2)
#pragma GCC unroll 16
  FOLD (1)
}

/* Adds the share of block @block of a tile to the sums of the heads. */
static inline __attribute__ ((always_inline)) void
NAME (add_heads) (const UnetWinogradShape *p, const gfloat *weights,
    V tile[4][4], gint64 block, gfloat *sums)
{
  weights += block * LANES;
  for (gint64 o = 0; o < p->heads; o++, sums += 16) {
    V w = *(const V *) (weights + o * p->dst.blocks * LANES);

#pragma GCC unroll 2
    for (gint k = 0; k < 16; k += LANES) {
      V v[LANES];

#pragma GCC unroll 16
      for (gint i = 0; i < LANES; i++)
        v[i] = tile[(k + i) / 4][(k + i) % 4] * w;
      NAME (sum_lanes) (v);
      if (block > 0)
        v[0] += *(const V *) (sums + k);
      *(V *) (sums + k) = v[0];
    }
  }
}

static void
NAME (output) (const UnetWinogradShape *p, const gfloat *in, gint64 stride,
    const UnetWinogradData *data, gint64 block, gint64 blocks, gint64 first,
    gint64 n)
{
  const UnetVec *d = &p->dst;
  gint64 plane = d->h * d->w * LANES;
  gint64 pooled = (d->h / 2) * (d->w / 2) * LANES;

  for (gint64 b = 0; b < blocks; b++)
    for (gint64 t = 0; t < n; t++) {
      gint64 ty = (first + t) / p->tiles_x * 4;
      gint64 tx = (first + t) % p->tiles_x * 4;
      gint rows = MIN (4, d->h - ty), columns = MIN (4, d->w - tx);
      V tile[4][4], bias = *(const V *) (data->bias + (block + b) * LANES);
      gint64 at = (block + b) * plane + (ty * d->w + tx) * LANES;
      gint64 pool =
          (block + b) * pooled + (ty / 2 * (d->w / 2) + tx / 2) * LANES;

      NAME (output_patch) (in + (t * blocks + b) * LANES, stride, tile);
      if (rows == 4 && columns == 4) {
        NAME (store) (p, data, tile, &bias, at, 4, 4);
        if (p->pool)
          NAME (store_pooled) (p, data->pool, tile, pool, 4, 4);
      } else {
        NAME (store) (p, data, tile, &bias, at, rows, columns);
        if (p->pool)
          NAME (store_pooled) (p, data->pool, tile, pool, rows, columns);
      }
      if (p->heads > 0)
        NAME (add_heads)
      (p, data->head_weights, tile, block + b, data->sums + t * p->heads * 16);
    }
}

#undef V
#undef M
#undef SELECT
#undef KEPT
#undef MOVED
#undef FOLD
#undef MAXIMUM
#undef MINIMUM
