/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/kernels/f32-resize.h"
#include "base/simd.h"
#include "engine/kernels/parallel.h"
#include <string.h>

UnetResizeTables *
unet_resize_tables_new (UnetVec src, UnetVec dst, gboolean nearest)
{
  gsize size = sizeof (UnetResizeTables)
      + (dst.h + dst.w) * (2 * sizeof (gint32) + sizeof (gfloat));
  UnetResizeTables *t = g_try_malloc0 (size);

  if (!t)
    return NULL;
  t->src = src;
  t->dst = dst;
  t->nearest = nearest;
  t->y0 = (gint32 *) (t + 1);
  t->y1 = t->y0 + dst.h;
  t->x0 = t->y1 + dst.h;
  t->x1 = t->x0 + dst.w;
  t->fy = (gfloat *) (t->x1 + dst.w);
  t->fx = t->fy + dst.h;
  return t;
}

UNET_SIMD static void
resize_nearest_row (
    const UnetResizeTables *t, gfloat *restrict dst, const gfloat *restrict src)
{
  gint64 vec = t->dst.vec;

  if (vec == 16) {
    for (gint64 x = 0; x < t->dst.w; x++)
      memcpy (dst + x * 16, src + (gint64) t->x0[x] * 16, 64);
  } else if (vec == 1) {
    for (gint64 x = 0; x < t->dst.w; x++)
      dst[x] = src[t->x0[x]];
  } else {
    for (gint64 x = 0; x < t->dst.w; x++)
      memcpy (dst + x * vec, src + t->x0[x] * vec, vec * sizeof (gfloat));
  }
}

static inline gfloat
lerp2 (gfloat a, gfloat b, gfloat c, gfloat d, gfloat fx, gfloat fy)
{
  gfloat top = a + (b - a) * fx, bottom = c + (d - c) * fx;
  return top + (bottom - top) * fy;
}

UNET_SIMD static void
resize_linear_row (const UnetResizeTables *t, gfloat *restrict dst,
    const gfloat *restrict r0, const gfloat *restrict r1, gfloat fy)
{
  gint64 vec = t->dst.vec;

  for (gint64 x = 0; x < t->dst.w; x++) {
    const gfloat *a = r0 + t->x0[x] * vec, *b = r0 + t->x1[x] * vec;
    const gfloat *c = r1 + t->x0[x] * vec, *d = r1 + t->x1[x] * vec;
    gfloat fx = t->fx[x], *o = dst + x * vec;

    if (vec == 16) {
      for (gint k = 0; k < 16; k++)
        o[k] = lerp2 (a[k], b[k], c[k], d[k], fx, fy);
    } else {
      for (gint64 k = 0; k < vec; k++)
        o[k] = lerp2 (a[k], b[k], c[k], d[k], fx, fy);
    }
  }
}

static void
resize_job (gconstpointer params, gpointer const *ptr, gint64 i,
    G_GNUC_UNUSED guint thread)
{
  const UnetResizeTables *t = params;
  const UnetVec *s = &t->src, *d = &t->dst;
  gint64 y = i % d->h, plane = i / d->h;
  const gfloat *src = (const gfloat *) ptr[0] + plane * unet_vec_plane (s);
  gfloat *dst =
      (gfloat *) ptr[1] + plane * unet_vec_plane (d) + y * d->w * d->vec;
  const gfloat *r0 = src + t->y0[y] * s->w * s->vec;

  if (t->nearest)
    resize_nearest_row (t, dst, r0);
  else
    resize_linear_row (t, dst, r0, src + t->y1[y] * s->w * s->vec, t->fy[y]);
}

void
unet_kernel_resize (gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetResizeTables *t = params;
  const UnetVec *d = &t->dst;

  unet_parallel (resize_job, params, ptr, d->n * d->blocks * d->h, threads);
}
