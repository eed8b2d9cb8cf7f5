/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/kernels/int8-move.h"
#include "engine/kernels/int8-element.h"

/* A constant size compiles to one or two moves. */
static void
copy_pixels (guint8 *restrict dst, gint64 dst_step, const guint8 *restrict src,
    gint64 src_step, gint64 bytes, gint64 n)
{
#define COPY(size)                                                             \
  for (gint64 i = 0; i < n; i++)                                               \
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
  else if (bytes == 24)
    COPY (24);
  else if (bytes == 48)
    COPY (48);
  else
    COPY (bytes);
#undef COPY
}

static void
move_job (gconstpointer params, gpointer const *ptr, gint64 i, guint thread)
{
  const UnetInt8Move *p = params;

  copy_pixels (
      (guint8 *) at (ptr[1], &p->dst, i / p->h, i % p->h, 1) + p->dst_offset,
      p->dst.pixel, at (ptr[0], &p->src, i / p->h, i % p->h, 1) + p->src_offset,
      p->src.pixel, p->bytes, p->w);
}

void
unet_kernel_int8_move (gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetInt8Move *p = params;

  unet_parallel (move_job, params, ptr, p->n * p->h, threads);
}

void
unet_kernel_int8_pad (gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetInt8Move *p = params;

  memset (ptr[1], 0, p->n * p->dst.image);
  unet_kernel_int8_move (params, ptr, threads);
}

static void
depth_to_space_job (
    gconstpointer params, gpointer const *ptr, gint64 i, guint thread)
{
  const UnetInt8DepthToSpace *p = params;
  gint64 r = p->r, pixel = r * r * p->bytes;

  gint64 image = i / (p->h * r), y = i % (p->h * r);
  const guint8 *src = (const guint8 *) ptr[0]
      + (image * p->h + y / r) * p->w * pixel + y % r * r * p->bytes;
  guint8 *dst = (guint8 *) at (ptr[1], &p->dst, image, y, 1);

  if (p->dst.pixel == p->bytes) /* the columns of a group are adjacent */
    copy_pixels (dst, r * p->bytes, src, pixel, r * p->bytes, p->w);
  else
    for (gint64 x = 0; x < r; x++)
      copy_pixels (dst + x * p->dst.pixel, r * p->dst.pixel, src + x * p->bytes,
          pixel, p->bytes, p->w);
}

void
unet_kernel_int8_depth_to_space (
    gconstpointer params, gpointer const *ptr, guint threads)
{
  const UnetInt8DepthToSpace *p = params;
  gint64 r = p->r;

  unet_parallel (depth_to_space_job, params, ptr, p->n * p->h * r, threads);
}
