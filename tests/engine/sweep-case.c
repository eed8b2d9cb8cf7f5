/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sweep.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- text ---------------------------------------------------------------- */

static const gchar *const op_names[] = { "conv", "deconv", "maxpool", "average",
  "average-padded", "binary", "matmul", "reorder", "eltwise" };
static const gchar *const layout_names[] = { "plain", "nhwc", "blocked" };
static const gchar *const post_names[] = { "alone", "relu", "sum" };

static const gchar *
type_name (dnnl_data_type_t type)
{
  switch (type) {
    case dnnl_f32:
      return "f32";
    case dnnl_bf16:
      return "bf16";
    case dnnl_u8:
      return "u8";
    default:
      return "s8";
  }
}

static gint
find_name (const gchar *const *names, guint n, const gchar *name)
{
  for (guint i = 0; i < n; i++)
    if (g_str_equal (names[i], name))
      return i;
  return -1;
}

#define D2    "%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT
#define D     "%" G_GINT64_FORMAT
#define V2(a) c->a[0], c->a[1]
#define P2(a) &c->a[0], &c->a[1]

gchar *
sweep_case_print (const SweepCase *c)
{
  return g_strdup_printf ("%s %s>%s %s>%s n" D " g" D " c" D ">" D " i" D2
                          " o" D2 " k" D2 " s" D2 " d" D2 " b" D2 " e" D2
                          " %s %d",
      op_names[c->op], type_name (c->src), type_name (c->dst),
      layout_names[c->from], layout_names[c->to], c->n, c->group, c->ic, c->oc,
      V2 (in), V2 (out), V2 (kernel), V2 (stride), V2 (dilation),
      V2 (pad_begin), V2 (pad_end), post_names[c->post], c->detail);
}

static gboolean
parse_type (const gchar *name, dnnl_data_type_t *type)
{
  const dnnl_data_type_t types[] = { dnnl_f32, dnnl_bf16, dnnl_u8, dnnl_s8 };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (g_str_equal (type_name (types[i]), name)) {
      *type = types[i];
      return TRUE;
    }
  return FALSE;
}

gboolean
sweep_case_parse (SweepCase *c, const gchar *text)
{
  gchar op[16], src[8], dst[8], from[8], to[8], post[8];
  gint o, f, t, p;

  memset (c, 0, sizeof *c);
  if (sscanf (text,
          "%15s %7[^>]>%7s %7[^>]>%7s n" D " g" D " c" D ">" D " i" D2 " o" D2
          " k" D2 " s" D2 " d" D2 " b" D2 " e" D2 " %7s %d",
          op, src, dst, from, to, &c->n, &c->group, &c->ic, &c->oc, P2 (in),
          P2 (out), P2 (kernel), P2 (stride), P2 (dilation), P2 (pad_begin),
          P2 (pad_end), post, &c->detail)
      != 25)
    return FALSE;
  o = find_name (op_names, SWEEP_N_OPS, op);
  f = find_name (layout_names, SWEEP_N_LAYOUTS, from);
  t = find_name (layout_names, SWEEP_N_LAYOUTS, to);
  p = find_name (post_names, SWEEP_N_POSTS, post);
  c->op = o;
  c->from = f;
  c->to = t;
  c->post = p;
  return o >= 0 && f >= 0 && t >= 0 && p >= 0 && parse_type (src, &c->src)
      && parse_type (dst, &c->dst);
}

/* ---- the sweep ----------------------------------------------------------- */

