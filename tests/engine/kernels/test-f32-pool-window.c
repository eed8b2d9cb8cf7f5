/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pooling with any window on every layout. */

#include <math.h>
#include "engine/kernels/f32-pool-window.h"
#include "f32-tensor.h"

static UnetPoolWindow
any_window (gint layout, UnetPoolKind kind)
{
  gint64 n = range (1, 2), c = range (1, 40), in[2], out[2];
  UnetPoolWindow p = { .kind = kind };

  for (guint i = 0; i < 2; i++) {
    gint64 span, end;

    p.kernel[i] = range (1, 5);
    p.stride[i] = range (1, 3);
    p.dilation[i] = range (1, 4);
    span = (p.kernel[i] - 1) * p.dilation[i] + 1;
    p.pad_begin[i] = range (0, span);
    in[i] = range (1, 20);
    end = in[i] + p.pad_begin[i] + range (0, span) - span;
    out[i] = MAX (end, 0) / p.stride[i] + 1;
  }
  p.src = make_vec (layout, n, c, in[0], in[1]);
  p.dst = make_vec (layout, n, c, out[0], out[1]);
  return p;
}

static gfloat
pool_one (const UnetPoolWindow *p, const gfloat *in, gint64 n, gint64 c,
    gint64 y, gint64 x)
{
  gdouble sum = 0, most = -INFINITY;
  gint64 inside = 0;

  for (gint64 i = 0; i < p->kernel[0] * p->kernel[1]; i++) {
    gint64 sy =
        y * p->stride[0] - p->pad_begin[0] + i / p->kernel[1] * p->dilation[0];
    gint64 sx =
        x * p->stride[1] - p->pad_begin[1] + i % p->kernel[1] * p->dilation[1];
    gdouble v;

    if (sy < 0 || sx < 0 || sy >= p->src.h || sx >= p->src.w)
      continue;
    v = in[at (&p->src, n, c, sy, sx)];
    sum += v;
    most = MAX (most, v);
    inside++;
  }
  if (p->kind == UNET_POOL_MAX)
    return most;
  return sum
      / (p->kind == UNET_POOL_AVERAGE ? MAX (inside, 1)
                                      : p->kernel[0] * p->kernel[1]);
}

START_TEST (test_pool_window)
{
  for (guint round = 0; round < rounds (); round++) {
    UnetPoolWindow p = any_window (_i % 4, _i / 4);
    gint64 rows = p.dst.h, columns = p.dst.w;
    gfloat *in = new_random (&p.src), *out = new_output (&p.dst);

    unet_kernel_pool_window (&p, (gpointer[]){ in, out }, threads ());
    check_guard (out, &p.dst);
    check_padding (out, &p.dst);
    for (gint64 i = 0; i < p.src.n * p.src.c * rows * columns; i++) {
      gint64 plane = i / rows / columns, y = i / columns % rows;
      gint64 n = plane / p.src.c, c = plane % p.src.c, x = i % columns;
      gfloat want = pool_one (&p, in, n, c, y, x);
      gfloat got = out[at (&p.dst, n, c, y, x)];

      /* a window without a tap gives an infinite maximum */
      if (p.kind == UNET_POOL_MAX)
        ck_assert_float_eq (got, want);
      else
        ck_assert_float_eq_tol (got, want, 1e-5);
    }
    g_free (in);
    g_free (out);
  }
}
END_TEST

/* ---- time ---------------------------------------------------------------- */

static void
run (gpointer data, G_GNUC_UNUSED gpointer user)
{
  gpointer *args = data;

  unet_kernel_pool_window (args[0], args + 1, 1);
}

static void
bench_all (void)
{
  UnetPoolWindow p = { make_vec (1, 1, 64, 64, 64), make_vec (1, 1, 64, 64, 64),
    UNET_POOL_MAX, { 3, 3 }, { 1, 1 }, { 2, 2 }, { 2, 2 } };
  gfloat *in = new_random (&p.src), *out = new_output (&p.dst);

  bench ("maximum of 3x3, dilation 2, 64 channels, 64x64", NULL, run,
      (gpointer[]){ &p, in, out });
  g_free (in);
  g_free (out);
}

int
main (int argc, char **argv)
{
  const KernelTest tests[] = { { test_pool_window, 12 } };

  return kernel_test_main (
      argc, argv, "f32-pool-window", tests, G_N_ELEMENTS (tests), bench_all);
}
