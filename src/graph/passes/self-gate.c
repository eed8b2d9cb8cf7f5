/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph/ops/table.h"
#include "graph/passes/pass.h"
#include "graph/passes/passes.h"
#include <math.h>

/* Reason: swish, x * sigmoid (x) (Ramachandran et al. 2017, "Searching for
 * Activation Functions"), and GELU, x / 2 * (1 + erf (x / sqrt 2))
 * (Hendrycks and Gimpel 2016), have no operator of their own before operator
 * set 20, so the value that feeds them has two uses. As a post-op of the
 * node that makes x they cost no memory traffic. */

#define MAX_FACTORS 4

/* A product taken apart. */
typedef struct {
  gdouble scalar;
  UnetValue *factors[MAX_FACTORS];
  guint n;
} Product;

static gboolean
add_factor (
    const UnetGraph *graph, UnetValue *value, gboolean top, Product *product)
{
  const UnetNode *node = value->producer;
  gboolean inner = node && !node->post_ops->len
      && (top || unet_pass_sole_consumer (graph, value));
  gdouble number;

  if (unet_pass_scalar (value, &number)) {
    product->scalar *= number;
    return TRUE;
  }
  if (inner && node->op == UNET_OP_Mul)
    return add_factor (graph, unet_node_input (node, 0), FALSE, product)
        && add_factor (graph, unet_node_input (node, 1), FALSE, product);
  if (inner && node->op == UNET_OP_Div
      && unet_pass_scalar (unet_node_input (node, 1), &number)) {
    product->scalar /= number;
    return add_factor (graph, unet_node_input (node, 0), FALSE, product);
  }
  if (product->n == MAX_FACTORS)
    return FALSE;
  product->factors[product->n++] = value;
  return TRUE;
}

/* gate = sigmoid (x), used here only */
static gboolean
is_sigmoid_of (
    const UnetGraph *graph, const UnetValue *gate, const UnetValue *x)
{
  const UnetNode *node = gate->producer;

  return node && node->op == UNET_OP_Sigmoid && !node->post_ops->len
      && unet_pass_sole_consumer (graph, gate)
      && unet_node_input (node, 0) == x;
}

/* gate = 1 + erf (x / sqrt 2), used here only */
static gboolean
is_erf_of (const UnetGraph *graph, const UnetValue *gate, const UnetValue *x)
{
  const UnetNode *add = gate->producer, *erf;
  Product argument = { 1, { NULL }, 0 };
  UnetValue *inner;
  gdouble one;

  if (!add || add->op != UNET_OP_Add || add->post_ops->len
      || !unet_pass_sole_consumer (graph, gate)
      || !unet_pass_scalar_operand (add, &inner, &one) || one != 1)
    return FALSE;
  erf = inner->producer;
  if (!erf || erf->op != UNET_OP_Erf || erf->post_ops->len
      || !unet_pass_sole_consumer (graph, inner))
    return FALSE;
  return unet_pass_sole_consumer (graph, unet_node_input (erf, 0))
      && add_factor (graph, unet_node_input (erf, 0), FALSE, &argument)
      && argument.n == 1 && argument.factors[0] == x
      && fabs (argument.scalar - 1 / G_SQRT2) < 1e-5;
}

static gboolean
match (const UnetGraph *graph, const UnetNode *node, UnetValue **x,
    UnetPostOp *post)
{
  Product product = { 1, { NULL }, 0 };

  *post = (UnetPostOp){ UNET_POST_SWISH, 1, 0, NULL };
  if (!add_factor (graph, unet_node_output (node, 0), TRUE, &product)
      || product.n != 2)
    return FALSE;
  for (guint i = 0; i < 2; i++) {
    UnetValue *gate = product.factors[1 - i];
    *x = product.factors[i];
    if (product.scalar == 1 && is_sigmoid_of (graph, gate, *x))
      return TRUE;
    if (fabs (product.scalar - 0.5) < 1e-6 && is_erf_of (graph, gate, *x)) {
      post->kind = UNET_POST_GELU_ERF;
      post->alpha = 0;
      return TRUE;
    }
  }
  return FALSE;
}

/* Returns the node that can apply the function to @x, or %NULL. Transposes and
 * reshapes between that node and @x keep every element, so the function may
 * come before them. */
static UnetNode *
find_carrier (const UnetGraph *graph, const UnetValue *x)
{
  UnetNode *node = x->producer;

  while (node && !unet_pass_takes_post_ops (node)) {
    gboolean moves = node->op == UNET_OP_Transpose
        || unet_op_has (node->op, UNET_OP_RENAMES);
    const UnetValue *input = unet_node_input (node, 0);

    if (!moves || node->post_ops->len || !input
        || !unet_pass_sole_consumer (graph, input))
      return NULL;
    node = input->producer;
  }
  return node;
}

/* Checks that only the two paths between @x and @last read x: the gate and
 * the product. */
static gboolean
absorb (UnetGraph *graph, UnetNode *last)
{
  UnetNode *carrier;
  UnetValue *x;
  UnetPostOp post;

  if ((last->op != UNET_OP_Mul && last->op != UNET_OP_Div)
      || last->post_ops->len || !match (graph, last, &x, &post)
      || x->consumers->len != 2 || unet_graph_is_output (graph, x))
    return FALSE;
  carrier = find_carrier (graph, x);
  if (!carrier)
    return FALSE;
  unet_node_add_post_op (carrier, &post);
  unet_pass_merge (graph, x->producer, last);
  return TRUE;
}

gboolean
unet_pass_self_gate (UnetGraph *graph)
{
  gboolean changed = FALSE;

  /* Backwards, so that the whole product is seen before its parts. */
  for (guint i = graph->nodes->len; i-- > 0;)
    if (i < graph->nodes->len)
      changed |= absorb (graph, g_ptr_array_index (graph->nodes, i));
  unet_pass_dead_code (graph);
  return changed;
}
