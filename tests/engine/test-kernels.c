/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every kernel of the engine against a plain oracle on an NCHW array, on
 * random sizes, in every layout, with guard bytes behind the output. */

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "engine/kernels/f32.h"
#include "engine/kernels/f32-conv-few-channels.h"

#define GUARD  64
#define ROUNDS 60

static GRand *rng;

static UnetVec
make_vec (gint layout, gint64 n, gint64 c, gint64 h, gint64 w)
{
  UnetVec v = { n, c, h, w, c, 1 };

  if (layout == 1)
    v.vec = 16;
  if (layout == 2)
    v.vec = 8;
  if (layout == 3) {
    v.vec = c;
    v.blocks = 1;
  }
  if (layout == 1 || layout == 2)
    v.blocks = (c + v.vec - 1) / v.vec;
  return v;
}

static gsize
vec_size (const UnetVec *v)
{
  return v->n * v->blocks * v->h * v->w * v->vec;
}

static gsize
at (const UnetVec *v, gint64 n, gint64 c, gint64 y, gint64 x)
{
  return (((n * v->blocks + c / v->vec) * v->h + y) * v->w + x) * v->vec
      + c % v->vec;
}

static gfloat *
new_random (const UnetVec *v)
{
  gfloat *data = g_new0 (gfloat, vec_size (v));

  for (gint64 n = 0; n < v->n; n++)
    for (gint64 c = 0; c < v->c; c++)
      for (gint64 y = 0; y < v->h; y++)
        for (gint64 x = 0; x < v->w; x++)
          data[at (v, n, c, y, x)] = g_rand_double_range (rng, -2, 2);
  return data;
}

/* Output memory full of a number that no kernel makes, with a guard. */
static gfloat *
new_output (const UnetVec *v)
{
  gsize n = vec_size (v) + GUARD;
  gfloat *data = g_new (gfloat, n);

  for (gsize i = 0; i < n; i++)
    data[i] = 12345.0f;
  return data;
}

static void
check_guard (const gfloat *data, const UnetVec *v)
{
  for (gsize i = 0; i < GUARD; i++)
    ck_assert_float_eq (data[vec_size (v) + i], 12345.0f);
}

/* Lanes beyond the last channel must be zero. */
static void
check_padding (const gfloat *data, const UnetVec *v)
{
  for (gint64 n = 0; n < v->n; n++)
    for (gint64 c = v->c; c < v->blocks * v->vec; c++)
      for (gint64 i = 0; i < v->h * v->w; i++)
        ck_assert_float_eq (data[at (v, n, c, i / v->w, i % v->w)], 0.0f);
}

static gint64
range (gint low, gint high)
{
  return g_rand_int_range (rng, low, high + 1);
}

static guint
threads (void)
{
  return range (1, 3);
}

