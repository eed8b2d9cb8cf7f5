/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/lower/deconv-col2im.h"
#include "engine/cost/deconv-col2im.h"
#include "engine/emit/locations.h"
#include "engine/emit/post-ops.h"
#include "engine/run/weight-cache.h"
#include <string.h>

/* ---- weights ------------------------------------------------------------- */

/* [ic][oc / group][taps] to [taps][oc padded][ic], zeros between groups. */
static UnetStorage *
pack_product (const UnetCol2imProduct *p, GError **error)
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
  const UnetCol2imProduct *p = user_data;
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
  const UnetCol2imProduct *p = user_data;

  memset (data, 0, p->group * sizeof (gfloat));
  memcpy (data, unet_node_input (p->node, 2)->constant->data,
      p->oc * sizeof (gfloat));
  return TRUE;
}

/* ---- emission ------------------------------------------------------------ */

static UnetStorage *
emit_product (UnetCol2imProduct *p, UnetLoc *src, GError **error)
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
emit_col2im (
    UnetCol2imProduct *p, UnetStorage *from, gsize offset, GError **error)
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
  unet_col2im_product_kernel (p, c);
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
  UnetCol2imProduct p;

  if (!unet_col2im_product_init (&p, plan, node, w, layout)) {
    unet_plan_set_error (error, plan, node, "no such product");
  } else {
    src = unet_plan_locate (
        plan, unet_node_input (node, 0), UNET_MEM_BLOCKED, error);
    if (src && p.depthwise)
      ok = emit_col2im (&p, src->storage, src->offset, error);
    else if (src && (mid = emit_product (&p, src, error)))
      ok = emit_col2im (&p, mid, 0, error);
  }
  unet_col2im_product_clear (&p);
  return ok;
}
