/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/analysis/query.h"
#include "graph/ops/pad.h"
#include "graph/ops/slice.h"
#include <math.h>

/* Questions about nodes whose shapes are known. */

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
    case UNET_OP_Gelu:
      op->kind = UNET_POST_GELU_ERF;
      return g_strcmp0 (
                 unet_node_attr_string (node, "approximate", "none"), "none")
          == 0;
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
  gint64 steps[UNET_MAX_DIMS];

  if (!unet_node_slice (node, starts, steps))
    return FALSE;
  for (guint i = 0; i < unet_node_input (node, 0)->n_dims; i++)
    if (steps[i] != 1)
      return FALSE;
  return TRUE;
}

gboolean
unet_node_pad_zero (const UnetNode *node, gint64 *begin)
{
  gdouble value = unet_node_attr_float (node, "value", 0);
  gint64 end[UNET_MAX_DIMS];

  if (g_strcmp0 (unet_node_attr_string (node, "mode", "constant"), "constant")
          != 0
      || !constant_float (node, 2, value, &value) || value != 0
      || !unet_node_pads (node, begin, end))
    return FALSE;
  for (guint i = 0; i < unet_node_input (node, 0)->n_dims; i++)
    if (begin[i] < 0 || end[i] < 0)
      return FALSE;
  return TRUE;
}

gboolean
unet_node_is_exact (const UnetNode *node)
{
  return unet_node_attr_int (node, "exact", 0) != 0;
}

gboolean
unet_node_has_f32_weights (const UnetNode *node)
{
  UnetValue *w = unet_node_input (node, 1), *b = unet_node_input (node, 2);

  return w && w->constant && w->dtype == UNET_DTYPE_F32
      && (!b || (b->constant && b->dtype == UNET_DTYPE_F32))
      && unet_node_input (node, 0)->n_dims <= 5;
}
