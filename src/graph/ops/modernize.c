/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/modernize.h"
#include "graph/ops/args.h"
#include <string.h>

/* Rewrites nodes of old operator sets into those of today, so that passes
 * and engine need to know one form only. */

/* ---- broadcasting before operator set 7 ------------------------------- */

/* Gives the second operand @trailing dimensions of 1 more. */
static void
append_ones (UnetGraph *graph, UnetNode *node, guint trailing)
{
  UnetValue *b = unet_node_input (node, 1), *wide;
  gint64 dims[UNET_MAX_DIMS], axes[UNET_MAX_DIMS];
  guint rank = b->n_dims + trailing;
  UnetNode *unsqueeze;

  memcpy (dims, b->dims, sizeof dims);
  for (guint i = 0; i < trailing; i++) {
    axes[i] = b->n_dims + i;
    dims[b->n_dims + i] = 1;
  }
  wide = unet_graph_add_value (graph, b->name);
  if (b->constant) {
    unet_value_set_constant (
        wide, unet_tensor_reshape (b->constant, rank, dims));
  } else {
    unsqueeze =
        unet_graph_insert_node (graph, node, UNET_OP_Unsqueeze, node->name);
    unet_node_set_attr_ints (unsqueeze, "axes", axes, trailing);
    unet_node_add_input (unsqueeze, b);
    unet_node_add_output (unsqueeze, wide);
    unet_value_set_shape (wide, b->dtype, rank, dims);
  }
  unet_node_set_input (node, 1, wide);
}

/* `axis` says where the second operand's dimensions begin. */
static gboolean
modernize_broadcast (UnetGraph *graph, UnetNode *node, GError **error)
{
  const UnetValue *a = unet_node_input (node, 0);
  const UnetValue *b = unet_node_input (node, 1);
  guint axis;

  if (!unet_node_attr_int (node, "broadcast", 0)
      || !unet_node_attr (node, "axis"))
    return TRUE;
  if (!unet_axis (unet_node_attr_int (node, "axis", 0), a->n_dims, &axis)
      || axis + b->n_dims > a->n_dims) {
    unet_node_set_error (error, graph, node, UNET_ERROR_SHAPE,
        "'axis' does not fit rank %u", a->n_dims);
    return FALSE;
  }
  unet_node_remove_attr (node, "axis");
  if (axis + b->n_dims < a->n_dims)
    append_ones (graph, node, a->n_dims - axis - b->n_dims);
  return TRUE;
}

/* A vector of slopes was one for each channel. */
static gboolean
modernize_prelu (UnetGraph *graph, UnetNode *node)
{
  const UnetValue *x = unet_node_input (node, 0);
  const UnetValue *slope = unet_node_input (node, 1);

  if (slope->n_dims == 1 && slope->dims[0] != 1 && x->n_dims > 2)
    append_ones (graph, node, x->n_dims - 2);
  return TRUE;
}

/* ---- Softmax before operator set 13 ----------------------------------- */

static UnetValue *
insert_reshape (UnetGraph *graph, UnetNode *before, UnetValue *input,
    guint n_dims, const gint64 *dims, const gchar *name)
{
  UnetNode *reshape =
      unet_graph_insert_node (graph, before, UNET_OP_Reshape, name);
  UnetValue *output = unet_graph_add_value (graph, name);
  UnetValue *shape = unet_graph_add_constant (
      graph, name, unet_tensor_new_ints (dims, n_dims));

  unet_node_add_input (reshape, input);
  unet_node_add_input (reshape, shape);
  unet_node_add_output (reshape, output);
  unet_value_set_shape (output, input->dtype, n_dims, dims);
  return output;
}

/* Before operator set 13, Softmax ran over all axes from the given one on.
 * If only one of them is longer than 1, that one becomes the axis; else the
 * node is flattened, run, and shaped back. */
