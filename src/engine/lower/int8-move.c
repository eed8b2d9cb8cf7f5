/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/choose/int8.h"
#include <math.h>
#include <string.h>

/* Everything but convolutions on narrow tensors. */

static UnetNarrowValue
narrow_of (const UnetPlan *plan, const UnetValue *value)
{
  return plan->narrow[value->id];
}

/* Same kernel, same bytes: what @n operands of @node are called. */
static UnetStep *
add_kernel (UnetPlan *plan, UnetNode *node, const gchar *impl,
    UnetKernel kernel, gpointer params)
{
  gchar *name = unet_node_describe (node, node->post_ops->len);
  UnetStep *step = unet_plan_add_kernel (plan, node, name, impl, kernel, params,
      unet_node_output (node, 0), UNET_MEM_NARROW);

  g_free (name);
  return step;
}

/* ---- what fits ----------------------------------------------------------- */

static gboolean
same_dims (const UnetValue *a, const UnetValue *b)
{
  return a->n_dims == b->n_dims
      && memcmp (a->dims, b->dims, a->n_dims * sizeof *a->dims) == 0;
}

/* The lower bound that the post-ops set; %FALSE where they do more than that
 * and what the bytes of the result do. */
static gboolean
only_relu (const UnetPlan *plan, const UnetNode *node, gfloat *low)
{
  UnetNarrowValue to = narrow_of (plan, unet_node_output (node, 0));

  *low = -INFINITY;
  for (guint i = 0; i < node->post_ops->len; i++) {
    const UnetPostOp *op = &g_array_index (node->post_ops, UnetPostOp, i);

    if (op->kind != UNET_POST_RELU && !unet_narrow_limits (to, op))
      return FALSE;
    *low = 0.0f;
  }
  return TRUE;
}

static gboolean
pool_suits (UnetPlan *plan, UnetNode *node)
{
  dnnl_primitive_attr_t attr = NULL;
  dnnl_primitive_desc_t pd = NULL;
  UnetMd src, dst;
  UnetDnnlWindow w;
  dnnl_alg_kind_t alg;
  gboolean ok = FALSE;

  if (node->post_ops->len > 0 || !unet_pool_window (plan, node, &w, &alg, NULL)
      || w.n != 2)
    return FALSE;
  if (unet_pool_is_max2 (node, &w, alg))
    return TRUE;
  src = unet_narrow_md (plan, unet_node_input (node, 0));
  dst = unet_narrow_md (plan, unet_node_output (node, 0));
  if (src && dst && unet_pd_scratch_attr (&attr, NULL)
      && unet_pd_pool (&pd, plan->engine, alg, src, dst, &w, attr)) {
    ok = !g_str_has_prefix (unet_pd_impl (pd), "ref");
    dnnl_primitive_desc_destroy (pd);
  }
  if (attr)
    dnnl_primitive_attr_destroy (attr);
  unet_md_free (src);
  unet_md_free (dst);
  return ok;
}

static gboolean
concat_suits (const UnetPlan *plan, const UnetNode *node)
{
  gint64 axis = unet_node_attr_int (node, "axis", 1);

  for (guint i = 0; i < node->inputs->len; i++)
    if (!narrow_of (plan, unet_node_input (node, i)).type)
      return FALSE;
  return (axis == 1 || axis == -3) && node->post_ops->len == 0;
}

static gboolean
add_suits (const UnetPlan *plan, const UnetNode *node)
{
  UnetValue *a = unet_node_input (node, 0), *b = unet_node_input (node, 1);
  UnetValue *out = unet_node_output (node, 0);
  gfloat low;

  return b && node->inputs->len == 2 && narrow_of (plan, b).type
      && same_dims (a, out) && same_dims (b, out)
      && only_relu (plan, node, &low) && !unet_node_attr (node, "axis");
}

/* A picture times one factor for each channel. */
static gboolean
scale_suits (const UnetPlan *plan, const UnetNode *node)
{
  UnetValue *a = unet_node_input (node, 0), *b = unet_node_input (node, 1);
  UnetValue *out = unet_node_output (node, 0);
  gfloat low;

  return b && b->n_dims == 4 && b->dtype == UNET_DTYPE_F32 && same_dims (a, out)
      && b->dims[0] == a->dims[0] && b->dims[1] == a->dims[1] && b->dims[2] == 1
      && b->dims[3] == 1 && a->dims[2] * a->dims[3] > 1
      && only_relu (plan, node, &low) && !unet_node_attr (node, "axis");
}

