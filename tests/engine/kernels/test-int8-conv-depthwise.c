/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests the int8 depthwise convolution in every variant. Results equal the
 * reference to the bit. */

#include <math.h>
#include <string.h>
#include "engine/kernels/int8-conv-depthwise.h"
#include "kernel-test.h"

static guint8 *
noise (gsize size)
{
  guint8 *data = g_malloc (size);

  for (gsize i = 0; i < size; i++)
    data[i] = g_rand_int (rng);
  return data;
}

/* ---- the reference ------------------------------------------------------- */

typedef struct {
  UnetInt8DepthwiseShape shape;
  guint8 *src, *dst;
  gsize src_size, dst_size;
  gint8 *weights;
  gfloat *factor, *bias;
} Case;

static gint64
sum_of (const Case *c, gint64 image, gint64 y, gint64 x, gint64 k)
{
  const UnetInt8DepthwiseShape *p = &c->shape;
  const gint8 *w = c->weights + k * p->kernel * p->kernel;
  gint64 sum = 0;

  for (gint64 j = 0; j < p->kernel; j++)
    for (gint64 i = 0; i < p->kernel; i++) {
      gint64 iy = y * p->stride - p->pad_y + j;
      gint64 ix = x * p->stride - p->pad_x + i;
      guint8 v;

      if (iy < 0 || iy >= p->ih || ix < 0 || ix >= p->iw)
        continue;
      v = c->src[image * p->src.image + iy * p->src.row + ix * p->src.pixel
          + k];
      sum += w[j * p->kernel + i] * (p->src_signed ? (gint8) v : v);
    }
  return sum;
}

static guint8
result_of (const Case *c, gint64 sum, gint64 k)
{
  const UnetInt8DepthwiseShape *p = &c->shape;
  gfloat v = fmaf (sum, c->factor[k], c->bias[k]);

  if (p->hard_swish) {
    gfloat gate = v + 3;

    gate = CLAMP (gate, 0, 6);
    v *= gate;
    v *= p->swish;
  }
  v = rintf (v);
  return (gint) CLAMP (v, p->low, p->high);
}

/* Checks each result and puts back the byte that it replaced. All memory must
 * then equal @before. */
static void
check_pixels (Case *c, const guint8 *before, const gchar *isa)
{
  const UnetInt8DepthwiseShape *p = &c->shape;

  for (gint64 i = 0; i < p->n * p->oh * p->ow * p->c; i++) {
    gint64 k = i % p->c, x = i / p->c % p->ow, y = i / p->c / p->ow % p->oh;
    gint64 image = i / p->c / p->ow / p->oh;
    gint64 at = image * p->dst.image + y * p->dst.row + x * p->dst.pixel + k;
    guint8 want = result_of (c, sum_of (c, image, y, x, k), k);

    ck_assert_msg (c->dst[GUARD + at] == want,
        "%s: %d for %d at %d,%d channel %d of %d, kernel %d stride %d", isa,
        c->dst[GUARD + at], want, (int) x, (int) y, (int) k, (int) p->c,
        (int) p->kernel, (int) p->stride);
    c->dst[GUARD + at] = before[GUARD + at];
  }
  ck_assert (memcmp (c->dst, before, c->dst_size + 2 * GUARD) == 0);
}

/* ---- cases --------------------------------------------------------------- */

static UnetPixels
steps (gint64 c, gint64 h, gint64 w)
{
  gint64 pixel = c + (range (0, 1) ? range (0, 40) : 0);

  return (UnetPixels){ pixel, pixel * w, pixel * w * h };
}

/* Returns a number of channels: a few, whole blocks, or blocks that overlap. */
static gint64
any_channels (void)
{
  const gint64 usual[] = { 1, 8, 16, 24, 32, 33, 48, 64, 72, 96 };

  return range (0, 3) ? usual[range (0, G_N_ELEMENTS (usual) - 1)]
                      : range (1, 140);
}

static void
case_shape (UnetInt8DepthwiseShape *p)
{
  p->n = range (1, 2);
  p->c = any_channels ();
  p->kernel = range (0, 1) ? 3 : 5;
  p->stride = range (1, 2);
  p->ih = range (1, 9);
  p->iw = range (1, 30);
  p->pad_y = range (0, p->kernel - 1);
  p->pad_x = range (0, p->kernel - 1);
  /* The output may need padding at the bottom and on the right as well. */
  p->oh = (p->ih + p->pad_y) / p->stride + range (0, 1);
  p->ow = (p->iw + p->pad_x) / p->stride + range (0, 1);
  p->oh = MAX (p->oh, 1);
  p->ow = MAX (p->ow, 1);
  p->src = steps (p->c, p->ih, p->iw);
  p->dst = steps (p->c, p->oh, p->ow);
  p->src_signed = range (0, 1);
  p->dst_signed = range (0, 1);
  p->hard_swish = range (0, 2) == 0;
  p->swish = g_rand_double_range (rng, 1, 12);
  p->low = p->dst_signed ? -128 : 0;
  p->high = p->dst_signed ? 127 : range (0, 1) ? 255 : range (1, 254);
}

