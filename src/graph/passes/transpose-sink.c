/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/passes/transpose-sink.h"
#include "graph/ops/args.h"
#include "graph/ops/move.h"
#include "graph/ops/pad.h"
#include "graph/ops/slice.h"
#include "graph/ops/strided.h"
#include "graph/ops/table.h"
#include "graph/passes/pass.h"
#include <string.h>

typedef struct {
  UnetGraph *graph;
  UnetNode *node;
  guint rank, perm[UNET_MAX_DIMS];
} Sink;

UnetNode *
unet_pass_transpose_of (const UnetValue *value)
{
  UnetNode *node = value ? value->producer : NULL;

  return node && node->op == UNET_OP_Transpose && !node->post_ops->len ? node
                                                                       : NULL;
}

gboolean
unet_pass_read_perm (const UnetNode *transpose, guint *perm)
{
  return unet_node_permutation (
      transpose, unet_node_input (transpose, 0)->n_dims, perm);
}

void
unet_pass_set_perm (UnetNode *transpose, guint rank, const guint *perm)
{
  gint64 ints[UNET_MAX_DIMS];

  for (guint i = 0; i < rank; i++)
    ints[i] = perm[i];
  unet_node_set_attr_ints (transpose, "perm", ints, rank);
}

/* ---- inputs ----------------------------------------------------------- */

/* Dimensions of @value at the full rank, seen from x's side. */
static gboolean
untransposed_dims (const Sink *sink, const UnetValue *value, gint64 *dims)
{
  if (value->n_dims > sink->rank)
    return FALSE;
  for (guint i = 0; i < sink->rank; i++) {
    gint64 k = (gint64) i + value->n_dims - sink->rank;
    dims[sink->perm[i]] = k < 0 ? 1 : value->dims[k];
  }
  return TRUE;
}

static guint
count_wide (const UnetValue *value)
{
  guint n = 0;

  for (guint i = 0; i < value->n_dims; i++)
    n += value->dims[i] != 1;
  return n;
}

/* How an input that no Transpose of the same kind makes gets into the order
 * of x: never, as it is, with renamed axes, or moved now. */
typedef enum { NEVER, AS_IS, RENAMED, MOVED } Way;

static Way
way_for (const Sink *sink, const UnetValue *value)
{
  gint64 dims[UNET_MAX_DIMS];

  if (!value || !untransposed_dims (sink, value, dims))
    return NEVER;
  if (count_wide (value) == 0 && sink->node->op != UNET_OP_Concat)
    return AS_IS;
  if (value->constant)
    return MOVED;
  return count_wide (value) <= 1 ? RENAMED : NEVER;
}

static gboolean
same_perm (const Sink *sink, const UnetNode *transpose)
{
  guint perm[UNET_MAX_DIMS];

  return unet_node_input (transpose, 0)->n_dims == sink->rank
      && unet_pass_read_perm (transpose, perm)
      && !memcmp (perm, sink->perm, sink->rank * sizeof *perm);
}

static gboolean
input_fits (const Sink *sink, const UnetValue *value)
{
  const UnetNode *transpose = unet_pass_transpose_of (value);

  return (transpose && same_perm (sink, transpose))
      || way_for (sink, value) != NEVER;
}

static UnetValue *
moved_constant (const Sink *sink, const UnetValue *value)
{
  gint64 dims[UNET_MAX_DIMS], from[UNET_MAX_DIMS], to[UNET_MAX_DIMS];
  gint64 own[UNET_MAX_DIMS];
  UnetTensor *tensor;

  untransposed_dims (sink, value, dims);
  tensor = unet_tensor_new (value->dtype, sink->rank, dims);
  if (!tensor)
    return NULL;
  unet_strides (value->n_dims, value->dims, own);
  unet_strides (sink->rank, dims, to);
  for (guint i = 0; i < sink->rank; i++) {
    gint64 k = (gint64) i + value->n_dims - sink->rank;
    from[sink->perm[i]] = k < 0 ? 0 : own[k];
  }
  if (tensor->n_elements)
    unet_copy_strided (unet_dtype_size (value->dtype), sink->rank, dims,
        tensor->data, to, value->constant->data, from);
  return unet_graph_add_constant (sink->graph, value->name, tensor);
}

