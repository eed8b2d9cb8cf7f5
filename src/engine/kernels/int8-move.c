/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/kernels/int8-element.h"

guint
unet_narrow_size (UnetNarrowType type)
{
  return type == UNET_NARROW_BF16 ? 2 : 1;
}

/* ---- moves --------------------------------------------------------------- */

/* Sizes that the compiler knows become a move or two. */
static void
copy_pixels (guint8 *restrict dst, gint64 dst_step, const guint8 *restrict src,
    gint64 src_step, gint64 bytes, gint64 n)
{
#define COPY(size)                                                             \
  for (gint64 i = 0; i < n; i++)                                               \
  memcpy (dst + i * dst_step, src + i * src_step, size)
  if (bytes == dst_step && bytes == src_step)
    memcpy (dst, src, n * bytes);
  else if (bytes == 8)
    COPY (8);
  else if (bytes == 16)
    COPY (16);
  else if (bytes == 32)
    COPY (32);
  else if (bytes == 64)
    COPY (64);
  else if (bytes == 24)
    COPY (24);
  else if (bytes == 48)
    COPY (48);
  else
    COPY (bytes);
#undef COPY
}

static void
move_job (gconstpointer params, gpointer const *ptr, gint64 i, guint thread)
{
  const UnetNarrowMove *p = params;

  copy_pixels (
      (guint8 *) at (ptr[1], &p->dst, i / p->h, i % p->h, 1) + p->dst_offset,
      p->dst.pixel, at (ptr[0], &p->src, i / p->h, i % p->h, 1) + p->src_offset,
      p->src.pixel, p->bytes, p->w);
}

void
unet_kernel_narrow_move (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetNarrowMove *p = params;

  unet_parallel (move_job, params, ptr, p->n * p->h, threads);
}

void
unet_kernel_narrow_pad (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetNarrowMove *p = params;

  memset (ptr[1], 0, p->n * p->dst.image);
  unet_kernel_narrow_move (params, ptr, threads);
}

static void
spread_job (gconstpointer params, gpointer const *ptr, gint64 i, guint thread)
{
  const UnetNarrowSpread *p = params;
  gint64 r = p->r, pixel = r * r * p->bytes;

  gint64 image = i / (p->h * r), y = i % (p->h * r);
  const guint8 *src = (const guint8 *) ptr[0]
      + (image * p->h + y / r) * p->w * pixel + y % r * r * p->bytes;
  guint8 *dst = (guint8 *) at (ptr[1], &p->dst, image, y, 1);

  if (p->dst.pixel == p->bytes) /* all columns of a group lie together */
    copy_pixels (dst, r * p->bytes, src, pixel, r * p->bytes, p->w);
  else
    for (gint64 x = 0; x < r; x++)
      copy_pixels (dst + x * p->dst.pixel, r * p->dst.pixel, src + x * p->bytes,
          pixel, p->bytes, p->w);
}

void
unet_kernel_narrow_spread (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetNarrowSpread *p = params;
  gint64 r = p->r;

  unet_parallel (spread_job, params, ptr, p->n * p->h * r, threads);
}

/* ---- pooling ------------------------------------------------------------- */

/* Sixteen bytes at a time, in memory that nothing else can be, so that the
 * compiler makes a vector of them. */
#define MAX_OF_FOUR(T)                                                         \
  do {                                                                         \
    gint64 k = 0;                                                              \
                                                                               \
    for (; k + 16 <= size; k += 16) {                                          \
      T p[16], q[16], r[16], t[16];                                            \
                                                                               \
      memcpy (p, a + k, 16);                                                   \
      memcpy (q, a + k + pixel, 16);                                           \
      memcpy (r, b + k, 16);                                                   \
      memcpy (t, b + k + pixel, 16);                                           \
      for (guint i = 0; i < 16; i++) {                                         \
        T top = MAX (p[i], q[i]), low = MAX (r[i], t[i]);                      \
        p[i] = MAX (top, low);                                                 \
      }                                                                        \
      memcpy (dst + k, p, 16);                                                 \
    }                                                                          \
    for (; k < size; k++) {                                                    \
      T top = MAX (((T *) a)[k], ((T *) a)[k + pixel]);                        \
      T low = MAX (((T *) b)[k], ((T *) b)[k + pixel]);                        \
      ((T *) dst)[k] = MAX (top, low);                                         \
    }                                                                          \
  } while (0)

