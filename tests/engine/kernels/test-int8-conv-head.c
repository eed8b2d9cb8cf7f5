/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests the int8 convolution to few channels in every variant. Results equal
 * the reference to the bit. */

#include <math.h>
#include <string.h>
#include "engine/kernels/int8-conv-head.h"
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
  UnetInt8ConvHeadShape shape;
  guint8 *src, *dst; /* dst between guards */
  gsize dst_size;
  gint8 *weights; /* [oc][parts][c][kh][kw] */
  gfloat (*factor)[2], *bias;
} Case;

static gint64
sum_of (const Case *c, gint64 image, gint64 y, gint64 x, const gint8 *w)
{
  const UnetInt8ConvHeadShape *p = &c->shape;
  gint64 sum = 0;

  for (gint64 k = 0; k < p->c; k++)
    for (gint64 j = 0; j < p->kh; j++)
      for (gint64 i = 0; i < p->kw; i++, w++) {
        gint64 iy = y - p->pad_y + j, ix = x - p->pad_x + i;
        guint8 v;

        if (iy < 0 || iy >= p->ih || ix < 0 || ix >= p->iw)
          continue;
        v = c->src[image * p->src.image + iy * p->src.row + ix * p->src.pixel
            + k];
        sum += *w * (p->src_signed ? (gint8) v : v);
      }
  return sum;
}

static gfloat
result_of (const Case *c, gint64 image, gint64 y, gint64 x, gint64 o)
{
  const UnetInt8ConvHeadShape *p = &c->shape;
  gint64 size = p->c * p->kh * p->kw;
  gfloat v = c->bias[o];

  for (gint64 part = 0; part < p->parts; part++)
    v = fmaf (
        sum_of (c, image, y, x, c->weights + (o * p->parts + part) * size),
        c->factor[o][part], v);
  return v;
}

/* Returns the offset of a result, in bytes after the first guard. */
static gint64
place_of (
    const UnetInt8ConvHeadShape *p, gint64 image, gint64 y, gint64 x, gint64 o)
{
  gint64 r = p->depth_to_space, planes = p->oc / (r * r), dy = o / planes / r;

  if (p->to)
    return image * p->dst.image + y * p->dst.row + x * p->dst.pixel + o;
  return (((image * planes + o % planes) * p->oh * r + y * r + dy) * p->ow * r
             + x * r + o / planes % r)
      * sizeof (gfloat);
}

/* Checks each result and puts back the bytes that it replaced. All memory must
 * then equal @before. */
