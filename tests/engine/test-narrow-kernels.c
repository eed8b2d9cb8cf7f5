/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Kernels over bytes and bfloat16 against plain loops: random sizes, steps
 * between pixels, and guard bytes all round. */

#include <check.h>
#include <math.h>
#include <string.h>
#include "engine/kernels/int8-move.h"

static GRand *rng;

#define GUARD 64
/* Fewer where each takes long, under the sanitizers. */
static guint
rounds (void)
{
  const gchar *text = g_getenv ("UNET_TEST_ROUNDS");

  return text ? atoi (text) : 60;
}

static gint64
range (gint64 low, gint64 high)
{
  return g_rand_int_range (rng, low, high + 1);
}

static UnetNarrowType
any_type (void)
{
  return range (UNET_NARROW_U8, UNET_NARROW_BF16);
}

static UnetNarrowType
any_byte (void)
{
  return range (UNET_NARROW_U8, UNET_NARROW_S8);
}

static gint64
any_channels (void)
{
  const gint64 usual[] = { 1, 3, 8, 16, 24, 32, 64, 70 };
  return usual[range (0, G_N_ELEMENTS (usual) - 1)];
}

/* ---- pictures ------------------------------------------------------------ */

typedef struct {
  UnetNarrowType type;
  gint64 n, h, w, c;
  UnetPixels p;
  gsize bytes;
  guint8 *memory, *data;
} Picture;

static gfloat
get (const Picture *x, gint64 n, gint64 y, gint64 i, gint64 c)
{
  gint64 at = n * x->p.image + y * x->p.row + i * x->p.pixel + c;
  guint32 bits;
  gfloat f;

  if (x->type == UNET_NARROW_U8)
    return x->data[at];
  if (x->type == UNET_NARROW_S8)
    return ((gint8 *) x->data)[at];
  bits = (guint32) ((guint16 *) x->data)[at] << 16;
  memcpy (&f, &bits, sizeof f);
  return f;
}

