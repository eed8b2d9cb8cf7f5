/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Inline functions of the low-precision kernels: elements and pixels. */

#include "engine/kernels/int8-tensor.h"
#include "base/simd.h"
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
load (UnetElementType type, gconstpointer data, gint64 i)
{
  Bits b;

  if (type == UNET_ELEMENT_U8)
    return ((const guint8 *) data)[i];
  if (type == UNET_ELEMENT_S8)
    return ((const gint8 *) data)[i];
  b.u = (guint32) ((const guint16 *) data)[i] << 16;
  return b.f;
}

/* Rounds half to even and clips. After adding 1.5 * 2^23 the last bits hold the
 * rounded number. */
INLINE gint32
round_clipped (gfloat x, gfloat low, gfloat high)
{
  Bits b;

  x = x > low ? x : low; /* NaN becomes low */
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
store (UnetElementType type, gpointer data, gint64 i, gfloat x, gfloat low)
{
  if (type == UNET_ELEMENT_U8)
    ((guint8 *) data)[i] = round_clipped (x, MAX (low, 0.0f), 255.0f);
  else if (type == UNET_ELEMENT_S8)
    ((gint8 *) data)[i] = round_clipped (x, MAX (low, -127.0f), 127.0f);
  else
    ((guint16 *) data)[i] = to_bf16 (x < low ? low : x);
}

/* Compiles a body for each pair of types that occurs. */
#define EACH_PAIR(from, to, BODY)                                              \
  do {                                                                         \
    switch ((from) *4 + (to)) {                                                \
      case UNET_ELEMENT_U8 * 4 + UNET_ELEMENT_U8:                              \
        BODY (UNET_ELEMENT_U8, UNET_ELEMENT_U8);                               \
        break;                                                                 \
      case UNET_ELEMENT_U8 * 4 + UNET_ELEMENT_S8:                              \
        BODY (UNET_ELEMENT_U8, UNET_ELEMENT_S8);                               \
        break;                                                                 \
      case UNET_ELEMENT_S8 * 4 + UNET_ELEMENT_U8:                              \
        BODY (UNET_ELEMENT_S8, UNET_ELEMENT_U8);                               \
        break;                                                                 \
      case UNET_ELEMENT_S8 * 4 + UNET_ELEMENT_S8:                              \
        BODY (UNET_ELEMENT_S8, UNET_ELEMENT_S8);                               \
        break;                                                                 \
      default:                                                                 \
        BODY (UNET_ELEMENT_BF16, UNET_ELEMENT_BF16);                           \
        break;                                                                 \
    }                                                                          \
  } while (0)

#define EACH_TYPE(type, BODY)                                                  \
  do {                                                                         \
    switch (type) {                                                            \
      case UNET_ELEMENT_U8:                                                    \
        BODY (UNET_ELEMENT_U8);                                                \
        break;                                                                 \
      case UNET_ELEMENT_S8:                                                    \
        BODY (UNET_ELEMENT_S8);                                                \
        break;                                                                 \
      default:                                                                 \
        BODY (UNET_ELEMENT_BF16);                                              \
        break;                                                                 \
    }                                                                          \
  } while (0)

INLINE const guint8 *
at (gconstpointer data, const UnetPixels *p, gint64 image, gint64 y, guint size)
{
  return (const guint8 *) data + (image * p->image + y * p->row) * size;
}

/* Treats a row of pixels without gaps as one long pixel. */
INLINE void
join_pixels (gint64 *w, gint64 *c, gboolean tight)
{
  if (tight) {
    *c *= *w;
    *w = 1;
  }
}
