/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Convolution of bytes to few channels in every instruction set that there
 * is, against plain loops: random sizes and steps, guard bytes all round. */

#include "byte-kernel.h"

#include <math.h>
#include <string.h>
#include "engine/kernels/int8-conv-head.h"

/* ---- the oracle ---------------------------------------------------------- */

typedef struct {
  UnetByteHeadShape shape;
  guint8 *src, *dst; /* dst between guards */
  gsize dst_size;
  gint8 *weights; /* [oc][parts][c][kh][kw] */
  gfloat (*factor)[2], *bias;
} Case;

static gint64
sum_of (const Case *c, gint64 image, gint64 y, gint64 x, const gint8 *w)
{
  const UnetByteHeadShape *p = &c->shape;
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
  const UnetByteHeadShape *p = &c->shape;
  gint64 size = p->c * p->kh * p->kw;
  gfloat v = c->bias[o];

  for (gint64 part = 0; part < p->parts; part++)
    v = fmaf (
        sum_of (c, image, y, x, c->weights + (o * p->parts + part) * size),
        c->factor[o][part], v);
  return v;
}

/* Where the result is, in bytes behind the first guard. */
static gint64
place_of (
    const UnetByteHeadShape *p, gint64 image, gint64 y, gint64 x, gint64 o)
{
  gint64 r = p->spread, planes = p->oc / (r * r), dy = o / planes / r;

  if (p->to)
    return image * p->dst.image + y * p->dst.row + x * p->dst.pixel + o;
  return (((image * planes + o % planes) * p->oh * r + y * r + dy) * p->ow * r
             + x * r + o / planes % r)
      * sizeof (gfloat);
}

/* Also puts back what was there, so that the rest must be as it was. */
static void
check_result (Case *c, const guint8 *before, const gchar *isa)
{
  const UnetByteHeadShape *p = &c->shape;

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
case_shape (UnetByteHeadShape *p)
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
  /* as if there were padding at the other ends as well */
  p->oh = p->ih + range (0, 1);
  p->ow = p->iw + range (0, 1);
  p->spread = 1;
  p->oc = range (1, UNET_BYTE_HEAD_OUTPUTS);
  p->src = steps (p->c, p->ih, p->iw);
  p->src_signed = range (0, 1);
  p->parts = range (1, 2);
  p->to = range (UNET_NARROW_NONE, UNET_NARROW_S8);
  p->low = p->to == UNET_NARROW_S8 ? -128 : 0;
  p->high = p->to == UNET_NARROW_S8 ? 127 : range (200, 255);
  p->dst = steps (p->oc, p->oh, p->ow);
  if (p->to == UNET_NARROW_NONE && range (0, 2) == 0) {
    p->spread = 2;
    p->oc = 4 * range (1, 2);
  }
}

static void
case_init (Case *c, gint limit)
{
  UnetByteHeadShape *p = &c->shape;
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
check_case (const UnetByteHeadIsa *isa, Case *c)
{
  const UnetByteHeadShape *p = &c->shape;
  guint8 *before = g_memdup2 (c->dst, c->dst_size + 2 * GUARD);
  guint8 *packed = g_malloc (p->oc * unet_byte_head_channel_size (p));
  guint8 *scratch = g_malloc (unet_byte_head_scratch (p));
  gint64 strips = (p->oh + UNET_BYTE_HEAD_STRIP - 1) / UNET_BYTE_HEAD_STRIP;

  for (gint64 o = 0; o < p->oc; o++)
    unet_byte_head_pack (p, c->weights + o * p->parts * p->c * p->kh * p->kw,
        c->factor[o], c->bias[o], packed + o * unet_byte_head_channel_size (p));
  for (gint64 i = 0; i < p->n * strips; i++)
    unet_byte_head_strip (isa, p, c->src, packed, i / strips,
        i % strips * UNET_BYTE_HEAD_STRIP, scratch, c->dst + GUARD);
  check_result (c, before, isa->name);
  g_free (before);
  g_free (packed);
  g_free (scratch);
}

static void
check_isa (const UnetByteHeadIsa *isa)
{
  for (guint round = 0; round < rounds (); round++) {
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

START_TEST (test_generic)
{
  check_isa (&unet_byte_head_generic);
}
END_TEST

#ifdef __x86_64__
START_TEST (test_avx2)
{
  if (__builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("fma"))
    check_isa (&unet_byte_head_avx2);
}
END_TEST
#endif

START_TEST (test_best)
{
  check_isa (unet_byte_head_isa ());
}
END_TEST

int
main (void)
{
  const TTest *const tests[] = {
    test_generic,
#ifdef __x86_64__
    test_avx2,
#endif
    test_best,
  };

  return run_suite ("heads of bytes", 37, tests, G_N_ELEMENTS (tests));
}