START_TEST (test_copy_channels)
{
  gint layout = _i % 4;

  for (gint round = 0; round < ROUNDS; round++) {
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

  for (gint round = 0; round < ROUNDS; round++) {
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
  for (gint round = 0; round < ROUNDS; round++) {
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

START_TEST (test_resize)
{
  gint layout = _i % 4;
  gboolean nearest = _i >= 4;

  for (gint round = 0; round < ROUNDS; round++) {
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

START_TEST (test_pad_zero)
{
  gint layout = _i % 4;

  for (gint round = 0; round < ROUNDS; round++) {
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

START_TEST (test_global_pool)
{
  gint layout = _i % 4;
  gboolean maximum = _i >= 4;

  for (gint round = 0; round < ROUNDS; round++) {
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
  for (gint round = 0; round < ROUNDS; round++) {
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

START_TEST (test_softmax)
{
  for (gint round = 0; round < ROUNDS; round++) {
    UnetSoftmaxPlain p = { range (1, 2), range (1, 6), range (1, 700),
      _i == 1 };
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

START_TEST (test_linear_clip)
{
  gint layout = _i % 4;

  for (gint round = 0; round < ROUNDS; round++) {
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

  for (gint round = 0; round < ROUNDS; round++) {
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

/* Any kernel, dilation, padding, tail and number of channels, with every
 * variant that this processor runs. */
static void
rows_case (const UnetRowsShape *p, guint strips)
{
  UnetVec src = make_vec (p->vec == 16 ? 1
          : p->vec == 8                ? 2
                                       : 0,
      p->n, p->ic, p->ih, p->iw);
  UnetVec dst = make_vec (0, p->n, p->oc, p->oh, p->ow);
  gint64 taps = p->ic * p->kh * p->kw, group = unet_rows_group ();
  UnetVec wv = make_vec (0, 1, p->oc, 1, taps);
  UnetVec bv = make_vec (0, 1, 1, 1, (p->oc + group - 1) / group * group);
  UnetRowsShape shape = *p;
  gfloat *scratch = g_new (gfloat, unet_rows_scratch (&shape));
  gfloat *packed = g_new (gfloat, unet_rows_weights_size (&shape));
  gfloat *in = new_random (&src), *w = new_random (&wv);
  gfloat *bias = new_random (&bv), *out = new_output (&dst);

  for (gsize i = 0; i < vec_size (&dst); i++)
    out[i] = (gfloat) (i % 7) - 3;
  unet_rows_weights (&shape, w, packed);
  for (gint64 n = 0; n < p->n; n++)
    for (gint64 s = 0; s < strips; s++)
      unet_rows_strip (
          &shape, in, packed, bias, n, s * UNET_ROWS_STRIP, scratch, out);
  check_guard (out, &dst);
  for (gsize i = 0; i < vec_size (&dst); i++) {
    gint64 x = i % p->ow, y = i / p->ow % p->oh, o = i / p->ow / p->oh % p->oc;
    gint64 n = i / p->ow / p->oh / p->oc;
    gdouble sum = bias[o] + (p->add ? (gdouble) (i % 7) - 3 : 0);

    for (gint64 t = 0; t < taps; t++) {
      gint64 yy = y - p->pad_y + t / p->kw % p->kh * p->dil_y;
      gint64 xx = x - p->pad_x + t % p->kw * p->dil_x;
      gint64 c = t / p->kw / p->kh;
      if (yy >= 0 && yy < p->ih && xx >= 0 && xx < p->iw)
        sum += (gdouble) w[o * taps + t] * in[at (&src, n, c, yy, xx)];
    }
    sum = sum > 0 ? sum : sum * p->slope;
    sum = CLAMP (sum, p->low, p->high);
    ck_assert_double_eq_tol (out[i], sum, 1e-6 * (taps + 4));
  }
  g_free (scratch);
  g_free (packed);
  g_free (in);
  g_free (w);
  g_free (bias);
  g_free (out);
}

START_TEST (test_rows)
{
  for (gint round = 0; round < ROUNDS; round++) {
    const gint64 vecs[] = { 1, 8, 16 };
    UnetRowsShape p = { .n = range (1, 2),
      .ic = range (1, 20),
      .vec = vecs[range (0, 2)],
      .ih = range (5, 14),
      .iw = range (5, 80),
      .oc = range (1, 18),
      .kh = range (1, 3),
      .kw = range (1, 3),
      .dil_y = range (1, 2),
      .dil_x = range (1, 2),
      .add = range (0, 1),
      .slope = range (0, 2) / 2.0f,
      .low = -2.5f,
      .high = 3.0f };

    p.pad_y = range (0, (p.kh - 1) * p.dil_y);
    p.pad_x = range (0, (p.kw - 1) * p.dil_x);
    p.oh = p.ih + 2 * p.pad_y - (p.kh - 1) * p.dil_y;
    p.ow = p.iw + 2 * p.pad_x - (p.kw - 1) * p.dil_x;
    rows_case (&p, (p.oh + UNET_ROWS_STRIP - 1) / UNET_ROWS_STRIP);
  }
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("kernels");
  TCase *tc = tcase_create ("against oracles");
  SRunner *runner;
  int failed;

  rng = g_rand_new_with_seed (20150518);
  tcase_set_timeout (tc, 120);
  tcase_add_loop_test (tc, test_copy_channels, 0, 4);
  tcase_add_loop_test (tc, test_depth_to_space, 0, 3);
  tcase_add_loop_test (tc, test_depth_to_space_plain, 0, 2);
  tcase_add_loop_test (tc, test_resize, 0, 8);
  tcase_add_loop_test (tc, test_pad_zero, 0, 4);
  tcase_add_loop_test (tc, test_global_pool, 0, 8);
  tcase_add_test (tc, test_max_pool2);
  tcase_add_loop_test (tc, test_softmax, 0, 2);
  tcase_add_test (tc, test_rows);
  tcase_add_loop_test (tc, test_linear_clip, 0, 4);
  tcase_add_loop_test (tc, test_prelu, 0, 4);
  suite_add_tcase (suite, tc);
  runner = srunner_create (suite);
  srunner_run_all (runner, CK_ENV);
  failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  g_rand_free (rng);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
