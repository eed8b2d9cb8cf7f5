/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/lower/softmax.h"
#include "engine/emit/locations.h"
#include "engine/emit/post-ops.h"
#include "engine/lower/reference.h"
#include "engine/kernels/f32-softmax.h"

gboolean
unet_lower_softmax (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  gboolean old = node->since < 13;
  gint64 axis = unet_node_attr_int (node, "axis", old ? 1 : -1);
  UnetSoftmaxPlain *p;
  UnetLoc *src, *dst;
  UnetStep *step;

  axis += axis < 0 ? in->n_dims : 0;
  /* Until opset 13 all dimensions from the axis on were one. */
  if (in->n_dims == 0 || (old && axis != in->n_dims - 1))
    return unet_lower_reference (plan, node, UNET_MEM_PLAIN, error);
  src = unet_plan_locate (plan, in, UNET_MEM_PLAIN, error);
  dst = src ? unet_plan_place (plan, out, UNET_MEM_PLAIN, error) : NULL;
  if (!dst)
    return FALSE;
  p = g_new0 (UnetSoftmaxPlain, 1);
  p->n = unet_dims_count (axis, in->dims);
  p->c = in->dims[axis];
  p->pixels = unet_dims_count (in->n_dims - axis - 1, in->dims + axis + 1);
  p->logarithm = node->op == UNET_OP_LogSoftmax;
  step = unet_plan_add_kernel (plan, node, unet_op_name (node->op),
      "unet:softmax_plain", unet_kernel_softmax_plain, p, out, UNET_MEM_PLAIN);
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return unet_emit_post_ops (plan, node, 0, out, UNET_MEM_PLAIN, error);
}
