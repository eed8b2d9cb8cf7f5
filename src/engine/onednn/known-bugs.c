/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/onednn/known-bugs.h"
#include "engine/onednn/max-isa.h"
#include <string.h>

static gboolean ignored;

/* ---- what is asked for --------------------------------------------------- */

static gboolean
md_is_nhwc (UnetConstMd md)
{
  const gint64 *dims;
  dnnl_data_type_t type;
  UnetMd nhwc;
  gboolean is;

  if (unet_md_query (md, &dims, &type) != 4)
    return FALSE;
  nhwc = unet_md_new (4, dims, type, dnnl_nhwc);
  is = nhwc && unet_md_equal (md, nhwc);
  unet_md_free (nhwc);
  return is;
}

static void
note_post_ops (UnetDnnlCase *c, const_dnnl_primitive_attr_t attr)
{
  const_dnnl_post_ops_t ops = NULL;

  if (!attr || dnnl_primitive_attr_get_post_ops (attr, &ops) != dnnl_success)
    return;
  for (int i = 0; ops && i < dnnl_post_ops_len (ops); i++) {
    dnnl_primitive_kind_t kind = dnnl_post_ops_get_kind (ops, i);

    c->sums |= kind == dnnl_sum;
    c->adds |= kind == dnnl_sum || kind == dnnl_binary;
  }
}

gboolean
unet_dnnl_case_init (UnetDnnlCase *c, UnetDnnlOp op, UnetConstMd src,
    UnetConstMd weights, UnetConstMd dst, const UnetDnnlWindow *w,
    const_dnnl_primitive_attr_t attr)
{
  const gint64 *in, *out, *taps;
  dnnl_data_type_t type;

  memset (c, 0, sizeof *c);
  if (w->n != 2 || unet_md_query (src, &in, &c->src) != 4
      || unet_md_query (dst, &out, &type) != 4)
    return FALSE;
  c->op = op;
  c->group = unet_md_query (weights, &taps, &type) == 5 ? taps[0] : 1;
  c->ic = in[1];
  c->oc = out[1];
  c->nhwc = md_is_nhwc (src);
  c->block = 1;
  for (guint i = 0; i < 2; i++) {
    c->in[i] = in[2 + i];
    c->out[i] = out[2 + i];
    c->kernel[i] = w->kernel[i];
    c->stride[i] = w->stride[i];
    c->dilation[i] = w->dilation[i];
    c->pad_begin[i] = w->pad_begin[i];
  }
  note_post_ops (c, attr);
  return TRUE;
}

/* ---- processors ---------------------------------------------------------- */

static gboolean
has_isa (dnnl_cpu_isa_t isa)
{
  return (unet_dnnl_get_isa () & isa) == isa;
}

/* Without VNNI two products of bytes are added in 16 bits, which saturate. */
static gboolean
has_vnni (void)
{
  return has_isa (dnnl_cpu_isa_avx512_core_vnni)
      || has_isa (dnnl_cpu_isa_avx2_vnni);
}

/* ---- shapes -------------------------------------------------------------- */

static gboolean
is_int8 (const UnetDnnlCase *c)
{
  return c->src == dnnl_u8 || c->src == dnnl_s8;
}

static gboolean
is_depthwise (const UnetDnnlCase *c)
{
  return c->op == UNET_DNNL_CONV && c->group > 1 && c->group == c->ic
      && c->group == c->oc;
}

static gint64
span_of (const UnetDnnlCase *c, guint i)
{
  return (c->kernel[i] - 1) * c->dilation[i] + 1;
}

/* Some pixels of the result get no tap at all: the kernel is smaller than its
 * stride, or output padding adds rows behind the last one. */
static gboolean
deconv_leaves_gaps (const UnetDnnlCase *c)
{
  if (c->op != UNET_DNNL_DECONV || !is_int8 (c))
    return FALSE;
  for (guint i = 0; i < 2; i++) {
    gint64 reached = (c->in[i] - 1) * c->stride[i] + span_of (c, i);

    if (span_of (c, i) < c->stride[i] || c->out[i] > reached - c->pad_begin[i])
      return TRUE;
  }
  return FALSE;
}

