/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/lower/int8-conv.h"
#include "engine/cost/int8-suits.h"
#include "engine/emit/int8-convert.h"
#include "engine/emit/locations.h"
#include "engine/lower/int8-conv-depthwise.h"
#include "engine/lower/int8-conv-head.h"
#include "engine/lower/int8-weights.h"
#include "engine/run/weight-cache.h"
#include "engine/kernels/int8-move.h"

typedef UnetInt8Conv Conv;

/* Caches the weights. @steps: (out): the value of a step in each row, 1 for
 * bfloat16. */
static UnetStorage *
cache_weights (const Conv *c, gfloat *steps, GError **error)
{
  gfloat *rows = unet_int8_conv_weights (c);
  gint8 *bytes = unet_int8_conv_is_int8 (c) ? g_new (gint8, c->oc * c->row)
                                            : NULL;
  UnetMd from =
      unet_int8_conv_weights_md (c, bytes ? dnnl_s8 : dnnl_f32, dnnl_oihw);
  UnetStorage *storage;

  for (gint64 o = 0; o < c->oc; o++)
    steps[o] = bytes ? unet_int8_quantize_row (rows + o * c->row, c->row,
                   unet_int8_largest_weight (c), bytes + o * c->row)
                     : 1.0f;
  storage = unet_plan_cache_reordered (c->plan,
      bytes ? (gconstpointer) bytes : rows, from,
      unet_pd_md (c->pd, dnnl_query_weights_md, 0), error);
  unet_md_free (from);
  g_free (bytes);
  g_free (rows);
  return storage;
}

static gboolean
copy_residual (Conv *c, const UnetLoc *from, const UnetLoc *to)
{
  const UnetValue *v = c->attrs.sum;
  gint64 size = unet_element_size (c->dst.type);
  gint64 bytes = unet_dims_count (4, v->dims) * size;
  UnetInt8Move *p = g_new0 (UnetInt8Move, 1);
  gint64 row = bytes / (v->dims[0] * v->dims[2]);
  UnetStep *step;

  *p = (UnetInt8Move){ v->dims[0], v->dims[2], 1, row,
    { row, row, row * v->dims[2] }, { row, row, row * v->dims[2] }, 0, 0 };
  step = unet_plan_add_kernel (c->plan, c->node, "Copy",
      unet_int8_impl (c->dst.type, "move"), unet_kernel_int8_move, p, v,
      UNET_MEM_LOW);
  step->kind = UNET_STEP_COPY;
  unet_step_operand (step, 0, from, FALSE);
  unet_step_operand (step, 0, to, TRUE);
  return TRUE;
}

static UnetLoc *
output_location (Conv *c, GError **error)
{
  UnetValue *out = unet_node_output (c->node, 0);
  UnetLoc *residual, *loc;

  if (!c->dst.type)
    return unet_plan_place (c->plan, out, UNET_MEM_NHWC, error);
  if (!c->attrs.sum)
    return unet_plan_place (c->plan, out, UNET_MEM_LOW, error);
  residual = unet_plan_locate (c->plan, c->attrs.sum, UNET_MEM_LOW, error);
  if (!residual)
    return NULL;
  if (!c->attrs.sum_copies)
    return unet_plan_alias (
        c->plan, out, UNET_MEM_LOW, residual, 0, unet_int8_md (c->plan, out));
  loc = unet_plan_place (c->plan, out, UNET_MEM_LOW, error);
  return loc && copy_residual (c, residual, loc) ? loc : NULL;
}

