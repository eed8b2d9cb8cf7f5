/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Kernels of int8-pool.c. */

#include "engine/kernels/int8-pool.h"
#include "int8-picture.h"

START_TEST (test_max_pool2)
{
  for (guint round = 0; round < rounds (); round++) {
    UnetElementType type = any_type ();
    gint64 n = range (1, 2), h = range (2, 9), w = range (2, 19);
    gint64 c = any_channels ();
    Picture a, b;
    UnetInt8MaxPool2 p;
    Guard g;

    picture_init (&a, type, n, h, w, c);
    picture_init (&b, type, n, h / 2, w / 2, c);
    g = guard (&b);
    p = (UnetInt8MaxPool2){ type, n, h / 2, w / 2, c, a.p, b.p };
    unet_kernel_int8_max_pool2 (
        &p, (gpointer[]){ a.data, b.data }, range (1, 3));
    EACH (b, m_, y_, x_, k_)
    {
      gfloat top = MAX (get (&a, m_, 2 * y_, 2 * x_, k_),
          get (&a, m_, 2 * y_, 2 * x_ + 1, k_));
      gfloat low = MAX (get (&a, m_, 2 * y_ + 1, 2 * x_, k_),
          get (&a, m_, 2 * y_ + 1, 2 * x_ + 1, k_));
      ck_assert (get (&b, m_, y_, x_, k_) == MAX (top, low));
    }
    check_guard (&g);
    g_free (a.memory);
    g_free (b.memory);
  }
}
END_TEST

START_TEST (test_global_pool)
{
  for (guint round = 0; round < rounds (); round++) {
    UnetElementType type = any_type ();
    gint64 h = range (1, 5), w = range (1, 50), c = any_channels ();
    gfloat mean[2 * 70];
    UnetInt8GlobalPool q;
    Picture a;

    picture_init (&a, type, 2, h, w, c);
    q = (UnetInt8GlobalPool){ type, 2, h, w, c, a.p, 0.5f, round % 2 };
    unet_kernel_int8_global_pool (&q, (gpointer[]){ a.data, mean }, threads ());
    for (gint64 i = 0; i < 2 * c; i++) {
      gdouble sum = 0, top = -INFINITY;

      for (gint64 at = 0; at < h * w; at++) {
        gfloat x = get (&a, i / c, at / w, at % w, i % c);

        sum += x;
        top = MAX (top, x);
      }
      ck_assert_float_eq_tol (
          mean[i], 0.5 * (round % 2 ? top : sum / (h * w)), 1e-3);
    }
    g_free (a.memory);
  }
}
END_TEST

/* ---- time ---------------------------------------------------------------- */

static void
run_max (gpointer data, G_GNUC_UNUSED gpointer user)
{
  gpointer *args = data;

  unet_kernel_int8_max_pool2 (args[0], args + 1, 1);
}

static void
run_global (gpointer data, G_GNUC_UNUSED gpointer user)
{
  gpointer *args = data;

  unet_kernel_int8_global_pool (args[0], args + 1, 1);
}

static void
bench_all (void)
{
  Picture a, b;
  gfloat mean[64];
  UnetInt8MaxPool2 p;
  UnetInt8GlobalPool q;

  picture_init (&a, UNET_ELEMENT_U8, 1, 64, 64, 64);
  picture_init (&b, UNET_ELEMENT_U8, 1, 32, 32, 64);
  p = (UnetInt8MaxPool2){ UNET_ELEMENT_U8, 1, 32, 32, 64, a.p, b.p };
  q = (UnetInt8GlobalPool){ UNET_ELEMENT_U8, 1, 64, 64, 64, a.p, 1, FALSE };
  bench ("maximum of 2x2, 64 channels, 64x64", NULL, run_max,
      (gpointer[]){ &p, a.data, b.data });
  bench ("mean of 64 channels, 64x64", NULL, run_global,
      (gpointer[]){ &q, a.data, mean });
  g_free (a.memory);
  g_free (b.memory);
}

int
main (int argc, char **argv)
{
  const KernelTest tests[] = {
    { test_max_pool2, 1 },
    { test_global_pool, 1 },
  };

  return kernel_test_main (
      argc, argv, "int8-pool", tests, G_N_ELEMENTS (tests), bench_all);
}