static gboolean
global_suits (const UnetNode *node)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);

  return out->n_dims == 4 && out->dims[0] == in->dims[0]
      && out->dims[1] == in->dims[1] && out->dims[2] == 1 && out->dims[3] == 1
      && in->dims[2] * in->dims[3] > 1;
}

static gboolean
slice_suits (const UnetNode *node)
{
  gint64 starts[UNET_MAX_DIMS];

  return node->post_ops->len == 0 && unet_node_slice_starts (node, starts)
      && starts[0] == 0;
}

static gboolean
pad_suits (const UnetNode *node)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  gint64 begin[UNET_MAX_DIMS];

  return node->post_ops->len == 0 && unet_node_pad_zero (node, begin)
      && begin[0] == 0 && begin[1] == 0 && in->dims[0] == out->dims[0]
      && in->dims[1] == out->dims[1];
}

/* An activation of bytes is a table. */
static gboolean
map_suits (const UnetPlan *plan, const UnetNode *node)
{
  UnetPostOp op;

  if (plan->narrowing->bf16 || !unet_node_unary (node, &op) || op.value)
    return FALSE;
  for (guint i = 0; i < node->post_ops->len; i++)
    if (g_array_index (node->post_ops, UnetPostOp, i).value)
      return FALSE;
  return TRUE;
}

gboolean
unet_narrow_move_suits (UnetPlan *plan, UnetNode *node)
{
  UnetResize resize;

  switch (node->op) {
    case UNET_OP_MaxPool:
    case UNET_OP_AveragePool:
      return pool_suits (plan, node);
    case UNET_OP_Concat:
      return concat_suits (plan, node);
    case UNET_OP_Resize:
    case UNET_OP_Upsample:
      return node->post_ops->len == 0
          && unet_resize_is_simple (plan, node, &resize);
    case UNET_OP_Add:
      return add_suits (plan, node);
    case UNET_OP_Mul:
      return scale_suits (plan, node);
    case UNET_OP_GlobalAveragePool:
    case UNET_OP_GlobalMaxPool:
    case UNET_OP_ReduceMean:
    case UNET_OP_ReduceMax:
      return global_suits (node);
    case UNET_OP_Slice:
      return slice_suits (node);
    case UNET_OP_Pad:
      return pad_suits (node);
    default:
      return map_suits (plan, node);
  }
}

/* ---- moves --------------------------------------------------------------- */

static void
in_bytes (UnetPixels *p, guint size)
{
  p->pixel *= size;
  p->row *= size;
  p->image *= size;
}

/* One part of a concatenation, as it is or on another scale. */
static gboolean
copy_part (UnetPlan *plan, UnetNode *node, UnetValue *in, gint64 channel,
    const UnetLoc *dst, GError **error)
{
  UnetValue *out = unet_node_output (node, 0);
  UnetNarrowValue from = narrow_of (plan, in), to = narrow_of (plan, out);
  guint size = unet_narrow_size (to.type);
  UnetLoc *src = unet_plan_read (plan, in, UNET_MEM_NARROW, error);
  UnetStep *step;

  if (!src)
    return FALSE;
  if (unet_plan_at_home (plan, in, out, channel))
    return TRUE;
  if (unet_narrow_same (plan, in, out)) {
    UnetNarrowMove *p = g_new0 (UnetNarrowMove, 1);

    *p = (UnetNarrowMove){ in->dims[0], in->dims[2], in->dims[3],
      in->dims[1] * size, unet_narrow_pixels (plan, in),
      unet_narrow_pixels (plan, out), 0, 0 };
    in_bytes (&p->src, size);
    in_bytes (&p->dst, size);
    step =
        add_kernel (plan, node, "unet:narrow_move", unet_kernel_narrow_move, p);
  } else {
    UnetNarrowConvert *p = g_new0 (UnetNarrowConvert, 1);

    *p = (UnetNarrowConvert){ from.type, to.type, in->dims[0], in->dims[2],
      in->dims[3], in->dims[1], unet_narrow_pixels (plan, in),
      unet_narrow_pixels (plan, out), from.scale / to.scale };
    step = add_kernel (
        plan, node, "unet:narrow_convert", unet_kernel_narrow_convert, p);
  }
  step->info.kind = "copy";
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand_md (
      step, 0, dst->storage, dst->offset + channel * size, src->md, TRUE);
  return TRUE;
}

static gboolean
lower_concat (UnetPlan *plan, UnetNode *node, GError **error)
{
  UnetLoc *dst = unet_plan_write (
      plan, unet_node_output (node, 0), UNET_MEM_NARROW, error);
  gint64 channel = 0;

  for (guint i = 0; dst && i < node->inputs->len; i++) {
    UnetValue *in = unet_node_input (node, i);

    if (!copy_part (plan, node, in, channel, dst, error))
      return FALSE;
    channel += in->dims[1];
  }
  return dst != NULL;
}

