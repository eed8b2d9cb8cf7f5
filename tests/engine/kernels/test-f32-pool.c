/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Kernels of f32-pool.c on every layout. */

#include <math.h>
#include "engine/kernels/f32-pool.h"
#include "f32-tensor.h"

START_TEST (test_global_pool)
{
  gint layout = _i % 4;
  gboolean maximum = _i >= 4;

  for (guint round = 0; round < rounds (); round++) {
    gint64 n = range (1, 2), c = range (1, 40);
    UnetGlobalPool p = { make_vec (layout, n, c, range (1, 9), range (1, 90)),
      maximum };
    UnetVec dst = make_vec (layout, n, c, 1, 1);
    gfloat *in = new_random (&p.src), *out = new_output (&dst);

    unet_kernel_global_pool (&p, (gpointer[]){ in, out }, threads ());
    check_guard (out, &dst);
    check_padding (out, &dst);
    for (gint64 i = 0; i < n * c; i++) {
      gdouble sum = 0, best = -INFINITY;
      gint64 pixels = p.src.h * p.src.w;

      for (gint64 k = 0; k < pixels; k++) {
        gdouble v = in[at (&p.src, i / c, i % c, k / p.src.w, k % p.src.w)];
        sum += v;
        best = MAX (best, v);
      }
      ck_assert_double_eq_tol (out[at (&dst, i / c, i % c, 0, 0)],
          maximum ? best : sum / pixels, 1e-6);
    }
    g_free (in);
    g_free (out);
  }
}
END_TEST

START_TEST (test_max_pool2)
{
  for (guint round = 0; round < rounds (); round++) {
    gint64 n = range (1, 2), c = range (1, 5), h = range (2, 9);
    gint64 w = range (2, 70);
    UnetMaxPool2 p = { make_vec (0, n, c, h, w),
      make_vec (0, n, c, h / 2, w / 2) };
    gfloat *in = new_random (&p.src), *out = new_output (&p.dst);

    unet_kernel_max_pool2_plain (&p, (gpointer[]){ in, out }, threads ());
    check_guard (out, &p.dst);
    for (gint64 i = 0; i < n * c * (h / 2) * (w / 2); i++) {
      gint64 x = i % (w / 2) * 2, y = i / (w / 2) % (h / 2) * 2;
      const gfloat *a = in + (i / (w / 2) / (h / 2) * h + y) * w + x;
      gfloat want = MAX (MAX (a[0], a[1]), MAX (a[w], a[w + 1]));

      ck_assert_float_eq (out[i], want);
    }
    g_free (in);
    g_free (out);
  }
}
END_TEST

/* ---- time ---------------------------------------------------------------- */

static void
run_global (gpointer data, G_GNUC_UNUSED gpointer user)
{
  gpointer *args = data;

  unet_kernel_global_pool (args[0], args + 1, 1);
}

static void
run_max (gpointer data, G_GNUC_UNUSED gpointer user)
{
  gpointer *args = data;

  unet_kernel_max_pool2_plain (args[0], args + 1, 1);
}

static void
bench_all (void)
{
  UnetGlobalPool global = { make_vec (1, 1, 64, 64, 64), FALSE };
  UnetMaxPool2 max = { make_vec (0, 1, 64, 64, 64),
    make_vec (0, 1, 64, 32, 32) };
  gfloat *in = new_random (&max.src), *out = new_output (&max.dst);

  bench ("mean of 64 channels, 64x64", NULL, run_global,
      (gpointer[]){ &global, in, out });
  bench ("maximum of 2x2, 64 channels, 64x64", NULL, run_max,
      (gpointer[]){ &max, in, out });
  g_free (in);
  g_free (out);
}

int
main (int argc, char **argv)
{
  const KernelTest tests[] = {
    { test_global_pool, 8 },
    { test_max_pool2, 1 },
  };

  return kernel_test_main (
      argc, argv, "f32-pool", tests, G_N_ELEMENTS (tests), bench_all);
}
