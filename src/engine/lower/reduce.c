/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/lower/reduce.h"
#include "engine/emit/locations.h"
#include "engine/emit/post-ops.h"
#include "engine/kernels/f32-reduce.h"
#include "engine/lower/reference.h"
#include "graph/ops/args.h"

/* Describes what the kernel does. Returns %FALSE if it cannot: the axes must be
 * adjacent, and known before the network runs. */
static gboolean
describe (const UnetPlan *plan, const UnetNode *node, UnetReduce *p)
{
  const UnetArgs args = { unet_plan_get_graph (plan), node, NULL, 0 };
  const UnetValue *x = unet_node_input (node, 0);
  gint64 axes[UNET_MAX_DIMS];
  guint n, mask, first, last;

  if (x->dtype != UNET_DTYPE_F32
      || unet_arg_ints (&args, "axes", 1, axes, UNET_MAX_DIMS, &n)
          != UNET_INTS_KNOWN
      || n == 0 || !unet_axes_mask (axes, n, x->n_dims, &mask))
    return FALSE;
  first = (guint) g_bit_nth_lsf (mask, -1);
  last = first + n - 1;
  if (mask != ((1u << n) - 1) << first)
    return FALSE;
  p->outer = unet_dims_count (first, x->dims);
  p->n = unet_dims_count (n, x->dims + first);
  p->inner = unet_dims_count (x->n_dims - last - 1, x->dims + last + 1);
  p->scale = node->op == UNET_OP_ReduceMean ? 1 / (gdouble) p->n : 1;
  return p->outer > 0 && p->n > 0 && p->inner > 0;
}

gboolean
unet_lower_reduce (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error)
{
  UnetValue *out = unet_node_output (node, 0);
  UnetReduce reduce;
  UnetLoc *src, *dst;
  UnetStep *step;

  if (!describe (plan, node, &reduce))
    return unet_lower_reference (plan, node, UNET_MEM_PLAIN, error);
  src =
      unet_plan_locate (plan, unet_node_input (node, 0), UNET_MEM_PLAIN, error);
  dst = src ? unet_plan_place (plan, out, UNET_MEM_PLAIN, error) : NULL;
  if (!dst)
    return FALSE;
  step = unet_plan_add_kernel (plan, node, unet_op_name (node->op),
      "unet:reduce", unet_kernel_reduce, g_memdup2 (&reduce, sizeof reduce),
      out, UNET_MEM_PLAIN);
  unet_step_operand (step, 0, src, FALSE);
  unet_step_operand (step, 0, dst, TRUE);
  return unet_emit_post_ops (plan, node, 0, out, UNET_MEM_PLAIN, error);
}
