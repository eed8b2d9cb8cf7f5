/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two transforms for one width of vector. Included with LANES and
 * NAME(x) defined; no guard. */

typedef gfloat NAME (V) __attribute__ ((vector_size (LANES * 4), aligned (4)));
typedef gint32 NAME (M) __attribute__ ((vector_size (LANES * 4), aligned (4)));
#define V NAME (V)
#define M NAME (M)
/* a where the mask is set, else b */
#define SELECT(mask, a, b) ((V) (((M) (a) & (mask)) | ((M) (b) & ~(mask))))

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

/* One 6x6 patch of one block of channels; @row floats between rows. */
static inline __attribute__ ((always_inline)) void
NAME (input_patch) (const gfloat *src, gint64 row, gfloat *out, gint64 stride)
{
  V x[6][6], column[6], y[6];

  for (gint j = 0; j < 6; j++) {
    for (gint i = 0; i < 6; i++)
      column[i] = *(const V *) (src + i * row + j * LANES);
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

/* A patch that reaches over the border is gathered first, zeros outside. */
static void
NAME (gather) (const UnetVec *s, const gfloat *plane, gint64 y, gint64 x,
    gfloat *patch)
{
  for (gint64 i = 0; i < 6; i++)
    for (gint64 j = 0; j < 6; j++) {
      gfloat *to = patch + (i * 6 + j) * LANES;

      if (y + i >= 0 && y + i < s->h && x + j >= 0 && x + j < s->w)
        memcpy (to, plane + ((y + i) * s->w + x + j) * LANES,
            LANES * sizeof (gfloat));
      else
        memset (to, 0, LANES * sizeof (gfloat));
    }
}

static void
NAME (input) (const UnetWinogradShape *p, const gfloat *src, gint64 first,
    gint64 n, gfloat *out, gint64 stride)
{
  const UnetVec *s = &p->src;
  gint64 channels = s->blocks * LANES, plane = s->h * s->w * LANES;

  for (gint64 t = 0; t < n; t++, out += channels) {
    gint64 y = (first + t) / p->tiles_x * 4 - p->pad_y;
    gint64 x = (first + t) % p->tiles_x * 4 - p->pad_x;
    gboolean inside = y >= 0 && x >= 0 && y + 6 <= s->h && x + 6 <= s->w;

    for (gint64 b = 0; b < s->blocks; b++) {
      if (inside) {
        NAME (input_patch) (src + b * plane + (y * s->w + x) * LANES,
            s->w * LANES, out + b * LANES, stride);
      } else {
        gfloat patch[36 * LANES];

        NAME (gather) (s, src + b * plane, y, x, patch);
        NAME (input_patch) (patch, 6 * LANES, out + b * LANES, stride);
      }
    }
  }
}

/* What follows the product: bias, the output's own content, activation. */
static inline __attribute__ ((always_inline)) void
NAME (finish) (const UnetWinogradShape *p, const V *in, const V *bias,
    gfloat *dst)
{
  V zero = { 0 }, low = zero + p->low, high = zero + p->high;
  V v = *in + *bias;

  if (p->add)
    v += *(const V *) dst;
  if (p->slope != 1.0f)
    v = SELECT (v > zero, v, v * p->slope);
  v = SELECT (v < low, low, v);
  *(V *) dst = SELECT (v > high, high, v);
}

static void
NAME (output) (const UnetWinogradShape *p, const gfloat *in, gint64 stride,
    const gfloat *bias, gint64 first, gint64 n, gfloat *dst)
{
  const UnetVec *d = &p->dst;
  gint64 channels = d->blocks * LANES, plane = d->h * d->w * LANES;

  for (gint64 t = 0; t < n; t++, in += channels) {
    gint64 ty = (first + t) / p->tiles_x * 4;
    gint64 tx = (first + t) % p->tiles_x * 4;
    gint64 rows = MIN (4, d->h - ty), columns = MIN (4, d->w - tx);

    for (gint64 b = 0; b < d->blocks; b++) {
      V x[4][6], m[6], y[4], add = *(const V *) (bias + b * LANES);

      for (gint j = 0; j < 6; j++) {
        for (gint i = 0; i < 6; i++)
          m[i] = *(const V *) (in + (i * 6 + j) * stride + b * LANES);
        NAME (at) (m, y);
        for (gint i = 0; i < 4; i++)
          x[i][j] = y[i];
      }
      for (gint64 i = 0; i < rows; i++) {
        gfloat *to = dst + b * plane + ((ty + i) * d->w + tx) * LANES;

        NAME (at) (x[i], y);
        for (gint64 j = 0; j < columns; j++)
          NAME (finish) (p, &y[j], &add, to + j * LANES);
      }
    }
  }
}

#undef V
#undef M
#undef SELECT
