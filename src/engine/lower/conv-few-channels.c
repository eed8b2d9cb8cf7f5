/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/lower/conv-few-channels.h"
#include "engine/cost/conv-few-channels.h"
#include "engine/emit/locations.h"
#include "engine/run/weight-cache.h"

typedef struct {
  UnetNode *node;
  const UnetFewChannels *few;
} Fill;

static gboolean
fill_weights (gpointer data, gpointer user_data, GError **error)
{
  const Fill *f = user_data;

  unet_conv_few_channels_weights (
      &f->few->shape, unet_node_input (f->node, 1)->constant->data, data);
  return TRUE;
}

static UnetStorage *
cache_weights (UnetPlan *plan, Fill *fill, GError **error)
{
  const UnetTensor *t = unet_node_input (fill->node, 1)->constant;
  const UnetConvFewChannelsShape *s = &fill->few->shape;
  gchar *key = g_strdup_printf (
      "rows %" G_GINT64_FORMAT " %" G_GINT64_FORMAT, s->oc, s->isa->group);
  UnetStorage *storage = unet_plan_cache_constant (plan, t->data,
      t->n_elements * sizeof (gfloat), key,
      unet_conv_few_channels_weights_size (s) * sizeof (gfloat), fill_weights,
      fill, error);

  g_free (key);
  return storage;
}

static UnetStorage *
cache_bias (UnetPlan *plan, Fill *fill, GError **error)
{
  const UnetValue *bias = unet_node_input (fill->node, 2);

  return unet_plan_cache_bytes (plan, bias ? bias->constant->data : NULL,
      bias ? fill->few->shape.oc * sizeof (gfloat) : 0, "rows bias",
      unet_few_channels_padded (fill->few) * sizeof (gfloat), error);
}

/* Locates the input in PLAIN, or in blocks where it lies in nothing else. */
static UnetLoc *
locate_source (
    UnetPlan *plan, UnetValue *in, UnetConvFewChannelsShape *s, GError **error)
{
  UnetLoc **locs = plan->locs[in->id];

  if (locs[UNET_MEM_PLAIN] || !locs[UNET_MEM_BLOCKED])
    return unet_plan_locate (plan, in, UNET_MEM_PLAIN, error);
  s->vec = plan->block;
  return unet_plan_locate (plan, in, UNET_MEM_BLOCKED, error);
}

gboolean
unet_emit_few_channels (UnetPlan *plan, UnetNode *node,
    const UnetWindow *window, guint n_post_ops, const UnetLoc *dst,
    GError **error)
{
  UnetFewChannels *r = unet_few_channels_new (node, window);
  UnetLoc *src =
      locate_source (plan, unet_node_input (node, 0), &r->shape, error);
  Fill fill = { node, r };
  UnetStorage *weights = src ? cache_weights (plan, &fill, error) : NULL;
  UnetStorage *bias = weights ? cache_bias (plan, &fill, error) : NULL;
  UnetStep *step;
  gchar *name;

  if (!bias) {
    g_free (r);
    return FALSE;
  }
  name = unet_node_describe (node, n_post_ops);
  step = unet_plan_add_kernel (plan, node, name, "unet:few_channels",
      unet_few_channels_run, r, unet_node_output (node, 0), UNET_MEM_PLAIN);
  g_free (name);
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand_md (step, 0, weights, 0, NULL, FALSE);
  unet_step_operand_md (step, 0, bias, 0, NULL, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  unet_step_operand_md (step, DNNL_ARG_SCRATCHPAD,
      unet_plan_add_storage (
          plan, r->scratch * plan->options.threads * sizeof (gfloat)),
      0, NULL, TRUE);
  return TRUE;
}
