/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Kernels of int8-resize.c. */

#include "engine/kernels/int8-resize.h"
#include "int8-picture.h"

START_TEST (test_resize)
{
  for (guint round = 0; round < rounds (); round++) {
    UnetElementType type = any_type ();
    gint64 h = range (1, 7), w = range (1, 9), c = any_channels ();
    gint64 oh = range (1, 12), ow = range (1, 15);
    UnetVec from = { 2, c, h, w, 1, c }, to = { 2, c, oh, ow, 1, c };
    gboolean nearest = round % 2;
    UnetResizeTables *t = unet_resize_tables_new (from, to, nearest);
    UnetInt8Resize p;
    Picture a, b;
    Guard g;

    for (gint64 i = 0; i < oh; i++) {
      t->y0[i] = range (0, h - 1);
      t->y1[i] = nearest ? t->y0[i] : range (0, h - 1);
      t->fy[i] = nearest ? 0 : g_rand_double (rng);
    }
    for (gint64 i = 0; i < ow; i++) {
      t->x0[i] = range (0, w - 1);
      t->x1[i] = nearest ? t->x0[i] : range (0, w - 1);
      t->fx[i] = nearest ? 0 : g_rand_double (rng);
    }
    picture_init (&a, type, 2, h, w, c);
    picture_init (&b, type, 2, oh, ow, c);
    g = guard (&b);
    p = (UnetInt8Resize){ type, c, a.p, b.p, t };
    unet_kernel_int8_resize (&p, (gpointer[]){ a.data, b.data }, 2);
    EACH (b, n_, y_, x_, k_)
    {
      gfloat top = get (&a, n_, t->y0[y_], t->x0[x_], k_) * (1 - t->fx[x_])
          + get (&a, n_, t->y0[y_], t->x1[x_], k_) * t->fx[x_];
      gfloat low = get (&a, n_, t->y1[y_], t->x0[x_], k_) * (1 - t->fx[x_])
          + get (&a, n_, t->y1[y_], t->x1[x_], k_) * t->fx[x_];

      check_value (
          &b, n_, y_, x_, k_, top * (1 - t->fy[y_]) + low * t->fy[y_], 0.51f);
    }
    check_guard (&g);
    g_free (t);
    g_free (a.memory);
    g_free (b.memory);
  }
}
END_TEST

/* ---- time ---------------------------------------------------------------- */

static void
run_resize (gpointer data, G_GNUC_UNUSED gpointer user)
{
  gpointer *args = data;

  unet_kernel_int8_resize (args[0], args + 1, 1);
}

static void
bench_all (void)
{
  Picture a, b;
  UnetVec from = { 1, 64, 32, 32, 1, 64 }, to = { 1, 64, 64, 64, 1, 64 };
  UnetResizeTables *t = unet_resize_tables_new (from, to, FALSE);
  UnetInt8Resize p;

  picture_init (&a, UNET_ELEMENT_U8, 1, 32, 32, 64);
  picture_init (&b, UNET_ELEMENT_U8, 1, 64, 64, 64);
  for (gint64 i = 0; i < 64; i++) {
    t->y0[i] = t->x0[i] = i / 2;
    t->y1[i] = t->x1[i] = MIN (i / 2 + 1, 31);
    t->fy[i] = t->fx[i] = i % 2 / 2.0f;
  }
  p = (UnetInt8Resize){ UNET_ELEMENT_U8, 64, a.p, b.p, t };
  bench ("linear, 64 channels to 64x64", NULL, run_resize,
      (gpointer[]){ &p, a.data, b.data });
  g_free (t);
  g_free (a.memory);
  g_free (b.memory);
}

int
main (int argc, char **argv)
{
  const KernelTest tests[] = {
    { test_resize, 1 },
  };

  return kernel_test_main (
      argc, argv, "int8-resize", tests, G_N_ELEMENTS (tests), bench_all);
}
