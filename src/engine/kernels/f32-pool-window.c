/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/kernels/f32-pool-window.h"
#include "base/simd.h"
#include "engine/kernels/parallel.h"
#include <math.h>

/* A row of the result takes one tap after the other, each over all pixels that
 * it reaches, so that the inner loops are long and without conditions. */

/* The pixels of the result for which a tap lies inside of the picture. */
typedef struct {
  gint64 first, n;
  gint64 from; /* the tap's place for the first one */
} Reach;

/* ---- taps ---------------------------------------------------------------- */

static gint64
divide_up (gint64 a, gint64 b)
{
  return a > 0 ? (a + b - 1) / b : 0;
}

static Reach
reach_of (const UnetPoolWindow *p, guint axis, gint64 tap)
{
  gint64 in = axis ? p->src.w : p->src.h, out = axis ? p->dst.w : p->dst.h;
  gint64 stride = p->stride[axis];
  gint64 at = tap * p->dilation[axis] - p->pad_begin[axis];
  Reach r;

  r.first = MIN (divide_up (-at, stride), out);
  r.n = MIN (divide_up (in - at, stride), out) - r.first;
  r.from = r.first * stride + at;
  return r;
}

/* ---- rows ---------------------------------------------------------------- */

UNET_SIMD static void
max_floats (gfloat *restrict dst, const gfloat *restrict src, gint64 n)
{
  for (gint64 i = 0; i < n; i++)
    dst[i] = src[i] > dst[i] ? src[i] : dst[i];
}

UNET_SIMD static void
add_floats (gfloat *restrict dst, const gfloat *restrict src, gint64 n)
{
  for (gint64 i = 0; i < n; i++)
    dst[i] += src[i];
}

UNET_SIMD static void
max_strided (
    gfloat *restrict dst, const gfloat *restrict src, gint64 n, gint64 stride)
{
  for (gint64 i = 0; i < n; i++)
    dst[i] = src[i * stride] > dst[i] ? src[i * stride] : dst[i];
}

UNET_SIMD static void
add_strided (
    gfloat *restrict dst, const gfloat *restrict src, gint64 n, gint64 stride)
{
  for (gint64 i = 0; i < n; i++)
    dst[i] += src[i * stride];
}

/* Adds one tap to the pixels that it reaches. */
static void
take_tap (const UnetPoolWindow *p, gfloat *dst, const gfloat *src, Reach r)
{
  gint64 vec = p->src.vec, stride = p->stride[1];
  gboolean maximum = p->kind == UNET_POOL_MAX;

  dst += r.first * vec;
  src += r.from * vec;
  if (stride == 1)
    (maximum ? max_floats : add_floats) (dst, src, r.n * vec);
  else if (vec == 1)
    (maximum ? max_strided : add_strided) (dst, src, r.n, stride);
  else
    for (gint64 x = 0; x < r.n; x++)
      (maximum ? max_floats : add_floats) (
          dst + x * vec, src + x * stride * vec, vec);
}

/* Returns how many taps of one axis lie inside of the picture. */
static gint64
count_taps (const UnetPoolWindow *p, guint axis, gint64 at)
{
  gint64 in = axis ? p->src.w : p->src.h, n = 0;

  for (gint64 tap = 0; tap < p->kernel[axis]; tap++) {
    gint64 from =
        at * p->stride[axis] - p->pad_begin[axis] + tap * p->dilation[axis];

    n += from >= 0 && from < in;
  }
  return n;
}

static void
divide_row (const UnetPoolWindow *p, gfloat *dst, gint64 y)
{
  gint64 vec = p->src.vec, rows = count_taps (p, 0, y);

  for (gint64 x = 0; x < p->dst.w; x++) {
    gint64 n = p->kind == UNET_POOL_AVERAGE ? rows * count_taps (p, 1, x)
                                            : p->kernel[0] * p->kernel[1];

    for (gint64 k = 0; k < vec; k++)
      dst[x * vec + k] /= MAX (n, 1);
  }
}

/* Lanes beyond the last channel hold zeros in a window without a tap, too. */
static void
start_row (const UnetPoolWindow *p, gfloat *dst, gint64 plane)
{
  gint64 vec = p->src.vec, block = plane % p->src.blocks;
  gint64 lanes = MIN (vec, p->src.c - block * vec);

  for (gint64 x = 0; x < p->dst.w; x++)
    for (gint64 k = 0; k < vec; k++)
      dst[x * vec + k] = p->kind == UNET_POOL_MAX && k < lanes ? -INFINITY : 0;
}

static void
pool_row_job (gconstpointer params, gpointer const *ptr, gint64 i,
    G_GNUC_UNUSED guint thread)
{
  const UnetPoolWindow *p = params;
  gint64 plane = i / p->dst.h, y = i % p->dst.h, vec = p->src.vec;
  const gfloat *src =
      (const gfloat *) ptr[0] + plane * unet_vec_plane (&p->src);
  gfloat *dst = (gfloat *) ptr[1] + i * p->dst.w * vec;

  start_row (p, dst, plane);
  for (gint64 ky = 0; ky < p->kernel[0]; ky++) {
    gint64 from = y * p->stride[0] - p->pad_begin[0] + ky * p->dilation[0];

    if (from < 0 || from >= p->src.h)
      continue;
    for (gint64 kx = 0; kx < p->kernel[1]; kx++)
      take_tap (p, dst, src + from * p->src.w * vec, reach_of (p, 1, kx));
  }
  if (p->kind != UNET_POOL_MAX)
    divide_row (p, dst, y);
}

void
unet_kernel_pool_window (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetPoolWindow *p = params;

  unet_parallel (
      pool_row_job, params, ptr, p->dst.n * p->dst.blocks * p->dst.h, threads);
}
