/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/lower/deconv-col2im.h"
#include "engine/cost/conv.h"
#include "engine/cost/timing.h"
#include "engine/emit/locations.h"
#include "engine/emit/post-ops.h"
#include "engine/kernels/f32-col2im.h"
#include "engine/run/weight-cache.h"
#include <string.h>

/* oneDNN 2.6 runs transposed convolutions with dilations, most groups and much
 * output padding by its reference implementation, 100 times slower than the
 * oracle. The product makes what each input pixel adds to the result by each
 * tap, as a 1x1 convolution to kernel * kernel * oc channels. */

/* The intermediate result is larger than the result by the number of taps. */
#define LARGEST_MIDDLE                                                         \
  (256 * 1024 * 1024) /* bytes; beyond it the oracle runs */
/* Groups are multiplied as one dense product with zeros between them, which
 * costs as many times the operations. */
#define MOST_GROUPS 32

typedef struct {
  UnetPlan *plan;
  UnetNode *node;
  const UnetWindow *w;
  gboolean depthwise;
  gboolean rows; /* the result is PLAIN, the product in blocks */
  gint64 taps, ic, oc;
  gint64 group; /* channels of a tap, padded to whole blocks */
  gint64 mid[4];
  UnetMd src, weights, bias, dst; /* of the product; bias: of the sum */
  UnetAttrs attrs;
  dnnl_primitive_desc_t pd;
} Product;

/* ---- shapes -------------------------------------------------------------- */

static void
product_clear (Product *p)
{
  if (p->pd)
    dnnl_primitive_desc_destroy (p->pd);
  unet_attrs_clear (&p->attrs);
  unet_md_free (p->src);
  unet_md_free (p->weights);
  unet_md_free (p->dst);
}

static gboolean
make_product (Product *p)
{
  UnetDnnlWindow one = { 2, { 1, 1 }, { 1, 1 }, { 1, 1 }, { 0 }, { 0 } };
  UnetValue *in = unet_node_input (p->node, 0);
  gint64 dims[] = { p->taps * p->group, p->ic, 1, 1 };

  p->src =
      unet_plan_md (p->plan, UNET_DTYPE_F32, 4, in->dims, UNET_MEM_BLOCKED);
  p->dst = unet_plan_md (p->plan, UNET_DTYPE_F32, 4, p->mid, UNET_MEM_BLOCKED);
  p->weights = unet_md_new (4, dims, dnnl_f32, dnnl_format_tag_any);
  return p->src && p->dst && p->weights
      && unet_attrs_init (
          &p->attrs, p->plan, p->node, 0, UNET_MEM_BLOCKED, UNET_SUM_NEVER)
      && unet_pd_conv (&p->pd, p->plan->engine, dnnl_convolution_direct, p->src,
          p->weights, NULL, p->dst, &one, p->attrs.attr)
      && !unet_pd_is_reference (p->pd);
}

static gboolean
product_init (Product *p, UnetPlan *plan, UnetNode *node, const UnetWindow *w,
    UnetMemLayout layout)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);

  memset (p, 0, sizeof *p);
  if (w->n != 2 || in->dtype != UNET_DTYPE_F32 || layout == UNET_MEM_NHWC
      || !unet_value_fits (plan, in, UNET_MEM_BLOCKED)
      || !unet_value_fits (plan, out, UNET_MEM_BLOCKED))
    return FALSE;
  p->plan = plan;
  p->node = node;
  p->w = w;
  p->taps = w->kernel[0] * w->kernel[1];
  p->ic = in->dims[1];
  p->oc = out->dims[1];
  p->depthwise = w->group > 1 && w->group == p->ic && p->ic == p->oc;
  p->rows = layout == UNET_MEM_PLAIN
      || (p->oc * 4 <= plan->block && !plan->slots[out->id].parent);
  p->group = (p->oc + plan->block - 1) / plan->block * plan->block;
  memcpy (p->mid, in->dims, sizeof p->mid);
  p->mid[1] = p->depthwise ? p->ic : p->taps * p->group;
  if (p->depthwise)
    return TRUE;
  return w->group <= MOST_GROUPS
      && p->mid[1] <= LARGEST_MIDDLE / (gint64) sizeof (gfloat)
          / (p->mid[0] * p->mid[2] * p->mid[3])
      && make_product (p);
}

