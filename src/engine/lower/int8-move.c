/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/lower/int8-move.h"
#include "engine/choose/concat-slots.h"
#include "engine/cost/int8-suits.h"
#include "engine/cost/pool.h"
#include "engine/cost/resize.h"
#include "engine/emit/int8-convert.h"
#include "engine/emit/locations.h"
#include "engine/emit/post-ops.h"
#include "engine/kernels/f32-resize.h"
#include "engine/kernels/int8-arithmetic.h"
#include "engine/kernels/int8-convert.h"
#include "engine/kernels/int8-move.h"
#include "engine/kernels/int8-pool.h"
#include "engine/kernels/int8-resize.h"
#include "engine/lower/pool.h"
#include "engine/lower/resize.h"
#include "engine/run/int8-layout.h"
#include "graph/analysis/query.h"
#include "graph/ops/unary.h"
#include <math.h>

/* Adds a step that runs @kernel, which layer lists call @impl. */
static UnetStep *
add_kernel (UnetPlan *plan, UnetNode *node, const gchar *impl,
    UnetKernel kernel, gpointer params)
{
  gchar *name = unet_node_describe (node, node->post_ops->len);
  UnetValue *out = unet_node_output (node, 0);
  UnetStep *step = unet_plan_add_kernel (plan, node, name,
      unet_int8_impl (unet_value_get_low (plan, out).type, impl), kernel,
      params, out, UNET_MEM_LOW);

  g_free (name);
  return step;
}

/* ---- moves --------------------------------------------------------------- */

static void
in_bytes (UnetPixels *p, guint size)
{
  p->pixel *= size;
  p->row *= size;
  p->image *= size;
}

/* Copies one part of a concatenation, converting it to the scale of the result
 * if that differs. */
static gboolean
copy_part (UnetPlan *plan, UnetNode *node, UnetValue *in, gint64 channel,
    const UnetLoc *dst, GError **error)
{
  UnetValue *out = unet_node_output (node, 0);
  UnetLowValue from = unet_value_get_low (plan, in),
               to = unet_value_get_low (plan, out);
  guint size = unet_element_size (to.type);
  UnetLoc *src = unet_plan_locate (plan, in, UNET_MEM_LOW, error);
  UnetStep *step;

  if (!src)
    return FALSE;
  if (unet_value_is_in_slot (plan, in, out, channel))
    return TRUE;
  if (unet_int8_same_scale (plan, in, out)) {
    UnetInt8Move *p = g_new0 (UnetInt8Move, 1);

    *p = (UnetInt8Move){ in->dims[0], in->dims[2], in->dims[3],
      in->dims[1] * size, unet_int8_pixels (plan, in),
      unet_int8_pixels (plan, out), 0, 0 };
    in_bytes (&p->src, size);
    in_bytes (&p->dst, size);
    step = add_kernel (plan, node, "move", unet_kernel_int8_move, p);
  } else {
    UnetInt8Convert *p = g_new0 (UnetInt8Convert, 1);

    *p = (UnetInt8Convert){ from.type, to.type, in->dims[0], in->dims[2],
      in->dims[3], in->dims[1], unet_int8_pixels (plan, in),
      unet_int8_pixels (plan, out), from.scale / to.scale };
    step = add_kernel (plan, node, "convert", unet_kernel_int8_convert, p);
  }
  step->kind = UNET_STEP_COPY;
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand_md (
      step, 0, dst->storage, dst->offset + channel * size, src->md, TRUE);
  return TRUE;
}

static gboolean
lower_concat (UnetPlan *plan, UnetNode *node, GError **error)
{
  UnetLoc *dst =
      unet_plan_place (plan, unet_node_output (node, 0), UNET_MEM_LOW, error);
  gint64 channel = 0;

  for (guint i = 0; dst && i < node->inputs->len; i++) {
    UnetValue *in = unet_node_input (node, i);

    if (!copy_part (plan, node, in, channel, dst, error))
      return FALSE;
    channel += in->dims[1];
  }
  return dst != NULL;
}

