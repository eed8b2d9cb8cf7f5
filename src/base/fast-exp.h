/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* exp () for loops that compilers vectorise. */

#include <glib.h>

G_BEGIN_DECLS

/* Returns e^x with a relative error below 3e-7, after Cephes (S. L. Moshier,
 * expf.c). @x is limited to -87 .. 88, so that the result is finite and
 * normal. The exponent bits give 2^n; a polynomial gives e^r for |r| <= ln 2 /
 * 2. ln 2 has two parts, so that r is exact (Cody and Waite, "Software Manual
 * for the Elementary Functions", 1980). */
static inline gfloat
unet_fast_exp (gfloat x)
{
  const gfloat magic = 12582912.0f; /* 1.5 × 2^23: adding it rounds */
  union {
    gint32 i;
    gfloat f;
  } power;
  gfloat n, r, p;

  x = x > -87.0f ? x : -87.0f;
  x = x < 88.0f ? x : 88.0f;
  n = (x * 1.44269504088896341f + magic) - magic;
  r = x - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  power.i = ((gint32) n + 127) * (1 << 23);
  return p * power.f;
}

G_END_DECLS