INLINE void
max_of_four (UnetNarrowType type, guint8 *dst, const guint8 *a, const guint8 *b,
    gint64 pixel, gint64 size)
{
  if (type == UNET_NARROW_U8) {
    MAX_OF_FOUR (guint8);
  } else if (type == UNET_NARROW_S8) {
    MAX_OF_FOUR (gint8);
  } else {
    for (gint64 k = 0; k < size; k++) {
      gfloat top = MAX (load (type, a, k), load (type, a, k + pixel));
      gfloat low = MAX (load (type, b, k), load (type, b, k + pixel));
      Bits best = { MAX (top, low) };
      ((guint16 *) dst)[k] = best.u >> 16;
    }
  }
}

INLINE void
max_pool2_body (UnetNarrowType type, const UnetNarrowMaxPool2 *p, guint8 *dst,
    const guint8 *a, const guint8 *b)
{
  gint64 size = type == UNET_NARROW_BF16 ? 2 : 1;
  gint64 step = 2 * p->src.pixel * size, to = p->dst.pixel * size;

  for (gint64 x = 0; x < p->w; x++)
    max_of_four (
        type, dst + x * to, a + x * step, b + x * step, p->src.pixel, p->c);
}

UNET_CLONES static void
max_pool2_row (
    const UnetNarrowMaxPool2 *p, guint8 *dst, const guint8 *a, const guint8 *b)
{
#define BODY(t) max_pool2_body (t, p, dst, a, b)
  EACH_TYPE (p->type, BODY);
#undef BODY
}

static void
max_pool2_job (
    gconstpointer params, gpointer const *ptr, gint64 i, guint thread)
{
  const UnetNarrowMaxPool2 *p = params;
  guint size = unet_narrow_size (p->type);

  gint64 n = i / p->h, y = i % p->h;

  max_pool2_row (p, (guint8 *) at (ptr[1], &p->dst, n, y, size),
      at (ptr[0], &p->src, n, 2 * y, size),
      at (ptr[0], &p->src, n, 2 * y + 1, size));
}

void
unet_kernel_narrow_max_pool2 (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetNarrowMaxPool2 *p = params;

  unet_parallel (max_pool2_job, params, ptr, p->n * p->h, threads);
}

UNET_CLONES static void
sum_row (UnetNarrowType type, gfloat *restrict sum, const guint8 *src,
    gint64 step, gint64 first, gint64 c, gint64 w, gboolean maximum)
{
#define BODY(t)                                                                \
  for (gint64 x = 0; x < w; x++)                                               \
    for (gint64 k = 0; k < c; k++) {                                           \
      gfloat v = load (t, src, x * step + first + k);                          \
      sum[k] = maximum ? MAX (sum[k], v) : sum[k] + v;                         \
    }
  EACH_TYPE (type, BODY);
#undef BODY
}

#define POOL_CHANNELS 64

static void
pool_channels (const UnetNarrowGlobalPool *p, gconstpointer src, gint64 image,
    gint64 first, gfloat *dst)
{
  gint64 c = MIN (p->c - first, POOL_CHANNELS);
  gdouble total[POOL_CHANNELS] = { 0 };
  gfloat row[POOL_CHANNELS];

  for (gint64 k = 0; p->maximum && k < c; k++)
    total[k] = -INFINITY;
  for (gint64 y = 0; y < p->h; y++) {
    for (gint64 k = 0; k < c; k++)
      row[k] = p->maximum ? -INFINITY : 0.0f;
    sum_row (p->type, row,
        at (src, &p->src, image, y, unet_narrow_size (p->type)), p->src.pixel,
        first, c, p->w, p->maximum);
    for (gint64 k = 0; k < c; k++)
      total[k] = p->maximum ? MAX (total[k], row[k]) : total[k] + row[k];
  }
  for (gint64 k = 0; k < c; k++)
    dst[image * p->c + first + k] =
        p->factor * total[k] / (p->maximum ? 1 : p->h * p->w);
}

