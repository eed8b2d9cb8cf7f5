/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/kernels/int8-resize.h"
#include "engine/kernels/int8-element.h"

void
unet_int8_resize_free (gpointer resize)
{
  g_free (((UnetInt8Resize *) resize)->tables);
  g_free (resize);
}

static void
nearest_row (const UnetInt8Resize *p, guint8 *dst, const guint8 *src,
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

/* Values that are blended between two rows before they are blended along the
 * row: 16 KiB of stack. */
#define BETWEEN 4096

/* Blends pixels [from, to) of two rows to @out, without gaps. */
INLINE void
blend_rows (UnetElementType type, const UnetInt8Resize *p, gfloat *restrict out,
    const guint8 *r0, const guint8 *r1, gfloat fy, gint64 from, gint64 to)
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

/* @part is a constant that divides @c, so the loop has no remainder. */
INLINE void
blend_pixels (UnetElementType type, guint8 *restrict dst, gint64 at,
    const gfloat *restrict a, const gfloat *restrict b, gfloat fx, gint64 c,
    gint64 part)
{
  for (gint64 j = 0; j < c; j += part)
    /* the compiler would unroll this loop before it vectorises it */
    _Pragma ("GCC unroll 1") for (gint64 k = j; k < j + part; k++)
        store (type, dst, at + k, a[k] + (b[k] - a[k]) * fx, -INFINITY);
}

/* Returns how many pixels from @first on have their sources within BETWEEN
 * values. @from, @to: (out): the columns of the sources. */
static gint64
fitting (const UnetInt8Resize *p, gint64 first, gint64 *from, gint64 *to)
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

/* Blends one pixel of very many or very few channels. */
INLINE void
blend_four (UnetElementType type, const UnetInt8Resize *p, guint8 *dst,
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
linear_pixels (UnetElementType type, const UnetInt8Resize *p,
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

UNET_SIMD static void
linear_row (const UnetInt8Resize *p, guint8 *restrict dst, const guint8 *r0,
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
  const UnetInt8Resize *p = params;
  const UnetResizeTables *t = p->tables;
  guint size = unet_element_size (p->type);

  gint64 n = i / t->dst.h, y = i % t->dst.h;
  guint8 *dst = (guint8 *) at (ptr[1], &p->dst, n, y, size);
  const guint8 *r0 = at (ptr[0], &p->src, n, t->y0[y], size);

  if (t->nearest)
    nearest_row (p, dst, r0, p->c * size, size);
  else
    linear_row (p, dst, r0, at (ptr[0], &p->src, n, t->y1[y], size), t->fy[y]);
}

void
unet_kernel_int8_resize (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetInt8Resize *p = params;
  const UnetResizeTables *t = p->tables;

  unet_parallel (resize_job, params, ptr, t->dst.n * t->dst.h, threads);
}
