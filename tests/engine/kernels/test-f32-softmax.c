/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Kernels of f32-softmax.c on every layout. */

#include <math.h>
#include "engine/kernels/f32-softmax.h"
#include "f32-tensor.h"

START_TEST (test_softmax)
{
  for (guint round = 0; round < rounds (); round++) {
    /* Channels next to each other are those of attention. */
    const gboolean line = _i >= 2;
    UnetSoftmaxPlain p = { line ? range (1, 9) : range (1, 2),
      line ? range (1, 700) : range (1, 6), line ? 1 : range (1, 700),
      _i % 2 == 1 };
    gfloat spread = g_rand_double_range (rng, 1, 60);
    UnetVec v = { p.n, p.c, 1, p.pixels, p.c, 1 };
    gfloat *in = new_random (&v), *out = new_output (&v);

    for (gsize i = 0; i < vec_size (&v); i++)
      in[i] *= spread;
    unet_kernel_softmax_plain (&p, (gpointer[]){ in, out }, threads ());
    check_guard (out, &v);
    for (gint64 i = 0; i < p.n * p.pixels; i++) {
      const gsize base = i / p.pixels * p.c * p.pixels + i % p.pixels;
      gdouble best = -INFINITY, sum = 0;

      for (gint64 c = 0; c < p.c; c++)
        best = MAX (best, in[base + c * p.pixels]);
      for (gint64 c = 0; c < p.c; c++)
        sum += exp (in[base + c * p.pixels] - best);
      for (gint64 c = 0; c < p.c; c++) {
        gdouble x = in[base + c * p.pixels] - best;
        gdouble want = p.logarithm ? x - log (sum) : exp (x) / sum;
        ck_assert_double_eq_tol (out[base + c * p.pixels], want,
            p.logarithm ? 1e-6 * (1 + fabs (want)) : 1e-6);
      }
    }
    g_free (in);
    g_free (out);
  }
}
END_TEST

/* ---- time ---------------------------------------------------------------- */

static void
run_softmax (gpointer data, G_GNUC_UNUSED gpointer user)
{
  gpointer *args = data;

  unet_kernel_softmax_plain (args[0], args + 1, 1);
}

static void
bench_all (void)
{
  UnetSoftmaxPlain p = { 1, 5, 256 * 256, FALSE };
  UnetVec v = { 1, p.c, 1, p.pixels, p.c, 1 };
  gfloat *in = new_random (&v), *out = new_output (&v);
  UnetSoftmaxPlain line = { 1280, 256, 1, FALSE };

  bench ("256 values next to each other, 1280 times", NULL, run_softmax,
      (gpointer[]){ &line, in, out });
  bench ("5 channels, 256x256", NULL, run_softmax, (gpointer[]){ &p, in, out });
  g_free (in);
  g_free (out);
}

int
main (int argc, char **argv)
{
  const KernelTest tests[] = {
    { test_softmax, 4 },
  };

  return kernel_test_main (
      argc, argv, "f32-softmax", tests, G_N_ELEMENTS (tests), bench_all);
}
