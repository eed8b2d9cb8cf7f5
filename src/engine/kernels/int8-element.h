/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What kernels over narrow tensors share: elements and pixels. */

#include "engine/kernels/int8-move.h"
#include "engine/kernels/dispatch.h"
#include "engine/kernels/parallel.h"
#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__ ((always_inline))

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
#define EACH_PAIR(from, to, BODY)                                              \
  do {                                                                         \
    switch ((from) *4 + (to)) {                                                \
      case UNET_NARROW_U8 * 4 + UNET_NARROW_U8:                                \
        BODY (UNET_NARROW_U8, UNET_NARROW_U8);                                 \
        break;                                                                 \
      case UNET_NARROW_U8 * 4 + UNET_NARROW_S8:                                \
        BODY (UNET_NARROW_U8, UNET_NARROW_S8);                                 \
        break;                                                                 \
      case UNET_NARROW_S8 * 4 + UNET_NARROW_U8:                                \
        BODY (UNET_NARROW_S8, UNET_NARROW_U8);                                 \
        break;                                                                 \
      case UNET_NARROW_S8 * 4 + UNET_NARROW_S8:                                \
        BODY (UNET_NARROW_S8, UNET_NARROW_S8);                                 \
        break;                                                                 \
      default:                                                                 \
        BODY (UNET_NARROW_BF16, UNET_NARROW_BF16);                             \
        break;                                                                 \
    }                                                                          \
  } while (0)

#define EACH_TYPE(type, BODY)                                                  \
  do {                                                                         \
    switch (type) {                                                            \
      case UNET_NARROW_U8:                                                     \
        BODY (UNET_NARROW_U8);                                                 \
        break;                                                                 \
      case UNET_NARROW_S8:                                                     \
        BODY (UNET_NARROW_S8);                                                 \
        break;                                                                 \
      default:                                                                 \
        BODY (UNET_NARROW_BF16);                                               \
        break;                                                                 \
    }                                                                          \
  } while (0)

INLINE const guint8 *
at (gconstpointer data, const UnetPixels *p, gint64 image, gint64 y, guint size)
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
