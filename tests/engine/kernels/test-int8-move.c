/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Kernels of int8-move.c. */

#include "engine/kernels/int8-move.h"
#include "int8-picture.h"

START_TEST (test_moves)
{
  for (guint round = 0; round < rounds (); round++) {
    gint64 h = range (1, 6), w = range (1, 12), c = any_channels ();
    gint64 r = range (1, 3);
    Picture a, b, s, d;
    UnetInt8Move p;
    UnetInt8DepthToSpace q;
    Guard g;

    picture_init (&a, UNET_ELEMENT_U8, 2, h, w, c);
    picture_init (&b, UNET_ELEMENT_U8, 2, h, w, c);
    g = guard (&b);
    p = (UnetInt8Move){ 2, h, w, c, a.p, b.p, 0, 0 };
    unet_kernel_int8_move (&p, (gpointer[]){ a.data, b.data }, 2);
    EACH (b, n_, y_, x_, k_)
    ck_assert (get (&a, n_, y_, x_, k_) == get (&b, n_, y_, x_, k_));
    check_guard (&g);
    picture_init (&s, UNET_ELEMENT_U8, 2, h, w, c * r * r);
    while (s.p.pixel != s.c) {
      g_free (s.memory);
      picture_init (&s, UNET_ELEMENT_U8, 2, h, w, c * r * r);
    }
    picture_init (&d, UNET_ELEMENT_U8, 2, h * r, w * r, c);
    g = guard (&d);
    q = (UnetInt8DepthToSpace){ 2, h, w, r, c, d.p };
    unet_kernel_int8_depth_to_space (&q, (gpointer[]){ s.data, d.data }, 2);
    EACH (d, n_, y_, x_, k_)
    ck_assert (get (&d, n_, y_, x_, k_)
        == get (&s, n_, y_ / r, x_ / r, (y_ % r * r + x_ % r) * c + k_));
    check_guard (&g);
    g_free (a.memory);
    g_free (b.memory);
    g_free (s.memory);
    g_free (d.memory);
  }
}
END_TEST

/* ---- time ---------------------------------------------------------------- */

static void
run_move (gpointer data, G_GNUC_UNUSED gpointer user)
{
  gpointer *args = data;

  unet_kernel_int8_move (args[0], args + 1, 1);
}

static void
bench_all (void)
{
  Picture a, b;
  UnetInt8Move p;

  picture_init (&a, UNET_ELEMENT_U8, 1, 64, 64, 64);
  picture_init (&b, UNET_ELEMENT_U8, 1, 64, 64, 64);
  p = (UnetInt8Move){ 1, 64, 64, 64, a.p, b.p, 0, 0 };
  bench (
      "64 channels, 64x64", NULL, run_move, (gpointer[]){ &p, a.data, b.data });
  g_free (a.memory);
  g_free (b.memory);
}

int
main (int argc, char **argv)
{
  const KernelTest tests[] = {
    { test_moves, 1 },
  };

  return kernel_test_main (
      argc, argv, "int8-move", tests, G_N_ELEMENTS (tests), bench_all);
}