/* Slices and pads: a window of the one is a window of the other. */
static gboolean
lower_window (UnetPlan *plan, UnetNode *node, GError **error)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  UnetLoc *src = unet_plan_read (plan, in, UNET_MEM_NARROW, error);
  UnetLoc *dst = src ? unet_plan_write (plan, out, UNET_MEM_NARROW, error)
                     : NULL;
  gboolean pad = node->op == UNET_OP_Pad;
  const UnetValue *part = pad ? in : out;
  guint size = unet_narrow_size (narrow_of (plan, in).type);
  gint64 at[UNET_MAX_DIMS];
  UnetPixels pixels;
  UnetNarrowMove *p;
  UnetStep *step;

  if (!dst)
    return FALSE;
  p = g_new0 (UnetNarrowMove, 1);
  *p = (UnetNarrowMove){ part->dims[0], part->dims[2], part->dims[3],
    part->dims[1] * size, unet_narrow_pixels (plan, in),
    unet_narrow_pixels (plan, out), 0, 0 };
  in_bytes (&p->src, size);
  in_bytes (&p->dst, size);
  if (pad)
    unet_node_pad_zero (node, at);
  else
    unet_node_slice_starts (node, at);
  pixels = pad ? p->dst : p->src;
  *(pad ? &p->dst_offset : &p->src_offset) =
      at[1] * size + at[2] * pixels.row + at[3] * pixels.pixel;
  step = add_kernel (plan, node, pad ? "unet:narrow_pad" : "unet:narrow_move",
      pad ? unet_kernel_narrow_pad : unet_kernel_narrow_move, p);
  step->info.kind = "copy";
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return TRUE;
}

static gboolean
lower_resize (UnetPlan *plan, UnetNode *node, GError **error)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  UnetLoc *src = unet_plan_read (plan, in, UNET_MEM_NARROW, error);
  UnetLoc *dst = src ? unet_plan_write (plan, out, UNET_MEM_NARROW, error)
                     : NULL;
  UnetNarrowResize *p;
  UnetResize r;
  UnetResizeTables *tables;
  UnetStep *step;

  if (!dst || !unet_resize_is_simple (plan, node, &r))
    return FALSE;
  tables = unet_resize_tables_new (unet_plan_vec (plan, in, UNET_MEM_NARROW),
      unet_plan_vec (plan, out, UNET_MEM_NARROW),
      r.mode == UNET_RESIZE_NEAREST);
  if (!tables) {
    unet_plan_set_error (error, plan, node, "out of memory for its tables");
    return FALSE;
  }
  p = g_new0 (UnetNarrowResize, 1);
  p->type = narrow_of (plan, in).type;
  p->c = in->dims[1];
  p->src = unet_narrow_pixels (plan, in);
  p->dst = unet_narrow_pixels (plan, out);
  p->tables = tables;
  unet_resize_fill (&r, node, p->tables);
  step = add_kernel (
      plan, node, "unet:narrow_resize", unet_kernel_narrow_resize, p);
  step->free_params = unet_narrow_resize_free;
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return TRUE;
}

/* ---- pooling ------------------------------------------------------------- */

static gboolean
lower_max2 (
    UnetPlan *plan, UnetNode *node, const UnetLoc *src, const UnetLoc *dst)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  UnetNarrowMaxPool2 *p = g_new0 (UnetNarrowMaxPool2, 1);
  UnetStep *step;

  *p = (UnetNarrowMaxPool2){ narrow_of (plan, in).type, out->dims[0],
    out->dims[2], out->dims[3], out->dims[1], unet_narrow_pixels (plan, in),
    unet_narrow_pixels (plan, out) };
  step = add_kernel (
      plan, node, "unet:narrow_max_pool2", unet_kernel_narrow_max_pool2, p);
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return TRUE;
}

