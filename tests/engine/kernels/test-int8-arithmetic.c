/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Kernels of int8-arithmetic.c. */

#include "engine/kernels/int8-arithmetic.h"
#include "int8-picture.h"

START_TEST (test_add)
{
  for (guint round = 0; round < rounds (); round++) {
    gboolean half = round % 4 == 0;
    UnetElementType tx = half ? UNET_ELEMENT_BF16 : any_byte ();
    UnetElementType ty = half ? UNET_ELEMENT_BF16 : any_byte ();
    UnetElementType to = half ? UNET_ELEMENT_BF16 : any_byte ();
    gint64 h = range (1, 6), w = range (1, 20), c = any_channels ();
    gfloat fa = g_rand_double_range (rng, 0.1, 1);
    gfloat fb = g_rand_double_range (rng, 0.1, 1);
    gfloat low = round % 2 ? 0.0f : -INFINITY;
    Picture a, b, d;
    UnetInt8Add p;
    Guard g;

    picture_init (&a, tx, 1, h, w, c);
    picture_init (&b, ty, 1, h, w, c);
    picture_init (&d, to, 1, h, w, c);
    g = guard (&d);
    p = (UnetInt8Add){ tx, ty, to, 1, h, w, c, a.p, b.p, d.p, fa, fb, low };
    unet_kernel_int8_add (
        &p, (gpointer[]){ a.data, b.data, d.data }, range (1, 3));
    EACH (d, n_, y_, x_, k_)
    check_value (&d, n_, y_, x_, k_,
        fit (to, fa * get (&a, n_, y_, x_, k_) + fb * get (&b, n_, y_, x_, k_),
            low),
        1);
    check_guard (&g);
    g_free (a.memory);
    g_free (b.memory);
    g_free (d.memory);
  }
}
END_TEST

START_TEST (test_scale)
{
  for (guint round = 0; round < rounds (); round++) {
    UnetElementType from = any_byte (), to = any_byte ();
    gint64 h = range (1, 6), w = range (1, 20), c = any_channels ();
    gfloat factor[2 * 70];
    Picture a, b;
    UnetInt8Scale p;
    Guard g;

    for (guint i = 0; i < G_N_ELEMENTS (factor); i++)
      factor[i] = g_rand_double (rng);
    picture_init (&a, from, 2, h, w, c);
    picture_init (&b, to, 2, h, w, c);
    g = guard (&b);
    p = (UnetInt8Scale){ from, to, 2, h, w, c, a.p, b.p, 0.7f, -INFINITY };
    unet_kernel_int8_scale (
        &p, (gpointer[]){ a.data, factor, b.data }, threads ());
    EACH (b, n_, y_, x_, k_)
    check_value (&b, n_, y_, x_, k_,
        fit (to, 0.7f * factor[n_ * c + k_] * get (&a, n_, y_, x_, k_),
            -INFINITY),
        1);
    check_guard (&g);
    g_free (a.memory);
    g_free (b.memory);
  }
}
END_TEST

/* ---- time ---------------------------------------------------------------- */

static void
run_add (gpointer data, G_GNUC_UNUSED gpointer user)
{
  gpointer *args = data;

  unet_kernel_int8_add (args[0], args + 1, 1);
}

static void
run_scale (gpointer data, G_GNUC_UNUSED gpointer user)
{
  gpointer *args = data;

  unet_kernel_int8_scale (args[0], args + 1, 1);
}

static void
bench_all (void)
{
  Picture a, b;
  gfloat factor[64] = { 1 };
  UnetInt8Add p;
  UnetInt8Scale q;

  picture_init (&a, UNET_ELEMENT_U8, 1, 64, 64, 64);
  picture_init (&b, UNET_ELEMENT_U8, 1, 64, 64, 64);
  p = (UnetInt8Add){ UNET_ELEMENT_U8, UNET_ELEMENT_U8, UNET_ELEMENT_U8, 1, 64,
    64, 64, a.p, a.p, b.p, 0.4f, 0.6f, 0 };
  q = (UnetInt8Scale){ UNET_ELEMENT_U8, UNET_ELEMENT_U8, 1, 64, 64, 64, a.p,
    b.p, 0.7f, 0 };
  bench ("sum, 64 channels, 64x64", NULL, run_add,
      (gpointer[]){ &p, a.data, a.data, b.data });
  bench ("scale of each channel, 64x64", NULL, run_scale,
      (gpointer[]){ &q, a.data, factor, b.data });
  g_free (a.memory);
  g_free (b.memory);
}

int
main (int argc, char **argv)
{
  const KernelTest tests[] = {
    { test_add, 1 },
    { test_scale, 1 },
  };

  return kernel_test_main (
      argc, argv, "int8-arithmetic", tests, G_N_ELEMENTS (tests), bench_all);
}