static guint16
bf16 (gfloat f)
{
  guint32 bits;

  memcpy (&bits, &f, sizeof f);
  return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

static void
picture_init (
    Picture *x, UnetNarrowType type, gint64 n, gint64 h, gint64 w, gint64 c)
{
  gint64 step = c + (range (0, 1) ? range (0, 40) : 0);
  guint size = unet_narrow_size (type);

  *x = (Picture){ type, n, h, w, c, { step, step * w, step * w * h }, 0, NULL,
    NULL };
  x->bytes = n * x->p.image * size;
  x->memory = g_malloc (x->bytes + 2 * GUARD);
  x->data = x->memory + GUARD;
  for (gsize i = 0; i < x->bytes + 2 * GUARD; i++)
    x->memory[i] = g_rand_int (rng);
  for (gsize i = 0; type == UNET_NARROW_BF16 && i < x->bytes / 2; i++)
    ((guint16 *) x->data)[i] = bf16 (g_rand_double_range (rng, -8, 8));
  for (gsize i = 0; type == UNET_NARROW_S8 && i < x->bytes; i++)
    if (x->data[i] == 0x80)
      x->data[i] = 0;
}

/* Round half to even, as the processor does. */
static gfloat
fit (UnetNarrowType type, gfloat v, gfloat low)
{
  guint32 bits;

  v = MAX (v, low);
  if (type == UNET_NARROW_U8)
    return CLAMP (rintf (v), 0, 255);
  if (type == UNET_NARROW_S8)
    return CLAMP (rintf (v), -127, 127);
  bits = (guint32) bf16 (v) << 16;
  memcpy (&v, &bits, sizeof v);
  return v;
}

/* What lies between the pixels, and round all, must be as it was. */
typedef struct {
  Picture *x;
  guint8 *before;
} Guard;

static Guard
guard (Picture *x)
{
  return (Guard){ x, g_memdup2 (x->memory, x->bytes + 2 * GUARD) };
}

static void
check_guard (Guard *g)
{
  const Picture *x = g->x;
  guint size = unet_narrow_size (x->type);

  ck_assert (memcmp (g->before, x->memory, GUARD) == 0);
  ck_assert (
      memcmp (g->before + GUARD + x->bytes, x->data + x->bytes, GUARD) == 0);
  for (gint64 i = 0; i < x->n * x->h * x->w; i++)
    for (gint64 k = x->c * size; k < x->p.pixel * size; k++)
      ck_assert_msg (x->data[i * x->p.pixel * size + k]
              == g->before[GUARD + i * x->p.pixel * size + k],
          "written between the pixels");
  g_free (g->before);
}

#define EACH(pic, N, Y, X, C)                                                  \
  for (gint64 N = 0; N < (pic).n; N++)                                         \
    for (gint64 Y = 0; Y < (pic).h; Y++)                                       \
      for (gint64 X = 0; X < (pic).w; X++)                                     \
        for (gint64 C = 0; C < (pic).c; C++)

/* @off: how far a rounded number may be from the exact one's */
static void
check_value (const Picture *x, gint64 n, gint64 y, gint64 i, gint64 c,
    gfloat want, gfloat off)
{
  gfloat got = get (x, n, y, i, c);
  gfloat allowed = x->type == UNET_NARROW_BF16 ? fabsf (want) * 0.008f + 1e-3f
                                               : off;

  ck_assert_msg (fabsf (got - want) <= allowed, "%g for %g", got, want);
}

/* ---- tests --------------------------------------------------------------- */

START_TEST (test_max_pool2)
{
  for (guint round = 0; round < rounds (); round++) {
    UnetNarrowType type = any_type ();
    gint64 n = range (1, 2), h = range (2, 9), w = range (2, 19);
    gint64 c = any_channels ();
    Picture a, b;
    UnetNarrowMaxPool2 p;
    Guard g;

    picture_init (&a, type, n, h, w, c);
    picture_init (&b, type, n, h / 2, w / 2, c);
    g = guard (&b);
    p = (UnetNarrowMaxPool2){ type, n, h / 2, w / 2, c, a.p, b.p };
    unet_kernel_narrow_max_pool2 (
        &p, (gpointer[]){ a.data, b.data }, range (1, 3));
    EACH (b, m_, y_, x_, k_)
    {
      gfloat top = MAX (get (&a, m_, 2 * y_, 2 * x_, k_),
          get (&a, m_, 2 * y_, 2 * x_ + 1, k_));
      gfloat low = MAX (get (&a, m_, 2 * y_ + 1, 2 * x_, k_),
          get (&a, m_, 2 * y_ + 1, 2 * x_ + 1, k_));
      ck_assert (get (&b, m_, y_, x_, k_) == MAX (top, low));
    }
    check_guard (&g);
    g_free (a.memory);
    g_free (b.memory);
  }
}
END_TEST

START_TEST (test_convert)
{
  for (guint round = 0; round < rounds (); round++) {
    UnetNarrowType from = any_byte (), to = any_byte ();
    gint64 h = range (1, 6), w = range (1, 40), c = any_channels ();
    gfloat factor = g_rand_double_range (rng, 0.1, round % 3 ? 1 : 2.5);
    Picture a, b;
    UnetNarrowConvert p;
    Guard g;

    picture_init (&a, from, 2, h, w, c);
    picture_init (&b, to, 2, h, w, c);
    g = guard (&b);
    p = (UnetNarrowConvert){ from, to, 2, h, w, c, a.p, b.p, factor };
    unet_kernel_narrow_convert (
        &p, (gpointer[]){ a.data, b.data }, range (1, 3));
    EACH (b, n_, y_, x_, k_)
    {
      gfloat exact = factor * get (&a, n_, y_, x_, k_);
      gfloat most = to == UNET_NARROW_U8 ? 255 : 127;

      exact = CLAMP (exact, to == UNET_NARROW_U8 ? 0 : -127, most);
      check_value (&b, n_, y_, x_, k_, exact, 0.51f);
    }
    check_guard (&g);
    g_free (a.memory);
    g_free (b.memory);
  }
}
END_TEST

START_TEST (test_add)
{
  for (guint round = 0; round < rounds (); round++) {
    gboolean half = round % 4 == 0;
    UnetNarrowType tx = half ? UNET_NARROW_BF16 : any_byte ();
    UnetNarrowType ty = half ? UNET_NARROW_BF16 : any_byte ();
    UnetNarrowType to = half ? UNET_NARROW_BF16 : any_byte ();
    gint64 h = range (1, 6), w = range (1, 20), c = any_channels ();
    gfloat fa = g_rand_double_range (rng, 0.1, 1);
    gfloat fb = g_rand_double_range (rng, 0.1, 1);
    gfloat low = round % 2 ? 0.0f : -INFINITY;
    Picture a, b, d;
    UnetNarrowAdd p;
    Guard g;

    picture_init (&a, tx, 1, h, w, c);
    picture_init (&b, ty, 1, h, w, c);
    picture_init (&d, to, 1, h, w, c);
    g = guard (&d);
    p = (UnetNarrowAdd){ tx, ty, to, 1, h, w, c, a.p, b.p, d.p, fa, fb, low };
    unet_kernel_narrow_add (
        &p, (gpointer[]){ a.data, b.data, d.data }, range (1, 3));
    EACH (d, n_, y_, x_, k_)
    check_value (&d, n_, y_, x_, k_,
        fit (to, fa * get (&a, n_, y_, x_, k_) + fb * get (&b, n_, y_, x_, k_),
            low),
        1);
    check_guard (&g);
    g_free (a.memory);
    g_free (b.memory);
    g_free (d.memory);
  }
}
END_TEST

START_TEST (test_scale_and_map)
{
  for (guint round = 0; round < rounds (); round++) {
    UnetNarrowType from = any_byte (), to = any_byte ();
    gint64 h = range (1, 6), w = range (1, 20), c = any_channels ();
    gfloat factor[2 * 70];
    guint8 table[256];
    Picture a, b;
    UnetNarrowScale p;
    UnetNarrowMap m;

    for (guint i = 0; i < G_N_ELEMENTS (factor); i++)
      factor[i] = g_rand_double (rng);
    for (guint i = 0; i < 256; i++)
      table[i] = g_rand_int (rng);
    picture_init (&a, from, 2, h, w, c);
    picture_init (&b, to, 2, h, w, c);
    p = (UnetNarrowScale){ from, to, 2, h, w, c, a.p, b.p, 0.7f, -INFINITY };
    unet_kernel_narrow_scale (
        &p, (gpointer[]){ a.data, factor, b.data }, range (1, 3));
    EACH (b, n_, y_, x_, k_)
    check_value (&b, n_, y_, x_, k_,
        fit (to, 0.7f * factor[n_ * c + k_] * get (&a, n_, y_, x_, k_),
            -INFINITY),
        1);
    m = (UnetNarrowMap){ 2, h, w, c, a.p, b.p };
    unet_kernel_narrow_map (&m, (gpointer[]){ a.data, table, b.data }, 2);
    EACH (b, n_, y_, x_, k_)
    ck_assert (b.data[n_ * b.p.image + y_ * b.p.row + x_ * b.p.pixel + k_]
        == table[a.data[n_ * a.p.image + y_ * a.p.row + x_ * a.p.pixel + k_]]);
    g_free (a.memory);
    g_free (b.memory);
  }
}
END_TEST

START_TEST (test_floats)
{
  for (guint round = 0; round < rounds (); round++) {
    UnetNarrowType type = any_type ();
    gint64 h = range (1, 5), w = range (1, 300), c = any_channels ();
    gint64 vec = round % 3 == 0 ? 1 : round % 3 == 1 ? 16 : c;
    UnetVec v = { 2, c, h, w, (c + vec - 1) / vec, vec };
    gsize count = v.n * v.blocks * vec * h * w;
    gfloat *floats = g_new0 (gfloat, count), *back = g_new (gfloat, count);
    gfloat unit = type == UNET_NARROW_BF16 ? 1.0f : 0.03f;
    UnetNarrowFloat p = { type, v, { 0 }, 1 / unit };
    Picture b;
    Guard g;

    picture_init (&b, type, 2, h, w, c);
    g = guard (&b);
    p.pixels = b.p;
    for (gsize i = 0; i < count; i++)
      floats[i] = g_rand_double_range (rng, -5, 9);
    unet_kernel_narrow_quantize (&p, (gpointer[]){ floats, b.data }, 2);
    check_guard (&g);
    p.factor = unit;
    unet_kernel_narrow_dequantize (&p, (gpointer[]){ b.data, back }, 3);
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

START_TEST (test_head_and_pool)
{
  for (guint round = 0; round < rounds (); round++) {
    UnetNarrowType type = any_type ();
    gint64 h = range (1, 5), w = range (1, 50), c = any_channels ();
    gint64 oc = range (1, UNET_HEAD_CHANNELS);
    gfloat weights[UNET_HEAD_CHANNELS * 70], bias[UNET_HEAD_CHANNELS];
    gfloat *out = g_new (gfloat, 2 * oc * h * w + 1), mean[2 * 70];
    Picture a;
    UnetNarrowHead p;
    UnetNarrowGlobalPool q;

    for (guint i = 0; i < G_N_ELEMENTS (weights); i++)
      weights[i] = g_rand_double_range (rng, -1, 1);
    for (guint i = 0; i < G_N_ELEMENTS (bias); i++)
      bias[i] = g_rand_double_range (rng, -1, 1);
    picture_init (&a, type, 2, h, w, c);
    p = (UnetNarrowHead){ type, 2, h, w, c, oc, a.p };
    out[2 * oc * h * w] = 77;
    unet_kernel_narrow_head (
        &p, (gpointer[]){ a.data, weights, bias, out }, range (1, 3));
    for (gint64 i = 0; i < 2 * oc * h * w; i++) {
      gint64 n = i / (oc * h * w), o = i / (h * w) % oc, at = i % (h * w);
      gdouble sum = bias[o];

      for (gint64 k = 0; k < c; k++)
        sum += weights[o * c + k] * get (&a, n, at / w, at % w, k);
      ck_assert_float_eq_tol (out[i], sum, 1e-2);
    }
    ck_assert (out[2 * oc * h * w] == 77);
    q = (UnetNarrowGlobalPool){ type, 2, h, w, c, a.p, 0.5f, round % 2 };
    unet_kernel_narrow_global_pool (&q, (gpointer[]){ a.data, mean }, 2);
    for (gint64 i = 0; i < 2 * c; i++) {
      gdouble sum = 0, top = -INFINITY;

      for (gint64 at = 0; at < h * w; at++) {
        gfloat x = get (&a, i / c, at / w, at % w, i % c);

        sum += x;
        top = MAX (top, x);
      }
      ck_assert_float_eq_tol (
          mean[i], 0.5 * (round % 2 ? top : sum / (h * w)), 1e-3);
    }
    g_free (out);
    g_free (a.memory);
  }
}
END_TEST

START_TEST (test_moves)
{
  for (guint round = 0; round < rounds (); round++) {
    gint64 h = range (1, 6), w = range (1, 12), c = any_channels ();
    gint64 r = range (1, 3);
    Picture a, b, s, d;
    UnetNarrowMove p;
    UnetNarrowSpread q;
    Guard g;

    picture_init (&a, UNET_NARROW_U8, 2, h, w, c);
    picture_init (&b, UNET_NARROW_U8, 2, h, w, c);
    g = guard (&b);
    p = (UnetNarrowMove){ 2, h, w, c, a.p, b.p, 0, 0 };
    unet_kernel_narrow_move (&p, (gpointer[]){ a.data, b.data }, 2);
    EACH (b, n_, y_, x_, k_)
    ck_assert (get (&a, n_, y_, x_, k_) == get (&b, n_, y_, x_, k_));
    check_guard (&g);
    picture_init (&s, UNET_NARROW_U8, 2, h, w, c * r * r);
    while (s.p.pixel != s.c) {
      g_free (s.memory);
      picture_init (&s, UNET_NARROW_U8, 2, h, w, c * r * r);
    }
    picture_init (&d, UNET_NARROW_U8, 2, h * r, w * r, c);
    g = guard (&d);
    q = (UnetNarrowSpread){ 2, h, w, r, c, d.p };
    unet_kernel_narrow_spread (&q, (gpointer[]){ s.data, d.data }, 2);
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

START_TEST (test_resize)
{
  for (guint round = 0; round < rounds (); round++) {
    UnetNarrowType type = any_type ();
    gint64 h = range (1, 7), w = range (1, 9), c = any_channels ();
    gint64 oh = range (1, 12), ow = range (1, 15);
    UnetVec from = { 2, c, h, w, 1, c }, to = { 2, c, oh, ow, 1, c };
    gboolean nearest = round % 2;
    UnetResizeTables *t = unet_resize_tables_new (from, to, nearest);
    UnetNarrowResize p;
    Picture a, b;
    Guard g;

    for (gint64 i = 0; i < oh; i++) {
      t->y0[i] = range (0, h - 1);
      t->y1[i] = nearest ? t->y0[i] : range (0, h - 1);
      t->fy[i] = nearest ? 0 : g_rand_double (rng);
    }
    for (gint64 i = 0; i < ow; i++) {
      t->x0[i] = range (0, w - 1);
      t->x1[i] = nearest ? t->x0[i] : range (0, w - 1);
      t->fx[i] = nearest ? 0 : g_rand_double (rng);
    }
    picture_init (&a, type, 2, h, w, c);
    picture_init (&b, type, 2, oh, ow, c);
    g = guard (&b);
    p = (UnetNarrowResize){ type, c, a.p, b.p, t };
    unet_kernel_narrow_resize (&p, (gpointer[]){ a.data, b.data }, 2);
    EACH (b, n_, y_, x_, k_)
    {
      gfloat top = get (&a, n_, t->y0[y_], t->x0[x_], k_) * (1 - t->fx[x_])
          + get (&a, n_, t->y0[y_], t->x1[x_], k_) * t->fx[x_];
      gfloat low = get (&a, n_, t->y1[y_], t->x0[x_], k_) * (1 - t->fx[x_])
          + get (&a, n_, t->y1[y_], t->x1[x_], k_) * t->fx[x_];

      check_value (
          &b, n_, y_, x_, k_, top * (1 - t->fy[y_]) + low * t->fy[y_], 0.51f);
    }
    check_guard (&g);
    g_free (t);
    g_free (a.memory);
    g_free (b.memory);
  }
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("narrow kernels");
  TCase *all = tcase_create ("all");
  SRunner *runner;
  int failed;

  rng = g_rand_new_with_seed (11);
  tcase_set_timeout (all, 120);
  tcase_add_test (all, test_max_pool2);
  tcase_add_test (all, test_convert);
  tcase_add_test (all, test_add);
  tcase_add_test (all, test_scale_and_map);
  tcase_add_test (all, test_floats);
  tcase_add_test (all, test_head_and_pool);
  tcase_add_test (all, test_moves);
  tcase_add_test (all, test_resize);
  suite_add_tcase (suite, all);
  runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  g_rand_free (rng);
  return failed != 0;
}