static gboolean
deconv_saturates (const UnetDnnlCase *c)
{
  return c->op == UNET_DNNL_DECONV && c->src == dnnl_s8 && !has_vnni ();
}

static gboolean
depthwise_of_eight_taps (const UnetDnnlCase *c)
{
  return is_depthwise (c) && c->src == dnnl_s8
      && c->kernel[0] * c->kernel[1] == 8;
}

static gboolean
strided_1x1 (const UnetDnnlCase *c)
{
  return c->op == UNET_DNNL_CONV && c->src == dnnl_s8 && c->kernel[0] == 1
      && c->kernel[1] == 1 && (c->stride[0] > 1 || c->stride[1] > 1)
      && c->oc % 8 != 0;
}

static gboolean
depthwise_sum_below_avx2 (const UnetDnnlCase *c)
{
  return is_depthwise (c) && c->src == dnnl_f32 && c->nhwc && c->sums
      && !has_isa (dnnl_cpu_isa_avx2);
}

static gboolean
product_with_operands (const UnetDnnlCase *c)
{
  return c->op == UNET_DNNL_CONV && c->src == dnnl_f32 && c->adds;
}

static gboolean
binary_in_place (const UnetDnnlCase *c)
{
  return c->op == UNET_DNNL_BINARY && c->in_place && c->ic % c->block != 0;
}

static gboolean
binary_below_avx2 (const UnetDnnlCase *c)
{
  return c->op == UNET_DNNL_BINARY && c->ic % c->block != 0
      && !has_isa (dnnl_cpu_isa_avx2);
}

/* Some taps lie further apart than the picture is high or wide. */
static gboolean
taps_skip_picture (const UnetDnnlCase *c)
{
  for (guint i = 0; i < 2; i++)
    if (c->kernel[i] > 1 && c->dilation[i] > c->in[i])
      return c->op == UNET_DNNL_CONV || c->op == UNET_DNNL_DECONV;
  return FALSE;
}

/* Batch-reduce convolutions, with AMX and without: in rows of one pixel or
 * two, from one channel of each group, and where strides skip pixels. */
static gboolean
batch_reduce (const UnetDnnlCase *c)
{
  if (c->op != UNET_DNNL_CONV || c->src == dnnl_f32
      || (c->kernel[0] == 1 && c->kernel[1] == 1))
    return FALSE;
  return c->out[1] < 3 || c->ic == c->group || c->stride[0] > c->kernel[0]
      || c->stride[1] > c->kernel[1];
}

/* Channels in bytes fill no whole rows of AMX tiles. */
static gboolean
tiles_have_tails (const UnetDnnlCase *c)
{
  return c->op == UNET_DNNL_CONV && is_int8 (c) && c->ic > 64
      && c->ic % 64 != 0;
}

/* One or two columns are made, behind a wide border, and the last columns of
 * the picture are not read. */
static gboolean
leaves_columns (const UnetDnnlCase *c)
{
  return c->op == UNET_DNNL_CONV && is_int8 (c) && c->out[1] < 3
      && c->pad_begin[1] > 2
      && c->in[1]
      > (c->out[1] - 1) * c->stride[1] + span_of (c, 1) - c->pad_begin[1];
}

/* Each group makes a number of channels that is no multiple of eight. */
static gboolean
product_of_odd_groups (const UnetDnnlCase *c)
{
  return c->op == UNET_DNNL_CONV && c->src == dnnl_s8 && c->group > 1
      && (c->oc / c->group) % 8 != 0;
}

/* ---- the table ----------------------------------------------------------- */

