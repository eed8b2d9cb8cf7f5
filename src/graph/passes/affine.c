/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/passes/pass.h"
#include "graph/passes/passes.h"
#include <math.h>

/* Reason: batch normalisation, and any multiplication or addition of
 * per-channel constants after a convolution, is a change of its weights and
 * bias (Jacob et al. 2018, "Quantization and Training of Neural Networks for
 * Efficient Integer-Arithmetic-Only Inference", section 3.2). */

/* y = scale * x + shift for each channel */
typedef struct {
  gsize n;
  gdouble *scale, *shift;
} Affine;

static gboolean
affine_is_finite (const Affine *affine)
{
  for (gsize i = 0; i < affine->n; i++)
    if (!isfinite (affine->scale[i]) || !isfinite (affine->shift[i]))
      return FALSE;
  return TRUE;
}

/* ---- what follows the convolution ------------------------------------- */

/* One number, or one for each channel: shape [C,1,1], [1,C,1,1] … */
static gboolean
is_per_channel (const UnetTensor *tensor, const UnetValue *x)
{
  guint channel_from_end = x->n_dims - 1;

  if (tensor->dtype != UNET_DTYPE_F32 || tensor->n_dims > x->n_dims)
    return FALSE;
  for (guint i = 0; i < tensor->n_dims; i++) {
    guint from_end = tensor->n_dims - i;
    gint64 most = from_end == channel_from_end ? x->dims[1] : 1;
    if (tensor->dims[i] != 1 && tensor->dims[i] != most)
      return FALSE;
  }
  return TRUE;
}

static gboolean
read_arithmetic (const UnetNode *node, const UnetValue *x, const Affine *affine)
{
  guint k = unet_node_input (node, 0) == x ? 1 : 0;
  const UnetValue *value = unet_node_input (node, k);
  UnetTensorView view;

  if (!value || value == x || !value->constant
      || !is_per_channel (value->constant, x))
    return FALSE;
  unet_tensor_view (value->constant, &view);
  for (gsize c = 0; c < affine->n; c++) {
    gdouble p =
        unet_view_float (&view, value->constant->n_elements == 1 ? 0 : c);
    affine->scale[c] = 1;
    affine->shift[c] = 0;
    if (node->op == UNET_OP_Mul)
      affine->scale[c] = p;
    else if (node->op == UNET_OP_Div && k == 1)
      affine->scale[c] = 1 / p;
    else if (node->op == UNET_OP_Add)
      affine->shift[c] = p;
    else if (node->op == UNET_OP_Sub) {
      affine->scale[c] = k == 1 ? 1 : -1;
      affine->shift[c] = k == 1 ? -p : p;
    } else
      return FALSE;
  }
  return TRUE;
}

static gboolean
read_affine (const UnetNode *node, const UnetValue *x, const Affine *affine)
{
  gboolean ok;

  switch (node->op) {
    case UNET_OP_BatchNormalization:
      ok = unet_pass_batch_norm_map (
          node, affine->n, affine->scale, affine->shift);
      break;
    case UNET_OP_Add:
    case UNET_OP_Sub:
    case UNET_OP_Mul:
    case UNET_OP_Div:
      ok = read_arithmetic (node, x, affine);
      break;
    default:
      return FALSE;
  }
  return ok && affine_is_finite (affine);
}

/* ---- the convolution -------------------------------------------------- */

/* Channel of weight @i: [out][in/group][…] for Conv, [in][out/group][…] for
 * ConvTranspose. */
static gsize
channel_of (const UnetNode *conv, const UnetTensor *weights, gsize i)
{
  gsize group = (gsize) unet_node_attr_int (conv, "group", 1);
  gsize second = (gsize) weights->dims[1];
  gsize taps = weights->n_elements / ((gsize) weights->dims[0] * second);
  gsize a = i / taps / second, b = i / taps % second;

  if (conv->op == UNET_OP_Conv)
    return a;
  return a / ((gsize) weights->dims[0] / group) * second + b;
}

static gboolean
scale_weights (UnetGraph *graph, UnetNode *conv, const Affine *affine)
{
  const UnetValue *old = unet_node_input (conv, 1);
  const gfloat *from = old->constant->data;
  UnetTensor *tensor = unet_tensor_new (UNET_DTYPE_F32, old->n_dims, old->dims);
  gfloat *to;

  if (!tensor)
    return FALSE;
  to = tensor->data;
  for (gsize i = 0; i < tensor->n_elements; i++)
    to[i] =
        (gfloat) (from[i] * affine->scale[channel_of (conv, old->constant, i)]);
  unet_node_set_input (
      conv, 1, unet_graph_add_constant (graph, old->name, tensor));
  return TRUE;
}

static UnetTensor *
new_bias (const Affine *affine)
{
  gint64 dims[1] = { (gint64) affine->n };

  return unet_tensor_new (UNET_DTYPE_F32, 1, dims);
}

static void
shift_bias (
    UnetGraph *graph, UnetNode *conv, const Affine *affine, UnetTensor *tensor)
{
  const UnetValue *old = unet_node_input (conv, 2);
  const gfloat *from = old ? old->constant->data : NULL;
  gfloat *to = tensor->data;

  for (gsize i = 0; i < affine->n; i++)
    to[i] =
        (gfloat) ((from ? from[i] : 0) * affine->scale[i] + affine->shift[i]);
  unet_node_set_input (conv, 2,
      unet_graph_add_constant (graph, old ? old->name : conv->name, tensor));
}

static gboolean
has_constant_weights (const UnetNode *conv)
{
  const UnetValue *weights = unet_node_input (conv, 1);
  const UnetValue *bias = unet_node_input (conv, 2);

  return weights->constant && weights->dtype == UNET_DTYPE_F32
      && weights->constant->n_elements && (!bias || bias->constant);
}

static gboolean
absorb (UnetGraph *graph, UnetNode *conv)
{
  UnetValue *out = unet_node_output (conv, 0);
  Affine affine = { 0 };
  UnetNode *next;
  g_autoptr (UnetTensor) bias = NULL;
  gboolean ok;

  if (conv->op != UNET_OP_Conv && conv->op != UNET_OP_ConvTranspose)
    return FALSE;
  next = unet_pass_sole_consumer (graph, out);
  if (!next || conv->post_ops->len || !has_constant_weights (conv)
      || unet_node_output (next, 0)->n_dims != out->n_dims)
    return FALSE;
  affine.n = (gsize) out->dims[1];
  affine.scale = g_try_new (gdouble, affine.n);
  affine.shift = g_try_new (gdouble, affine.n);
  bias = new_bias (&affine);
  ok = affine.scale && affine.shift && bias && read_affine (next, out, &affine)
      && scale_weights (graph, conv, &affine);
  if (ok) {
    shift_bias (graph, conv, &affine, g_steal_pointer (&bias));
    unet_pass_merge (graph, conv, next);
  }
  g_free (affine.scale);
  g_free (affine.shift);
  return ok;
}

gboolean
unet_pass_affine (UnetGraph *graph)
{
  return unet_pass_each (graph, absorb);
}
