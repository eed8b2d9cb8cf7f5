/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Floats of 16 bits, as model files have them. */

#include <glib.h>
#include <string.h>

G_BEGIN_DECLS

static inline gfloat
unet_float_from_bits (guint32 bits)
{
  gfloat value;

  memcpy (&value, &bits, sizeof value);
  return value;
}

/* IEEE 754 binary16, subnormals included. */
static inline gfloat
unet_float_from_half (guint16 half)
{
  guint32 sign = (guint32) (half & 0x8000) << 16;
  guint32 exponent = half >> 10 & 31, mantissa = half & 1023;
  gfloat value;

  if (exponent == 0) {
    value = (gfloat) mantissa / 16777216.0f;
    return sign ? -value : value;
  }
  if (exponent == 31)
    return unet_float_from_bits (sign | 0x7f800000u | mantissa << 13);
  return unet_float_from_bits (sign | (exponent + 112) << 23 | mantissa << 13);
}

/* The upper half of a binary32. */
static inline gfloat
unet_float_from_bfloat16 (guint16 bits)
{
  return unet_float_from_bits ((guint32) bits << 16);
}

G_END_DECLS
