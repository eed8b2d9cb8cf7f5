/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/lower/unary.h"
#include "engine/emit/locations.h"
#include "engine/emit/post-ops.h"
#include "engine/lower/reference.h"
#include "graph/analysis/query.h"

gboolean
unet_lower_unary (
    UnetPlan *plan, UnetNode *node, UnetMemLayout layout, GError **error)
{
  UnetValue *in = unet_node_input (node, 0), *out = unet_node_output (node, 0);
  gboolean dies;
  UnetPostOp op;
  UnetLoc *src, *dst;

  if (!unet_node_unary (node, &op) || !unet_value_fits (plan, in, layout)
      || (op.kind == UNET_POST_PRELU && !unet_prelu_fits (&op, out)))
    return unet_lower_reference (plan, node, UNET_MEM_PLAIN, error);
  src = unet_plan_locate (plan, in, layout, error);
  if (!src)
    return FALSE;
  dies = unet_plan_dies (plan, in, layout) && !plan->slots[out->id].parent;
  dst = dies
      ? unet_plan_alias (plan, out, layout, src, 0, unet_md_copy (src->md))
      : unet_plan_place (plan, out, layout, error);
  return dst && unet_emit_post_op (plan, node, &op, src, dst, out, error)
      && unet_emit_post_ops (plan, node, 0, out, layout, error);
}