static void
global_pool_job (
    gconstpointer params, gpointer const *ptr, gint64 i, guint thread)
{
  const UnetNarrowGlobalPool *p = params;
  gint64 chunks = (p->c + POOL_CHANNELS - 1) / POOL_CHANNELS;

  pool_channels (p, ptr[0], i / chunks, i % chunks * POOL_CHANNELS, ptr[1]);
}

void
unet_kernel_narrow_global_pool (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetNarrowGlobalPool *p = params;
  gint64 chunks = (p->c + POOL_CHANNELS - 1) / POOL_CHANNELS;

  unet_parallel (global_pool_job, params, ptr, p->n * chunks, threads);
}

/* ---- resize -------------------------------------------------------------- */

void
unet_narrow_resize_free (gpointer resize)
{
  g_free (((UnetNarrowResize *) resize)->tables);
  g_free (resize);
}

static void
nearest_row (const UnetNarrowResize *p, guint8 *dst, const guint8 *src,
    gint64 bytes, guint size)
{
  const gint32 *from = p->tables->x0;
  gint64 to = p->dst.pixel * size, step = p->src.pixel * size;

#define COPY(size)                                                             \
  for (gint64 x = 0; x < p->tables->dst.w; x++)                                \
  memcpy (dst + x * to, src + from[x] * step, size)
  if (bytes == 16)
    COPY (16);
  else if (bytes == 32)
    COPY (32);
  else if (bytes == 64)
    COPY (64);
  else if (bytes == 128)
    COPY (128);
  else
    COPY (bytes);
#undef COPY
}

/* Numbers between two rows, before they are blended along the row. */
#define BETWEEN 4096

/* Pixels @from to @to (exclusive) of two rows, blended, without gaps. */
INLINE void
blend_rows (UnetNarrowType type, const UnetNarrowResize *p,
    gfloat *restrict out, const guint8 *r0, const guint8 *r1, gfloat fy,
    gint64 from, gint64 to)
{
  gint64 w = to - from, c = p->c;

  join_pixels (&w, &c, c == p->src.pixel);
  for (gint64 x = 0; x < w; x++)
    for (gint64 k = 0; k < c; k++) {
      gint64 i = (from + x) * p->src.pixel + k;
      gfloat top = load (type, r0, i), low = load (type, r1, i);

      out[x * c + k] = top + (low - top) * fy;
    }
}

/* A number of channels that the compiler knows needs no remainder. */
INLINE void
blend_pixels (UnetNarrowType type, guint8 *restrict dst, gint64 at,
    const gfloat *restrict a, const gfloat *restrict b, gfloat fx, gint64 c,
    gint64 part)
{
  for (gint64 j = 0; j < c; j += part)
    /* unrolled, it would be no loop that vectors are made of */
    _Pragma ("GCC unroll 1") for (gint64 k = j; k < j + part; k++)
        store (type, dst, at + k, a[k] + (b[k] - a[k]) * fx, -INFINITY);
}

/* How many pixels from @first on have their sources within BETWEEN numbers;
 * @from, @to: (out): which those are. */
static gint64
fitting (const UnetNarrowResize *p, gint64 first, gint64 *from, gint64 *to)
{
  const UnetResizeTables *t = p->tables;
  gint64 x = first;

  *from = G_MAXINT32;
  *to = 0;
  for (; x < t->dst.w; x++) {
    gint64 low = MIN (*from, MIN (t->x0[x], t->x1[x]));
    gint64 high = MAX (*to, MAX (t->x0[x], t->x1[x]) + 1);

    if ((high - low) * p->c > BETWEEN)
      break;
    *from = low;
    *to = high;
  }
  return x - first;
}