/* Slices and pads copy a window of one tensor to a window of the other. */
static gboolean
lower_window (UnetPlan *plan, UnetNode *node, GError **error)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  UnetLoc *src = unet_plan_locate (plan, in, UNET_MEM_LOW, error);
  UnetLoc *dst = src ? unet_plan_place (plan, out, UNET_MEM_LOW, error) : NULL;
  gboolean pad = node->op == UNET_OP_Pad;
  const UnetValue *part = pad ? in : out;
  guint size = unet_element_size (unet_value_get_low (plan, in).type);
  gint64 at[UNET_MAX_DIMS];
  UnetPixels pixels;
  UnetInt8Move *p;
  UnetStep *step;

  if (!dst)
    return FALSE;
  p = g_new0 (UnetInt8Move, 1);
  *p = (UnetInt8Move){ part->dims[0], part->dims[2], part->dims[3],
    part->dims[1] * size, unet_int8_pixels (plan, in),
    unet_int8_pixels (plan, out), 0, 0 };
  in_bytes (&p->src, size);
  in_bytes (&p->dst, size);
  if (pad)
    unet_node_pad_zero (node, at);
  else
    unet_node_slice_starts (node, at);
  pixels = pad ? p->dst : p->src;
  *(pad ? &p->dst_offset : &p->src_offset) =
      at[1] * size + at[2] * pixels.row + at[3] * pixels.pixel;
  step = add_kernel (plan, node, pad ? "pad" : "move",
      pad ? unet_kernel_int8_pad : unet_kernel_int8_move, p);
  step->kind = UNET_STEP_COPY;
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return TRUE;
}

static gboolean
lower_resize (UnetPlan *plan, UnetNode *node, GError **error)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  UnetLoc *src = unet_plan_locate (plan, in, UNET_MEM_LOW, error);
  UnetLoc *dst = src ? unet_plan_place (plan, out, UNET_MEM_LOW, error) : NULL;
  UnetInt8Resize *p;
  UnetResize r;
  UnetResizeTables *tables;
  UnetStep *step;

  if (!dst || !unet_resize_is_simple (plan, node, &r))
    return FALSE;
  tables = unet_resize_tables_new (unet_plan_vec (plan, in, UNET_MEM_LOW),
      unet_plan_vec (plan, out, UNET_MEM_LOW), r.mode == UNET_RESIZE_NEAREST);
  if (!tables) {
    unet_plan_set_error (error, plan, node, "out of memory for its tables");
    return FALSE;
  }
  p = g_new0 (UnetInt8Resize, 1);
  p->type = unet_value_get_low (plan, in).type;
  p->c = in->dims[1];
  p->src = unet_int8_pixels (plan, in);
  p->dst = unet_int8_pixels (plan, out);
  p->tables = tables;
  unet_resize_fill (&r, node, p->tables);
  step = add_kernel (plan, node, "resize", unet_kernel_int8_resize, p);
  step->free_params = unet_int8_resize_free;
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
  UnetInt8MaxPool2 *p = g_new0 (UnetInt8MaxPool2, 1);
  UnetStep *step;

  *p = (UnetInt8MaxPool2){ unet_value_get_low (plan, in).type, out->dims[0],
    out->dims[2], out->dims[3], out->dims[1], unet_int8_pixels (plan, in),
    unet_int8_pixels (plan, out) };
  step = add_kernel (plan, node, "max_pool2", unet_kernel_int8_max_pool2, p);
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return TRUE;
}

static gboolean
lower_pool (UnetPlan *plan, UnetNode *node, GError **error)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  UnetLoc *src = unet_plan_locate (plan, in, UNET_MEM_LOW, error);
  UnetLoc *dst = src ? unet_plan_place (plan, out, UNET_MEM_LOW, error) : NULL;
  UnetDnnlWindow w;
  dnnl_alg_kind_t alg;

  if (!dst || !unet_pool_window (plan, node, &w, &alg, error))
    return FALSE;
  if (unet_pool_is_max2 (node, &w, alg))
    return lower_max2 (plan, node, src, dst);
  return unet_emit_pool (plan, node, src, dst, &w, alg, error);
}

static gboolean
lower_global_pool (UnetPlan *plan, UnetNode *node, GError **error)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  UnetLoc *src = unet_plan_locate (plan, in, UNET_MEM_LOW, error);
  UnetLoc *dst = src ? unet_plan_place (plan, out, UNET_MEM_PLAIN, error)
                     : NULL;
  UnetInt8GlobalPool *p;
  UnetStep *step;

  if (!dst)
    return FALSE;
  p = g_new0 (UnetInt8GlobalPool, 1);
  *p = (UnetInt8GlobalPool){ unet_value_get_low (plan, in).type, in->dims[0],
    in->dims[2], in->dims[3], in->dims[1], unet_int8_pixels (plan, in),
    unet_value_get_low (plan, in).scale,
    node->op == UNET_OP_GlobalMaxPool || node->op == UNET_OP_ReduceMax };
  step = unet_plan_add_kernel (plan, node, unet_op_name (node->op),
      unet_int8_impl (unet_value_get_low (plan, in).type, "global_pool"),
      unet_kernel_int8_global_pool, p, out, UNET_MEM_PLAIN);
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return unet_emit_post_ops (plan, node, 0, out, UNET_MEM_PLAIN, error);
}

