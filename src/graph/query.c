/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops.h"
#include <math.h>

/* What an engine asks of nodes whose shapes are known. */

static gboolean
constant_float (const UnetNode *node, guint index, gdouble def, gdouble *out)
{
  UnetValue *v = unet_node_input (node, index);
  UnetTensorView view;

  *out = def;
  if (!v)
    return TRUE;
  if (!v->constant || v->constant->n_elements != 1)
    return FALSE;
  unet_tensor_view (v->constant, &view);
  *out = unet_view_float (&view, 0);
  return TRUE;
}

static gboolean
clip_limits (const UnetNode *node, UnetPostOp *op)
{
  gdouble low = unet_node_attr_float (node, "min", -INFINITY);
  gdouble high = unet_node_attr_float (node, "max", INFINITY);

  op->kind = UNET_POST_CLIP;
  if (!constant_float (node, 1, low, &low)
      || !constant_float (node, 2, high, &high))
    return FALSE;
  op->alpha = (gfloat) MAX (low, -G_MAXFLOAT);
  op->beta = (gfloat) MIN (high, G_MAXFLOAT);
  if (op->alpha == 0 && op->beta == G_MAXFLOAT)
    op->kind = UNET_POST_RELU;
  return TRUE;
}

gboolean
unet_node_unary (const UnetNode *node, UnetPostOp *op)
{
  *op = (UnetPostOp){ UNET_POST_RELU, 0.0f, 0.0f, NULL };
  switch (node->op) {
    case UNET_OP_Relu:
      return TRUE;
    case UNET_OP_Clip:
      return clip_limits (node, op);
    case UNET_OP_LeakyRelu:
      op->kind = UNET_POST_LEAKY_RELU;
      op->alpha = (gfloat) unet_node_attr_float (node, "alpha", 0.01);
      return TRUE;
    case UNET_OP_Elu:
      op->kind = UNET_POST_ELU;
      op->alpha = (gfloat) unet_node_attr_float (node, "alpha", 1.0);
      return TRUE;
    case UNET_OP_PRelu:
      op->kind = UNET_POST_PRELU;
      op->value = unet_node_input (node, 1);
      return op->value != NULL;
    case UNET_OP_Sigmoid:
      op->kind = UNET_POST_SIGMOID;
      return TRUE;
    case UNET_OP_Tanh:
      op->kind = UNET_POST_TANH;
      return TRUE;
    case UNET_OP_Softplus:
      op->kind = UNET_POST_SOFTPLUS;
      return TRUE;
    case UNET_OP_HardSigmoid:
      op->kind = UNET_POST_HARD_SIGMOID;
      op->alpha = (gfloat) unet_node_attr_float (node, "alpha", 0.2);
      op->beta = (gfloat) unet_node_attr_float (node, "beta", 0.5);
      return TRUE;
    case UNET_OP_HardSwish:
      op->kind = UNET_POST_HARD_SWISH;
      return TRUE;
    default:
      return FALSE;
  }
}

gboolean
unet_node_slice_starts (const UnetNode *node, gint64 *starts)
{
  UnetArgs args = { NULL, node, NULL, 0 };
  gint64 begin[UNET_MAX_DIMS], axes[UNET_MAX_DIMS], steps[UNET_MAX_DIMS];
  guint n, n_axes, n_steps, axis, rank = unet_node_input (node, 0)->n_dims;

  memset (starts, 0, rank * sizeof *starts);
  if (unet_arg_ints (&args, "starts", 1, begin, UNET_MAX_DIMS, &n)
          != UNET_INTS_KNOWN
      || n > UNET_MAX_DIMS)
    return FALSE;
  if (unet_arg_ints (&args, "axes", 3, axes, UNET_MAX_DIMS, &n_axes)
      == UNET_INTS_OPEN)
    return FALSE;
  if (unet_arg_ints (&args, NULL, 4, steps, UNET_MAX_DIMS, &n_steps)
      == UNET_INTS_OPEN)
    return FALSE;
  for (guint i = 0; i < n; i++) {
    gint64 extent;

    if ((n_steps && steps[i] != 1)
        || !unet_axis (n_axes ? axes[i] : (gint64) i, rank, &axis))
      return FALSE;
    extent = unet_node_input (node, 0)->dims[axis];
    starts[axis] = CLAMP (begin[i] < 0 ? begin[i] + extent : begin[i], 0,
                          extent);
  }
  return TRUE;
}

gboolean
unet_node_pad_zero (const UnetNode *node, gint64 *begin)
{
  UnetArgs args = { NULL, node, NULL, 0 };
  gint64 pads[2 * UNET_MAX_DIMS];
  guint n, rank = unet_node_input (node, 0)->n_dims;
  gdouble value;

  if (g_strcmp0 (unet_node_attr_string (node, "mode", "constant"), "constant")
          != 0
      || unet_node_input (node, 3)
      || !constant_float (node, 2, unet_node_attr_float (node, "value", 0),
                          &value)
      || value != 0)
    return FALSE;
  if (unet_arg_ints (&args, "pads", 1, pads, G_N_ELEMENTS (pads), &n)
          != UNET_INTS_KNOWN
      || n != 2 * rank)
    return FALSE;
  for (guint i = 0; i < rank; i++) {
    if (pads[i] < 0 || pads[i + rank] < 0)
      return FALSE;
    begin[i] = pads[i];
  }
  return TRUE;
}
