/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests floats of 8 bits over all their codes. */

#include "lib/check-main.h"
#include "base/float8.h"
#include <math.h>
#include <stdlib.h>

static const UnetDType types[] = { UNET_DTYPE_F8E4M3FN, UNET_DTYPE_F8E4M3FNUZ,
  UNET_DTYPE_F8E5M2, UNET_DTYPE_F8E5M2FNUZ };
static const gdouble largest[] = { 448, 240, 57344, 57344 };
static const gdouble smallest[] = { 0x1p-9, 0x1p-10, 0x1p-16, 0x1p-17 };

START_TEST (round_trip)
{
  for (guint t = 0; t < G_N_ELEMENTS (types); t++) {
    gdouble most = 0, least = 1;
    for (guint code = 0; code < 256; code++) {
      const gdouble value = unet_float8_decode (types[t], (guint8) code);
      if (isnan (value)) {
        ck_assert (isnan (unet_float8_decode (
            types[t], unet_float8_encode (types[t], value, TRUE))));
        continue;
      }
      ck_assert_uint_eq (unet_float8_encode (types[t], value, FALSE), code);
      if (!isfinite (value))
        continue;
      most = MAX (most, value);
      least = value > 0 ? MIN (least, value) : least;
    }
    ck_assert (most == largest[t]);
    ck_assert (least == smallest[t]);
  }
}
END_TEST

/* Between two neighbours the nearer one wins, and the even code in the middle.
 */
START_TEST (rounding)
{
  for (guint t = 0; t < G_N_ELEMENTS (types); t++)
    for (guint8 code = 0; code < 0x7f; code++) {
      const gdouble a = unet_float8_decode (types[t], code);
      const gdouble b = unet_float8_decode (types[t], code + 1);
      const guint8 even = code % 2 ? code + 1 : code;
      if (!(a < largest[t]) || !isfinite (b))
        continue;
      ck_assert_uint_eq (
          unet_float8_encode (types[t], a * .51 + b * .49, TRUE), code);
      ck_assert_uint_eq (
          unet_float8_encode (types[t], a * .49 + b * .51, TRUE), code + 1);
      ck_assert_uint_eq (
          unet_float8_encode (types[t], (a + b) / 2, TRUE), even);
    }
}
END_TEST

START_TEST (too_large)
{
  for (guint t = 0; t < G_N_ELEMENTS (types); t++) {
    const gdouble beyond[] = { 1e5, 1e300, INFINITY };
    for (guint i = 0; i < G_N_ELEMENTS (beyond); i++) {
      guint8 open = unet_float8_encode (types[t], beyond[i], FALSE);
      guint8 full = unet_float8_encode (types[t], -beyond[i], TRUE);
      gdouble value = unet_float8_decode (types[t], open);
      ck_assert (types[t] == UNET_DTYPE_F8E5M2 ? isinf (value) : isnan (value));
      ck_assert (unet_float8_decode (types[t], full) == -largest[t]);
    }
  }
}
END_TEST

gint
main (void)
{
  const TTest *const tests[] = { round_trip, rounding, too_large };

  return check_run_tests ("float8", 30, tests, G_N_ELEMENTS (tests));
}
