/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/lower/int8-conv-head.h"
#include "engine/cost/int8-conv-head.h"
#include "engine/emit/int8-convert.h"
#include "engine/emit/locations.h"
#include "engine/lower/int8-weights.h"
#include "engine/kernels/int8-conv-1x1.h"
#include <math.h>

typedef UnetInt8Conv Conv;

/* ---- f32 weights --------------------------------------------------------- */

static UnetStorage *
cache_f32_head (const Conv *c, GError **error)
{
  gfloat *rows = unet_int8_conv_weights (c);
  UnetStorage *storage;

  for (gint64 i = 0; i < c->oc * c->row; i++)
    rows[i] *= c->src.scale;
  storage = unet_int8_cache_bytes (
      c->plan, rows, c->oc * c->row * sizeof *rows, error);
  g_free (rows);
  return storage;
}

/* Weights and result of the last layer stay f32. */
static gboolean
emit_f32_head (Conv *c, GError **error)
{
  UnetPlan *plan = c->plan;
  UnetValue *in = unet_node_input (c->node, 0);
  UnetValue *out = unet_node_output (c->node, 0);
  UnetLoc *src = unet_plan_locate (plan, in, UNET_MEM_LOW, error);
  UnetLoc *dst = src ? unet_plan_place (plan, out, UNET_MEM_PLAIN, error)
                     : NULL;
  UnetStorage *weights = dst ? cache_f32_head (c, error) : NULL, *bias;
  UnetInt8Conv1x1 *p;
  UnetStep *step;

  c->unit = 1.0f;
  for (gint64 o = 0; o < c->oc; o++)
    c->steps[o] = 1.0f;
  bias = weights ? unet_int8_cache_bias (c, c->steps, error) : NULL;
  if (!bias)
    return FALSE;
  p = g_new0 (UnetInt8Conv1x1, 1);
  *p = unet_int8_head_f32_shape (c);
  step = unet_plan_add_kernel (plan, c->node, "Conv",
      unet_int8_impl (c->src.type, "f32_head"), unet_kernel_int8_conv_1x1, p,
      out, UNET_MEM_PLAIN);
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand_md (step, 0, weights, 0, NULL, FALSE);
  unet_step_operand_md (step, 0, bias, 0, NULL, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return unet_emit_post_ops (plan, c->node, 0, out, UNET_MEM_PLAIN, error);
}

/* ---- int8 weights -------------------------------------------------------- */

static gboolean
is_exact (const gfloat *row, gint64 n, gfloat step, const gint8 *bytes)
{
  for (gint64 i = 0; i < n; i++)
    if (fabsf (row[i] / step - bytes[i]) > 1e-3f)
      return FALSE;
  return TRUE;
}

/* Quantizes a row to one int8 for each weight, or to two. @factor: (out): the
 * value of a step of each. */
static gboolean
quantize_head (const gfloat *row, gint64 n, gint limit, gint parts,
    gint8 *bytes, gfloat *factor)
{
  gint radix = 2 * limit;

  factor[0] = unet_int8_quantize_row (row, n, limit, bytes);
  if (parts == 1)
    return is_exact (row, n, factor[0], bytes);
  factor[1] = 0;
  for (gint64 i = 0; i < n; i++)
    factor[1] = MAX (factor[1], fabsf (row[i]));
  factor[1] = MAX (factor[1], 1e-30f) / limit;
  factor[0] = factor[1] / radix;
  for (gint64 i = 0; i < n; i++) {
    gint w = (gint) rintf (row[i] / factor[0]);

    bytes[n + i] = (gint8) rint ((gdouble) w / radix);
    bytes[i] = (gint8) (w - bytes[n + i] * radix);
  }
  return TRUE;
}

/* Returns whether one int8 for each weight loses nothing. */
static gboolean
fits_one_part (const Conv *c, const gfloat *rows)
{
  gint8 *bytes = g_new (gint8, c->row);
  gboolean fits = TRUE;
  gfloat step;

  for (gint64 o = 0; fits && o < c->oc; o++)
    fits = quantize_head (rows + o * c->row, c->row,
        unet_int8_conv_weight_limit (c), 1, bytes, &step);
  g_free (bytes);
  return fits;
}

/* A result in f32 is the network's: it gets two int8 for each weight, where one
 * would round. */
static UnetStorage *
cache_int8_head (const Conv *c, UnetInt8ConvHeadShape *p, GError **error)
{
  const UnetValue *b = unet_node_input (c->node, 2);
  gfloat unit = c->dst.type ? c->dst.scale : 1.0f;
  gfloat *rows = unet_int8_conv_weights (c);
  gint8 *bytes = g_new (gint8, 2 * c->row);
  gint64 n = unet_node_output (c->node, 0)->dims[1];
  UnetStorage *storage;
  guint8 *packed;
  gsize size;

  if (p->parts == 2 && fits_one_part (c, rows))
    p->parts = 1;
  size = unet_int8_conv_head_channel_size (p);
  packed = g_malloc (c->oc * size);
  for (gint64 o = 0; o < c->oc; o++) {
    gfloat factor[2] = { 0 };

    quantize_head (rows + o * c->row, c->row, unet_int8_conv_weight_limit (c),
        p->parts, bytes, factor);
    factor[0] *= c->src.scale / unit;
    factor[1] *= c->src.scale / unit;
    unet_int8_conv_head_pack (p, bytes, factor,
        b ? ((const gfloat *) b->constant->data)[o % n] / unit : 0.0f,
        packed + o * size);
  }
  storage = unet_int8_cache_bytes (c->plan, packed, c->oc * size, error);
  g_free (packed);
  g_free (bytes);
  g_free (rows);
  return storage;
}

static void
add_int8_head (Conv *c, UnetInt8ConvHeadShape *p, const UnetLoc *src,
    UnetStorage *packed, const UnetLoc *dst)
{
  UnetPlan *plan = c->plan;
  gchar *name =
      unet_node_describe (c->node, c->dst.type ? c->node->post_ops->len : 0);
  gchar impl[48];
  UnetStep *step;

  g_snprintf (
      impl, sizeof impl, "unet:int8_head:%s", unet_int8_conv_head_isa ()->name);
  step = unet_plan_add_kernel (plan, c->node, name, impl,
      unet_kernel_int8_conv_head, p, unet_node_output (c->node, 0),
      dst->layout);
  g_free (name);
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand_md (step, 0, packed, 0, NULL, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  unet_step_operand_md (step, DNNL_ARG_SCRATCHPAD,
      unet_plan_add_storage (
          plan, unet_int8_conv_head_scratch (p) * plan->options.threads),
      0, NULL, TRUE);
}

static gboolean
emit_int8_head (Conv *c, GError **error)
{
  UnetPlan *plan = c->plan;
  UnetValue *out = unet_node_output (c->node, 0);
  UnetInt8ConvHeadShape *p = unet_int8_head_shape (c);
  UnetStorage *packed = cache_int8_head (c, p, error);
  UnetLoc *src = packed ? unet_plan_locate (
                     plan, unet_node_input (c->node, 0), UNET_MEM_LOW, error)
                        : NULL;
  UnetLoc *dst = src ? unet_plan_place (plan, out,
                     c->dst.type ? UNET_MEM_LOW : UNET_MEM_PLAIN, error)
                     : NULL;

  if (!dst) {
    g_free (p);
    return FALSE;
  }
  add_int8_head (c, p, src, packed, dst);
  return c->dst.type
      || unet_emit_post_ops (plan, c->node, 0, out, UNET_MEM_PLAIN, error);
}

gboolean
unet_emit_int8_head (Conv *c, UnetConvKernel kernel, GError **error)
{
  return kernel == UNET_CONV_F32_HEAD ? emit_f32_head (c, error)
                                      : emit_int8_head (c, error);
}
