/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/kernels/int8-convert.h"
#include "engine/kernels/int8-element.h"

/* ---- between types ------------------------------------------------------- */

/* Multiplies uint8 by a factor below 1 with 8.8 fixed-point numbers; the result
 * is within 1/256 of the exact one before it is rounded. */
UNET_SIMD static void
shrink_row (
    const UnetInt8Convert *p, guint8 *restrict dst, const guint8 *restrict src)
{
  guint16 factor = MIN (p->factor * 65536.0f + 0.5f, 65535.0f);
  guint16 most = p->to == UNET_ELEMENT_U8 ? 0xff7f : 0x7f7f;
  gint64 w = p->w, c = p->c, from = p->src.pixel, to = p->dst.pixel;

  join_pixels (&w, &c, c == from && c == to);
#define LOOP(part, count)                                                      \
  for (gint64 x = 0; x < w; x++)                                               \
    for (gint64 j = 0; j < c; j += (part))                                     \
      for (gint64 k = j; k < j + (count); k++) {                               \
        guint16 v = src[x * from + k] << 8;                                    \
                                                                               \
        v = (guint32) v * factor >> 16;                                        \
        v = MIN (v, most);                                                     \
        dst[x * to + k] = (guint16) (v + 128) >> 8;                            \
      }
  if (w == 1)
    LOOP (c, c)
  else if (c % 32 == 0)
    LOOP (32, 32)
  else if (c % 16 == 0)
    LOOP (16, 16)
  else if (c % 8 == 0)
    LOOP (8, 8)
  else
    LOOP (c, c)
#undef LOOP
}

static gboolean
can_shrink (const UnetInt8Convert *p)
{
  return p->from == UNET_ELEMENT_U8 && p->to != UNET_ELEMENT_BF16
      && p->factor <= 1;
}

UNET_SIMD static void
convert_row (
    const UnetInt8Convert *p, guint8 *restrict dst, const guint8 *restrict src)
{
  gint64 w = p->w, c = p->c;

  join_pixels (&w, &c, c == p->src.pixel && c == p->dst.pixel);
#define LOOP(t, u, part)                                                       \
  for (gint64 x = 0; x < w; x++)                                               \
    for (gint64 j = 0; j < c; j += (part))                                     \
      for (gint64 k = j; k < j + (part); k++)                                  \
  store (u, dst, x * p->dst.pixel + k,                                         \
      p->factor * load (t, src, x * p->src.pixel + k), -INFINITY)
#define BODY(t, u)                                                             \
  do {                                                                         \
    if (w > 1 && c % 16 == 0)                                                  \
      LOOP (t, u, 16);                                                         \
    else if (w > 1 && c % 8 == 0)                                              \
      LOOP (t, u, 8);                                                          \
    else                                                                       \
      LOOP (t, u, c);                                                          \
  } while (0)
  EACH_PAIR (p->from, p->to, BODY);
#undef BODY
#undef LOOP
}

static void
convert_job (gconstpointer params, gpointer const *ptr, gint64 i, guint thread)
{
  const UnetInt8Convert *p = params;

  (can_shrink (p) ? shrink_row : convert_row) (p,
      (guint8 *) at (
          ptr[1], &p->dst, i / p->h, i % p->h, unet_element_size (p->to)),
      at (ptr[0], &p->src, i / p->h, i % p->h, unet_element_size (p->from)));
}

void
unet_kernel_int8_convert (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetInt8Convert *p = params;

  unet_parallel (convert_job, params, ptr, p->n * p->h, threads);
}

UNET_SIMD static void
map_row (const guint8 *table, guint8 *restrict dst, gint64 dst_step,
    const guint8 *restrict src, gint64 src_step, gint64 w, gint64 c)
{
  join_pixels (&w, &c, c == src_step && c == dst_step);
  for (gint64 x = 0; x < w; x++)
    for (gint64 k = 0; k < c; k++)
      dst[x * dst_step + k] = table[src[x * src_step + k]];
}

static void
map_job (gconstpointer params, gpointer const *ptr, gint64 i, guint thread)
{
  const UnetInt8Map *p = params;

  map_row (ptr[1], (guint8 *) at (ptr[2], &p->dst, i / p->h, i % p->h, 1),
      p->dst.pixel, at (ptr[0], &p->src, i / p->h, i % p->h, 1), p->src.pixel,
      p->w, p->c);
}

void
unet_kernel_int8_map (gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetInt8Map *p = params;

  unet_parallel (map_job, params, ptr, p->n * p->h, threads);
}

/* ---- from and to f32 ----------------------------------------------------- */

static inline gint64
vec_row (const UnetVec *v, gint64 image, gint64 block, gint64 y)
{
  return ((image * v->blocks + block) * v->h + y) * v->w * v->vec;
}

