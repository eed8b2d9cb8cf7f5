/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/kernels/int8-pool.h"
#include "engine/kernels/int8-element.h"

/* Copies of sixteen bytes cannot alias other memory, so the compiler makes a
 * vector of them. */
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
max_of_four (UnetElementType type, guint8 *dst, const guint8 *a,
    const guint8 *b, gint64 pixel, gint64 size)
{
  if (type == UNET_ELEMENT_U8) {
    MAX_OF_FOUR (guint8);
  } else if (type == UNET_ELEMENT_S8) {
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
max_pool2_body (UnetElementType type, const UnetInt8MaxPool2 *p, guint8 *dst,
    const guint8 *a, const guint8 *b)
{
  gint64 size = type == UNET_ELEMENT_BF16 ? 2 : 1;
  gint64 step = 2 * p->src.pixel * size, to = p->dst.pixel * size;

  for (gint64 x = 0; x < p->w; x++)
    max_of_four (
        type, dst + x * to, a + x * step, b + x * step, p->src.pixel, p->c);
}

UNET_SIMD static void
max_pool2_row (
    const UnetInt8MaxPool2 *p, guint8 *dst, const guint8 *a, const guint8 *b)
{
#define BODY(t) max_pool2_body (t, p, dst, a, b)
  EACH_TYPE (p->type, BODY);
#undef BODY
}

static void
max_pool2_job (
    gconstpointer params, gpointer const *ptr, gint64 i, guint thread)
{
  const UnetInt8MaxPool2 *p = params;
  guint size = unet_element_size (p->type);

  gint64 n = i / p->h, y = i % p->h;

  max_pool2_row (p, (guint8 *) at (ptr[1], &p->dst, n, y, size),
      at (ptr[0], &p->src, n, 2 * y, size),
      at (ptr[0], &p->src, n, 2 * y + 1, size));
}

void
unet_kernel_int8_max_pool2 (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetInt8MaxPool2 *p = params;

  unet_parallel (max_pool2_job, params, ptr, p->n * p->h, threads);
}

UNET_SIMD static void
sum_row (UnetElementType type, gfloat *restrict sum, const guint8 *src,
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
pool_channels (const UnetInt8GlobalPool *p, gconstpointer src, gint64 image,
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
        at (src, &p->src, image, y, unet_element_size (p->type)), p->src.pixel,
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
  const UnetInt8GlobalPool *p = params;
  gint64 chunks = (p->c + POOL_CHANNELS - 1) / POOL_CHANNELS;

  pool_channels (p, ptr[0], i / chunks, i % chunks * POOL_CHANNELS, ptr[1]);
}

void
unet_kernel_int8_global_pool (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetInt8GlobalPool *p = params;
  gint64 chunks = (p->c + POOL_CHANNELS - 1) / POOL_CHANNELS;

  unet_parallel (global_pool_job, params, ptr, p->n * chunks, threads);
}
