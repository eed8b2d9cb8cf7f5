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

INLINE void
max_of_four (UnetNarrowType type, gpointer dst, gconstpointer a,
    gconstpointer b, gint64 pixel, gint64 size)
{
  if (type == UNET_NARROW_U8) {
    const guint8 *x = a, *y = b;

    for (gint64 k = 0; k < size; k++) {
      guint8 top = MAX (x[k], x[k + pixel]), low = MAX (y[k], y[k + pixel]);
      ((guint8 *) dst)[k] = MAX (top, low);
    }
  } else if (type == UNET_NARROW_S8) {
    const gint8 *x = a, *y = b;

    for (gint64 k = 0; k < size; k++) {
      gint8 top = MAX (x[k], x[k + pixel]), low = MAX (y[k], y[k + pixel]);
      ((gint8 *) dst)[k] = MAX (top, low);
    }
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
    const guint8 *a, const guint8 *b, gint64 c)
{
  gint64 size = type == UNET_NARROW_BF16 ? 2 : 1;
  gint64 step = 2 * p->src.pixel * size;

  for (gint64 x = 0; x < p->w; x++)
    max_of_four (type, dst + x * p->dst.pixel * size, a + x * step,
        b + x * step, p->src.pixel, c);
}

UNET_CLONES static void
max_pool2_row (const UnetNarrowMaxPool2 *p, guint8 *dst, const guint8 *a,
    const guint8 *b)
{
#define BODY(t)                                                               \
  do {                                                                        \
    if (p->c == 16)                                                           \
      max_pool2_body (t, p, dst, a, b, 16);                                   \
    else if (p->c == 32)                                                      \
      max_pool2_body (t, p, dst, a, b, 32);                                   \
    else                                                                      \
      max_pool2_body (t, p, dst, a, b, p->c);                                 \
  } while (0)
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

  convert_row (p,
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

static void
quantize_job (gconstpointer params, gpointer const *ptr, gint64 i,
    guint thread)
{
  const UnetNarrowFloat *p = params;
  const UnetVec *v = &p->vec;
  guint size = unet_narrow_size (p->type);

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

  for (gint64 x = 0; x < p->tables->dst.w; x++)
    memcpy (dst + x * to, src + from[x] * step, bytes);
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

INLINE gfloat
dot (UnetNarrowType type, const guint8 *src, gint64 first, const gfloat *w,
    gint64 c)
{
  gfloat sum = 0;

#pragma omp simd reduction(+ : sum)
  for (gint64 k = 0; k < c; k++)
    sum += load (type, src, first + k) * w[k];
  return sum;
}

UNET_CLONES static void
head_row (const UnetNarrowHead *p, const guint8 *src, const gfloat *weights,
    const gfloat *bias, gfloat *dst)
{
#define LOOP(t, count)                                                        \
  for (gint64 o = 0; o < p->oc; o++)                                          \
    for (gint64 x = 0; x < p->w; x++)                                         \
  dst[o * p->h * p->w + x] = bias[o]                                          \
      + dot (t, src, x * p->src.pixel, weights + o * p->c, count)
#define BODY(t)                                                               \
  do {                                                                        \
    if (p->c == 16)                                                           \
      LOOP (t, 16);                                                           \
    else if (p->c == 32)                                                      \
      LOOP (t, 32);                                                           \
    else                                                                      \
      LOOP (t, p->c);                                                         \
  } while (0)
  EACH_TYPE (p->type, BODY);
#undef BODY
#undef LOOP
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
