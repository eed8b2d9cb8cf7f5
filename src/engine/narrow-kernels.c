/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "narrow-kernels.h"
#include "clones.h"
#include "parallel.h"
#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__ ((always_inline))

guint
unet_narrow_size (UnetNarrowType type)
{
  return type == UNET_NARROW_BF16 ? 2 : 1;
}

/* ---- elements ------------------------------------------------------------ */

typedef union {
  gfloat f;
  guint32 u;
  gint32 i;
} Bits;

INLINE gfloat
load (UnetNarrowType type, gconstpointer data, gint64 i)
{
  Bits b;

  if (type == UNET_NARROW_U8)
    return ((const guint8 *) data)[i];
  if (type == UNET_NARROW_S8)
    return ((const gint8 *) data)[i];
  b.u = (guint32) ((const guint16 *) data)[i] << 16;
  return b.f;
}

/* Adding 1.5 * 2^23 leaves the rounded number in the last bits. */
INLINE gint32
round_clipped (gfloat x, gfloat low, gfloat high)
{
  Bits b;

  x = x > low ? x : low; /* not a number becomes low */
  x = x < high ? x : high;
  b.f = x + 12582912.0f;
  return b.i - 0x4b400000;
}

INLINE guint16
to_bf16 (gfloat x)
{
  Bits b = { x };
  guint32 rounded = (b.u + 0x7fff + (b.u >> 16 & 1)) >> 16;

  return x != x ? 0x7fc0 : rounded;
}

INLINE void
store (UnetNarrowType type, gpointer data, gint64 i, gfloat x, gfloat low)
{
  if (type == UNET_NARROW_U8)
    ((guint8 *) data)[i] = round_clipped (x, MAX (low, 0.0f), 255.0f);
  else if (type == UNET_NARROW_S8)
    ((gint8 *) data)[i] = round_clipped (x, MAX (low, -127.0f), 127.0f);
  else
    ((guint16 *) data)[i] = to_bf16 (x < low ? low : x);
}

/* A body once for each pair of types that occur. */
#define EACH_PAIR(from, to, BODY)                                             \
  do {                                                                        \
    switch ((from) * 4 + (to)) {                                              \
      case UNET_NARROW_U8 * 4 + UNET_NARROW_U8:                               \
        BODY (UNET_NARROW_U8, UNET_NARROW_U8);                                \
        break;                                                                \
      case UNET_NARROW_U8 * 4 + UNET_NARROW_S8:                               \
        BODY (UNET_NARROW_U8, UNET_NARROW_S8);                                \
        break;                                                                \
      case UNET_NARROW_S8 * 4 + UNET_NARROW_U8:                               \
        BODY (UNET_NARROW_S8, UNET_NARROW_U8);                                \
        break;                                                                \
      case UNET_NARROW_S8 * 4 + UNET_NARROW_S8:                               \
        BODY (UNET_NARROW_S8, UNET_NARROW_S8);                                \
        break;                                                                \
      default:                                                                \
        BODY (UNET_NARROW_BF16, UNET_NARROW_BF16);                            \
        break;                                                                \
    }                                                                         \
  } while (0)

#define EACH_TYPE(type, BODY)                                                 \
  do {                                                                        \
    switch (type) {                                                           \
      case UNET_NARROW_U8:                                                    \
        BODY (UNET_NARROW_U8);                                                \
        break;                                                                \
      case UNET_NARROW_S8:                                                    \
        BODY (UNET_NARROW_S8);                                                \
        break;                                                                \
      default:                                                                \
        BODY (UNET_NARROW_BF16);                                              \
        break;                                                                \
    }                                                                         \
  } while (0)

INLINE const guint8 *
at (gconstpointer data, const UnetPixels *p, gint64 image, gint64 y,
    guint size)
{
  return (const guint8 *) data + (image * p->image + y * p->row) * size;
}

/* Rows of tight pixels are one long pixel. */
INLINE void
join_pixels (gint64 *w, gint64 *c, gboolean tight)
{
  if (tight) {
    *c *= *w;
    *w = 1;
  }
}

/* ---- moves --------------------------------------------------------------- */

/* Sizes that the compiler knows become a move or two. */
static void
copy_pixels (guint8 *restrict dst, gint64 dst_step, const guint8 *restrict src,
    gint64 src_step, gint64 bytes, gint64 n)
{
#define COPY(size)                                                            \
  for (gint64 i = 0; i < n; i++)                                              \
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
  else
    COPY (bytes);
#undef COPY
}