/* One pixel of very many channels, or of very few. */
INLINE void
blend_four (UnetNarrowType type, const UnetNarrowResize *p, guint8 *dst,
    const guint8 *r0, const guint8 *r1, gfloat fy, gint64 x)
{
  const UnetResizeTables *t = p->tables;
  gint64 a = t->x0[x] * p->src.pixel, b = t->x1[x] * p->src.pixel;

  for (gint64 k = 0; k < p->c; k++) {
    gfloat p0 = load (type, r0, a + k), p1 = load (type, r0, b + k);
    gfloat q0 = load (type, r1, a + k), q1 = load (type, r1, b + k);
    gfloat left = p0 + (q0 - p0) * fy, right = p1 + (q1 - p1) * fy;

    store (type, dst, x * p->dst.pixel + k, left + (right - left) * t->fx[x],
        -INFINITY);
  }
}

INLINE void
linear_pixels (UnetNarrowType type, const UnetNarrowResize *p,
    guint8 *restrict dst, const guint8 *r0, const guint8 *r1, gfloat fy,
    gint64 part)
{
  const UnetResizeTables *t = p->tables;
  gfloat between[BETWEEN];
  gint64 from, to;

  for (gint64 x = 0; x < t->dst.w;) {
    gint64 n = p->c < 8 ? 0 : fitting (p, x, &from, &to);

    if (n == 0) {
      blend_four (type, p, dst, r0, r1, fy, x++);
      continue;
    }
    blend_rows (type, p, between, r0, r1, fy, from, to);
    for (gint64 last = x + n; x < last; x++)
      blend_pixels (type, dst, x * p->dst.pixel,
          between + (t->x0[x] - from) * p->c,
          between + (t->x1[x] - from) * p->c, t->fx[x], p->c, part);
  }
}

UNET_CLONES static void
linear_row (const UnetNarrowResize *p, guint8 *restrict dst, const guint8 *r0,
    const guint8 *r1, gfloat fy)
{
#define BODY(type)                                                             \
  if (p->c % 32 == 0)                                                          \
    linear_pixels (type, p, dst, r0, r1, fy, 32);                              \
  else if (p->c % 16 == 0)                                                     \
    linear_pixels (type, p, dst, r0, r1, fy, 16);                              \
  else                                                                         \
    linear_pixels (type, p, dst, r0, r1, fy, p->c)
  EACH_TYPE (p->type, BODY);
#undef BODY
}

static void
resize_job (gconstpointer params, gpointer const *ptr, gint64 i, guint thread)
{
  const UnetNarrowResize *p = params;
  const UnetResizeTables *t = p->tables;
  guint size = unet_narrow_size (p->type);

  gint64 n = i / t->dst.h, y = i % t->dst.h;
  guint8 *dst = (guint8 *) at (ptr[1], &p->dst, n, y, size);
  const guint8 *r0 = at (ptr[0], &p->src, n, t->y0[y], size);

  if (t->nearest)
    nearest_row (p, dst, r0, p->c * size, size);
  else
    linear_row (p, dst, r0, at (ptr[0], &p->src, n, t->y1[y], size), t->fy[y]);
}

void
unet_kernel_narrow_resize (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetNarrowResize *p = params;
  const UnetResizeTables *t = p->tables;

  unet_parallel (resize_job, params, ptr, t->dst.n * t->dst.h, threads);
}

/* ---- 1x1 convolution to few channels ------------------------------------- */

/* Sixteen channels of sixteen pixels change places by four perfect shuffles,
 * so that sums run over pixels side by side. */
typedef guint8 U16 __attribute__ ((vector_size (16)));
typedef gfloat F16 __attribute__ ((vector_size (64), may_alias));

#define SHUFFLE(to, from)                                                      \
  _Pragma ("GCC unroll 8") for (guint i = 0; i < 8; i++)                       \
  {                                                                            \
    to[2 * i] = __builtin_shufflevector (from[i], from[i + 8], 0, 16, 1, 17,   \
        2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);                             \
    to[2 * i + 1] = __builtin_shufflevector (from[i], from[i + 8], 8, 24, 9,   \
        25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);                   \
  }

