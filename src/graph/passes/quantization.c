/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/passes/quantization.h"
#include "graph/analysis/query.h"
#include "graph/ops/table.h"
#include "graph/passes/pass.h"
#include "graph/passes/passes.h"

/* Reason: QuantizeLinear and DequantizeLinear in a row round a value to 8 bits
 * and make floats of it again. An engine that computes in int8 needs to know
 * the scale on which the model holds the value, and no node between the layers.
 * The range of the 8-bit numbers goes to the value, and the pair vanishes.
 * Exporters leave out a Relu or Clip where the limit of 8 bits does the same:
 * it comes back here. */

/* ---- which networks ----------------------------------------------------- */

static gboolean
is_convolution (const UnetNode *node)
{
  return node->op == UNET_OP_Conv || node->op == UNET_OP_ConvTranspose;
}

static gboolean
is_dequantized (const UnetValue *value)
{
  const UnetNode *dq = value ? value->producer : NULL;
  const UnetValue *bytes;

  if (!dq || dq->op != UNET_OP_DequantizeLinear)
    return FALSE;
  bytes = unet_node_input (dq, 0);
  return bytes && !bytes->constant;
}

gboolean
unet_graph_is_quantized (const UnetGraph *graph)
{
  guint all = 0, bytes = 0;

  for (guint i = 0; i < graph->nodes->len; i++) {
    const UnetNode *node = g_ptr_array_index (graph->nodes, i);

    if (!is_convolution (node) && node->op != UNET_OP_QLinearConv)
      continue;
    all++;
    bytes += node->op == UNET_OP_QLinearConv
        || is_dequantized (unet_node_input (node, 0));
  }
  return all > 0 && 2 * bytes >= all;
}

/* ---- scales ------------------------------------------------------------- */

typedef struct {
  gdouble scale, zero;
  UnetDType dtype;
} Scale;

/* Reads one constant scale for the whole tensor. */
static gboolean
read_scale (const UnetNode *node, UnetDType dtype, Scale *out)
{
  const UnetValue *zero = unet_node_input (node, 2);
  UnetTensorView view;

  *out = (Scale){ 0, 0, dtype };
  if (!unet_pass_scalar (unet_node_input (node, 1), &out->scale)
      || !(out->scale > 0)
      || (dtype != UNET_DTYPE_U8 && dtype != UNET_DTYPE_I8))
    return FALSE;
  if (!zero)
    return TRUE;
  if (!zero->constant || zero->constant->n_elements != 1)
    return FALSE;
  unet_tensor_view (zero->constant, &view);
  out->zero = (gdouble) unet_view_int (&view, 0);
  return TRUE;
}

/* Sets the range that the 8-bit numbers can hold. A range around a zero
 * point in the middle is cut to -127, since the engine stores int8
 * symmetrically. */
static void
find_range (const Scale *s, UnetValue *value)
{
  gdouble least = s->dtype == UNET_DTYPE_U8 ? 0 : -128;
  gdouble low = least - s->zero, high = least + 255 - s->zero;

  if (low == -128)
    low = -127;
  value->has_range = TRUE;
  value->low = (gfloat) (MIN (low, 0) * s->scale);
  value->high = (gfloat) (MAX (high, 0) * s->scale);
}

/* Returns whether each reader of @q is a DequantizeLinear of the same scale. */
static gboolean
read_pair (const UnetGraph *graph, const UnetNode *q, Scale *scale)
{
  const UnetValue *bytes = unet_node_output (q, 0);

  if (q->op != UNET_OP_QuantizeLinear || q->post_ops->len
      || unet_node_input (q, 0)->dtype != UNET_DTYPE_F32
      || unet_graph_is_output (graph, bytes) || bytes->consumers->len == 0
      || !read_scale (q, bytes->dtype, scale))
    return FALSE;
  for (guint i = 0; i < bytes->consumers->len; i++) {
    const UnetNode *dq = g_ptr_array_index (bytes->consumers, i);
    Scale other;

    if (dq->op != UNET_OP_DequantizeLinear || dq->post_ops->len
        || !read_scale (dq, bytes->dtype, &other) || other.scale != scale->scale
        || other.zero != scale->zero)
      return FALSE;
  }
  return TRUE;
}

/* ---- limits ------------------------------------------------------------- */

#define DEPTH 16

static gboolean is_positive (const UnetValue *value, guint depth);

/* A cubic filter overshoots. */
static gboolean
overshoots (const UnetNode *node)
{
  return (node->op == UNET_OP_Resize || node->op == UNET_OP_Upsample)
      && !g_strcmp0 (unet_node_attr_string (node, "mode", "nearest"), "cubic");
}

static gboolean
are_positive (const UnetNode *node, guint n, guint depth)
{
  for (guint i = 0; i < MIN (n, node->inputs->len); i++)
    if (!is_positive (unet_node_input (node, i), depth))
      return FALSE;
  return TRUE;
}

/* Returns whether @value is surely never below 0. Inputs count as not
 * negative. */
static gboolean
is_positive (const UnetValue *value, guint depth)
{
  const UnetNode *node = value ? value->producer : NULL;
  UnetPostOp op;

  if (!value || depth == DEPTH || value->constant)
    return FALSE;
  if (!node || (value->has_range && value->low >= 0))
    return !value->has_range || value->low >= 0;
  if (unet_op_has (node->op, UNET_OP_NOT_NEGATIVE))
    return TRUE;
  if (node->op == UNET_OP_Clip)
    return unet_node_unary (node, &op)
        && (op.kind == UNET_POST_RELU || op.alpha >= 0);
  if (unet_op_has (node->op, UNET_OP_KEEPS_SIGNS))
    return are_positive (node, G_MAXUINT, depth + 1);
  return unet_op_has (node->op, UNET_OP_KEEPS_SIGN) && !overshoots (node)
      && are_positive (node, 1, depth + 1);
}

