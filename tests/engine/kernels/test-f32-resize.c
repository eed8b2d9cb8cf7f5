/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Kernels of f32-resize.c on every layout. */

#include "engine/kernels/f32-resize.h"
#include "f32-tensor.h"

START_TEST (test_resize)
{
  gint layout = _i % 4;
  gboolean nearest = _i >= 4;

  for (guint round = 0; round < rounds (); round++) {
    gint64 n = range (1, 2), c = range (1, 20);
    UnetVec src = make_vec (layout, n, c, range (1, 8), range (1, 8));
    UnetVec dst = make_vec (layout, n, c, range (1, 12), range (1, 12));
    UnetResizeTables *t = unet_resize_tables_new (src, dst, nearest);
    gfloat *in = new_random (&src), *out = new_output (&dst);

    for (gint64 y = 0; y < dst.h; y++) {
      t->y0[y] = range (0, src.h - 1);
      t->y1[y] = range (0, src.h - 1);
      t->fy[y] = nearest ? 0 : g_rand_double (rng);
    }
    for (gint64 x = 0; x < dst.w; x++) {
      t->x0[x] = range (0, src.w - 1);
      t->x1[x] = range (0, src.w - 1);
      t->fx[x] = nearest ? 0 : g_rand_double (rng);
    }
    unet_kernel_resize (t, (gpointer[]){ in, out }, threads ());
    check_guard (out, &dst);
    check_padding (out, &dst);
    for (gint64 i = 0; i < n * c * dst.h * dst.w; i++) {
      gint64 x = i % dst.w, y = i / dst.w % dst.h;
      gint64 k = i / dst.w / dst.h % c, m = i / dst.w / dst.h / c;
      gdouble fx = t->fx[x], fy = t->fy[y];
      gdouble want = (1 - fy)
              * ((1 - fx) * in[at (&src, m, k, t->y0[y], t->x0[x])]
                  + fx * in[at (&src, m, k, t->y0[y], t->x1[x])])
          + fy
              * ((1 - fx) * in[at (&src, m, k, t->y1[y], t->x0[x])]
                  + fx * in[at (&src, m, k, t->y1[y], t->x1[x])]);
      ck_assert_double_eq_tol (out[at (&dst, m, k, y, x)], want, 2e-6);
    }
    g_free (in);
    g_free (out);
    g_free (t);
  }
}
END_TEST

/* ---- time ---------------------------------------------------------------- */

static void
run_resize (gpointer data, G_GNUC_UNUSED gpointer user)
{
  gpointer *args = data;

  unet_kernel_resize (args[0], args + 1, 1);
}

static void
bench_all (void)
{
  UnetVec src = make_vec (1, 1, 64, 32, 32), dst = make_vec (1, 1, 64, 64, 64);
  UnetResizeTables *t = unet_resize_tables_new (src, dst, FALSE);
  gfloat *in = new_random (&src), *out = new_output (&dst);

  for (gint64 i = 0; i < 64; i++) {
    t->y0[i] = t->x0[i] = i / 2;
    t->y1[i] = t->x1[i] = MIN (i / 2 + 1, 31);
    t->fy[i] = t->fx[i] = i % 2 / 2.0f;
  }
  bench ("linear, 64 channels to 64x64", NULL, run_resize,
      (gpointer[]){ t, in, out });
  t->nearest = TRUE;
  bench ("nearest, 64 channels to 64x64", NULL, run_resize,
      (gpointer[]){ t, in, out });
  g_free (t);
  g_free (in);
  g_free (out);
}

int
main (int argc, char **argv)
{
  const KernelTest tests[] = {
    { test_resize, 8 },
  };

  return kernel_test_main (
      argc, argv, "f32-resize", tests, G_N_ELEMENTS (tests), bench_all);
}