static UnetValue *
renamed_value (const Sink *sink, UnetValue *value)
{
  UnetNode *reshape = unet_graph_insert_node (
      sink->graph, sink->node, UNET_OP_Reshape, sink->node->name);
  UnetValue *out = unet_graph_add_value (sink->graph, value->name);
  gint64 dims[UNET_MAX_DIMS];

  untransposed_dims (sink, value, dims);
  unet_value_set_shape (out, value->dtype, sink->rank, dims);
  unet_node_add_input (reshape, value);
  unet_node_add_output (reshape, out);
  unet_pass_set_reshape (sink->graph, reshape, value);
  return out;
}

/* Returns the value that replaces an input in x's order, or NULL when memory
 * is short. */
static UnetValue *
converted (const Sink *sink, UnetValue *value)
{
  UnetNode *transpose = unet_pass_transpose_of (value);

  if (transpose && same_perm (sink, transpose))
    return unet_node_input (transpose, 0);
  if (way_for (sink, value) == MOVED)
    return moved_constant (sink, value);
  if (way_for (sink, value) == RENAMED)
    return renamed_value (sink, value);
  return value;
}

static void
convert_input (const Sink *sink, guint index)
{
  unet_node_set_input (
      sink->node, index, converted (sink, unet_node_input (sink->node, index)));
}

/* All of them or none. */
static gboolean
convert_inputs (const Sink *sink)
{
  guint n = sink->node->inputs->len;
  g_autofree UnetValue **values = g_new0 (UnetValue *, n + 1);

  for (guint i = 0; i < n; i++)
    if (way_for (sink, unet_node_input (sink->node, i)) == MOVED
        && !(values[i] = converted (sink, unet_node_input (sink->node, i))))
      return FALSE;
  for (guint i = 0; i < n; i++)
    if (values[i])
      unet_node_set_input (sink->node, i, values[i]);
    else
      convert_input (sink, i);
  return TRUE;
}

/* ---- outputs ---------------------------------------------------------- */

/* The node gives a new value in x's order; a Transpose behind it gives the
 * old one. @perm is that of the output, whose rank may be lower. */
static void
convert_output (const Sink *sink, guint index, guint rank, const guint *perm)
{
  UnetValue *old = unet_node_output (sink->node, index), *value;
  gint64 dims[UNET_MAX_DIMS];
  UnetNode *transpose;
  guint at = 0;

  if (!old)
    return;
  for (guint i = 0; i < rank; i++)
    dims[perm[i]] = old->dims[i];
  value = unet_graph_add_value (sink->graph, old->name);
  unet_value_set_shape (value, old->dtype, rank, dims);
  value->has_range = old->has_range;
  value->low = old->low;
  value->high = old->high;
  unet_node_set_output (sink->node, index, value);
  g_ptr_array_find (sink->graph->nodes, sink->node, &at);
  if (at + 1 < sink->graph->nodes->len)
    transpose = unet_graph_insert_node (sink->graph,
        g_ptr_array_index (sink->graph->nodes, at + 1), UNET_OP_Transpose,
        sink->node->name);
  else
    transpose =
        unet_graph_add_node (sink->graph, UNET_OP_Transpose, sink->node->name);
  unet_pass_set_perm (transpose, rank, perm);
  unet_node_add_input (transpose, value);
  unet_node_add_output (transpose, old);
}

static void
convert_outputs (const Sink *sink)
{
  for (guint i = 0; i < sink->node->outputs->len; i++)
    convert_output (sink, i, sink->rank, sink->perm);
}

/* ---- operators -------------------------------------------------------- */

static gboolean
sink_elementwise (const Sink *sink)
{
  for (guint i = 0; i < sink->node->inputs->len; i++)
    if (!input_fits (sink, unet_node_input (sink->node, i)))
      return FALSE;
  if (!convert_inputs (sink))
    return FALSE;
  convert_outputs (sink);
  return TRUE;
}