/* @x with its limits as a node of their own, before @q. */
static UnetValue *
add_clip (UnetGraph *graph, UnetNode *q, UnetValue *x, gdouble high)
{
  UnetNode *clip = unet_graph_insert_node (graph, q, UNET_OP_Clip, q->name);
  UnetValue *y = unet_graph_add_value (graph, unet_node_output (q, 0)->name);

  clip->since = 13;
  unet_node_add_input (clip, x);
  unet_pass_add_number (graph, clip, 0);
  unet_pass_add_number (graph, clip, high);
  unet_node_add_output (clip, y);
  unet_value_set_shape (y, x->dtype, x->n_dims, x->dims);
  return y;
}

/* ---- pairs -------------------------------------------------------------- */

/* Makes @y replace the output of @dq. */
static UnetValue *
drop_dequantize (UnetGraph *graph, UnetNode *dq, UnetValue *y)
{
  UnetValue *out = unet_node_output (dq, 0);

  out->has_range = TRUE;
  out->low = y->low;
  out->high = y->high;
  unet_pass_set_inputs (dq, y);
  g_ptr_array_set_size (dq->attrs, 0);
  dq->op = UNET_OP_Identity;
  if (!unet_graph_is_output (graph, out)) {
    unet_pass_bypass (graph, dq);
    return y;
  }
  return unet_pass_bypass (graph, dq) ? out : y;
}

static void
drop_pair (UnetGraph *graph, UnetNode *q, const Scale *scale)
{
  UnetValue *x = unet_node_input (q, 0), *bytes = unet_node_output (q, 0);
  gboolean limited = is_positive (x, 0);
  UnetValue range = *x, *y = x;

  find_range (scale, &range);
  if (x->has_range) { /* rounded once before */
    range.low = MAX (range.low, x->low);
    range.high = MIN (range.high, x->high);
  }
  if (range.low == 0 && !limited)
    y = add_clip (graph, q, x, range.high);
  y->has_range = TRUE;
  y->low = range.low;
  y->high = range.high;
  while (bytes->consumers->len > 0)
    y = drop_dequantize (graph, g_ptr_array_index (bytes->consumers, 0), y);
  unet_graph_remove_node (graph, q);
}

/* ---- ranges of what lies between ---------------------------------------- */

static void
set_range (UnetValue *value, gfloat low, gfloat high)
{
  if (!value || value->has_range || value->dtype != UNET_DTYPE_F32
      || !(high > low))
    return;
  value->has_range = TRUE;
  value->low = low;
  value->high = high;
}

static void
range_of_parts (const UnetNode *node, UnetValue *out)
{
  gfloat low = 0, high = 0;

  for (guint i = 0; i < node->inputs->len; i++) {
    const UnetValue *in = unet_node_input (node, i);

    if (!in || !in->has_range)
      return;
    low = MIN (low, in->low);
    high = MAX (high, in->high);
  }
  set_range (out, low, high);
}

static void
spread_down (const UnetNode *node)
{
  const UnetValue *in = unet_node_input (node, 0);
  UnetValue *out = unet_node_output (node, 0);

  if (!in || !out)
    return;
  if (node->op == UNET_OP_Concat)
    range_of_parts (node, out);
  else if (in->has_range && unet_op_has (node->op, UNET_OP_KEEPS_RANGE))
    set_range (out, in->low, in->high);
  else if (in->has_range && node->op == UNET_OP_Relu)
    set_range (out, 0, in->high);
  else if (node->op == UNET_OP_Sigmoid || node->op == UNET_OP_HardSigmoid)
    set_range (out, 0, 1);
}

static void
spread_up (const UnetNode *node)
{
  const UnetValue *out = unet_node_output (node, 0);

  if (!out || !out->has_range
      || (!unet_op_has (node->op, UNET_OP_KEEPS_RANGE)
          && node->op != UNET_OP_Concat))
    return;
  for (guint i = 0; i < node->inputs->len; i++) {
    UnetValue *in = unet_node_input (node, i);

    if (in && !in->constant && (i == 0 || node->op == UNET_OP_Concat))
      set_range (in, out->low, out->high);
  }
}

static void
spread_ranges (UnetGraph *graph)
{
  for (guint i = 0; i < graph->nodes->len; i++)
    spread_down (g_ptr_array_index (graph->nodes, i));
  for (guint i = graph->nodes->len; i-- > 0;)
    spread_up (g_ptr_array_index (graph->nodes, i));
}

/* Sets the range of 8-bit numbers that no QuantizeLinear makes, such as an
 * input. */
static void
take_dequantized (UnetNode *dq)
{
  const UnetValue *bytes = unet_node_input (dq, 0);
  Scale scale;

  if (!bytes->constant && read_scale (dq, bytes->dtype, &scale))
    find_range (&scale, unet_node_output (dq, 0));
}

void
unet_graph_take_ranges (UnetGraph *graph)
{
  Scale scale;

  /* From here on, operators that move 8-bit numbers move floats. */
  unet_pass_dequantize (graph);
  for (guint i = 0; i < graph->nodes->len;) {
    UnetNode *node = g_ptr_array_index (graph->nodes, i);

    /* Nodes move up: the walk goes on at the same index. */
    if (node->op == UNET_OP_DequantizeLinear)
      take_dequantized (node);
    if (read_pair (graph, node, &scale))
      drop_pair (graph, node, &scale);
    else
      i++;
  }
  spread_ranges (graph);
}