UNET_SIMD static void
quantize_pixels (UnetElementType type, guint8 *restrict dst, gint64 dst_step,
    const gfloat *restrict src, gint64 src_step, gint64 w, gint64 c,
    gfloat factor)
{
  join_pixels (&w, &c, c == src_step && c == dst_step);
#define LOOP(t, count)                                                         \
  for (gint64 x = 0; x < w; x++)                                               \
    for (gint64 k = 0; k < (count); k++)                                       \
  store (t, dst, x *dst_step + k, factor * src[x * src_step + k], -INFINITY)
#define BODY(t)                                                                \
  do {                                                                         \
    if (c == 16)                                                               \
      LOOP (t, 16);                                                            \
    else if (c == 1)                                                           \
      LOOP (t, 1);                                                             \
    else                                                                       \
      LOOP (t, c);                                                             \
  } while (0)
  EACH_TYPE (type, BODY);
#undef BODY
#undef LOOP
}

UNET_SIMD static void
dequantize_pixels (UnetElementType type, gfloat *restrict dst, gint64 dst_step,
    const guint8 *restrict src, gint64 src_step, gint64 w, gint64 c,
    gfloat factor)
{
  join_pixels (&w, &c, c == src_step && c == dst_step);
#define LOOP(t, count)                                                         \
  for (gint64 x = 0; x < w; x++)                                               \
    for (gint64 k = 0; k < (count); k++)                                       \
  dst[x * dst_step + k] = factor * load (t, src, x * src_step + k)
#define BODY(t)                                                                \
  do {                                                                         \
    if (c == 16)                                                               \
      LOOP (t, 16);                                                            \
    else if (c == 1)                                                           \
      LOOP (t, 1);                                                             \
    else                                                                       \
      LOOP (t, c);                                                             \
  } while (0)
  EACH_TYPE (type, BODY);
#undef BODY
#undef LOOP
}

/* Rounds a few planes row by row, then interleaves them. */
#define PLANES 4
#define PIECE  256

UNET_SIMD static void
interleave_planes (UnetElementType type, guint8 *restrict dst, gint64 step,
    const gfloat *const *planes, gint64 c, gint64 n, gfloat factor)
{
  guint8 bytes[PLANES][PIECE];

  for (gint64 k = 0; k < c; k++)
    if (type == UNET_ELEMENT_U8)
      for (gint64 x = 0; x < n; x++)
        store (UNET_ELEMENT_U8, bytes[k], x, factor * planes[k][x], -INFINITY);
    else
      for (gint64 x = 0; x < n; x++)
        store (UNET_ELEMENT_S8, bytes[k], x, factor * planes[k][x], -INFINITY);
  for (gint64 x = 0; x < n; x++)
    for (gint64 k = 0; k < c; k++)
      dst[x * step + k] = bytes[k][x];
}

static void
quantize_planes (const UnetInt8Float *p, gconstpointer src, guint8 *dst,
    gint64 image, gint64 y)
{
  const UnetVec *v = &p->vec;

  for (gint64 x = 0; x < v->w; x += PIECE) {
    const gfloat *planes[PLANES];

    for (gint64 k = 0; k < v->c; k++)
      planes[k] = (const gfloat *) src + vec_row (v, image, k, y) + x;
    interleave_planes (p->type, dst + x * p->pixels.pixel, p->pixels.pixel,
        planes, v->c, MIN (PIECE, v->w - x), p->factor);
  }
}

static void
quantize_job (gconstpointer params, gpointer const *ptr, gint64 i, guint thread)
{
  const UnetInt8Float *p = params;
  const UnetVec *v = &p->vec;
  guint size = unet_element_size (p->type);

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
        (const gfloat *) ptr[0] + vec_row (v, i / v->h, b, i % v->h), v->vec,
        v->w, MIN (v->vec, v->c - b * v->vec), p->factor);
}

void
unet_kernel_int8_quantize (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetInt8Float *p = params;
  const UnetVec *v = &p->vec;

  unet_parallel (quantize_job, params, ptr, v->n * v->h, threads);
}

static void
dequantize_job (
    gconstpointer params, gpointer const *ptr, gint64 i, guint thread)
{
  const UnetInt8Float *p = params;
  const UnetVec *v = &p->vec;
  guint size = unet_element_size (p->type);

  for (gint64 b = 0; b < v->blocks; b++) {
    gfloat *dst = (gfloat *) ptr[1] + vec_row (v, i / v->h, b, i % v->h);
    gint64 c = MIN (v->vec, v->c - b * v->vec);

    if (c < v->vec) /* clears the lanes beyond the last channel */
      memset (dst, 0, v->w * v->vec * sizeof *dst);
    dequantize_pixels (p->type, dst, v->vec,
        at (ptr[0], &p->pixels, i / v->h, i % v->h, size) + b * v->vec * size,
        p->pixels.pixel, v->w, c, p->factor);
  }
}

void
unet_kernel_int8_dequantize (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetInt8Float *p = params;
  const UnetVec *v = &p->vec;

  unet_parallel (dequantize_job, params, ptr, v->n * v->h, threads);
}