static void
check_result (Case *c, const guint8 *before, const gchar *isa)
{
  const UnetInt8ConvHeadShape *p = &c->shape;

  for (gint64 i = 0; i < p->n * p->oh * p->ow * p->oc; i++) {
    gint64 o = i % p->oc, x = i / p->oc % p->ow, y = i / p->oc / p->ow % p->oh;
    gint64 image = i / p->oc / p->ow / p->oh;
    gint64 at = GUARD + place_of (p, image, y, x, o);
    gfloat want = result_of (c, image, y, x, o);
    guint8 byte = (gint) rintf (CLAMP (want, p->low, p->high));
    gsize size = p->to ? 1 : sizeof want;

    ck_assert_msg (
        memcmp (c->dst + at, p->to ? (void *) &byte : &want, size) == 0,
        "%s: wrong at %d,%d of channel %d of %d from %d, %d parts", isa,
        (int) x, (int) y, (int) o, (int) p->oc, (int) p->c, p->parts);
    memcpy (c->dst + at, before + at, size);
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

static void
case_shape (UnetInt8ConvHeadShape *p)
{
  const gint64 usual[] = { 1, 3, 4, 8, 16, 24, 32, 40, 64, 70, 96 };

  p->n = range (1, 2);
  p->c = usual[range (0, G_N_ELEMENTS (usual) - 1)];
  p->ih = range (1, 9);
  p->iw = range (1, 40);
  p->kh = range (0, 1) ? 1 : range (1, 5);
  p->kw = range (0, 1) ? 1 : range (1, 5);
  p->pad_y = range (0, p->kh - 1);
  p->pad_x = range (0, p->kw - 1);
  /* The output may need padding at the bottom and on the right as well. */
  p->oh = p->ih + range (0, 1);
  p->ow = p->iw + range (0, 1);
  p->depth_to_space = 1;
  p->oc = range (1, UNET_INT8_CONV_HEAD_OUTPUTS);
  p->src = steps (p->c, p->ih, p->iw);
  p->src_signed = range (0, 1);
  p->parts = range (1, 2);
  p->to = range (UNET_ELEMENT_NONE, UNET_ELEMENT_S8);
  p->low = p->to == UNET_ELEMENT_S8 ? -128 : 0;
  p->high = p->to == UNET_ELEMENT_S8 ? 127 : range (200, 255);
  p->dst = steps (p->oc, p->oh, p->ow);
  if (p->to == UNET_ELEMENT_NONE && range (0, 2) == 0) {
    p->depth_to_space = 2;
    p->oc = 4 * range (1, 2);
  }
}

static void
case_init (Case *c, gint limit)
{
  UnetInt8ConvHeadShape *p = &c->shape;
  gint64 n;

  case_shape (p);
  n = p->oc * p->parts * p->c * p->kh * p->kw;
  c->dst_size = p->to ? p->n * p->dst.image
                      : p->n * p->oc * p->oh * p->ow * sizeof (gfloat);
  c->src = noise (p->n * p->src.image);
  c->dst = noise (c->dst_size + 2 * GUARD);
  c->weights = g_new (gint8, n);
  for (gint64 i = 0; i < n; i++)
    c->weights[i] = range (0, 3) ? range (-limit, limit)
        : range (0, 1)           ? limit
                                 : -limit;
  c->factor = g_malloc (p->oc * sizeof *c->factor);
  c->bias = g_new (gfloat, p->oc);
  for (gint64 o = 0; o < p->oc; o++) {
    c->factor[o][0] = g_rand_double_range (rng, 0, 1e-4);
    c->factor[o][1] = g_rand_double_range (rng, 0, 1e-2);
    c->bias[o] = g_rand_double_range (rng, -50, 200);
  }
}

static void
check_case (const UnetInt8ConvHeadIsa *isa, Case *c)
{
  const UnetInt8ConvHeadShape *p = &c->shape;
  guint8 *before = g_memdup2 (c->dst, c->dst_size + 2 * GUARD);
  guint8 *packed = g_malloc (p->oc * unet_int8_conv_head_channel_size (p));
  guint8 *scratch = g_malloc (unet_int8_conv_head_scratch (p));
  gint64 strips =
      (p->oh + UNET_INT8_CONV_HEAD_STRIP - 1) / UNET_INT8_CONV_HEAD_STRIP;

  for (gint64 o = 0; o < p->oc; o++)
    unet_int8_conv_head_pack (p,
        c->weights + o * p->parts * p->c * p->kh * p->kw, c->factor[o],
        c->bias[o], packed + o * unet_int8_conv_head_channel_size (p));
  for (gint64 i = 0; i < p->n * strips; i++)
    unet_int8_conv_head_strip (isa, p, c->src, packed, i / strips,
        i % strips * UNET_INT8_CONV_HEAD_STRIP, scratch, c->dst + GUARD);
  check_result (c, before, isa->name);
  g_free (before);
  g_free (packed);
  g_free (scratch);
}

static void
check_isa (const UnetInt8ConvHeadIsa *isa)
{
  for (guint round = 0; round < 2 * rounds (); round++) {
    Case c = { 0 };

    case_init (&c, isa->largest_weight);
    check_case (isa, &c);
    g_free (c.src);
    g_free (c.dst);
    g_free (c.weights);
    g_free (c.factor);
    g_free (c.bias);
  }
}

START_TEST (test_variant)
{
  const UnetIsaVariant *variant = &unet_int8_conv_head_variants[_i];

  if (runs_here (variant))
    check_isa (variant->table);
}
END_TEST

/* ---- time ---------------------------------------------------------------- */

typedef struct {
  const UnetInt8ConvHeadIsa *isa;
  UnetInt8ConvHeadShape shape;
  guint8 *src, *packed, *scratch;
  gfloat *dst;
} Bench;

static void
run_picture (gpointer data, G_GNUC_UNUSED gpointer user)
{
  Bench *b = data;

  for (gint64 y = 0; y < b->shape.oh; y += UNET_INT8_CONV_HEAD_STRIP)
    unet_int8_conv_head_strip (
        b->isa, &b->shape, b->src, b->packed, 0, y, b->scratch, b->dst);
}

static void
bench_all (void)
{
  for (const UnetIsaVariant *v = unet_int8_conv_head_variants; v->table; v++) {
    UnetPixels p = { 16, 16 * 128, 16 * 128 * 128 };
    Bench b = { .isa = v->table,
      .shape = { 1, 16, 128, 128, 128, 128, 1, 3, 3, 1, 1, p, FALSE, 1, 1 } };

    if (!runs_here (v))
      continue;
    b.src = g_new0 (guint8, p.image);
    b.packed = g_malloc0 (unet_int8_conv_head_channel_size (&b.shape));
    b.scratch = g_malloc (unet_int8_conv_head_scratch (&b.shape));
    b.dst = g_new (gfloat, 128 * 128);
    bench ("3x3 from 16 to 1 channel, 128x128", v->name, run_picture, &b);
    g_free (b.src);
    g_free (b.packed);
    g_free (b.scratch);
    g_free (b.dst);
  }
}

int
main (int argc, char **argv)
{
  const KernelTest tests[] = {
    { test_variant, count_variants (unet_int8_conv_head_variants) },
  };

  return kernel_test_main (
      argc, argv, "int8-conv-head", tests, G_N_ELEMENTS (tests), bench_all);
}
