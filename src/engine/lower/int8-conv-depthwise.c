/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/lower/int8-conv-depthwise.h"
#include "engine/cost/int8-conv-depthwise.h"
#include "engine/emit/locations.h"
#include "engine/lower/int8-weights.h"

typedef UnetInt8Conv Conv;

/* With larger factors or biases every int8 is at its limit. */
#define LARGEST_FACTOR 1000.0f
#define LARGEST_BIAS   1e9f

typedef struct {
  gint8 *weights;
  gfloat *factor, *bias;
} Channels;

/* Computes int8 weights, factor and bias of channel @k. */
static void
quantize_channel (const Conv *c, const gfloat *row, gint64 k, gfloat bias,
    gboolean swish, Channels *to)
{
  gfloat step = unet_int8_quantize_row (
      row, c->row, unet_int8_conv_weight_limit (c), to->weights + k * c->row);

  to->factor[k] = c->src.scale * step;
  to->bias[k] = bias;
  if (swish)
    return;
  to->factor[k] = MIN (to->factor[k] / c->dst.scale, LARGEST_FACTOR);
  to->bias[k] = CLAMP (bias / c->dst.scale, -LARGEST_BIAS, LARGEST_BIAS);
}

static UnetStorage *
cache_depthwise (const Conv *c, const UnetInt8DepthwiseShape *p, GError **error)
{
  const UnetInt8DepthwiseIsa *isa = unet_int8_depthwise_isa ();
  const UnetValue *b = unet_node_input (c->node, 2);
  gfloat *rows = unet_int8_conv_weights (c);
  gsize size = unet_int8_depthwise_packed_size (isa, p);
  guint8 *packed = g_malloc (size);
  Channels to = { g_new (gint8, c->oc * c->row), g_new (gfloat, c->oc),
    g_new (gfloat, c->oc) };
  UnetStorage *storage;

  for (gint64 k = 0; k < c->oc; k++)
    quantize_channel (c, rows + k * c->row, k,
        b ? ((const gfloat *) b->constant->data)[k] : 0.0f, p->hard_swish, &to);
  unet_int8_depthwise_pack (isa, p, to.weights, to.factor, to.bias, packed);
  storage = unet_int8_cache_bytes (c->plan, packed, size, error);
  g_free (to.weights);
  g_free (to.bias);
  g_free (to.factor);
  g_free (packed);
  g_free (rows);
  return storage;
}

gboolean
unet_emit_int8_depthwise (Conv *c, GError **error)
{
  UnetPlan *plan = c->plan;
  UnetValue *out = unet_node_output (c->node, 0);
  UnetInt8DepthwiseShape *p = unet_int8_depthwise_shape (c);
  UnetStorage *packed = cache_depthwise (c, p, error);
  UnetLoc *src = packed ? unet_plan_locate (
                     plan, unet_node_input (c->node, 0), UNET_MEM_LOW, error)
                        : NULL;
  UnetLoc *dst = src ? unet_plan_place (plan, out, UNET_MEM_LOW, error) : NULL;
  gchar *name, impl[48];
  UnetStep *step;

  if (!dst) {
    g_free (p);
    return FALSE;
  }
  name = unet_node_describe (c->node, c->node->post_ops->len);
  g_snprintf (
      impl, sizeof impl, "unet:depthwise:%s", unet_int8_depthwise_isa ()->name);
  step = unet_plan_add_kernel (plan, c->node, name, impl,
      unet_kernel_int8_depthwise, p, out, UNET_MEM_LOW);
  g_free (name);
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand_md (step, 0, packed, 0, NULL, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return TRUE;
}
