/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/passes/pass.h"
#include "graph/passes/passes.h"
#include "graph/analysis/query.h"

/* Reason: an activation alone reads and writes a whole tensor to do next to
 * nothing; behind the node that makes the tensor it is free. */

/* alpha * x + beta, from arithmetic with one number. */
static gboolean
read_linear (const UnetNode *node, const UnetValue *x, UnetPostOp *post)
{
  gboolean right = unet_node_input (node, 0) == x;
  UnetValue *other;
  gdouble p;

  *post = (UnetPostOp){ UNET_POST_LINEAR, 1, 0, NULL };
  if (!unet_pass_scalar_operand (node, &other, &p) || other != x)
    return FALSE;
  switch (node->op) {
    case UNET_OP_Mul:
      post->alpha = (gfloat) p;
      return TRUE;
    case UNET_OP_Div:
      post->alpha = (gfloat) (1 / p);
      return right && p != 0;
    case UNET_OP_Add:
      post->beta = (gfloat) p;
      return TRUE;
    case UNET_OP_Sub:
      post->alpha = right ? 1 : -1;
      post->beta = (gfloat) (right ? -p : p);
      return TRUE;
    default:
      return FALSE;
  }
}

/* PReLU with one slope is a leaky ReLU; with one for each channel it is slow
 * as a post-op and stays a node. */
static gboolean
read_prelu (const UnetNode *node, UnetPostOp *post)
{
  gdouble slope;

  if (!unet_pass_scalar (unet_node_input (node, 1), &slope))
    return FALSE;
  *post = (UnetPostOp){ UNET_POST_LEAKY_RELU, (gfloat) slope, 0, NULL };
  return TRUE;
}

static gboolean
read_post_op (const UnetNode *node, const UnetValue *x, UnetPostOp *post)
{
  if (x->dtype != UNET_DTYPE_F32
      || unet_node_output (node, 0)->dtype != UNET_DTYPE_F32)
    return FALSE;
  if (node->op == UNET_OP_PRelu)
    return unet_node_input (node, 0) == x && read_prelu (node, post);
  if (node->inputs->len == 2 && node->op != UNET_OP_Clip)
    return read_linear (node, x, post);
  return unet_node_input (node, 0) == x && unet_node_unary (node, post);
}

/* Two linear maps in a row are one. */
static gboolean
merge_linear (UnetNode *node, const UnetPostOp *post)
{
  UnetPostOp *last;

  if (!node->post_ops->len || post->kind != UNET_POST_LINEAR)
    return FALSE;
  last = &g_array_index (node->post_ops, UnetPostOp, node->post_ops->len - 1);
  if (last->kind != UNET_POST_LINEAR)
    return FALSE;
  last->beta = post->alpha * last->beta + post->beta;
  last->alpha *= post->alpha;
  return TRUE;
}

static gboolean
absorb (UnetGraph *graph, UnetNode *node)
{
  UnetValue *out = unet_node_output (node, 0);
  UnetNode *next;
  UnetPostOp post;

  if (!unet_pass_takes_post_ops (node))
    return FALSE;
  next = unet_pass_sole_consumer (graph, out);
  if (!next || !read_post_op (next, out, &post))
    return FALSE;
  if (!merge_linear (node, &post))
    unet_node_add_post_op (node, &post);
  unet_pass_merge (graph, node, next);
  return TRUE;
}

gboolean
unet_pass_activation (UnetGraph *graph)
{
  return unet_pass_each (graph, absorb);
}