static gboolean
sink_unary (const Sink *sink)
{
  convert_input (sink, 0);
  convert_outputs (sink);
  return TRUE;
}

static gboolean
move_axis (const Sink *sink, gint64 def, guint *axis)
{
  if (!unet_axis (
          unet_node_attr_int (sink->node, "axis", def), sink->rank, axis))
    return FALSE;
  unet_node_set_attr_int (sink->node, "axis", sink->perm[*axis]);
  return TRUE;
}

static gboolean
sink_concat (const Sink *sink)
{
  gint64 before = unet_node_attr_int (sink->node, "axis", 1);
  guint axis;

  for (guint i = 0; i < sink->node->inputs->len; i++)
    if (!input_fits (sink, unet_node_input (sink->node, i)))
      return FALSE;
  if (!move_axis (sink, 1, &axis))
    return FALSE;
  if (sink_elementwise (sink))
    return TRUE;
  unet_node_set_attr_int (sink->node, "axis", before);
  return FALSE;
}

static gboolean
sink_axis (const Sink *sink, gint64 def)
{
  guint axis;

  return move_axis (sink, def, &axis) && sink_unary (sink);
}

/* A reduced axis disappears, and the axes behind it move up. */
static gboolean
sink_reduction (const Sink *sink, guint mask)
{
  guint perm[UNET_MAX_DIMS], n = 0;

  convert_input (sink, 0);
  if (unet_node_attr_int (sink->node, "keepdims", 1)) {
    convert_outputs (sink);
    return TRUE;
  }
  for (guint i = 0; i < sink->rank; i++) {
    guint below = 0;
    if (mask & 1u << i)
      continue;
    for (guint k = 0; k < sink->rank; k++)
      below += (mask & 1u << k) && sink->perm[k] < sink->perm[i];
    perm[n++] = sink->perm[i] - below;
  }
  convert_output (sink, 0, n, perm);
  return TRUE;
}

static gboolean
sink_arg_max (const Sink *sink)
{
  guint axis;

  return move_axis (sink, 0, &axis) && sink_reduction (sink, 1u << axis);
}

static gboolean
sink_reduce (const Sink *sink)
{
  UnetArgs args = { sink->graph, sink->node, NULL, 0 };
  gint64 axes[UNET_MAX_DIMS];
  guint n, mask;

  if (unet_arg_ints (&args, "axes", 1, axes, UNET_MAX_DIMS, &n)
          != UNET_INTS_KNOWN
      || n == 0 || !unet_axes_mask (axes, n, sink->rank, &mask))
    return FALSE;
  n = 0;
  for (guint i = 0; i < sink->rank; i++)
    if (mask & 1u << i)
      axes[n++] = sink->perm[i];
  unet_pass_set_inputs (sink->node, unet_node_input (sink->node, 0));
  unet_node_set_attr_ints (sink->node, "axes", axes, n);
  return sink_reduction (sink, mask);
}

static gboolean
sink_pad (const Sink *sink)
{
  gint64 begin[UNET_MAX_DIMS], end[UNET_MAX_DIMS], pads[2 * UNET_MAX_DIMS];

  if (!unet_node_pads (sink->node, begin, end))
    return FALSE;
  for (guint i = 0; i < sink->rank; i++) {
    pads[sink->perm[i]] = begin[i];
    pads[sink->perm[i] + sink->rank] = end[i];
  }
  if (unet_node_input (sink->node, 3))
    unet_node_set_input (sink->node, 3, NULL);
  if (unet_node_input (sink->node, 1))
    unet_node_set_input (sink->node, 1, NULL);
  unet_node_set_attr_ints (sink->node, "pads", pads, 2 * sink->rank);
  return sink_unary (sink);
}