/* The engine asks for convolutions of these types in these layouts. */
static const struct {
  dnnl_data_type_t src, dst;
  SweepLayout from, to;
} kinds[] = {
  { dnnl_f32, dnnl_f32, SWEEP_BLOCKED, SWEEP_BLOCKED },
  { dnnl_f32, dnnl_f32, SWEEP_NHWC, SWEEP_NHWC },
  { dnnl_f32, dnnl_f32, SWEEP_PLAIN, SWEEP_PLAIN },
  { dnnl_f32, dnnl_f32, SWEEP_PLAIN, SWEEP_BLOCKED },
  { dnnl_u8, dnnl_u8, SWEEP_NHWC, SWEEP_NHWC },
  { dnnl_u8, dnnl_s8, SWEEP_NHWC, SWEEP_NHWC },
  { dnnl_u8, dnnl_f32, SWEEP_NHWC, SWEEP_NHWC },
  { dnnl_s8, dnnl_u8, SWEEP_NHWC, SWEEP_NHWC },
  { dnnl_s8, dnnl_s8, SWEEP_NHWC, SWEEP_NHWC },
  { dnnl_s8, dnnl_f32, SWEEP_NHWC, SWEEP_NHWC },
  { dnnl_bf16, dnnl_bf16, SWEEP_NHWC, SWEEP_NHWC },
  { dnnl_bf16, dnnl_f32, SWEEP_NHWC, SWEEP_NHWC },
};

#define N_KINDS  G_N_ELEMENTS (kinds)
#define N_WINDOW (7 * 4 * 3 * 3)
#define N_CONVS  (2 * N_KINDS * N_WINDOW * 3)
#define N_POOLS  (3 * N_KINDS * N_WINDOW)
#define N_OTHERS 600 /* cases of each operation without a window */

guint
sweep_count (void)
{
  return N_CONVS + N_POOLS + 4 * N_OTHERS;
}

static gint64
any_channels (GRand *rng)
{
  const gint64 usual[] = { 1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 17, 20, 24, 31, 32,
    33, 40, 48 };

  return usual[g_rand_int_range (rng, 0, G_N_ELEMENTS (usual))];
}

static guint
take (guint *index, guint radix)
{
  guint digit = *index % radix;

  *index /= radix;
  return digit;
}

static gint64
span_of (const SweepCase *c, guint i)
{
  return (c->kernel[i] - 1) * c->dilation[i] + 1;
}

/* Draws the input size on one axis and computes the output size. One time in
 * five the picture is as small as possible. Returns %FALSE if a size is not
 * positive. */
static gboolean
size_axis (SweepCase *c, guint i, GRand *rng)
{
  gint64 padding = c->pad_begin[i] + c->pad_end[i], span = span_of (c, i);

  if (c->op == SWEEP_DECONV) {
    c->in[i] = g_rand_int_range (rng, 0, 5) ? g_rand_int_range (rng, 1, 9) : 1;
    c->out[i] = (c->in[i] - 1) * c->stride[i] + span - padding;
    if (g_rand_int_range (rng, 0, 3) == 0) /* output padding */
      c->out[i] += g_rand_int_range (rng, 0, c->stride[i]);
    return c->out[i] > 0;
  }
  c->in[i] = g_rand_int_range (rng, 0, 5)
      ? g_rand_int_range (rng, 1, 14)
      : MAX (span - padding, 1) + g_rand_int_range (rng, 0, c->stride[i]);
  if (c->in[i] + padding < span)
    c->in[i] = span - padding;
  c->out[i] = (c->in[i] + padding - span) / c->stride[i] + 1;
  return c->in[i] > 0;
}

/* Draws a window, which is square three times in four, and the sizes that go
 * with it. */
static gboolean
draw_window (SweepCase *c, guint index, GRand *rng)
{
  gint64 kernel = 1 + take (&index, 7), stride = 1 + take (&index, 4);
  gint64 dilation = 1 + take (&index, 3), pads = take (&index, 3);
  gboolean square = g_rand_int_range (rng, 0, 4) != 0;

  for (guint i = 0; i < 2; i++) {
    gint64 span;

    c->kernel[i] = i && !square ? g_rand_int_range (rng, 1, 8) : kernel;
    c->stride[i] = i && !square ? g_rand_int_range (rng, 1, 5) : stride;
    c->dilation[i] = c->kernel[i] > 1 ? dilation : 1;
    span = span_of (c, i);
    c->pad_begin[i] = pads == 1 ? span / 2
        : pads == 2             ? g_rand_int_range (rng, 0, span)
                                : 0;
    c->pad_end[i] = pads == 2 ? g_rand_int_range (rng, 0, span)
                              : c->pad_begin[i];
    if (c->op == SWEEP_DECONV) /* the output padding */
      c->pad_end[i] -= pads ? g_rand_int_range (rng, 0, c->stride[i]) : 0;
    if (!size_axis (c, i, rng))
      return FALSE;
  }
  return TRUE;
}

