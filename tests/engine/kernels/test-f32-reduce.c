/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The kernel of f32-reduce.c, for rows and for columns. */

#include <math.h>
#include "engine/kernels/f32-reduce.h"
#include "f32-tensor.h"

START_TEST (test_reduce)
{
  for (guint round = 0; round < rounds (); round++) {
    UnetReduce p = { range (1, 20), range (1, round % 4 ? 50 : 3000),
      _i ? range (1, 200) : 1, 1 };
    UnetVec v = { p.outer, 1, p.n, p.inner, 1, 1 };
    UnetVec w = { p.outer, 1, 1, p.inner, 1, 1 };
    gfloat *in = new_random (&v), *out = new_output (&w);

    p.scale = round % 2 ? 1 : 1.0 / (gdouble) p.n;
    unet_kernel_reduce (&p, (gpointer[]){ in, out }, threads ());
    check_guard (out, &w);
    for (gint64 i = 0; i < p.outer * p.inner; i++) {
      const gint64 first = i / p.inner * p.n * p.inner + i % p.inner;
      gdouble sum = 0;

      for (gint64 k = 0; k < p.n; k++)
        sum += (gdouble) in[first + k * p.inner];
      /* Sums of doubles in another order, rounded to f32 once. */
      ck_assert_double_eq_tol (
          (gdouble) out[i], sum * p.scale, 6e-8 * fabs (sum * p.scale) + 1e-12);
    }
    g_free (in);
    g_free (out);
  }
}
END_TEST

/* ---- time ---------------------------------------------------------------- */

static void
run_reduce (gpointer data, G_GNUC_UNUSED gpointer user)
{
  gpointer *args = data;

  unet_kernel_reduce (args[0], args + 1, 1);
}

static void
bench_all (void)
{
  UnetReduce columns = { 1, 2, 64 * 32 * 32, 1 };
  UnetReduce rows = { 64, 32 * 32, 1, 1 };
  UnetVec v = { 1, 1, 1, 2 * 64 * 32 * 32, 1, 1 };
  gfloat *in = new_random (&v), *out = new_output (&v);

  bench ("2 of 64x32x32", NULL, run_reduce, (gpointer[]){ &columns, in, out });
  bench ("64 of 32x32", NULL, run_reduce, (gpointer[]){ &rows, in, out });
  g_free (in);
  g_free (out);
}

int
main (int argc, char **argv)
{
  const KernelTest tests[] = {
    { test_reduce, 2 },
  };

  return kernel_test_main (
      argc, argv, "f32-reduce", tests, G_N_ELEMENTS (tests), bench_all);
}