static const UnetKnownBug bugs[] = {
  { 0, "jit_uni_deconv", deconv_leaves_gaps,
      "pixels that no tap reaches hold whatever was in registers",
      "deconv u8>f32 nhwc>nhwc n1 g1 c4>2 i2,7 o4,19 k1,1 s3,3 d1,1 b0,0 e0,0 "
      "alone 0" },
  { 0, "jit_deconvolution", deconv_leaves_gaps,
      "pixels that no tap reaches hold whatever was in registers",
      "deconv u8>f32 nhwc>nhwc n1 g1 c4>2 i2,7 o4,19 k1,1 s3,3 d1,1 b0,0 e0,0 "
      "alone 0" },
  { 3, "jit_uni_int8", deconv_leaves_gaps,
      "pixels that no tap reaches hold what the last ones had",
      "deconv s8>u8 nhwc>nhwc n1 g1 c16>8 i3,6 o12,24 k1,1 s4,4 d1,1 b0,0 "
      "e-3,0 relu 0" },
  { 0, "gemm_s8s8s32", deconv_saturates,
      "sums saturate, since weights are not halved as elsewhere",
      "deconv s8>f32 nhwc>nhwc n1 g1 c24>8 i1,1 o7,7 k7,7 s1,1 d1,1 b0,0 e0,0 "
      "relu 0" },
  { 0, "jit_uni_int8", depthwise_of_eight_taps,
      "the first channels of a group of eight are wrong",
      "conv s8>f32 nhwc>nhwc n2 g16 c16>16 i6,4 o6,4 k2,4 s1,1 d2,2 b1,3 e1,3 "
      "alone 0" },
  { 0, "jit_uni_int8_1x1", strided_1x1, "writes beyond its scratchpad",
      "conv s8>s8 nhwc>nhwc n1 g1 c24>33 i2,4 o1,1 k1,1 s2,4 d1,1 b0,0 e0,0 "
      "relu 0" },
  { 0, "", depthwise_sum_below_avx2, "crashes",
      "conv f32>f32 nhwc>nhwc n1 g5 c5>5 i5,5 o2,2 k2,2 s2,2 d1,1 b0,0 e0,0 "
      "sum 0" },
  { 0, "gemm", product_with_operands,
      "operands of post-ops in NHWC are "
      "read from other places",
      NULL },
  { 0, "", binary_in_place, "part of the last block keeps what it was",
      "binary f32>f32 blocked>blocked n1 g1 c7>7 i4,4 o4,4 k1,1 s1,1 d1,1 b0,0 "
      "e0,0 alone 60655" },
  { 0, "", binary_below_avx2, "part of the last block is left out", NULL },
  { 3, "brg_conv", batch_reduce, "taps are counted wrongly",
      "conv s8>f32 nhwc>nhwc n2 g2 c2>66 i7,9 o2,3 k5,5 s2,2 d1,1 b0,0 e0,0 "
      "relu 0" },
  { 3, "brg_conv", taps_skip_picture, "writes beyond its memory",
      "deconv s8>u8 nhwc>nhwc n1 g1 c16>12 i2,7 o1,6 k4,4 s1,1 d3,3 b5,5 e5,5 "
      "relu 0" },
  { 2, "brgconv", taps_skip_picture, "taps are counted wrongly",
      "conv f32>f32 nhwc>nhwc n1 g4 c68>16 i1,8 o1,4 k4,4 s2,2 d2,2 b3,3 e3,3 "
      "sum 0" },
  { 2, "brgconv:avx512_core_amx", tiles_have_tails,
      "reads beyond a table while it is created", NULL },
  { 2, "brgconv", leaves_columns, "writes beyond its memory",
      "conv u8>u8 nhwc>nhwc n2 g1 c48>32 i8,10 o1,2 k6,6 s4,4 d1,1 b1,3 e0,0 "
      "sum 0" },
  { 0, "gemm_s8s8s32", product_of_odd_groups, "sums are wrong",
      "conv s8>s8 nhwc>nhwc n1 g3 c99>21 i11,7 o3,1 k4,4 s2,2 d2,2 b0,0 e0,0 "
      "sum 0" },
};

const UnetKnownBug *
unet_known_bugs (guint *n)
{
  *n = G_N_ELEMENTS (bugs);
  return bugs;
}

void
unet_known_bugs_ignore (gboolean ignore)
{
  ignored = ignore;
}

const UnetKnownBug *
unet_known_bug_find (const gchar *impl, const UnetDnnlCase *c)
{
  gint major = dnnl_version ()->major;

  for (guint i = 0; !ignored && i < G_N_ELEMENTS (bugs); i++)
    if ((!bugs[i].major || bugs[i].major == major)
        && strstr (impl, bugs[i].impl) && bugs[i].matches (c))
      return &bugs[i];
  return NULL;
}