static void
case_init (Case *c, gint limit)
{
  UnetInt8DepthwiseShape *p = &c->shape;
  gint64 taps;

  case_shape (p);
  taps = p->kernel * p->kernel;
  c->src_size = p->n * p->src.image;
  c->dst_size = p->n * p->dst.image;
  c->src = noise (c->src_size);
  c->dst = noise (c->dst_size + 2 * GUARD);
  c->weights = g_new (gint8, p->c * taps);
  c->bias = g_new (gfloat, p->c);
  c->factor = g_new (gfloat, p->c);
  for (gint64 i = 0; i < p->c * taps; i++)
    c->weights[i] = range (0, 3) ? range (-limit, limit)
        : range (0, 1)           ? limit
                                 : -limit;
  for (gint64 i = 0; i < p->c; i++) {
    c->bias[i] = range (0, 9) ? g_rand_double_range (rng, -9, 200)
        : range (0, 1)        ? 1e9f
                              : -1e9f;
    c->factor[i] = g_rand_double_range (rng, 0, p->hard_swish ? 1e-3 : 0.02);
  }
}

static void
case_clear (Case *c)
{
  g_free (c->src);
  g_free (c->dst);
  g_free (c->weights);
  g_free (c->bias);
  g_free (c->factor);
}

/* The source ends with its last byte, so that sanitizers find reads beyond it.
 */
static void
check_isa (const UnetInt8DepthwiseIsa *isa)
{
  for (guint round = 0; round < 2 * rounds (); round++) {
    guint8 *before, *packed;
    Case c = { 0 };

    case_init (&c, isa->largest_weight);
    before = g_memdup2 (c.dst, c.dst_size + 2 * GUARD);
    packed = g_malloc (unet_int8_depthwise_packed_size (isa, &c.shape));
    unet_int8_depthwise_pack (
        isa, &c.shape, c.weights, c.factor, c.bias, packed);
    for (gint64 i = 0; i < c.shape.n * c.shape.oh; i++)
      unet_int8_depthwise_row (isa, &c.shape, c.src, packed, i / c.shape.oh,
          i % c.shape.oh, c.dst + GUARD);
    check_pixels (&c, before, isa->name);
    g_free (before);
    g_free (packed);
    case_clear (&c);
  }
}

START_TEST (test_variant)
{
  const UnetIsaVariant *variant = &unet_int8_depthwise_variants[_i];

  if (runs_here (variant))
    check_isa (variant->table);
}
END_TEST

/* ---- time ---------------------------------------------------------------- */

typedef struct {
  const UnetInt8DepthwiseIsa *isa;
  UnetInt8DepthwiseShape shape;
  guint8 *src, *packed, *dst;
} Bench;

static void
run_picture (gpointer data, G_GNUC_UNUSED gpointer user)
{
  Bench *b = data;

  for (gint64 y = 0; y < b->shape.oh; y++)
    unet_int8_depthwise_row (
        b->isa, &b->shape, b->src, b->packed, 0, y, b->dst);
}

static void
bench_all (void)
{
  for (const UnetIsaVariant *v = unet_int8_depthwise_variants; v->table; v++) {
    UnetPixels p = { 96, 96 * 64, 96 * 64 * 64 };
    Bench b = { v->table,
      { 1, 96, 64, 64, 64, 64, 3, 1, 1, 1, p, p, FALSE, FALSE, FALSE, 1, 0,
          255 } };
    gint8 *weights = g_new0 (gint8, 96 * 9);
    gfloat *zeros = g_new0 (gfloat, 96);

    if (runs_here (v)) {
      b.src = g_new0 (guint8, p.image);
      b.dst = g_new0 (guint8, p.image);
      b.packed = g_malloc (unet_int8_depthwise_packed_size (b.isa, &b.shape));
      unet_int8_depthwise_pack (
          b.isa, &b.shape, weights, zeros, zeros, b.packed);
      bench ("3x3, 96 channels, 64x64", v->name, run_picture, &b);
      g_free (b.src);
      g_free (b.dst);
      g_free (b.packed);
    }
    g_free (weights);
    g_free (zeros);
  }
}

int
main (int argc, char **argv)
{
  const KernelTest tests[] = {
    { test_variant, count_variants (unet_int8_depthwise_variants) },
  };

  return kernel_test_main (argc, argv, "int8-conv-depthwise", tests,
      G_N_ELEMENTS (tests), bench_all);
}