static gboolean
lower_pool (UnetPlan *plan, UnetNode *node, GError **error)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  UnetLoc *src = unet_plan_read (plan, in, UNET_MEM_NARROW, error);
  UnetLoc *dst = src ? unet_plan_write (plan, out, UNET_MEM_NARROW, error)
                     : NULL;
  dnnl_primitive_attr_t attr = NULL;
  dnnl_primitive_desc_t pd = NULL;
  UnetDnnlWindow w;
  dnnl_alg_kind_t alg;
  UnetStep *step;

  if (!dst || !unet_pool_window (plan, node, &w, &alg, error))
    return FALSE;
  if (unet_pool_is_max2 (node, &w, alg))
    return lower_max2 (plan, node, src, dst);
  if (unet_pd_scratch_attr (&attr, NULL))
    unet_pd_pool (&pd, plan->engine, alg, src->md, dst->md, &w, attr);
  if (attr)
    dnnl_primitive_attr_destroy (attr);
  if (!pd) {
    unet_plan_set_error (error, plan, node, "oneDNN has no such pooling");
    return FALSE;
  }
  step = unet_plan_add_primitive (plan, node, unet_op_def (node->op)->name, pd,
      out, UNET_MEM_NARROW, error);
  if (!step)
    return FALSE;
  unet_step_operand (step, DNNL_ARG_SRC, src, FALSE);
  unet_step_operand (step, DNNL_ARG_DST, dst, TRUE);
  return TRUE;
}

static gboolean
lower_global_pool (UnetPlan *plan, UnetNode *node, GError **error)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  UnetLoc *src = unet_plan_read (plan, in, UNET_MEM_NARROW, error);
  UnetLoc *dst = src ? unet_plan_write (plan, out, UNET_MEM_PLAIN, error)
                     : NULL;
  UnetNarrowGlobalPool *p;
  UnetStep *step;

  if (!dst)
    return FALSE;
  p = g_new0 (UnetNarrowGlobalPool, 1);
  *p = (UnetNarrowGlobalPool){ narrow_of (plan, in).type, in->dims[0],
    in->dims[2], in->dims[3], in->dims[1], unet_narrow_pixels (plan, in),
    narrow_of (plan, in).scale,
    node->op == UNET_OP_GlobalMaxPool || node->op == UNET_OP_ReduceMax };
  step = unet_plan_add_kernel (plan, node, unet_op_def (node->op)->name,
      "unet:narrow_global_pool", unet_kernel_narrow_global_pool, p, out,
      UNET_MEM_PLAIN);
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return unet_plan_post_ops (plan, node, 0, out, UNET_MEM_PLAIN, error);
}

/* ---- arithmetic ---------------------------------------------------------- */