static gboolean
sink_slice (const Sink *sink)
{
  const UnetValue *out = unet_node_output (sink->node, 0);
  gint64 starts[UNET_MAX_DIMS], steps[UNET_MAX_DIMS], axes[UNET_MAX_DIMS];
  gint64 ends[UNET_MAX_DIMS];

  if (!unet_node_slice (sink->node, starts, steps))
    return FALSE;
  for (guint i = 0; i < sink->rank; i++)
    if (steps[i] < 1 || out->dims[i] < 1)
      return FALSE;
  for (guint i = 0; i < sink->rank; i++) {
    axes[i] = sink->perm[i];
    ends[i] = starts[i] + (out->dims[i] - 1) * steps[i] + 1;
  }
  unet_pass_set_inputs (sink->node, unet_node_input (sink->node, 0));
  unet_node_set_attr_ints (sink->node, "starts", starts, sink->rank);
  unet_node_set_attr_ints (sink->node, "ends", ends, sink->rank);
  unet_node_set_attr_ints (sink->node, "axes", axes, sink->rank);
  unet_node_set_input (sink->node, 4,
      unet_graph_add_constant (sink->graph, sink->node->name,
          unet_tensor_new_ints (steps, sink->rank)));
  return sink_unary (sink);
}

/* Scales and sizes stay as they are; the axes that they are for change. */
static gboolean
sink_resize (const Sink *sink)
{
  gint64 axes[UNET_MAX_DIMS];
  guint n = unet_node_attr_ints (sink->node, "axes", axes, UNET_MAX_DIMS);
  guint mask;

  if (n == 0)
    for (; n < sink->rank; n++)
      axes[n] = n;
  if (!unet_axes_mask (axes, n, sink->rank, &mask))
    return FALSE;
  for (guint i = 0; i < n; i++) {
    guint axis = 0;
    unet_axis (axes[i], sink->rank, &axis);
    axes[i] = sink->perm[axis];
  }
  unet_node_set_attr_ints (sink->node, "axes", axes, n);
  return sink_unary (sink);
}

static gboolean
treats_inputs_alike (UnetOp op)
{
  return unet_op_has (op, UNET_OP_BROADCASTS) || op == UNET_OP_Concat;
}

static gboolean
sink_node (const Sink *sink)
{
  if (unet_op_has (sink->node->op, UNET_OP_BROADCASTS))
    return sink_elementwise (sink);
  if (unet_op_has (sink->node->op, UNET_OP_MAPS))
    return sink_unary (sink);
  switch (sink->node->op) {
    case UNET_OP_Concat:
      return sink_concat (sink);
    case UNET_OP_Split:
      return sink_axis (sink, 0);
    case UNET_OP_Softmax:
    case UNET_OP_LogSoftmax:
      return sink->node->since >= 13 && sink_axis (sink, -1);
    case UNET_OP_ArgMax:
      return sink_arg_max (sink);
    case UNET_OP_ReduceMean:
    case UNET_OP_ReduceMax:
    case UNET_OP_ReduceSum:
      return sink_reduce (sink);
    case UNET_OP_Pad:
      return sink_pad (sink);
    case UNET_OP_Slice:
      return sink_slice (sink);
    case UNET_OP_Resize:
    case UNET_OP_Upsample:
      return sink_resize (sink);
    default:
      return FALSE;
  }
}

/* The first input that is a Transpose gives the permutation; outputs must
 * not have a higher rank. */
gboolean
unet_pass_sink_transpose (UnetGraph *graph, UnetNode *node)
{
  Sink sink = { graph, node, 0, { 0 } };

  if (node->post_ops->len || node->op == UNET_OP_Transpose)
    return FALSE;
  for (guint i = 0; i < node->inputs->len; i++) {
    UnetNode *transpose = unet_pass_transpose_of (unet_node_input (node, i));
    if (i > 0 && !treats_inputs_alike (node->op))
      return FALSE;
    if (!transpose || !unet_pass_read_perm (transpose, sink.perm))
      continue;
    sink.rank = unet_node_input (transpose, 0)->n_dims;
    for (guint k = 0; k < node->outputs->len; k++)
      if (unet_node_output (node, k)
          && unet_node_output (node, k)->n_dims > sink.rank)
        return FALSE;
    return sink_node (&sink);
  }
  return FALSE;
}
