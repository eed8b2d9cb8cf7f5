/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Kernels of int8-conv-1x1.c. */

#include "engine/kernels/int8-conv-1x1.h"
#include "int8-picture.h"

START_TEST (test_conv)
{
  for (guint round = 0; round < rounds (); round++) {
    UnetElementType type = any_type ();
    gint64 h = range (1, 5), w = range (1, 50), c = any_channels ();
    gint64 oc = range (1, UNET_INT8_CONV_1X1_CHANNELS);
    gfloat weights[UNET_INT8_CONV_1X1_CHANNELS * 70],
        bias[UNET_INT8_CONV_1X1_CHANNELS];
    gfloat *out = g_new (gfloat, 2 * oc * h * w + 1);
    UnetInt8Conv1x1 p;
    Picture a;

    for (guint i = 0; i < G_N_ELEMENTS (weights); i++)
      weights[i] = g_rand_double_range (rng, -1, 1);
    for (guint i = 0; i < G_N_ELEMENTS (bias); i++)
      bias[i] = g_rand_double_range (rng, -1, 1);
    picture_init (&a, type, 2, h, w, c);
    p = (UnetInt8Conv1x1){ type, 2, h, w, c, oc, a.p };
    out[2 * oc * h * w] = 77;
    unet_kernel_int8_conv_1x1 (
        &p, (gpointer[]){ a.data, weights, bias, out }, threads ());
    for (gint64 i = 0; i < 2 * oc * h * w; i++) {
      gint64 n = i / (oc * h * w), o = i / (h * w) % oc, at = i % (h * w);
      gdouble sum = bias[o];

      for (gint64 k = 0; k < c; k++)
        sum += weights[o * c + k] * get (&a, n, at / w, at % w, k);
      ck_assert_float_eq_tol (out[i], sum, 1e-2);
    }
    ck_assert (out[2 * oc * h * w] == 77);
    g_free (out);
    g_free (a.memory);
  }
}
END_TEST

/* ---- time ---------------------------------------------------------------- */

static void
run_conv (gpointer data, G_GNUC_UNUSED gpointer user)
{
  gpointer *args = data;

  unet_kernel_int8_conv_1x1 (args[0], args + 1, 1);
}

static void
bench_all (void)
{
  gfloat weights[2 * 32] = { 1 }, bias[2] = { 0 };
  gfloat *out = g_new (gfloat, 2 * 128 * 128);
  UnetInt8Conv1x1 p;
  Picture a;

  picture_init (&a, UNET_ELEMENT_U8, 1, 128, 128, 32);
  p = (UnetInt8Conv1x1){ UNET_ELEMENT_U8, 1, 128, 128, 32, 2, a.p };
  bench ("32 to 2 channels, 128x128", NULL, run_conv,
      (gpointer[]){ &p, a.data, weights, bias, out });
  g_free (out);
  g_free (a.memory);
}

int
main (int argc, char **argv)
{
  const KernelTest tests[] = {
    { test_conv, 1 },
  };

  return kernel_test_main (
      argc, argv, "int8-conv-1x1", tests, G_N_ELEMENTS (tests), bench_all);
}
