/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/kernels/f32-move.h"
#include "base/simd.h"
#include "engine/kernels/parallel.h"
#include <string.h>

/* ---- channel copies ------------------------------------------------------ */

/* Copies @count lanes of @n pixels. */
UNET_SIMD static void
copy_lanes (gfloat *restrict dst, gint64 dst_step, const gfloat *restrict src,
    gint64 src_step, gint64 count, gint64 n)
{
  if (count == dst_step && count == src_step) {
    memcpy (dst, src, n * count * sizeof (gfloat));
  } else if (count == 8) {
    for (gint64 i = 0; i < n; i++, dst += dst_step, src += src_step)
      memcpy (dst, src, 8 * sizeof (gfloat));
  } else if (count == 16) {
    for (gint64 i = 0; i < n; i++, dst += dst_step, src += src_step)
      memcpy (dst, src, 16 * sizeof (gfloat));
  } else {
    for (gint64 i = 0; i < n; i++, dst += dst_step, src += src_step)
      for (gint64 k = 0; k < count; k++)
        dst[k] = src[k];
  }
}

/* Copies one row of all channels, in runs that stay inside one block of the
 * source and of the destination. The last channel's copy clears the lanes
 * beyond it. */
static void
copy_channels_row (const UnetCopyChannels *p, const gfloat *src, gfloat *dst,
    gint64 n, gint64 y)
{
  const UnetVec *s = &p->src, *d = &p->dst;
  gint64 c = 0;

  src += n * unet_vec_image (s) + y * s->w * s->vec;
  dst += n * unet_vec_image (d) + y * d->w * d->vec;
  while (c < s->c) {
    gint64 to = p->channel + c;
    gint64 run = MIN (s->vec - c % s->vec, d->vec - to % d->vec);

    run = MIN (run, s->c - c);
    copy_lanes (dst + to / d->vec * unet_vec_plane (d) + to % d->vec, d->vec,
        src + c / s->vec * unet_vec_plane (s) + c % s->vec, s->vec, run, s->w);
    c += run;
  }
  c += p->channel;
  if (c == d->c && c % d->vec != 0) {
    gfloat *pad = dst + c / d->vec * unet_vec_plane (d) + c % d->vec;
    for (gint64 x = 0; x < d->w; x++, pad += d->vec)
      memset (pad, 0, (d->vec - c % d->vec) * sizeof (gfloat));
  }
}

static void
copy_channels_job (gconstpointer params, gpointer const *ptr, gint64 i,
    G_GNUC_UNUSED guint thread)
{
  const UnetCopyChannels *p = params;

  copy_channels_row (p, ptr[0], ptr[1], i / p->src.h, i % p->src.h);
}

void
unet_kernel_copy_channels (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetCopyChannels *p = params;

  unet_parallel (copy_channels_job, params, ptr, p->src.n * p->src.h, threads);
}

/* ---- depth to space ------------------------------------------------------ */

UNET_SIMD static void
space_row (gfloat *restrict dst, const gfloat *restrict src, gint64 w,
    gint64 vec, gint64 src_step, gint64 r)
{
  gint64 step = r * vec;

  if (vec == 16) {
    for (gint64 x = 0; x < w; x++)
      memcpy (dst + x * step, src + x * src_step, 16 * sizeof (gfloat));
  } else {
    for (gint64 x = 0; x < w; x++)
      memcpy (dst + x * step, src + x * src_step, vec * sizeof (gfloat));
  }
}

static void
depth_to_space_job (gconstpointer params, gpointer const *ptr, gint64 i,
    G_GNUC_UNUSED guint thread)
{
  const UnetDepthToSpace *p = params;
  const UnetVec *s = &p->src, *d = &p->dst;
  gint64 r = p->r;
  /* NHWC holds the groups side by side in one vector. */
  gboolean nhwc = s->blocks == 1 && s->vec == r * r * d->vec;
  gint64 y = i % d->h, b = i / d->h % d->blocks, n = i / d->h / d->blocks;
  gfloat *dst = (gfloat *) ptr[1] + n * unet_vec_image (d)
      + b * unet_vec_plane (d) + y * d->w * d->vec;

  for (gint64 dx = 0; dx < r; dx++) {
    gint64 group = y % r * r + dx;
    const gfloat *src = (const gfloat *) ptr[0] + n * unet_vec_image (s)
        + y / r * s->w * s->vec;

    src += nhwc ? group * d->vec : (group * d->blocks + b) * unet_vec_plane (s);
    space_row (dst + dx * d->vec, src, s->w, d->vec, s->vec, r);
  }
}

void
unet_kernel_depth_to_space (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetDepthToSpace *p = params;
  const UnetVec *d = &p->dst;

  unet_parallel (
      depth_to_space_job, params, ptr, d->n * d->blocks * d->h, threads);
}

static void
depth_to_space_plain_job (gconstpointer params, gpointer const *ptr, gint64 i,
    G_GNUC_UNUSED guint thread)
{
  const UnetDepthToSpace *p = params;
  const UnetVec *s = &p->src, *d = &p->dst;
  gint64 r = p->r;
  gint64 y = i % d->h, c = i / d->h % d->c, n = i / d->h / d->c;
  gfloat *dst = (gfloat *) ptr[1] + i * d->w;

  for (gint64 dx = 0; dx < r; dx++) {
    gint64 channel = (y % r * r + dx) * d->c + c;
    const gfloat *src = (const gfloat *) ptr[0] + n * unet_vec_image (s)
        + channel / s->vec * unet_vec_plane (s) + y / r * s->w * s->vec
        + channel % s->vec;

    for (gint64 x = 0; x < s->w; x++)
      dst[x * r + dx] = src[x * s->vec];
  }
}

void
unet_kernel_depth_to_space_plain (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetDepthToSpace *p = params;
  const UnetVec *d = &p->dst;

  unet_parallel (
      depth_to_space_plain_job, params, ptr, d->n * d->c * d->h, threads);
}

/* ---- zero padding -------------------------------------------------------- */

static void
pad_zero_job (gconstpointer params, gpointer const *ptr, gint64 i,
    G_GNUC_UNUSED guint thread)
{
  const UnetPadZero *p = params;
  const UnetVec *s = &p->src, *d = &p->dst;
  gsize row = d->w * d->vec * sizeof (gfloat);
  gint64 y = i % d->h - p->y, plane = i / d->h;
  gfloat *dst = (gfloat *) ptr[1] + i * d->w * d->vec;

  memset (dst, 0, row);
  if (y >= 0 && y < s->h)
    memcpy (dst + p->x * d->vec,
        (const gfloat *) ptr[0] + plane * unet_vec_plane (s)
            + y * s->w * s->vec,
        s->w * s->vec * sizeof (gfloat));
}

void
unet_kernel_pad_zero (gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetPadZero *p = params;
  const UnetVec *d = &p->dst;

  unet_parallel (pad_zero_job, params, ptr, d->n * d->blocks * d->h, threads);
}
