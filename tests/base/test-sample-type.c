/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests the conversion of samples to the types of inputs. */

#include "lib/check-main.h"
#include "base/sample-type.h"
#include <math.h>

#define N 8

static const gfloat samples[N] = { 0, 1.4f, 1.6f, -3.5f, 300, -300, 127.4f,
  NAN };

START_TEST (integers)
{
  static const gint expected[][N] = {
    { 0, 1, 2, 0, 255, 0, 127, 0 },
    { 0, 1, 2, -4, 127, -128, 127, -128 },
    { 0, 1, 2, -4, 300, -300, 127, -(1 << 30) },
    { 0, 1, 2, 0, 300, 0, 127, 0 },
    { 0, 1, 2, -4, 300, -300, 127, -32768 },
  };
  gint16 i16[N];
  guint16 u16[N];
  guint32 u32[N];
  guint64 u64[N];
  guint8 u8[N];
  gint8 i8[N];
  gint32 i32[N];
  gint64 i64[N];

  unet_samples_convert (u8, UNET_DTYPE_U8, samples, N);
  unet_samples_convert (i8, UNET_DTYPE_I8, samples, N);
  unet_samples_convert (i32, UNET_DTYPE_I32, samples, N);
  unet_samples_convert (i64, UNET_DTYPE_I64, samples, N);
  unet_samples_convert (i16, UNET_DTYPE_I16, samples, N);
  unet_samples_convert (u16, UNET_DTYPE_U16, samples, N);
  unet_samples_convert (u32, UNET_DTYPE_U32, samples, N);
  unet_samples_convert (u64, UNET_DTYPE_U64, samples, N);
  for (guint i = 0; i < N; i++) {
    ck_assert_int_eq (i16[i], expected[4][i]);
    ck_assert_int_eq (u16[i], expected[3][i]);
    ck_assert_int_eq ((gint) u32[i], expected[3][i]);
    ck_assert_int_eq ((gint) u64[i], expected[3][i]);
    ck_assert_int_eq (u8[i], expected[0][i]);
    ck_assert_int_eq (i8[i], expected[1][i]);
    ck_assert_int_eq (i32[i], expected[2][i]);
    ck_assert_int_eq (i64[i], expected[2][i]);
  }
}
END_TEST

START_TEST (floats)
{
  gfloat f32[N];
  gdouble f64[N];

  unet_samples_convert (f32, UNET_DTYPE_F32, samples, N - 1);
  unet_samples_convert (f64, UNET_DTYPE_F64, samples, N - 1);
  for (guint i = 0; i < N - 1; i++) {
    ck_assert (f32[i] == samples[i]);
    ck_assert (f64[i] == (gdouble) samples[i]);
  }
}
END_TEST

START_TEST (types)
{
  ck_assert (unet_samples_have_type (UNET_DTYPE_U8));
  ck_assert (unet_samples_have_type (UNET_DTYPE_F64));
  ck_assert (!unet_samples_have_type (UNET_DTYPE_BOOL));
  ck_assert (!unet_samples_have_type (UNET_DTYPE_NONE));
}
END_TEST

gint
main (void)
{
  const TTest *const tests[] = { integers, floats, types };

  return check_run_tests ("sample-type", 30, tests, G_N_ELEMENTS (tests));
}