/* Moves the groups of channels of @mid to pixels of the result. */
static gboolean
emit_depth_to_space (Conv *c, UnetStorage *mid, GError **error)
{
  UnetValue *out = unet_node_output (c->node, 0);
  UnetLoc *dst = unet_plan_place (
      c->plan, out, c->dst.type ? UNET_MEM_LOW : UNET_MEM_NHWC, error);
  gint64 size = c->dst.type ? unet_element_size (c->dst.type) : 4;
  gint64 bytes = out->dims[1] * size, step_bytes = bytes;
  UnetInt8DepthToSpace *p;
  UnetStep *step;

  if (!dst)
    return FALSE;
  if (c->dst.type)
    step_bytes = unet_int8_pixels (c->plan, out).pixel * size;
  p = g_new0 (UnetInt8DepthToSpace, 1);
  *p = (UnetInt8DepthToSpace){ c->dst_dims[0], c->dst_dims[2], c->dst_dims[3],
    c->depth_to_space, bytes,
    { step_bytes, step_bytes * out->dims[3],
        step_bytes * out->dims[3] * out->dims[2] } };
  step = unet_plan_add_kernel (c->plan, c->node, "DepthToSpace",
      unet_int8_impl (
          c->dst.type ? c->dst.type : c->src.type, "depth_to_space"),
      unet_kernel_int8_depth_to_space, p, out, dst->layout);
  step->kind = UNET_STEP_COPY;
  unet_step_operand_md (step, 0, mid, 0, c->dst_md, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return TRUE;
}

static UnetStep *
add_step (Conv *c, GError **error)
{
  gchar *name = unet_node_describe (c->node, c->attrs.n);
  UnetStep *step = unet_plan_add_primitive (c->plan, c->node, name, c->pd,
      unet_node_output (c->node, 0), c->dst.type ? UNET_MEM_LOW : UNET_MEM_NHWC,
      error);

  c->pd = NULL;
  g_free (name);
  return step;
}

typedef struct {
  UnetStorage *weights, *bias, *scales;
  UnetMd weights_md;
} Constants;

/* Caches the weights first: their steps give the factors, which the primitive
 * depends on. */
static gboolean
cache_constants (Conv *c, Constants *o, GError **error)
{
  gfloat *factors = c->steps;

  o->weights = cache_weights (c, factors, error);
  if (!o->weights)
    return FALSE;
  o->weights_md = unet_md_copy (unet_pd_md (c->pd, dnnl_query_weights_md, 0));
  for (gint64 o = 0; o < c->oc; o++)
    factors[o] *= c->src.scale / c->unit;
  o->bias = unet_int8_cache_bias (c, factors, error);
  o->scales =
      unet_int8_cache_bytes (c->plan, factors, c->oc * sizeof *factors, error);
  if (!o->bias || !o->scales)
    return FALSE;
  dnnl_primitive_desc_destroy (c->pd);
  c->pd = NULL;
  return unet_int8_conv_make_pd (c, factors);
}

static gboolean
emit_conv (Conv *c, GError **error)
{
  UnetPlan *plan = c->plan;
  UnetLoc *src = unet_plan_locate (
              plan, unet_node_input (c->node, 0), UNET_MEM_LOW, error),
          *dst = NULL;
  UnetStorage *mid = NULL;
  Constants constants = { 0 };
  UnetStep *step = NULL;

  if (src && cache_constants (c, &constants, error)
      && (c->depth_to_space || (dst = output_location (c, error))))
    step = add_step (c, error);
  if (step) {
    unet_step_operand_md (
        step, DNNL_ARG_SRC, src->storage, src->offset, c->src_md, FALSE);
    unet_step_operand_md (step, DNNL_ARG_WEIGHTS, constants.weights, 0,
        constants.weights_md, FALSE);
    unet_step_operand_md (
        step, DNNL_ARG_BIAS, constants.bias, 0, c->bias_md, FALSE);
    if (unet_int8_conv_is_int8 (c) && unet_channel_scales_arg ())
      unet_step_operand_md (step, unet_channel_scales_arg (), constants.scales,
          0, c->bias_md, FALSE);
    if (c->depth_to_space)
      mid = unet_plan_add_storage (plan, unet_md_size (c->dst_md));
    unet_step_operand_md (step, DNNL_ARG_DST, mid ? mid : dst->storage,
        mid ? 0 : dst->offset, c->dst_md, TRUE);
  }
  unet_md_free (constants.weights_md);
  return step && (!mid || emit_depth_to_space (c, mid, error));
}

static gboolean
emit_chosen (Conv *c, GError **error)
{
  UnetConvKernel kernel = unet_int8_conv_choose (c)->kernel;

  switch (kernel) {
    case UNET_CONV_F32_HEAD:
    case UNET_CONV_INT8_HEAD:
      return unet_emit_int8_head (c, kernel, error);
    case UNET_CONV_INT8_DEPTHWISE:
      return unet_emit_int8_depthwise (c, error);
    case UNET_CONV_ONEDNN:
      return emit_conv (c, error);
    default:
      return FALSE;
  }
}

gboolean
unet_lower_int8_conv (UnetPlan *plan, UnetNode *node, GError **error)
{
  gboolean ok = FALSE;
  Conv c;

  if (unet_int8_conv_init (&c, plan, node)) {
    c.steps = g_new (gfloat, c.oc);
    ok = emit_chosen (&c, error);
    g_free (c.steps);
  }
  unet_int8_conv_clear (&c);
  if (!ok && error && !*error)
    unet_plan_set_error (error, plan, node, "oneDNN has no such primitive");
  return ok;
}