static void
move_job (gconstpointer params, gpointer const *ptr, gint64 i,
    guint thread)
{
  const UnetNarrowMove *p = params;

  copy_pixels ((guint8 *) at (ptr[1], &p->dst, i / p->h, i % p->h, 1)
          + p->dst_offset,
      p->dst.pixel,
      at (ptr[0], &p->src, i / p->h, i % p->h, 1) + p->src_offset,
      p->src.pixel, p->bytes, p->w);
}

void
unet_kernel_narrow_move (gconstpointer params, gpointer const *ptr,
    guint threads)
{
  const UnetNarrowMove *p = params;

  unet_parallel (move_job, params, ptr, p->n * p->h, threads);
}

void
unet_kernel_narrow_pad (gconstpointer params, gpointer const *ptr,
    guint threads)
{
  const UnetNarrowMove *p = params;

  memset (ptr[1], 0, p->n * p->dst.image);
  unet_kernel_narrow_move (params, ptr, threads);
}

static void
spread_job (gconstpointer params, gpointer const *ptr, gint64 i,
    guint thread)
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
      copy_pixels (dst + x * p->dst.pixel, r * p->dst.pixel,
          src + x * p->bytes, pixel, p->bytes, p->w);
}

void
unet_kernel_narrow_spread (gconstpointer params, gpointer const *ptr,
    guint threads)
{
  const UnetNarrowSpread *p = params;
  gint64 r = p->r;

  unet_parallel (spread_job, params, ptr, p->n * p->h * r, threads);
}

/* ---- pooling ------------------------------------------------------------- */

/* Sixteen bytes at a time, in memory that nothing else can be, so that the
 * compiler makes a vector of them. */
#define MAX_OF_FOUR(T)                                                        \
  do {                                                                        \
    gint64 k = 0;                                                             \
                                                                              \
    for (; k + 16 <= size; k += 16) {                                         \
      T p[16], q[16], r[16], t[16];                                           \
                                                                              \
      memcpy (p, a + k, 16);                                                  \
      memcpy (q, a + k + pixel, 16);                                          \
      memcpy (r, b + k, 16);                                                  \
      memcpy (t, b + k + pixel, 16);                                          \
      for (guint i = 0; i < 16; i++) {                                        \
        T top = MAX (p[i], q[i]), low = MAX (r[i], t[i]);                     \
        p[i] = MAX (top, low);                                                \
      }                                                                       \
      memcpy (dst + k, p, 16);                                                \
    }                                                                         \
    for (; k < size; k++) {                                                   \
      T top = MAX (((T *) a)[k], ((T *) a)[k + pixel]);                       \
      T low = MAX (((T *) b)[k], ((T *) b)[k + pixel]);                       \
      ((T *) dst)[k] = MAX (top, low);                                        \
    }                                                                         \
  } while (0)

INLINE void
max_of_four (UnetNarrowType type, guint8 *dst, const guint8 *a,
    const guint8 *b, gint64 pixel, gint64 size)
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
    max_of_four (type, dst + x * to, a + x * step, b + x * step,
        p->src.pixel, p->c);
}

UNET_CLONES static void
max_pool2_row (const UnetNarrowMaxPool2 *p, guint8 *dst, const guint8 *a,
    const guint8 *b)
{
#define BODY(t) max_pool2_body (t, p, dst, a, b)
  EACH_TYPE (p->type, BODY);
#undef BODY
}

static void
max_pool2_job (gconstpointer params, gpointer const *ptr, gint64 i,
    guint thread)
{
  const UnetNarrowMaxPool2 *p = params;
  guint size = unet_narrow_size (p->type);

  gint64 n = i / p->h, y = i % p->h;

  max_pool2_row (p, (guint8 *) at (ptr[1], &p->dst, n, y, size),
      at (ptr[0], &p->src, n, 2 * y, size),
      at (ptr[0], &p->src, n, 2 * y + 1, size));
}

void
unet_kernel_narrow_max_pool2 (gconstpointer params, gpointer const *ptr,
    guint threads)
{
  const UnetNarrowMaxPool2 *p = params;

  unet_parallel (max_pool2_job, params, ptr, p->n * p->h, threads);
}

