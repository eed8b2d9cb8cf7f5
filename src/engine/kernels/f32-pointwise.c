/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/kernels/f32-pointwise.h"
#include "base/simd.h"
#include "engine/kernels/parallel.h"
#include <string.h>

UNET_SIMD static void
linear_clip_run (
    const UnetLinearClip *p, const gfloat *src, gfloat *dst, gint64 n)
{
  gfloat alpha = p->alpha, beta = p->beta, low = p->low, high = p->high;

  for (gint64 i = 0; i < n; i++) {
    gfloat v = alpha * src[i] + beta;
    v = v < low ? low : v;
    dst[i] = v > high ? high : v;
  }
}

static void
linear_clip_job (gconstpointer params, gpointer const *ptr, gint64 i,
    G_GNUC_UNUSED guint thread)
{
  const UnetLinearClip *p = params;
  const UnetVec *v = &p->vec;
  gint64 row = v->w * v->vec;
  gfloat *dst = (gfloat *) ptr[1] + i * row;
  gint64 tail = v->c - (i / v->h % v->blocks) * v->vec;

  linear_clip_run (p, (const gfloat *) ptr[0] + i * row, dst, row);
  if (tail < v->vec)
    for (gint64 x = 0; x < v->w; x++)
      memset (dst + x * v->vec + tail, 0, (v->vec - tail) * sizeof (gfloat));
}

void
unet_kernel_linear_clip (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetLinearClip *p = params;
  const UnetVec *v = &p->vec;

  unet_parallel (
      linear_clip_job, params, ptr, v->n * v->blocks * v->h, threads);
}

UNET_SIMD static void
prelu_run (
    const gfloat *src, const gfloat *slope, gfloat *dst, gint64 vec, gint64 n)
{
  if (vec == 1) {
    gfloat s = *slope;
    for (gint64 i = 0; i < n; i++)
      dst[i] = src[i] < 0 ? s * src[i] : src[i];
    return;
  }
  for (gint64 i = 0; i < n; i++, src += vec, dst += vec)
    for (gint64 k = 0; k < vec; k++)
      dst[k] = src[k] < 0 ? slope[k] * src[k] : src[k];
}

static void
prelu_job (gconstpointer params, gpointer const *ptr, gint64 i,
    G_GNUC_UNUSED guint thread)
{
  const UnetPRelu *p = params;
  const UnetVec *v = &p->vec;
  gint64 row = v->w * v->vec;

  prelu_run ((const gfloat *) ptr[0] + i * row,
      (const gfloat *) ptr[1] + i / v->h % v->blocks * v->vec,
      (gfloat *) ptr[2] + i * row, v->vec, v->w);
}

void
unet_kernel_prelu (gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetPRelu *p = params;
  const UnetVec *v = &p->vec;

  unet_parallel (prelu_job, params, ptr, v->n * v->blocks * v->h, threads);
}
