/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/passes/pass.h"
#include "graph/passes/passes.h"
#include "graph/analysis/query.h"
#include <math.h>

/* Reason: exporters of old operator sets spell the hard swish and the hard
 * sigmoid (Howard et al. 2019, "Searching for MobileNetV3", section 5.2) as
 * three or four nodes: x * clip (x + 3, 0, 6) / 6 in any order. One node is
 * one pass over memory, and none at all as a post-op. */

static gboolean
about (gdouble a, gdouble b)
{
  return fabs (a - b) < 1e-5 * MAX (1, fabs (b));
}

static UnetNode *
producer_of (const UnetValue *value)
{
  UnetNode *node = value ? value->producer : NULL;

  return node && node->post_ops->len == 0 ? node : NULL;
}

/* value = factor * inner */
static gboolean
match_factor (const UnetValue *value, UnetValue **inner, gdouble *factor)
{
  const UnetNode *node = producer_of (value);

  if (!node)
    return FALSE;
  if (node->op == UNET_OP_Mul)
    return unet_pass_scalar_operand (node, inner, factor);
  if (node->op != UNET_OP_Div
      || !unet_pass_scalar (unet_node_input (node, 1), factor) || *factor == 0)
    return FALSE;
  *inner = unet_node_input (node, 0);
  *factor = 1 / *factor;
  return TRUE;
}

/* value = inner + term */
static gboolean
match_term (const UnetValue *value, UnetValue **inner, gdouble *term)
{
  const UnetNode *node = producer_of (value);

  return node && node->op == UNET_OP_Add
      && unet_pass_scalar_operand (node, inner, term);
}

/* value = clip (inner, 0, high) */
static gboolean
match_clip (const UnetValue *value, UnetValue **inner, gdouble *high)
{
  const UnetNode *node = producer_of (value);
  UnetPostOp post;

  if (!node || node->op != UNET_OP_Clip || !unet_node_unary (node, &post)
      || post.kind != UNET_POST_CLIP || post.alpha != 0)
    return FALSE;
  *inner = unet_node_input (node, 0);
  *high = post.beta;
  return TRUE;
}

/* value = factor * clip (x + term, 0, high); term 0 and factor 1 where they
 * are not there. */
typedef struct {
  UnetValue *x;
  gdouble term, high, factor;
} Ramp;

static gboolean
match_ramp (UnetValue *value, Ramp *ramp)
{
  UnetValue *inner = value;

  ramp->factor = 1;
  match_factor (value, &inner, &ramp->factor);
  if (!match_clip (inner, &inner, &ramp->high))
    return FALSE;
  ramp->term = 0;
  ramp->x = inner;
  match_term (inner, &ramp->x, &ramp->term);
  return TRUE;
}

/* clip (alpha * x + beta, 0, 1) */
static gboolean
match_hard_sigmoid (
    UnetValue *value, UnetValue **x, gdouble *alpha, gdouble *beta)
{
  const UnetNode *node = producer_of (value);
  gdouble factor;
  Ramp ramp;

  if (node && node->op == UNET_OP_HardSigmoid) {
    *x = unet_node_input (node, 0);
    *alpha = unet_node_attr_float (node, "alpha", 0.2f);
    *beta = unet_node_attr_float (node, "beta", 0.5f);
    return TRUE;
  }
  if (!match_ramp (value, &ramp) || !about (ramp.high * ramp.factor, 1))
    return FALSE;
  *x = ramp.x;
  *alpha = ramp.factor;
  *beta = ramp.term * ramp.factor;
  if (ramp.factor == 1 && match_factor (ramp.x, x, &factor))
    *alpha = factor;
  return TRUE;
}

static gboolean
is_swish_gate (UnetValue *gate, const UnetValue *x, gdouble factor)
{
  UnetValue *inner;
  gdouble alpha, beta;
  Ramp ramp;

  if (about (factor, 1))
    return match_hard_sigmoid (gate, &inner, &alpha, &beta) && inner == x
        && about (alpha, 1.0 / 6) && about (beta, 0.5);
  return match_ramp (gate, &ramp) && ramp.x == x && about (ramp.term, 3)
      && about (ramp.high, 6) && about (ramp.factor * factor, 1.0 / 6);
}

/* @node = factor * a * b with the gate on either side; or (factor * a) * b,
 * with the factor on x. */
static UnetValue *
match_hard_swish (const UnetNode *node)
{
  UnetValue *inner = unet_node_output (node, 0), *a, *b, *x;
  gdouble factor = 1, on_x;

  match_factor (inner, &inner, &factor);
  node = producer_of (inner);
  if (!node || node->op != UNET_OP_Mul)
    return NULL;
  for (guint i = 0; i < 2; i++) {
    a = unet_node_input (node, i);
    b = unet_node_input (node, 1 - i);
    if (is_swish_gate (b, a, factor))
      return a;
    if (match_factor (a, &x, &on_x) && is_swish_gate (b, x, factor * on_x))
      return x;
  }
  return NULL;
}

static gboolean
try_hard_swish (UnetNode *node)
{
  UnetValue *x;

  if ((node->op != UNET_OP_Mul && node->op != UNET_OP_Div)
      || node->post_ops->len || !(x = match_hard_swish (node)))
    return FALSE;
  node->op = UNET_OP_HardSwish;
  unet_pass_set_inputs (node, x);
  return TRUE;
}

static gboolean
try_hard_sigmoid (UnetNode *node)
{
  UnetValue *x;
  gdouble alpha, beta;

  if (node->op == UNET_OP_HardSigmoid || node->post_ops->len
      || !node->outputs->len || !unet_node_output (node, 0)
      || !match_hard_sigmoid (unet_node_output (node, 0), &x, &alpha, &beta)
      || alpha <= 0)
    return FALSE;
  /* A plain clip to 0..1 is best left as it is. */
  if (alpha == 1 && beta == 0)
    return FALSE;
  node->op = UNET_OP_HardSigmoid;
  unet_pass_set_inputs (node, x);
  g_ptr_array_set_size (node->attrs, 0);
  unet_node_set_attr_float (node, "alpha", alpha);
  unet_node_set_attr_float (node, "beta", beta);
  return TRUE;
}

gboolean
unet_pass_hard_swish (UnetGraph *graph)
{
  gboolean changed = FALSE;

  /* The swish first: its gate may be a hard sigmoid or only half of one. */
  for (guint i = 0; i < graph->nodes->len; i++)
    changed |= try_hard_swish (g_ptr_array_index (graph->nodes, i));
  unet_pass_dead_code (graph);
  for (guint i = 0; i < graph->nodes->len; i++)
    changed |= try_hard_sigmoid (g_ptr_array_index (graph->nodes, i));
  unet_pass_dead_code (graph);
  return changed;
}