UNET_CLONES static void
sum_row (UnetNarrowType type, gfloat *restrict sum, const guint8 *src,
    gint64 step, gint64 first, gint64 c, gint64 w, gboolean maximum)
{
#define BODY(t)                                                               \
  for (gint64 x = 0; x < w; x++)                                              \
    for (gint64 k = 0; k < c; k++) {                                          \
      gfloat v = load (t, src, x * step + first + k);                         \
      sum[k] = maximum ? MAX (sum[k], v) : sum[k] + v;                        \
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
    dst[image * p->c + first + k]
        = p->factor * total[k] / (p->maximum ? 1 : p->h * p->w);
}

static void
global_pool_job (gconstpointer params, gpointer const *ptr, gint64 i,
    guint thread)
{
  const UnetNarrowGlobalPool *p = params;
  gint64 chunks = (p->c + POOL_CHANNELS - 1) / POOL_CHANNELS;

  pool_channels (p, ptr[0], i / chunks, i % chunks * POOL_CHANNELS, ptr[1]);
}

void
unet_kernel_narrow_global_pool (gconstpointer params, gpointer const *ptr,
    guint threads)
{
  const UnetNarrowGlobalPool *p = params;
  gint64 chunks = (p->c + POOL_CHANNELS - 1) / POOL_CHANNELS;

  unet_parallel (global_pool_job, params, ptr, p->n * chunks, threads);
}

/* ---- between types ------------------------------------------------------- */

/* Unsigned bytes that get smaller: 8 and 8 bits, within 1/256 of exact. */
UNET_CLONES static void
shrink_row (const UnetNarrowConvert *p, guint8 *restrict dst,
    const guint8 *restrict src)
{
  guint16 factor = MIN (p->factor * 65536.0f + 0.5f, 65535.0f);
  guint16 most = p->to == UNET_NARROW_U8 ? 0xff7f : 0x7f7f;
  gint64 w = p->w, c = p->c, from = p->src.pixel, to = p->dst.pixel;

  join_pixels (&w, &c, c == from && c == to);
#define LOOP(count)                                                           \
  for (gint64 x = 0; x < w; x++)                                              \
    for (gint64 k = 0; k < (count); k++) {                                    \
      guint16 v = src[x * from + k] << 8;                                     \
                                                                              \
      v = (guint32) v * factor >> 16;                                         \
      v = MIN (v, most);                                                      \
      dst[x * to + k] = (guint16) (v + 128) >> 8;                             \
    }
  if (c == 16)
    LOOP (16)
  else if (c == 32)
    LOOP (32)
  else
    LOOP (c)
#undef LOOP
}

static gboolean
can_shrink (const UnetNarrowConvert *p)
{
  return p->from == UNET_NARROW_U8 && p->to != UNET_NARROW_BF16
      && p->factor <= 1;
}

UNET_CLONES static void
convert_row (const UnetNarrowConvert *p, guint8 *restrict dst,
    const guint8 *restrict src)
{
  gint64 w = p->w, c = p->c;

  join_pixels (&w, &c, c == p->src.pixel && c == p->dst.pixel);
#define LOOP(t, u, count)                                                     \
  for (gint64 x = 0; x < w; x++)                                              \
    for (gint64 k = 0; k < (count); k++)                                      \
  store (u, dst, x * p->dst.pixel + k,                                        \
      p->factor * load (t, src, x * p->src.pixel + k), -INFINITY)
#define BODY(t, u)                                                            \
  do {                                                                        \
    if (c == 16)                                                              \
      LOOP (t, u, 16);                                                        \
    else if (c == 32)                                                         \
      LOOP (t, u, 32);                                                        \
    else                                                                      \
      LOOP (t, u, c);                                                         \
  } while (0)
  EACH_PAIR (p->from, p->to, BODY);
#undef BODY
#undef LOOP
}

static void
convert_job (gconstpointer params, gpointer const *ptr, gint64 i,
    guint thread)
{
  const UnetNarrowConvert *p = params;

  (can_shrink (p) ? shrink_row : convert_row) (p,
      (guint8 *) at (ptr[1], &p->dst, i / p->h, i % p->h,
          unet_narrow_size (p->to)),
      at (ptr[0], &p->src, i / p->h, i % p->h, unet_narrow_size (p->from)));
}

void
unet_kernel_narrow_convert (gconstpointer params, gpointer const *ptr,
    guint threads)
{
  const UnetNarrowConvert *p = params;

  unet_parallel (convert_job, params, ptr, p->n * p->h, threads);
}

UNET_CLONES static void
map_row (const guint8 *table, guint8 *restrict dst, gint64 dst_step,
    const guint8 *restrict src, gint64 src_step, gint64 w, gint64 c)
{
  join_pixels (&w, &c, c == src_step && c == dst_step);
  for (gint64 x = 0; x < w; x++)
    for (gint64 k = 0; k < c; k++)
      dst[x * dst_step + k] = table[src[x * src_step + k]];
}

static void
map_job (gconstpointer params, gpointer const *ptr, gint64 i,
    guint thread)
{
  const UnetNarrowMap *p = params;

  map_row (ptr[1], (guint8 *) at (ptr[2], &p->dst, i / p->h, i % p->h, 1),
      p->dst.pixel, at (ptr[0], &p->src, i / p->h, i % p->h, 1),
      p->src.pixel, p->w, p->c);
}

void
unet_kernel_narrow_map (gconstpointer params, gpointer const *ptr,
    guint threads)
{
  const UnetNarrowMap *p = params;

  unet_parallel (map_job, params, ptr, p->n * p->h, threads);
}

/* ---- from and to floats -------------------------------------------------- */

static inline gint64
vec_row (const UnetVec *v, gint64 image, gint64 block, gint64 y)
{
  return ((image * v->blocks + block) * v->h + y) * v->w * v->vec;
}

UNET_CLONES static void
quantize_pixels (UnetNarrowType type, guint8 *restrict dst, gint64 dst_step,
    const gfloat *restrict src, gint64 src_step, gint64 w, gint64 c,
    gfloat factor)
{
  join_pixels (&w, &c, c == src_step && c == dst_step);
#define LOOP(t, count)                                                        \
  for (gint64 x = 0; x < w; x++)                                              \
    for (gint64 k = 0; k < (count); k++)                                      \
  store (t, dst, x * dst_step + k, factor * src[x * src_step + k], -INFINITY)
#define BODY(t)                                                               \
  do {                                                                        \
    if (c == 16)                                                              \
      LOOP (t, 16);                                                           \
    else if (c == 1)                                                          \
      LOOP (t, 1);                                                            \
    else                                                                      \
      LOOP (t, c);                                                            \
  } while (0)
  EACH_TYPE (type, BODY);
#undef BODY
#undef LOOP
}

UNET_CLONES static void
dequantize_pixels (UnetNarrowType type, gfloat *restrict dst, gint64 dst_step,
    const guint8 *restrict src, gint64 src_step, gint64 w, gint64 c,
    gfloat factor)
{
  join_pixels (&w, &c, c == src_step && c == dst_step);
#define LOOP(t, count)                                                        \
  for (gint64 x = 0; x < w; x++)                                              \
    for (gint64 k = 0; k < (count); k++)                                      \
  dst[x * dst_step + k] = factor * load (t, src, x * src_step + k)
#define BODY(t)                                                               \
  do {                                                                        \
    if (c == 16)                                                              \
      LOOP (t, 16);                                                           \
    else if (c == 1)                                                          \
      LOOP (t, 1);                                                            \
    else                                                                      \
      LOOP (t, c);                                                            \
  } while (0)
  EACH_TYPE (type, BODY);
#undef BODY
#undef LOOP
}

/* A few planes: bytes row by row, then side by side. */
#define PLANES 4
#define PIECE  256

UNET_CLONES static void
interleave (UnetNarrowType type, guint8 *restrict dst, gint64 step,
    const gfloat *const *planes, gint64 c, gint64 n, gfloat factor)
{
  guint8 bytes[PLANES][PIECE];

  for (gint64 k = 0; k < c; k++)
    if (type == UNET_NARROW_U8)
      for (gint64 x = 0; x < n; x++)
        store (UNET_NARROW_U8, bytes[k], x, factor * planes[k][x], -INFINITY);
    else
      for (gint64 x = 0; x < n; x++)
        store (UNET_NARROW_S8, bytes[k], x, factor * planes[k][x], -INFINITY);
  for (gint64 x = 0; x < n; x++)
    for (gint64 k = 0; k < c; k++)
      dst[x * step + k] = bytes[k][x];
}

static void
quantize_planes (const UnetNarrowFloat *p, gconstpointer src, guint8 *dst,
    gint64 image, gint64 y)
{
  const UnetVec *v = &p->vec;

  for (gint64 x = 0; x < v->w; x += PIECE) {
    const gfloat *planes[PLANES];

    for (gint64 k = 0; k < v->c; k++)
      planes[k] = (const gfloat *) src + vec_row (v, image, k, y) + x;
    interleave (p->type, dst + x * p->pixels.pixel, p->pixels.pixel, planes,
        v->c, MIN (PIECE, v->w - x), p->factor);
  }
}

static void
quantize_job (gconstpointer params, gpointer const *ptr, gint64 i,
    guint thread)
{
  const UnetNarrowFloat *p = params;
  const UnetVec *v = &p->vec;
  guint size = unet_narrow_size (p->type);

  if (v->vec == 1 && v->c <= PLANES && size == 1) {
    quantize_planes (p, ptr[0],
        (guint8 *) at (ptr[1], &p->pixels, i / v->h, i % v->h, 1), i / v->h,
        i % v->h);
    return;
  }
  for (gint64 b = 0; b < v->blocks; b++)
    quantize_pixels (p->type,
        (guint8 *) at (ptr[1], &p->pixels, i / v->h, i % v->h, size)
            + b * v->vec * size,
        p->pixels.pixel,
        (const gfloat *) ptr[0] + vec_row (v, i / v->h, b, i % v->h),
        v->vec, v->w, MIN (v->vec, v->c - b * v->vec), p->factor);
}

void
unet_kernel_narrow_quantize (gconstpointer params, gpointer const *ptr,
    guint threads)
{
  const UnetNarrowFloat *p = params;
  const UnetVec *v = &p->vec;

  unet_parallel (quantize_job, params, ptr, v->n * v->h, threads);
}

static void
dequantize_job (gconstpointer params, gpointer const *ptr, gint64 i,
    guint thread)
{
  const UnetNarrowFloat *p = params;
  const UnetVec *v = &p->vec;
  guint size = unet_narrow_size (p->type);

  for (gint64 b = 0; b < v->blocks; b++) {
    gfloat *dst = (gfloat *) ptr[1] + vec_row (v, i / v->h, b, i % v->h);
    gint64 c = MIN (v->vec, v->c - b * v->vec);

    if (c < v->vec) /* lanes beyond the last channel are zero */
      memset (dst, 0, v->w * v->vec * sizeof *dst);
    dequantize_pixels (p->type, dst, v->vec,
        at (ptr[0], &p->pixels, i / v->h, i % v->h, size)
            + b * v->vec * size,
        p->pixels.pixel, v->w, c, p->factor);
  }
}

void
unet_kernel_narrow_dequantize (gconstpointer params, gpointer const *ptr,
    guint threads)
{
  const UnetNarrowFloat *p = params;
  const UnetVec *v = &p->vec;

  unet_parallel (dequantize_job, params, ptr, v->n * v->h, threads);
}

/* ---- arithmetic ---------------------------------------------------------- */

UNET_CLONES static void
add_row (const UnetNarrowAdd *p, guint8 *restrict dst, const guint8 *x,
    const guint8 *y)
{
  gint64 w = p->w, c = p->c;

  join_pixels (&w, &c,
      c == p->px.pixel && c == p->py.pixel && c == p->dst.pixel);
#define STORE(t, u, s)                                                        \
  for (gint64 i = 0; i < w; i++)                                              \
    for (gint64 k = 0; k < c; k++)                                            \
  store (s, dst, i * p->dst.pixel + k,                                        \
      p->a * load (t, x, i * p->px.pixel + k)                                 \
          + p->b * load (u, y, i * p->py.pixel + k),                          \
      p->low)
#define BODY(t, u)                                                            \
  do {                                                                        \
    if (p->to == UNET_NARROW_U8)                                              \
      STORE (t, u, UNET_NARROW_U8);                                           \
    else if (p->to == UNET_NARROW_S8)                                         \
      STORE (t, u, UNET_NARROW_S8);                                           \
    else                                                                      \
      STORE (t, u, UNET_NARROW_BF16);                                         \
  } while (0)
  EACH_PAIR (p->x, p->y, BODY);
#undef BODY
#undef STORE
}

static void
add_job (gconstpointer params, gpointer const *ptr, gint64 i,
    guint thread)
{
  const UnetNarrowAdd *p = params;

  gint64 n = i / p->h, y = i % p->h;

  add_row (p, (guint8 *) at (ptr[2], &p->dst, n, y, unet_narrow_size (p->to)),
      at (ptr[0], &p->px, n, y, unet_narrow_size (p->x)),
      at (ptr[1], &p->py, n, y, unet_narrow_size (p->y)));
}

void
unet_kernel_narrow_add (gconstpointer params, gpointer const *ptr,
    guint threads)
{
  const UnetNarrowAdd *p = params;

  unet_parallel (add_job, params, ptr, p->n * p->h, threads);
}

UNET_CLONES static void
scale_row (const UnetNarrowScale *p, guint8 *restrict dst,
    const guint8 *restrict src, const gfloat *restrict y)
{
#define BODY(t, u)                                                            \
  for (gint64 x = 0; x < p->w; x++)                                           \
    for (gint64 k = 0; k < p->c; k++)                                         \
  store (u, dst, x * p->dst.pixel + k,                                        \
      p->factor * y[k] * load (t, src, x * p->src.pixel + k), p->low)
  EACH_PAIR (p->from, p->to, BODY);
#undef BODY
}

static void
scale_job (gconstpointer params, gpointer const *ptr, gint64 i,
    guint thread)
{
  const UnetNarrowScale *p = params;

  gint64 n = i / p->h, y = i % p->h;

  scale_row (p,
      (guint8 *) at (ptr[2], &p->dst, n, y, unet_narrow_size (p->to)),
      at (ptr[0], &p->src, n, y, unet_narrow_size (p->from)),
      (const gfloat *) ptr[1] + n * p->c);
}

void
unet_kernel_narrow_scale (gconstpointer params, gpointer const *ptr,
    guint threads)
{
  const UnetNarrowScale *p = params;

  unet_parallel (scale_job, params, ptr, p->n * p->h, threads);
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

#define COPY(size)                                                            \
  for (gint64 x = 0; x < p->tables->dst.w; x++)                               \
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

UNET_CLONES static void
linear_row (const UnetNarrowResize *p, guint8 *restrict dst, const guint8 *r0,
    const guint8 *r1, gfloat fy)
{
  const UnetResizeTables *t = p->tables;

#define BODY(type)                                                            \
  for (gint64 x = 0; x < t->dst.w; x++) {                                     \
    gint64 a = t->x0[x] * p->src.pixel, b = t->x1[x] * p->src.pixel;          \
    gfloat fx = t->fx[x];                                                     \
                                                                              \
    for (gint64 k = 0; k < p->c; k++) {                                       \
      gfloat p0 = load (type, r0, a + k), p1 = load (type, r0, b + k);        \
      gfloat q0 = load (type, r1, a + k), q1 = load (type, r1, b + k);        \
      gfloat top = p0 + (p1 - p0) * fx, low = q0 + (q1 - q0) * fx;            \
                                                                              \
      store (type, dst, x * p->dst.pixel + k, top + (low - top) * fy,         \
          -INFINITY);                                                         \
    }                                                                         \
  }
  EACH_TYPE (p->type, BODY);
#undef BODY
}

static void
resize_job (gconstpointer params, gpointer const *ptr, gint64 i,
    guint thread)
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
    linear_row (p, dst, r0, at (ptr[0], &p->src, n, t->y1[y], size),
        t->fy[y]);
}

void
unet_kernel_narrow_resize (gconstpointer params, gpointer const *ptr,
    guint threads)
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

#define SHUFFLE(to, from)                                                     \
  _Pragma ("GCC unroll 8") for (guint i = 0; i < 8; i++)                      \
  {                                                                           \
    to[2 * i] = __builtin_shufflevector (from[i], from[i + 8], 0, 16, 1, 17,  \
        2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);                            \
    to[2 * i + 1] = __builtin_shufflevector (from[i], from[i + 8], 8, 24, 9,  \
        25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);                  \
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
head_job (gconstpointer params, gpointer const *ptr, gint64 i,
    guint thread)
{
  const UnetNarrowHead *p = params;

  gint64 n = i / p->h, y = i % p->h;

  head_row (p, at (ptr[0], &p->src, n, y, unet_narrow_size (p->type)),
      ptr[1], ptr[2],
      (gfloat *) ptr[3] + n * p->oc * p->h * p->w + y * p->w);
}

void
unet_kernel_narrow_head (gconstpointer params, gpointer const *ptr,
    guint threads)
{
  const UnetNarrowHead *p = params;

  unet_parallel (head_job, params, ptr, p->n * p->h, threads);
}
