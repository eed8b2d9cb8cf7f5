/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/passes/pass.h"
#include "graph/passes/passes.h"
#include "graph/analysis/query.h"
#include <math.h>

/* Reason: Max(x, 0), Min(x, 6) and chains of them are clips in other words;
 * as Clip they become post-ops. */

static void
set_bounds (
    UnetGraph *graph, UnetNode *node, UnetValue *x, gdouble low, gdouble high)
{
  node->op = UNET_OP_Clip;
  node->since = MAX (node->since, 11);
  unet_pass_set_inputs (node, x);
  unet_pass_add_number (graph, node, low);
  unet_pass_add_number (graph, node, high);
}

static gboolean
min_max_to_clip (UnetGraph *graph, UnetNode *node)
{
  UnetValue *x;
  gdouble bound;

  if ((node->op != UNET_OP_Min && node->op != UNET_OP_Max)
      || !unet_pass_scalar_operand (node, &x, &bound)
      || x->dtype != UNET_DTYPE_F32 || x->constant)
    return FALSE;
  if (node->op == UNET_OP_Max)
    set_bounds (graph, node, x, bound, INFINITY);
  else
    set_bounds (graph, node, x, -INFINITY, bound);
  return TRUE;
}

static gboolean
bounds_of (const UnetNode *node, gdouble *low, gdouble *high)
{
  UnetPostOp post;

  if ((node->op != UNET_OP_Clip && node->op != UNET_OP_Relu)
      || node->post_ops->len || !unet_node_unary (node, &post))
    return FALSE;
  *low = post.kind == UNET_POST_RELU ? 0 : post.alpha;
  *high = post.kind == UNET_POST_RELU ? INFINITY : post.beta;
  return TRUE;
}

/* Clip to [a, b], then to [c, d]: to [clip (a), clip (b)]. */
static gboolean
merge_clips (UnetGraph *graph, UnetNode *node)
{
  gdouble a, b, c, d;
  UnetNode *before;

  if (!bounds_of (node, &c, &d))
    return FALSE;
  before = unet_node_input (node, 0)->producer;
  if (!before || !bounds_of (before, &a, &b) || a > b || c > d)
    return FALSE;
  set_bounds (graph, node, unet_node_input (before, 0), CLAMP (a, c, d),
      CLAMP (b, c, d));
  g_ptr_array_set_size (node->attrs, 0);
  return TRUE;
}

gboolean
unet_pass_clip (UnetGraph *graph)
{
  gboolean changed = FALSE;

  for (guint i = 0; i < graph->nodes->len; i++) {
    UnetNode *node = g_ptr_array_index (graph->nodes, i);
    changed |= min_max_to_clip (graph, node);
    changed |= merge_clips (graph, node);
  }
  return changed;
}
