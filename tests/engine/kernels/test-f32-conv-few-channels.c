/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Direct convolution for few channels, in every variant. */

#include "engine/kernels/f32-conv-few-channels.h"
#include "f32-tensor.h"

/* Compares one case with sums in double. @strips: calls for a picture. */
static void
check_case (const UnetConvFewChannelsShape *p, guint strips)
{
  UnetVec src = make_vec (p->vec == 16 ? 1
          : p->vec == 8                ? 2
                                       : 0,
      p->n, p->ic, p->ih, p->iw);
  UnetVec dst = make_vec (0, p->n, p->oc, p->oh, p->ow);
  gint64 taps = p->ic * p->kh * p->kw, group = p->isa->group;
  UnetVec wv = make_vec (0, 1, p->oc, 1, taps);
  UnetVec bv = make_vec (0, 1, 1, 1, (p->oc + group - 1) / group * group);
  UnetConvFewChannelsShape shape = *p;
  gfloat *scratch = g_new (gfloat, unet_conv_few_channels_scratch (&shape));
  gfloat *packed = g_new (gfloat, unet_conv_few_channels_weights_size (&shape));
  gfloat *in = new_random (&src), *w = new_random (&wv);
  gfloat *bias = new_random (&bv), *out = new_output (&dst);

  for (gsize i = 0; i < vec_size (&dst); i++)
    out[i] = (gfloat) (i % 7) - 3;
  unet_conv_few_channels_weights (&shape, w, packed);
  for (gint64 n = 0; n < p->n; n++)
    for (gint64 s = 0; s < strips; s++)
      unet_conv_few_channels_strip (&shape, in, packed, bias, n,
          s * UNET_CONV_FEW_CHANNELS_STRIP, scratch, out);
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

START_TEST (test_variant)
{
  const UnetIsaVariant *variant = &unet_conv_few_channels_variants[_i];

  if (!runs_here (variant))
    return;
  for (guint round = 0; round < rounds (); round++) {
    const gint64 vecs[] = { 1, 8, 16 };
    UnetConvFewChannelsShape p = { .isa = variant->table,
      .n = range (1, 2),
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
    check_case (&p,
        (p.oh + UNET_CONV_FEW_CHANNELS_STRIP - 1)
            / UNET_CONV_FEW_CHANNELS_STRIP);
  }
}
END_TEST

/* ---- time ---------------------------------------------------------------- */

typedef struct {
  UnetConvFewChannelsShape shape;
  gfloat *in, *packed, *bias, *scratch, *out;
} Bench;

static void
run_picture (gpointer data, G_GNUC_UNUSED gpointer user)
{
  Bench *b = data;

  for (gint64 y = 0; y < b->shape.oh; y += UNET_CONV_FEW_CHANNELS_STRIP)
    unet_conv_few_channels_strip (
        &b->shape, b->in, b->packed, b->bias, 0, y, b->scratch, b->out);
}

static void
bench_all (void)
{
  for (const UnetIsaVariant *v = unet_conv_few_channels_variants; v->table;
       v++) {
    Bench b = { { v->table, 1, 3, 256, 256, 16, 256, 256, 1, 3, 3, 1, 1, 1, 1,
        FALSE, 0, 0, 1e9f, 0, 0 } };

    if (!runs_here (v))
      continue;
    b.scratch = g_new0 (gfloat, unet_conv_few_channels_scratch (&b.shape));
    b.packed = g_new0 (gfloat, unet_conv_few_channels_weights_size (&b.shape));
    b.in = g_new0 (gfloat, 3 * 256 * 256);
    b.bias = g_new0 (gfloat, 16);
    b.out = g_new0 (gfloat, 16 * 256 * 256);
    bench ("3x3 from 3 to 16 channels, 256x256", v->name, run_picture, &b);
    g_free (b.scratch);
    g_free (b.packed);
    g_free (b.in);
    g_free (b.bias);
    g_free (b.out);
  }
}

int
main (int argc, char **argv)
{
  const KernelTest tests[] = {
    { test_variant, count_variants (unet_conv_few_channels_variants) },
  };

  return kernel_test_main (argc, argv, "f32-conv-few-channels", tests,
      G_N_ELEMENTS (tests), bench_all);
}