static void
fill_col2im (const Product *p, UnetCol2im *c)
{
  UnetValue *out = unet_node_output (p->node, 0), seen = { 0 };

  memset (c, 0, sizeof *c);
  memcpy (seen.dims, p->mid, sizeof p->mid);
  c->src = unet_plan_vec (p->plan, &seen, UNET_MEM_BLOCKED);
  c->dst =
      unet_plan_vec (p->plan, out, p->rows ? UNET_MEM_PLAIN : UNET_MEM_BLOCKED);
  c->group = p->group;
  for (guint i = 0; i < 2; i++) {
    c->kernel[i] = p->w->kernel[i];
    c->stride[i] = p->w->stride[i];
    c->dilation[i] = p->w->dilation[i];
    c->pad[i] = p->w->pad_begin[i];
  }
  c->has_bias = unet_node_input (p->node, 2) != NULL;
  c->has_weights = p->depthwise;
}

/* ---- weights ------------------------------------------------------------- */

/* [ic][oc / group][taps] to [taps][oc padded][ic], zeros between groups. */
static UnetStorage *
pack_product (const Product *p, GError **error)
{
  const gfloat *w = unet_node_input (p->node, 1)->constant->data;
  gint64 dims[] = { p->taps * p->group, p->ic, 1, 1 };
  gint64 icg = p->ic / p->w->group, ocg = p->oc / p->w->group;
  gfloat *plain = g_try_malloc0_n (unet_dims_count (4, dims), sizeof (gfloat));
  UnetMd from = unet_md_new (4, dims, dnnl_f32, dnnl_oihw);
  UnetStorage *storage = NULL;

  if (plain && from) {
    for (gint64 i = 0; i < p->ic; i++)
      for (gint64 o = 0; o < ocg; o++)
        for (gint64 k = 0; k < p->taps; k++)
          plain[(k * p->group + i / icg * ocg + o) * p->ic + i] =
              w[(i * ocg + o) * p->taps + k];
    storage = unet_plan_cache_reordered (p->plan, plain, from,
        unet_pd_md (p->pd, dnnl_query_weights_md, 0), error);
  } else {
    unet_plan_set_error (error, p->plan, p->node, "out of memory for weights");
  }
  g_free (plain);
  unet_md_free (from);
  return storage;
}

/* [channels][taps] to [taps][channels padded]. */
static gboolean
fill_depthwise (gpointer data, gpointer user_data, GError **error)
{
  const Product *p = user_data;
  const gfloat *w = unet_node_input (p->node, 1)->constant->data;

  memset (data, 0, p->taps * p->group * sizeof (gfloat));
  for (gint64 c = 0; c < p->oc; c++)
    for (gint64 k = 0; k < p->taps; k++)
      ((gfloat *) data)[k * p->group + c] = w[c * p->taps + k];
  return TRUE;
}

static gboolean
fill_bias (gpointer data, gpointer user_data, GError **error)
{
  const Product *p = user_data;

  memset (data, 0, p->group * sizeof (gfloat));
  memcpy (data, unet_node_input (p->node, 2)->constant->data,
      p->oc * sizeof (gfloat));
  return TRUE;
}

/* ---- choice -------------------------------------------------------------- */

static gsize
vec_size (const UnetVec *v)
{
  return v->n * v->blocks * v->vec * v->h * v->w * sizeof (gfloat);
}

static guint64
col2im_time (const Product *p, const gchar *key)
{
  gsize bias = p->group * sizeof (gfloat);
  gsize sizes[4] = { 0, bias, p->taps * bias, 0 };
  UnetCol2im c;

  fill_col2im (p, &c);
  sizes[0] = vec_size (&c.src);
  sizes[3] = vec_size (&c.dst);
  return unet_timing_measure_kernel (
      p->plan, key, unet_kernel_col2im, &c, sizes, G_N_ELEMENTS (sizes));
}

/* Nanoseconds of the product and of the sum. */
static guint64
product_time (Product *p)
{
  const UnetWindow *w = p->w;
  gchar *key = g_strdup_printf ("deconv product %d%d %" G_GINT64_FORMAT
                                ">%" G_GINT64_FORMAT " g%" G_GINT64_FORMAT
                                " n%" G_GINT64_FORMAT " %" G_GINT64_FORMAT
                                "x%" G_GINT64_FORMAT,
      p->depthwise, p->rows, p->ic, p->oc, w->group, p->mid[0], p->mid[2],
      p->mid[3]);
  gchar *all = g_strdup_printf (
      "%s k%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT " s%" G_GINT64_FORMAT
      ",%" G_GINT64_FORMAT " d%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT
      " p%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT " o%" G_GINT64_FORMAT
      ",%" G_GINT64_FORMAT " t%u",
      key, w->kernel[0], w->kernel[1], w->stride[0], w->stride[1],
      w->dilation[0], w->dilation[1], w->pad_begin[0], w->pad_begin[1],
      w->out[0], w->out[1], p->plan->options.threads);
  gchar *multiply = g_strconcat ("multiply ", all, NULL);
  guint64 ns = col2im_time (p, all);

  if (p->pd)
    ns +=
        unet_timing_measure_primitive (p->plan, multiply, p->pd, p->attrs.ops);
  g_free (multiply);
  g_free (all);
  g_free (key);
  return ns;
}