static gboolean
lower_add (UnetPlan *plan, UnetNode *node, GError **error)
{
  UnetValue *a = unet_node_input (node, 0), *b = unet_node_input (node, 1);
  UnetValue *out = unet_node_output (node, 0);
  UnetNarrowValue na = narrow_of (plan, a), nb = narrow_of (plan, b);
  UnetNarrowValue to = narrow_of (plan, out);
  UnetLoc *x = unet_plan_read (plan, a, UNET_MEM_NARROW, error);
  UnetLoc *y = x ? unet_plan_read (plan, b, UNET_MEM_NARROW, error) : NULL;
  UnetLoc *dst = y ? unet_plan_write (plan, out, UNET_MEM_NARROW, error) : NULL;
  UnetNarrowAdd *p;
  UnetStep *step;

  if (!dst)
    return FALSE;
  p = g_new0 (UnetNarrowAdd, 1);
  *p = (UnetNarrowAdd){ na.type, nb.type, to.type, out->dims[0], out->dims[2],
    out->dims[3], out->dims[1], unet_narrow_pixels (plan, a),
    unet_narrow_pixels (plan, b), unet_narrow_pixels (plan, out),
    na.scale / to.scale, nb.scale / to.scale, 0 };
  only_relu (plan, node, &p->low);
  step = add_kernel (plan, node, "unet:narrow_add", unet_kernel_narrow_add, p);
  unet_step_operand (step, 0, x, FALSE);
  unet_step_operand (step, 0, y, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return TRUE;
}

static gboolean
lower_scale (UnetPlan *plan, UnetNode *node, GError **error)
{
  UnetValue *a = unet_node_input (node, 0), *b = unet_node_input (node, 1);
  UnetValue *out = unet_node_output (node, 0);
  UnetNarrowValue from = narrow_of (plan, a), to = narrow_of (plan, out);
  UnetLoc *x = unet_plan_read (plan, a, UNET_MEM_NARROW, error);
  UnetLoc *y = x ? unet_plan_read (plan, b, UNET_MEM_PLAIN, error) : NULL;
  UnetLoc *dst = y ? unet_plan_write (plan, out, UNET_MEM_NARROW, error) : NULL;
  UnetNarrowScale *p;
  UnetStep *step;

  if (!dst)
    return FALSE;
  p = g_new0 (UnetNarrowScale, 1);
  *p = (UnetNarrowScale){ from.type, to.type, out->dims[0], out->dims[2],
    out->dims[3], out->dims[1], unet_narrow_pixels (plan, a),
    unet_narrow_pixels (plan, out), from.scale / to.scale, 0 };
  only_relu (plan, node, &p->low);
  step =
      add_kernel (plan, node, "unet:narrow_scale", unet_kernel_narrow_scale, p);
  unet_step_operand (step, 0, x, FALSE);
  unet_step_operand (step, 0, y, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return TRUE;
}

static guint8
map_byte (const UnetNode *node, const UnetPostOp *op, UnetNarrowValue from,
    UnetNarrowValue to, gint byte)
{
  gfloat x = from.scale * (from.type == UNET_NARROW_S8 ? (gint8) byte : byte);

  x = unet_post_op_eval (op, x, 0);
  for (guint i = 0; i < node->post_ops->len; i++)
    x = unet_post_op_eval (
        &g_array_index (node->post_ops, UnetPostOp, i), x, 0);
  x = rintf (x / to.scale);
  if (to.type == UNET_NARROW_S8)
    return (gint8) CLAMP (x, -127.0f, 127.0f);
  return CLAMP (x, 0.0f, 255.0f);
}

static gboolean
lower_map (UnetPlan *plan, UnetNode *node, GError **error)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  UnetLoc *src = unet_plan_read (plan, in, UNET_MEM_NARROW, error);
  UnetLoc *dst = src ? unet_plan_write (plan, out, UNET_MEM_NARROW, error)
                     : NULL;
  UnetStorage *table;
  UnetNarrowMap *p;
  UnetPostOp op;
  UnetStep *step;

  if (!dst || !unet_node_unary (node, &op))
    return FALSE;
  p = g_malloc0 (sizeof *p + 256);
  *p = (UnetNarrowMap){ in->dims[0], in->dims[2], in->dims[3], in->dims[1],
    unet_narrow_pixels (plan, in), unet_narrow_pixels (plan, out) };
  table = unet_plan_add_storage (plan, 256);
  table->constant = p + 1; /* lives as long as the step */
  for (guint i = 0; i < 256; i++)
    ((guint8 *) (p + 1))[i] =
        map_byte (node, &op, narrow_of (plan, in), narrow_of (plan, out), i);
  step = add_kernel (plan, node, "unet:narrow_map", unet_kernel_narrow_map, p);
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand_md (step, 0, table, 0, NULL, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return TRUE;
}

/* ---- floats -------------------------------------------------------------- */

gboolean
unet_narrow_add_conversion (
    UnetPlan *plan, UnetValue *value, const UnetLoc *from, const UnetLoc *to)
{
  UnetNarrowValue narrow = narrow_of (plan, value);
  gboolean quantize = to->layout == UNET_MEM_NARROW;
  UnetNarrowFloat *p = g_new0 (UnetNarrowFloat, 1);
  UnetStep *step;

  p->type = narrow.type;
  p->vec = unet_plan_vec (plan, value, quantize ? from->layout : to->layout);
  p->pixels = unet_narrow_pixels (plan, value);
  p->factor = quantize ? 1.0f / narrow.scale : narrow.scale;
  step = unet_plan_add_kernel (plan, NULL, quantize ? "Quantize" : "Dequantize",
      quantize ? "unet:narrow_quantize" : "unet:narrow_dequantize",
      quantize ? unet_kernel_narrow_quantize : unet_kernel_narrow_dequantize, p,
      value, to->layout);
  step->info.kind = "reorder";
  unet_step_operand (step, 0, from, FALSE);
  unet_step_operand (step, 0, to, TRUE);
  return TRUE;
}

gboolean
unet_lower_narrow (UnetPlan *plan, UnetNode *node, GError **error)
{
  switch (node->op) {
    case UNET_OP_Conv:
    case UNET_OP_ConvTranspose:
      return unet_lower_narrow_conv (plan, node, error);
    case UNET_OP_MaxPool:
    case UNET_OP_AveragePool:
      return lower_pool (plan, node, error);
    case UNET_OP_Concat:
      return lower_concat (plan, node, error);
    case UNET_OP_Resize:
    case UNET_OP_Upsample:
      return lower_resize (plan, node, error);
    case UNET_OP_Add:
      return lower_add (plan, node, error);
    case UNET_OP_Mul:
      return lower_scale (plan, node, error);
    case UNET_OP_GlobalAveragePool:
    case UNET_OP_GlobalMaxPool:
    case UNET_OP_ReduceMean:
    case UNET_OP_ReduceMax:
      return lower_global_pool (plan, node, error);
    case UNET_OP_Slice:
    case UNET_OP_Pad:
      return lower_window (plan, node, error);
    default:
      return lower_map (plan, node, error);
  }
}
