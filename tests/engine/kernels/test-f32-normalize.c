/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The kernel of f32-normalize.c, for layers and for instances. */

#include <math.h>
#include "engine/kernels/f32-normalize.h"
#include "f32-tensor.h"

/* Checks one group of @p with a mean and a variance in double. */
static void
check_group (const UnetNormalize *p, gint64 group, const gfloat *in,
    const gfloat *factor, const gfloat *bias, const gfloat *out)
{
  gdouble mean = 0, variance = 0, inverse;

  in += group * p->size;
  out += group * p->size;
  for (gint64 i = 0; i < p->size; i++)
    mean += in[i] / (gdouble) p->size;
  for (gint64 i = 0; i < p->size; i++)
    variance += (in[i] - mean) * (in[i] - mean) / p->size;
  inverse = 1 / sqrt (variance + p->epsilon);
  for (gint64 i = 0; i < p->size; i++) {
    const gint64 k = p->channels ? group % p->channels : i;
    gdouble normal = (in[i] - mean) * inverse;
    gdouble want = normal * factor[k] + (p->has_bias ? bias[k] : 0);

    /* 64 sums in f32 for each lane of a tile. */
    ck_assert_double_eq_tol (out[i], want,
        64 * 6e-8 * fabs (factor[k]) * (1 + fabs (normal))
            + 1e-6 * (1 + fabs (want)));
  }
}

START_TEST (test_normalize)
{
  for (guint round = 0; round < rounds (); round++) {
    const gboolean instance = _i >= 2;
    UnetNormalize p = { range (1, 20), range (1, round % 8 ? 300 : 9000),
      instance ? range (1, 5) : 0, 1e-5f, _i % 2 == 1 };
    UnetVec v = { p.groups, 1, 1, p.size, 1, 1 };
    UnetVec w = { 1, 1, 1, instance ? p.channels : p.size, 1, 1 };
    gfloat *in = new_random (&v), *out = new_output (&v);
    gfloat *factor = new_random (&w), *bias = new_random (&w);
    gfloat shift = round % 3 ? 0 : g_rand_double_range (rng, -50, 50);

    for (gsize i = 0; i < vec_size (&v); i++)
      in[i] += shift;
    unet_kernel_normalize (&p,
        p.has_bias ? (gpointer[]){ in, factor, bias, out }
                   : (gpointer[]){ in, factor, out },
        threads ());
    check_guard (out, &v);
    for (gint64 i = 0; i < p.groups; i++)
      check_group (&p, i, in, factor, bias, out);
    g_free (in);
    g_free (out);
    g_free (factor);
    g_free (bias);
  }
}
END_TEST

/* ---- time ---------------------------------------------------------------- */

static void
run_normalize (gpointer data, G_GNUC_UNUSED gpointer user)
{
  gpointer *args = data;

  unet_kernel_normalize (args[0], args + 1, 1);
}

static void
bench_all (void)
{
  UnetNormalize layer = { 16384, 32, 0, 1e-5f, TRUE };
  UnetNormalize instance = { 32, 16384, 32, 1e-5f, TRUE };
  UnetVec v = { layer.groups, 1, 1, layer.size, 1, 1 };
  UnetVec w = { 1, 1, 1, 32, 1, 1 };
  gfloat *in = new_random (&v), *out = new_output (&v);
  gfloat *factor = new_random (&w), *bias = new_random (&w);

  bench ("layers of 32, 16384 times", NULL, run_normalize,
      (gpointer[]){ &layer, in, factor, bias, out });
  bench ("instances of 128x128, 32 times", NULL, run_normalize,
      (gpointer[]){ &instance, in, factor, bias, out });
  g_free (in);
  g_free (out);
  g_free (factor);
  g_free (bias);
}

int
main (int argc, char **argv)
{
  const KernelTest tests[] = {
    { test_normalize, 4 },
  };

  return kernel_test_main (
      argc, argv, "f32-normalize", tests, G_N_ELEMENTS (tests), bench_all);
}