/* ---- arithmetic ---------------------------------------------------------- */

static gboolean
lower_add (UnetPlan *plan, UnetNode *node, GError **error)
{
  UnetValue *a = unet_node_input (node, 0), *b = unet_node_input (node, 1);
  UnetValue *out = unet_node_output (node, 0);
  UnetLowValue na = unet_value_get_low (plan, a),
               nb = unet_value_get_low (plan, b);
  UnetLowValue to = unet_value_get_low (plan, out);
  UnetLoc *x = unet_plan_locate (plan, a, UNET_MEM_LOW, error);
  UnetLoc *y = x ? unet_plan_locate (plan, b, UNET_MEM_LOW, error) : NULL;
  UnetLoc *dst = y ? unet_plan_place (plan, out, UNET_MEM_LOW, error) : NULL;
  UnetInt8Add *p;
  UnetStep *step;

  if (!dst)
    return FALSE;
  p = g_new0 (UnetInt8Add, 1);
  *p = (UnetInt8Add){ na.type, nb.type, to.type, out->dims[0], out->dims[2],
    out->dims[3], out->dims[1], unet_int8_pixels (plan, a),
    unet_int8_pixels (plan, b), unet_int8_pixels (plan, out),
    na.scale / to.scale, nb.scale / to.scale, 0 };
  unet_int8_only_clips (plan, node, &p->low);
  step = add_kernel (plan, node, "add", unet_kernel_int8_add, p);
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
  UnetLowValue from = unet_value_get_low (plan, a),
               to = unet_value_get_low (plan, out);
  UnetLoc *x = unet_plan_locate (plan, a, UNET_MEM_LOW, error);
  UnetLoc *y = x ? unet_plan_locate (plan, b, UNET_MEM_PLAIN, error) : NULL;
  UnetLoc *dst = y ? unet_plan_place (plan, out, UNET_MEM_LOW, error) : NULL;
  UnetInt8Scale *p;
  UnetStep *step;

  if (!dst)
    return FALSE;
  p = g_new0 (UnetInt8Scale, 1);
  *p = (UnetInt8Scale){ from.type, to.type, out->dims[0], out->dims[2],
    out->dims[3], out->dims[1], unet_int8_pixels (plan, a),
    unet_int8_pixels (plan, out), from.scale / to.scale, 0 };
  unet_int8_only_clips (plan, node, &p->low);
  step = add_kernel (plan, node, "scale", unet_kernel_int8_scale, p);
  unet_step_operand (step, 0, x, FALSE);
  unet_step_operand (step, 0, y, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return TRUE;
}

static guint8
map_int8 (const UnetNode *node, const UnetPostOp *op, UnetLowValue from,
    UnetLowValue to, gint value)
{
  gfloat x =
      from.scale * (from.type == UNET_ELEMENT_S8 ? (gint8) value : value);

  x = unet_post_op_eval (op, x, 0);
  for (guint i = 0; i < node->post_ops->len; i++)
    x = unet_post_op_eval (
        &g_array_index (node->post_ops, UnetPostOp, i), x, 0);
  x = rintf (x / to.scale);
  if (to.type == UNET_ELEMENT_S8)
    return (gint8) CLAMP (x, -127.0f, 127.0f);
  return CLAMP (x, 0.0f, 255.0f);
}

static gboolean
lower_map (UnetPlan *plan, UnetNode *node, GError **error)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  UnetLoc *src = unet_plan_locate (plan, in, UNET_MEM_LOW, error);
  UnetLoc *dst = src ? unet_plan_place (plan, out, UNET_MEM_LOW, error) : NULL;
  UnetStorage *table;
  UnetInt8Map *p;
  UnetPostOp op;
  UnetStep *step;

  if (!dst || !unet_node_unary (node, &op))
    return FALSE;
  p = g_malloc0 (sizeof *p + 256);
  *p = (UnetInt8Map){ in->dims[0], in->dims[2], in->dims[3], in->dims[1],
    unet_int8_pixels (plan, in), unet_int8_pixels (plan, out) };
  table = unet_plan_add_storage (plan, 256);
  table->constant = p + 1; /* It lives as long as the step. */
  for (guint i = 0; i < 256; i++)
    ((guint8 *) (p + 1))[i] = map_int8 (node, &op,
        unet_value_get_low (plan, in), unet_value_get_low (plan, out), i);
  step = add_kernel (plan, node, "map", unet_kernel_int8_map, p);
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand_md (step, 0, table, 0, NULL, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return TRUE;
}

gboolean
unet_lower_int8_move (UnetPlan *plan, UnetNode *node, GError **error)
{
  switch (node->op) {
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