gboolean
unet_deconv_col2im_pays (
    UnetPlan *plan, UnetNode *node, const UnetWindow *w, UnetMemLayout layout)
{
  const UnetConvChoice *other = unet_conv_choose (plan, node, layout);
  gboolean pays = FALSE;
  Product p;

  if (product_init (&p, plan, node, w, layout)) {
    pays = other->kernel == UNET_CONV_REFERENCE;
    if (!pays && plan->options.tuning == UNET_TUNING_MEASURE)
      pays = product_time (&p) < other->time;
  }
  product_clear (&p);
  return pays;
}

/* ---- emission ------------------------------------------------------------ */

static UnetStorage *
emit_product (Product *p, UnetLoc *src, GError **error)
{
  UnetMd md = unet_md_copy (unet_pd_md (p->pd, dnnl_query_weights_md, 0));
  UnetStorage *weights = pack_product (p, error), *mid = NULL;
  UnetStep *step = NULL;

  if (weights) {
    step = unet_plan_add_primitive (p->plan, p->node, "ConvTranspose", p->pd,
        unet_node_output (p->node, 0), UNET_MEM_BLOCKED, error);
    p->pd = NULL;
  }
  if (step) {
    mid = unet_plan_add_storage (p->plan, unet_md_size (p->dst));
    unet_step_operand (step, DNNL_ARG_SRC, src, FALSE);
    unet_step_operand_md (step, DNNL_ARG_WEIGHTS, weights, 0, md, FALSE);
    unet_step_operand_md (step, DNNL_ARG_DST, mid, 0, p->dst, TRUE);
  }
  unet_md_free (md);
  return mid;
}

static void
add_constant (UnetStep *step, UnetStorage *constant)
{
  /* a place of its own, also where there is none to read */
  unet_step_operand_md (
      step, 0, constant ? constant : step->operands[0].storage, 0, NULL, FALSE);
}

static gboolean
emit_col2im (Product *p, UnetStorage *from, gsize offset, GError **error)
{
  UnetValue *out = unet_node_output (p->node, 0);
  UnetMemLayout layout = p->rows ? UNET_MEM_PLAIN : UNET_MEM_BLOCKED;
  UnetValue *w = unet_node_input (p->node, 1),
            *b = unet_node_input (p->node, 2);
  UnetStorage *weights = NULL, *bias = NULL;
  gsize size = p->group * sizeof (gfloat);
  gchar key[64];
  UnetLoc *dst = unet_plan_place (p->plan, out, layout, error);
  UnetCol2im *c;
  UnetStep *step;

  if (!dst)
    return FALSE;
  g_snprintf (key, sizeof key, "col2im %" G_GINT64_FORMAT ",%" G_GINT64_FORMAT,
      p->taps, p->group);
  if (b
      && !(bias = unet_plan_cache_constant (p->plan, b->constant->data,
               p->oc * sizeof (gfloat), key, size, fill_bias, p, error)))
    return FALSE;
  if (p->depthwise
      && !(weights = unet_plan_cache_constant (p->plan, w->constant->data,
               p->oc * p->taps * sizeof (gfloat), key, p->taps * size,
               fill_depthwise, p, error)))
    return FALSE;
  c = g_new (UnetCol2im, 1);
  fill_col2im (p, c);
  step = unet_plan_add_kernel (p->plan, p->node,
      p->depthwise ? "ConvTranspose" : "Col2Im", "unet:col2im",
      unet_kernel_col2im, c, out, layout);
  unet_step_operand_md (step, 0, from, offset, NULL, FALSE);
  add_constant (step, bias);
  add_constant (step, weights);
  unet_step_operand (step, 0, dst, TRUE);
  return unet_emit_post_ops (p->plan, p->node, 0, out, layout, error);
}

gboolean
unet_lower_deconv_col2im (UnetPlan *plan, UnetNode *node, const UnetWindow *w,
    UnetMemLayout layout, GError **error)
{
  UnetStorage *mid = NULL;
  gboolean ok = FALSE;
  UnetLoc *src;
  Product p;

  if (!product_init (&p, plan, node, w, layout)) {
    unet_plan_set_error (error, plan, node, "no such product");
  } else {
    src = unet_plan_locate (
        plan, unet_node_input (node, 0), UNET_MEM_BLOCKED, error);
    if (src && p.depthwise)
      ok = emit_col2im (&p, src->storage, src->offset, error);
    else if (src && (mid = emit_product (&p, src, error)))
      ok = emit_col2im (&p, mid, 0, error);
  }
  product_clear (&p);
  return ok;
}
