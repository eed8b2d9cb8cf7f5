/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Kernels of int8-convert.c. */

#include "engine/kernels/int8-convert.h"
#include "int8-picture.h"

START_TEST (test_convert)
{
  for (guint round = 0; round < rounds (); round++) {
    UnetElementType from = any_byte (), to = any_byte ();
    gint64 h = range (1, 6), w = range (1, 40), c = any_channels ();
    gfloat factor = g_rand_double_range (rng, 0.1, round % 3 ? 1 : 2.5);
    Picture a, b;
    UnetInt8Convert p;
    Guard g;

    picture_init (&a, from, 2, h, w, c);
    picture_init (&b, to, 2, h, w, c);
    g = guard (&b);
    p = (UnetInt8Convert){ from, to, 2, h, w, c, a.p, b.p, factor };
    unet_kernel_int8_convert (&p, (gpointer[]){ a.data, b.data }, range (1, 3));
    EACH (b, n_, y_, x_, k_)
    {
      gfloat exact = factor * get (&a, n_, y_, x_, k_);
      gfloat most = to == UNET_ELEMENT_U8 ? 255 : 127;

      exact = CLAMP (exact, to == UNET_ELEMENT_U8 ? 0 : -127, most);
      check_value (&b, n_, y_, x_, k_, exact, 0.51f);
    }
    check_guard (&g);
    g_free (a.memory);
    g_free (b.memory);
  }
}
END_TEST

START_TEST (test_floats)
{
  for (guint round = 0; round < rounds (); round++) {
    UnetElementType type = any_type ();
    gint64 h = range (1, 5), w = range (1, 300), c = any_channels ();
    gint64 vec = round % 3 == 0 ? 1 : round % 3 == 1 ? 16 : c;
    UnetVec v = { 2, c, h, w, (c + vec - 1) / vec, vec };
    gsize count = v.n * v.blocks * vec * h * w;
    gfloat *floats = g_new0 (gfloat, count), *back = g_new (gfloat, count);
    gfloat unit = type == UNET_ELEMENT_BF16 ? 1.0f : 0.03f;
    UnetInt8Float p = { type, v, { 0 }, 1 / unit };
    Picture b;
    Guard g;

    picture_init (&b, type, 2, h, w, c);
    g = guard (&b);
    p.pixels = b.p;
    for (gsize i = 0; i < count; i++)
      floats[i] = g_rand_double_range (rng, -5, 9);
    unet_kernel_int8_quantize (&p, (gpointer[]){ floats, b.data }, 2);
    check_guard (&g);
    p.factor = unit;
    unet_kernel_int8_dequantize (&p, (gpointer[]){ b.data, back }, 3);
    EACH (b, n_, y_, x_, k_)
    {
      gsize at =
          ((n_ * v.blocks + k_ / vec) * h + y_) * w * vec + x_ * vec + k_ % vec;

      check_value (
          &b, n_, y_, x_, k_, fit (type, floats[at] / unit, -INFINITY), 1);
      ck_assert_float_eq_tol (back[at], unit * get (&b, n_, y_, x_, k_), 1e-5);
    }
    for (gsize i = 0; c % vec && i < count; i++) /* lanes without a channel */
      if ((i / vec / w / h) % v.blocks == (gsize) v.blocks - 1
          && (gint64) (i % vec) >= c % vec)
        ck_assert (back[i] == 0.0f);
    g_free (floats);
    g_free (back);
    g_free (b.memory);
  }
}
END_TEST

START_TEST (test_map)
{
  for (guint round = 0; round < rounds (); round++) {
    gint64 h = range (1, 6), w = range (1, 20), c = any_channels ();
    guint8 table[256];
    Picture a, b;
    UnetInt8Map m;
    Guard g;

    for (guint i = 0; i < 256; i++)
      table[i] = g_rand_int (rng);
    picture_init (&a, any_byte (), 2, h, w, c);
    picture_init (&b, UNET_ELEMENT_U8, 2, h, w, c);
    g = guard (&b);
    m = (UnetInt8Map){ 2, h, w, c, a.p, b.p };
    unet_kernel_int8_map (
        &m, (gpointer[]){ a.data, table, b.data }, threads ());
    EACH (b, n_, y_, x_, k_)
    ck_assert (b.data[n_ * b.p.image + y_ * b.p.row + x_ * b.p.pixel + k_]
        == table[a.data[n_ * a.p.image + y_ * a.p.row + x_ * a.p.pixel + k_]]);
    check_guard (&g);
    g_free (a.memory);
    g_free (b.memory);
  }
}
END_TEST

/* ---- time ---------------------------------------------------------------- */

static void
run_convert (gpointer data, G_GNUC_UNUSED gpointer user)
{
  gpointer *args = data;

  unet_kernel_int8_convert (args[0], args + 1, 1);
}

static void
run_quantize (gpointer data, G_GNUC_UNUSED gpointer user)
{
  gpointer *args = data;

  unet_kernel_int8_quantize (args[0], args + 1, 1);
}

static void
bench_all (void)
{
  Picture a, b;
  UnetVec v = { 1, 64, 64, 64, 4, 16 };
  gfloat *floats = g_new0 (gfloat, 64 * 64 * 64);
  UnetInt8Convert p;
  UnetInt8Float q;

  picture_init (&a, UNET_ELEMENT_U8, 1, 64, 64, 64);
  picture_init (&b, UNET_ELEMENT_U8, 1, 64, 64, 64);
  p = (UnetInt8Convert){ UNET_ELEMENT_U8, UNET_ELEMENT_U8, 1, 64, 64, 64, a.p,
    b.p, 0.7f };
  q = (UnetInt8Float){ UNET_ELEMENT_U8, v, b.p, 3 };
  bench ("another scale, 64 channels, 64x64", NULL, run_convert,
      (gpointer[]){ &p, a.data, b.data });
  bench ("from f32, 64 channels, 64x64", NULL, run_quantize,
      (gpointer[]){ &q, floats, b.data });
  g_free (floats);
  g_free (a.memory);
  g_free (b.memory);
}

int
main (int argc, char **argv)
{
  const KernelTest tests[] = {
    { test_convert, 1 },
    { test_floats, 1 },
    { test_map, 1 },
  };

  return kernel_test_main (
      argc, argv, "int8-convert", tests, G_N_ELEMENTS (tests), bench_all);
}