INLINE void
transpose16 (U16 *v)
{
  U16 t[16];

  SHUFFLE (t, v)
  SHUFFLE (v, t)
  SHUFFLE (t, v)
  SHUFFLE (v, t)
}

/* Sixteen channels, or what there is of them, of @n pixels. */
INLINE void
load_block (U16 *v, const guint8 *src, gint64 step, gint64 c, gint64 n)
{
  if (c == 16 && n == 16) {
    _Pragma ("GCC unroll 16") for (guint i = 0; i < 16; i++)
        memcpy (&v[i], src + i * step, 16);
  } else {
    memset (v, 0, 16 * sizeof *v);
    for (gint64 i = 0; i < n; i++)
      memcpy (&v[i], src + i * step, c);
  }
}

/* A loop that the compiler makes vectors of, as it does not of a conversion
 * of vectors. */
INLINE void
widen_block (UnetNarrowType type, gfloat *restrict x, const U16 *v)
{
  guint8 bytes[256];

  memcpy (bytes, v, sizeof bytes);
  for (guint i = 0; i < 256; i++)
    x[i] = load (type, bytes, i);
}

INLINE void
head_bytes (UnetNarrowType type, const UnetNarrowHead *p, const guint8 *src,
    const gfloat *weights, const gfloat *bias, gfloat *dst, gint64 n)
{
  F16 sum[UNET_HEAD_CHANNELS], x[16];
  U16 v[16];

  for (gint64 o = 0; o < p->oc; o++)
    sum[o] = bias[o] - (F16){ 0 };
  for (gint64 first = 0; first < p->c; first += 16) {
    gint64 c = MIN (p->c - first, 16);

    load_block (v, src + first, p->src.pixel, c, n);
    transpose16 (v);
    widen_block (type, (gfloat *) x, v);
    for (gint64 o = 0; o < p->oc; o++) {
      F16 s = sum[o];

      for (gint64 k = 0; k < c; k++)
        s += x[k] * weights[o * p->c + first + k];
      sum[o] = s;
    }
  }
  for (gint64 o = 0; o < p->oc; o++)
    memcpy (dst + o * p->h * p->w, &sum[o], n * sizeof *dst);
}

static void
head_bf16 (const UnetNarrowHead *p, const guint8 *src, const gfloat *weights,
    const gfloat *bias, gfloat *dst, gint64 n)
{
  for (gint64 o = 0; o < p->oc; o++)
    for (gint64 i = 0; i < n; i++) {
      gfloat sum = bias[o];

      for (gint64 k = 0; k < p->c; k++)
        sum += load (UNET_NARROW_BF16, src, i * p->src.pixel + k)
            * weights[o * p->c + k];
      dst[o * p->h * p->w + i] = sum;
    }
}

UNET_CLONES static void
head_row (const UnetNarrowHead *p, const guint8 *src, const gfloat *weights,
    const gfloat *bias, gfloat *dst)
{
  for (gint64 x = 0; x < p->w; x += 16) {
    gint64 n = MIN (16, p->w - x), at = x * p->src.pixel;

    if (p->type == UNET_NARROW_U8)
      head_bytes (UNET_NARROW_U8, p, src + at, weights, bias, dst + x, n);
    else if (p->type == UNET_NARROW_S8)
      head_bytes (UNET_NARROW_S8, p, src + at, weights, bias, dst + x, n);
    else
      head_bf16 (p, src + 2 * at, weights, bias, dst + x, n);
  }
}

static void
head_job (gconstpointer params, gpointer const *ptr, gint64 i, guint thread)
{
  const UnetNarrowHead *p = params;

  gint64 n = i / p->h, y = i % p->h;

  head_row (p, at (ptr[0], &p->src, n, y, unet_narrow_size (p->type)), ptr[1],
      ptr[2], (gfloat *) ptr[3] + n * p->oc * p->h * p->w + y * p->w);
}

void
unet_kernel_narrow_head (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetNarrowHead *p = params;

  unet_parallel (head_job, params, ptr, p->n * p->h, threads);
}
