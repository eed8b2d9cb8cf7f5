/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Kernels of f32-pointwise.c on every layout. */

#include "engine/kernels/f32-pointwise.h"
#include "f32-tensor.h"

START_TEST (test_linear_clip)
{
  gint layout = _i % 4;

  for (guint round = 0; round < rounds (); round++) {
    UnetLinearClip p = { make_vec (layout, range (1, 2), range (1, 20),
                             range (1, 5), range (1, 9)),
      0.4f, 0.3f, 0.0f, 1.0f };
    gfloat *in = new_random (&p.vec), *out = new_output (&p.vec);

    unet_kernel_linear_clip (&p, (gpointer[]){ in, out }, threads ());
    check_guard (out, &p.vec);
    check_padding (out, &p.vec);
    for (gint64 i = 0; i < p.vec.n * p.vec.c * p.vec.h * p.vec.w; i++) {
      gint64 x = i % p.vec.w, y = i / p.vec.w % p.vec.h;
      gint64 k = i / p.vec.w / p.vec.h;
      gsize o = at (&p.vec, k / p.vec.c, k % p.vec.c, y, x);
      ck_assert_float_eq_tol (out[o], CLAMP (0.4f * in[o] + 0.3f, 0, 1), 1e-6);
    }
    g_free (in);
    g_free (out);
  }
}
END_TEST

START_TEST (test_prelu)
{
  gint layout = _i % 4;

  for (guint round = 0; round < rounds (); round++) {
    UnetPRelu p = { make_vec (
        layout, range (1, 2), range (1, 20), range (1, 5), range (1, 9)) };
    gfloat *in = new_random (&p.vec), *out = new_output (&p.vec);
    gfloat *slope = g_new0 (gfloat, p.vec.blocks * p.vec.vec);

    for (gint64 c = 0; c < p.vec.c; c++)
      slope[c] = g_rand_double (rng);
    unet_kernel_prelu (&p, (gpointer[]){ in, slope, out }, threads ());
    check_guard (out, &p.vec);
    check_padding (out, &p.vec);
    for (gint64 i = 0; i < p.vec.n * p.vec.c * p.vec.h * p.vec.w; i++) {
      gint64 x = i % p.vec.w, y = i / p.vec.w % p.vec.h;
      gint64 k = i / p.vec.w / p.vec.h;
      gsize o = at (&p.vec, k / p.vec.c, k % p.vec.c, y, x);
      ck_assert_float_eq (
          out[o], in[o] < 0 ? slope[k % p.vec.c] * in[o] : in[o]);
    }
    g_free (in);
    g_free (out);
    g_free (slope);
  }
}
END_TEST

/* ---- time ---------------------------------------------------------------- */

static void
run_clip (gpointer data, G_GNUC_UNUSED gpointer user)
{
  gpointer *args = data;

  unet_kernel_linear_clip (args[0], args + 1, 1);
}

static void
run_prelu (gpointer data, G_GNUC_UNUSED gpointer user)
{
  gpointer *args = data;

  unet_kernel_prelu (args[0], args + 1, 1);
}

static void
bench_all (void)
{
  UnetLinearClip clip = { make_vec (1, 1, 64, 64, 64), 0.4f, 0.3f, 0, 1 };
  UnetPRelu prelu = { clip.vec };
  gfloat *in = new_random (&clip.vec), *out = new_output (&clip.vec);
  gfloat slope[64] = { 0.5f };

  bench ("linear and clip, 64 channels, 64x64", NULL, run_clip,
      (gpointer[]){ &clip, in, out });
  bench ("PReLU, 64 channels, 64x64", NULL, run_prelu,
      (gpointer[]){ &prelu, in, slope, out });
  g_free (in);
  g_free (out);
}

int
main (int argc, char **argv)
{
  const KernelTest tests[] = {
    { test_linear_clip, 4 },
    { test_prelu, 4 },
  };

  return kernel_test_main (
      argc, argv, "f32-pointwise", tests, G_N_ELEMENTS (tests), bench_all);
}