static void
set_kind (SweepCase *c, guint kind)
{
  c->src = kinds[kind].src;
  c->dst = kinds[kind].dst;
  c->from = kinds[kind].from;
  c->to = kinds[kind].to;
}

static gboolean
draw_conv (SweepCase *c, guint index, GRand *rng)
{
  guint grouping;

  c->op = take (&index, 2) ? SWEEP_DECONV : SWEEP_CONV;
  set_kind (c, take (&index, N_KINDS));
  grouping = take (&index, 3);
  c->group = grouping ? g_rand_int_range (rng, 2, 18) : 1;
  if (grouping == 1)
    c->group = g_rand_int_range (rng, 2, 5);
  c->ic = grouping == 2 ? c->group : c->group * any_channels (rng);
  c->oc = grouping == 2 ? c->group : c->group * any_channels (rng);
  c->post = g_rand_int_range (rng, 0, SWEEP_N_POSTS);
  /* Only a network's first convolution reads PLAIN and writes blocks. */
  if (c->from != c->to && (c->group != 1 || c->op == SWEEP_DECONV))
    return FALSE;
  if (c->from != c->to)
    c->ic = 1 + c->ic % 3;
  if (c->op == SWEEP_DECONV && c->src != dnnl_f32 && c->group != 1)
    return FALSE;
  if (c->op == SWEEP_DECONV && c->post == SWEEP_SUM && c->src != dnnl_f32)
    c->post = SWEEP_RELU;
  return draw_window (c, index, rng);
}

static gboolean
draw_pool (SweepCase *c, guint index, GRand *rng)
{
  c->op = SWEEP_MAX_POOL + take (&index, 3);
  set_kind (c, take (&index, N_KINDS));
  if (c->from != c->to || c->src != c->dst)
    return FALSE;
  c->ic = c->oc = any_channels (rng);
  if (!draw_window (c, index, rng))
    return FALSE;
  for (guint i = 0; i < 2; i++) /* the window must overlap the picture */
    if (c->pad_begin[i] >= span_of (c, i) || c->pad_end[i] >= span_of (c, i)
        || c->dilation[i] > 2)
      return FALSE;
  return TRUE;
}

static gboolean
draw_other (SweepCase *c, guint index, GRand *rng)
{
  c->op = SWEEP_BINARY + take (&index, 4);
  c->src = c->dst = dnnl_f32;
  c->from = c->to = g_rand_int_range (rng, 0, SWEEP_N_LAYOUTS);
  if (c->op == SWEEP_REORDER)
    c->to = g_rand_int_range (rng, 0, SWEEP_N_LAYOUTS);
  c->ic = c->oc = any_channels (rng);
  c->detail = g_rand_int_range (rng, 0, 1 << 16);
  for (guint i = 0; i < 2; i++)
    c->in[i] = c->out[i] = g_rand_int_range (rng, 1, 12);
  if (c->op == SWEEP_MATMUL) {
    c->from = c->to = SWEEP_PLAIN;
    c->oc = any_channels (rng);
  }
  return TRUE;
}

gboolean
sweep_case_init (SweepCase *c, guint index, guint seed)
{
  GRand *rng =
      g_rand_new_with_seed_array ((guint32[]){ index, seed, 0x5eed }, 3);
  gboolean ok;

  memset (c, 0, sizeof *c);
  c->n = g_rand_int_range (rng, 0, 4) ? 1 : 2;
  c->group = 1;
  for (guint i = 0; i < 2; i++)
    c->kernel[i] = c->stride[i] = c->dilation[i] = 1;
  if (index < N_CONVS)
    ok = draw_conv (c, index, rng);
  else if ((index -= N_CONVS) < N_POOLS)
    ok = draw_pool (c, index, rng);
  else
    ok = draw_other (c, index - N_POOLS, rng);
  g_rand_free (rng);
  return ok;
}