static gboolean
modernize_softmax (UnetGraph *graph, UnetNode *node, GError **error)
{
  UnetValue *x = unet_node_input (node, 0), *y = unet_node_output (node, 0);
  gint64 axis = unet_node_attr_int (node, "axis", 1), flat[2], end, wide = 0;
  guint n_wide = 0;
  UnetNode *softmax;
  UnetValue *result;

  if (axis < 0)
    axis += x->n_dims;
  if (axis < 0 || axis >= x->n_dims)
    return TRUE; /* inference complains, or evaluates the old way */
  for (guint i = (guint) axis; i < x->n_dims; i++)
    if (x->dims[i] != 1) {
      n_wide++;
      wide = i;
    }
  if (n_wide <= 1) {
    node->since = 13;
    unet_node_set_attr_int (node, "axis", n_wide ? wide : axis);
    return TRUE;
  }
  end = (gint64) unet_dims_count (x->n_dims - (guint) axis, x->dims + axis);
  if (end == 0)
    return TRUE; /* not known yet */
  flat[0] = (gint64) unet_dims_count ((guint) axis, x->dims);
  flat[1] = end;
  if (flat[0] == 0)
    return TRUE;
  softmax = unet_graph_insert_node (graph, node, node->op, node->name);
  softmax->since = 13;
  unet_node_set_attr_int (softmax, "axis", 1);
  unet_node_add_input (
      softmax, insert_reshape (graph, softmax, x, 2, flat, node->name));
  result = unet_graph_add_value (graph, node->name);
  unet_value_set_shape (result, x->dtype, 2, flat);
  unet_node_add_output (softmax, result);
  /* The node itself becomes the way back, so that its output stays. */
  node->op = UNET_OP_Reshape;
  unet_node_remove_attr (node, "axis");
  unet_node_set_input (node, 0, result);
  unet_node_set_input (node, 1,
      unet_graph_add_constant (
          graph, y->name, unet_tensor_new_ints (x->dims, x->n_dims)));
  return TRUE;
}

/* ---- Sum -------------------------------------------------------------- */

/* A Sum of any number of operands becomes a chain of additions, which the
 * engine can fuse. */
static gboolean
modernize_sum (UnetGraph *graph, UnetNode *node)
{
  while (node->inputs->len > 2) {
    UnetValue *a = unet_node_input (node, 0), *b = unet_node_input (node, 1);
    UnetValue *sum = unet_graph_add_value (graph, node->name);
    gint64 dims[UNET_MAX_DIMS];
    UnetNode *add;
    guint n;
    if (!a || !b || a->dtype != b->dtype
        || !unet_broadcast (a->n_dims, a->dims, b->n_dims, b->dims, &n, dims))
      return TRUE; /* inference complains */
    add = unet_graph_insert_node (graph, node, UNET_OP_Add, node->name);
    unet_node_add_input (add, a);
    unet_node_add_input (add, b);
    unet_node_add_output (add, sum);
    unet_value_set_shape (sum, a->dtype, n, dims);
    unet_node_set_input (node, 0, sum);
    unet_node_set_input (node, 1, NULL);
    g_ptr_array_remove_index (node->inputs, 1);
  }
  node->op = node->inputs->len == 2 ? UNET_OP_Add : UNET_OP_Identity;
  return TRUE;
}

gboolean
unet_node_modernize (UnetGraph *graph, UnetNode *node, GError **error)
{
  switch (node->op) {
    case UNET_OP_Add:
    case UNET_OP_Sub:
    case UNET_OP_Mul:
    case UNET_OP_Div:
    case UNET_OP_Pow:
    case UNET_OP_And:
    case UNET_OP_Or:
    case UNET_OP_Equal:
    case UNET_OP_Less:
    case UNET_OP_Greater:
      return node->since >= 7 || modernize_broadcast (graph, node, error);
    case UNET_OP_Sum:
      return modernize_sum (graph, node);
    case UNET_OP_PRelu:
      return node->since >= 7 || modernize_prelu (graph, node);
    case UNET_OP_Softmax:
    case UNET_OP_LogSoftmax:
      return node->since >= 13 || modernize_softmax (graph, node, error);
    default:
      return TRUE;
  }
}
