/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Kernels of f32-move.c on every layout. */

#include "engine/kernels/f32-move.h"
#include "f32-tensor.h"

START_TEST (test_copy_channels)
{
  gint layout = _i % 4;

  for (guint round = 0; round < rounds (); round++) {
    gint64 n = range (1, 2), a = range (1, 40), b = range (1, 40);
    gint64 h = range (1, 7), w = range (1, 9);
    UnetVec dst = make_vec (layout, n, a + b, h, w);
    UnetCopyChannels first = { make_vec (layout, n, a, h, w), dst, 0 };
    UnetCopyChannels second = { make_vec (layout, n, b, h, w), dst, a };
    gfloat *x = new_random (&first.src), *y = new_random (&second.src);
    gfloat *out = new_output (&dst);
    gpointer p1[] = { x, out }, p2[] = { y, out };

    unet_kernel_copy_channels (&first, p1, threads ());
    unet_kernel_copy_channels (&second, p2, threads ());
    check_guard (out, &dst);
    check_padding (out, &dst);
    for (gint64 i = 0; i < n * (a + b) * h * w; i++) {
      gint64 px = i % w, py = i / w % h, c = i / w / h % (a + b);
      gint64 image = i / w / h / (a + b);
      gfloat want = c < a ? x[at (&first.src, image, c, py, px)]
                          : y[at (&second.src, image, c - a, py, px)];
      ck_assert_float_eq (out[at (&dst, image, c, py, px)], want);
    }
    g_free (x);
    g_free (y);
    g_free (out);
  }
}
END_TEST

START_TEST (test_depth_to_space)
{
  gint layout = 1 + _i % 3;

  for (guint round = 0; round < rounds (); round++) {
    gint64 r = range (2, 3), c = range (1, 20), h = range (1, 6);
    gint64 w = range (1, 7), n = range (1, 2), group;
    UnetDepthToSpace p = { .dst = make_vec (layout, n, c, h * r, w * r),
      .r = r };
    gfloat *src, *out;

    group = layout == 3 ? c : p.dst.blocks * p.dst.vec;
    p.src = make_vec (layout, n, r * r * group, h, w);
    src = new_random (&p.src);
    /* the convolution leaves zeros in the groups' padding */
    for (gint64 i = 0; i < n * r * r * group * h * w; i++) {
      gint64 channel = i / w / h % (r * r * group);
      if (channel % group >= c)
        src[at (&p.src, i / w / h / (r * r * group), channel, i / w % h,
            i % w)] = 0;
    }
    out = new_output (&p.dst);
    unet_kernel_depth_to_space (&p, (gpointer[]){ src, out }, threads ());
    check_guard (out, &p.dst);
    check_padding (out, &p.dst);
    for (gint64 i = 0; i < n * c * h * r * w * r; i++) {
      gint64 x = i % (w * r), y = i / (w * r) % (h * r);
      gint64 k = i / (w * r) / (h * r) % c, m = i / (w * r) / (h * r) / c;
      gint64 channel = (y % r * r + x % r) * group + k;
      ck_assert_float_eq (out[at (&p.dst, m, k, y, x)],
          src[at (&p.src, m, channel, y / r, x / r)]);
    }
    g_free (src);
    g_free (out);
  }
}
END_TEST

START_TEST (test_depth_to_space_plain)
{
  for (guint round = 0; round < rounds (); round++) {
    gint64 r = range (2, 3), c = range (1, 4), h = range (1, 6);
    gint64 w = range (1, 7), n = range (1, 2);
    UnetDepthToSpace p = { make_vec (1 + _i, n, r * r * c, h, w),
      make_vec (0, n, c, h * r, w * r), r };
    gfloat *src = new_random (&p.src), *out = new_output (&p.dst);

    unet_kernel_depth_to_space_plain (&p, (gpointer[]){ src, out }, threads ());
    check_guard (out, &p.dst);
    for (gint64 i = 0; i < n * c * h * r * w * r; i++) {
      gint64 x = i % (w * r), y = i / (w * r) % (h * r);
      gint64 k = i / (w * r) / (h * r) % c, m = i / (w * r) / (h * r) / c;
      ck_assert_float_eq (out[i],
          src[at (&p.src, m, (y % r * r + x % r) * c + k, y / r, x / r)]);
    }
    g_free (src);
    g_free (out);
  }
}
END_TEST

START_TEST (test_pad_zero)
{
  gint layout = _i % 4;

  for (guint round = 0; round < rounds (); round++) {
    gint64 n = range (1, 2), c = range (1, 20), h = range (1, 6);
    gint64 w = range (1, 6), top = range (0, 3), left = range (0, 3);
    UnetPadZero p = { make_vec (layout, n, c, h, w),
      make_vec (layout, n, c, h + top + range (0, 3), w + left + range (0, 3)),
      top, left };
    gfloat *in = new_random (&p.src), *out = new_output (&p.dst);

    unet_kernel_pad_zero (&p, (gpointer[]){ in, out }, threads ());
    check_guard (out, &p.dst);
    for (gint64 i = 0; i < n * c * p.dst.h * p.dst.w; i++) {
      gint64 x = i % p.dst.w, y = i / p.dst.w % p.dst.h;
      gint64 k = i / p.dst.w / p.dst.h % c, m = i / p.dst.w / p.dst.h / c;
      gboolean inside = y >= top && y < top + h && x >= left && x < left + w;
      ck_assert_float_eq (out[at (&p.dst, m, k, y, x)],
          inside ? in[at (&p.src, m, k, y - top, x - left)] : 0.0f);
    }
    g_free (in);
    g_free (out);
  }
}
END_TEST

/* ---- time ---------------------------------------------------------------- */

static void
run_copy (gpointer data, G_GNUC_UNUSED gpointer user)
{
  gpointer *args = data;

  unet_kernel_copy_channels (args[0], args + 1, 1);
}

static void
run_depth_to_space (gpointer data, G_GNUC_UNUSED gpointer user)
{
  gpointer *args = data;

  unet_kernel_depth_to_space (args[0], args + 1, 1);
}

static void
bench_all (void)
{
  UnetCopyChannels copy = { make_vec (1, 1, 64, 64, 64),
    make_vec (1, 1, 128, 64, 64), 64 };
  UnetDepthToSpace space = { make_vec (1, 1, 4 * 64, 32, 32),
    make_vec (1, 1, 64, 64, 64), 2 };
  gfloat *in = new_random (&copy.src), *out = new_output (&copy.dst);

  bench ("copy 64 of 128 channels, 64x64", NULL, run_copy,
      (gpointer[]){ &copy, in, out });
  bench ("depth to space, 64 channels, 64x64", NULL, run_depth_to_space,
      (gpointer[]){ &space, in, out });
  g_free (in);
  g_free (out);
}

int
main (int argc, char **argv)
{
  const KernelTest tests[] = {
    { test_copy_channels, 4 },
    { test_depth_to_space, 3 },
    { test_depth_to_space_plain, 2 },
    { test_pad_zero, 4 },
  };

  return kernel_test_main (
      argc, argv, "f32-move", tests, G_N_ELEMENTS (tests), bench_all);
}
