/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/cost/deconv-col2im.h"
#include "engine/cost/timing.h"
#include <string.h>

/* The intermediate result is larger than the result by the number of taps. */
#define LARGEST_MIDDLE                                                         \
  (256 * 1024 * 1024) /* bytes; beyond it the oracle runs */
/* Groups are multiplied as one dense product with zeros between them, which
 * costs as many times the operations. */
#define MOST_GROUPS 32

/* ---- shapes -------------------------------------------------------------- */

void
unet_col2im_product_clear (UnetCol2imProduct *p)
{
  if (p->pd)
    dnnl_primitive_desc_destroy (p->pd);
  unet_attrs_clear (&p->attrs);
  unet_md_free (p->src);
  unet_md_free (p->weights);
  unet_md_free (p->dst);
}

static gboolean
make_product (UnetCol2imProduct *p)
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

gboolean
unet_col2im_product_init (UnetCol2imProduct *p, UnetPlan *plan, UnetNode *node,
    const UnetWindow *w, UnetMemLayout layout)
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

void
unet_col2im_product_kernel (const UnetCol2imProduct *p, UnetCol2im *c)
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

/* ---- time ---------------------------------------------------------------- */

static gsize
vec_size (const UnetVec *v)
{
  return v->n * v->blocks * v->vec * v->h * v->w * sizeof (gfloat);
}

static guint64
col2im_time (const UnetCol2imProduct *p, const gchar *key)
{
  gsize bias = p->group * sizeof (gfloat);
  gsize sizes[4] = { 0, bias, p->taps * bias, 0 };
  UnetCol2im c;

  unet_col2im_product_kernel (p, &c);
  sizes[0] = vec_size (&c.src);
  sizes[3] = vec_size (&c.dst);
  return unet_timing_measure_kernel (
      p->plan, key, unet_kernel_col2im, &c, sizes, G_N_ELEMENTS (sizes));
}

guint64
unet_col2im_product_measure (UnetCol2imProduct *p)
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
