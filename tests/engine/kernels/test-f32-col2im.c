/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The sum of a transposed convolution's product, and the depthwise one as a
 * whole, on every layout that the engine gives them. */

#include "engine/kernels/f32-col2im.h"
#include "f32-tensor.h"

/* A case and its operands. */
typedef struct {
  UnetCol2im p;
  gfloat *src, *bias, *weights, *dst;
} Case;

static gint64
result_size (const UnetCol2im *p, guint axis, gint64 in)
{
  gint64 span = (p->kernel[axis] - 1) * p->dilation[axis] + 1;
  gint64 padding = range (0, p->stride[axis] - 1); /* output_padding */

  return MAX (
      (in - 1) * p->stride[axis] + span - 2 * p->pad[axis] + padding, 1);
}

static gfloat *
random_lanes (gint64 taps, gint64 group, gint64 channels)
{
  gfloat *data = g_new0 (gfloat, taps * group);

  for (gint64 i = 0; i < taps * group; i++)
    if (i % group < channels)
      data[i] = g_rand_double_range (rng, -2, 2);
  return data;
}

/* The source of a product has one group of channels for each tap, in blocks of
 * @vec. The result lies in the same blocks or, with @plain, in planes. */
static void
make_case (Case *c, gint vec, gboolean plain, gboolean depthwise)
{
  UnetCol2im *p = &c->p;
  gint64 n = range (1, 2), channels = range (1, 40), in[2], out[2], taps;

  memset (c, 0, sizeof *c);
  for (guint i = 0; i < 2; i++) {
    p->kernel[i] = range (1, 5);
    p->stride[i] = range (1, 4);
    p->dilation[i] = range (1, 3);
    p->pad[i] = range (0, p->kernel[i] * p->dilation[i]);
    in[i] = range (1, 14);
    out[i] = result_size (p, i, in[i]);
  }
  taps = p->kernel[0] * p->kernel[1];
  p->group = (channels + vec - 1) / vec * vec;
  p->src = make_vec (vec == 16 ? 1 : 2, n,
      depthwise ? channels : taps * p->group, in[0], in[1]);
  p->dst = make_vec (plain ? 0
          : vec == 16      ? 1
                           : 2,
      n, channels, out[0], out[1]);
  p->has_bias = range (0, 1);
  p->has_weights = depthwise;
  c->src = new_random (&p->src);
  c->bias = random_lanes (1, p->group, channels);
  c->weights = random_lanes (taps, p->group, channels);
  c->dst = new_output (&p->dst);
}

static void
clear_case (Case *c)
{
  g_free (c->src);
  g_free (c->bias);
  g_free (c->weights);
  g_free (c->dst);
}

/* A product computes the lanes beyond the last channel, too: from weights that
 * are zero. */
static void
clear_unused_lanes (Case *c)
{
  const UnetCol2im *p = &c->p;

  for (gint64 i = 0; !p->has_weights && i < p->src.n * p->src.c; i++)
    for (gint64 y = 0; i % p->src.c % p->group >= p->dst.c && y < p->src.h; y++)
      for (gint64 x = 0; x < p->src.w; x++)
        c->src[at (&p->src, i / p->src.c, i % p->src.c, y, x)] = 0;
}

/* What a tap adds to one element of the result, as the ONNX operator
 * ConvTranspose defines it: output = input * stride + tap * dilation - pad. */
static gdouble
tap_value (const Case *c, gint64 tap, gint64 n, gint64 k, gint64 y, gint64 x)
{
  const UnetCol2im *p = &c->p;
  gint64 sy = y + p->pad[0] - tap / p->kernel[1] * p->dilation[0];
  gint64 sx = x + p->pad[1] - tap % p->kernel[1] * p->dilation[1];

  if (sy < 0 || sx < 0 || sy % p->stride[0] || sx % p->stride[1])
    return 0;
  sy /= p->stride[0];
  sx /= p->stride[1];
  if (sy >= p->src.h || sx >= p->src.w)
    return 0;
  if (p->has_weights)
    return (gdouble) c->weights[tap * p->group + k]
        * c->src[at (&p->src, n, k, sy, sx)];
  return c->src[at (&p->src, n, tap * p->group + k, sy, sx)];
}

static void
check_case (const Case *c)
{
  const UnetVec *d = &c->p.dst;
  gint64 taps = c->p.kernel[0] * c->p.kernel[1];

  check_guard (c->dst, d);
  check_padding (c->dst, d);
  for (gint64 i = 0; i < d->n * d->c * d->h * d->w; i++) {
    gint64 plane = i / d->h / d->w, y = i / d->w % d->h, x = i % d->w;
    gint64 n = plane / d->c, k = plane % d->c;
    gdouble want = c->p.has_bias ? c->bias[k] : 0;

    for (gint64 tap = 0; tap < taps; tap++)
      want += tap_value (c, tap, n, k, y, x);
    /* up to 26 summands below 4 each: 26 * 104 * 2^-24 is 1.6e-4 */
    ck_assert_double_eq_tol (c->dst[at (d, n, k, y, x)], want, 2e-4);
  }
}

START_TEST (test_col2im)
{
  for (guint round = 0; round < rounds (); round++) {
    Case c;

    make_case (&c, _i & 1 ? 16 : 8, _i >> 1 & 1, _i >> 2);
    clear_unused_lanes (&c);
    unet_kernel_col2im (
        &c.p, (gpointer[]){ c.src, c.bias, c.weights, c.dst }, threads ());
    check_case (&c);
    clear_case (&c);
  }
}
END_TEST

/* ---- time ---------------------------------------------------------------- */

static void
run (gpointer data, G_GNUC_UNUSED gpointer user)
{
  gpointer *args = data;

  unet_kernel_col2im (args[0], args + 1, 1);
}

static void
bench_all (void)
{
  UnetCol2im p = { make_vec (1, 1, 9 * 32, 20, 20), make_vec (1, 1, 32, 40, 40),
    32, { 3, 3 }, { 2, 2 }, { 1, 1 }, { 0, 0 }, FALSE, FALSE };
  gfloat *in = new_random (&p.src), *out = new_output (&p.dst);

  bench ("3x3, stride 2, 32 channels, 40x40", NULL, run,
      (gpointer[]){ &p, in, NULL, NULL, out });
  g_free (in);
  g_free (out);
}

int
main (int argc, char **argv)
{
  const KernelTest tests[] = { { test_col2im, 8 } };

  return kernel_test_main (
      argc, argv, "f32-col2im", tests, G_N_ELEMENTS (tests), bench_all);
}
