/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/kernels/int8-arithmetic.h"
#include "engine/kernels/int8-element.h"

UNET_SIMD static void
add_pixels (const UnetInt8Add *p, guint8 *restrict dst, const guint8 *x,
    const guint8 *y)
{
  gint64 w = p->w, c = p->c;

  join_pixels (
      &w, &c, c == p->px.pixel && c == p->py.pixel && c == p->dst.pixel);
#define STORE(t, u, s)                                                         \
  for (gint64 i = 0; i < w; i++)                                               \
    for (gint64 k = 0; k < c; k++)                                             \
  store (s, dst, i * p->dst.pixel + k,                                         \
      p->a * load (t, x, i * p->px.pixel + k)                                  \
          + p->b * load (u, y, i * p->py.pixel + k),                           \
      p->low)
#define BODY(t, u)                                                             \
  do {                                                                         \
    if (p->to == UNET_ELEMENT_U8)                                              \
      STORE (t, u, UNET_ELEMENT_U8);                                           \
    else if (p->to == UNET_ELEMENT_S8)                                         \
      STORE (t, u, UNET_ELEMENT_S8);                                           \
    else                                                                       \
      STORE (t, u, UNET_ELEMENT_BF16);                                         \
  } while (0)
  EACH_PAIR (p->x, p->y, BODY);
#undef BODY
#undef STORE
}

static void
add_job (gconstpointer params, gpointer const *ptr, gint64 i, guint thread)
{
  const UnetInt8Add *p = params;

  gint64 n = i / p->h, y = i % p->h;

  add_pixels (p,
      (guint8 *) at (ptr[2], &p->dst, n, y, unet_element_size (p->to)),
      at (ptr[0], &p->px, n, y, unet_element_size (p->x)),
      at (ptr[1], &p->py, n, y, unet_element_size (p->y)));
}

void
unet_kernel_int8_add (gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetInt8Add *p = params;

  unet_parallel (add_job, params, ptr, p->n * p->h, threads);
}

UNET_SIMD static void
multiply_row (const UnetInt8Scale *p, guint8 *restrict dst,
    const guint8 *restrict src, const gfloat *restrict y)
{
#define BODY(t, u)                                                             \
  for (gint64 x = 0; x < p->w; x++)                                            \
    for (gint64 k = 0; k < p->c; k++)                                          \
  store (u, dst, x * p->dst.pixel + k,                                         \
      p->factor * y[k] * load (t, src, x * p->src.pixel + k), p->low)
  EACH_PAIR (p->from, p->to, BODY);
#undef BODY
}

static void
scale_job (gconstpointer params, gpointer const *ptr, gint64 i, guint thread)
{
  const UnetInt8Scale *p = params;

  gint64 n = i / p->h, y = i % p->h;

  multiply_row (p,
      (guint8 *) at (ptr[2], &p->dst, n, y, unet_element_size (p->to)),
      at (ptr[0], &p->src, n, y, unet_element_size (p->from)),
      (const gfloat *) ptr[1] + n * p->c);
}

void
unet_kernel_int8_scale (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetInt8Scale *p = params;

  unet_parallel (scale_job, params, ptr, p->n * p->h, threads);
}
