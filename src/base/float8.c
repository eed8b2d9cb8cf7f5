/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/float8.h"
#include <math.h>

typedef struct {
  gint mantissa_bits, bias;
  guint8 largest, infinity, nan; /* codes; infinity 0: there is none */
  gboolean unsigned_zero;        /* 0x80 is NaN */
} Format;

static const Format formats[] = {
  [UNET_DTYPE_F8E4M3FN] = { 3, 7, 0x7e, 0, 0x7f, FALSE },
  [UNET_DTYPE_F8E4M3FNUZ] = { 3, 8, 0x7f, 0, 0x80, TRUE },
  [UNET_DTYPE_F8E5M2] = { 2, 15, 0x7b, 0x7c, 0x7f, FALSE },
  [UNET_DTYPE_F8E5M2FNUZ] = { 2, 16, 0x7f, 0, 0x80, TRUE },
};

gboolean
unet_dtype_is_float8 (UnetDType dtype)
{
  return dtype >= UNET_DTYPE_F8E4M3FN && dtype <= UNET_DTYPE_F8E5M2FNUZ;
}

gdouble
unet_float8_decode (UnetDType dtype, guint8 code)
{
  const Format *f = &formats[dtype];
  const gint magnitude = code & 0x7f, exponent = magnitude >> f->mantissa_bits;
  const gint mantissa = magnitude & ((1 << f->mantissa_bits) - 1);
  gdouble value;

  if (f->unsigned_zero && code == f->nan)
    return NAN;
  if (magnitude > f->largest)
    return magnitude != f->infinity ? NAN : code & 0x80 ? -INFINITY : INFINITY;
  if (exponent == 0)
    value = ldexp (mantissa, 1 - f->bias - f->mantissa_bits);
  else
    value = ldexp (mantissa + (1 << f->mantissa_bits),
        exponent - f->bias - f->mantissa_bits);
  return code & 0x80 ? -value : value;
}

guint8
unet_float8_encode (UnetDType dtype, gdouble value, gboolean saturate)
{
  const Format *f = &formats[dtype];
  const guint8 sign = signbit (value) ? 0x80 : 0;
  const guint8 over = saturate ? f->largest : f->infinity;
  gint exponent, code;

  if (isnan (value))
    return f->nan;
  if (isinf (value))
    return over ? sign | over : f->nan;
  /* The value lies below 2^exponent; subnormals share the least exponent. */
  frexp (value, &exponent);
  exponent = value == 0 ? 2 - f->bias : MAX (exponent, 2 - f->bias);
  if (exponent > f->bias + 2)
    return over ? sign | over : f->nan;
  code = (gint) rint (ldexp (fabs (value), f->mantissa_bits + 1 - exponent))
      + ((exponent + f->bias - 2) << f->mantissa_bits);
  if (code > f->largest)
    return over ? sign | over : f->nan;
  return code == 0 && f->unsigned_zero ? 0 : (guint8) (sign | code);
}
